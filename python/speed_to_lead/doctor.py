"""``speed-to-lead doctor``: everything the sidecar needs, tried one by one, each with what to do."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from speed_to_lead.errors import SpeedToLeadError
from speed_to_lead.ledger import Ledger
from speed_to_lead.policy import load_policy
from speed_to_lead.pubsub import topics_of
from speed_to_lead.salesforce import Salesforce
from speed_to_lead.salesforce.records import Records
from speed_to_lead.settings import Settings

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


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried."""

    name: str
    good: bool
    words: str


class Doctor:
    """Tries what `run` needs, in the order in which it needs it; later checks need earlier ones."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def findings(self) -> AsyncIterator[Finding]:
        """Yield a finding for each check; stops at the first without which the rest makes no sense."""
        yield await _tried("policy", self._policy)
        try:
            salesforce = await Salesforce.connect(self._settings)
        except SpeedToLeadError as error:
            yield Finding("login", good=False, words=str(error))
            return
        try:
            token = await salesforce.token()
            yield Finding("login", good=True, words=f"org {token.org_id} at {token.instance_url}")
            for name, check in (
                ("fields", lambda: self._fields(salesforce)),
                ("sharing", lambda: self._sharing(salesforce)),
                ("activities", lambda: self._activities(salesforce)),
                ("owners", lambda: self._owners(salesforce)),
                ("events", lambda: self._events(salesforce)),
            ):
                yield await _tried(name, check)
            yield await _tried("ledger", self._ledger)
        finally:
            await salesforce.close()

    async def _policy(self) -> str:
        policy = load_policy(self._settings.policy)
        return f"version {policy.version}, {policy.digest}"

    async def _fields(self, salesforce: Salesforce) -> str:
        fields = {f["name"]: f for f in (await salesforce.describe("Lead"))["fields"]}
        unwritable = [name for name in _WRITTEN if not fields.get(name, {}).get("updateable")]
        if unwritable:
            raise _Unwell(
                f"Lead.{', Lead.'.join(unwritable)} cannot be written: deploy the package and assign "
                "the permission set Speed_to_Lead_Sidecar"
            )
        return f"all {len(_WRITTEN)} fields of Lead can be written"

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
            raise _Unwell(
                f"Leads are {shared}, so this user cannot edit or transfer all of them: assign "
                "the permission set Speed_to_Lead_Sidecar_Private_Sharing"
            )
        return f"Leads are {shared}, and this user may modify all of them"

    async def _activities(self, salesforce: Salesforce) -> str:
        for entity in ("Task", "EmailMessage", "EmailMessageRelation"):
            await salesforce.query(f"SELECT Id FROM {entity} LIMIT 1")
        return "Task, EmailMessage and EmailMessageRelation can be read"

    async def _owners(self, salesforce: Salesforce) -> str:
        owners = await Records(salesforce, load_policy(self._settings.policy)).owners()
        return f"all {len(owners)} owners of the policy are in the org"

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
            raise _Unwell(f"{folder} cannot be written: set SPEED_TO_LEAD_LEDGER")
        free = shutil.disk_usage(folder).free
        if free < _LOW_DISK_BYTES:
            raise _Unwell(f"only {free // 2**20} MiB are free beside {path}")
        return _held(path) if path.exists() else f"{path} will be made"


def _held(path: Path) -> str:
    """Return what a ledger holds.

    :raises _Unwell: it is damaged.
    """
    ledger = Ledger.read(path)
    try:
        broken, held = ledger.integrity(), ledger.counts()
    finally:
        ledger.close()
    if broken:
        raise _Unwell(f"{path} is damaged ({broken[0]}): restore a backup or start a new one")
    return f"{path}: " + ", ".join(f"{count} {name}" for name, count in held.items())


class _Unwell(SpeedToLeadError):
    """A check that failed, with what to do."""


async def _tried(name: str, check: Callable[[], Awaitable[str]]) -> Finding:
    try:
        return Finding(name, good=True, words=await check())
    except SpeedToLeadError as error:
        return Finding(name, good=False, words=str(error))
