"""Types of formula values, what a formula asks of the record it runs on, and its errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol

from local_org.schema.model import TEXT_TYPES, Field, FieldType


class FormulaType(StrEnum):
    """The type of a field or an expression, in the words of the platform's error messages."""

    NUMBER = "Number"
    PERCENT = "Percent"
    """Only of a field: 300 as stored counts as 3 inside the formula."""
    TEXT = "Text"
    BOOLEAN = "Boolean"
    DATE = "Date"
    DATETIME = "DateTime"
    TIME = "Time"
    PICKLIST = "Picklist"
    MULTIPICKLIST = "Multipicklist"
    NULL = "Null"


_TYPES: Mapping[FieldType, FormulaType] = MappingProxyType(
    {
        FieldType.BOOLEAN: FormulaType.BOOLEAN,
        FieldType.DATE: FormulaType.DATE,
        FieldType.DATETIME: FormulaType.DATETIME,
        FieldType.TIME: FormulaType.TIME,
        FieldType.PICKLIST: FormulaType.PICKLIST,
        FieldType.MULTIPICKLIST: FormulaType.MULTIPICKLIST,
        FieldType.PERCENT: FormulaType.PERCENT,
        FieldType.INT: FormulaType.NUMBER,
        FieldType.LONG: FormulaType.NUMBER,
        FieldType.DOUBLE: FormulaType.NUMBER,
        FieldType.CURRENCY: FormulaType.NUMBER,
        FieldType.ID: FormulaType.TEXT,
        FieldType.REFERENCE: FormulaType.TEXT,
    }
)


def formula_type(field: Field) -> FormulaType:
    """Return the type of a field inside a formula.

    :raises FormulaError: fields of this type cannot be used in a formula.
    """
    if field.type in _TYPES:
        return _TYPES[field.type]
    if field.type in TEXT_TYPES:
        return FormulaType.TEXT
    raise FormulaError(f"You can't reference the field {field.name} in a formula.")


@dataclass(eq=False)
class FormulaError(Exception):
    """The formula cannot be saved; the author can put it right.

    ``position`` counts characters from the start of the text; -1 where it is not known.
    """

    message: str
    position: int = -1

    def __str__(self) -> str:
        return self.message


class FormulaFailure(Exception):
    """The formula has no value for this record: a division by zero, a text that is no number."""


class FormulaContext(Protocol):
    """The record, the user and the moment that a formula is evaluated for.

    Values are None, str, Decimal, bool, datetime (aware, UTC), date or time.
    """

    @property
    def is_new(self) -> bool:
        """Whether the record is being created."""
        ...

    @property
    def now(self) -> datetime:
        """The moment of evaluation: aware, UTC."""
        ...

    @property
    def blanks_as_zero(self) -> bool:
        """Whether a blank number counts as 0."""
        ...

    def value(self, path: tuple[str, ...]) -> Any:
        """Return the value of a field; a percent as stored."""
        ...

    def prior(self, path: tuple[str, ...]) -> Any:
        """Return the value before this write; of a new record, the value now."""
        ...

    def changed(self, path: tuple[str, ...]) -> bool:
        """Whether this write changes the field; never so of a new record."""
        ...
