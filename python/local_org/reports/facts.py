"""The fact map: aggregates of every group, and the detail rows of the innermost ones.

Source: REST Analytics API, "Decode the Fact Map".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from local_org.reports.aggregates import Number
from local_org.reports.columns import Column
from local_org.reports.definition import ROW_COUNT, Definition, split_aggregate
from local_org.reports.display import BLANK, Cell, cell, number_text, whole
from local_org.reports.groups import Group
from local_org.reports.names import Names
from local_org.reports.scan import Read, Row
from local_org.reports.source import Context
from local_org.reports.summary_formulas import SummaryColumn
from local_org.reports.totals import Path, Place, Totals
from local_org.schema.model import FieldType

Json = dict[str, Any]
_MOST_ROWS = 2000
_MOST_CELLS = 100_000
"""Cells of a matrix; beyond, only those with rows are told."""
_FORMULA_KINDS = {"currency": FieldType.CURRENCY, "percent": FieldType.PERCENT}
_AVERAGES = frozenset({"Average", "Median"})


class Facts:
    """Builds the fact map of one run."""

    def __init__(
        self,
        definition: Definition,
        totals: Totals,
        columns: Mapping[str, Column],
        formulas: Mapping[str, SummaryColumn],
    ) -> None:
        self._definition, self._totals = definition, totals
        self._columns, self._formulas = columns, formulas
        self._groups: tuple[Group, Group] | None = None
        self._siblings: dict[Path, list[Path]] = {}
        self.complete = True

    def grown(self, down: Group, across: Group) -> None:
        """Take over the groups, once they are in order."""
        self._groups = (down, across)
        for group in down.walk():
            self._siblings[group.path] = [each.path for each in group.groups]

    # -- aggregates -------------------------------------------------------------------------------

    def sort_value(self, place: Place) -> Number:
        """Return the aggregate by which a group is sorted among its neighbours."""
        level = len(place[0] or place[1]) - 1
        groupings = self._definition.down if place[0] else self._definition.across
        name = groupings[level].sort_aggregate
        return None if name is None else self._value(name, place)

    def _value(self, name: str, place: Place) -> Number:
        formula = self._formulas.get(name)
        if formula is None:
            function, column = split_aggregate(name)
            known = function == ROW_COUNT or column in self._columns
            return self._totals.of(function, column, place) if known else None
        names = ([g.name for g in self._definition.down], [g.name for g in self._definition.across])
        return formula.value(self._totals, place, names, self._previous)

    def _previous(self, place: Place, level: int, steps: int) -> Place | None:
        """Return the group so many places before, among its neighbours at this level."""
        down, across = place
        if len(down) <= level:
            return None
        siblings = self._siblings.get(down[:level], [])
        try:
            at = siblings.index(down[: level + 1]) - steps
        except ValueError:
            return None
        return (siblings[at], across) if 0 <= at < len(siblings) else None

    def _aggregates(self, place: Place) -> list[Cell]:
        return [self._shown(name, self._value(name, place)) for name in self._definition.aggregates]

    def _shown(self, name: str, value: Number) -> Cell:
        if value is None:
            return {"label": BLANK, "value": None}
        function, column_name = split_aggregate(name)
        if function in (ROW_COUNT, "Unique"):
            return {"label": f"{value:,}", "value": value}
        formula = self._formulas.get(name)
        if formula is not None:
            kind = _FORMULA_KINDS.get(formula.formula.kind, FieldType.DOUBLE)
            label = number_text(value, kind, formula.formula.scale)
            return {"label": label, "value": whole(value)}
        column = self._columns[column_name]
        scale = column.scale
        if function in _AVERAGES and scale == 0 and not float(value).is_integer():
            scale = 2
        return {"label": number_text(value, column.kind, scale), "value": whole(value)}

    # -- rows -------------------------------------------------------------------------------------

    def rows(
        self,
        rows: Mapping[Place, list[Row]],
        cells: Sequence[tuple[Column, Read, Read]],
        context: Context,
        names: Names,
    ) -> dict[Place, list[Json]]:
        """Return the detail rows, the first 2,000 in the order of the report, as cells."""
        told: dict[Place, list[Json]] = {}
        left = _MOST_ROWS
        for down, across in self._places():
            found = rows.get((down.path, across.path), ())
            for row in found[:left]:
                made = [
                    cell(
                        column,
                        value := read(row),
                        context.calendar,
                        _name(column, value, names),
                        link(row),
                    )
                    for column, read, link in cells
                ]
                told.setdefault((down.path, across.path), []).append({"dataCells": made})
            self.complete = self.complete and len(found) <= left
            left -= min(left, len(found))
        return told

    def _places(self) -> Iterator[tuple[Group, Group]]:
        """Every pair of a row group and a column group, in the order of the report."""
        if self._groups is None:
            raise LookupError("expected the groups to be grown before they are told")
        down, across = self._groups
        columns = list(across.walk())
        every = sum(1 for _ in down.walk()) * len(columns) <= _MOST_CELLS
        with_rows = None if every else set(self._totals.places())
        for row in down.walk():
            for column in columns:
                if with_rows is None or (row.path, column.path) in with_rows:
                    yield row, column

    def fact_map(self, rows: Mapping[Place, list[Json]], *, details: bool) -> Json:
        """Return aggregates, and with details the rows, by ``0_1!T``."""
        found: Json = {}
        for down, across in self._places():
            place = (down.path, across.path)
            entry: Json = {"aggregates": self._aggregates(place)}
            if details:
                entry["rows"] = rows.get(place, [])
            found[f"{down.place or 'T'}!{across.place or 'T'}"] = entry
        return found


def _name(column: Column, value: Any, names: Names) -> str | None:
    return names.of(value) if column.lookup else None
