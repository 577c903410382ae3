"""What a report type offers: columns by section, scopes, time frames, conditions.

Source: REST Analytics API, "Report Type", "Get a List of Report Types".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from local_org.reports.columns import Column
from local_org.reports.definition import DateFilter, Definition
from local_org.reports.durations import duration_groups
from local_org.reports.extended import filter_values
from local_org.reports.granularity import GRANULARITIES
from local_org.reports.operators import filter_operators
from local_org.reports.report_types import ColumnSpec, ReportType
from local_org.reports.source import Context, Source

Json = dict[str, Any]
_DEFAULT_COLUMNS = 6


def type_list(types: Iterable[ReportType], version: str) -> list[Json]:
    """Return the report types by category."""
    categories: dict[str, list[Json]] = {}
    for each in types:
        url = f"/services/data/v{version}/analytics/reportTypes/{each.name}"
        entry = {"describeUrl": url, "label": each.label, "type": each.name}
        categories.setdefault(each.category, []).append(entry)
    return [{"label": label, "reportTypes": members} for label, members in categories.items()]


def type_metadata(context: Context, of: ReportType) -> Json:
    """Return ``reportTypeMetadata``: what is there for this user.

    :raises OrgError: 403: the user may not read one of its objects.
    """
    source = Source(context, of)
    return {
        "categories": [
            {"columns": columns, "label": label} for label, columns in _categories(source)
        ],
        "dataTypeFilterOperatorMap": filter_operators(),
        "dateGranularityInfos": [
            {"label": label, "value": value} for value, label in GRANULARITIES.items()
        ],
        "divisionInfo": None,
        "objects": _objects(source),
        "scopeInfo": {
            "defaultValue": of.scopes[0][0],
            "values": [
                {"allowsDivision": False, "label": label, "value": value}
                for value, label in of.scopes
            ],
        },
        "standardDateFilterDurationGroups": duration_groups(context.calendar),
        "standardFilterInfos": {},
        "supportsJoinedFormat": not of.custom,
    }


def _categories(source: Source) -> Iterator[tuple[str, Json]]:
    sections = [(section.label, list(section.columns)) for section in source.type.sections]
    if not source.type.custom and sections:
        sections[0][1].extend(_custom_fields(source))
    for label, specs in sections:
        columns = {spec.name: column for spec in specs if (column := source.column(spec))}
        yield label, {name: _column(column) for name, column in columns.items()}


def _custom_fields(source: Source) -> Iterator[ColumnSpec]:
    """Columns of a standard type that nobody listed: the custom fields of its object."""
    entity = source.root.entity
    for field in entity.fields.values() if entity else ():
        if field.custom:
            yield ColumnSpec(f"{source.type.custom_prefix}.{field.name}", field.name)


def _column(column: Column) -> Json:
    custom = column.field is not None and column.field.custom
    text = not (column.numeric or column.data_type in ("date", "datetime", "boolean"))
    length = column.field.length if column.field and text and not column.lookup else 0
    return {
        "allowedInCustomDetailFormula": True,
        "bucketable": column.data_type not in ("date", "datetime", "boolean"),
        "dataType": column.data_type,
        "entityColumnName": column.entity_column or column.name,
        "fieldToFieldFilterable": True,
        "filterValues": filter_values(column),
        "filterable": True,
        "inactiveFilterValues": [],
        "isCustom": custom,
        "isLookup": column.lookup,
        "label": column.label,
        "maxLength": length or None,
        "uniqueCountable": True,
    }


def _objects(source: Source) -> list[Json]:
    of, schema = source.type, source.context.schema
    found: list[Json] = [
        {"apiName": name, "label": schema.object(name).label} for name in of.objects
    ]
    if of.custom:
        found[0]["joinType"] = "ROOT"
        for join in of.joins:
            entity = source.table_object(join.table)
            kind = "OUTER" if join.outer else "INNER"
            found.append({"apiName": entity.name, "joinType": kind, "label": entity.label})
    return found


def default_report(of: ReportType) -> Definition:
    """Return the report that a report type begins with: a table of its first columns."""
    names = [spec.name for section in of.sections for spec in section.columns]
    dated = next((name for name in names if name.rpartition("$")[2] in _CREATED), None)
    return Definition(
        of.name,
        name=of.label,
        scope=of.scopes[0][0],
        columns=tuple(names[:_DEFAULT_COLUMNS]),
        date_filter=DateFilter(dated) if dated else None,
    )


_CREATED = ("CREATED_DATE", "CreatedDate")
