"""Whether a definition fits its report type at all, whoever runs it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from local_org.reports.catalogue import Catalogue, is_guess
from local_org.reports.columns import TIMES, Column
from local_org.reports.conditions import days_of_frame
from local_org.reports.definition import ROW_COUNT, Definition, Filter, split_aggregate
from local_org.reports.errors import bad_filter_column, bad_request
from local_org.reports.filters import check_logic, compared, criterion
from local_org.reports.report_types import ReportType
from local_org.reports.source import Context, Source
from local_org.reports.summary_formulas import SummaryColumn
from local_org.schema.formula import FormulaError
from local_org.schema.model import Field, Schema
from local_org.soql.dates import Calendar

_ANY_CALENDAR = Calendar(date(2026, 1, 1), ZoneInfo("UTC"))
_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)


class _Anybody:
    """Somebody from whom nothing is hidden."""

    user_id = ""
    permissions = frozenset({"ViewAllData"})
    custom_permissions: frozenset[str] = frozenset()

    def readable(self, entity: str) -> bool:
        """Whether the object exists: it does."""
        del entity
        return True

    createable = editable = deletable = view_all = reads_every = edits_every = readable

    def field_readable(self, entity: str, field: str) -> bool:
        """Whether the field exists: it does."""
        del entity, field
        return True

    field_editable = field_readable


class _NoRows:
    """A store that is never read: only names and types are looked at."""

    connection = None

    def expression(self, alias: str, entity: str, field: Field) -> str:
        """Return something that stands for the field."""
        del entity
        return f'{alias}."{field.name}"'


class Checker:
    """Answers questions about the columns of one definition over a schema."""

    def __init__(self, schema: Schema, report_type: ReportType, definition: Definition) -> None:
        """Look at the report type's objects.

        :raises OrgError: 403: one of them is not there.
        """
        context = Context(_NoRows(), schema, _Anybody(), _ANY_CALENDAR, {"Id": ""})
        self.type = report_type
        self.definition = definition
        self._catalogue = Catalogue(Source(context, report_type), definition, _ANY_TIME)

    def guess(self, name: str) -> bool:
        """Whether a real org may have this column while we do not know it."""
        known = self.type.spec(name) is not None
        return not known and is_guess(self.type.name, name) and name not in self._own()

    def _own(self) -> set[str]:
        of = self.definition
        return {b.name for b in of.buckets} | {f.name for f in of.detail_formulas}

    def column(self, name: str) -> Column | None:
        """Return the column; None when there is none, or we cannot know it."""
        return None if self.guess(name) else self._catalogue.find(name)

    def exists(self, name: str) -> bool:
        """Whether a report may name this column."""
        return self.guess(name) or self.column(name) is not None

    def check_filter(self, each: Filter) -> None:
        """Refuse a criterion whose condition or value does not fit its column.

        :raises OrgError: 400.
        """
        if not self.exists(each.column):
            raise bad_filter_column(each.column)
        column = self.column(each.column)
        if column is None:
            return
        if not each.to_field:
            criterion(column, each, _ANY_CALENDAR)
            return
        other = self.column(each.value)
        if other is not None:
            compared(column, other, each.operator)
        elif not self.guess(each.value):
            raise bad_filter_column(each.value)

    def check_aggregate(self, name: str) -> None:
        """Refuse a total of something that cannot be summed, and a formula that is not there.

        :raises OrgError: 400; the wording is inferred.
        """
        function, column_name = split_aggregate(name)
        column = self.column(column_name) if "!" in name else None
        formulas = {f.name for f in self.definition.formulas}
        if "!" not in name and name != ROW_COUNT and name not in formulas:
            raise bad_request(f"The aggregate {name} is invalid.")
        if "!" in name and not self.exists(column_name):
            raise bad_request(f"The aggregate {name} is invalid.")
        if column is not None and not column.totalled(function):
            raise bad_request(f"The aggregate {name} is invalid.")

    def check_formulas(self) -> None:
        """Compile the summary formulas and look for their columns.

        :raises FormulaError: one of them does not compile, or names no column.
        """
        for formula in self.definition.formulas:
            for function, name in SummaryColumn(formula).totals:
                column = self.column(name)
                fits = column is None or column.totalled(function)
                if not self.exists(name) or not fits:
                    raise FormulaError(f"Invalid value specified: {name}")


def check(schema: Schema, report_type: ReportType, of: Definition) -> None:
    """Refuse a definition that nobody could run; what is only hidden from some is let pass.

    :raises OrgError: 400: the first thing that is wrong.
    """
    checker = Checker(schema, report_type, of)
    for name in [*of.columns, *(g.name for g in of.groupings)]:
        if not checker.exists(name):
            raise bad_request(f"The column {name} is invalid.")
    _check_shape(of)
    for name in of.aggregates:
        checker.check_aggregate(name)
    for grouping in of.groupings:
        if grouping.sort_aggregate not in (None, *of.aggregates):
            raise bad_request(f"The aggregate {grouping.sort_aggregate} is invalid.")
    for each in of.filters:
        checker.check_filter(each)
    check_logic(of.boolean_filter, len(of.filters))
    _check_date_filter(checker, of)
    _check_sort(checker, of)
    try:
        checker.check_formulas()
    except FormulaError as error:
        raise bad_request(error.message) from None


def _check_shape(of: Definition) -> None:
    """Check groupings against the format: no table groups, a summary by 3 levels, a matrix by 2.

    Source of the first wording: third-party; of the others: inferred.
    """
    for grouping in of.groupings:
        if grouping.name in of.columns:
            raise bad_request(
                f"You can't include groupings in the selected columns list: {grouping.name}"
            )
    most = {"TABULAR": (0, 0), "SUMMARY": (3, 0), "MATRIX": (2, 2)}.get(of.format, (3, 3))
    if len(of.down) > most[0] or len(of.across) > most[1]:
        raise bad_request(
            f"A {of.format} report has at most {most[0]} row and {most[1]} column groupings."
        )


def _check_date_filter(checker: Checker, of: Definition) -> None:
    each = of.date_filter
    if each is None:
        return
    days_of_frame(each, _ANY_CALENDAR)
    column = checker.column(each.column)
    if column is None and not checker.guess(each.column):
        raise bad_request(
            f"The column {each.column} specified for the standard date filter is invalid."
        )
    if column is not None and column.kind not in TIMES:
        raise bad_request(
            f"The column {each.column} cannot be a standard date filter because it is not a date "
            "column."
        )


def _check_sort(checker: Checker, of: Definition) -> None:
    if of.sort_by is None:
        return
    if of.format == "MATRIX":
        raise bad_request("Column sorting isn’t supported for matrix reports.")
    if of.sort_by[0] not in of.columns or not checker.exists(of.sort_by[0]):
        raise bad_request("The sort column name must be from a selected column.")
