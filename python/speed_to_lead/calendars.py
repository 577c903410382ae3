"""Business time: how much of a wait was open time, and by when so much of it has passed. Pure.

Windows are half-open, in the calendar's own zone; closing at 00:00 means the end of the day; a holiday
closes the whole day; every change of the clock is honoured. Source: facts/ttfr.md, section 8.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from speed_to_lead.policy import Policy

Window = tuple[time, time]
_MIDNIGHT = time(0)
_DAY = timedelta(days=1)
_LONGEST = timedelta(days=366 * 5)
"""So far ahead a deadline is looked for; a calendar that is closed for longer has none."""


@dataclass(frozen=True)
class Calendar:
    """When somebody is open: one week that repeats, less its holidays."""

    name: str
    zone: ZoneInfo
    week: tuple[tuple[Window, ...], ...]
    """The windows of Monday to Sunday."""
    holidays: frozenset[date] = frozenset()

    @cached_property
    def digest(self) -> str:
        """``sha256:`` and 64 hex digits over zone, week and holidays, whatever the calendar's name."""
        return f"sha256:{hashlib.sha256(self.said.encode()).hexdigest()}"

    @cached_property
    def said(self) -> str:
        """Everything that counts of it, as JSON: what the digest is taken of."""
        said = {
            "zone": self.zone.key,
            "week": [[[str(o), str(c)] for o, c in sorted(day)] for day in self.week],
            "holidays": sorted(map(str, self.holidays)),
        }
        return json.dumps(said, sort_keys=True, separators=(",", ":"))

    @classmethod
    def read(cls, name: str, said: str) -> Calendar:
        """Return a calendar from what one has said of itself."""
        told = json.loads(said)
        week = tuple(
            tuple((time.fromisoformat(o), time.fromisoformat(c)) for o, c in day)
            for day in told["week"]
        )
        holidays = frozenset(map(date.fromisoformat, told["holidays"]))
        return cls(name, ZoneInfo(told["zone"]), week, holidays)

    @cached_property
    def is_always_open(self) -> bool:
        """Whether business time is elapsed time."""
        return not self.holidays and all(day == ((_MIDNIGHT, _MIDNIGHT),) for day in self.week)

    def open_seconds(self, start: datetime, end: datetime) -> int:
        """Return the open whole seconds in ``[start, end)``; negative when ``end`` comes first."""
        if end < start:
            return -self.open_seconds(end, start)
        if self.is_always_open:
            return round((end - start).total_seconds())
        total = sum((closes - opens for opens, closes in self.open_spans(start, end)), timedelta())
        return round(total.total_seconds())

    def open_spans(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the stretches of ``[start, end)`` in which it is open, in order."""
        if self.is_always_open:
            yield start, end
            return
        day, last = self._day(start) - _DAY, self._day(end) + _DAY
        while day <= last:
            for opens, closes in _spans(self, day):
                if max(opens, start) < min(closes, end):
                    yield max(opens, start), min(closes, end)
            day += _DAY

    def after(self, start: datetime, seconds: float) -> datetime:
        """Return the first instant by which so many open seconds have passed since the start.

        A calendar that never opens again gives elapsed time: a promise must have an end.
        """
        left = timedelta(seconds=seconds)
        if self.is_always_open:
            return start + left
        day, last = self._day(start) - _DAY, self._day(start + _LONGEST)
        while day <= last:
            for opens, closes in _spans(self, day):
                begins = max(opens, start)
                if closes - begins >= left:
                    return begins + left
                left -= max(timedelta(), closes - begins)
            day += _DAY
        return start + timedelta(seconds=seconds)

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()


@lru_cache(maxsize=4096)
def _spans(calendar: Calendar, day: date) -> tuple[tuple[datetime, datetime], ...]:
    """Return a day's windows as instants, in order."""
    if day in calendar.holidays:
        return ()
    return tuple(
        (
            datetime.combine(day, opens, calendar.zone).astimezone(UTC),
            datetime.combine(
                day + _DAY if closes == _MIDNIGHT else day, closes, calendar.zone
            ).astimezone(UTC),
        )
        for opens, closes in sorted(calendar.week[day.weekday()])
    )


ALWAYS = Calendar("always open", ZoneInfo("UTC"), (((_MIDNIGHT, _MIDNIGHT),),) * 7)
"""The calendar of those for whom a policy names none."""


@dataclass(frozen=True, slots=True)
class Calendars:
    """Whose calendar is which, under one policy."""

    by_name: Mapping[str, Calendar] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    """Names by folded username."""
    teams: Mapping[str, str] = field(default_factory=dict)
    """Names by folded department."""
    regions: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None

    @classmethod
    def of(cls, policy: Policy, from_org: Iterable[Calendar] = ()) -> Calendars:
        """Return the calendars of a policy; those that it takes from the org's business hours are given."""
        said = policy.calendars
        own = [
            Calendar(
                each.name,
                ZoneInfo(each.zone),
                each.windows(),
                frozenset(date.fromisoformat(day) for day in each.holidays),
            )
            for each in said.named
            if each.zone is not None
        ]
        return cls(
            {calendar.name: calendar for calendar in [*own, *from_org]},
            {name.casefold(): calendar for name, calendar in said.owners.items()},
            {name.casefold(): calendar for name, calendar in said.teams.items()},
            dict(said.regions),
            said.default,
        )

    def of_lead(self, region: str) -> Calendar:
        """Return the calendar while no person owns a Lead: its region's, else the default."""
        return self.named(self.regions.get(region, self.default))

    def of_person(self, username: str, team: str | None, region: str) -> str | None:
        """Return the name of the calendar once a person owns a Lead: owner, team, region, default."""
        found = self.owners.get(username.casefold())
        found = found or (self.teams.get(team.casefold()) if team else None)
        return found or self.regions.get(region, self.default)

    def named(self, name: str | None) -> Calendar:
        """Return a calendar by its name; a name that the policy no longer has is always open."""
        return ALWAYS if name is None else self.by_name.get(name, ALWAYS)
