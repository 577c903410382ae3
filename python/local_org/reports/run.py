"""Run a report: one pass over its rows, then groups, totals and the fact map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from local_org.reports.catalogue import Catalogue
from local_org.reports.columns import Column
from local_org.reports.conditions import conditions, shown_days
from local_org.reports.definition import ROW_COUNT, Definition, Grouping, split_aggregate
from local_org.reports.errors import (
    NO_COLUMNS,
    TOO_MANY_COLUMNS,
    bad_request,
    unsupported_format,
)
from local_org.reports.extended import extended_metadata
from local_org.reports.facts import Facts
from local_org.reports.groups import Group, Level, groupings_json, tree
from local_org.reports.names import Names
from local_org.reports.report_metadata import to_json
from local_org.reports.report_types import ReportType
from local_org.reports.scan import Read, Row, Scan
from local_org.reports.source import Context, Source
from local_org.reports.summary_formulas import SummaryColumn
from local_org.reports.totals import Cell, Place, Totals
from local_org.schema.formula import FormulaError

Json = dict[str, Any]
MOST_ROWS = 2000
"""Detail rows and groups of one answer. Source: REST Analytics API, "Requirements and Limitations"."""
_MOST_COLUMNS = 100


@dataclass(frozen=True, slots=True)
class Runnable:
    """A report as the running user sees it: hidden columns have vanished with all that needs them."""

    definition: Definition
    catalogue: Catalogue
    columns: Sequence[Column]
    aggregated: Sequence[Column]
    formulas: dict[str, SummaryColumn]


def prepare(
    context: Context, report_type: ReportType, definition: Definition, now: datetime
) -> Runnable:
    """Return the report as this user may run it.

    :raises OrgError: 400, 403, 501: it cannot be run.
    """
    if definition.format == "MULTI_BLOCK":
        raise unsupported_format()
    catalogue = Catalogue(Source(context, report_type), definition, now)
    visible = _visible(catalogue, definition)
    formulas = _formulas(catalogue, visible)
    kept = tuple(a for a in visible.aggregates if "!" in a or a == ROW_COUNT or a in formulas)
    visible = replace(visible, aggregates=kept)
    columns = [c for name in visible.columns if (c := catalogue.find(name))]
    names = [split_aggregate(a)[1] for a in kept if "!" in a]
    names += [name for a in kept if a in formulas for name in formulas[a].columns]
    aggregated = [c for name in dict.fromkeys(names) if (c := catalogue.find(name))]
    if not columns and not aggregated and not visible.groupings and kept == ():
        raise bad_request(NO_COLUMNS)
    if len(columns) + len(kept) >= _MOST_COLUMNS:
        raise bad_request(TOO_MANY_COLUMNS)
    return Runnable(visible, catalogue, columns, aggregated, formulas)


def _visible(catalogue: Catalogue, of: Definition) -> Definition:
    """Leave out what names a column that this user has not."""
    aggregates = tuple(a for a in of.aggregates if "!" not in a or _totalled(catalogue, a))

    def kept(groupings: tuple[Grouping, ...]) -> tuple[Grouping, ...]:
        return tuple(
            g if g.sort_aggregate in aggregates else replace(g, sort_aggregate=None)
            for g in groupings
            if catalogue.find(g.name)
        )

    sort = of.sort_by if of.sort_by and catalogue.find(of.sort_by[0]) else None
    return replace(
        of,
        columns=tuple(name for name in of.columns if catalogue.find(name)),
        aggregates=aggregates,
        down=kept(of.down),
        across=kept(of.across),
        sort_by=sort,
    )


def _totalled(catalogue: Catalogue, aggregate: str) -> bool:
    """Whether the total is there: its column may be hidden, or have changed its type since."""
    function, name = split_aggregate(aggregate)
    column = catalogue.find(name)
    return column is not None and column.totalled(function)


def _formulas(catalogue: Catalogue, of: Definition) -> dict[str, SummaryColumn]:
    """Compile the summary formulas that are shown and whose columns this user sees."""
    found = {}
    for formula in of.formulas:
        if formula.name not in of.aggregates:
            continue
        try:
            made = SummaryColumn(formula)
        except FormulaError as error:
            raise bad_request(f"{formula.name}: {error.message}") from None
        columns = [(catalogue.find(name), function) for function, name in made.totals]
        if all(column and column.totalled(function) for column, function in columns):
            found[formula.name] = made
    return found


# -- the pass over the rows -----------------------------------------------------------------------


class _Pass:
    """Reads the rows of a report into cells, and keeps the rows themselves if they are wanted."""

    def __init__(self, of: Runnable, *, details: bool) -> None:
        self.of, self.details = of, details
        self.context = of.catalogue.source.context
        self.names = Names(self.context)
        self.scan = Scan(of.catalogue.source)
        self.down = [self._level(g) for g in of.definition.down]
        self.across = [self._level(g) for g in of.definition.across]
        self.leaves: dict[Place, Cell] = {}
        self.rows: dict[Place, list[Row]] = {}
        self.cells: list[tuple[Column, Read, Read]] = []

    def _level(self, grouping: Grouping) -> Level:
        column = self.of.catalogue.find(grouping.name)
        if column is None:
            raise LookupError(f"expected a column for the grouping {grouping.name}")
        order = _own_order(self.of.definition, column)
        return Level(grouping, column, self.context.calendar, self.names, order)

    def run(self) -> None:
        """Read every row once."""
        place_of = self._places()
        reads = [self.scan.value(c) for c in self.of.aggregated]
        if self.details:
            self.cells = [(c, self.scan.value(c), self.scan.link(c)) for c in self.of.columns]
        definition = self.of.definition
        sort = definition.sort_by
        order = (self.of.catalogue.find(sort[0]), sort[1]) if sort else None
        wanted = conditions(self.of.catalogue, definition)
        limit = definition.row_limit if definition.format == "TABULAR" else None
        rows = self.scan.rows(
            wanted,
            self.of.catalogue.derived,
            (order[0], order[1]) if order and order[0] else None,
            limit,
        )
        width, leaves = len(reads), self.leaves
        for row in rows:
            place = place_of(row)
            cell = leaves.get(place)
            if cell is None:
                cell = leaves[place] = Cell(width)
            cell.count += 1
            for values, read in zip(cell.values, reads):  # noqa: B905 - made alike; strict costs
                value = read(row)
                if value is not None:
                    values.append(value)
            if self.details:
                self.rows.setdefault(place, []).append(row)

    def _places(self) -> Callable[[Row], Place]:
        """Return what tells the group of a row."""
        down = [level.reader(self.scan.value(level.column)) for level in self.down]
        across = [level.reader(self.scan.value(level.column)) for level in self.across]
        if not across:
            if not down:
                return lambda _row: ((), ())
            if len(down) == 1:
                [only] = down
                return lambda row: ((only(row),), ())
            if len(down) == 2:
                outer, inner = down
                return lambda row: ((outer(row), inner(row)), ())
        return lambda row: (tuple([r(row) for r in down]), tuple([r(row) for r in across]))


def _own_order(of: Definition, column: Column) -> Sequence[str]:
    """The order of values that have one: of a picklist as it is set up, of buckets as listed."""
    bucket = next((b for b in of.buckets if b.name == column.name), None)
    if bucket is not None:
        return [v.label for v in bucket.values]
    values = column.field.picklist if column.field and not column.lookup else ()
    return [v.value for v in values]


# -- the answer -----------------------------------------------------------------------------------


def run(
    context: Context,
    report_type: ReportType,
    definition: Definition,
    now: datetime,
    *,
    details: bool,
    attributes: Json | None,
) -> Json:
    """Run a report and return its results in the shape of the REST API.

    Totals count every row; of detail rows and of groups the first 2,000 are told, and then
    ``allData`` is false.

    :raises OrgError: 400, 403, 501: it cannot be run.
    """
    of = prepare(context, report_type, definition, now)
    reading = _Pass(of, details=details)
    reading.run()
    facts = Facts(
        of.definition,
        Totals([c.name for c in of.aggregated], reading.leaves),
        {c.name: c for c in of.aggregated},
        of.formulas,
    )
    down, across = _grown(reading, facts)
    told = facts.rows(reading.rows, reading.cells, context, reading.names) if details else {}
    complete = _size(down) == _keys(d for d, _ in reading.leaves)
    complete = complete and _size(across) == _keys(a for _, a in reading.leaves)
    days = shown_days(of.definition.date_filter, context.calendar)
    return {
        "attributes": attributes,
        "allData": complete and facts.complete,
        "factMap": facts.fact_map(told, details=details),
        "groupingsAcross": {"groupings": groupings_json(across, reading.across)},
        "groupingsDown": {"groupings": groupings_json(down, reading.down)},
        "hasDetailRows": details,
        "reportExtendedMetadata": extended_metadata(of.definition, of.catalogue),
        "reportMetadata": to_json(of.definition, report_type.label, days),
    }


def _grown(reading: _Pass, facts: Facts) -> tuple[Group, Group]:
    """Return row groups and column groups in order, and let the facts know them."""
    rows, columns = (d for d, _ in reading.leaves), (a for _, a in reading.leaves)
    down = tree(reading.down, rows, lambda path: facts.sort_value((path, ())), MOST_ROWS)
    across = tree(reading.across, columns, lambda path: facts.sort_value(((), path)), MOST_ROWS)
    facts.grown(down, across)
    return down, across


def _size(group: Group) -> int:
    return sum(1 for _ in group.walk()) - 1


def _keys(paths: Any) -> int:
    """Return how many groups these paths and all above them are."""
    return len({path[:n] for path in set(paths) for n in range(1, len(path) + 1)})
