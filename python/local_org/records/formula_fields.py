"""Formula fields: each is an SQL function of its object, over columns of the record and its parents."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local_org.records.formulas import Path, compiled, formula_value, stored_value
from local_org.schema.formula import Formula, FormulaFailure, object_named
from local_org.schema.formula.names import TYPE
from local_org.schema.model import Field, Schema, SObject

_MOST_CHARACTERS = 1300
"""What is seen of a text formula."""


def parents(schema: Schema, sobject: SObject, step: str) -> tuple[Field | None, list[SObject]]:
    """Return the lookup behind ``Account`` or ``Owner:User``, and the objects it leads to."""
    name, _, kind = step.partition(":")
    lookup = sobject.by_relationship(name)
    if lookup is None:
        return None, []
    wanted = [object_named(kind)] if kind else lookup.reference_to
    found = (schema.get(each) for each in wanted)
    return lookup, [each for each in found if each is not None]


def _ends(schema: Schema, sobject: SObject, path: Path) -> Iterator[tuple[SObject, Field]]:
    """The fields that a path reads, one for each object it leads to."""
    step, *rest = path
    if not rest:
        field = sobject.get(step)
        if field is not None:
            yield sobject, field
        return
    for parent in parents(schema, sobject, step)[1]:
        yield from _ends(schema, parent, tuple(rest))


def is_circular(schema: Schema, sobject: SObject, field: Field) -> bool:
    """Whether a formula field reads itself, through whatever other formula fields."""
    seen: set[tuple[str, str]] = set()
    waiting = [(sobject, field)]
    while waiting:
        of, current = waiting.pop()
        formula = compiled(current.formula or "", schema, of)
        for path in formula.references:
            for parent, found in _ends(schema, of, path):
                if (parent.name, found.name.lower()) == (sobject.name, field.name.lower()):
                    return True
                if found.calculated and (parent.name, found.name) not in seen:
                    seen.add((parent.name, found.name))
                    waiting.append((parent, found))
    return False


@dataclass(frozen=True, slots=True)
class _Input:
    """A path that a formula reads, and the field whose type its values have."""

    path: Path
    field: Field


@dataclass(frozen=True, slots=True)
class _FormulaField:
    """A compiled formula field and what it reads."""

    field: Field
    formula: Formula
    inputs: tuple[_Input, ...]

    def compute(self, stored: Sequence[Any], now: Callable[[], datetime]) -> Any:
        values = {
            each.path: formula_value(each.field, value)
            for each, value in zip(self.inputs, stored, strict=True)
        }
        context = _Inputs(values, now, blanks_as_zero=self.field.blanks_as_zero)
        try:
            value = stored_value(self.field, self.formula.evaluate(context))
        except FormulaFailure:
            return None
        return value[:_MOST_CHARACTERS] if isinstance(value, str) else value


class _Inputs:
    """Values that a formula field reads: nothing before, nothing new."""

    is_new = False

    def __init__(
        self, values: Mapping[Path, Any], now: Callable[[], datetime], *, blanks_as_zero: bool
    ) -> None:
        self._values = values
        self._now = now
        self.blanks_as_zero = blanks_as_zero

    @property
    def now(self) -> datetime:
        """The org's time."""
        return self._now()

    def value(self, path: Path) -> Any:
        """Return the value of a path that the formula names."""
        return self._values.get(path)

    def prior(self, path: Path) -> Any:
        """Return the value: a formula field knows no other."""
        return self.value(path)

    def changed(self, path: Path) -> bool:
        """Never."""
        del path
        return False


class FormulaFields:
    """Formula fields of the schema, each known to SQLite as the function ``Object.Field``."""

    def __init__(self, connection: sqlite3.Connection, now: Callable[[], datetime]) -> None:
        self._connection = connection
        self._now = now
        self._schema = Schema(())
        self._compiled: dict[tuple[str, str], _FormulaField] = {}

    def register(self, schema: Schema) -> None:
        """Compile all formula fields of this schema anew.

        :raises FormulaError: one of them does not compile.
        """
        self._schema = schema
        self._compiled = {
            (sobject.name, field.name): self._compile(schema, sobject, field)
            for sobject in schema
            for field in sobject.fields.values()
            if field.calculated
        }

    def _compile(self, schema: Schema, sobject: SObject, field: Field) -> _FormulaField:
        formula = compiled(field.formula or "", schema, sobject)
        inputs = tuple(
            _Input(path, next((f for _, f in _ends(schema, sobject, path)), TYPE))
            for path in sorted(formula.references)
        )
        made = _FormulaField(field, formula, inputs)
        self._connection.create_function(
            f"{sobject.name}.{field.name}",
            len(inputs),
            lambda *stored: made.compute(stored, self._now),
            deterministic=True,
        )
        return made

    def expression(self, alias: str, sobject: SObject, field: Field) -> str:
        """Return the call of the field's function over the columns it needs, nested if computed."""
        inputs = self._compiled[sobject.name, field.name].inputs
        read = (self._column(alias, sobject, each.path) for each in inputs)
        return f'"{sobject.name}.{field.name}"({", ".join(read)})'

    def _column(self, alias: str, sobject: SObject, path: Path) -> str:
        """Return SQL of what a path reads from the row of this alias."""
        step, *rest = path
        if rest:
            lookup, targets = parents(self._schema, sobject, step)
            key = f'{alias}."{lookup.name}"' if lookup is not None else "NULL"
            return self._of_parents(alias, key, targets, tuple(rest))
        field = sobject.get(step)
        if field is None:
            return f"'{sobject.name}'"
        if field.calculated:
            return self.expression(alias, sobject, field)
        return f'{alias}."{field.name}"'

    def _of_parents(self, alias: str, key: str, targets: Sequence[SObject], rest: Path) -> str:
        """Return SQL of what the parent with this id has, whichever of the objects it is of."""
        inner = f"{alias}_"
        found = [
            f'(SELECT {self._column(inner, target, rest)} FROM "{target.name}" AS {inner} '
            f'WHERE {inner}."Id" = {key})'
            for target in targets
        ]
        return found[0] if len(found) == 1 else f"coalesce({', '.join([*found, 'NULL', 'NULL'])})"

    def value(self, sobject: SObject, field: Field, row: Mapping[str, Any]) -> Any:
        """Return the stored encoding of a formula field over a row."""
        made = self._compiled[sobject.name, field.name]
        return made.compute(
            [self._read(sobject, row, each.path) for each in made.inputs], self._now
        )

    def _read(self, sobject: SObject, row: Mapping[str, Any], path: Path) -> Any:
        """Return the stored encoding of what a path reads from a row."""
        step, *rest = path
        if not rest:
            field = sobject.get(step)
            if field is not None and field.calculated:
                return self.value(sobject, field, row)
            return row.get(field.name) if field is not None else sobject.name
        lookup, targets = parents(self._schema, sobject, step)
        parent_id = None if lookup is None else row.get(lookup.name)
        if parent_id is None:
            return None
        sql = f"SELECT {self._of_parents('f', '?', targets, tuple(rest))}"
        return self._connection.execute(sql, [parent_id] * len(targets)).fetchone()[0]
