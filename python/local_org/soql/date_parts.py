"""The date functions of SOQL in SQL: a part of a date, or of a dateTime in UTC or the user's zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from local_org.clock import from_millis
from local_org.schema.model import FieldType
from local_org.soql.dates import Calendar
from local_org.soql.scope import Term

LOCAL = "soql_local"
"""SQL function: epoch milliseconds shifted so that UTC functions read the wall clock of a zone."""
_PARTS = {
    "CALENDAR_YEAR": "%Y",
    "CALENDAR_MONTH": "%m",
    "DAY_IN_YEAR": "%j",
    "DAY_IN_MONTH": "%d",
    "HOUR_IN_DAY": "%H",
}
_STEADY_MILLIS = 900_000
"""No zone changes its clocks within a quarter of an hour."""


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=65536)
def _offset_millis(quarter: int, zone: str) -> int:
    moment: datetime = from_millis(quarter * _STEADY_MILLIS).astimezone(_zone(zone))
    offset = moment.utcoffset()
    return 0 if offset is None else int(offset.total_seconds() * 1000)


def local(instant: int | None, zone: str) -> int | None:
    """Return an instant as the wall clock of a zone shows it, in milliseconds."""
    return None if instant is None else instant + _offset_millis(instant // _STEADY_MILLIS, zone)


def moment(of: Term, *, zone: str | None) -> Term:
    """Return a date or dateTime as arguments of SQLite's date functions; in UTC without a zone."""
    if of.type is FieldType.DATE:
        return of
    if zone is None:
        return replace(of, sql=f"{of.sql} / 1000, 'unixepoch'")
    sql = f"{LOCAL}({of.sql}, ?) / 1000, 'unixepoch'"
    return replace(of, sql=sql, params=(*of.params, zone))


def date_part(name: str, of: Term, calendar: Calendar) -> Term:
    """Return the part that a date function takes out of what ``moment`` made."""
    if name == "DAY_ONLY":
        return Term(f"date({of.sql})", FieldType.DATE, name, of.params)
    sql = _part_sql(name, of.sql, calendar)
    return Term(sql, FieldType.INT, name, of.params * sql.count("strftime("))


def _part_sql(name: str, when: str, calendar: Calendar) -> str:
    def part(code: str) -> str:
        return f"CAST(strftime('{code}', {when}) AS INTEGER)"

    derived = {
        "CALENDAR_QUARTER": f"({part('%m')} + 2) / 3",
        "FISCAL_YEAR": _fiscal_year(part("%Y"), part("%m"), calendar),
        "FISCAL_QUARTER": f"(({part('%m')} + {12 - calendar.fiscal_month}) % 12) / 3 + 1",
        "FISCAL_MONTH": f"(({part('%m')} + {12 - calendar.fiscal_month}) % 12) + 1",
        "DAY_IN_WEEK": f"{part('%w')} + 1",
        "WEEK_IN_YEAR": f"({part('%j')} + 6) / 7",
        "WEEK_IN_MONTH": f"({part('%d')} + 6) / 7",
    }
    return f"({derived[name]})" if name in derived else part(_PARTS[name])


def _fiscal_year(year: str, month: str, calendar: Calendar) -> str:
    """A fiscal year is named after the year it ends in, unless the org says: that it starts in."""
    first = calendar.fiscal_month
    if first == 1:
        return year
    if calendar.fiscal_year_named_by_start:
        return f"{year} - ({month} < {first})"
    return f"{year} + ({month} >= {first})"
