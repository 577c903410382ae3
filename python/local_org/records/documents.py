"""Documents beside the rows: metadata components, deployments, tokens, changes of the schema."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

_TABLE = """CREATE TABLE IF NOT EXISTS "$document" (
    kind TEXT COLLATE NOCASE, name TEXT COLLATE NOCASE, body BLOB NOT NULL, meta BLOB NOT NULL,
    PRIMARY KEY (kind, name))"""


@dataclass(frozen=True, slots=True)
class Document:
    """One stored document; ``meta`` holds whatever JSON its writer put beside the body."""

    kind: str
    name: str
    body: bytes
    meta: Mapping[str, Any] = field(default_factory=dict)


class Documents:
    """Documents of one store, in its file and its transactions. Names compare in any case."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        connection.execute(_TABLE)

    def put_document(self, kind: str, name: str, body: bytes, **meta: Any) -> None:
        """Add the document, or replace the one of this kind and name."""
        self.connection.execute(
            'INSERT OR REPLACE INTO "$document" VALUES (?, ?, ?, ?)',
            (kind, name, body, orjson.dumps(meta)),
        )

    def document(self, kind: str, name: str) -> Document | None:
        """Return the document, or None."""
        row = self.connection.execute(
            'SELECT * FROM "$document" WHERE kind = ? AND name = ?', (kind, name)
        ).fetchone()
        return None if row is None else _document(row)

    def documents(self, kind: str) -> list[Document]:
        """Return all documents of a kind, by name."""
        rows = self.connection.execute(
            'SELECT * FROM "$document" WHERE kind = ? ORDER BY name', (kind,)
        )
        return [_document(row) for row in rows]

    def drop_document(self, kind: str, name: str) -> None:
        """Remove the document if it is there."""
        self.connection.execute('DELETE FROM "$document" WHERE kind = ? AND name = ?', (kind, name))


def _document(row: tuple[str, str, bytes, bytes]) -> Document:
    kind, name, body, meta = row
    return Document(kind, name, body, orjson.loads(meta))
