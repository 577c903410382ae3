"""Step 4, write: one row a Lead, up to 200 rows a call, results by index; the org has the last word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from speed_to_lead.ids import LeadId
from speed_to_lead.model import JSON
from speed_to_lead.pipeline.decide import Verdict
from speed_to_lead.pipeline.guard import Guard
from speed_to_lead.salesforce import ROWS_PER_CALL, Salesforce, SaveOutcome


class Outcome(StrEnum):
    """What became of a part of a write (facts/ttfr.md 7.5)."""

    DONE = "done"
    REFUSED = "refused"
    """STL-001 or STL-004: somebody was earlier. The rule did its work; this is no error."""
    DENIED_CONVERTED = "denied_converted"
    DRY_RUN = "dry_run"
    """Nothing is written in a dry run."""
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


@dataclass(frozen=True, slots=True)
class Writer:
    """The only writer to the org."""

    salesforce: Salesforce
    guard: Guard
    dry_run: bool = False

    async def write(
        self, verdicts: Mapping[LeadId, Verdict], policy_version: str
    ) -> dict[tuple[LeadId, Part], Written]:
        """Write every verdict; return what became of each part. Repeating it changes nothing.

        An owner who cannot have a Lead gives way to that of the route above: no Lead stays unrouted.

        :raises OrgUnavailable: the org did not take it; part may be done, and is done again next time.
        :raises WritesStopped: most writes fail.
        """
        wanted = {
            lead: found for lead, v in verdicts.items() if (found := parts(v, policy_version))
        }
        if self.dry_run:
            nothing = Written(Outcome.DRY_RUN)
            return {(lead, part): nothing for lead, found in wanted.items() for part in found}
        if not wanted:
            return {}
        self.guard.check()
        written: dict[tuple[LeadId, Part], Written] = {}
        whole = {lead: _merged(found.values()) for lead, found in wanted.items()}
        again: list[LeadId] = []
        for lead, saved in (await self._update(whole)).items():
            alone = len(wanted[lead]) == 1 and not saved.bad_owner
            if saved.success or alone:
                written |= {(lead, part): _outcome(saved) for part in wanted[lead]}
            else:
                again.append(lead)
        for part in Part:
            rows = {lead: wanted[lead][part] for lead in again if part in wanted[lead]}
            results = await self._update(rows)
            if part is Part.ROUTING:
                await self._fall_back(verdicts, rows, results)
            written |= {(lead, part): _outcome(saved) for lead, saved in results.items()}
        self.guard.fates([each.outcome is Outcome.FAILED for each in written.values()])
        return written

    async def _fall_back(
        self,
        verdicts: Mapping[LeadId, Verdict],
        rows: Mapping[LeadId, Mapping[str, JSON]],
        results: dict[LeadId, SaveOutcome],
    ) -> None:
        """Give Leads whose owner the org refuses to the owner of the route above, and so on up."""
        while True:
            others: dict[LeadId, Mapping[str, JSON]] = {}
            for lead, saved in results.items():
                routing = verdicts[lead].routing
                if not saved.bad_owner or routing is None or not routing.fallbacks:
                    continue
                (name, owner), *rest = routing.fallbacks
                step: dict[str, JSON] = {
                    "route": name,
                    "matched": True,
                    "why": f"{saved.code} of {routing.target}",
                }
                verdicts[lead].routing = replace(
                    routing,
                    target=owner,
                    fallbacks=tuple(rest),
                    fell_back=(*routing.fell_back, step),
                )
                others[lead] = {**rows[lead], "OwnerId": owner}
            if not others:
                return
            results.update(await self._update(others))

    async def _update(self, rows: Mapping[LeadId, Mapping[str, JSON]]) -> dict[LeadId, SaveOutcome]:
        """Write rows, 200 a call; those that change owners wait for their turn."""
        saved: dict[LeadId, SaveOutcome] = {}
        ids = list(rows)
        for start in range(0, len(ids), ROWS_PER_CALL):
            part = ids[start : start + ROWS_PER_CALL]
            await self.guard.owner_changes(sum("OwnerId" in rows[lead] for lead in part))
            outcomes = await self.salesforce.update(
                "Lead", [{"Id": lead, **rows[lead]} for lead in part]
            )
            saved |= zip(part, outcomes, strict=True)
        return saved


def _merged(rows: Iterable[Mapping[str, JSON]]) -> dict[str, JSON]:
    return {name: value for row in rows for name, value in row.items()}


def _outcome(saved: SaveOutcome) -> Written:
    if saved.success:
        return Written(Outcome.DONE)
    if saved.refused:
        return Written(Outcome.REFUSED, saved.words)
    if saved.converted:
        return Written(Outcome.DENIED_CONVERTED, saved.words)
    if saved.code == "ENTITY_IS_DELETED":
        return Written(Outcome.DELETED, saved.words)
    return Written(Outcome.FAILED, saved.words)
