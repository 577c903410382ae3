"""What a caller says of a record, as stored values: known fields only, which they may write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_org.errors import OrgError, no_such_column
from local_org.records.blueprint import Blueprint, Column
from local_org.records.draft import locked_fields
from local_org.records.references import References
from local_org.records.results import Unit
from local_org.schema.audit import audit_settable

Values = Mapping[str, Any]


class Intake:
    """Reads callers' values for one store."""

    def __init__(self, references: References) -> None:
        self._references = references

    def read(
        self, unit: Unit, blueprint: Blueprint, values: Values, *, creating: bool
    ) -> tuple[dict[str, Any], list[OrgError]]:
        """Return the values in stored encoding, and what is wrong with them.

        A field the user may not see does not exist; one he may only see is ``locked``.
        """
        given: dict[str, Any] = {}
        faults: list[OrgError] = []
        locked: list[str] = []
        columns, readable = blueprint.columns, unit.access.field_readable
        for name, value in values.items():
            column = columns.get(name.lower())
            try:
                if column is None:
                    given |= self._named_parent(blueprint, name, value)
                elif not readable(blueprint.name, column.name):
                    raise no_such_column(name, blueprint.name)
                elif column.name == "Id":
                    _check_id(value, creating=creating)
                elif _writable(unit, blueprint, column, creating=creating):
                    given[column.name] = column.read(value)
                else:
                    locked.append(column.name)
            except OrgError as fault:
                faults.append(fault)
        if locked:
            faults.append(locked_fields(tuple(locked)))
        return given, faults

    def _named_parent(self, blueprint: Blueprint, name: str, value: Any) -> dict[str, Any]:
        """Return the lookup that a nested parent stands for; ``attributes`` is no field."""
        if name == "attributes":
            return {}
        lookup = blueprint.sobject.by_relationship(name) if isinstance(value, Mapping) else None
        if lookup is None:
            raise no_such_column(name, blueprint.name)
        return {lookup.name: self._references.by_external_id(blueprint, lookup, value)}


def _writable(unit: Unit, blueprint: Blueprint, column: Column, *, creating: bool) -> bool:
    """Tell whether the field can be written, and by this user; audit fields by permission only."""
    field = column.field
    if not (field.createable if creating else field.updateable):
        return creating and audit_settable(blueprint.sobject, column.name, unit.access)
    return unit.access.field_editable(blueprint.name, column.name)


def _check_id(value: Any, *, creating: bool) -> None:
    """Let the id of an update pass: it is known already.

    :raises OrgError: ``INVALID_FIELD_FOR_INSERT_UPDATE`` for a new record that brings its own.
    """
    if creating and value:
        text = "cannot specify Id in an insert call"
        raise OrgError("INVALID_FIELD_FOR_INSERT_UPDATE", text, ("Id",))
