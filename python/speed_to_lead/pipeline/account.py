"""Step 5, commit: what a batch came to, as effects for the ledger and as numbers for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from speed_to_lead.first_response import response_time
from speed_to_lead.flywheel import ROUTE
from speed_to_lead.ids import LeadId
from speed_to_lead.ledger import Effects, QuarantineEntry
from speed_to_lead.model import ANSWERS, Evidence, Lead
from speed_to_lead.pipeline.decide import Verdict, Verdicts
from speed_to_lead.pipeline.decisions import Recorder
from speed_to_lead.pipeline.write import Outcome, Part, Written

Results = Mapping[tuple[LeadId, Part], Written]


@dataclass(slots=True)
class Handled:
    """What a batch came to, in numbers."""

    changes: int = 0
    routed: int = 0
    stamped: int = 0
    refused: int = 0
    failed: int = 0
    quarantined: int = 0
    outcomes: list[tuple[str, str]] = field(default_factory=list)
    """Workload and outcome of every decision."""
    response_seconds: list[float] = field(default_factory=list)
    """Times to first response that were stamped."""
    assignment_seconds: list[float] = field(default_factory=list)
    """Assignment latencies that were stamped."""

    def add(self, other: Handled) -> None:
        """Take another batch's numbers along."""
        self.changes += other.changes
        self.routed += other.routed
        self.stamped += other.stamped
        self.refused += other.refused
        self.failed += other.failed
        self.quarantined += other.quarantined


def account(
    recorder: Recorder,
    verdicts: Verdicts,
    written: Results,
    *,
    fresh: Mapping[LeadId, Lead],
    effects: Effects,
    handled: Handled,
) -> None:
    """Fill in effects and numbers; ``fresh`` are Leads read again because their stamp was refused."""
    for lead_id, verdict in verdicts.leads.items():
        effects.holds += [(lead_id, hold) for hold in verdict.holds]
        effects.inquiries += [(lead_id, at) for at in sorted(verdict.inquiries)]
        effects.leads.append(fresh.get(lead_id) or _after(recorder, lead_id, verdict, written))
        for judgement, _ in verdict.judged:
            if isinstance(judgement, Evidence):
                effects.evidence.append(judgement)
            else:
                effects.rejections.append(judgement)
        for decision in recorder.decisions(lead_id, verdict, written):
            effects.decisions.append(decision)
            effects.records.append(recorder.line(decision))
            handled.outcomes.append((decision.workload, decision.outcome))
        if verdict.business_minutes is not None:
            effects.calendars[verdict.calendar.digest] = verdict.calendar.said
        _observe(lead_id, verdict, written, handled)
    effects.rejections += verdicts.unlinked
    effects.withdrawn += verdicts.withdrawn
    failures = [(lead, w) for (lead, _), w in written.items() if w.outcome is Outcome.FAILED]
    effects.quarantined += [
        QuarantineEntry("", b"", "", b"", w.words, lead) for lead, w in failures
    ]
    handled.failed = len(failures)
    handled.refused = sum(w.outcome is Outcome.REFUSED for w in written.values())
    handled.stamped = sum(outcome == "stamped" for _, outcome in handled.outcomes)
    handled.routed = sum(workload == ROUTE for workload, _ in handled.outcomes)


def _is(lead_id: LeadId, part: Part, written: Results, outcome: Outcome) -> bool:
    found = written.get((lead_id, part))
    return found is not None and found.outcome is outcome


def _done(lead_id: LeadId, part: Part, written: Results) -> bool:
    return _is(lead_id, part, written, Outcome.DONE)


def _after(recorder: Recorder, lead_id: LeadId, verdict: Verdict, written: Results) -> Lead:
    """Return the Lead as it is after our writes."""
    lead, version = verdict.lead, recorder.policy.version
    if _done(lead_id, Part.ROUTING, written):
        routing = verdict.routing
        if routing is not None:
            owner = routing.target if routing.outcome == "assigned" else None
            lead = replace(lead, policy_version=version, owner_id=owner or lead.owner_id)
        if verdict.assigned_at is not None:
            lead = replace(lead, owner_assigned_at=verdict.assigned_at)
        if verdict.started_at is not None:
            lead = replace(lead, clock_started_at=verdict.started_at)
        if verdict.promise is not None:
            lead = replace(lead, due_at=verdict.promise.due_at)
    elif (
        verdict.started_at is not None and lead.is_converted
    ):  # denied: the ledger alone can keep it
        lead = replace(lead, clock_started_at=verdict.started_at)
    if _done(lead_id, Part.STAMP, written):
        lead = replace(lead, stamp=verdict.stamp, policy_version=version)
    elif _is(
        lead_id, Part.STAMP, written, Outcome.DENIED_CONVERTED
    ):  # the ledger alone can keep it
        lead = replace(lead, stamp=verdict.stamp)
    return lead


def _observe(lead_id: LeadId, verdict: Verdict, written: Results, handled: Handled) -> None:
    stamp, assigned_at = verdict.stamp, verdict.assigned_at
    if stamp and stamp.source in ANSWERS and _done(lead_id, Part.STAMP, written):
        seconds = response_time(verdict.clock, stamp.at).total_seconds()
        handled.response_seconds.append(seconds)
    if assigned_at and _done(lead_id, Part.ROUTING, written):
        handled.assignment_seconds.append(
            max(0.0, (assigned_at - verdict.clock.at).total_seconds())
        )
