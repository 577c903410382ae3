"""Step 4, write: one row a Lead, up to 200 rows a call, results by index; the org has the last word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from speed_to_lead.ids import LeadId
from speed_to_lead.model import JSON
from speed_to_lead.pipeline.decide import Verdict
from speed_to_lead.salesforce import Salesforce, SaveOutcome


class Outcome(StrEnum):
    """What became of a part of a write (facts/ttfr.md 7.5)."""

    DONE = "done"
    REFUSED = "refused"
    """STL-001 or STL-004: somebody was earlier. The rule did its work; this is no error."""
    DENIED_CONVERTED = "denied_converted"
    DELETED = "deleted"
    """The Lead has gone since it was read; its own event will tell."""
    FAILED = "failed"


class Part(StrEnum):
    """What a row is made of; a row that fails is written again part by part."""

    ROUTING = "routing"
    STAMP = "stamp"


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of one part, with the org's own words where it was not done."""

    outcome: Outcome
    words: str = ""


_CLEARED: Mapping[str, JSON] = {
    "First_Response_At__c": None,
    "First_Response_Source__c": None,
    "First_Response_User__c": None,
    "Business_Minutes_to_First_Response__c": None,
}
"""What a Lead says when nothing is left of what it was stamped for."""


def text(moment: datetime) -> str:
    """Return an instant as the REST API takes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def parts(verdict: Verdict, policy_version: str) -> dict[Part, dict[str, JSON]]:
    """Return what must be written to the Lead: nothing, its routing, its stamp or both."""
    rows = {
        Part.ROUTING: _routing(verdict, policy_version),
        Part.STAMP: _stamp(verdict, policy_version),
    }
    return {part: row for part, row in rows.items() if row}


def _routing(verdict: Verdict, policy_version: str) -> dict[str, JSON]:
    row: dict[str, JSON] = {}
    routing, lead = verdict.routing, verdict.lead
    if routing is not None:
        row["Policy_Version__c"] = policy_version
        if routing.outcome == "assigned" and routing.target != lead.owner_id:
            row["OwnerId"] = routing.target
    if verdict.started_at is not None:
        row["Response_Clock_Started_At__c"] = text(verdict.started_at)
    if verdict.assigned_at is not None:
        row["Owner_Assigned_At__c"] = text(verdict.assigned_at)
    if verdict.promise is not None:
        row["Response_Due_At__c"] = text(verdict.promise.due_at)
        row["Response_Segment__c"] = verdict.promise.segment
    if verdict.stamp is None and verdict.business_minutes is not None:
        row["Business_Minutes_to_First_Response__c"] = verdict.business_minutes
    return row


def _stamp(verdict: Verdict, policy_version: str) -> dict[str, JSON]:
    if verdict.stamp is None:
        return (
            {} if verdict.correction is None else {**_CLEARED, "Policy_Version__c": policy_version}
        )
    return {
        "First_Response_At__c": text(verdict.stamp.at),
        "First_Response_Source__c": verdict.stamp.source.value,
        "First_Response_User__c": verdict.stamp.user,
        "Business_Minutes_to_First_Response__c": verdict.business_minutes,
        "Policy_Version__c": policy_version,
    }


async def write(
    salesforce: Salesforce, verdicts: Mapping[LeadId, Verdict], policy_version: str
) -> dict[tuple[LeadId, Part], Written]:
    """Write every verdict; return what became of each part. Repeating it changes nothing.

    :raises OrgUnavailable: the org did not take it; part may be done, and is done again next time.
    """
    wanted = {lead: found for lead, v in verdicts.items() if (found := parts(v, policy_version))}
    written: dict[tuple[LeadId, Part], Written] = {}
    whole = {lead: _merged(found.values()) for lead, found in wanted.items()}
    again: list[LeadId] = []
    for lead, saved in (await _update(salesforce, whole)).items():
        if len(wanted[lead]) > 1 and not saved.success:
            again.append(lead)
        else:
            written |= {(lead, part): _outcome(saved) for part in wanted[lead]}
    for part in Part:
        rows = {lead: wanted[lead][part] for lead in again}
        results = await _update(salesforce, rows)
        written |= {(lead, part): _outcome(saved) for lead, saved in results.items()}
    return written


def _merged(rows: Iterable[Mapping[str, JSON]]) -> dict[str, JSON]:
    return {name: value for row in rows for name, value in row.items()}


async def _update(
    salesforce: Salesforce, rows: Mapping[LeadId, Mapping[str, JSON]]
) -> dict[LeadId, SaveOutcome]:
    if not rows:
        return {}
    saved = await salesforce.update("Lead", [{"Id": lead, **row} for lead, row in rows.items()])
    return dict(zip(rows, saved, strict=True))


def _outcome(saved: SaveOutcome) -> Written:
    if saved.success:
        return Written(Outcome.DONE)
    words = f"{saved.code}: {saved.message}"
    if saved.refused:
        return Written(Outcome.REFUSED, words)
    if saved.converted:
        return Written(Outcome.DENIED_CONVERTED, words)
    if saved.code == "ENTITY_IS_DELETED":
        return Written(Outcome.DELETED, words)
    return Written(Outcome.FAILED, words)
