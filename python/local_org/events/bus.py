"""The event bus: change events in commit order, kept in the store and read by position.

An event is appended in the transaction of the change it tells of, so it is durable exactly when the
change is. Source: facts/pubsub-cdc.md 1.4, 1.5, 2.5 to 2.9.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from local_org.clock import Clock, millis
from local_org.events.channels import Topic, Topics, sees, topics_of
from local_org.events.encode import NOTHING, ChangeEventEncoder, StoredEvent
from local_org.events.errors import replay_id_corrupted, replay_id_missing
from local_org.events.schemas import EventSchemas
from local_org.records.changes import ChangeKind, Commit, RecordChange
from local_org.records.store import Store
from local_org.schema.access import Access
from local_org.schema.model import Schema

RETENTION = timedelta(hours=72)
MARK_EVERY = timedelta(minutes=10)
"""How old the newest position may be before a keepalive moves on: other orgs share a real bus."""
RESPONSE_BYTES = 3 * 1024 * 1024
_CACHED_PAYLOADS = 20_000
_POSITION_BYTES = 8
_REPLAY_ID_BYTES = 10

_TABLE = """CREATE TABLE IF NOT EXISTS "$event" (
    position INTEGER PRIMARY KEY AUTOINCREMENT, entity TEXT NOT NULL, kind TEXT NOT NULL,
    record_id TEXT NOT NULL, schema_id TEXT NOT NULL, sequence INTEGER NOT NULL,
    at INTEGER NOT NULL, number INTEGER NOT NULL, transaction_key TEXT NOT NULL,
    user_id TEXT NOT NULL, origin TEXT NOT NULL, body BLOB NOT NULL)"""
_APPEND = 'INSERT INTO "$event" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'
_DROP_EXPIRED = """DELETE FROM "$event" WHERE position < coalesce(
    (SELECT position FROM "$event" WHERE at >= ? ORDER BY position LIMIT 1), 9223372036854775807)"""
"""By position, for time has no index: what is read is what is dropped."""
_MARK = "MARK"
"""Kind of a position without an event: what a keepalive's ``latest_replay_id`` moves on to."""


def replay_id(position: int) -> bytes:
    """Return the replay id of a position: eight bytes big-endian and two zero bytes.

    >>> replay_id(1544272).hex()
    '00000000001790500000'
    """
    return position.to_bytes(_POSITION_BYTES, "big") + bytes(_REPLAY_ID_BYTES - _POSITION_BYTES)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event as it goes out to one subscriber."""

    position: int
    schema_id: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """What a subscriber is due now, and the position up to which nothing else is due to it."""

    deliveries: Sequence[Delivery]
    through: int


@dataclass(frozen=True, slots=True)
class _View:
    """How one subscriber sees one version of one entity's events on one topic."""

    encoder: ChangeEventEncoder
    hidden: frozenset[str]
    enriched: tuple[str, ...]
    """Columns filled in at delivery; none of them hidden."""

    def enriches(self, event: StoredEvent) -> bool:
        """Only updates and deletions are enriched: a creation says everything by itself."""
        return bool(self.enriched) and event.kind in (ChangeKind.UPDATE, ChangeKind.DELETE)


class Bus:
    """Change events of one org. Synchronous; used from one thread."""

    def __init__(self, store: Store, schema: Schema, clock: Clock) -> None:
        """Open the bus of this store, creating its tables when it has none.

        ``schema`` is replaced by assignment after a deploy.
        """
        self.schema = schema
        self.schemas = EventSchemas(store.connection, lambda: self.schema)
        self._store = store
        self._connection = store.connection
        self._clock = clock
        self._topics: tuple[Schema, int, Topics] | None = None
        self._payloads: OrderedDict[tuple[int, frozenset[str]], bytes] = OrderedDict()
        self._sleepers: set[asyncio.Event] = set()
        self._connection.execute(_TABLE)
        if self._bounds() is None:
            self._append_mark(position=millis(clock.now()))

    # -- channels ---------------------------------------------------------------------------------

    def channels_changed(self) -> None:
        """Forget the channels: a deploy has changed their components."""
        self._topics = None

    def topic(self, name: str) -> Topic | None:
        """Return the topic of exactly this name, or None when the org has none."""
        return self._all_topics().by_name.get(name)

    def topic_schema_id(self, topic: Topic) -> str:
        """Return what GetTopic tells: the current schema's id, blank where there are many."""
        return "" if topic.entity is None else self.schemas.current(topic.entity)

    def schema_json(self, schema_id: str) -> str | None:
        """Return the event schema of this id, current or not, or None when there never was one."""
        for entity in self._all_topics().selected:
            self.schemas.current(entity)
        return self.schemas.text(schema_id)

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
        """Append one event per changed record of a selected entity, in the caller's transaction.

        Sequence numbers count all changes of the commit from 1, so they have holes where an entity
        is not selected.
        """
        selected = self._all_topics().selected
        changes = [(n, c) for n, c in enumerate(commit.changes, 1) if c.entity in selected]
        if not changes:
            return
        self._purge()
        ids = {entity: self.schemas.keep(entity) for entity in {c.entity for _, c in changes}}
        self._connection.executemany(
            _APPEND, [_row(commit, n, change, *self._body(change, ids)) for n, change in changes]
        )

    def _body(self, change: RecordChange, ids: Mapping[str, str]) -> tuple[str, bytes]:
        """Return schema id and stored body: populated columns, or changed ones, or none."""
        schema_id, after = ids[change.entity], change.after or NOTHING
        columns = self.schemas.encoder(schema_id).columns
        body: dict[str, Any] = {}
        if change.kind is ChangeKind.UPDATE:
            body = {name: after.get(name) for name in sorted(columns & change.changed)}
        elif change.kind is not ChangeKind.DELETE:
            body = {n: value for n, value in after.items() if value is not None and n in columns}
        return schema_id, orjson.dumps(body)

    def _append_mark(self, position: int | None = None) -> None:
        now = millis(self._clock.now())
        row = (position, "", _MARK, "", "", 0, now, 0, "", "", "", b"{}")
        self._connection.execute(_APPEND, row)

    def _purge(self) -> None:
        """Drop what is older than the retention; one look-up when there is nothing to drop."""
        cutoff = millis(self._clock.now() - RETENTION)
        oldest = self._connection.execute('SELECT at FROM "$event" ORDER BY position LIMIT 1')
        row = oldest.fetchone()
        if row is not None and row[0] < cutoff:
            self._connection.execute(_DROP_EXPIRED, (cutoff,))

    def expire_all(self) -> None:
        """Retain nothing, as after 72 hours of silence: replay ids from before are expired."""
        self._connection.execute('DELETE FROM "$event"')
        self._append_mark()

    # -- positions --------------------------------------------------------------------------------

    def _bounds(self) -> tuple[int, int] | None:
        """First and last retained position, or None when nothing is retained."""
        row = self._connection.execute(
            'SELECT (SELECT min(position) FROM "$event"), (SELECT max(position) FROM "$event")'
        ).fetchone()
        return None if row[0] is None else (row[0], row[1])

    def _retained(self) -> tuple[int, int]:
        """First and last position within the retention; there is always one."""
        self._purge()
        bounds = self._bounds()
        if bounds is None:
            self._append_mark()
            bounds = self._bounds()
        if bounds is None:
            raise AssertionError("a position was appended and is not there")
        return bounds

    def tip(self) -> int:
        """Return the newest position."""
        return self._retained()[1]

    def keepalive(self) -> int:
        """Return the newest position, moved on when it is old.

        A real bus is shared by many orgs, so the ids that keepalives tell stay young on a quiet
        topic, and a subscriber that saves them never falls out of retention.
        """
        tip = self.tip()
        at = self._connection.execute('SELECT at FROM "$event" WHERE position = ?', (tip,))
        if millis(self._clock.now() - MARK_EVERY) > at.fetchone()[0]:
            self._append_mark()
            tip = self.tip()
        return tip

    def before_earliest(self) -> int:
        """Return the position after which all retained events lie."""
        return self._retained()[0] - 1

    def position(self, replay: bytes) -> int:
        """Return the position that a subscriber's replay id means; 8 and 10 bytes are accepted.

        :raises BusError: ``replayid.validation.failed`` without an id; ``replayid.corrupted`` when
            it is malformed, beyond the newest event, or older than the retention of 72 h.
        """
        if not replay:
            raise replay_id_missing()
        position = int.from_bytes(replay[:_POSITION_BYTES], "big")
        first, last = self._retained()
        if replay not in (replay_id(position), replay_id(position)[:_POSITION_BYTES]):
            raise replay_id_corrupted()
        if not first <= position <= last:
            raise replay_id_corrupted()
        return position

    # -- reading ----------------------------------------------------------------------------------

    def read(self, topic: Topic, after: int, limit: int, access: Access) -> Batch:
        """Return the next events of the topic behind ``after``, as this user may see them.

        At most ``limit`` events and 3 MB, but always one if there is one. Events the user may not
        see are passed over in silence.
        """
        tip = self.tip()
        entities = [entity for entity in topic.enriched if sees(access, entity)]
        marks = ", ".join("?" * len(entities))
        rows = self._connection.execute(
            f'SELECT * FROM "$event" WHERE position > ? AND entity IN ({marks}) '
            "ORDER BY position LIMIT ?",
            (after, *entities, limit),
        ).fetchall()
        deliveries = list(self._deliveries(topic, [_event(row) for row in rows], access))
        if len(rows) < limit and len(deliveries) == len(rows):
            return Batch(deliveries, max(tip, after))
        return Batch(deliveries, deliveries[-1].position if deliveries else after)

    def _deliveries(
        self, topic: Topic, events: Sequence[StoredEvent], access: Access
    ) -> Iterator[Delivery]:
        views: dict[str, _View] = {}
        for event in events:
            if event.schema_id not in views:
                views[event.schema_id] = self._view(topic, event, access)
        current = self._current_values(events, views)
        room = RESPONSE_BYTES
        for event in events:
            view = views[event.schema_id]
            if view.enriches(event):
                values = current[event.schema_id].get(event.record_id, NOTHING)
                payload = view.encoder.payload(event, view.hidden, values)
            else:
                payload = self._payload(event, view)
            room -= len(payload)
            if room < 0 and event is not events[0]:
                return
            yield Delivery(event.position, event.schema_id, payload)

    def _view(self, topic: Topic, event: StoredEvent, access: Access) -> _View:
        encoder = self.schemas.encoder(event.schema_id)
        hidden = frozenset(
            column for column in encoder.columns if self._is_hidden(event.entity, column, access)
        )
        enriched: set[str] = set()
        for name in topic.enriched[event.entity]:
            enriched |= encoder.columns_of(name) - hidden
        return _View(encoder, hidden, tuple(sorted(enriched)))

    def _is_hidden(self, entity: str, column: str, access: Access) -> bool:
        """Tell whether it was dropped, or may not be read: itself or the compound it belongs to."""
        field = self.schema.object(entity).get(column)
        if field is None or not access.field_readable(entity, column):
            return True
        return field.compound is not None and not access.field_readable(entity, field.compound)

    def _current_values(
        self, events: Sequence[StoredEvent], views: Mapping[str, _View]
    ) -> dict[str, dict[str, Mapping[str, Any]]]:
        """Enriched columns as they are now: by schema id, then by record id."""
        ids: dict[str, list[str]] = {}
        entities: dict[str, str] = {}
        for event in events:
            if views[event.schema_id].enriches(event):
                ids.setdefault(event.schema_id, []).append(event.record_id)
                entities[event.schema_id] = event.entity
        return {
            schema_id: self._columns(entities[schema_id], views[schema_id].enriched, wanted)
            for schema_id, wanted in ids.items()
        }

    def _columns(
        self, entity: str, columns: Sequence[str], ids: Sequence[str]
    ) -> dict[str, Mapping[str, Any]]:
        names = ", ".join(f'"{column}"' for column in columns)
        rows = self._connection.execute(
            f'SELECT "Id", {names} FROM "{entity}" WHERE "Id" IN (SELECT value FROM json_each(?))',
            (orjson.dumps(ids).decode(),),
        )
        return {row[0]: dict(zip(columns, row[1:], strict=True)) for row in rows}

    def _payload(self, event: StoredEvent, view: _View) -> bytes:
        """Encode once per position and set of hidden fields."""
        key = (event.position, view.hidden)
        known = self._payloads.get(key)
        if known is None:
            known = self._payloads[key] = view.encoder.payload(event, view.hidden)
            if len(self._payloads) > _CACHED_PAYLOADS:
                self._payloads.popitem(last=False)
        else:
            self._payloads.move_to_end(key)
        return known

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


def _row(
    commit: Commit, sequence: int, change: RecordChange, schema_id: str, body: bytes
) -> tuple[Any, ...]:
    """Row of ``$event``: the position is given by SQLite."""
    return (
        None,
        change.entity,
        change.kind.value,
        change.record_id,
        schema_id,
        sequence,
        millis(commit.at),
        commit.number,
        commit.transaction_key,
        commit.user_id,
        commit.origin,
        body,
    )


def _event(row: Sequence[Any]) -> StoredEvent:
    values = (*row[:-1], orjson.loads(row[-1]))
    return StoredEvent(*values)
