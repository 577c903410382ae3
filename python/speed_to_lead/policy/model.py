"""What a policy document holds. Every parameter has its default and its meaning here, once.

Sources of the defaults: facts/ttfr.md, section 13.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import time
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from speed_to_lead.model import JSON
from speed_to_lead.policy.matchers import Features, Matcher, bounds
from speed_to_lead.policy.parts import Choice, Part, Text, folded

Count = Annotated[int, Field(ge=0)]
FieldName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=80)]
ClockTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["09:00"])]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NUMBER = r"(0|[1-9][0-9]*)"


class OwnerRef(Choice):
    """Who owns a Lead: a queue, a user, or whoever owns it already."""

    queue: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")] | SkipJsonSchema[None] = None
    """Group.DeveloperName of a queue."""
    user: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")] | SkipJsonSchema[None] = None
    """User.Username."""
    keep: Literal[True] | SkipJsonSchema[None] = None
    """The owner stays as it is."""

    def __str__(self) -> str:
        if self.keep:
            return "keep the owner"
        return f"queue {self.queue}" if self.queue else f"user {self.user}"


class Clock(Part):
    """When the response clock of a Lead starts, and how far around it evidence is looked for."""

    start: Annotated[tuple[FieldName, ...], Field(min_length=1)] = ("CreatedDate",)
    """Date-time fields of Lead; the first usable one starts the clock. Ends with CreatedDate."""
    inquiry_max_after_created_seconds: Count = 60
    """A start may be so much later than CreatedDate, else it is not usable."""
    inquiry_max_age_days: Count = 30
    """A start may be so much earlier than CreatedDate, else it is not usable."""
    preexisting_tolerance_seconds: Count = 60
    """A response earlier than this before the start was there before the inquiry: Preexisting."""
    lookback_days: Count = 30
    """Evidence older than this before the start is not evidence."""
    new_episode_after_days: Count = 30
    """A new inquiry of an unanswered Lead opens a new episode when it comes later than this."""
    reopening_statuses: tuple[Text, ...] = ()
    """Values of Lead.Status that mean a new inquiry when a Lead is set to one of them."""
    closed_statuses: tuple[Text, ...] = ()
    """Values of Lead.Status that end the wait of a Lead without an answer, such as Unqualified."""


class Response(Part):
    """What counts as a first response, and what never does."""

    count_inbound_calls: bool = False
    """Whether a call that the prospect made counts."""
    call_types: tuple[Text, ...] = ("Call",)
    """Values of Task.Type that make a Task a call; TaskSubtype Call always does."""
    other_channels: tuple[Text, ...] = ("LinkedIn", "SMS")
    """Values of TaskSubtype or Type that make a closed Task a response of source Other."""
    user_types: Annotated[tuple[Text, ...], Field(min_length=1)] = ("Standard",)
    """Values of User.UserType that a person can have."""
    meetings: bool = True
    """Whether the booking of a meeting (Event) counts."""
    automation_users: tuple[Text, ...] = ()
    """Usernames or User ids of systems; what they do is never a response."""
    scheduler_users: tuple[Text, ...] = ()
    """Usernames or User ids of booking tools; what they book, the prospect has booked."""
    trusted_loggers: tuple[Text, ...] = ()
    """Usernames or User ids of diallers and mail syncs; what they log, a person has done."""
    auto_reply_templates: tuple[Annotated[str, Field(pattern=r"^00X[0-9A-Za-z]{12,15}$")], ...] = ()
    """Ids of e-mail templates of automatic replies."""
    auto_reply_seconds: Count = 10
    """A mail sent sooner than this by the user that created the Lead is an automatic reply."""
    auto_subject_patterns: tuple[Text, ...] = ()
    """Regular expressions, without case; a mail whose Subject matches one is an automatic reply."""
    backdated_after_minutes: Count = 15
    """A touch logged later than this after it happened has grade C."""
    backdated_may_lower: bool = True
    """Whether a touch of grade C counts."""
    corrections: bool = False
    """Whether a stamp is raised when its evidence is withdrawn; needs Speed_to_Lead_Override."""


class Segment(Part):
    """Leads of one size."""

    name: Text
    employees: tuple[Count, Count | None]
    """The smallest and the greatest number of employees; null when there is no greatest."""

    def __str__(self) -> str:
        return f"{self.name} ({bounds(*self.employees)})"


class Region(Part):
    """Leads of some countries."""

    name: Text
    countries: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Values of Lead.Country, compared without case."""


class Route(Part):
    """Who owns the Leads that match: the first child that matches, else this route itself."""

    name: Text
    """Recorded with each decision; no two routes have the same."""
    when: Matcher | SkipJsonSchema[None] = None
    """Which Leads match; absent: all."""
    owner: OwnerRef
    routes: tuple[Route, ...] = ()
    """Tried in order before this route itself."""

    def walk(self, path: str) -> Iterator[tuple[str, Route]]:
        """Yield this route and all below it, each with its path in the document."""
        yield path, self
        for position, child in enumerate(self.routes):
            yield from child.walk(f"{path}.routes[{position}]")


class Target(Part):
    """How soon a Lead shall be answered."""

    target_minutes: Annotated[float, Field(gt=0)]
    clock: Literal["calendar", "business"] = "calendar"
    """Which time counts: all of it, or that in which the Lead's calendar is open."""
    import_sources: tuple[Text, ...] = ()
    """Values of Lead.LeadSource that mean an import: nothing is promised, and no number counts it."""


class Hours(Part):
    """One calendar: hours of its own, or those of the org's business hours."""

    name: Text
    business_hours: Text | SkipJsonSchema[None] = None
    """Name of an active BusinessHours of the org; its zone, its hours and the org's holidays hold."""
    zone: Text | SkipJsonSchema[None] = None
    """IANA time zone, such as Europe/Berlin; where no business_hours are named."""
    week: dict[Weekday, tuple[tuple[ClockTime, ClockTime], ...]] = Field(default_factory=dict)
    """Opening and closing time of each stretch; 00:00 as a closing time is the end of the day."""
    holidays: tuple[Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")], ...] = ()
    """Days on which it is closed."""

    def windows(self) -> tuple[tuple[tuple[time, time], ...], ...]:
        """Return the stretches of Monday to Sunday."""
        return tuple(
            tuple((time.fromisoformat(o), time.fromisoformat(c)) for o, c in self.week.get(day, ()))
            for day in WEEKDAYS
        )


class Calendars(Part):
    """Whose hours count for business time: the first owner's, their team's, the region's, or the default."""

    named: tuple[Hours, ...] = ()
    default: Text | SkipJsonSchema[None] = None
    """Where nothing else is named; absent: always open."""
    regions: dict[Text, Text] = Field(default_factory=dict)
    teams: dict[Text, Text] = Field(default_factory=dict)
    """By User.Department."""
    owners: dict[Text, Text] = Field(default_factory=dict)
    """By User.Username."""


class Policy(Part):
    """How Leads are measured and routed: everything that a RevOps team argues about."""

    version: Annotated[
        str,
        Field(
            pattern=rf"^{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$",
            max_length=80,
            examples=["1.0.0"],
        ),
    ]
    """Semantic version; stamped on every Lead that is routed or answered under this policy."""
    clock: Clock = Clock()
    response: Response = Response()
    segments: tuple[Segment, ...] = ()
    default_segment: Text
    """The segment of a Lead without a number of employees."""
    regions: tuple[Region, ...] = ()
    default_region: Text
    """The region of a Lead without a country, or from one that no region names."""
    calendars: Calendars = Calendars()
    routes: Route
    """The root, which has no ``when``: it takes every Lead that no route below it takes."""
    sla: dict[Text, Target]
    """How soon the Leads of each segment shall be answered."""

    @cached_property
    def digest(self) -> str:
        """``sha256:`` and 64 hex digits over what the document says, however it is written.

        Order of keys and spelled-out defaults make no difference.
        """
        said = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"

    def segment_of(self, employees: int | None) -> str:
        """Return the segment of a Lead with so many employees; total."""
        if employees is not None:
            for segment in self.segments:
                low, high = segment.employees
                if low <= employees and (high is None or employees <= high):
                    return segment.name
        return self.default_segment

    def region_of(self, country: str | None) -> str:
        """Return the region of a Lead from this country; total."""
        return self._region_by_country.get(folded(country), self.default_region)

    @cached_property
    def _region_by_country(self) -> dict[str | None, str]:
        return {folded(c): region.name for region in self.regions for c in region.countries}

    def features(self, inputs: Mapping[str, JSON]) -> Features:
        """Return what matchers read, from what ``routing.inputs_of`` tells of a Lead; total."""
        given = inputs.get("employees")
        employees = given if isinstance(given, int) else None
        country, source, industry = (
            folded(given) if isinstance(given := inputs.get(name), str) else None
            for name in ("country", "source", "industry")
        )
        region = self._region_by_country.get(country, self.default_region)
        return Features(self.segment_of(employees), region, country, source, industry, employees)

    def segment_names(self) -> frozenset[str]:
        """Return the names of all segments, the default one included."""
        return frozenset({self.default_segment, *(segment.name for segment in self.segments)})

    def region_names(self) -> frozenset[str]:
        """Return the names of all regions, the default one included."""
        return frozenset({self.default_region, *(region.name for region in self.regions)})

    def target(self, segment: str) -> Target:
        """Return how soon the Leads of a segment shall be answered."""
        return self.sla[segment]

    def is_import(self, segment: str, source: str | None) -> bool:
        """Tell whether a Lead was imported, and so is outside every number."""
        return folded(source) in {folded(each) for each in self.sla[segment].import_sources}

    def owners(self) -> frozenset[OwnerRef]:
        """Return every owner that a route names."""
        return frozenset(route.owner for _, route in self.routes.walk("routes"))
