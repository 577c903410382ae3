"""A seeded week of leads: who arrives when, who answers how, what noise surrounds it, and the truth.

Distributions and noise shares are those of the project's definition of time to first response; two
are folded because their evidence comes with a later release: meetings are drawn as calls.
Equal seeds give equal plans, to the second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
_DAYS = (0.18, 0.175, 0.16, 0.19, 0.17, 0.056, 0.069)
_OFFICE = (0.8, 1.0, 1.1, 1.4, 1.0, 1.0, 1.3, 1.1, 1.0)
_BEFORE = (1.0, 0.8, 0.6, 0.5, 0.6, 0.9, 1.5, 2.2)
_AFTER = (1.7, 1.6, 1.5, 1.4, 1.4, 1.2, 1.1)
_OUTSIDE = sum(_BEFORE) + sum(_AFTER)
_HOURS = (
    *(0.38 * weight / _OUTSIDE for weight in _BEFORE),
    *(0.62 * weight / sum(_OFFICE) for weight in _OFFICE),
    *(0.38 * weight / _OUTSIDE for weight in _AFTER),
)
"""Share of arrivals by local hour: 62 % from 8 to 17, peaks at 11 and 14, least at 3."""
_SOURCES = {
    "Web": 0.55,
    "Content": 0.18,
    "Event": 0.12,
    "Partner Referral": 0.08,
    "Phone Inquiry": 0.04,
    "Chat": 0.03,
}
_SEGMENTS = {
    "SMB": (0.68, 1, 200, 1.2),
    "MM": (0.24, 201, 2000, 0.9),
    "ENT": (0.08, 2001, 40000, 0.6),
}
_PLACES = {
    ("United States", -5): 0.41,
    ("Canada", -5): 0.14,
    ("Germany", 1): 0.14,
    ("United Kingdom", 0): 0.14,
    ("Australia", 10): 0.12,
    ("Brazil", -3): 0.05,
}
_CHANNELS = {"Email": 0.50, "Call": 0.45, "Other": 0.05}
_NEVER = 0.23
_MIXTURE = ((0.509, 0.208, 0.994), (0.180, 6.95, 0.698), (0.311, 101.353, 0.703))
"""Weight, median hours and log sigma of: on shift, batch worked, neglected."""

AUTOMATION = -1
"""Index of the actor that is no person: the marketing system."""


class Step(StrEnum):
    """What happens in the org; each is one REST call of one actor."""

    LEAD = "lead"
    OPEN_TASK = "open_task"
    OPEN_CALL = "open_call"
    CLOSE_CALL = "close_call"
    CALL = "call"
    OTHER = "other"
    EMAIL = "email"
    AUTO_REPLY = "auto_reply"
    INBOUND_EMAIL = "inbound_email"
    DRAFT = "draft"
    LIST_EMAIL = "list_email"
    CADENCE = "cadence"
    BOT_CALL = "bot_call"
    REASSIGN = "reassign"


@dataclass(frozen=True, slots=True)
class Action:
    """One step on one lead. ``actor`` is the index of a representative, or AUTOMATION."""

    at: datetime
    lead: int
    step: Step
    actor: int
    said_at: datetime | None = None
    """MessageDate of a mail that was logged later than it was sent."""
    talked: int | None = None
    """Duration of a call in seconds; it began that long before ``at``."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What the Lead must say in the end: the first human response, or none."""

    at: datetime
    source: str
    actor: int
    logged_at: datetime


@dataclass(frozen=True, slots=True)
class PlannedLead:
    """A lead before it exists: its arrival and the features the policy reads."""

    index: int
    at: datetime
    source: str
    employees: int | None
    country: str | None


@dataclass(slots=True)
class Plan:
    """Leads, everything that happens to them in order of time, and what must come out."""

    leads: list[PlannedLead]
    actions: list[Action]
    truth: dict[int, Truth]
    end: datetime


@dataclass(slots=True)
class _Story:
    """One lead's actions and its human touches, while they are drawn."""

    lead: PlannedLead
    actions: list[Action] = field(default_factory=list)
    touches: list[Truth] = field(default_factory=list)

    def add(
        self,
        after: timedelta,
        step: Step,
        actor: int,
        said: timedelta | None = None,
        talked: int | None = None,
    ) -> None:
        at = self.lead.at + after
        said_at = None if said is None else self.lead.at + said
        self.actions.append(Action(at, self.lead.index, step, actor, said_at, talked))


def draw_plan(seed: int, leads: int = 200, days: int = 7, reps: int = 6) -> Plan:
    """Return the plan of this seed: ``leads`` arrivals over ``days`` days, answered by ``reps`` people."""
    random = Random(seed)
    arrivals = sorted(_arrival(random, days) for _ in range(leads))
    end = MONDAY + timedelta(days=days)
    plan = Plan([], [], {}, end)
    for index, (at, place) in enumerate(arrivals):
        story = _Story(_lead(random, index, at, place))
        _respond(random, story, reps)
        _disturb(random, story, reps)
        plan.leads.append(story.lead)
        plan.actions += [action for action in story.actions if action.at < end]
        logged = [touch for touch in story.touches if touch.logged_at < end]
        if logged:
            plan.truth[index] = min(logged, key=lambda touch: touch.at)
    plan.actions.sort(key=lambda action: (action.at, action.lead))
    return plan


def _pick(random: Random, weights: dict[str, float]) -> str:
    return random.choices(list(weights), list(weights.values()))[0]


def _arrival(random: Random, days: int) -> tuple[datetime, str]:
    (country, offset) = random.choices(list(_PLACES), list(_PLACES.values()))[0]
    day = random.choices(range(days), [_DAYS[d % 7] for d in range(days)])[0]
    hour = random.choices(range(24), _HOURS)[0]
    local = MONDAY + timedelta(days=day, hours=hour, seconds=random.randrange(3600))
    at = local - timedelta(hours=offset)
    last = MONDAY + timedelta(days=days) - timedelta(seconds=1)
    return min(max(at, MONDAY), last), country


def _lead(random: Random, index: int, at: datetime, place: str) -> PlannedLead:
    segment = _pick(random, {name: parts[0] for name, parts in _SEGMENTS.items()})
    _, low, high, _ = _SEGMENTS[segment]
    middle, spread = math.sqrt(low * high), math.log(high / low) / 4
    employees = min(max(round(random.lognormvariate(math.log(middle), spread)), low), high)
    chance = random.random()
    country = None if chance < 0.06 else ("Elbonia" if chance < 0.09 else place)
    return PlannedLead(
        index,
        at,
        _pick(random, _SOURCES),
        None if random.random() < 0.12 else employees,
        country,
    )


def _respond(random: Random, story: _Story, reps: int) -> None:
    """Draw when and how people answer; later touches follow and must not matter."""
    if random.random() < _NEVER:
        return
    _, median_hours, sigma = random.choices(_MIXTURE, [part[0] for part in _MIXTURE])[0]
    factor = next(
        (f for _, low, high, f in _SEGMENTS.values() if low <= (story.lead.employees or 0) <= high),
        1.2,
    )
    hours = min(random.lognormvariate(math.log(median_hours * factor), sigma), 720.0)
    after = timedelta(seconds=max(45, round(hours * 3600)))
    for follow_up in range(random.choice((1, 1, 2, 3))):
        gap = timedelta(hours=6 * follow_up, minutes=random.randrange(1, 90) * follow_up)
        _touch(random, story, after + gap, random.randrange(reps))


def _touch(random: Random, story: _Story, after: timedelta, rep: int) -> None:
    source = _pick(random, _CHANNELS)
    logged = after
    if source == "Email" and random.random() < 0.15:
        logged += timedelta(seconds=round(random.lognormvariate(math.log(3 * 3600), 0.8)))
        story.add(logged, Step.EMAIL, rep, said=after)
    elif source == "Email":
        story.add(after, Step.EMAIL, rep)
    elif source == "Call" and random.random() < 0.3:
        story.add(after - timedelta(seconds=20), Step.OPEN_CALL, rep)
        story.add(after, Step.CLOSE_CALL, rep)
    elif source == "Call":
        talked = round(random.lognormvariate(math.log(95), 0.6)) if random.random() < 0.45 else None
        logged += timedelta(seconds=talked or 0)
        story.add(logged, Step.CALL, rep, talked=talked)
    else:
        story.add(after, Step.OTHER, rep)
    story.touches.append(Truth(story.lead.at + after, source, rep, story.lead.at + logged))


def _disturb(random: Random, story: _Story, reps: int) -> None:
    """Draw what must never count: each kind of noise at its share."""

    def seconds(low: int, high: int) -> timedelta:
        return timedelta(seconds=random.randrange(low, high))

    story.add(timedelta(0), Step.LEAD, AUTOMATION)
    if story.lead.source == "Web" and random.random() < 0.85:
        story.add(seconds(5, 91), Step.AUTO_REPLY, AUTOMATION)
    if random.random() < 0.70:
        story.add(seconds(1, 10), Step.OPEN_TASK, AUTOMATION)
    for share, step, actor in (
        (0.20, Step.LIST_EMAIL, random.randrange(reps)),
        (0.25, Step.CADENCE, random.randrange(reps)),
        (0.15, Step.BOT_CALL, AUTOMATION),
        (0.10, Step.INBOUND_EMAIL, AUTOMATION),
        (0.05, Step.DRAFT, random.randrange(reps)),
        (0.07, Step.REASSIGN, random.randrange(reps)),
    ):
        if random.random() < share:
            story.add(seconds(30, 7200), step, actor)
