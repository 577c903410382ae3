"""What was decided, in the form that can be re-executed: inputs, output, trace, a deterministic id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from speed_to_lead.flywheel import FIRST_TOUCH, ROUTE, decision_id, line
from speed_to_lead.ids import LeadId, OrgId
from speed_to_lead.model import JSON, Decision, Evidence, Rejection
from speed_to_lead.pipeline.collect import Cause
from speed_to_lead.pipeline.decide import Correction, Judgement, Routing, Verdict
from speed_to_lead.pipeline.write import Outcome, Part, Written, text
from speed_to_lead.policy import Policy
from speed_to_lead.routing import inputs_of


@dataclass(frozen=True, slots=True)
class Recorder:
    """Writes decisions down for one org under one policy."""

    org_id: OrgId
    policy: Policy
    client_id: str
    """The deployment, in flywheel records."""

    def line(self, decision: Decision) -> tuple[str, bytes]:
        """Return a decision's flywheel record for the outbox, by its id."""
        return decision.decision_id, line(decision, self.org_id, self.client_id)

    def decisions(
        self, lead_id: LeadId, verdict: Verdict, written: Mapping[tuple[LeadId, Part], Written]
    ) -> Iterator[Decision]:
        """Yield the decisions on one Lead; those the org failed to take are left for another try."""
        routing, outcome = verdict.routing, written.get((lead_id, Part.ROUTING))
        if routing is not None and (outcome is None or outcome.outcome is not Outcome.FAILED):
            yield self._route(verdict, routing, outcome)
        stamped = written.get((lead_id, Part.STAMP))
        for judgement, cause in verdict.judged:
            yield self._touch(verdict, judgement, cause, stamped)
        if verdict.correction is not None:
            yield self._correct(verdict, verdict.correction, stamped)

    def _route(self, verdict: Verdict, routing: Routing, written: Written | None) -> Decision:
        lead, routed = verdict.lead, routing.routed
        told = {Outcome.DENIED_CONVERTED, Outcome.DRY_RUN}
        denied = written.outcome if written is not None and written.outcome in told else None
        keeps = routing.target is None or routing.outcome == "claimed"
        return Decision(
            workload=ROUTE,
            lead_id=lead.id,
            cause_key=_FIRST_ROUTING,
            decision_id=self._id(ROUTE, lead.id, _FIRST_ROUTING),
            at=lead.created_at if routing.arrival.snapshot else routing.arrival.at,
            policy_version=self.policy.version,
            policy_digest=self.policy.digest,
            outcome=denied.value if denied else routing.outcome,
            inputs=inputs_of(lead),
            output={
                "route": routed.route,
                "segment": routed.segment,
                "region": routed.region,
                "owner_id": lead.owner_id if keeps else routing.target,
                "previous_owner_id": routing.arrival.owner_id or lead.owner_id,
                "event_id": routing.arrival.key,
            },
            trace=(*routed.trace, *routing.fell_back),
        )

    def _touch(
        self, verdict: Verdict, judgement: Judgement, cause: Cause, stamped: Written | None
    ) -> Decision:
        lowers = verdict.stamp is not None and verdict.correction is None
        writes = lowers and judgement is verdict.best
        fact = _fact(judgement)
        return Decision(
            workload=FIRST_TOUCH,
            lead_id=verdict.lead.id,
            cause_key=fact,
            decision_id=self._id(FIRST_TOUCH, verdict.lead.id, fact),
            at=_moment(verdict, judgement, cause),
            policy_version=self.policy.version,
            policy_digest=self.policy.digest,
            outcome=_outcome(judgement, stamped) if writes else _without_write(judgement),
            inputs={**_told(verdict, judgement), "prior_seconds": _prior_seconds(verdict)},
            output={
                "verdict": "stamp" if writes else "keep",
                "record_id": judgement.record_id,
                "at": text(judgement.at) if isinstance(judgement, Evidence) else None,
                "user_id": judgement.user if isinstance(judgement, Evidence) else None,
                "event_id": cause.key,
                **(_open_time(verdict) if writes else {}),
            },
            trace=(),
        )

    def _correct(
        self, verdict: Verdict, correction: Correction, written: Written | None
    ) -> Decision:
        """Return the record of a stamp that rises: from what, to what, why, and whose doing it was."""
        old, new, cause = correction.old, correction.new, correction.cause
        fact = f"correction:{_fact(old)}:{cause.key}"
        done = written is not None and written.outcome is Outcome.DONE
        outcome = "corrected" if done or written is None else written.outcome.value
        after = None if new is None else new.at
        return Decision(
            workload=FIRST_TOUCH,
            lead_id=verdict.lead.id,
            cause_key=fact,
            decision_id=self._id(FIRST_TOUCH, verdict.lead.id, fact),
            at=cause.at,
            policy_version=self.policy.version,
            policy_digest=self.policy.digest,
            outcome=outcome,
            inputs={
                **_told(verdict, old),
                "reason": correction.why,
                "record_left": None if new is None else _kind(new.record_id),
                "seconds_left": None if new is None else _seconds(verdict, new),
            },
            output={
                "verdict": "correct",
                "record_id": old.record_id,
                "was": text(old.at),
                "at": None if after is None else text(after),
                "left_id": None if new is None else new.record_id,
                "user_id": None if new is None else new.user,
                "by": cause.by or None,
                "event_id": cause.key,
                **_open_time(verdict),
            },
            trace=(),
        )

    def _id(self, workload: str, lead_id: LeadId, fact: str) -> str:
        return decision_id(self.org_id, workload, lead_id, fact, self.policy.digest)


_KINDS = {"00T": "Task", "02s": "EmailMessage", "00U": "Event", "00Q": "Lead"}
_FIRST_ROUTING = "1:1"
"""Episode and sequence: a Lead is routed once."""


def _open_time(verdict: Verdict) -> dict[str, JSON]:
    """Return the arithmetic of business time, with what tells the hours that were meant."""
    return {
        "calendar": verdict.calendar.name,
        "calendar_digest": verdict.calendar.digest,
        "business_minutes": verdict.business_minutes,
    }


def _fact(judgement: Judgement) -> str:
    """Return what was judged, not how we heard of it: stream and backfill name the same fact."""
    if isinstance(judgement, Rejection):
        return f"{judgement.record_id}:{judgement.reason}"
    return f"{judgement.record_id}:{int(judgement.at.timestamp())}"


def _told(verdict: Verdict, judgement: Judgement) -> dict[str, JSON]:
    """Return what the judgement rests on: nothing personal, and the same at each delivery."""
    kind = _kind(judgement.record_id)
    if isinstance(judgement, Rejection):
        return {"record": kind, "reason": judgement.reason.value}
    return {
        "record": kind,
        "source": judgement.source.value,
        "seconds": _seconds(verdict, judgement),
        "grade": judgement.grade and judgement.grade.value,
        "flags": list(judgement.flags),
    }


def _kind(record_id: str) -> str:
    return _KINDS[record_id[:3]]


def _seconds(verdict: Verdict, evidence: Evidence) -> int:
    return round((evidence.at - verdict.clock.at).total_seconds())


def _prior_seconds(verdict: Verdict) -> int | None:
    stamp = verdict.lead.stamp
    return None if stamp is None else round((stamp.at - verdict.clock.at).total_seconds())


def _moment(verdict: Verdict, judgement: Judgement, cause: Cause) -> datetime:
    if not cause.snapshot:
        return cause.at
    return judgement.at if isinstance(judgement, Evidence) else verdict.lead.created_at


def _outcome(judgement: Judgement, stamped: Written | None) -> str:
    if stamped is None:
        return _without_write(judgement)
    return "stamped" if stamped.outcome is Outcome.DONE else stamped.outcome.value


def _without_write(judgement: Judgement) -> str:
    return "rejected" if isinstance(judgement, Rejection) else "kept"
