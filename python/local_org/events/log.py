"""The event log: what is stored of each event, in commit order, for 72 hours of the org's clock.

An event is appended in the transaction of the change it tells of, so it is durable exactly when the
change is. Source: facts/pubsub-cdc.md 1.4, 1.5.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from local_org.clock import Clock, millis
from local_org.events.errors import replay_id_corrupted, replay_id_missing
from local_org.events.head import Transaction

RETENTION = timedelta(hours=72)
MARK_EVERY = timedelta(minutes=10)
"""How old the newest position may be before a keepalive moves on: other orgs share a real bus."""
_POSITION_BYTES = 8
_REPLAY_ID_BYTES = 10
_REMEMBERED_TRANSACTIONS = 4096
_NO_SCHEMA = 0
"""Of a position without an event: what a keepalive's ``latest_replay_id`` moves on to."""

_TABLES = (
    'DROP TABLE IF EXISTS "$event"',  # of an org that an earlier version wrote
    'DROP TABLE IF EXISTS "$event_schema"',
    """CREATE TABLE IF NOT EXISTS "$event_transaction" (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, number INTEGER NOT NULL,
        key TEXT NOT NULL, user_id TEXT NOT NULL, origin TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS "$event_log" (
        position INTEGER PRIMARY KEY AUTOINCREMENT, shape INTEGER NOT NULL, kind TEXT NOT NULL,
        ids TEXT NOT NULL, sequence INTEGER NOT NULL, part_of INTEGER NOT NULL,
        tail BLOB NOT NULL)""",
)
_APPEND = 'INSERT INTO "$event_log" VALUES (?, ?, ?, ?, ?, ?, ?)'
_BEGIN = 'INSERT INTO "$event_transaction" VALUES (NULL, ?, ?, ?, ?, ?) RETURNING id'
_FIRST_YOUNG = 'SELECT id FROM "$event_transaction" WHERE at >= ? ORDER BY id LIMIT 1'
_OF_ENTITIES = """SELECT * FROM "$event_log" WHERE position > ? AND shape IN
    (SELECT number FROM "$event_shape" WHERE entity IN ({marks})) ORDER BY position LIMIT ?"""


def replay_id(position: int) -> bytes:
    """Return the replay id of a position: eight bytes big-endian and two zero bytes.

    >>> replay_id(1544272).hex()
    '00000000001790500000'
    """
    return position.to_bytes(_POSITION_BYTES, "big") + bytes(_REPLAY_ID_BYTES - _POSITION_BYTES)


class NewEvent(NamedTuple):
    """An event before it has a position."""

    shape: int
    """Number of its schema."""
    kind: str
    """``changeType``; blank for a platform event."""
    ids: tuple[str, ...]
    """Of the changed records; of a platform event its uuid."""
    sequence: int
    tail: bytes
    """What follows the transaction's part of the header; of a platform event the whole payload."""


class LoggedEvent(NamedTuple):
    """One event as it lies in the log."""

    position: int
    shape: int
    kind: str
    joined_ids: str
    sequence: int
    part_of: int
    tail: bytes

    @property
    def ids(self) -> list[str]:
        """The ids of ``NewEvent``."""
        return self.joined_ids.split(",")


class EventLog:
    """The events of one org, by position. Positions ascend, with holes, and are never reused."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        """Open the log of a store, creating its tables when it has none."""
        self.connection = connection
        self._clock = clock
        self._transactions: OrderedDict[int, Transaction] = OrderedDict()
        for statement in _TABLES:
            connection.execute(statement)
        if self._bounds() is None:
            self._append_mark(position=millis(clock.now()))

    # -- writing ----------------------------------------------------------------------------------

    def append(self, at: int, transaction: Transaction, events: Iterable[NewEvent]) -> int:
        """Append the events of one transaction of this time; return the last position."""
        self._purge()
        told = (at, transaction.number, transaction.key, transaction.user_id, transaction.origin)
        (part_of,) = self.connection.execute(_BEGIN, told).fetchone()
        self.connection.executemany(
            _APPEND,
            ((None, e.shape, e.kind, ",".join(e.ids), e.sequence, part_of, e.tail) for e in events),
        )
        (last,) = self.connection.execute('SELECT max(position) FROM "$event_log"').fetchone()
        return int(last)

    def _append_mark(self, position: int | None = None) -> None:
        told = (millis(self._clock.now()), 0, "", "", "")
        (part_of,) = self.connection.execute(_BEGIN, told).fetchone()
        self.connection.execute(_APPEND, (position, _NO_SCHEMA, "", "", 0, part_of, b""))

    def _purge(self) -> None:
        """Drop what is older than the retention; one look-up when there is nothing to drop.

        By place in the log, for time has no index: what is read is what is dropped.
        """
        cutoff = millis(self._clock.now() - RETENTION)
        oldest = self.connection.execute(
            'SELECT at FROM "$event_transaction" ORDER BY id LIMIT 1'
        ).fetchone()
        if oldest is None or oldest[0] >= cutoff:
            return
        young = self.connection.execute(_FIRST_YOUNG, (cutoff,)).fetchone()
        self._drop_before(None if young is None else young[0])

    def _drop_before(self, part_of: int | None) -> None:
        """Drop all events before this transaction's, or all there are."""
        first = None
        if part_of is not None:
            first = self.connection.execute(
                'SELECT position FROM "$event_log" WHERE part_of >= ? ORDER BY position LIMIT 1',
                (part_of,),
            ).fetchone()
        if first is None or part_of is None:
            self.connection.execute('DELETE FROM "$event_log"')
            self.connection.execute('DELETE FROM "$event_transaction"')
            return
        self.connection.execute('DELETE FROM "$event_log" WHERE position < ?', first)
        self.connection.execute('DELETE FROM "$event_transaction" WHERE id < ?', (part_of,))

    def expire_all(self) -> None:
        """Retain nothing, as after 72 hours of silence: replay ids from before are expired."""
        self._drop_before(None)
        self._append_mark()

    # -- positions --------------------------------------------------------------------------------

    def _bounds(self) -> tuple[int, int] | None:
        """First and last retained position, or None when nothing is retained."""
        row = self.connection.execute(
            'SELECT (SELECT min(position) FROM "$event_log"),'
            ' (SELECT max(position) FROM "$event_log")'
        ).fetchone()
        return None if row[0] is None else (row[0], row[1])

    def retained(self) -> tuple[int, int]:
        """First and last position within the retention; there is always one."""
        self._purge()
        bounds = self._bounds()
        if bounds is None:
            self._append_mark()
            bounds = self._bounds()
        if bounds is None:
            raise AssertionError("a position was appended and is not there")
        return bounds

    def keepalive(self) -> int:
        """Return the newest position, moved on when it is old.

        A real bus is shared by many orgs, so the ids that keepalives tell stay young on a quiet
        topic, and a subscriber that saves them never falls out of retention.
        """
        tip = self.retained()[1]
        (at,) = self.connection.execute(
            'SELECT at FROM "$event_transaction" WHERE id ='
            ' (SELECT part_of FROM "$event_log" WHERE position = ?)',
            (tip,),
        ).fetchone()
        if millis(self._clock.now() - MARK_EVERY) > at:
            self._append_mark()
            tip = self.retained()[1]
        return tip

    def position(self, replay: bytes) -> int:
        """Return the position that a subscriber's replay id means; 8 and 10 bytes are accepted.

        :raises BusError: ``replayid.validation.failed`` without an id; ``replayid.corrupted`` when
            it is malformed, beyond the newest event, or older than the retention of 72 h.
        """
        if not replay:
            raise replay_id_missing()
        position = int.from_bytes(replay[:_POSITION_BYTES], "big")
        if replay not in (replay_id(position), replay_id(position)[:_POSITION_BYTES]):
            raise replay_id_corrupted()
        first, last = self.retained()
        if not first <= position <= last:
            raise replay_id_corrupted()
        return position

    # -- reading ----------------------------------------------------------------------------------

    def read(self, after: int, entities: Sequence[str], limit: int) -> list[LoggedEvent]:
        """Return the first events of these entities behind a position."""
        marks = ", ".join("?" * len(entities))
        rows: list[tuple[Any, ...]] = self.connection.execute(
            _OF_ENTITIES.format(marks=marks), (after, *entities, limit)
        ).fetchall()
        return list(map(LoggedEvent._make, rows))

    def transaction(self, part_of: int) -> Transaction:
        """Return what the events of a transaction tell of it."""
        known = self._transactions.get(part_of)
        if known is None:
            row = self.connection.execute(
                'SELECT at, number, key, user_id, origin FROM "$event_transaction" WHERE id = ?',
                (part_of,),
            ).fetchone()
            known = self._transactions[part_of] = Transaction(*row)
            if len(self._transactions) > _REMEMBERED_TRANSACTIONS:
                self._transactions.popitem(last=False)
        return known
