"""Who held a Lead, and for how long: pure. The parts add up to the whole, to the second.

Source: facts/ttfr.md, section 9.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from speed_to_lead.model import Hold, Keeper


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of time in one pair of hands; half-open, whole seconds."""

    owner_id: str | None
    """``None`` before the first owner that is known."""
    keeper: Keeper
    began: datetime
    ended: datetime

    @property
    def seconds(self) -> int:
        """Return how long it lasted."""
        return round((self.ended - self.began).total_seconds())

    @property
    def is_human(self) -> bool:
        """Whether the time is charged to a person, and not to the system."""
        return self.keeper is Keeper.HUMAN


def spans(holds: Iterable[Hold], started: datetime, until: datetime) -> list[Span]:
    """Return who had the Lead from the start of its clock until an instant, without gap or overlap.

    Time before the first known owner belongs to nobody, and so to the system. Of two owners in one
    second the later id holds; it makes no difference to any sum.
    """
    found: list[Span] = []
    owner, keeper, began = None, Keeper.NOBODY, started
    for hold in sorted(holds, key=lambda each: (each.at, each.owner_id)):
        at = min(max(hold.at, started), until)
        if at > began:
            found.append(Span(owner, keeper, began, at))
        owner, keeper, began = hold.owner_id, hold.keeper, max(began, at)
    if until > began:
        found.append(Span(owner, keeper, began, until))
    return found


@dataclass(frozen=True, slots=True)
class Delay:
    """The wait for an answer, split: ``system + human`` is all of it."""

    system_seconds: int
    """A queue, automation or nobody had the Lead."""
    human_seconds: int
    """A person had it."""


def delay(parts: Iterable[Span]) -> Delay:
    """Return how much of some spans was routing, and how much was people."""
    parts = list(parts)
    human = sum(each.seconds for each in parts if each.is_human)
    return Delay(sum(each.seconds for each in parts) - human, human)
