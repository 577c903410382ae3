"""What people write into a filter: lists, numbers, dates, and what they mean in stored encoding."""

from __future__ import annotations

import csv
import re
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from local_org.clock import millis
from local_org.ids import id18, is_id
from local_org.reports.durations import days_of
from local_org.reports.errors import BAD_DATE, bad_request
from local_org.schema.model import FieldType
from local_org.soql.dates import Calendar, Span

_MOST_VALUES = 1000
_NUMBER = re.compile(r"[A-Za-z]{0,3}\s*[$€£]?\s*(-?[\d,]*\.?\d+)\s*%?")
_AMERICAN = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4})(?:,?\s+(\d{1,2}):(\d{2})\s*([AP]M))?", re.IGNORECASE
)


class Range(NamedTuple):
    """From ``start`` up to, not including, ``end``, in stored encoding."""

    start: str | int
    end: str | int


def split(text: str) -> list[str]:
    """Return the values of a list; commas part them, unless they stand in double quotes.

    >>> split('Web, "Smith, John",Other'), split("")
    (['Web', 'Smith, John', 'Other'], [''])
    """
    [values] = list(csv.reader([" ".join(text.splitlines())], skipinitialspace=True)) or [[""]]
    if len(values) > _MOST_VALUES:
        raise bad_request(f"expected at most {_MOST_VALUES} filter values, got {len(values)}")
    return [value.strip() for value in values] or [""]


def number(text: str, column: str) -> float:
    """Return a number as people write it: ``1,250.5``, ``USD 2000``, ``$5``, ``60%``.

    :raises OrgError: 400: it is none; the wording is inferred.
    """
    match = _NUMBER.fullmatch(text.strip().strip('"'))
    if match is None:
        raise bad_request(f"The filter value {text} for {column} is invalid.")
    return float(match[1].replace(",", ""))


def boolean(text: str, column: str) -> int:
    """Return 1 or 0 of ``True``, ``false``, ``1``, ``0``.

    :raises OrgError: 400: it is neither; the wording is inferred.
    """
    known = {"true": 1, "1": 1, "false": 0, "0": 0}.get(text.strip().lower())
    if known is None:
        raise bad_request(f"The filter value {text} for {column} is invalid.")
    return known


def identity(text: str) -> str:
    """Return an id in 18 characters.

    :raises OrgError: 400: it is none.
    """
    if not is_id(text):
        raise bad_request(
            f"The filter value for ID {text} is incorrect. Specify an ID that is 15 or 18 characters "
            "long, such as 006D000000CrRLw or 005U0000000Rg2CIAS."
        )
    return id18(text)


def times(text: str, kind: FieldType, calendar: Calendar) -> Range:
    """Return the days or the instant that a date, a date-time or a date literal means.

    :raises OrgError: 400: it is none of these.
    """
    days = days_of(text, calendar) or _day(text)
    if days is not None:
        return stored(days, kind, calendar)
    moment = _instant(text, calendar)
    if kind is FieldType.DATE:
        day = moment.astimezone(calendar.zone).date()
        return stored(Span(day, day + timedelta(days=1)), kind, calendar)
    return Range(millis(moment), millis(moment) + 1)


def stored(days: Span, kind: FieldType, calendar: Calendar) -> Range:
    """Return days as the store holds them: text for dates, the user's midnights for date-times."""
    if kind is FieldType.DATE:
        return Range(days.start.isoformat(), days.end.isoformat())
    return Range(calendar.midnight(days.start), calendar.midnight(days.end))


def iso_day(text: str) -> date | None:
    """Return a day written yyyy-MM-dd, or None."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def _day(text: str) -> Span | None:
    day = iso_day(text.strip())
    match = _AMERICAN.fullmatch(text.strip())
    try:
        if match is not None and match[4] is None:
            day = date(int(match[3]), int(match[1]), int(match[2]))
        return None if day is None else Span(day, day + timedelta(days=1))
    except (ValueError, OverflowError):
        raise bad_request(BAD_DATE) from None


def _instant(text: str, calendar: Calendar) -> datetime:
    match = _AMERICAN.fullmatch(text.strip())
    try:
        if match is not None:
            hour = int(match[4]) % 12 + (12 if match[6].upper() == "PM" else 0)
            day = date(int(match[3]), int(match[1]), int(match[2]))
            return datetime(
                day.year, day.month, day.day, hour, int(match[5]), tzinfo=calendar.zone
            ).astimezone(UTC)
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise bad_request(BAD_DATE) from None
