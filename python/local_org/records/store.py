"""The org's rows in SQLite, in memory or in one file, beside its documents and serial numbers."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from local_org.clock import Clock
from local_org.errors import invalid_type
from local_org.ids import record_id
from local_org.records.documents import Document, Documents
from local_org.records.formula_fields import FormulaFields
from local_org.records.schema_documents import keep_schema, restore_schema
from local_org.records.tables import sync_tables
from local_org.schema.model import Field, FieldType, Schema, SObject

__all__ = ["Document", "Store"]

_SERIALS = """CREATE TABLE IF NOT EXISTS "$serial" (
    prefix TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID"""
_NEXT_SERIAL = """INSERT INTO "$serial" VALUES (?, 1)
    ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last"""
_ORG_NUMBER = "$org"
_SERIALS_OF_AN_ORG = 62**8
"""The last eight digits of an id count records; those before them tell the org."""
_PERMISSION_TABLES = (
    "PermissionSet",
    "PermissionSetAssignment",
    "PermissionSetGroup",
    "PermissionSetGroupComponent",
    "MutingPermissionSet",
    "ObjectPermissions",
    "FieldPermissions",
    "SetupEntityAccess",
    "CustomPermission",
    "Profile",
)
_PERMISSION_EVENTS = (
    *((table, event) for table in _PERMISSION_TABLES for event in ("INSERT", "UPDATE", "DELETE")),
    ("User", 'UPDATE OF "ProfileId", "IsActive"'),
    ("Organization", "UPDATE"),
)


@dataclass(frozen=True, slots=True)
class _Table:
    """Statements of one table, composed once per schema."""

    columns: tuple[str, ...]
    blank: Mapping[str, Any]
    insert: str
    select: str
    select_many: str


class Store:
    """Rows of one org. Synchronous; calls never overlap.

    What ``sync`` was told is durable: a store opened again lays it over the schema it is given.
    """

    def __init__(
        self, path: Path | None, schema: Schema, now: Callable[[], Any] | None = None
    ) -> None:
        """Open the file at ``path``, creating it, or an org in memory.

        ``schema`` is the standard schema; it is brought up to date in place with what was deployed.
        ``now`` is the org's time, for formulas with NOW and TODAY.
        """
        self.connection = sqlite3.connect(
            path or ":memory:",
            isolation_level=None,
            check_same_thread=False,
            cached_statements=1024,
        )
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "temp_store = MEMORY"):
            self.connection.execute(f"PRAGMA {pragma}")
        self.permission_epoch = 0
        """Moves whenever a row that decides about permissions may have changed."""
        self._depth = 0
        self._tables: dict[str, _Table] = {}
        self._documents = Documents(self.connection)
        self._formulas = FormulaFields(self.connection, now or Clock().now)
        self._standard = schema.copy()
        self.connection.create_function("$permissions_changed", 0, self._permissions_changed)
        self.connection.execute(_SERIALS)
        self._first_serial = self._founded()
        restore_schema(self._documents, schema)
        self.sync(schema)

    def close(self) -> None:
        """Close the file; an org in memory is gone."""
        self.connection.close()

    def sync(self, schema: Schema) -> None:
        """Make tables, columns, indexes and formula functions what the schema says; remember it."""
        self.schema = schema
        self._tables = {}
        with self.transaction():
            keep_schema(self._documents, self._standard, schema)
            sync_tables(self.connection, schema)
        self._formulas.register(schema)
        self._watch_permissions()
        self._permissions_changed()

    # -- transactions -----------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block does, or undo it when it raises. Nested: undo only its part."""
        execute, depth, epoch = self.connection.execute, self._depth, self.permission_epoch
        execute(f"SAVEPOINT s{depth}" if depth else "BEGIN IMMEDIATE")
        self._depth = depth + 1
        try:
            yield
        except BaseException:
            self._depth = depth
            execute(f"ROLLBACK TO s{depth}" if depth else "ROLLBACK")
            if depth:
                execute(f"RELEASE s{depth}")
            if self.permission_epoch != epoch:
                self._permissions_changed()
            raise
        self._depth = depth
        execute(f"RELEASE s{depth}" if depth else "COMMIT")

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._depth > 0

    # -- rows -------------------------------------------------------------------------------------

    def row(self, entity: str, record_id: str) -> dict[str, Any] | None:
        """Return the row of this 18-character id, deleted or not, by API name; None without one."""
        table = self._table(entity)
        found = self.connection.execute(table.select, (record_id,)).fetchone()
        return None if found is None else dict(zip(table.columns, found, strict=True))

    def rows(self, entity: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the rows of these 18-character ids by id; those that do not exist are left out."""
        table = self._table(entity)
        found = self.connection.execute(table.select_many, (orjson.dumps(list(ids)).decode(),))
        dicts = (dict(zip(table.columns, row, strict=True)) for row in found)
        return {row["Id"]: row for row in dicts}

    def select(
        self, entity: str, where: str = "1", parameters: Sequence[Any] = ()
    ) -> list[dict[str, Any]]:
        """Return the rows that fulfil an SQL condition; values only as parameters."""
        table = self._table(entity)
        names = ", ".join(f'"{name}"' for name in table.columns)
        found = self.connection.execute(f'SELECT {names} FROM "{entity}" WHERE {where}', parameters)
        return [dict(zip(table.columns, row, strict=True)) for row in found]

    def blank_row(self, entity: str) -> dict[str, Any]:
        """Return a row of the object with every column blank and every checkbox off."""
        return dict(self._table(entity).blank)

    def insert_row(self, entity: str, row: Mapping[str, Any]) -> None:
        """Add a row as it is; columns it lacks are blank."""
        table = self._table(entity)
        if len(row) < len(table.columns):
            row = {**table.blank, **row}
        self.connection.execute(table.insert, tuple(row[name] for name in table.columns))

    def update_row(self, entity: str, record_id: str, values: Mapping[str, Any]) -> None:
        """Set these columns of a row."""
        columns = ", ".join(f'"{name}" = ?' for name in values)
        self.connection.execute(
            f'UPDATE "{entity}" SET {columns} WHERE "Id" = ?', (*values.values(), record_id)
        )

    def delete_row(self, entity: str, record_id: str) -> None:
        """Remove a row for good."""
        self.connection.execute(f'DELETE FROM "{entity}" WHERE "Id" = ?', (record_id,))

    def next_serial(self, name: str) -> int:
        """Return 1, 2, 3 … for this name; a number whose transaction is undone is given again."""
        return int(self.connection.execute(_NEXT_SERIAL, (name,)).fetchone()[0])

    def found(self, number: int) -> None:
        """Make this the org of that number, so that its ids are those of no other org."""
        self.connection.execute('INSERT INTO "$serial" VALUES (?, ?)', (_ORG_NUMBER, number))
        self._first_serial = self._founded()

    def _founded(self) -> int:
        """Return the serial number that comes before the org's first one."""
        sql = 'SELECT last FROM "$serial" WHERE prefix = ?'
        row = self.connection.execute(sql, (_ORG_NUMBER,)).fetchone()
        return 0 if row is None else (row[0] - 1) * _SERIALS_OF_AN_ORG

    def next_id(self, prefix: str) -> str:
        """Return the next record id with this key prefix."""
        return record_id(prefix, self._first_serial + self.next_serial(prefix))

    def expression(self, alias: str, entity: str, field: Field) -> str:
        """Return the SQL expression of a field's value in stored encoding, on a table's alias."""
        if not field.calculated:
            return f'{alias}."{field.name}"'
        return self._formulas.expression(alias, self.schema.object(entity), field)

    def computed(self, sobject: SObject, field: Field, row: Mapping[str, Any]) -> Any:
        """Return the value of a formula field over a row, in stored encoding."""
        return self._formulas.value(sobject, field, row)

    def organization_id(self) -> str | None:
        """Return the id of the org's own record, or None before it is seeded."""
        found = self.connection.execute('SELECT "Id" FROM "Organization"').fetchone()
        return None if found is None else str(found[0])

    def _table(self, entity: str) -> _Table:
        table = self._tables.get(entity)
        if table is None:
            table = self._tables[entity] = self._compose(entity)
        return table

    def _compose(self, entity: str) -> _Table:
        sobject = self.schema.get(entity)
        if sobject is None:
            raise invalid_type(entity)
        fields = list(sobject.stored_fields())
        names = ", ".join(f'"{field.name}"' for field in fields)
        marks = ", ".join("?" * len(fields))
        select = f'SELECT {names} FROM "{sobject.name}" WHERE "Id" '
        return _Table(
            columns=tuple(field.name for field in fields),
            blank={f.name: 0 if f.type is FieldType.BOOLEAN else None for f in fields},
            insert=f'INSERT INTO "{sobject.name}" ({names}) VALUES ({marks})',
            select=f"{select} = ?",
            select_many=f"{select} IN (SELECT value FROM json_each(?))",
        )

    # -- documents --------------------------------------------------------------------------------

    def put_document(self, kind: str, name: str, body: bytes, **meta: Any) -> None:
        """Add the document, or replace the one of this kind and name, in any case."""
        self._documents.put_document(kind, name, body, **meta)

    def document(self, kind: str, name: str) -> Document | None:
        """Return the document, or None."""
        return self._documents.document(kind, name)

    def documents(self, kind: str) -> list[Document]:
        """Return all documents of a kind, by name."""
        return self._documents.documents(kind)

    def drop_document(self, kind: str, name: str) -> None:
        """Remove the document if it is there."""
        self._documents.drop_document(kind, name)

    # -- permissions ------------------------------------------------------------------------------

    def _permissions_changed(self) -> None:
        self.permission_epoch += 1

    def _watch_permissions(self) -> None:
        """Have SQLite itself tell of writes that decide about permissions, whoever makes them."""
        for table, event in _PERMISSION_EVENTS:
            if self.schema.get(table) is not None:
                self.connection.execute(
                    f'CREATE TEMP TRIGGER IF NOT EXISTS "{table} {event.split()[0]}" '
                    f'AFTER {event} ON main."{table}" BEGIN SELECT "$permissions_changed"(); END'
                )
