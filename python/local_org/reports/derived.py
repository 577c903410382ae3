"""Columns of a report's own: buckets and row-level formulas, computed from the stored values."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from local_org.records.formulas import formula_value, stored_value
from local_org.reports.columns import Column, Compute
from local_org.reports.definition import Bucket, DetailFormula
from local_org.reports.errors import bad_request
from local_org.schema.formula import (
    FormulaError,
    FormulaFailure,
    FormulaType,
    compile_formula,
    formula_type,
)
from local_org.schema.model import TEXT_TYPES, Field, FieldType

Find = Callable[[str], Column | None]
OTHER = "Other"
KINDS = {
    "double": FieldType.DOUBLE,
    "number": FieldType.DOUBLE,
    "currency": FieldType.CURRENCY,
    "percent": FieldType.PERCENT,
    "text": FieldType.STRING,
    "string": FieldType.STRING,
    "date": FieldType.DATE,
    "dateonly": FieldType.DATE,
    "datetime": FieldType.DATETIME,
}
"""Types of row-level formulas, in the words of metadata and of the REST API, lower case."""
_NAME = re.compile(r"[A-Za-z]\w{0,79}", re.ASCII)
_QUOTED_OR_DOLLAR = re.compile(r"\"(?:\\.|[^\"])*\"|'(?:\\.|[^'])*'|(?<=\w)\$(?=\w)")


def function_name(column: Column) -> str:
    """Return the name of the SQL function behind a derived column."""
    return f"report {column.name}"


def _derived(of: Column, inputs: Sequence[Column]) -> Column:
    """Give a derived column its SQL: a call over the texts of its inputs.

    :raises OrgError: 400: its name, which becomes part of the SQL, is no API name.
    """
    if not _NAME.fullmatch(of.name):
        raise bad_request(f"The column {of.name} is invalid.")
    arguments = ", ".join(i.text_sql for i in inputs)
    params = tuple(value for i in inputs for value in i.params)
    call = f'"{function_name(of)}"({arguments})'
    return replace(of, sql=call, params=params, inputs=tuple(inputs))


# -- buckets --------------------------------------------------------------------------------------


def bucket_column(bucket: Bucket, source: Column) -> Column:
    """Return the column of a bucket over its source.

    :raises OrgError: 400: numbers are sorted into ranges, texts into lists; the wording is inferred.
    """
    numeric = bucket.kind in ("number", "percent", "currency")
    textual = source.lookup or source.kind in TEXT_TYPES
    if not (source.numeric if numeric else textual and bucket.kind in ("text", "picklist")):
        raise bad_request(f"The bucket type {bucket.kind} of {bucket.name} is invalid.")
    compute = _by_range(bucket) if numeric else _by_value(bucket)
    made = Column(bucket.name, bucket.label, FieldType.STRING, "", compute=compute)
    return _derived(made, (source,))


def _by_range(bucket: Bucket) -> Compute:
    """Sort numbers into ranges: up to and with the upper bound of each, the last one open."""
    bounds = [v.upper for v in bucket.values if v.upper is not None]
    labels = [v.label for v in bucket.values]

    def compute(value: float | None) -> str | None:
        if value is None and not bucket.null_as_zero:
            return None
        index = bisect_left(bounds, value or 0)
        return labels[index] if index < len(labels) else bucket.other_label

    return compute


def _by_value(bucket: Bucket) -> Compute:
    """Sort values into lists; what no list names is the other bucket, or stays as it is."""
    known = {value.lower(): v.label for v in bucket.values for value in v.values}

    def compute(value: str | None) -> str | None:
        if value is None and "" not in known:
            return bucket.other_label
        return known.get((value or "").lower(), bucket.other_label or value)

    return compute


# -- row-level formulas ---------------------------------------------------------------------------


def formula_column(formula: DetailFormula, find: Find, now: datetime) -> Column:
    """Return the column of a row-level formula.

    :raises OrgError: 400: in the words of the formula compiler.
    """
    kind = KINDS.get(formula.kind.lower())
    if kind is None:
        raise bad_request(f"The formula type {formula.kind} of {formula.name} is invalid.")
    field = Field(formula.name, kind, formula.label, scale=formula.scale)
    names: dict[tuple[str, ...], Column] = {}

    def resolve(path: tuple[str, ...]) -> FormulaType:
        column = _named(path, find)
        if column is None:
            raise FormulaError(f"Field {'.'.join(path)} does not exist. Check spelling.")
        names[tuple(part.lower() for part in path)] = column
        if column.lookup or column.field is None:
            return FormulaType.TEXT
        return formula_type(column.field)

    try:
        compiled = compile_formula(plain(formula.formula), resolve=resolve)
    except FormulaError as error:
        raise bad_request(f"{formula.name}: {error.message}") from None
    wanted = formula_type(field)
    wanted = FormulaType.NUMBER if wanted is FormulaType.PERCENT else wanted
    if compiled.type not in (wanted, FormulaType.NULL):
        raise bad_request(
            f"{formula.name}: Formula result is data type ({compiled.type}), incompatible with "
            f"expected data type ({wanted})."
        )
    order = {path: n for n, path in enumerate(names)}
    fields = [c.field if not c.lookup else None for c in names.values()]

    def compute(*stored: Any) -> Any:
        values = [formula_value(f, v) if f else v for f, v in zip(fields, stored, strict=True)]
        try:
            return stored_value(field, compiled.evaluate(_Row(order, values, now)))
        except FormulaFailure:
            return None

    made = Column(
        formula.name, formula.label, kind, "", field=field, compute=compute, scale=formula.scale
    )
    return _derived(made, tuple(names.values()))


def plain(text: str) -> str:
    """Return a formula with ``Lead$Name`` as the path ``Lead.Name``; texts stay as they are.

    >>> plain('IF(Lead$Name = "a$b", 1, 2)')
    'IF(Lead.Name = "a$b", 1, 2)'
    """
    return _QUOTED_OR_DOLLAR.sub(lambda m: "." if m[0] == "$" else m[0], text)


def _named(path: tuple[str, ...], find: Find) -> Column | None:
    """Find the column of a path: ``Lead.X__c`` as it stands, or as ``Lead$X__c``."""
    for cut in range(len(path)):
        head, tail = ".".join(path[:cut]), ".".join(path[cut:])
        found = find(f"{head}${tail}" if cut else tail)
        if found is not None:
            return found
    return None


@dataclass(frozen=True, slots=True)
class _Row:
    """One row, as a formula sees it."""

    order: dict[tuple[str, ...], int]
    values: Sequence[Any]
    now: datetime
    is_new: bool = False
    blanks_as_zero: bool = True

    def value(self, path: tuple[str, ...]) -> Any:
        """Return the value of a column."""
        return self.values[self.order[tuple(part.lower() for part in path)]]

    def prior(self, path: tuple[str, ...]) -> Any:
        """Return the value: reports know no other."""
        return self.value(path)

    def changed(self, path: tuple[str, ...]) -> bool:
        """Never."""
        del path
        return False
