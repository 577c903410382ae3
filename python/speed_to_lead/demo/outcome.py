"""What the org says in the end: checked against the plan's truth, and shown as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Any

from rich import box
from rich.table import Table

from speed_to_lead.demo.kpi import Observation, Wait, attainment, minutes, quantile
from speed_to_lead.demo.plan import Truth

SOQL = (
    "SELECT Id, CreatedDate, LeadSource, NumberOfEmployees, Policy_Version__c, First_Response_At__c, "
    "First_Response_Source__c, First_Response_User__c, Time_to_First_Response__c FROM Lead"
)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One lead whose stamp is not what really happened."""

    lead_id: str
    expected: str
    found: str


def check(
    records: Sequence[Mapping[str, Any]], truth: Mapping[str, Truth | None], users: Sequence[str]
) -> list[Mismatch]:
    """Compare every lead's stamp with the truth, to the second, source and user included."""
    found = {record["Id"]: _found(record) for record in records}
    expected = {lead: _expected(answer, users) for lead, answer in truth.items()}
    return [
        Mismatch(lead, expected[lead], found.get(lead, "no such lead"))
        for lead in expected
        if found.get(lead) != expected[lead]
    ]


def _expected(truth: Truth | None, users: Sequence[str]) -> str:
    if truth is None:
        return "no response"
    return f"{truth.source} at {truth.at:%Y-%m-%dT%H:%M:%S}Z by {users[truth.actor]}"


def _found(record: Mapping[str, Any]) -> str:
    at = record["First_Response_At__c"]
    if at is None:
        return "no response"
    user, source = record["First_Response_User__c"], record["First_Response_Source__c"]
    return f"{source} at {instant(at):%Y-%m-%dT%H:%M:%S}Z by {user}"


def instant(text: str) -> datetime:
    """Read a date-time as the REST API writes it."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


def table(
    records: Sequence[Mapping[str, Any]],
    now: datetime,
    target: Callable[[int | None], timedelta],
) -> Table:
    """Return the KPIs by source; ``target`` tells a lead's SLA from its number of employees."""
    shown = Table(
        title="Time to first response, by source",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    shown.add_column("Source")
    for column in ("Leads", "Answered", "Median", "p90", "SLA met of due"):
        shown.add_column(column, justify="right")
    for source in sorted({record["LeadSource"] for record in records}):
        chosen = [record for record in records if record["LeadSource"] == source]
        shown.add_row(source, *_row(chosen, now, target))
    shown.add_section()
    shown.add_row("All", *_row(records, now, target), style="bold")
    shown.caption = (
        "Median and p90 in minutes over all leads, those who still wait included\n"
        "(Kaplan-Meier); SLA from due leads only."
    )
    shown.caption_justify = "left"
    return shown


def _row(
    records: Sequence[Mapping[str, Any]],
    now: datetime,
    target: Callable[[int | None], timedelta],
) -> list[str]:
    observations, waits = [], []
    for record in records:
        started = instant(record["CreatedDate"])
        at = record["First_Response_At__c"] and instant(record["First_Response_At__c"])
        spent = record["Time_to_First_Response__c"] if at else minutes(now - started)
        observations.append(Observation(spent, bool(at)))
        waits.append(Wait(started, at or None, started + target(record["NumberOfEmployees"])))
    met, due = attainment(waits, now)
    return [
        str(len(records)),
        str(sum(o.answered for o in observations)),
        _minutes(quantile(observations, 0.5)),
        _minutes(quantile(observations, 0.9)),
        f"{met} of {due}" + (f" ({met / due:.0%})" if due else ""),
    ]


def _minutes(value: float) -> str:
    return "not reached" if value == inf else f"{value:,.1f}"
