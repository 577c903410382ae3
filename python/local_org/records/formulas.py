"""Formulas over stored rows: names looked up, values read, records in the act of being written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Protocol

from local_org.clock import from_millis, millis
from local_org.schema.access import Access
from local_org.schema.formula import (
    Formula,
    compile_formula,
    object_named,
    resolver,
)
from local_org.schema.model import NUMBER_TYPES, Field, FieldType, Schema, SObject

Path = tuple[str, ...]

_GLOBALS = {
    "$user": "User",
    "$profile": "Profile",
    "$organization": "Organization",
    "$userrole": "UserRole",
}
_PERMISSION = "$permission"
_PERMISSIONS = re.compile(r"\$Permission\s*\.\s*(\w+)", re.IGNORECASE)


# -- names ----------------------------------------------------------------------------------------


def compiled(text: str, schema: Schema, sobject: SObject) -> Formula:
    """Compile a formula that a deploy has let in: custom permissions it names count as known.

    :raises FormulaError: a field it reads has gone since.
    """
    permissions = _PERMISSIONS.findall(text)
    return compile_formula(text, resolve=resolver(schema, sobject, permissions))


# -- values ---------------------------------------------------------------------------------------


def formula_value(field: Field, stored: Any) -> Any:
    """Return a stored value as formulas take it: Decimal, bool, datetime, date, time or text."""
    if stored is None:
        return None
    if field.type in NUMBER_TYPES:
        return Decimal(str(stored))
    if field.type is FieldType.DATETIME:
        return from_millis(stored)
    if field.type is FieldType.BOOLEAN:
        return bool(stored)
    if field.type is FieldType.DATE:
        return date.fromisoformat(stored)
    if field.type is FieldType.TIME:
        return time.fromisoformat(stored.removesuffix("Z"))
    return stored


def stored_value(field: Field, value: Any) -> Any:
    """Return a formula's result as the store holds a value of the field, rounded to its scale.

    A percent field holds 300 where a formula counts 3.
    """
    if value is None or value == "":
        return 0 if field.type is FieldType.BOOLEAN else None
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Decimal):
        return _number(field, value)
    if isinstance(value, datetime):
        return millis(value.replace(microsecond=0))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return f"{value:%H:%M:%S}.000Z"
    return value


def _number(field: Field, value: Decimal) -> int | float:
    if field.type is FieldType.PERCENT:
        value *= 100
    if field.type in (FieldType.INT, FieldType.LONG):
        return int(value.to_integral_value(ROUND_HALF_UP))
    return float(value.quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP))


# -- records being written ------------------------------------------------------------------------


class Rows(Protocol):
    """Where a formula finds related records; the store."""

    schema: Schema

    def row(self, entity: str, record_id: str) -> dict[str, Any] | None:
        """Return the row of this id."""
        ...

    def computed(self, sobject: SObject, field: Field, row: Mapping[str, Any]) -> Any:
        """Return the stored encoding of a formula field over a row."""
        ...

    def organization_id(self) -> str | None:
        """Return the id of the org's own record."""
        ...


class RecordContext:
    """A record in the act of being written, as validation rules and default formulas see it."""

    blanks_as_zero = False

    def __init__(
        self,
        rows: Rows,
        sobject: SObject,
        after: Mapping[str, Any],
        before: Mapping[str, Any] | None,
        *,
        access: Access,
        now: datetime,
    ) -> None:
        self._rows, self._sobject, self._access = rows, sobject, access
        self._after, self._before = after, after if before is None else before
        self.is_new = before is None
        self.now = now

    def value(self, path: Path) -> Any:
        """Return the value as it will be."""
        return self._read(path, self._after)

    def prior(self, path: Path) -> Any:
        """Return the value as it was; of a new record, as it will be."""
        return self._read(path, self._before)

    def changed(self, path: Path) -> bool:
        """Whether the write changes it."""
        return not self.is_new and bool(self.value(path) != self.prior(path))

    def _read(self, path: Path, row: Mapping[str, Any]) -> Any:
        head = path[0].lower()
        if head == _PERMISSION:
            return path[-1].lower() in {name.lower() for name in self._access.custom_permissions}
        if head in _GLOBALS:
            return self._read_global(_GLOBALS[head], path[1:])
        return self._walk(self._sobject, row, path)

    def _read_global(self, entity: str, path: Path) -> Any:
        user = self._rows.row("User", self._access.user_id) or {}
        record_id = {
            "User": self._access.user_id,
            "Profile": user.get("ProfileId"),
            "Organization": self._rows.organization_id(),
            "UserRole": user.get("UserRoleId"),
        }[entity]
        row = self._rows.row(entity, record_id) if record_id else None
        return None if row is None else self._walk(self._rows.schema.object(entity), row, path)

    def _walk(self, sobject: SObject, row: Mapping[str, Any], path: Path) -> Any:
        for step in path[:-1]:
            parent = self._parent(sobject, row, step)
            if parent is None:
                return None
            sobject, row = parent
        field = sobject.get(path[-1])
        if field is None:
            return sobject.name if path[-1].lower() == "type" else None
        stored = row.get(field.name)
        if field.calculated:
            stored = self._rows.computed(sobject, field, row)
        return formula_value(field, stored)

    def _parent(
        self, sobject: SObject, row: Mapping[str, Any], step: str
    ) -> tuple[SObject, Mapping[str, Any]] | None:
        """Return the record behind ``Account`` or ``Owner:User``; None if none of that kind."""
        name, _, kind = step.partition(":")
        lookup = sobject.by_relationship(name)
        record_id = None if lookup is None else row.get(lookup.name)
        target = self._rows.schema.by_prefix(record_id) if record_id else None
        other = kind and target and object_named(kind).lower() != target.name.lower()
        if record_id is None or target is None or other:
            return None
        found = self._rows.row(target.name, record_id)
        return None if found is None else (target, found)
