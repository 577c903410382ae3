"""What every handler of a deploy works on: the store, the schema, and who deploys when.

A handler takes one component, refuses it with ``Problem`` before it has changed anything, or
applies it and returns the id of what it made.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lxml import etree

from local_org.clock import millis
from local_org.metadata.markup import Problem, XmlFile, written
from local_org.metadata.package import Component
from local_org.metadata.results import stamp
from local_org.records.store import Document, Store
from local_org.schema.model import Schema

_AUDIT_ON_CREATE = ("CreatedDate", "CreatedById")


@dataclass
class Work:
    """One deploy at work. ``schema`` is its own copy; its caller undoes the store's transaction."""

    store: Store
    schema: Schema
    now: datetime
    user_id: str
    touched: list[tuple[str, str, str, bool]] = field(default_factory=list)
    """(type, full name, id, gone) of what was changed, in order."""
    _tables_of: int = -1
    """The version of ``schema`` whose tables the store has."""

    def tables(self) -> None:
        """Give the store the tables of what this deploy has made of the schema so far."""
        if self.store.schema is not self.schema or self._tables_of != self.schema.version:
            self.store.sync(self.schema)
            self._tables_of = self.schema.version

    def start_counting(self, entity: str, field: str, first: int) -> None:
        """Have the next auto number be this one, unless some have been given already."""
        self.store.connection.execute(
            'INSERT OR IGNORE INTO "$serial" VALUES (?, ?)', (f"{entity}.{field}", first - 1)
        )

    def document(self, kind: str, name: str) -> Document | None:
        """Return the stored component of this name in any case, or None."""
        return self.store.document(kind, name)

    def xml(self, kind: str, name: str) -> etree._Element | None:
        """Return the XML of a stored component, or None."""
        found = self.document(kind, name)
        return None if found is None else XmlFile(found.body).root

    def save(self, component: Component, body: bytes, component_id: str) -> None:
        """Store a component as retrieve gives it back; who made it, and when, stays."""
        old = self.document(component.type_name, component.full_name)
        moment = stamp(self.now)
        beside = (
            {} if component.content is None else {"beside": written(component.element).decode()}
        )
        self.store.put_document(
            component.type_name,
            component.full_name,
            body,
            id=component_id,
            created_by=old.meta["created_by"] if old else self.user_id,
            created_date=old.meta["created_date"] if old else moment,
            modified_by=self.user_id,
            modified_date=moment,
            **beside,
        )

    def new_id(self, component: Component, prefix: str) -> str:
        """Return the id of the stored component, or a new one under this key prefix."""
        old = self.document(component.type_name, component.full_name)
        return str(old.meta["id"]) if old else self.store.next_id(prefix)

    # Rows of setup objects -------------------------------------------------------------------

    def find(self, entity: str, where: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the first row whose columns have these values, in stored encoding."""
        condition = " AND ".join(f'"{column}" IS ?' for column in where) or "1"
        cursor = self.store.connection.execute(
            f'SELECT * FROM "{entity}" WHERE {condition} LIMIT 1', tuple(where.values())
        )
        row = cursor.fetchone()
        return (
            None if row is None else dict(zip((c[0] for c in cursor.description), row, strict=True))
        )

    def put(self, entity: str, where: Mapping[str, Any], values: Mapping[str, Any]) -> str:
        """Update the row that ``where`` finds, or insert one; leave out columns the org lacks."""
        old = self.find(entity, where)
        row = self._known(entity, {**where, **values, **self._audit()})
        if old is not None:
            changed = {k: v for k, v in row.items() if k not in _AUDIT_ON_CREATE and k != "Id"}
            assignments = ", ".join(f'"{column}" = ?' for column in changed)
            self._execute(
                f'UPDATE "{entity}" SET {assignments} WHERE "Id" = ?',
                (*changed.values(), old["Id"]),
            )
            return str(old["Id"])
        return self._insert(entity, row)

    def _insert(self, entity: str, row: dict[str, Any]) -> str:
        sobject = self.schema.object(entity)
        row = {f.name: 0 for f in sobject.stored_fields() if f.type == "boolean"} | row
        row["Id"] = self.store.next_id(sobject.key_prefix or "000")
        columns = ", ".join(f'"{column}"' for column in row)
        marks = ", ".join("?" * len(row))
        self._execute(f'INSERT INTO "{entity}" ({columns}) VALUES ({marks})', tuple(row.values()))
        return str(row["Id"])

    def remove(
        self,
        entity: str,
        where: Mapping[str, Any],
        *,
        but: tuple[str, Collection[str]] | None = None,
    ) -> None:
        """Delete rows for good, as setup rows are; those with one of these values in a column stay."""
        condition = " AND ".join(f'"{column}" IS ?' for column in where)
        values = list(where.values())
        if but is not None:
            column, kept = but
            condition += f' AND "{column}" NOT IN ({", ".join("?" * len(kept))})'
            values += kept
        self._execute(f'DELETE FROM "{entity}" WHERE {condition}', tuple(values))

    def _execute(self, statement: str, values: tuple[Any, ...]) -> None:
        self.store.connection.execute(statement, values)

    def _known(self, entity: str, row: Mapping[str, Any]) -> dict[str, Any]:
        columns = {f.name for f in self.schema.object(entity).stored_fields()}
        return {column: value for column, value in row.items() if column in columns}

    def _audit(self) -> dict[str, Any]:
        at = millis(self.now.replace(microsecond=0))
        return {
            "CreatedDate": at,
            "CreatedById": self.user_id,
            "LastModifiedDate": at,
            "LastModifiedById": self.user_id,
            "SystemModstamp": at,
        }


def require(condition: object, message: str, element: etree._Element | None = None) -> None:
    """Go on only if the condition holds.

    :raises Problem: it does not.
    """
    if not condition:
        raise Problem(message, element)


def at_most(element: etree._Element | None, length: int, label: str) -> None:
    """Refuse a text that is longer than the platform keeps.

    :raises Problem: in the wording of STRING_TOO_LONG.
    """
    value = "" if element is None else (element.text or "").strip()
    if len(value) > length:
        raise Problem(f"{label}: data value too large: {value} (max length={length})", element)
