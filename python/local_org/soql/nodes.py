"""The tree of a SOQL statement: frozen values, equal when the text is, wherever it stood."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Position:
    """Where a node begins in the statement: row and column, both from 1."""

    row: int = 1
    column: int = 1


START = Position()


@dataclass(frozen=True, slots=True)
class Path:
    """A field or relationship path as written: ``Owner.Name``."""

    parts: tuple[str, ...]
    at: Position = field(default=START, compare=False)

    def __str__(self) -> str:
        return ".".join(self.parts)


class Kind(StrEnum):
    """What a literal is."""

    STRING = "string"
    NUMBER = "number"
    CURRENCY = "currency"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    RANGE = "range"
    BOOLEAN = "boolean"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal. ``text`` is the source; of a string, what is between the quotes, escapes kept."""

    kind: Kind
    text: str
    at: Position = field(default=START, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function call. ``name`` as written; functions are compared in any case."""

    name: str
    arguments: tuple[Path | Call | Literal, ...] = ()
    at: Position = field(default=START, compare=False)

    @property
    def function(self) -> str:
        """The name in upper case."""
        return self.name.upper()


Expression = Path | Call


@dataclass(frozen=True, slots=True)
class FieldItem:
    """One selected field or expression, with its alias if it has one."""

    expression: Expression
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """``WHEN Account THEN Phone, Name``."""

    entity: str
    fields: tuple[Path, ...]
    at: Position = field(default=START, compare=False)


@dataclass(frozen=True, slots=True)
class TypeOf:
    """``TYPEOF What WHEN … THEN … ELSE … END``."""

    path: Path
    branches: tuple[Branch, ...]
    otherwise: tuple[Path, ...] | None = None


@dataclass(frozen=True, slots=True)
class Subquery:
    """A child query in the select list."""

    query: Query


SelectItem = FieldItem | TypeOf | Subquery


@dataclass(frozen=True, slots=True)
class Source:
    """One item of FROM."""

    path: Path
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left operator value``; the operator in upper case, ``<>`` as ``!=``."""

    left: Expression
    operator: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Membership:
    """``left [NOT] IN (values)``."""

    left: Expression
    negated: bool
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class SemiJoin:
    """``left [NOT] IN (SELECT …)``."""

    left: Expression
    negated: bool
    query: Query


@dataclass(frozen=True, slots=True)
class Includes:
    """``left INCLUDES (values)``, or EXCLUDES when negated."""

    left: Expression
    negated: bool
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """``NOT condition``."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class Parens:
    """``(condition)``: kept, so that printing gives back what was written."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class Junction:
    """Conditions joined by one operator, AND or OR; the two never mix without parentheses."""

    operator: str
    conditions: tuple[Condition, ...]


Condition = Comparison | Membership | SemiJoin | Includes | Not | Parens | Junction


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One ORDER BY item. None means: not written, so ascending and nulls first."""

    expression: Expression
    direction: str | None = None
    nulls: str | None = None


@dataclass(frozen=True, slots=True)
class Category:
    """One filter of WITH DATA CATEGORY."""

    group: str
    selector: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A whole SELECT statement, or one in parentheses."""

    select: tuple[SelectItem, ...]
    sources: tuple[Source, ...]
    scope: str | None = None
    where: Condition | None = None
    categories: tuple[Category, ...] = ()
    modes: tuple[str, ...] = ()
    group_by: tuple[Expression, ...] = ()
    having: Condition | None = None
    order_by: tuple[OrderItem, ...] = ()
    limit: int | None = None
    offset: int | None = None
    purposes: tuple[str, ...] = ()
    all_rows: bool = False
    updates: tuple[str, ...] = ()
