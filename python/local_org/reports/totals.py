"""Totals of every group of a report, rolled up from its cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from local_org.reports.aggregates import FUNCTIONS, Number
from local_org.reports.definition import ROW_COUNT, split_aggregate

Path = tuple[Any, ...]
Place = tuple[Path, Path]
"""Keys of row groups and of column groups, outermost first; shorter paths are subtotals."""
GRAND: Place = ((), ())


class Cell:
    """The rows of one group: how many, and their values that are not blank, by column."""

    __slots__ = ("count", "values")

    def __init__(self, width: int) -> None:
        self.count = 0
        self.values: list[list[Any]] = [[] for _ in range(width)]

    def take(self, other: Cell) -> None:
        """Add the rows of another group."""
        self.count += other.count
        for mine, others in zip(self.values, other.values, strict=True):
            mine.extend(others)


class Totals:
    """Aggregates by place. ``columns`` are the names of the aggregated columns, in cell order."""

    def __init__(self, columns: Sequence[str], leaves: Mapping[Place, Cell]) -> None:
        self._index = {name: n for n, name in enumerate(columns)}
        self._cells: dict[Place, Cell] = {GRAND: Cell(len(columns))}
        self._known: dict[tuple[str, str, Place], Number] = {}
        for place, leaf in leaves.items():
            for above in _above(place):
                cell = self._cells.get(above)
                if cell is None:
                    cell = self._cells[above] = Cell(len(columns))
                cell.take(leaf)

    def places(self) -> Iterator[Place]:
        """Every group that has rows, and the grand total."""
        return iter(self._cells)

    def count(self, place: Place) -> int:
        """Return the number of rows of a group."""
        cell = self._cells.get(place)
        return cell.count if cell else 0

    def of(self, function: str, column: str, place: Place) -> Number:
        """Return one aggregate of a group; of no rows a sum is 0, an average blank."""
        if function == ROW_COUNT:
            return self.count(place)
        key = (function, column, place)
        if key not in self._known:
            cell = self._cells.get(place)
            values = cell.values[self._index[column]] if cell else []
            self._known[key] = FUNCTIONS[function](values)
        return self._known[key]

    def aggregate(self, name: str, place: Place) -> Number:
        """Return the aggregate ``a!Lead.Score__c`` of a group."""
        return self.of(*split_aggregate(name), place)


Value = Callable[[str, Place], Number]
"""Return an aggregate by its name, custom summary formulas among them."""


def _above(place: Place) -> Iterator[Place]:
    """The group itself and every subtotal it counts in."""
    down, across = place
    for i in range(len(down) + 1):
        for j in range(len(across) + 1):
            yield down[:i], across[:j]
