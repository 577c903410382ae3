"""What each report of the package must say, computed from the stamps alone.

No formula field and no report is read here: the times and sources on the Leads, and the definitions
of docs/kpis.md. A number is a float of minutes, leads or per cent; ``None`` is blank.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import mean, median
from typing import Any

FIELDS = (
    "Id",
    "CreatedDate",
    "IsConverted",
    "LeadSource",
    "Owner.Name",
    "Response_Segment__c",
    "Response_Clock_Started_At__c",
    "Response_Due_At__c",
    "Owner_Assigned_At__c",
    "First_Response_At__c",
    "First_Response_Source__c",
    "First_Response_User__r.Department",
)
"""What is read of each Lead."""
_ANSWERS = frozenset({"Call", "Email", "Meeting", "Other"})
"""Sources that are the answer of a person; Conversion and Preexisting are none."""
_TOLERANCE = timedelta(seconds=60)
"""A response so shortly before the clock counts as one at its start."""
_AGES = (
    (5, "1: up to 5 min"),
    (60, "2: up to 1 h"),
    (1440, "3: up to 1 day"),
    (float("inf"), "4: over 1 day"),
)
_AGGREGATE = re.compile(r"([a-z]+)!(?:.*[.$])?(\w+)")


@dataclass(frozen=True, slots=True)
class Lead:
    """The stamps of one Lead; instants are aware."""

    id: str
    created_at: datetime
    clock_at: datetime
    due_at: datetime | None
    assigned_at: datetime | None
    response_at: datetime | None
    response_source: str | None
    converted: bool
    lead_source: str | None
    owner: str | None
    segment: str | None
    team: str | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Lead:
        """Take what a query for FIELDS answers."""
        created = _instant(row["CreatedDate"])
        if created is None:
            raise ValueError(f"{row['Id']} was never created")
        return cls(
            id=row["Id"],
            created_at=created,
            clock_at=_instant(row["Response_Clock_Started_At__c"]) or created,
            due_at=_instant(row["Response_Due_At__c"]),
            assigned_at=_instant(row["Owner_Assigned_At__c"]),
            response_at=_instant(row["First_Response_At__c"]),
            response_source=row["First_Response_Source__c"],
            converted=row["IsConverted"],
            lead_source=row["LeadSource"],
            owner=(row["Owner"] or {}).get("Name"),
            segment=row["Response_Segment__c"],
            team=(row["First_Response_User__r"] or {}).get("Department"),
        )

    @property
    def answered(self) -> bool:
        """A person has answered it."""
        return self.response_source in _ANSWERS

    @property
    def waits(self) -> bool:
        """Nobody has answered it, and it is still a Lead."""
        return self.response_at is None and not self.converted

    @property
    def response_minutes(self) -> float | None:
        """Time to first response."""
        if self.response_at is None or self.response_at < self.clock_at - _TOLERANCE:
            return None
        return _minutes(max(timedelta(0), self.response_at - self.clock_at))

    @property
    def assignment_minutes(self) -> float | None:
        """Time until a person owned it."""
        if self.assigned_at is None:
            return None
        return _minutes(max(timedelta(0), self.assigned_at - self.clock_at))

    @property
    def human_minutes(self) -> float | None:
        """The part of the time to first response in which a person owned it."""
        if not self.answered or self.response_at is None:
            return None
        owned = self.assigned_at is not None and self.assigned_at <= self.response_at
        since = max(self.assigned_at, self.clock_at) if owned and self.assigned_at else None
        return 0.0 if since is None else _minutes(max(timedelta(0), self.response_at - since))

    def age(self, now: datetime) -> float:
        """Return the minutes it has waited until now."""
        return _minutes(max(timedelta(0), now - self.clock_at))

    def in_time(self, now: datetime) -> bool | None:
        """Tell whether it was answered in time; ``None`` while it is not due, or is not measured."""
        if self.due_at is None or self.due_at > now or self.response_source == "Preexisting":
            return None
        early = self.response_at is not None and self.response_at <= self.due_at
        if self.response_source == "Conversion" and early:
            return None
        if self.converted and self.response_at is None:
            return None
        return self.answered and early


MEASURES: Mapping[str, Callable[[Lead, datetime], float | bool | None]] = {
    "Answered__c": lambda lead, _: lead.answered,
    "Assignment_Latency_Minutes__c": lambda lead, _: lead.assignment_minutes,
    "Human_Latency_Minutes__c": lambda lead, _: lead.human_minutes,
    "Met_Response_SLA__c": lambda lead, now: lead.in_time(now),
    "Minutes_Waiting__c": lambda lead, now: lead.age(now),
    "Time_to_First_Response__c": lambda lead, _: lead.response_minutes,
}
"""The number that each column of a report shows of one Lead at an instant."""
_TOTALS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "a": mean,
    "m": min,
    "med": median,
    "mx": max,
    "s": sum,
    "x": max,
}
"""Totals, by the letters with which the Analytics API begins their names."""


@dataclass(frozen=True, slots=True)
class Report:
    """Which Leads a report counts, how it groups them, and the formulas over its groups."""

    counts: Callable[[Lead, datetime], bool]
    groups: tuple[Callable[[Lead, datetime], str | None], ...]
    """One for each level; ``WEEK`` stands for the week of creation."""
    formulas: Mapping[str, Callable[[Sequence[Lead], datetime], float]]


def WEEK(lead: Lead, now: datetime) -> str | None:  # noqa: ARG001, N802 - a level like the others, named as a constant
    """Stand for the week in which a Lead was created; where weeks begin, the org says."""
    return lead.created_at.date().isoformat()


def _age_group(lead: Lead, now: datetime) -> str:
    return next(label for limit, label in _AGES if lead.age(now) <= limit)


def _per_cent(part: float, whole: float) -> float:
    return 100 * part / whole if whole else 0.0


def _sum(values: Iterable[float | bool | None]) -> float:
    return float(sum(value for value in values if value is not None))


def _answered(lead: Lead, now: datetime) -> bool:  # noqa: ARG001 - one signature for all reports
    return lead.answered


REPORTS: Mapping[str, Report] = {
    "Answered_Share": Report(
        lambda lead, _: lead.response_source != "Preexisting",
        (WEEK,),
        {"FORMULA1": lambda leads, _: _per_cent(_sum(lead.answered for lead in leads), len(leads))},
    ),
    "Evidence_by_Kind": Report(
        lambda lead, _: lead.response_at is not None, (lambda lead, _: lead.response_source,), {}
    ),
    "Lead_TTFR": Report(_answered, (WEEK, lambda lead, _: lead.lead_source), {}),
    "Lead_TTFR_By_Owner": Report(_answered, (lambda lead, _: lead.owner,), {}),
    "Lead_TTFR_By_Segment": Report(_answered, (lambda lead, _: lead.segment,), {}),
    "Lead_TTFR_By_Team": Report(_answered, (lambda lead, _: lead.team,), {}),
    "Leads_Awaiting_Response": Report(lambda lead, _: lead.waits, (_age_group,), {}),
    "Routing_and_People": Report(
        _answered,
        (WEEK,),
        {
            "FORMULA1": lambda leads, _: (
                (_sum(x.response_minutes for x in leads) - _sum(x.human_minutes for x in leads))
                / len(leads)
            ),
            "FORMULA2": lambda leads, _: _per_cent(
                _sum(x.human_minutes for x in leads), _sum(x.response_minutes for x in leads)
            ),
        },
    ),
    "SLA_Attainment": Report(
        lambda lead, now: lead.in_time(now) is not None,
        (WEEK,),
        {
            "FORMULA1": lambda leads, now: _per_cent(
                _sum(lead.in_time(now) for lead in leads), len(leads)
            )
        },
    ),
}
"""By developer name. All count Leads of the last 30 days, today included."""


def total(report: Report, aggregate: str, leads: Sequence[Lead], now: datetime) -> float | None:
    """Return what one total over these Leads must be; ``None`` when there is nothing to total.

    :raises LookupError: nobody has said what this total means.
    """
    if aggregate == "RowCount":
        return float(len(leads))
    if aggregate in report.formulas:
        return report.formulas[aggregate](leads, now) if leads else None
    found = _AGGREGATE.fullmatch(aggregate)
    if found is None or found[1] not in _TOTALS or found[2] not in MEASURES:
        raise LookupError(f"no definition of {aggregate}: add it to {__name__}")
    shown = (MEASURES[found[2]](lead, now) for lead in leads)
    values = [float(value) for value in shown if value is not None]
    if not values:
        return 0.0 if found[1] == "s" else None
    return float(_TOTALS[found[1]](values))


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _minutes(time: timedelta) -> float:
    """Return minutes with the two decimals that the org keeps."""
    return round(time / timedelta(minutes=1), 2)
