"""Where a stream may be resumed without losing an event. No I/O.

Events of one merged change that are enriched come apart, one for each record, with equal replay ids, and
the org resumes behind *all* of them. So a position is safe only when its run of equal ids has ended:
when a response without events, or an event with another id, has come. Until then the position before
the run is the one to store; what is delivered again changes nothing. Source: facts/pubsub-cdc.md 1.5, 2.9.
"""

from __future__ import annotations

from collections.abc import Sequence

from speed_to_lead.ids import ReplayId


class Position:
    """The position of one topic."""

    def __init__(self, start: ReplayId | None, *, oldest: bool = True) -> None:
        """Begin behind a stored replay id; without one before the oldest event retained, or at the tip."""
        self._oldest = oldest
        self.safe: ReplayId | None = start
        """What may be stored: everything up to it has been handed over, and no run is cut."""
        self.heard = 0
        """Responses so far."""
        self._run: ReplayId | None = None
        """The id of the last event, while more of its run may come."""

    @property
    def resume(self) -> ReplayId | None:
        """Where to go on after a stream has broken."""
        return self.safe

    def move(self, latest: bytes, event_ids: Sequence[bytes]) -> None:
        """Take one response: its ``latest_replay_id``, and the replay ids of its events in order."""
        self.heard += 1
        if not event_ids:
            self._run = None
            self.safe = ReplayId(latest) if latest else self.safe
            return
        last = event_ids[-1]
        earlier = next((each for each in reversed(event_ids) if each != last), self._run)
        if earlier is not None and earlier != last:
            self.safe = ReplayId(earlier)
        elif self.safe is None and not self._oldest:  # the tip would pass over what comes meanwhile
            self.safe = ReplayId(last)
        self._run = ReplayId(last)
        if latest and latest != last:
            self.safe, self._run = ReplayId(latest), None
