"""One subscriber's stream: where it stands and how many events it is still owed. No I/O.

Source: facts/pubsub-cdc.md 1.4.
"""

from __future__ import annotations

from enum import IntEnum

from local_org.events import errors
from local_org.events.bus import Batch, Bus
from local_org.events.channels import Topic, sees
from local_org.schema.access import Access

MAX_PENDING = 100
"""Events that may be owed at a time; a request beyond is clamped, without an error."""


class Replay(IntEnum):
    """Where a stream begins; the numbers of ``ReplayPreset`` on the wire."""

    LATEST = 0
    EARLIEST = 1
    CUSTOM = 2


class Subscription:
    """A place on a topic and a credit. The same credit rule holds however requests are cut."""

    def __init__(self, bus: Bus, topic: Topic, preset: int, replay: bytes) -> None:
        """Stand at the tip, before the oldest retained event, or just behind ``replay``.

        :raises BusError: the preset is unknown, or the replay id missing, corrupted or expired.
        """
        self._bus = bus
        self.topic = topic
        self.position = _start(bus, preset, replay)
        self._within = 0
        self.pending = 0

    def request(self, topic_name: str, count: int) -> None:
        """Add ``count`` to what is owed, up to 100; the topic may be left out.

        :raises BusError: another topic than the first request's, or a count below one.
        """
        if topic_name and topic_name != self.topic.name:
            raise errors.topic_mismatch(self.topic.name, topic_name)
        if count <= 0:
            raise errors.too_few_requested()
        self.pending = min(MAX_PENDING, self.pending + count)

    def next_batch(self, access: Access) -> Batch:
        """Return the events that are due now, empty when there are none, and count them as paid.

        The topic is what its channel is now, whatever it was when the stream began.
        Afterwards ``position`` is what ``latest_replay_id`` tells: never ahead of an event still
        due.

        :raises BusError: an event is due, and the org has delivered all that it may.
        """
        if not self.pending:
            return Batch((), self.position)
        self.topic = self._bus.topic(self.topic.name) or self.topic
        left = self._bus.allocation.left()
        wanted = self.pending if left is None else max(1, min(self.pending, left))
        batch = self._bus.read(self.topic, self.position, wanted, access, self._within)
        if batch.deliveries and left == 0:
            raise errors.delivery_limit()
        self._bus.allocation.spend(len(batch.deliveries))
        self.pending -= len(batch.deliveries)
        self.position, self._within = batch.through, batch.within
        return batch

    def keep_alive(self) -> int:
        """Return the position for an empty response; call it when no event is due."""
        self.position = max(self.position, self._bus.keepalive())
        return self.position


def may_subscribe(topic: Topic, access: Access) -> bool:
    """Whether subscribing is allowed; topics of many entities check at delivery, in silence."""
    return topic.entity is None or sees(access, topic.entity)


def _start(bus: Bus, preset: int, replay: bytes) -> int:
    match preset:
        case Replay.LATEST:
            return bus.keepalive()
        case Replay.EARLIEST:
            return bus.before_earliest()
        case Replay.CUSTOM:
            return bus.position(replay)
        case _:
            raise errors.request_invalid(preset)
