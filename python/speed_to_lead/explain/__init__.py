"""Why a Lead went where it went and says what it says: the ledger's records, re-executed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from speed_to_lead.calendars import Calendar
from speed_to_lead.episodes import Episode, episodes
from speed_to_lead.errors import UsageError
from speed_to_lead.first_response import ClockStart, behind, clock_start, stamp_of
from speed_to_lead.ids import lead_id
from speed_to_lead.ledger import KnownLead, Ledger
from speed_to_lead.model import Decision, Evidence, Lead, Rejection, Source
from speed_to_lead.ownership import Span, delay, spans
from speed_to_lead.policy import Policy
from speed_to_lead.routing import route

SAME = "same answer"
"""What a re-execution says when all is as it must be."""
_BUG = "DIFFERENT ANSWER under the same policy: this is a bug"


@dataclass(frozen=True, slots=True)
class Open:
    """The open time of a wait: the calendar that counted, and its stretches."""

    digest: str
    name: str
    minutes: float | None
    """As it was stamped."""
    stretches: list[tuple[datetime, datetime]]
    """Empty where the ledger does not know the calendar's hours."""

    @property
    def seconds(self) -> int:
        """Return the sum of the stretches."""
        return round(sum((end - start).total_seconds() for start, end in self.stretches))


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything the ledger holds of one Lead."""

    lead: Lead
    clock: ClockStart
    routing: Decision | None
    again: str
    """Whether the recorded inputs give the same route under the policy at hand."""
    evidence: list[tuple[Evidence, bool]]
    """With whether it was withdrawn; the smallest first."""
    rejections: list[Rejection]
    episodes: list[Episode]
    stamp_again: str
    """Whether the evidence gives the stamp again."""
    touches: list[Decision]
    held: list[Span]
    """Who had it until its answer, or for as long as the ledger knows of it."""
    open: Open | None
    """How much of its wait was open time; ``None`` before it was answered."""

    def as_json(self) -> dict[str, Any]:
        """Return the explanation as plain JSON."""
        stamp = self.lead.stamp
        return {
            "lead_id": self.lead.id,
            "created_at": text(self.lead.created_at),
            "clock": {"started_at": text(self.clock.at), "flags": list(self.clock.flags)},
            "due_at": self.lead.due_at and text(self.lead.due_at),
            "converted_at": self.lead.converted_at and text(self.lead.converted_at),
            "stamp": stamp
            and {"at": text(stamp.at), "source": stamp.source.value, "user_id": stamp.user},
            "stamp_re_executed": self.stamp_again,
            "routing": self.routing and _decision(self.routing),
            "re_executed": self.again,
            "evidence": [_evidence(e) | {"withdrawn": gone} for e, gone in self.evidence],
            "rejections": [
                {"record_id": r.record_id, "reason": r.reason.value} for r in self.rejections
            ],
            "episodes": [_episode(each) for each in self.episodes],
            "decisions": [_decision(d) for d in self.touches],
            "held": [_held(span) for span in self.held],
            "system_seconds": delay(self.held).system_seconds,
            "human_seconds": delay(self.held).human_seconds,
            "open": self.open and _open_time(self.open),
        }


def explain(ledger_file: Path, lead: str, policy: Policy) -> Explanation:
    """Return what the ledger knows of a Lead.

    :raises UsageError: ``lead`` is no Lead id, or the ledger has never heard of it.
    """
    wanted = lead_id(lead)
    ledger = Ledger.read(ledger_file)
    try:
        known = ledger.leads([wanted], deleted=True).get(wanted)
        if known is None:
            raise UsageError(
                f"the ledger {ledger_file} holds nothing of {wanted}: has the sidecar heard of it?"
            )
        return explained(ledger, known, policy)
    finally:
        ledger.close()


def explained(ledger: Ledger, known: KnownLead, policy: Policy) -> Explanation:
    """Return the explanation of one Lead of an open ledger."""
    lead = known.lead
    decisions = ledger.decisions_of(lead.id)
    routing = next((d for d in decisions if d.workload == "lead.route"), None)
    clock = clock_start(policy, lead)
    found = episodes(policy, clock, known.inquiries, known.live)
    touches = [d for d in decisions if d.workload != "lead.route"]
    return Explanation(
        lead=lead,
        clock=clock,
        routing=routing,
        again=_again(routing, policy),
        evidence=sorted(known.evidence, key=lambda pair: pair[0].key),
        rejections=ledger.rejections_of(lead.id),
        episodes=found,
        stamp_again=_stamp_again(policy, clock, known, found[0].best),
        touches=touches,
        held=_spans(ledger, known),
        open=_open(ledger, lead, clock, touches),
    )


def _spans(ledger: Ledger, known: KnownLead) -> list[Span]:
    """Return who had a Lead until it was answered, or until the last change the ledger has heard."""
    lead = known.lead
    heard = [each.committed_at for each in ledger.checkpoints() if each.committed_at is not None]
    last = max([*heard, *(hold.at for hold in known.holds)], default=lead.created_at)
    until = last if lead.stamp is None else lead.stamp.at
    return spans(known.holds, lead.clock_started_at or lead.created_at, until)


def _again(routing: Decision | None, policy: Policy) -> str:
    """Re-execute a routing decision from its recorded inputs."""
    if routing is None:
        return "not routed"
    routed = route(policy, routing.inputs)
    same = (routed.route, routed.segment, routed.region) == tuple(
        routing.output[name] for name in ("route", "segment", "region")
    )
    if routing.policy_digest == policy.digest:
        return SAME if same else _BUG
    told = SAME if same else f"would go by {routed.route}"
    return f"{told} under policy {policy.version} (decided under {routing.policy_version})"


def _stamp_again(policy: Policy, clock: ClockStart, known: KnownLead, best: Evidence | None) -> str:
    """Recompute the stamp from the evidence that counts."""
    stamp = known.lead.stamp
    wanted = None if best is None else stamp_of(policy, clock, best)
    if stamp == wanted:
        return SAME
    if stamp is None:
        return "the evidence was not stamped: the org did not take it, or has not been asked yet"
    made_of = behind(stamp, (evidence for evidence, _ in known.evidence))
    if made_of is None:
        return "another writer stamped it, of something that the ledger has not seen"
    if made_of not in known.live:
        now = "nothing" if wanted is None else f"{wanted.source} at {text(wanted.at)}"
        return f"drift: what it was stamped for counts no more, and {now} is left"
    return _BUG


def _open(
    ledger: Ledger, lead: Lead, clock: ClockStart, touches: Iterable[Decision]
) -> Open | None:
    """Return the arithmetic of the newest decision that stamped open time, with its stretches."""
    if lead.stamp is None or lead.stamp.source is Source.PREEXISTING:
        return None
    told = [
        d.output for d in touches if d.output.get("calendar_digest") and d.output["at"] is not None
    ]
    told = [each for each in told if each["at"] == f"{lead.stamp.at:%Y-%m-%dT%H:%M:%S.000Z}"]
    if not told:
        return None
    name, digest = str(told[-1]["calendar"]), str(told[-1]["calendar_digest"])
    minutes = told[-1]["business_minutes"]
    said = ledger.calendar(digest)
    stretches = []
    if said is not None:
        stretches = list(Calendar.read(name, said).open_spans(clock.at, lead.stamp.at))
    return Open(
        digest, name, float(minutes) if isinstance(minutes, (int, float)) else None, stretches
    )


def text(moment: datetime) -> str:
    """Return an instant as people and machines read it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _held(span: Span) -> dict[str, Any]:
    return {
        "owner_id": span.owner_id,
        "keeper": span.keeper.value,
        "from": text(span.began),
        "to": text(span.ended),
        "seconds": span.seconds,
    }


def _open_time(told: Open) -> dict[str, Any]:
    return {
        "calendar": told.name,
        "calendar_digest": told.digest,
        "business_minutes": told.minutes,
        "stretches": [{"from": text(start), "to": text(end)} for start, end in told.stretches],
        "seconds": told.seconds if told.stretches else None,
    }


def _episode(episode: Episode) -> dict[str, Any]:
    return {
        "started_at": text(episode.started),
        "ended_at": episode.ended and text(episode.ended),
        "first_response": episode.best and _evidence(episode.best),
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "record_id": evidence.record_id,
        "at": text(evidence.at),
        "source": evidence.source.value,
        "user_id": evidence.user,
        "grade": evidence.grade and evidence.grade.value,
        "flags": list(evidence.flags),
    }


def _decision(decision: Decision) -> Mapping[str, Any]:
    return {
        "decision_id": decision.decision_id,
        "workload": decision.workload,
        "at": text(decision.at),
        "policy_version": decision.policy_version,
        "policy_digest": decision.policy_digest,
        "outcome": decision.outcome,
        "inputs": dict(decision.inputs),
        "output": dict(decision.output),
        "trace": [dict(step) for step in decision.trace],
    }
