"""Tables of the store: one per object, one column per stored field, kept equal to the schema."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from local_org.schema.model import NUMBER_TYPES, TEXT_TYPES, Field, FieldType, Schema, SObject

_CATALOGUE = """CREATE TABLE IF NOT EXISTS "$column" (
    entity TEXT, name TEXT, definition TEXT, PRIMARY KEY (entity, name))"""
_INTEGERS = frozenset({FieldType.INT, FieldType.LONG, FieldType.DATETIME})
_UNINDEXED = frozenset({"CreatedById", "LastModifiedById"})
"""On every table, asked for rarely: not worth two index entries a row."""
_INDEXED = frozenset({"CreatedDate", "SystemModstamp"})


def definition(field: Field) -> str:
    """Return type, collation and default of the column of a field."""
    if field.name == "Id":
        return "TEXT PRIMARY KEY"
    if field.type is FieldType.BOOLEAN:
        return f"INTEGER NOT NULL DEFAULT {int(str(field.default).lower() == 'true')}"
    if field.type in _INTEGERS:
        return "INTEGER"
    if field.type in NUMBER_TYPES:
        return "REAL"
    if field.type in TEXT_TYPES and not field.case_sensitive:
        return "TEXT COLLATE NOCASE"
    return "TEXT"


def sync_tables(connection: sqlite3.Connection, schema: Schema) -> None:
    """Create, alter and drop tables and columns until they are what the schema says.

    The values of a dropped field are gone, as in a real org; those of a field whose type changed
    are kept as far as the new type can hold them.
    """
    connection.execute(_CATALOGUE)
    present: dict[str, dict[str, str]] = {}
    for entity, name, text in connection.execute('SELECT * FROM "$column"').fetchall():
        present.setdefault(entity, {})[name] = text
    for sobject in schema:
        wanted = {field.name: definition(field) for field in sobject.stored_fields()}
        columns = present.pop(sobject.name, None)
        if columns is None:
            _create(connection, sobject.name, wanted)
        elif columns != wanted:
            _alter(connection, sobject.name, columns, wanted)
        for statement in _indexes(sobject):
            connection.execute(statement)
    for entity in present:
        connection.execute(f'DROP TABLE "{entity}"')
        connection.execute('DELETE FROM "$column" WHERE entity = ?', (entity,))


def _create(connection: sqlite3.Connection, entity: str, wanted: dict[str, str]) -> None:
    columns = ", ".join(f'"{name}" {text}' for name, text in wanted.items())
    connection.execute(f'CREATE TABLE "{entity}" ({columns})')
    connection.executemany(
        'INSERT INTO "$column" VALUES (?, ?, ?)',
        [(entity, name, text) for name, text in wanted.items()],
    )


def _alter(
    connection: sqlite3.Connection, entity: str, columns: dict[str, str], wanted: dict[str, str]
) -> None:
    for name, text in columns.items():
        if name not in wanted:
            _drop_column(connection, entity, name)
        elif text != wanted[name]:
            _retype_column(connection, entity, name, wanted[name])
    for name, text in wanted.items():
        if name not in columns:
            _add_column(connection, entity, name, text)


def _add_column(connection: sqlite3.Connection, entity: str, name: str, text: str) -> None:
    connection.execute(f'ALTER TABLE "{entity}" ADD COLUMN "{name}" {text}')
    connection.execute('INSERT INTO "$column" VALUES (?, ?, ?)', (entity, name, text))


def _drop_column(connection: sqlite3.Connection, entity: str, name: str) -> None:
    connection.execute(f'DROP INDEX IF EXISTS "{entity}.{name}"')
    connection.execute(f'ALTER TABLE "{entity}" DROP COLUMN "{name}"')
    connection.execute('DELETE FROM "$column" WHERE entity = ? AND name = ?', (entity, name))


def _retype_column(connection: sqlite3.Connection, entity: str, name: str, text: str) -> None:
    kind = text.partition(" ")[0]
    value = (
        f'coalesce(CAST("$old" AS {kind}), 0)' if "NOT NULL" in text else f'CAST("$old" AS {kind})'
    )
    connection.execute(f'DROP INDEX IF EXISTS "{entity}.{name}"')
    connection.execute(f'ALTER TABLE "{entity}" RENAME COLUMN "{name}" TO "$old"')
    connection.execute(f'ALTER TABLE "{entity}" ADD COLUMN "{name}" {text}')
    connection.execute(f'UPDATE "{entity}" SET "{name}" = {value}')
    connection.execute(f'ALTER TABLE "{entity}" DROP COLUMN "$old"')
    connection.execute(
        'UPDATE "$column" SET definition = ? WHERE entity = ? AND name = ?', (text, entity, name)
    )


def _indexes(sobject: SObject) -> Iterator[str]:
    """Statements for lookups, external ids and times; partial where most rows are blank."""
    for field in sobject.stored_fields():
        lookup = field.type is FieldType.REFERENCE and field.name not in _UNINDEXED
        key = (field.external_id or field.unique or field.id_lookup) and field.name != "Id"
        if lookup or key or field.name in _INDEXED:
            where = f' WHERE "{field.name}" IS NOT NULL' if field.nillable else ""
            yield (
                f'CREATE INDEX IF NOT EXISTS "{sobject.name}.{field.name}" '
                f'ON "{sobject.name}" ("{field.name}"){where}'
            )
