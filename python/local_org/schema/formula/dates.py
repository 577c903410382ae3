"""Dates, date-times and times in formulas; days are numbers, times of day count in milliseconds."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

from local_org.schema.formula.arithmetic import ARITHMETIC, as_text
from local_org.schema.formula.kinds import FormulaFailure

_DAY_SECONDS = Decimal(86400)
_DAY_MILLIS = 86_400_000
_MILLION = Decimal(1_000_000)
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_DATETIME = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})[T ](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.\d+)?Z?")
_TIME = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,3}))?")


def days_between(later: datetime, earlier: datetime) -> Decimal:
    """DateTime - DateTime, or Date - Date: days, with fractions of a day."""
    gap = later - earlier
    seconds = Decimal(gap.days * 86400 + gap.seconds) + Decimal(gap.microseconds) / _MILLION
    return ARITHMETIC.divide(seconds, _DAY_SECONDS)


def date_gap(later: date, earlier: date) -> Decimal:
    """Date - Date: whole days."""
    return Decimal((later - earlier).days)


def shift_datetime(moment: datetime, days: Decimal) -> datetime:
    """DateTime ± number: days with fractions, to the nearest second."""
    seconds = (days * _DAY_SECONDS).quantize(Decimal(1), ROUND_HALF_UP)
    try:
        return moment + timedelta(seconds=int(seconds))
    except OverflowError as e:
        raise FormulaFailure("the date is out of range") from e


def shift_date(day: date, days: Decimal) -> date:
    """Date ± number: whole days; fractions are dropped."""
    try:
        return day + timedelta(days=int(days))
    except OverflowError as e:
        raise FormulaFailure("the date is out of range") from e


def millis_of(moment: time) -> int:
    """Return milliseconds since midnight."""
    seconds = (moment.hour * 60 + moment.minute) * 60 + moment.second
    return seconds * 1000 + moment.microsecond // 1000


def time_of(millis: int) -> time:
    """Return the time of day so many milliseconds after midnight; a day later it starts again."""
    seconds, rest = divmod(millis % _DAY_MILLIS, 1000)
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60, rest * 1000)


def shift_time(moment: time, millis: Decimal) -> time:
    """Time ± number: milliseconds; on through midnight, but not back through it."""
    shifted = millis_of(moment) + int(millis)
    if shifted < 0:
        raise FormulaFailure("the time is out of range")
    return time_of(shifted)


def time_gap(later: time, earlier: time) -> Decimal:
    """Time - Time: milliseconds from the earlier one forwards, through midnight if need be."""
    return Decimal((millis_of(later) - millis_of(earlier)) % _DAY_MILLIS)


def make_date(year: Decimal, month: Decimal, day: Decimal) -> date:
    """DATE."""
    try:
        return date(int(year), int(month), int(day))
    except (ValueError, OverflowError) as e:
        raise FormulaFailure("there is no such date") from e


def add_months(day: date | datetime, months: Decimal) -> date | datetime:
    """ADDMONTHS: the last day of a month stays the last day."""
    index = day.year * 12 + day.month - 1 + int(months)
    year, month = divmod(index, 12)
    try:
        last = monthrange(year, month + 1)[1]
        at_end = day.day == monthrange(day.year, day.month)[1]
        return day.replace(year=year, month=month + 1, day=last if at_end else min(day.day, last))
    except (ValueError, OverflowError) as e:
        raise FormulaFailure("the date is out of range") from e


def as_date(value: str | date | datetime) -> date | None:
    """DATEVALUE of a text (YYYY-MM-DD), or the day of a date-time in UTC."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if not value.strip():
        return None
    match = _DATE.fullmatch(value.strip())
    if match is None:
        raise FormulaFailure("the text is no date")
    return make_date(*(Decimal(part) for part in match.groups()))


def as_datetime(value: str | date | datetime) -> datetime | None:
    """DATETIMEVALUE of a text (YYYY-MM-DD HH:MM:SS, UTC) or of a date, at midnight UTC."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not value.strip():
        return None
    match = _DATETIME.fullmatch(value.strip())
    if match is None:
        raise FormulaFailure("the text is no date and time")
    day = as_date(match[1])
    hour, minute, second = (int(match[i]) for i in (2, 3, 4))
    if day is None or hour > 23 or minute > 59 or second > 59:
        raise FormulaFailure("the text is no date and time")
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=UTC)


def as_time(value: str | datetime | time) -> time | None:
    """TIMEVALUE of a text (HH:MM:SS.mmm), or the time of day of a date-time in UTC."""
    if isinstance(value, datetime):
        return value.time()
    if isinstance(value, time):
        return value
    if not value.strip():
        return None
    match = _TIME.fullmatch(value.strip())
    if match is None:
        raise FormulaFailure("the text is no time")
    try:
        micros = int((match[4] or "").ljust(6, "0"))
        return time(int(match[1]), int(match[2]), int(match[3]), micros)
    except ValueError as e:
        raise FormulaFailure("the text is no time") from e


def weekday(day: date) -> Decimal:
    """WEEKDAY: 1 is Sunday, 7 is Saturday."""
    return Decimal(day.isoweekday() % 7 + 1)


def unix_timestamp(moment: date | datetime) -> Decimal:
    """UNIXTIMESTAMP: seconds since 1970."""
    instant = as_datetime(moment)
    return Decimal(0) if instant is None else Decimal(int(instant.timestamp()))


def from_unix_time(seconds: Decimal) -> datetime:
    """FROMUNIXTIME."""
    return shift_datetime(
        datetime(1970, 1, 1, tzinfo=UTC), ARITHMETIC.divide(seconds, _DAY_SECONDS)
    )


def as_display(value: date | datetime | time) -> str:
    """TEXT of a date (YYYY-MM-DD), a date-time (… HH:MM:SSZ) or a time (HH:MM:SS.mmm)."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    return value.isoformat(timespec="milliseconds")


def display(value: str | Decimal | date | datetime | time) -> str:
    """TEXT."""
    if isinstance(value, str):
        return value
    return as_text(value) if isinstance(value, Decimal) else as_display(value)
