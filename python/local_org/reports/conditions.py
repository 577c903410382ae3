"""Which rows a report counts: scope, time frame, criteria and cross filters."""

from __future__ import annotations

from datetime import date, timedelta

from local_org.errors import OrgError
from local_org.reports.catalogue import Catalogue
from local_org.reports.columns import TIMES
from local_org.reports.definition import CrossFilter, DateFilter, Definition
from local_org.reports.durations import CUSTOM, days_of, last_day
from local_org.reports.errors import bad_filter_column, bad_request
from local_org.reports.filters import TRUE, Sql, criterion, joined, where
from local_org.reports.report_types import ColumnSpec, ReportType
from local_org.reports.source import Source
from local_org.reports.values import iso_day, stored
from local_org.schema.model import FieldType, SObject
from local_org.soql.dates import Calendar, Span

_MY_TEAM = (
    'WITH RECURSIVE below(id) AS (SELECT "UserRoleId" FROM "User" WHERE "Id" = ? '
    'UNION SELECT r."Id" FROM "UserRole" r JOIN below b ON r."ParentRoleId" = b.id) '
    'SELECT u."Id" FROM "User" u WHERE u."Id" = ? OR u."UserRoleId" IN '
    "(SELECT id FROM below WHERE id IS NOT NULL AND id IS NOT "
    '(SELECT "UserRoleId" FROM "User" WHERE "Id" = ?))'
)
_ALL = frozenset({"org", "organization", "scopingRule"})
_ACTIVITIES = ("Task", "Event")


def conditions(catalogue: Catalogue, of: Definition) -> list[Sql]:
    """Return every condition of a report.

    :raises OrgError: 400: one of them is invalid, or filters by what the running user may not see.
    """
    source = catalogue.source
    calendar = source.context.calendar
    return [
        _scope(source, of.scope),
        _time_frame(catalogue, of.date_filter, calendar),
        where(of.filters, of.boolean_filter, catalogue.filterable, calendar),
        *(_cross(source, each) for each in of.cross_filters),
    ]


# -- scope ----------------------------------------------------------------------------------------


def _scope(source: Source, name: str | None) -> Sql:
    """Return whose records count: all, mine, my team's (by role), queues', users'."""
    if name is None or name in _ALL:
        return TRUE
    if name not in {value for value, _ in source.type.scopes}:
        raise bad_request(f"The scope {name} is invalid.")
    owner, me = source.owner_sql, source.context.user["Id"]
    if owner is None:
        return TRUE
    if name == "user":
        return Sql(f"{owner} = ?", (me,))
    if name == "team":
        return Sql(f"{owner} IN ({_MY_TEAM})", (me, me, me))
    prefix = {"queue": "00G", "allusers": "005"}[name]
    return Sql(f"substr({owner}, 1, 3) = ?", (prefix,))


# -- time frame -----------------------------------------------------------------------------------


def days_of_frame(each: DateFilter, calendar: Calendar) -> tuple[date | None, date | None]:
    """Return first and last day of a time frame; None where it is open.

    :raises OrgError: 400: unknown duration, or a day that is none.
    """
    if each.duration != CUSTOM:
        days = days_of(each.duration, calendar)
        if days is None:
            raise bad_request(
                f"The duration {each.duration} specified for the standard date filter is invalid."
            )
        return days.start, last_day(days)
    ends = []
    for text, word in ((each.start, "start"), (each.end, "end")):
        day = None if text is None else iso_day(text)
        if text is not None and day is None:
            raise bad_request(
                f"The specified {word} date of {each.column} specified for the standard date filter "
                "is invalid."
            )
        ends.append(day)
    return ends[0], ends[1]


def shown_days(each: DateFilter | None, calendar: Calendar) -> tuple[str | None, str | None]:
    """Return first and last day of a time frame as text, for its metadata."""
    first, last = days_of_frame(each, calendar) if each else (None, None)
    return first.isoformat() if first else None, last.isoformat() if last else None


def _time_frame(catalogue: Catalogue, each: DateFilter | None, calendar: Calendar) -> Sql:
    if each is None:
        return TRUE
    first, last = days_of_frame(each, calendar)
    if first is None and last is None:
        return TRUE
    column = catalogue.find(each.column)
    if column is None:
        raise bad_request(
            f"The column {each.column} specified for the standard date filter is invalid."
        )
    if column.kind not in TIMES:
        raise bad_request(
            f"The column {each.column} cannot be a standard date filter because it is not a date "
            "column."
        )
    pieces = []
    if first is not None:
        span = stored(Span(first, first), column.kind, calendar)
        pieces.append(Sql(f"{column.sql} >= ?", (*column.params, span.start)))
    if last is not None:
        end = last + timedelta(days=1)
        span = stored(Span(end, end), column.kind, calendar)
        pieces.append(Sql(f"{column.sql} < ?", (*column.params, span.start)))
    return joined("AND", pieces)


# -- cross filters --------------------------------------------------------------------------------


def _cross(source: Source, each: CrossFilter) -> Sql:
    """Return whether the record has a related one; tasks and events together are Activity."""
    found = []
    lacking: OrgError | None = None
    for name in _ACTIVITIES if each.related == "Activity" else (each.related,):
        try:
            found.append(_related(source, each, name))
        except OrgError as error:  # a field of tasks alone: no event meets the criterion
            lacking = error
    if not found:
        raise lacking or bad_filter_column(each.related)
    any_of = joined("OR", found)
    return any_of if each.included else Sql(f"NOT ({any_of.text})", any_of.params)


def _related(source: Source, each: CrossFilter, name: str) -> Sql:
    """Return whether the record is among those that a record of this object points at."""
    context = source.context
    entity = context.schema.get(name)
    root = source.root.entity
    if entity is None or root is None or not context.access.readable(entity.name):
        raise bad_filter_column(each.related)
    key = _join_field(entity, each.join_field, root)
    if key is None or not context.access.field_readable(entity.name, key):
        raise bad_filter_column(each.join_field)
    inner = Source(context, related_type(entity.name))
    criteria = []
    for item in each.criteria:
        column = inner.column(ColumnSpec(item.column, item.column))
        if column is None:
            raise bad_filter_column(item.column)
        criteria.append(criterion(column, item, context.calendar))
    met = joined("AND", [inner.present(), *criteria])
    own = f'{inner.root.alias}."{key}"'
    pointed = f"SELECT {own} FROM {inner.from_sql()} WHERE {own} IS NOT NULL AND {met.text}"
    return Sql(f'{source.root.alias}."Id" IN ({pointed})', met.params)


def related_type(name: str) -> ReportType:
    """Return an object as a report type without columns of its own."""
    return ReportType(name, "", name, (name,), (), ())


def _join_field(entity: SObject, name: str, root: SObject) -> str | None:
    """Return the lookup that joins: by its name, by its relationship's, or the only one there is."""
    field = entity.get(name) or entity.by_relationship(name) or entity.get(f"{name}Id")
    if field is not None and field.type is FieldType.REFERENCE and root.name in field.reference_to:
        return field.name
    if name.upper().removesuffix("_ID") == root.name.upper():
        links = [f for f in entity.fields.values() if root.name in f.reference_to]
        return links[0].name if len(links) == 1 else None
    return None
