"""A report as data: what the metadata XML and ``reportMetadata`` of the REST API both say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Format = Literal["TABULAR", "SUMMARY", "MATRIX", "MULTI_BLOCK"]
ROW_COUNT = "RowCount"
MOST_PLACES = 18
"""Decimal places of a formula."""
AGGREGATE_PREFIXES = {
    "s": "Sum",
    "a": "Average",
    "m": "Minimum",
    "x": "Maximum",
    "u": "Unique",
    "med": "Median",
}
"""``s!AMOUNT`` is the sum of AMOUNT. The prefix of Median is inferred, the others are documented."""
PREFIX_OF = {function: prefix for prefix, function in AGGREGATE_PREFIXES.items()}


@dataclass(frozen=True, slots=True)
class Grouping:
    """One level of row or column groups."""

    name: str
    granularity: str = "None"
    sort_order: str = "Asc"
    sort_aggregate: str | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """One criterion; ``to_field`` compares with the column named by ``value``."""

    column: str
    operator: str
    value: str = ""
    to_field: bool = False
    editable: bool = True


@dataclass(frozen=True, slots=True)
class CrossFilter:
    """Only records with (or without) a related record that meets the criteria."""

    primary: str
    related: str
    join_field: str
    included: bool
    criteria: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class DateFilter:
    """The standard date filter; ``duration`` is CUSTOM or date literals joined by commas."""

    column: str
    duration: str = "CUSTOM"
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True)
class BucketValue:
    """One bucket: values up to and with ``upper`` (None: the rest), or the values listed."""

    label: str
    values: tuple[str, ...] = ()
    upper: float | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """A column that sorts the values of another into named buckets."""

    name: str
    label: str
    kind: str
    column: str
    null_as_zero: bool
    other_label: str | None
    values: tuple[BucketValue, ...]


@dataclass(frozen=True, slots=True)
class SummaryFormula:
    """A custom summary formula, and the levels of groups it is shown at (None: all)."""

    name: str
    label: str
    kind: str
    formula: str
    scale: int = 2
    description: str | None = None
    down: str | None = None
    across: str | None = None


@dataclass(frozen=True, slots=True)
class DetailFormula:
    """A row-level formula, ``CDF1``."""

    name: str
    label: str
    kind: str
    formula: str
    scale: int = 2
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """The chart of a report, as much of it as the REST API tells."""

    kind: str
    groupings: tuple[str, ...]
    summaries: tuple[str, ...]
    axes: tuple[str, ...]
    legend: bool
    values: bool
    title: str | None


@dataclass(frozen=True, slots=True)
class Definition:
    """A whole report. ``columns``, groupings and filters name columns of the report type."""

    report_type: str
    format: Format = "TABULAR"
    name: str = ""
    id: str | None = None
    developer_name: str | None = None
    description: str | None = None
    folder_id: str | None = None
    scope: str | None = None
    columns: tuple[str, ...] = ()
    aggregates: tuple[str, ...] = (ROW_COUNT,)
    down: tuple[Grouping, ...] = ()
    across: tuple[Grouping, ...] = ()
    filters: tuple[Filter, ...] = ()
    boolean_filter: str | None = None
    cross_filters: tuple[CrossFilter, ...] = ()
    date_filter: DateFilter | None = None
    buckets: tuple[Bucket, ...] = ()
    formulas: tuple[SummaryFormula, ...] = ()
    detail_formulas: tuple[DetailFormula, ...] = ()
    sort_by: tuple[str, str] | None = None
    """Column and ``Asc`` or ``Desc``."""
    row_limit: int | None = None
    details: bool = True
    grand_total: bool = True
    subtotals: bool = True
    chart: Chart | None = None
    parameters: tuple[tuple[str, str], ...] = field(default=())
    """Standard filters of the report type by name, such as ``open``."""

    @property
    def groupings(self) -> tuple[Grouping, ...]:
        """Row groups, then column groups."""
        return self.down + self.across


def split_aggregate(name: str) -> tuple[str, str]:
    """Return function and column of an aggregate; formulas and the record count have no column.

    >>> split_aggregate("a!Lead.Score__c"), split_aggregate("RowCount"), split_aggregate("FORMULA1")
    (('Average', 'Lead.Score__c'), ('RowCount', ''), ('', 'FORMULA1'))
    """
    prefix, mark, column = name.partition("!")
    if not mark:
        return (ROW_COUNT, "") if name == ROW_COUNT else ("", name)
    return AGGREGATE_PREFIXES.get(prefix, prefix), column
