"""Why a Lead went where it went and says what it says: the ledger's records, re-executed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from speed_to_lead.errors import UsageError
from speed_to_lead.ids import lead_id
from speed_to_lead.ledger import Ledger
from speed_to_lead.model import Decision, Evidence, Lead, Rejection
from speed_to_lead.ownership import Span, delay, spans
from speed_to_lead.policy import Policy
from speed_to_lead.routing import route


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything the ledger holds of one Lead."""

    lead: Lead
    routing: Decision | None
    again: str
    """Whether the recorded inputs give the same route under the policy at hand."""
    evidence: list[tuple[Evidence, bool]]
    """With whether it was withdrawn; the smallest first."""
    rejections: list[Rejection]
    touches: list[Decision]
    held: list[Span]
    """Who had it until its answer, or for as long as the ledger knows of it."""

    def as_json(self) -> dict[str, Any]:
        """Return the explanation as plain JSON."""
        stamp = self.lead.stamp
        return {
            "lead_id": self.lead.id,
            "created_at": _text(self.lead.created_at),
            "stamp": stamp
            and {"at": _text(stamp.at), "source": stamp.source.value, "user_id": stamp.user},
            "routing": self.routing and _decision(self.routing),
            "re_executed": self.again,
            "evidence": [_evidence(e) | {"withdrawn": gone} for e, gone in self.evidence],
            "rejections": [
                {"record_id": r.record_id, "reason": r.reason.value} for r in self.rejections
            ],
            "decisions": [_decision(d) for d in self.touches],
            "held": [_held(span) for span in self.held],
            "system_seconds": delay(self.held).system_seconds,
            "human_seconds": delay(self.held).human_seconds,
        }


def explain(ledger_file: Path, lead: str, policy: Policy) -> Explanation:
    """Return what the ledger knows of a Lead.

    :raises UsageError: ``lead`` is no Lead id, or the ledger has never heard of it.
    """
    wanted = lead_id(lead)
    ledger = Ledger.read(ledger_file)
    try:
        known = ledger.leads([wanted]).get(wanted)
        if known is None:
            raise UsageError(
                f"the ledger {ledger_file} holds nothing of {wanted}: has the sidecar heard of it?"
            )
        decisions = ledger.decisions_of(wanted)
        routing = next((d for d in decisions if d.workload == "lead.route"), None)
        return Explanation(
            lead=known.lead,
            routing=routing,
            again=_again(routing, policy),
            evidence=sorted(ledger.evidence_of(wanted), key=lambda pair: pair[0].key),
            rejections=ledger.rejections_of(wanted),
            touches=[d for d in decisions if d.workload != "lead.route"],
            held=_spans(ledger, known.lead),
        )
    finally:
        ledger.close()


def _spans(ledger: Ledger, lead: Lead) -> list[Span]:
    """Return who had a Lead until it was answered, or until the last change the ledger has heard."""
    holds = ledger.holds_of(lead.id)
    heard = [each.committed_at for each in ledger.checkpoints() if each.committed_at is not None]
    last = max([*heard, *(hold.at for hold in holds)], default=lead.created_at)
    until = last if lead.stamp is None else lead.stamp.at
    return spans(holds, lead.clock_started_at or lead.created_at, until)


def _again(routing: Decision | None, policy: Policy) -> str:
    """Re-execute a routing decision from its recorded inputs."""
    if routing is None:
        return "not routed"
    routed = route(policy, routing.inputs)
    same = (routed.route, routed.segment, routed.region) == tuple(
        routing.output[name] for name in ("route", "segment", "region")
    )
    if routing.policy_digest == policy.digest:
        return "same answer" if same else "DIFFERENT ANSWER under the same policy: this is a bug"
    told = "same answer" if same else f"would go by {routed.route}"
    return f"{told} under policy {policy.version} (decided under {routing.policy_version})"


def rendered(explanation: Explanation) -> RenderableType:
    """Return the explanation as people read it."""
    lead, routing = explanation.lead, explanation.routing
    head = Text(f"{lead.id}, created {_text(lead.created_at)}")
    parts: list[RenderableType] = [head]
    if routing is not None:
        parts += [_routing(routing), Text(f"re-executed: {explanation.again}")]
    stamp = lead.stamp
    parts.append(
        Text(
            "no first response yet"
            if stamp is None
            else f"first response {_text(stamp.at)} by {stamp.source}"
        )
    )
    parts.append(_touches(explanation))
    if explanation.held:
        parts.append(_holds(explanation.held))
    return Group(*parts)


def _routing(decision: Decision) -> Table:
    table = Table(
        title=f"Routed under policy {decision.policy_version}: {decision.outcome}",
        title_justify="left",
    )
    for column in ("Route", "Matched", "Why"):
        table.add_column(column)
    for step in decision.trace:
        table.add_row(
            str(step.get("route", "")), "yes" if step.get("matched") else "no", _why(step)
        )
    return table


def _why(step: Mapping[str, Any]) -> str:
    return "" if step.get("why") is None else str(step["why"])


def _touches(explanation: Explanation) -> Table:
    table = Table(title="Evidence", title_justify="left")
    for column in ("Record", "At", "Source", "Grade", "Verdict"):
        table.add_column(column)
    for position, (evidence, withdrawn) in enumerate(explanation.evidence):
        verdict = "withdrawn" if withdrawn else ("first response" if position == 0 else "later")
        table.add_row(
            evidence.record_id,
            _text(evidence.at),
            evidence.source.value,
            evidence.grade.value,
            verdict,
        )
    for rejection in explanation.rejections:
        table.add_row(rejection.record_id, "", "", "", rejection.reason.value)
    return table


def _holds(held: Sequence[Span]) -> Table:
    total = delay(held)
    table = Table(
        title=f"Held for {total.system_seconds} s by the system and {total.human_seconds} s by people",
        title_justify="left",
    )
    for column in ("From", "To", "Owner", "Kind", "Seconds"):
        table.add_column(column)
    for span in held:
        owner = span.owner_id or ""
        table.add_row(
            _text(span.began), _text(span.ended), owner, span.keeper.value, str(span.seconds)
        )
    return table


def _held(span: Span) -> dict[str, Any]:
    return {
        "owner_id": span.owner_id,
        "keeper": span.keeper.value,
        "from": _text(span.began),
        "to": _text(span.ended),
        "seconds": span.seconds,
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "record_id": evidence.record_id,
        "at": _text(evidence.at),
        "source": evidence.source.value,
        "user_id": evidence.user,
        "grade": evidence.grade.value,
        "flags": list(evidence.flags),
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "decision_id": decision.decision_id,
        "workload": decision.workload,
        "at": _text(decision.at),
        "policy_version": decision.policy_version,
        "policy_digest": decision.policy_digest,
        "outcome": decision.outcome,
        "inputs": dict(decision.inputs),
        "output": dict(decision.output),
        "trace": [dict(step) for step in decision.trace],
    }


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
