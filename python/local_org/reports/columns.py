"""Columns of one run: names of a report type → SQL over the tables that a run reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_org.schema.model import NUMBER_TYPES, Field, FieldType

Compute = Callable[..., Any]
TIMES = (FieldType.DATE, FieldType.DATETIME)


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``sql`` is the value that is grouped and aggregated: the id of a lookup."""

    name: str
    label: str
    kind: FieldType
    sql: str
    params: tuple[Any, ...] = ()
    field: Field | None = None
    entity_column: str | None = None
    """``Lead.Company``: the field behind the column, in the words of the REST API."""
    link_sql: str | None = None
    """The id of the record that the column links to."""
    name_sql: str | None = None
    """The name behind a lookup."""
    day: bool = False
    """A date-time that reports show as its day."""
    inputs: tuple[Column, ...] = ()
    compute: Compute | None = None
    """A bucket or a row-level formula over the stored values of ``inputs``."""
    scale: int = 0

    @property
    def lookup(self) -> bool:
        """Whether the value is the id of another record."""
        return self.name_sql is not None

    @property
    def numeric(self) -> bool:
        """Whether it can be summed."""
        return self.kind in NUMBER_TYPES

    @property
    def summable(self) -> bool:
        """Whether totals other than distinct values can be made of it; checkboxes count as 1 or 0."""
        return self.numeric or self.kind is FieldType.BOOLEAN

    def totalled(self, function: str) -> bool:
        """Whether this total of it can be made: distinct values of anything, the rest of numbers."""
        return function == "Unique" or self.summable

    @property
    def text_sql(self) -> str:
        """What people read in the column: the name of a lookup, else the value."""
        return self.name_sql or self.sql

    @property
    def data_type(self) -> str:
        """``dataType`` of the REST API; a lookup is a string that is also ``isLookup``."""
        return "string" if self.lookup or self.kind is FieldType.REFERENCE else self.kind.value
