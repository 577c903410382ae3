"""An explanation as people read it: tables from top to bottom, in the order in which one asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from speed_to_lead.explain import Explanation, Open, text
from speed_to_lead.model import Decision
from speed_to_lead.ownership import Span, delay


def rendered(explanation: Explanation) -> RenderableType:
    """Return the explanation as tables and sentences."""
    parts: list[RenderableType] = [Text(_head(explanation))]
    if explanation.routing is not None:
        parts += [_routing(explanation.routing), Text(f"re-executed: {explanation.again}")]
    parts += [
        Text(_answer(explanation)),
        Text(f"re-executed: {explanation.stamp_again}"),
        _touches(explanation),
    ]
    if explanation.open is not None:
        parts.append(_open(explanation.open))
    if len(explanation.episodes) > 1:
        parts.append(_episodes(explanation))
    if explanation.held:
        parts.append(_holds(explanation.held))
    corrections = [d for d in explanation.touches if d.output.get("verdict") == "correct"]
    parts += [Text(_correction(each)) for each in corrections]
    return Group(*parts)


def _head(explanation: Explanation) -> str:
    lead, clock = explanation.lead, explanation.clock
    due = "" if lead.due_at is None else f", due {text(lead.due_at)}"
    flags = f" ({', '.join(clock.flags)})" if clock.flags else ""
    return f"{lead.id}, created {text(lead.created_at)}, clock started {text(clock.at)}{flags}{due}"


def _answer(explanation: Explanation) -> str:
    stamp = explanation.lead.stamp
    if stamp is None:
        return "no first response yet"
    who = "" if stamp.user is None else f" of {stamp.user}"
    seconds = round((stamp.at - explanation.clock.at).total_seconds())
    return f"first response {text(stamp.at)} by {stamp.source}{who}, {seconds} s after the start"


def _routing(decision: Decision) -> Table:
    table = Table(
        title=f"Routed under policy {decision.policy_version} ({decision.policy_digest[:19]}…): "
        f"{decision.outcome}",
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
    first = explanation.episodes[0].best
    for evidence, withdrawn in explanation.evidence:
        verdict = "first response" if evidence == first and not withdrawn else "later"
        verdict = "withdrawn" if withdrawn else verdict
        table.add_row(
            evidence.record_id,
            text(evidence.at),
            evidence.source.value,
            evidence.grade.value if evidence.grade else "",
            ", ".join((verdict, *evidence.flags)),
        )
    for rejection in explanation.rejections:
        table.add_row(rejection.record_id, "", "", "", rejection.reason.value)
    return table


def _open(told: Open) -> Table:
    minutes = "unknown" if told.minutes is None else f"{told.minutes:.2f}"
    table = Table(
        title=f"{minutes} min of open time by calendar {told.name} ({told.digest[:19]}…)",
        title_justify="left",
    )
    for column in ("From", "To", "Seconds"):
        table.add_column(column)
    for start, end in told.stretches:
        table.add_row(text(start), text(end), str(round((end - start).total_seconds())))
    if told.stretches:
        table.add_row("", "sum", str(told.seconds))
    return table


def _episodes(explanation: Explanation) -> Table:
    table = Table(title="Episodes: the Lead's fields hold the first", title_justify="left")
    for column in ("From", "To", "First response", "Source"):
        table.add_column(column)
    for episode in explanation.episodes:
        best = episode.best
        table.add_row(
            text(episode.started),
            "" if episode.ended is None else text(episode.ended),
            "" if best is None else text(best.at),
            "" if best is None else best.source.value,
        )
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
            text(span.began), text(span.ended), owner, span.keeper.value, str(span.seconds)
        )
    return table


def _correction(decision: Decision) -> str:
    now = decision.output["at"] or "nothing"
    return (
        f"corrected from {decision.output['was']} to {now}: {decision.inputs['reason']} of "
        f"{decision.output['record_id']}, done by {decision.output['by'] or 'unknown'} "
        f"({decision.outcome})"
    )
