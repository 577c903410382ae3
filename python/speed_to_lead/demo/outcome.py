"""What the org says in the end: checked against the plan's truth, and shown as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Any

from rich import box
from rich.table import Table

from speed_to_lead.demo.plan import Truth
from speed_to_lead.kpi import Figures, Measured, figures
from speed_to_lead.model import Source

SOQL = (
    "SELECT Id, CreatedDate, LeadSource, IsConverted, First_Response_At__c, First_Response_Source__c, "
    "First_Response_User__c, Owner_Assigned_At__c, Response_Clock_Started_At__c, Response_Due_At__c, "
    "Response_Segment__c FROM Lead"
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


def measured(record: Mapping[str, Any]) -> Measured:
    """Return a Lead of the org as it is measured, from the fields of ``SOQL``."""
    source = record["First_Response_Source__c"]
    started = _instant(record["Response_Clock_Started_At__c"])
    return Measured(
        started=started or instant(record["CreatedDate"]),
        answered=_instant(record["First_Response_At__c"]),
        source=source and Source(source),
        due=_instant(record["Response_Due_At__c"]),
        assigned=_instant(record["Owner_Assigned_At__c"]),
        converted=record["IsConverted"],
    )


def table(records: Sequence[Mapping[str, Any]], now: datetime) -> Table:
    """Return the KPIs by source."""
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
        chosen = [measured(record) for record in records if record["LeadSource"] == source]
        shown.add_row(source, *_row(figures(chosen, now)))
    shown.add_section()
    everything = figures(map(measured, records), now)
    shown.add_row("All", *_row(everything), style="bold")
    shown.caption = (
        "Median and p90 in minutes over all leads, those who still wait included\n"
        "(Kaplan-Meier); SLA from due leads only."
    )
    shown.caption_justify = "left"
    return shown


def _row(of: Figures) -> list[str]:
    return [
        str(of.leads),
        str(of.answered),
        _minutes(of.whole_median),
        _minutes(of.whole_p90),
        f"{of.met} of {of.due}" + (f" ({of.met / of.due:.0%})" if of.due else ""),
    ]


def _instant(text: str | None) -> datetime | None:
    return None if text is None else instant(text)


def _minutes(value: float) -> str:
    return "not reached" if value == inf else f"{value:,.1f}"
