"""Schemas of change events by id: the current one of each entity, and those of all kept events."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import orjson

from local_org.events import avro_schema
from local_org.events.encode import ChangeEventEncoder
from local_org.schema.model import Schema

_TABLE = """CREATE TABLE IF NOT EXISTS "$event_schema" (id TEXT PRIMARY KEY, json TEXT NOT NULL)"""


class EventSchemas:
    """All event schemas of one org. An id, once given out, is answered for ever."""

    def __init__(self, connection: sqlite3.Connection, schema: Callable[[], Schema]) -> None:
        """Read the org's schema through ``schema``, which a deploy may replace at any time."""
        self._connection = connection
        self._schema = schema
        self._current: dict[str, tuple[Schema, int, str]] = {}
        self._texts: dict[str, str] = {}
        self._encoders: dict[str, ChangeEventEncoder] = {}
        connection.execute(_TABLE)

    def current(self, entity: str) -> str:
        """Return the id of the entity's schema as of now.

        :raises OrgError: ``INVALID_TYPE``, there is no such object.
        """
        schema = self._schema()
        known = self._current.get(entity)
        if known is not None and known[0] is schema and known[1] == schema.version:
            return known[2]
        text = avro_schema.schema_json(avro_schema.change_event_schema(schema.object(entity)))
        schema_id = avro_schema.schema_id(text)
        self._texts[schema_id] = text
        self._current[entity] = (schema, schema.version, schema_id)
        return schema_id

    def keep(self, entity: str) -> str:
        """Store the entity's current schema with the events written under it; return its id.

        It is written again each time: the transaction that wrote it may have been rolled back.
        """
        schema_id = self.current(entity)
        self._connection.execute(
            'INSERT OR IGNORE INTO "$event_schema" VALUES (?, ?)',
            (schema_id, self._texts[schema_id]),
        )
        return schema_id

    def text(self, schema_id: str) -> str | None:
        """Return the schema of this id as JSON, or None when the org never gave out that id."""
        known = self._texts.get(schema_id)
        if known is not None:
            return known
        row = self._connection.execute(
            'SELECT json FROM "$event_schema" WHERE id = ?', (schema_id,)
        ).fetchone()
        return None if row is None else self._texts.setdefault(schema_id, str(row[0]))

    def encoder(self, schema_id: str) -> ChangeEventEncoder:
        """Return the writer of events under this schema, which must be kept or current."""
        known = self._encoders.get(schema_id)
        if known is None:
            text = self.text(schema_id)
            if text is None:
                raise LookupError(f"expected the id of a kept event schema, got {schema_id!r}")
            known = self._encoders[schema_id] = ChangeEventEncoder(orjson.loads(text))
        return known
