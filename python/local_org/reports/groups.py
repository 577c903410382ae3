"""The groups of a report as a tree: keys in order, each with its index in its parent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from local_org.reports.columns import TIMES, Column
from local_org.reports.definition import Grouping
from local_org.reports.display import BLANK, number_text, picklist_label, whole
from local_org.reports.granularity import grouper, label_of
from local_org.reports.names import Names
from local_org.reports.scan import Read
from local_org.reports.totals import Path
from local_org.schema.model import FieldType
from local_org.soql.dates import Calendar

Rank = Callable[[Path], Any]


@dataclass(slots=True)
class Group:
    """One group: its key in the parent, its place ``0_1``, its groups in order."""

    key: Any
    path: Path
    place: str
    groups: list[Group] = field(default_factory=list)

    def walk(self) -> Iterator[Group]:
        """The group and all below it, in the order of the report."""
        yield self
        for each in self.groups:
            yield from each.walk()


@dataclass(frozen=True, slots=True)
class Level:
    """One grouping over its column: how values become keys, and keys are shown and ordered."""

    grouping: Grouping
    column: Column
    calendar: Calendar
    names: Names
    order: Sequence[str] = ()
    """Values that have an order of their own: of a picklist, of a bucket."""

    @property
    def granularity(self) -> str | None:
        """By what dates are grouped; None for other columns."""
        if self.column.kind not in TIMES:
            return None
        return "Day" if self.grouping.granularity == "None" else self.grouping.granularity

    def reader(self, read: Read) -> Read:
        """Return what reads the key of a row's group."""
        if self.granularity is None:
            return read
        key_of = grouper(self.granularity, self.column.kind, self.calendar)
        return lambda row: key_of(read(row))

    def label(self, key: Any) -> str:
        """Return what people read for a key."""
        if self.column.kind is FieldType.BOOLEAN:
            return "true" if key else "false"
        if key is None:
            return BLANK
        if self.granularity is not None:
            return label_of(self.granularity, key, self.calendar)
        if self.column.lookup:
            return self.names.of(key) or BLANK
        if self.column.numeric:
            return number_text(key, self.column.kind, self.column.scale)
        return picklist_label(self.column, key)

    def value(self, key: Any) -> Any:
        """Return a key as JSON has it: the first day of a period, the id of a lookup."""
        if isinstance(key, date):
            return key.isoformat()
        if self.granularity is not None and key is not None:
            return str(key)
        if self.column.kind is FieldType.BOOLEAN:
            return bool(key)
        return whole(key) if isinstance(key, float) else key

    def rank(self, key: Any) -> tuple[Any, ...]:
        """Return what keys are ordered by: blank first, then as people would."""
        if key is None:
            return (0,)
        if self.order:
            known = {value: n for n, value in enumerate(self.order)}
            return (1, known.get(key, len(known)), str(key).casefold())
        if self.column.lookup:
            return (1, (self.names.of(key) or "").casefold(), key)
        return (1, key.casefold(), key) if isinstance(key, str) else (1, key)


def tree(
    levels: Sequence[Level], paths: Iterable[Path], by_aggregate: Rank | None, most: int
) -> Group:
    """Return the groups of these paths; ``by_aggregate`` ranks a group by its sort aggregate.

    No more than ``most`` groups are kept, the first in the order of the report.
    """
    children: dict[Path, dict[Any, None]] = {}
    for path in paths:
        for depth, key in enumerate(path):
            children.setdefault(path[:depth], {})[key] = None
    left = most

    def grow(path: Path, place: str, key: Any) -> Group:
        nonlocal left
        made = Group(key, path, place)
        if len(path) == len(levels):
            return made
        level = levels[len(path)]
        for n, each in enumerate(_sorted(level, path, children.get(path, {}), by_aggregate)):
            if left == 0:
                break
            left -= 1
            made.groups.append(grow((*path, each), f"{place}_{n}" if place else str(n), each))
        return made

    return grow((), "", None)


def _sorted(level: Level, path: Path, keys: Iterable[Any], by_aggregate: Rank | None) -> list[Any]:
    ordered = sorted(keys, key=level.rank)
    descending = level.grouping.sort_order == "Desc"
    if level.grouping.sort_aggregate and by_aggregate is not None:
        ranks = {key: by_aggregate((*path, key)) for key in ordered}
        return sorted(ordered, key=lambda k: _number_rank(ranks[k]), reverse=descending)
    return ordered[::-1] if descending else ordered


def _number_rank(value: float | None) -> tuple[int, float]:
    return (0, 0.0) if value is None else (1, float(value))


def groupings_json(group: Group, levels: Sequence[Level]) -> list[dict[str, Any]]:
    """Return ``groupings`` of a level and those below it."""
    return [
        {
            "groupings": groupings_json(each, levels),
            "key": each.place,
            "label": levels[len(group.path)].label(each.key),
            "value": levels[len(group.path)].value(each.key),
        }
        for each in group.groups
    ]
