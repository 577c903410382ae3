"""What a JSON Schema cannot say of a policy: gaps, overlaps, names of nothing, routes never reached."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import pairwise
from zoneinfo import available_timezones

from speed_to_lead.policy.matchers import In, Matcher, Range, bounds
from speed_to_lead.policy.model import Hours, Policy, Route, Segment
from speed_to_lead.policy.parts import folded
from speed_to_lead.policy.space import Space


def lint(policy: Policy) -> list[str]:
    """Return everything that is wrong with a policy, each with its path; empty when it is sound."""
    return [
        *_clock(policy),
        *_patterns(policy),
        *_segments(policy),
        *_regions(policy),
        *_sla(policy),
        *_calendars(policy),
        *_names_of_routes(policy),
        *_matchers(policy),
        *_unreachable(policy),
    ]


def _clock(policy: Policy) -> Iterator[str]:
    start = policy.clock.start
    if start[-1] != "CreatedDate":
        yield "clock.start: expected CreatedDate at the end, the one field that every Lead has"
    yield from _repeated("clock.start[{}]", start)


def _patterns(policy: Policy) -> Iterator[str]:
    for position, pattern in enumerate(policy.response.auto_subject_patterns):
        try:
            re.compile(pattern)
        except re.error as error:
            path = f"response.auto_subject_patterns[{position}]"
            yield f"{path}: expected a regular expression, got {pattern!r}: {error}"


def _segments(policy: Policy) -> Iterator[str]:
    """Yield where a number of employees from 1 on has no segment, or more than one."""
    yield from _repeated("segments[{}].name", (segment.name for segment in policy.segments))
    ordered: list[Segment] = []
    for position, segment in enumerate(policy.segments):
        low, high = segment.employees
        if high is not None and high < low:
            yield f"segments[{position}].employees: expected [min, max], got [{low}, {high}]"
        else:
            ordered.append(segment)
    ordered.sort(key=lambda segment: segment.employees[0])
    following: int | None = 1
    for position, segment in enumerate(ordered):
        low, high = segment.employees
        if following is None or (position and low < following):
            yield f"segments: {ordered[position - 1]} and {segment} overlap"
        elif low > following:
            yield f"segments: no segment takes {bounds(following, low - 1)} employees"
        if following is not None:
            following = None if high is None else max(following, high + 1)
    if ordered and following is not None:
        yield f"segments: no segment takes {bounds(following, None)} employees"


def _regions(policy: Policy) -> Iterator[str]:
    yield from _repeated("regions[{}].name", (region.name for region in policy.regions))
    found: dict[str | None, str] = {}
    for position, region in enumerate(policy.regions):
        for place, country in enumerate(region.countries):
            other = found.setdefault(folded(country), region.name)
            if folded(country) is None:
                yield f"regions[{position}].countries[{place}]: expected a country, got a blank"
            elif other != region.name:
                yield f"regions[{position}].countries[{place}]: {country} is in {other} already"


def _sla(policy: Policy) -> Iterator[str]:
    names = policy.segment_names()
    yield from (f"sla: no target for segment {name}" for name in sorted(names - policy.sla.keys()))
    for name in policy.sla:
        if name not in names:
            yield f"sla.{name}: {_expected_one_of(names, name)}"


def _calendars(policy: Policy) -> Iterator[str]:
    said = policy.calendars
    yield from _repeated("calendars.named[{}].name", (each.name for each in said.named))
    for position, each in enumerate(said.named):
        yield from (f"calendars.named[{position}].{words}" for words in _hours(each))
    names = {each.name for each in said.named}
    uses = {"default": said.default} if said.default is not None else {}
    for place, chosen in (
        ("regions", said.regions),
        ("teams", said.teams),
        ("owners", said.owners),
    ):
        uses |= {f"{place}.{key}": name for key, name in chosen.items()}
    for path, name in uses.items():
        if name not in names:
            yield f"calendars.{path}: {_expected_one_of(names, name)}"
    for region in said.regions:
        if region not in policy.region_names():
            yield f"calendars.regions: {_expected_one_of(policy.region_names(), region)}"


def _hours(hours: Hours) -> Iterator[str]:
    """Yield what is wrong with one calendar, each with its path in it."""
    if (hours.business_hours is None) == (hours.zone is None):
        yield "zone: expected either zone and week, or business_hours"
    if hours.zone is not None and hours.zone not in available_timezones():
        yield f"zone: expected an IANA time zone such as Europe/Berlin, got {hours.zone}"
    if hours.business_hours is not None and hours.week:
        yield "week: the org's business hours say it"
    if hours.zone is not None and not any(hours.week.values()):
        yield "week: expected a day on which it is open"
    for weekday, windows in hours.week.items():
        ordered = sorted(windows)
        for opens, closes in ordered:
            if closes != "00:00" and closes <= opens:
                yield f"week.{weekday}: expected a closing time after {opens}, got {closes}"
        for (_, closes), (opens, _) in pairwise(ordered):
            if closes == "00:00" or opens < closes:
                yield f"week.{weekday}: {opens} is before {closes}, when the stretch before it closes"
    for position, day in enumerate(hours.holidays):
        try:
            date.fromisoformat(day)
        except ValueError:
            yield f"holidays[{position}]: expected a day, got {day}"


def _names_of_routes(policy: Policy) -> Iterator[str]:
    found: dict[str | None, str] = {}
    for path, route in policy.routes.walk("routes"):
        first = found.setdefault(folded(route.name), path)
        if first != path:
            yield f"{path}.name: {route.name} is the name of {first} already"


def _matchers(policy: Policy) -> Iterator[str]:
    """Yield matchers that name no segment or region, or can never be true by themselves."""
    names = {"segment": policy.segment_names(), "region": policy.region_names()}
    for path, matcher in _all_matchers(policy):
        leaf = matcher.leaf
        if isinstance(leaf, In) and leaf.field in names:
            for position, value in enumerate(leaf.values):
                if value not in names[leaf.field]:
                    expected = _expected_one_of(names[leaf.field], value)
                    yield f"{path}.in.values[{position}]: {expected}"
        if isinstance(leaf, Range) and leaf.is_empty:
            yield f"{path}.range: expected min below max, got {leaf.min} and {leaf.max}"


def _all_matchers(policy: Policy) -> Iterator[tuple[str, Matcher]]:
    for path, route in policy.routes.walk("routes"):
        if route.when is not None:
            yield from route.when.walk(f"{path}.when")


def _unreachable(policy: Policy) -> Iterator[str]:
    if policy.routes.when is not None:
        yield "routes.when: the root takes every Lead that no other route takes, it has no condition"
    else:
        space = Space(policy)
        yield from _never_taken(space, policy.routes, "routes", space.everything)


def _never_taken(space: Space, parent: Route, path: str, arriving: int) -> Iterator[str]:
    """Yield the routes below one that no Lead of those arriving there can take."""
    left = arriving
    for position, child in enumerate(parent.routes):
        own, here = space.where(child.when), f"{path}.routes[{position}]"
        if left & own:
            yield from _never_taken(space, child, here, left & own)
        elif not own:
            yield f"{here}: no Lead matches {child.name}"
        elif not arriving & own:
            yield f"{here}: no Lead of {parent.name} matches {child.name}"
        else:
            earlier = [s.name for s in parent.routes[:position] if space.where(s.when) & own]
            yield f"{here}: every Lead of {child.name} is taken before, by {', '.join(earlier)}"
        left &= ~own


def _repeated(path: str, names: Iterable[str]) -> Iterator[str]:
    seen: set[str | None] = set()
    for position, name in enumerate(names):
        if folded(name) in seen:
            yield f"{path.format(position)}: {name} is there already"
        seen.add(folded(name))


def _expected_one_of(names: Iterable[str], got: str) -> str:
    return f"expected one of {', '.join(sorted(names))}, got {got}"
