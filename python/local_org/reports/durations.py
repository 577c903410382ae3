"""Time frames: the intervals of metadata, the durations of the REST API, and the days they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from local_org.reports.errors import DATE_TOO_LARGE, bad_request
from local_org.soql.dates import Calendar, Span, span

CUSTOM = "CUSTOM"
_LITERAL = re.compile(
    r"(?:TODAY|YESTERDAY|TOMORROW"
    r"|(?:LAST|THIS|NEXT)_(?:WEEK|MONTH|QUARTER|YEAR|FISCAL_QUARTER|FISCAL_YEAR|90_DAYS)"
    r"|(?:LAST|NEXT)_N_(?:DAYS|WEEKS|MONTHS|QUARTERS|YEARS|FISCAL_QUARTERS|FISCAL_YEARS):\d+"
    r"|N_(?:DAYS|WEEKS|MONTHS|QUARTERS|YEARS|FISCAL_QUARTERS|FISCAL_YEARS)_AGO:\d+)"
)
_MOST = 10_000
_GROUPS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "Fiscal Year",
        (
            ("Current FY", "THIS_FISCAL_YEAR", "INTERVAL_CURFY"),
            ("Previous FY", "LAST_FISCAL_YEAR", "INTERVAL_PREVFY"),
            ("Previous 2 FY", "LAST_N_FISCAL_YEARS:2", "INTERVAL_PREV2FY"),
            ("2 FY Ago", "N_FISCAL_YEARS_AGO:2", "INTERVAL_AGO2FY"),
            ("Next FY", "NEXT_FISCAL_YEAR", "INTERVAL_NEXTFY"),
            (
                "Current and Previous FY",
                "LAST_FISCAL_YEAR,THIS_FISCAL_YEAR",
                "INTERVAL_PREVCURFY",
            ),
            (
                "Current and Previous 2 FY",
                "LAST_N_FISCAL_YEARS:2,THIS_FISCAL_YEAR",
                "INTERVAL_PREVCUR2FY",
            ),
            ("Current and Next FY", "THIS_FISCAL_YEAR,NEXT_FISCAL_YEAR", "INTERVAL_CURNEXTFY"),
        ),
    ),
    (
        "Fiscal Quarter",
        (
            ("Current FQ", "THIS_FISCAL_QUARTER", "INTERVAL_CURRENT"),
            (
                "Current and Next FQ",
                "THIS_FISCAL_QUARTER,NEXT_FISCAL_QUARTER",
                "INTERVAL_CURNEXT1",
            ),
            (
                "Current and Previous FQ",
                "LAST_FISCAL_QUARTER,THIS_FISCAL_QUARTER",
                "INTERVAL_CURPREV1",
            ),
            ("Next FQ", "NEXT_FISCAL_QUARTER", "INTERVAL_NEXT1"),
            ("Previous FQ", "LAST_FISCAL_QUARTER", "INTERVAL_PREV1"),
            (
                "Current and Next 3 FQ",
                "THIS_FISCAL_QUARTER,NEXT_N_FISCAL_QUARTERS:3",
                "INTERVAL_CURNEXT3",
            ),
        ),
    ),
    (
        "Calendar Year",
        (
            ("Current CY", "THIS_YEAR", "INTERVAL_CURY"),
            ("Previous CY", "LAST_YEAR", "INTERVAL_PREVY"),
            ("Previous 2 CY", "LAST_N_YEARS:2", "INTERVAL_PREV2Y"),
            ("2 CY Ago", "N_YEARS_AGO:2", "INTERVAL_AGO2Y"),
            ("Next CY", "NEXT_YEAR", "INTERVAL_NEXTY"),
            ("Current and Previous CY", "LAST_YEAR,THIS_YEAR", "INTERVAL_PREVCURY"),
            ("Current and Previous 2 CY", "LAST_N_YEARS:2,THIS_YEAR", "INTERVAL_PREVCUR2Y"),
            ("Current and Next CY", "THIS_YEAR,NEXT_YEAR", "INTERVAL_CURNEXTY"),
        ),
    ),
    (
        "Calendar Quarter",
        (
            ("Current CQ", "THIS_QUARTER", "INTERVAL_CURRENTQ"),
            ("Current and Next CQ", "THIS_QUARTER,NEXT_QUARTER", "INTERVAL_CURNEXTQ"),
            ("Current and Previous CQ", "LAST_QUARTER,THIS_QUARTER", "INTERVAL_CURPREVQ"),
            ("Next CQ", "NEXT_QUARTER", "INTERVAL_NEXTQ"),
            ("Previous CQ", "LAST_QUARTER", "INTERVAL_PREVQ"),
            ("Current and Next 3 CQ", "THIS_QUARTER,NEXT_N_QUARTERS:3", "INTERVAL_CURNEXT3Q"),
        ),
    ),
    (
        "Calendar Month",
        (
            ("Last Month", "LAST_MONTH", "INTERVAL_LASTMONTH"),
            ("This Month", "THIS_MONTH", "INTERVAL_THISMONTH"),
            ("Next Month", "NEXT_MONTH", "INTERVAL_NEXTMONTH"),
            ("Current and Previous Month", "LAST_MONTH,THIS_MONTH", "INTERVAL_LASTTHISMONTH"),
            ("Current and Next Month", "THIS_MONTH,NEXT_MONTH", "INTERVAL_THISNEXTMONTH"),
        ),
    ),
    (
        "Calendar Week",
        (
            ("Last Week", "LAST_WEEK", "INTERVAL_LASTWEEK"),
            ("This Week", "THIS_WEEK", "INTERVAL_THISWEEK"),
            ("Next Week", "NEXT_WEEK", "INTERVAL_NEXTWEEK"),
        ),
    ),
    (
        "Day",
        (
            ("Yesterday", "YESTERDAY", "INTERVAL_YESTERDAY"),
            ("Today", "TODAY", "INTERVAL_TODAY"),
            ("Tomorrow", "TOMORROW", "INTERVAL_TOMORROW"),
            ("Last 7 Days", "LAST_N_DAYS:7", "INTERVAL_LAST7"),
            ("Last 30 Days", "LAST_N_DAYS:30", "INTERVAL_LAST30"),
            ("Last 60 Days", "LAST_N_DAYS:60", "INTERVAL_LAST60"),
            ("Last 90 Days", "LAST_N_DAYS:90", "INTERVAL_LAST90"),
            ("Last 120 Days", "LAST_N_DAYS:120", "INTERVAL_LAST120"),
            ("Next 7 Days", "NEXT_N_DAYS:7", "INTERVAL_NEXT7"),
            ("Next 30 Days", "NEXT_N_DAYS:30", "INTERVAL_NEXT30"),
            ("Next 60 Days", "NEXT_N_DAYS:60", "INTERVAL_NEXT60"),
            ("Next 90 Days", "NEXT_N_DAYS:90", "INTERVAL_NEXT90"),
            ("Next 120 Days", "NEXT_N_DAYS:120", "INTERVAL_NEXT120"),
        ),
    ),
)
"""Label, duration and interval by group; the durations are inferred where they join two literals."""
DURATION_OF: Mapping[str, str] = MappingProxyType(
    {interval: value for _, group in _GROUPS for _, value, interval in group}
    | {"INTERVAL_CUSTOM": CUSTOM}
)
"""``INTERVAL_LAST30`` → ``LAST_N_DAYS:30``; entitlement and custom fiscal periods are not there."""


def literal(text: str) -> str | None:
    """Return a date literal in SOQL's form (``last 30 days`` is none), or None."""
    name = "_".join(text.strip().upper().split())
    name = re.sub(r"_?:_?", ":", name)
    return name if _LITERAL.fullmatch(name) else None


def days_of(text: str, calendar: Calendar) -> Span | None:
    """Return the days of a literal, or of two joined by a comma; None when it is none.

    :raises OrgError: 400: it leaves the calendar.
    """
    names = [literal(part) for part in text.split(",")]
    if None in names:
        return None
    if any(int(name.partition(":")[2] or 0) > _MOST for name in names if name):
        raise bad_request(DATE_TOO_LARGE)
    try:
        spans = [span(name, calendar) for name in names if name]
    except (ValueError, OverflowError):
        raise bad_request(DATE_TOO_LARGE) from None
    return Span(min(s.start for s in spans), max(s.end for s in spans))


def duration_groups(calendar: Calendar) -> list[dict[str, Any]]:
    """Return ``standardDateFilterDurationGroups``: what there is, with its days as of today."""
    groups = [
        {
            "label": label,
            "standardDateFilterDurations": [
                _duration(name, value, calendar) for name, value, _ in members
            ],
        }
        for label, members in _GROUPS
    ]
    custom = {"endDate": None, "label": "Custom", "startDate": None, "value": CUSTOM}
    return [{"label": "Custom", "standardDateFilterDurations": [custom]}, *groups]


def _duration(label: str, value: str, calendar: Calendar) -> dict[str, Any]:
    days = days_of(value, calendar)
    if days is None:
        raise LookupError(f"expected a literal of days, got {value!r}")
    return {
        "endDate": last_day(days).isoformat(),
        "label": label,
        "startDate": days.start.isoformat(),
        "value": value,
    }


def last_day(days: Span) -> date:
    """Return the last day of a span, which the REST API counts in."""
    return days.end - timedelta(days=1)
