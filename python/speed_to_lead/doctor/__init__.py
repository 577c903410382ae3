"""``speed-to-lead doctor``: everything the sidecar needs, tried one by one, each with what to do."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from speed_to_lead.doctor.finding import Doubt, Finding, Level, Unwell, tried
from speed_to_lead.doctor.setup import guards, limits, mail, members
from speed_to_lead.errors import SpeedToLeadError
from speed_to_lead.ids import LeadId
from speed_to_lead.ledger import Ledger
from speed_to_lead.policy import load_policy
from speed_to_lead.pubsub import topics_of
from speed_to_lead.salesforce import Salesforce
from speed_to_lead.salesforce.people import People
from speed_to_lead.salesforce.records import Records
from speed_to_lead.settings import Settings

__all__ = ["Doctor", "Finding", "Level"]

_SKEW_SECONDS = 30
_NO_LEAD = LeadId("00Q000000000000AAA")
"""The id of no Lead: asking for it shows which fields may be read."""
_LOW_DISK_BYTES = 200 * 1024 * 1024
_WRITTEN = (
    "First_Response_At__c",
    "First_Response_User__c",
    "First_Response_Source__c",
    "Owner_Assigned_At__c",
    "Response_Clock_Started_At__c",
    "Response_Due_At__c",
    "Response_Segment__c",
    "Policy_Version__c",
    "OwnerId",
)


_EVERYBODY_TRANSFERS = frozenset({"ReadEditTransfer", "All"})
"""Values of ``Organization.DefaultLeadAccess``; all others leave some Leads out of reach."""
_SHARED = {"None": "Private", "Read": "Public Read Only", "Edit": "Public Read/Write"}
"""What Setup calls the others."""


class Doctor:
    """Tries what `run` needs, in the order in which it needs it; later checks need earlier ones."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def findings(self) -> AsyncIterator[Finding]:
        """Yield a finding for each check; stops at the first without which the rest makes no sense."""
        yield await tried("policy", self._policy)
        try:
            salesforce = await Salesforce.connect(self._settings)
        except SpeedToLeadError as error:
            yield Finding("login", Level.FAILED, str(error))
            return
        try:
            token = await salesforce.token()
            yield Finding("login", Level.OK, f"org {token.org_id} at {token.instance_url}")
            for name, check in (
                ("version", lambda: self._version(salesforce)),
                ("clock", lambda: self._clock(salesforce)),
                ("limits", lambda: limits(salesforce)),
                ("fields", lambda: self._fields(salesforce)),
                ("sharing", lambda: self._sharing(salesforce)),
                ("activities", lambda: self._activities(salesforce)),
                ("mail", lambda: mail(salesforce)),
                ("guards", lambda: guards(salesforce)),
                ("owners", lambda: self._owners(salesforce)),
                ("people", lambda: self._people(salesforce)),
                ("events", lambda: self._events(salesforce)),
                ("channel", lambda: members(salesforce)),
            ):
                yield await tried(name, check)
            yield await tried("ledger", self._ledger)
        finally:
            await salesforce.close()

    async def _policy(self) -> str:
        policy = load_policy(self._settings.policy)
        return f"version {policy.version}, {policy.digest}"

    async def _version(self, salesforce: Salesforce) -> str:
        spoken, ours = await salesforce.versions(), self._settings.api_version
        if ours not in spoken:
            raise Unwell(
                f"the org does not speak version {ours} of the REST API, but {spoken[0]} to "
                f"{spoken[-1]}: set SPEED_TO_LEAD_API_VERSION"
            )
        return f"version {ours} of the REST API, the newest is {spoken[-1]}"

    async def _clock(self, salesforce: Salesforce) -> str:
        seconds = round(salesforce.skew.total_seconds())
        if abs(seconds) > _SKEW_SECONDS:
            raise Doubt(
                f"this machine's clock is {abs(seconds)} s {'behind' if seconds > 0 else 'ahead of'} the "
                "org's: no number depends on it, but logins by JWT do; let NTP set it"
            )
        return f"this machine's clock is within {_SKEW_SECONDS} s of the org's"

    async def _fields(self, salesforce: Salesforce) -> str:
        fields = {f["name"]: f for f in (await salesforce.describe("Lead"))["fields"]}
        unwritable = [name for name in _WRITTEN if not fields.get(name, {}).get("updateable")]
        if unwritable:
            raise Unwell(
                f"Lead.{', Lead.'.join(unwritable)} cannot be written: deploy the package and assign "
                "the permission set Speed_to_Lead_Sidecar"
            )
        await Records(salesforce, load_policy(self._settings.policy)).leads([_NO_LEAD])
        return (
            f"all {len(_WRITTEN)} fields of Lead can be written, and all that is judged by be read"
        )

    async def _sharing(self, salesforce: Salesforce) -> str:
        """Leads of others must be edited and given away; the org's default for Leads may forbid it.

        Source: Salesforce Help, "Organization-Wide Sharing Defaults" and "Transfer Records".
        """
        [org] = await salesforce.query("SELECT DefaultLeadAccess FROM Organization")
        default = org["DefaultLeadAccess"]
        shared = _SHARED.get(default, default)
        if default in _EVERYBODY_TRANSFERS:
            return "everybody may edit and transfer every Lead"
        token = await salesforce.token()
        granted = await salesforce.query(
            "SELECT Id FROM ObjectPermissions WHERE SobjectType = 'Lead' AND "
            "PermissionsModifyAllRecords = true AND ParentId IN (SELECT PermissionSetId FROM "
            f"PermissionSetAssignment WHERE AssigneeId = '{token.user_id}') LIMIT 1"
        )
        if not granted:
            raise Unwell(
                f"Leads are {shared}, so this user cannot edit or transfer all of them: assign "
                "the permission set Speed_to_Lead_Sidecar_Private_Sharing"
            )
        return f"Leads are {shared}, and this user may modify all of them"

    async def _activities(self, salesforce: Salesforce) -> str:
        for entity in ("Task", "EmailMessage", "EmailMessageRelation"):
            await salesforce.query(f"SELECT Id FROM {entity} LIMIT 1")
        return "Task, EmailMessage and EmailMessageRelation can be read"

    async def _owners(self, salesforce: Salesforce) -> str:
        owners = await People(salesforce, load_policy(self._settings.policy)).owners()
        return f"all {len(owners)} owners of the policy are in the org"

    async def _people(self, salesforce: Salesforce) -> str:
        """Names in a policy that mean nobody do nothing, in silence."""
        response = load_policy(self._settings.policy).response
        named = {*response.automation_users, *response.trusted_loggers, *response.scheduler_users}
        unknown = await People(salesforce, load_policy(self._settings.policy)).unknown(named)
        if unknown:
            raise Doubt(
                f"the policy's response names {', '.join(sorted(unknown))}, which no user of the org is: "
                "correct the name, or take it out"
            )
        return f"all {len(named)} users that the policy treats in a way of their own are in the org"

    async def _events(self, salesforce: Salesforce) -> str:
        topics = await topics_of(
            self._settings.pubsub_endpoint,
            ca_file=self._settings.ca_file,
            token=salesforce.token,
            channel=self._settings.channel,
        )
        return f"may subscribe to {', '.join(topics)}"

    async def _ledger(self) -> str:
        path = self._settings.ledger
        folder = path.resolve().parent
        if not os.access(folder, os.W_OK):
            raise Unwell(f"{folder} cannot be written: set SPEED_TO_LEAD_LEDGER")
        free = shutil.disk_usage(folder).free
        if free < _LOW_DISK_BYTES:
            raise Unwell(f"only {free // 2**20} MiB are free beside {path}")
        return _held(path) if path.exists() else f"{path} will be made"


def _held(path: Path) -> str:
    """Return what a ledger holds.

    :raises Unwell: it is damaged.
    """
    ledger = Ledger.read(path)
    try:
        broken, held = ledger.integrity(), ledger.counts()
    finally:
        ledger.close()
    if broken:
        raise Unwell(f"{path} is damaged ({broken[0]}): restore a backup or start a new one")
    return f"{path}: " + ", ".join(f"{count} {name}" for name, count in held.items())
