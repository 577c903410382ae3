"""The numbers of a set of leads: pure, and the same whoever measured them.

Each number, its population and what it hides: docs/kpis.md. Minutes are floats; a share is met and due,
never a rounded percentage. Source of the formulas: facts/ttfr.md, sections 10 and 15.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf

from speed_to_lead.model import ANSWERS, Lead, Source

_TOLERANCE = timedelta(seconds=60)
"""How far before the clock an answer may lie and still be one, of no minutes."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the numbers need of one lead."""

    started: datetime
    """The start of its response clock."""
    answered: datetime | None
    """Its earliest response, of whatever source."""
    source: Source | None
    """The source of that response."""
    due: datetime | None
    assigned: datetime | None
    """When a person first owned it."""
    converted: bool = False
    deleted: datetime | None = None
    ended: datetime | None = None
    """When it was no longer watched: closed, converted or deleted."""

    @classmethod
    def of(cls, lead: Lead, deleted: datetime | None = None) -> Measured:
        """Return a lead of the sidecar as it is measured; ``deleted`` is when it was."""
        stamp = lead.stamp
        ends = [each for each in (lead.closed_at, lead.converted_at, deleted) if each is not None]
        return cls(
            started=lead.clock_started_at or lead.created_at,
            answered=None if stamp is None else stamp.at,
            source=None if stamp is None else stamp.source,
            due=lead.due_at,
            assigned=lead.owner_assigned_at,
            converted=lead.is_converted,
            deleted=deleted,
            ended=min(ends, default=None),
        )

    @property
    def is_answer(self) -> bool:
        """Whether a person answered it; conversions and touches before the clock are no answers."""
        return self.source in ANSWERS

    @property
    def is_waiting(self) -> bool:
        """Whether it still waits for an answer, as ``Minutes_Waiting__c`` has it."""
        return self.answered is None and not self.converted and self.deleted is None

    @property
    def minutes(self) -> float | None:
        """Minutes to the first response, as ``Time_to_First_Response__c`` has them."""
        if self.answered is None or self.answered < self.started - _TOLERANCE:
            return None
        return minutes(max(self.answered - self.started, timedelta(0)))

    @property
    def human_minutes(self) -> float | None:
        """The part of an answer's minutes in which a person owned the lead."""
        spent = self.minutes
        if spent is None or not self.is_answer:
            return None
        if self.assigned is None:
            return 0.0
        return max(0.0, spent - max(0.0, minutes(self.assigned - self.started)))

    def met(self, as_of: datetime) -> bool | None:
        """Whether it was answered in time; ``None`` while it is not due, or is not measured."""
        if self.due is None or self.due > as_of or self.source is Source.PREEXISTING:
            return None
        if self.answered is None and self.deleted is not None and self.deleted < self.due:
            return None
        in_time = self.answered is not None and self.answered <= self.due
        if (self.source is Source.CONVERSION and in_time) or (
            self.converted and self.answered is None
        ):  # nobody knows when it was converted
            return None
        return self.is_answer and in_time


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of some leads, as of one instant."""

    leads: int
    """Those measured: all but those answered before their clock started."""
    answered: int
    waiting: int
    """Neither answered nor converted."""
    median: float | None
    """Minutes to first response of the answered alone, as the native reports have it."""
    average: float | None
    routing_average: float | None
    """The part of ``average`` in which no person owned the lead."""
    human_average: float | None
    whole_median: float
    """Minutes by which half of all leads is answered, those who wait included; infinity: not reached."""
    whole_p90: float
    met: int
    due: int


def figures(leads: Iterable[Measured], as_of: datetime) -> Figures:
    """Return the numbers of these leads as of an instant; a lead that came later does not belong."""
    base = [lead for lead in leads if lead.source is not Source.PREEXISTING]
    answers = [lead for lead in base if lead.is_answer]
    spent = [found for lead in answers if (found := lead.minutes) is not None]
    human = [found for lead in answers if (found := lead.human_minutes) is not None]
    average = statistics.fmean(spent) if spent else None
    people = statistics.fmean(human) if human else None
    verdicts = [met for lead in base if (met := lead.met(as_of)) is not None]
    observed = [_observed(lead, as_of) for lead in base]
    return Figures(
        leads=len(base),
        answered=len(answers),
        waiting=sum(lead.is_waiting for lead in base),
        median=statistics.median(spent) if spent else None,
        average=average,
        routing_average=None if average is None or people is None else average - people,
        human_average=people,
        whole_median=quantile(observed, 0.5),
        whole_p90=quantile(observed, 0.9),
        met=sum(verdicts),
        due=len(verdicts),
    )


@dataclass(frozen=True, slots=True)
class Observation:
    """One lead as observed until some instant: answered after ``minutes``, or still waiting then."""

    minutes: float
    answered: bool


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


def minutes(span: timedelta) -> float:
    """Return a span in minutes."""
    return span.total_seconds() / 60


def _observed(lead: Measured, as_of: datetime) -> Observation:
    """Return an answer, or how long the lead was watched without one: to its end, or to now."""
    spent = lead.minutes
    if lead.is_answer and spent is not None:
        return Observation(spent, answered=True)
    until = min(each for each in (lead.answered, lead.ended, as_of) if each is not None)
    return Observation(max(0.0, minutes(until - lead.started)), answered=False)
