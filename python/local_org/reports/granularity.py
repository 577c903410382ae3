"""Dates put into groups: the start of the group a day falls into, its value and its label.

The labels of weeks, quarters and years are inferred from what reports show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from local_org.clock import from_millis
from local_org.schema.model import FieldType
from local_org.soql.dates import Calendar

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_QUARTER_HOUR = 900_000
"""Milliseconds; every time zone changes its offset at a full quarter of an hour."""
Key = Any
GRANULARITIES: Mapping[str, str] = MappingProxyType(
    {
        "None": "None",
        "Day": "Day",
        "Week": "Calendar Week",
        "Month": "Calendar Month",
        "Quarter": "Calendar Quarter",
        "Year": "Calendar Year",
        "FiscalQuarter": "Fiscal Quarter",
        "FiscalYear": "Fiscal Year",
        "MonthInYear": "Calendar Month in Year",
        "DayInMonth": "Calendar Day in Month",
    }
)
"""Value and label; custom fiscal weeks and periods are not there."""


def known(granularity: str) -> str | None:
    """Return the granularity by its value or its label (``Calendar Week``), or None."""
    by_label = {label: value for value, label in GRANULARITIES.items()}
    return granularity if granularity in GRANULARITIES else by_label.get(granularity)


def american(day: date) -> str:
    """Return a day as an en_US reader writes it: ``7/31/2015``."""
    return f"{day.month}/{day.day}/{day.year}"


def _week(day: date, calendar: Calendar) -> date:
    return day - timedelta(days=(day.weekday() - calendar.first_weekday) % 7)


def _fiscal_start(day: date, calendar: Calendar, months: int) -> date:
    since = (day.month - calendar.fiscal_month) % 12 % months
    index = day.year * 12 + day.month - 1 - since
    return date(index // 12, index % 12 + 1, 1)


def _fiscal_year(day: date, calendar: Calendar) -> int:
    """The fiscal year is named after the calendar year it ends in."""
    start = _fiscal_start(day, calendar, 12)
    return start.year + (calendar.fiscal_month > 1)


def _quarter_label(start: date, _: Calendar) -> str:
    return f"Q{(start.month + 2) // 3} CY{start.year}"


def _fiscal_quarter_label(start: date, calendar: Calendar) -> str:
    number = (start.month - calendar.fiscal_month) % 12 // 3 + 1
    return f"Q{number} FY{_fiscal_year(start, calendar)}"


def _week_label(start: date, _: Calendar) -> str:
    return f"{american(start)} - {american(start + timedelta(days=6))}"


_START: Mapping[str, Callable[[date, Calendar], Key]] = MappingProxyType(
    {
        "Day": lambda day, _: day,
        "Week": _week,
        "Month": lambda day, _: day.replace(day=1),
        "Quarter": lambda day, _: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
        "Year": lambda day, _: day.replace(month=1, day=1),
        "FiscalQuarter": lambda day, calendar: _fiscal_start(day, calendar, 3),
        "FiscalYear": lambda day, calendar: _fiscal_start(day, calendar, 12),
        "MonthInYear": lambda day, _: day.month,
        "DayInMonth": lambda day, _: day.day,
    }
)
_LABEL: Mapping[str, Callable[[Any, Calendar], str]] = MappingProxyType(
    {
        "Day": lambda start, _: american(start),
        "Week": _week_label,
        "Month": lambda start, _: f"{_MONTHS[start.month - 1]} {start.year}",
        "Quarter": _quarter_label,
        "Year": lambda start, _: f"CY{start.year}",
        "FiscalQuarter": _fiscal_quarter_label,
        "FiscalYear": lambda start, calendar: f"FY{_fiscal_year(start, calendar)}",
        "MonthInYear": lambda month, _: _MONTHS[month - 1],
        "DayInMonth": lambda day, _: str(day),
    }
)


def start_of(granularity: str, day: date, calendar: Calendar) -> Key:
    """Return what all days of one group share: the group's first day, or a number."""
    return _START[granularity](day, calendar)


def label_of(granularity: str, start: Key, calendar: Calendar) -> str:
    """Return the group's label."""
    return _LABEL[granularity](start, calendar)


def grouper(granularity: str, kind: FieldType, calendar: Calendar) -> Callable[[Any], Key]:
    """Return what puts stored values into groups, in the user's time zone; None stays None."""
    known_days: dict[Any, Key] = {None: None}

    def of_date(value: str | None) -> Key:
        if value not in known_days:
            known_days[value] = start_of(granularity, date.fromisoformat(str(value)), calendar)
        return known_days[value]

    def of_instant(value: int | None) -> Key:
        slot = None if value is None else value // _QUARTER_HOUR
        if slot not in known_days:
            day = from_millis(int(value or 0)).astimezone(calendar.zone).date()
            known_days[slot] = start_of(granularity, day, calendar)
        return known_days[slot]

    return of_date if kind is FieldType.DATE else of_instant
