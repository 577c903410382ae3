"""Streams while they flow, polling while they do not, and at all times polling of what no stream tells.

The streams resume at replay ids of their own, so what was polled meanwhile comes again and changes
nothing: none is lost, none counts twice. The hand-over back is in order: one last poll, then the streams.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from speed_to_lead.changes import Batch, TopicState
from speed_to_lead.errors import OrgUnavailable
from speed_to_lead.polling import PollingSource
from speed_to_lead.pubsub import PubSubSource
from speed_to_lead.telemetry import log

_REOPEN_SECONDS = 15.0
"""How often streams that could not be opened are tried again."""


@dataclass(frozen=True, slots=True)
class Ways:
    """How changes can be heard."""

    streams: Callable[[], Awaitable[PubSubSource]] | None
    """Opens the streams where they were left; ``None`` where only polling is wanted."""
    polling: Callable[[], PollingSource] | None
    """Polls what the streams tell, from where they were left; ``None`` where it is not wanted."""
    beside: PollingSource | None
    """Polls what no stream tells."""
    failover_seconds: float


class Hearing:
    """Hears one org by the best way there is; implements ``changes.ChangeSource``."""

    def __init__(self, ways: Ways, now: Callable[[], float] = time.monotonic) -> None:
        self._ways, self._now = ways, now
        self._streams: PubSubSource | None = None
        self._polling: PollingSource | None = None
        self._tried_at = now()
        if ways.streams is None and ways.polling is not None:
            self._polling = ways.polling()

    @classmethod
    async def begin(cls, ways: Ways, now: Callable[[], float] = time.monotonic) -> Hearing:
        """Begin to hear; where streams cannot be opened now, polling begins at once.

        :raises OrgUnavailable: they cannot be opened, and polling is not wanted.
        :raises UsageError: the org has no such topics, or the user may not hear them.
        """
        hearing = cls(ways, now)
        if ways.streams is not None:
            try:
                hearing._streams = await ways.streams()
            except OrgUnavailable as away:
                hearing._poll_instead(str(away))
        return hearing

    @property
    def topics(self) -> Mapping[str, TopicState]:
        """The topics heard and the entities polled, by name; none is essential while another way works."""
        streams = {} if self._streams is None else dict(self._streams.topics)
        for state in streams.values():
            state.essential = self._polling is None
        polled = {} if self._polling is None else self._polling.topics
        beside = {} if self._ways.beside is None else self._ways.beside.topics
        return {**streams, **polled, **beside}

    @property
    def way(self) -> Literal["stream", "polling"]:
        """How changes are heard now."""
        return "stream" if self._polling is None else "polling"

    async def next_batches(self, timeout_seconds: float = 1.0) -> list[Batch]:
        """Return everything that has arrived by the way that is open.

        :raises ReplayExpired: the org no longer retains a stored replay id.
        :raises PermissionMissing: the user may not hear what must be heard.
        """
        last = await self._choose()
        beside: list[Batch] = []
        if self._ways.beside is not None and self._ways.beside.is_due:
            beside = await self._ways.beside.poll()
        if last or beside:
            return [*last, *beside]
        source = self._polling or self._streams
        if source is None:
            raise OrgUnavailable("there is no way to hear the org now")
        return await source.next_batches(timeout_seconds)

    async def close(self) -> None:
        """Leave every stream."""
        if self._streams is not None:
            await self._streams.close()
            self._streams = None

    async def _choose(self) -> list[Batch]:
        """Fail over when the streams have failed for too long; go back when they are there again.

        Before that what was still to be polled is returned, and comes before anything of the streams.
        """
        if self._ways.streams is None:
            return []
        if self._streams is None:
            await self._reopen()
        if self._polling is None:
            if self._failing_seconds() > self._ways.failover_seconds:
                self._poll_instead("no stream answers")
            return []
        if self._streams is None or self._failing_seconds() > 0:
            return []
        if not all(state.connected for state in self._streams.topics.values()):
            return []
        last, self._polling = await self._polling.poll(), None
        log.info("source_changed", source="stream")
        return last

    def _failing_seconds(self) -> float:
        """Return for how long a stream has failed; 0 when none does."""
        states = () if self._streams is None else self._streams.topics.values()
        since = [state.failing_since for state in states if state.failing_since is not None]
        return max(0.0, time.monotonic() - min(since)) if since else 0.0

    async def _reopen(self) -> None:
        if self._ways.streams is None or self._now() - self._tried_at < _REOPEN_SECONDS:
            return
        self._tried_at = self._now()
        try:
            self._streams = await self._ways.streams()
        except OrgUnavailable as away:
            log.warning("streams_unavailable", error=str(away))

    def _poll_instead(self, reason: str) -> None:
        if self._ways.polling is None:
            if self._streams is None:
                raise OrgUnavailable(reason)
            return
        self._polling = self._ways.polling()
        log.warning("source_changed", source="polling", error=reason)
