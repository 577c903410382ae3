"""Checks of what an org has set up: channel, rules, e-mail. What a user may not see is no failure."""

from __future__ import annotations

from typing import Any

from speed_to_lead.doctor.finding import Doubt, Unwell
from speed_to_lead.errors import OrgRefused, PermissionMissing
from speed_to_lead.salesforce import Salesforce

_GUARDS = {
    "First_Response_Only_Earlier": "STL-001",
    "First_Response_Is_Whole": "STL-002",
}
"""Validation rules without which a stamp may be raised or torn, each with its code."""
_CHANNEL, _MEMBERS = "SpeedToLead__chn", "SpeedToLead_chn_"
_HEARD = ("LeadChangeEvent", "TaskChangeEvent", "EmailMessageChangeEvent")
_MANY_LEFT = 10
"""Percent of a daily limit below which it is short."""
_LIMITS = {
    "DailyApiRequests": "REST calls",
    "DailyDeliveredPlatformEvents": "delivered events",
}


async def guards(salesforce: Salesforce) -> str:
    """Say whether the org refuses a later stamp by itself."""
    rows = await _seen(
        salesforce,
        "SELECT ValidationName, Active FROM ValidationRule "
        "WHERE EntityDefinition.QualifiedApiName = 'Lead'",
        "whether the guard rules are active",
    )
    active = {row["ValidationName"] for row in rows if row["Active"]}
    missing = [f"{name} ({code})" for name, code in _GUARDS.items() if name not in active]
    if missing:
        raise Unwell(
            f"the validation rules {', '.join(missing)} of Lead are not active: deploy the package, or "
            "activate them in Setup, else a later writer can raise a stamp"
        )
    return "the org itself refuses a later stamp and half a stamp"


async def members(salesforce: Salesforce) -> str:
    """Say whether the package's channel tells of all that is heard, and with which fields."""
    rows = await _seen(
        salesforce,
        "SELECT Id, DeveloperName, SelectedEntity FROM PlatformEventChannelMember",
        "which entities the channel tells of",
    )
    ours = [row for row in rows if str(row["DeveloperName"]).startswith(_MEMBERS)]
    if not ours:
        return "the package's channel is not there: the topics of each entity are heard"
    told = {str(row["SelectedEntity"]) for row in ours}
    lacking = [each for each in _HEARD if each not in told]
    if lacking:
        raise Unwell(f"{_CHANNEL} does not tell of {', '.join(lacking)}: deploy the package again")
    return f"{_CHANNEL} tells of {len(told)} entities, {await _enriched(salesforce, ours)}"


async def _enriched(salesforce: Salesforce, rows: list[dict[str, Any]]) -> str:
    """Say with how many fields a channel's events are enriched; metadata is shown one record at a time."""
    fields = 0
    for row in rows:
        soql = f"SELECT Metadata FROM PlatformEventChannelMember WHERE Id = '{row['Id']}'"
        try:
            [found] = await salesforce.query(soql, tooling=True)
        except (OrgRefused, PermissionMissing):
            return "enriched by what cannot be seen here: records are read anyway"
        fields += len((found["Metadata"] or {}).get("enrichedFields") or ())
    return f"enriched by {fields} fields"


async def mail(salesforce: Salesforce) -> str:
    """Say whether e-mails leave records that can be judged."""
    fields = {f["name"] for f in (await salesforce.describe("EmailMessage"))["fields"]}
    if "ActivityId" not in fields:
        raise Unwell(
            "EmailMessage has no ActivityId: turn on Enhanced Email in Setup, else mails sent from "
            "Salesforce are seen as Tasks only"
        )
    captured = await _captured(salesforce)
    if captured:
        raise Doubt(
            f"{captured} users may use Einstein Activity Capture: unless Sync Email as Salesforce Activity "
            "is on, their mails are no records, and these people will look slow"
        )
    sent = await salesforce.query("SELECT Id FROM EmailMessage WHERE Incoming = false LIMIT 1")
    if sent:
        return "Enhanced Email is on, and sent mails are records"
    told = await salesforce.query(
        "SELECT Id FROM Task WHERE TaskSubtype = 'Email' AND IsClosed = true LIMIT 1"
    )
    if told:
        raise Doubt(
            "mails are logged as Tasks and none as EmailMessage: they count, by the time at which they were "
            "logged; turn on Enhanced Email in Setup for their own time"
        )
    raise Doubt(
        "no sent mail is recorded: if people mail from Outlook or Gmail, Einstein Activity Capture may keep "
        "mails outside Salesforce, where they prove nothing; see 'Sync Email as Salesforce Activity'"
    )


async def _captured(salesforce: Salesforce) -> int:
    """Return how many users have a licence for Einstein Activity Capture, as far as can be seen."""
    try:
        rows = await salesforce.query(
            "SELECT UsedLicenses FROM PermissionSetLicense WHERE MasterLabel LIKE '%Activity Capture%'"
        )
    except (OrgRefused, PermissionMissing):
        return 0
    return sum(row["UsedLicenses"] or 0 for row in rows)


async def limits(salesforce: Salesforce) -> str:
    """Say how much of the org's day is left."""
    found = await salesforce.limits()
    told, short = [], []
    for name, words in _LIMITS.items():
        if name not in found:
            continue
        left, most = found[name]["Remaining"], found[name]["Max"]
        told.append(f"{left:,} of {most:,} {words} left today")
        if most and left * 100 < most * _MANY_LEFT:
            short.append(told[-1])
    if short:
        raise Doubt(f"only {'; '.join(short)}: the sidecar waits when none is left")
    return "; ".join(told)


async def _seen(salesforce: Salesforce, soql: str, what: str) -> list[dict[str, Any]]:
    """Return what the Tooling API shows.

    :raises Doubt: this user may not see it.
    """
    try:
        return await salesforce.query(soql, tooling=True)
    except (OrgRefused, PermissionMissing):
        raise Doubt(
            f"cannot tell {what}: this user may not view Setup; `cci task run preflight` as an "
            "administrator can"
        ) from None
