"""Queries answered the slow, obvious way: over lists of dicts, with nothing of the engine's code.

A query is a value of these classes. Text is compared in any case; logic is two-valued: a blank is
unlike every value, and is neither smaller nor greater than one.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

Row = Mapping[str, Any]
Steps = tuple[str, ...]
"""A field, or one of a parent: ``("Owner", "Name")``."""
ANY, ONE = object(), object()
"""In a LIKE pattern: any characters; exactly one."""
ORDERED: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Compare:
    """``left operator value``; ``left`` is steps, or an aggregate in HAVING."""

    left: Any
    operator: str
    value: Any


@dataclass(frozen=True)
class Like:
    """The pattern's pieces are ANY, ONE or text that stands for itself."""

    left: Steps
    pieces: tuple[Any, ...]


@dataclass(frozen=True)
class Among:
    """``IN`` or ``NOT IN`` a list of values, or what a query selects."""

    left: Steps
    values: tuple[Any, ...] | Select
    negated: bool


@dataclass(frozen=True)
class Joined:
    """``AND`` or ``OR``."""

    word: str
    conditions: tuple[Any, ...]


@dataclass(frozen=True)
class Opposite:
    """``NOT``."""

    condition: Any


@dataclass(frozen=True)
class Aggregate:
    """``COUNT``, ``COUNT_DISTINCT``, ``SUM``, ``AVG``, ``MIN`` or ``MAX`` of a field."""

    function: str
    of: Steps


@dataclass(frozen=True)
class Sort:
    """One key of ORDER BY; unless ``last``, blanks come first in both directions."""

    key: Any
    descending: bool = False
    last: bool = False


@dataclass(frozen=True)
class Select:
    """A query. ``grouping`` is ``""``, ``ROLLUP`` or ``CUBE``; ``children`` by relationship."""

    entity: str
    items: tuple[Any, ...]
    where: Any = None
    groups: tuple[Steps, ...] = ()
    grouping: str = ""
    having: Any = None
    order: tuple[Sort, ...] = ()
    limit: int | None = None
    offset: int | None = None
    children: Mapping[str, Select] = field(default_factory=dict)


def folded(value: Any) -> Any:
    """Return what a value is compared by."""
    return value.lower() if isinstance(value, str) else value


class World:
    """All rows of an org, and answers about them."""

    def __init__(
        self,
        tables: Mapping[str, Sequence[Row]],
        parents: Mapping[str, str],
        children: Mapping[str, tuple[str, str]],
        ranks: Mapping[str, Sequence[str]],
    ) -> None:
        """Know the lookup behind each parent, object and lookup behind children, picklist orders.

        A boolean of a parent that is missing is false: its steps end in a name that starts ``Is``.
        """
        self.tables, self.parents, self.children, self.ranks = tables, parents, children, ranks
        self.by_id = {row["Id"]: row for rows in tables.values() for row in rows}

    def value(self, row: Row, steps: Steps) -> Any:
        """Return the value of a field, or of a parent's."""
        for step in steps[:-1]:
            key = row.get(self.parents[step])
            if key is None:
                return False if steps[-1].startswith("Is") else None
            row = self.by_id[key]
        return row.get(steps[-1])

    def holds(self, condition: Any, value: Callable[[Any], Any]) -> bool:
        """Tell whether the condition holds; ``value`` gives what stands on a left side."""
        match condition:
            case Joined("AND", inner):
                return all(self.holds(each, value) for each in inner)
            case Joined(_, inner):
                return any(self.holds(each, value) for each in inner)
            case Opposite(inner):
                return not self.holds(inner, value)
            case Compare(left, sign, wanted):
                return compared(folded(value(left)), sign, folded(wanted))
            case Like(left, pieces):
                return alike(value(left), pieces)
            case Among(left, Select() as query, negated):
                found = {row[query.items[0][0]] for row in self.kept(query)} - {None}
                return (value(left) in found) != negated
            case Among(left, tuple() as values, negated):
                return (folded(value(left)) in {folded(each) for each in values}) != negated
        raise AssertionError(f"no condition: {condition}")

    def kept(self, query: Select) -> list[Row]:
        """Return the rows that fulfil WHERE."""
        rows = self.tables[query.entity]
        return [row for row in rows if query.where is None or self.fulfils(query.where, row)]

    def fulfils(self, condition: Any, row: Row) -> bool:
        """Tell whether a row fulfils a condition."""
        return self.holds(condition, lambda steps: self.value(row, steps))

    def records(self, query: Select) -> list[list[Any]]:
        """Return the selected values of each record in order, then the lists of its children."""
        rows = self.kept(query)
        for sort in reversed(query.order):
            rows = ranked(rows, sort, lambda row, key: self.sort_key(key, self.value(row, key)))
        return [
            [self.value(row, steps) for steps in query.items]
            + [self.of_parent(name, inner, row["Id"]) for name, inner in query.children.items()]
            for row in window(rows, query)
        ]

    def of_parent(self, relationship: str, query: Select, parent: str) -> list[list[Any]]:
        """Return the children of one parent."""
        entity, lookup = self.children[relationship]
        mine = [row for row in self.tables[entity] if row[lookup] == parent]
        world = World({**self.tables, entity: mine}, self.parents, self.children, self.ranks)
        world.by_id = self.by_id
        return world.records(query)

    def sort_key(self, steps: Steps, value: Any) -> Any:
        """Return what a value sorts by: picklists by the order of their values."""
        ranks = self.ranks.get(steps[-1])
        return ranks.index(value) if ranks and value is not None else folded(value)

    def groups(self, query: Select) -> list[list[Any]]:
        """Return the rows of an aggregate query: each level's groups, sorted if it asks for it."""
        out: list[tuple[dict[Any, Any], list[Any]]] = []
        for rolled in levels(query.grouping, len(query.groups)):
            out += self.level(query, rolled)
        for sort in reversed(query.order):
            out = ranked(out, sort, lambda pair, key: self.sorted_group(key, pair[0][key]))
        return [row for _, row in window(out, query)]

    def sorted_group(self, key: Any, value: Any) -> Any:
        """Return what a group sorts by."""
        return value if isinstance(key, Aggregate) else self.sort_key(key, value)

    def level(
        self, query: Select, rolled: Sequence[int]
    ) -> Iterator[tuple[dict[Any, Any], list[Any]]]:
        """Give the groups of one level: all that can be asked of each, and what is selected."""
        kept = [steps for n, steps in enumerate(query.groups) if n not in rolled]
        buckets: dict[tuple[Any, ...], list[Row]] = {} if kept else {(): []}
        for row in self.kept(query):
            key = tuple(folded(self.value(row, steps)) for steps in kept)
            buckets.setdefault(key, []).append(row)
        asked = {*query.items, *(sort.key for sort in query.order), *called(query.having)}
        for rows in buckets.values():
            known: dict[Any, Any] = dict.fromkeys(query.groups)
            known |= {steps: self.value(rows[0], steps) for steps in kept}
            known |= {each: self.total(each, rows) for each in asked if each not in known}
            if query.having is None or self.holds(query.having, known.__getitem__):
                yield known, [known[item] for item in query.items]

    def total(self, aggregate: Aggregate, rows: Iterable[Row]) -> Any:
        """Return an aggregate over rows; blanks do not count."""
        values = [v for row in rows if (v := self.value(row, aggregate.of)) is not None]
        match aggregate.function:
            case "COUNT":
                return len(values)
            case "COUNT_DISTINCT":
                return len({folded(value) for value in values})
            case "SUM":
                return sum(values) if values else None
            case "AVG":
                return sum(values) / len(values) if values else None
            case "MIN":
                return min(values, key=folded, default=None)
            case _:
                return max(values, key=folded, default=None)


def compared(value: Any, sign: str, wanted: Any) -> bool:
    """Tell whether a comparison of folded values holds."""
    if sign in ("=", "!="):
        return bool(value == wanted) == (sign == "=")
    return value is not None and wanted is not None and ORDERED[sign](value, wanted)


def alike(value: str | None, pieces: Iterable[Any]) -> bool:
    """Tell whether a text is like a pattern."""
    if value is None:
        return False
    marks = {ANY: ".*", ONE: "."}
    pattern = "".join(marks[p] if p in marks else re.escape(folded(p)) for p in pieces)
    return re.fullmatch(pattern, folded(value), re.DOTALL) is not None


def ranked(rows: Sequence[Any], sort: Sort, key: Callable[[Any, Any], Any]) -> list[Any]:
    """Return the rows sorted by one key, those equal in it in the order they had."""
    blank = [row for row in rows if key(row, sort.key) is None]
    rest = [row for row in rows if key(row, sort.key) is not None]
    rest.sort(key=lambda row: key(row, sort.key), reverse=sort.descending)
    return rest + blank if sort.last else blank + rest


def window(rows: Sequence[Any], query: Select) -> Sequence[Any]:
    """Return what LIMIT and OFFSET leave; the limit counts after the offset."""
    rows = rows[query.offset or 0 :]
    return rows if query.limit is None else rows[: query.limit]


def levels(grouping: str, fields: int) -> Iterator[Sequence[int]]:
    """Give the positions of the fields that each level leaves out."""
    if grouping == "CUBE":
        for count in range(fields + 1):
            yield from combinations(range(fields), count)
    elif grouping == "ROLLUP":
        for first in range(fields, -1, -1):
            yield range(first, fields)
    else:
        yield ()


def called(condition: Any) -> Iterator[Aggregate]:
    """Give the aggregates that a condition compares."""
    match condition:
        case Joined(_, inner):
            for each in inner:
                yield from called(each)
        case Opposite(inner):
            yield from called(inner)
        case Compare(Aggregate() as aggregate):
            yield aggregate
