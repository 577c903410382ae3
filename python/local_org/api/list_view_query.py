"""A deployed list view as a query: its columns, its filters, and the SOQL they amount to.

Columns bear the names of the Metadata API (``LEAD.COMPANY``), which differ from those of fields.
Source: the Metadata API guide, "ListView"; facts/metadata.md marks the names of columns inferred.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from local_org.errors import OrgError
from local_org.schema.model import NUMBER_TYPES, Field, FieldType, Schema, SObject

_COLUMNS: Final = {
    "FULL_NAME": "Name",
    "NAME": "Name",
    "LAST_UPDATE": "LastModifiedDate",
    "UNREAD": "IsUnreadByOwner",
    "CONVERTED": "IsConverted",
    "CORE.USERS.ALIAS": "Owner.Alias",
    "CORE.USERS.FIRST_NAME": "Owner.FirstName",
    "CORE.USERS.LAST_NAME": "Owner.LastName",
}
"""Columns whose field is not named alike."""
_OPERATORS: Final = {
    "equals": "=",
    "notEqual": "!=",
    "lessThan": "<",
    "greaterThan": ">",
    "lessOrEqual": "<=",
    "greaterOrEqual": ">=",
    "contains": "LIKE",
    "notContain": "NOT LIKE",
    "startsWith": "LIKE",
    "includes": "INCLUDES",
    "excludes": "EXCLUDES",
}
_PATTERNS: Final = {"contains": "%{}%", "notContain": "%{}%", "startsWith": "{}%"}
_NEGATIVE: Final = frozenset({"notEqual", "notContain"})
_SCOPES: Final = {"Everything": "everything", "Mine": "mine"}
_MOMENTS: Final = frozenset({FieldType.DATE, FieldType.DATETIME})
_RELATIVE: Final = re.compile(r"[A-Z][A-Z_]*(?::\d{1,4})?")
_AMERICAN: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the path of its field, and the field."""

    path: str
    field: Field


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition."""

    path: str
    operator: str
    literals: tuple[str, ...]
    negative: bool

    def soql(self) -> str:
        """Write it: one value fits, or with a negative operator none."""
        if self.operator in ("INCLUDES", "EXCLUDES"):
            return f"{self.path} {self.operator} ({', '.join(self.literals)})"
        template = (
            "(NOT {} LIKE {})" if self.operator == "NOT LIKE" else "{} " + self.operator + " {}"
        )
        parts = [template.format(self.path, each) for each in self.literals]
        joined = (" AND " if self.negative else " OR ").join(parts)
        return f"({joined})" if len(parts) > 1 else joined


@dataclass(frozen=True, slots=True)
class View:
    """A list view as it can be run."""

    entity: str
    scope: str
    columns: tuple[Column, ...]
    filters: tuple[Filter, ...]
    logic: str
    """Such as ``1 AND (2 OR 3)``; blank when all filters hold."""

    @property
    def order(self) -> str:
        """Path of the field that sorts the rows: the first column that can."""
        return next((c.path for c in self.columns if c.field.sortable), "Id")

    def soql(self) -> str:
        """Write the query."""
        paths = dict.fromkeys(
            [c.path for c in self.columns] + ["Id", "CreatedDate", "LastModifiedDate"]
        )
        text = f"SELECT {', '.join(paths)} FROM {self.entity}"
        if self.scope == "mine":
            text += " USING SCOPE mine"
        if self.filters:
            text += f" WHERE {self._conditions()}"
        return f"{text} ORDER BY {self.order} ASC NULLS FIRST, Id ASC NULLS FIRST"

    def _conditions(self) -> str:
        parts = [each.soql() for each in self.filters]
        if not self.logic:
            return " AND ".join(parts)
        return re.sub(r"\d+", lambda number: f"({parts[int(number[0]) - 1]})", self.logic)


def read_view(schema: Schema, sobject: SObject, element: etree._Element) -> View:
    """Read a list view.

    :raises OrgError: 501 for a scope that this org cannot tell rows of.
    """
    scope = _text(element, "filterScope") or "Everything"
    if scope not in _SCOPES:
        text = f"The org runs list views of the scopes {', '.join(_SCOPES)}, not {scope}"
        raise OrgError("NOT_IMPLEMENTED", text, status=501)
    filters = tuple(_filters(schema, sobject, element))
    logic = _text(element, "booleanFilter")
    if logic and not _is_logic(logic, len(filters)):
        raise OrgError("INVALID_INPUT", f"The filter logic of the list view is invalid: {logic}")
    columns = tuple(
        column
        for each in element.findall("{*}columns")
        if (column := _column(schema, sobject, each.text or "")) is not None
    )
    return View(sobject.name, _SCOPES[scope], columns, filters, logic)


def _is_logic(text: str, count: int) -> bool:
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    known = re.fullmatch(r"(?:\d{1,3}|AND|OR|NOT|[()\s])+", text, re.IGNORECASE)
    return bool(known) and all(1 <= number <= count for number in numbers)


def _column(schema: Schema, sobject: SObject, name: str) -> Column | None:
    """Return the column of this name; None for one that is no field of the org."""
    short = name.strip().removeprefix(f"{sobject.name.upper()}.")
    path = _COLUMNS.get(short, short)
    parent, dot, rest = path.partition(".")
    if dot:
        found = schema.object("User").get(rest) if parent == "Owner" else None
        return Column(path, found) if found else None
    field = sobject.get(path) or sobject.get(path.replace("_", ""))
    return Column(field.name, field) if field else None


def _filters(schema: Schema, sobject: SObject, element: etree._Element) -> Iterator[Filter]:
    for each in element.findall("{*}filters"):
        name, operation = _text(each, "field"), _text(each, "operation")
        column = _column(schema, sobject, name)
        if column is None or operation not in _OPERATORS:
            raise OrgError(
                "NOT_IMPLEMENTED",
                f"The org cannot run the filter '{name} {operation}' of the list view",
                status=501,
            )
        values = _text(each, "value").split(",")
        literals = tuple(_literal(column.field, operation, value.strip()) for value in values)
        yield Filter(column.path, _OPERATORS[operation], literals, operation in _NEGATIVE)


def _literal(field: Field, operation: str, value: str) -> str:
    """Write a value of a filter as SOQL does; a blank one is null."""
    if not value:
        return "null"
    if field.type is FieldType.BOOLEAN:
        return "true" if value in ("1", "true", "True") else "false"
    if field.type in NUMBER_TYPES and re.fullmatch(r"-?\d+(?:\.\d+)?", value):
        return value
    if field.type in _MOMENTS:
        return _moment(field, value)
    text = _PATTERNS.get(operation, "{}").format(value)
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _moment(field: Field, value: str) -> str:
    if _RELATIVE.fullmatch(value):
        return value
    if american := _AMERICAN.fullmatch(value):
        month, day, year = map(int, american.groups())
        value = f"{year:04}-{month:02}-{day:02}"
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise OrgError("INVALID_INPUT", f"The list view filters by no date: {value}") from None
    if field.type is FieldType.DATE:
        return moment.strftime("%Y-%m-%d")
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(element: etree._Element, name: str) -> str:
    return (element.findtext(f"{{*}}{name}") or "").strip()
