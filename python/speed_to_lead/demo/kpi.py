"""The truthful numbers: unanswered leads are censored observations, and only due leads enter the SLA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf


@dataclass(frozen=True, slots=True)
class Observation:
    """One lead as observed until some instant: answered after ``minutes``, or still waiting then."""

    minutes: float
    answered: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """The instants of one lead that the SLA needs."""

    started: datetime
    answered: datetime | None
    due: datetime


def quantile(observations: Sequence[Observation], share: float) -> float:
    """Return the minutes by which ``share`` of all leads is answered (Kaplan-Meier), or infinity.

    Infinity means "not reached": too many leads still wait. Answers come before censorings at the
    same time.

    >>> waits = [(4, 1), (9, 1), (9, 0), (15, 1), (30, 0), (45, 1), (60, 1), (90, 0), (120, 1), (240, 0)]
    >>> [quantile([Observation(m, bool(a)) for m, a in waits], p) for p in (0.25, 0.5, 0.75, 0.9)]
    [15, 60, 120, inf]
    """
    survival, at_risk = 1.0, len(observations)
    for observation in sorted(observations, key=lambda o: (o.minutes, not o.answered)):
        if observation.answered:
            survival *= 1 - 1 / at_risk
            if survival <= 1 - share + 1e-12:
                return observation.minutes
        at_risk -= 1
    return inf


def attainment(waits: Sequence[Wait], now: datetime) -> tuple[int, int]:
    """Return how many leads met their target, and how many were due, at ``now``."""
    due = [wait for wait in waits if wait.due <= now]
    met = [wait for wait in due if wait.answered is not None and wait.answered <= wait.due]
    return len(met), len(due)


def minutes(span: timedelta) -> float:
    """Return a span in minutes."""
    return span.total_seconds() / 60
