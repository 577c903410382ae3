"""One Lead, several inquiries: each episode has a clock and a first response of its own. Pure.

A function of sets, so that no order of arrival matters. The Lead's fields hold the first episode.
Source: facts/ttfr.md, section 3.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from speed_to_lead.first_response import ClockStart, earliest
from speed_to_lead.model import Evidence, Lead
from speed_to_lead.policy import Policy

_NONE: frozenset[datetime] = frozenset()


@dataclass(frozen=True, slots=True)
class Episode:
    """One expression of interest, from its clock to the next one's; whole seconds, UTC."""

    started: datetime
    ended: datetime | None
    """When the next episode began; ``None`` for the last one."""
    best: Evidence | None
    """Its first response."""


def later_inquiries(
    policy: Policy, lead: Lead, told: Collection[datetime] = ()
) -> frozenset[datetime]:
    """Return the inquiries, of the record and of its events, that are too late to start its clock.

    A form that is filled in again overwrites the same field, so the ledger keeps what it has seen.
    """
    if not lead.inquiry and not told:
        return _NONE
    latest = lead.created_at + timedelta(seconds=policy.clock.inquiry_max_after_created_seconds)
    recorded = (at for name, at in lead.inquiry.items() if name in policy.clock.start)
    return frozenset(at.replace(microsecond=0) for at in (*recorded, *told) if at > latest)


def episodes(
    policy: Policy, clock: ClockStart, inquiries: Iterable[datetime], evidence: Iterable[Evidence]
) -> list[Episode]:
    """Return the episodes of a Lead, the first first; there is at least one.

    An inquiry opens a new one if the episode under way has been answered before it, or has waited
    for more days than the policy allows; otherwise it changes nothing.
    """
    patience = timedelta(days=policy.clock.new_episode_after_days)
    left, found, started = list(evidence), [], clock.at
    for inquiry in sorted({at for at in inquiries if at > clock.at}):
        best = earliest(each for each in left if each.at < inquiry)
        if best is None and inquiry - started <= patience:
            continue
        found.append(Episode(started, inquiry, best))
        left, started = [each for each in left if each.at >= inquiry], inquiry
    return [*found, Episode(started, None, earliest(left))]
