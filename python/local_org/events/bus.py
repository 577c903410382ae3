"""The event bus: what transactions and publishers tell, and what each subscriber is due of it.

Source: facts/pubsub-cdc.md 1.4, 1.8, 2.5 to 2.9.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from local_org.clock import Clock, millis
from local_org.events.allocation import Allocation
from local_org.events.avro_read import AvroUnreadable
from local_org.events.channels import Topic, Topics, sees, topics_of
from local_org.events.compose import OVERFLOW_AFTER, Loss, events_of
from local_org.events.head import Transaction
from local_org.events.log import EventLog, NewEvent, replay_id
from local_org.events.platform_events import (
    LARGEST_EVENT,
    Unpublishable,
    check_values,
)
from local_org.events.schemas import EventSchema, EventSchemas
from local_org.events.views import Delivery, Views
from local_org.records.changes import Commit, RecordChange
from local_org.records.results import event_uuid
from local_org.records.store import Store
from local_org.schema.access import Access
from local_org.schema.model import EVENT_SUFFIX, Schema

__all__ = ["Batch", "Bus", "Delivery", "Payload", "replay_id"]

RESPONSE_BYTES = 3 * 1024 * 1024
_MOST_READ = 1000
"""Events looked at in one read: a filter may drop many, and other streams wait meanwhile."""
_REMEMBERED_VIEWS = 64


@dataclass(frozen=True, slots=True)
class Payload:
    """An event that somebody publishes: checked, in Avro."""

    schema: EventSchema
    event_id: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """What a subscriber is due now, and the position up to which nothing else is due to it."""

    deliveries: Sequence[Delivery]
    through: int
    within: int = 0
    """How many events of ``through`` have gone out when not all have: they share its replay id."""
    exhausted: bool = True
    """Whether there was nothing more to look at, as of now."""


class Bus:
    """Events of one org. Synchronous; used from one thread."""

    def __init__(self, store: Store, schema: Schema, clock: Clock) -> None:
        """Open the bus of this store, creating its tables when it has none.

        ``schema`` is replaced by assignment after a deploy.
        """
        self.schema = schema
        self.schemas = EventSchemas(store.connection, lambda: self.schema)
        self.log = EventLog(store.connection, clock)
        self.allocation = Allocation(clock)
        self.overflow_after = OVERFLOW_AFTER
        self._store = store
        self._clock = clock
        self._topics: tuple[Schema, int, Topics] | None = None
        self._views: dict[tuple[str, str], Views] = {}
        self._sleepers: set[asyncio.Event] = set()
        self._loss: tuple[Loss, int] | None = None

    # -- channels ---------------------------------------------------------------------------------

    def channels_changed(self) -> None:
        """Forget the channels: a deploy has changed their components."""
        self._topics = None

    def topic(self, name: str) -> Topic | None:
        """Return the topic of exactly this name, or None when the org has none."""
        return self._all_topics().by_name.get(name)

    def topic_schema_id(self, topic: Topic) -> str:
        """Return what GetTopic tells: the current schema's id, blank where there are many."""
        return "" if topic.entity is None else self.schemas.current(topic.entity).id

    def event_schema(self, schema_id: str) -> EventSchema | None:
        """Return the event schema of this id, current or not, or None when there never was one."""
        found = self.schemas.with_id(schema_id)
        if found is None:
            for topic in self._all_topics().by_name.values():
                if topic.entity is not None:
                    self.schemas.current(topic.entity)
            found = self.schemas.with_id(schema_id)
        return found

    def schema_json(self, schema_id: str) -> str | None:
        """Return the text of the event schema of this id, or None when there never was one."""
        found = self.event_schema(schema_id)
        return None if found is None else found.text

    def _all_topics(self) -> Topics:
        schema, known = self.schema, self._topics
        if known is not None and known[0] is schema and known[1] == schema.version:
            return known[2]
        topics = topics_of(
            self._store.documents("PlatformEventChannel"),
            self._store.documents("PlatformEventChannelMember"),
            schema,
        )
        self._topics = (schema, schema.version, topics)
        return topics

    # -- writing ----------------------------------------------------------------------------------

    def publish(self, commit: Commit) -> None:
        """Append the events of a transaction, in the transaction itself.

        Changes count from 1 over all of it, so sequence numbers have holes where an object is not
        selected.
        """
        selected = self._all_topics().selected
        changes = [(n, c) for n, c in enumerate(commit.changes, 1) if c.entity in selected]
        published = [c for c in commit.changes if c.entity.endswith(EVENT_SUFFIX)]
        if not changes and not published:
            return
        at = millis(commit.at)
        told = Transaction(at, commit.number, commit.transaction_key, commit.user_id, commit.origin)
        loss = self._lost() if changes else None
        events = [
            *events_of(changes, self.schemas, loss, self.overflow_after),
            *self._published(published),
        ]
        self.log.append(at, told, events)

    def _published(self, changes: Sequence[RecordChange]) -> Iterator[NewEvent]:
        for change in changes:
            row, schema = change.after or {}, self.schemas.keep(change.entity)
            payload = self.schemas.reader(schema).written(row)
            yield NewEvent(schema.number, "", (event_uuid(change.record_id),), 0, payload)

    def checked(self, topic: Topic, schema_id: str, event_id: str, data: bytes) -> Payload:
        """Return what somebody publishes if the topic can take it.

        :raises Unpublishable: it is too large, or no event under a schema of the topic.
        """
        if len(data) > LARGEST_EVENT:
            text = f"The event exceeds the maximum size of {LARGEST_EVENT} bytes"
            raise Unpublishable(text)
        schema = self.event_schema(schema_id)
        if schema is None or schema.entity != topic.entity:
            raise Unpublishable(f"The schema with the ID {schema_id} is no schema of {topic.name}")
        try:
            values = self.schemas.reader(schema).read(data)
        except AvroUnreadable as reason:
            text = f"The payload is no event under its schema: {reason}"
            raise Unpublishable(text) from None
        check_values(self.schema.object(schema.entity), values)
        return Payload(schema, event_id or str(uuid.uuid4()), data)

    def accept(self, payloads: Sequence[Payload], user_id: str) -> list[int]:
        """Append published events in one transaction; return their positions."""
        if not payloads:
            return []
        now = millis(self._clock.now())
        with self._store.transaction():
            for payload in payloads:
                self.schemas.store(payload.schema)
            last = self.log.append(
                now,
                Transaction(now, 0, "", user_id, ""),
                [NewEvent(p.schema.number, "", (p.event_id,), 0, p.data) for p in payloads],
            )
        self.wake()
        return list(range(last - len(payloads) + 1, last + 1))

    def lose(self, loss: Loss, times: int) -> None:
        """Have the change events of so many transactions be lost in gaps, from now on."""
        self._loss = (loss, times)

    def _lost(self) -> Loss | None:
        if self._loss is None:
            return None
        loss, times = self._loss
        self._loss = (loss, times - 1) if times > 1 else None
        return loss

    def expire_all(self) -> None:
        """Retain nothing, as after 72 hours of silence: replay ids from before are expired."""
        self.log.expire_all()

    # -- positions --------------------------------------------------------------------------------

    def tip(self) -> int:
        """Return the newest position."""
        return self.log.retained()[1]

    def keepalive(self) -> int:
        """Return the newest position, moved on when it is old."""
        return self.log.keepalive()

    def before_earliest(self) -> int:
        """Return the position after which all retained events lie."""
        return self.log.retained()[0] - 1

    def position(self, replay: bytes) -> int:
        """Return the position that a subscriber's replay id means.

        :raises BusError: it is missing, malformed, unknown, or older than the retention.
        """
        return self.log.position(replay)

    # -- reading ----------------------------------------------------------------------------------

    def read(self, topic: Topic, after: int, limit: int, access: Access, within: int = 0) -> Batch:
        """Return the next events of the topic behind ``after``, as this user may see them.

        At most ``limit`` events and 3 MB, but always one if there is one. Events the user may not
        see are passed over in silence. ``within`` is that of the batch before.
        """
        tip = self.tip()
        views = self._views_of(topic, access)
        entities = [e for e in topic.members if self.schema.get(e) and sees(access, e)]
        found: list[Delivery] = []
        room, start, looked = RESPONSE_BYTES, after - 1 if within else after, 0
        while looked < _MOST_READ:
            wanted = limit - len(found)
            events = self.log.read(start, entities, wanted)
            for event, deliveries in zip(events, views.deliveries(events), strict=True):
                skip = within if event.position == after else 0
                for nth, delivery in enumerate(deliveries):
                    if nth < skip:
                        continue
                    room -= len(delivery.payload)
                    if len(found) == limit or (room < 0 and found):
                        return Batch(found, event.position if nth else start, nth, exhausted=False)
                    found.append(delivery)
                start = event.position
            looked += len(events)
            if len(events) < wanted:
                return Batch(found, max(tip, start, after))
            if len(found) == limit:
                return Batch(found, start, exhausted=False)
        return Batch(found, start, exhausted=False)

    def _views_of(self, topic: Topic, access: Access) -> Views:
        """Return the views of a topic by a user, made anew when either or the schema changes."""
        key = (topic.name, access.user_id)
        known = self._views.get(key)
        if (
            known is not None
            and known.topic is topic
            and known.access is access
            and known.schema is self.schema
            and known.version == self.schema.version
        ):
            return known
        if len(self._views) >= _REMEMBERED_VIEWS:
            self._views.clear()
        made = Views(self.log, self.schemas, self.schema, topic, access=access)
        self._views[key] = made
        return made

    # -- waking -----------------------------------------------------------------------------------

    def wake(self) -> None:
        """Tell every subscriber that a transaction with events has been committed."""
        for sleeper in self._sleepers:
            sleeper.set()

    @contextmanager
    def wakeups(self) -> Iterator[asyncio.Event]:
        """Lend an event that every ``wake`` sets; its holder clears it before it reads."""
        sleeper = asyncio.Event()
        self._sleepers.add(sleeper)
        try:
            yield sleeper
        finally:
            self._sleepers.discard(sleeper)
