"""The calendars that a policy takes from the org: its business hours and its holidays.

A holiday says nothing of the hours that it closes (only metadata does), so each closes all of them.
Source: Object Reference, "BusinessHours" and "Holiday"; facts/metadata.md 6.7.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

from speed_to_lead.calendars import Calendar, Window
from speed_to_lead.errors import UsageError
from speed_to_lead.policy import Policy
from speed_to_lead.salesforce.client import Salesforce

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HOURS = ", ".join(f"{day}StartTime, {day}EndTime" for day in _DAYS)
_HOLIDAY = (
    "SELECT Name, ActivityDate, IsAllDay, IsRecurrence, RecurrenceStartDate, RecurrenceEndDateOnly, "
    "RecurrenceType, RecurrenceInterval, RecurrenceDayOfMonth, RecurrenceDayOfWeekMask, "
    "RecurrenceInstance, RecurrenceMonthOfYear FROM Holiday"
)
_YEARS = 50
"""For so many years a holiday without an end is kept."""
_INSTANCES = {"First": 0, "Second": 1, "Third": 2, "Fourth": 3, "Last": -1}
_SUNDAY_FIRST = (6, 0, 1, 2, 3, 4, 5)
"""Weekdays of Python, in the order of the bits of RecurrenceDayOfWeekMask."""


async def org_calendars(salesforce: Salesforce, policy: Policy) -> list[Calendar]:
    """Return the calendars for which a policy names business hours of the org.

    :raises UsageError: the org has no such active hours, or a holiday that no calendar can hold.
    """
    wanted = {each.name: each for each in policy.calendars.named if each.business_hours}
    if not wanted:
        return []
    rows = await salesforce.query(
        f"SELECT Name, TimeZoneSidKey, {_HOURS} FROM BusinessHours WHERE IsActive = true"
    )
    found = {row["Name"].casefold(): row for row in rows}
    closed = frozenset(day for row in await salesforce.query(_HOLIDAY) for day in closed_days(row))
    calendars = []
    for name, said in wanted.items():
        row = found.get((said.business_hours or "").casefold())
        if row is None:
            raise UsageError(
                f"calendars: the org has no active business hours named {said.business_hours}"
            )
        own = frozenset(map(date.fromisoformat, said.holidays))
        week = tuple(tuple(_windows(row, day)) for day in _DAYS)
        calendars.append(Calendar(name, ZoneInfo(row["TimeZoneSidKey"]), week, closed | own))
    return calendars


def _windows(row: Mapping[str, Any], day: str) -> Iterator[Window]:
    opens, closes = row[f"{day}StartTime"], row[f"{day}EndTime"]
    if opens is not None and closes is not None:
        yield _time(opens), _time(closes)


def _time(text: str) -> time:
    return time.fromisoformat(text.removesuffix("Z")).replace(tzinfo=None)


def closed_days(row: Mapping[str, Any]) -> Iterator[date]:
    """Yield the days that a Holiday of the org closes.

    :raises UsageError: it closes part of a day, or returns more often than once a year.
    """
    if not row["IsAllDay"]:
        raise UsageError(f"{_named(row)} closes part of a day; say so in the policy's own hours")
    if not row["IsRecurrence"]:
        yield date.fromisoformat(row["ActivityDate"])
        return
    kind = row["RecurrenceType"]
    if kind not in ("RecursYearly", "RecursYearlyNth"):
        raise UsageError(
            f"{_named(row)} returns more than once a year; list its days in the policy"
        )
    first = date.fromisoformat(row["RecurrenceStartDate"])
    last = row["RecurrenceEndDateOnly"]
    end = date.fromisoformat(last) if last else date(first.year + _YEARS, 12, 31)
    month = list(calendar.month_name).index(row["RecurrenceMonthOfYear"])
    for year in range(first.year, end.year + 1):
        day = _day(row, kind, year, month)
        if day is not None and first <= day <= end:
            yield day


def _day(row: Mapping[str, Any], kind: str, year: int, month: int) -> date | None:
    """Return the day of one year; 29 February is there in some years only."""
    length = calendar.monthrange(year, month)[1]
    if kind == "RecursYearly":
        number = int(row["RecurrenceDayOfMonth"])
        return date(year, month, number) if number <= length else None
    bits = int(row["RecurrenceDayOfWeekMask"])
    weekdays = {_SUNDAY_FIRST[bit] for bit in range(7) if bits >> bit & 1}
    days = [date(year, month, n) for n in range(1, length + 1)]
    chosen = [day for day in days if day.weekday() in weekdays]
    return chosen[_INSTANCES[row["RecurrenceInstance"]]]


def _named(row: Mapping[str, Any]) -> str:
    return f"calendars: the org's holiday {row['Name']}"
