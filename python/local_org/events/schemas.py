"""Event schemas by id and number: the current one of each entity, and those of all kept events."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Callable
from typing import NamedTuple

import orjson

from local_org.events import avro_schema
from local_org.events.encode import ChangeEventEncoder
from local_org.events.platform_events import PlatformEventReader, platform_event_schema
from local_org.schema.model import Schema, SObject

_TABLE = """CREATE TABLE IF NOT EXISTS "$event_shape" (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, entity TEXT NOT NULL, json TEXT NOT NULL)"""
_NUMBER_BYTES = 6


class EventSchema(NamedTuple):
    """One version of the schema of an entity's events; ``number`` stands for it in the log."""

    number: int
    id: str
    entity: str
    text: str


class EventSchemas:
    """All event schemas of one org. An id, once given out, is answered for ever."""

    def __init__(self, connection: sqlite3.Connection, schema: Callable[[], Schema]) -> None:
        """Read the org's schema through ``schema``, which a deploy may replace at any time."""
        self._connection = connection
        self._schema = schema
        self._current: dict[str, tuple[Schema, int, EventSchema]] = {}
        self._known: dict[int, EventSchema] = {}
        self._encoders: dict[int, ChangeEventEncoder] = {}
        self._readers: dict[int, PlatformEventReader] = {}
        connection.execute(_TABLE)

    def current(self, entity: str) -> EventSchema:
        """Return the entity's schema as of now.

        :raises OrgError: ``INVALID_TYPE``, there is no such object.
        """
        schema = self._schema()
        known = self._current.get(entity)
        if known is not None and known[0] is schema and known[1] == schema.version:
            return known[2]
        found = _of(schema.object(entity))
        self._known[found.number] = found
        self._current[entity] = (schema, schema.version, found)
        return found

    def keep(self, entity: str) -> EventSchema:
        """Store the entity's current schema with the events written under it; return it.

        It is written again each time: the transaction that wrote it may have been rolled back.
        """
        return self.store(self.current(entity))

    def store(self, schema: EventSchema) -> EventSchema:
        """Store a schema with the events written under it; return it."""
        statement = 'INSERT OR IGNORE INTO "$event_shape" VALUES (?, ?, ?, ?)'
        self._connection.execute(statement, schema)
        return schema

    def with_id(self, schema_id: str) -> EventSchema | None:
        """Return the schema of this id, or None when the org never gave out that id."""
        number = _number(schema_id)
        found = None if number is None else self.numbered(number)
        return found if found is not None and found.id == schema_id else None

    def numbered(self, number: int) -> EventSchema | None:
        """Return a kept or current schema by the number that the log has for it."""
        known = self._known.get(number)
        if known is None:
            row = self._connection.execute(
                'SELECT * FROM "$event_shape" WHERE number = ?', (number,)
            ).fetchone()
            if row is None:
                return None
            known = self._known[number] = EventSchema(*row)
        return known

    def encoder(self, schema: EventSchema) -> ChangeEventEncoder:
        """Return the writer of change events under a schema."""
        known = self._encoders.get(schema.number)
        if known is None:
            known = ChangeEventEncoder(orjson.loads(schema.text))
            self._encoders[schema.number] = known
        return known

    def reader(self, schema: EventSchema) -> PlatformEventReader:
        """Return the reader of platform events under a schema."""
        known = self._readers.get(schema.number)
        if known is None:
            known = self._readers[schema.number] = PlatformEventReader(orjson.loads(schema.text))
        return known


def _of(sobject: SObject) -> EventSchema:
    if sobject.is_event:
        text = avro_schema.schema_json(platform_event_schema(sobject))
    else:
        text = avro_schema.schema_json(avro_schema.change_event_schema(sobject))
    schema_id = avro_schema.schema_id(text)
    return EventSchema(_number(schema_id) or 0, schema_id, sobject.name, text)


def _number(schema_id: str) -> int | None:
    """Return the first bytes of an id, so that it has the same number in every transaction."""
    try:
        digest = base64.urlsafe_b64decode(schema_id + "==")
    except ValueError:
        return None
    return int.from_bytes(digest[:_NUMBER_BYTES], "big")
