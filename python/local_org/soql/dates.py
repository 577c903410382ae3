"""Date literals as spans of days in the user's time zone, and the instants of their ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from local_org.clock import millis


@dataclass(frozen=True, slots=True)
class Calendar:
    """The user's calendar: today in the user's time zone, first day of weeks, fiscal year."""

    today: date
    zone: ZoneInfo
    first_weekday: int = 6
    """Monday is 0; most locales of the platform begin weeks on Sunday, 6."""
    fiscal_month: int = 1
    fiscal_year_named_by_start: bool = False
    """A fiscal year has the number of the year it starts in, not of the one it ends in."""

    @classmethod
    def at(
        cls, now: datetime, zone: str, locale: str, fiscal_month: int, *, by_start: bool = False
    ) -> Calendar:
        """Return the calendar of a user at this instant; ``zone`` is a ``TimeZoneSidKey``."""
        info = ZoneInfo(zone)
        monday = not _MONDAY_COUNTRIES.isdisjoint(locale.split("_")[1:2])
        today = now.astimezone(info).date()
        return cls(today, info, 0 if monday else 6, fiscal_month, by_start)

    def midnight(self, day: date) -> int:
        """Epoch milliseconds of the start of the day here."""
        return millis(datetime.combine(day, time(), self.zone))


_MONDAY_COUNTRIES = frozenset(
    {"AT", "BE", "CH", "CZ", "DE", "DK", "ES", "FI", "FR", "GB", "IE", "IT", "NL", "NO", "PL", "SE"}
)


@dataclass(frozen=True, slots=True)
class Span:
    """Days from ``start`` up to, not including, ``end``."""

    start: date
    end: date


def _add_months(first: date, months: int) -> date:
    """Move the first of a month."""
    index = first.year * 12 + first.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def _period_start(unit: str, calendar: Calendar) -> date:
    """First day of the current day, week, month, quarter or year."""
    today = calendar.today
    if unit == "DAY":
        return today
    if unit == "WEEK":
        return today - timedelta(days=(today.weekday() - calendar.first_weekday) % 7)
    first = today.replace(day=1)
    if unit == "MONTH":
        return first
    fiscal = unit.startswith("FISCAL_")
    since_year_start = (first.month - (calendar.fiscal_month if fiscal else 1)) % 12
    length = 3 if unit.endswith("QUARTER") else 12
    return _add_months(first, -(since_year_start % length))


def _shift(start: date, unit: str, count: int) -> date:
    """Move the start of a period by ``count`` periods."""
    if unit in ("DAY", "WEEK"):
        return start + timedelta(days=count * (7 if unit == "WEEK" else 1))
    months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit.removeprefix("FISCAL_")]
    return _add_months(start, count * months)


def span(literal: str, calendar: Calendar) -> Span:
    """Return the days a date literal means, e.g. of ``LAST_N_DAYS:7`` (upper case, no blanks).

    ``LAST_N_DAYS:n`` reaches from n days ago through today; the week, month, quarter and year forms
    leave the current period out. ``NEXT_N_…`` begins after the current period.
    Source: SOQL and SOSL Reference, Date Formats and Date Literals.
    """
    name, _, number = literal.partition(":")
    count = int(number) if number else 1
    fixed = {"TODAY": 0, "YESTERDAY": -1, "TOMORROW": 1}
    if name in fixed:
        return _periods("DAY", fixed[name], fixed[name] + 1, calendar)
    if name.endswith("_90_DAYS"):
        name, count = name.replace("_90_", "_N_"), 90
    unit = _unit(name)
    if name.endswith("_AGO"):
        return _periods(unit, -count, 1 - count, calendar)
    if name.startswith("LAST"):
        return _periods(unit, -count, 1 if unit == "DAY" else 0, calendar)
    if name.startswith("NEXT"):
        return _periods(unit, 1, count + 1, calendar)
    return _periods(unit, 0, 1, calendar)


def _unit(name: str) -> str:
    """``LAST_N_FISCAL_QUARTERS`` → ``FISCAL_QUARTER``."""
    bare = name.removesuffix("_AGO").split("_")
    words = [word for word in bare if word not in ("LAST", "THIS", "NEXT", "N")]
    return "_".join(words).removesuffix("S")


def _periods(unit: str, first: int, end: int, calendar: Calendar) -> Span:
    start = _period_start(unit, calendar)
    return Span(_shift(start, unit, first), _shift(start, unit, end))
