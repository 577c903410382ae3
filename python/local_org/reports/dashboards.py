"""Dashboards as data, in the shapes of the REST API, and each component's cut of its report.

Source: REST Analytics API, "Get Dashboard Metadata", "Get Dashboard Results"; what the samples do
not show (flex tables, display units) is inferred.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from local_org.reports.definition import Definition, Filter, Grouping
from local_org.reports.errors import bad_request

Json = dict[str, Any]
_PIES = frozenset({"Pie", "Donut", "Funnel"})
_TABLES = frozenset({"Table", "FlexTable"})


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column of a table: a grouping, an aggregate, or a detail of the report."""

    name: str
    kind: str
    total: bool = False


@dataclass(frozen=True, slots=True)
class Component:
    """One component over a report; ``report`` is its full name, such as ``Folder/Name``."""

    id: str
    report: str | None
    visualization: str
    group_by: str = "none"
    header: str | None = None
    title: str | None = None
    footer: str | None = None
    aggregates: tuple[str, ...] = ()
    groupings: tuple[str, ...] = ()
    table: tuple[TableColumn, ...] = ()
    filter_columns: tuple[str, ...] = ()
    auto_columns: bool = False
    use_report_chart: bool = False
    max_rows: int | None = None
    sort: tuple[str, str] | None = None
    """``label`` or ``value``, and ``asc`` or ``desc``."""
    breaks: tuple[tuple[str | None, float | None, float | None], ...] = ()
    """Colour, lower and upper bound."""
    look: Mapping[str, Any] = field(default_factory=dict)
    """Visualization properties that need no reading: legend, units, labels."""
    cell: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Column, row, column span and row span in the grid."""


@dataclass(frozen=True, slots=True)
class FilterOption:
    """One choice of a dashboard filter."""

    id: str
    operator: str
    values: tuple[str, ...]
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class DashboardFilter:
    """One filter; its choices apply to each component by the component's own column."""

    id: str
    name: str
    options: tuple[FilterOption, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A whole dashboard."""

    id: str
    name: str
    developer_name: str
    folder_id: str | None
    description: str | None
    kind: str
    components: tuple[Component, ...]
    filters: tuple[DashboardFilter, ...]
    layout: Mapping[str, Any]
    theme: str = "light"
    palette: str = "unity"


# -- results --------------------------------------------------------------------------------------


def cut(report: Definition, component: Component, extra: Sequence[Filter]) -> Definition:
    """Return the report as a component shows it: its aggregates and groupings, and no more.

    Details are there only for tables with detail columns.
    """
    known = {g.name: g for g in report.groupings}
    groupings = tuple(known.get(name, Grouping(name)) for name in component.groupings)
    detail = tuple(c.name for c in component.table if c.kind == "detail")
    if component.visualization in _TABLES and not component.table and not report.groupings:
        detail = report.columns
    made = replace(
        report,
        aggregates=component.aggregates or report.aggregates,
        columns=detail,
        details=bool(detail),
        filters=report.filters + tuple(extra),
        boolean_filter=_logic(report, len(extra)),
    )
    if groupings:
        made = replace(made, down=groupings, across=())
    if component.sort is not None and made.down:
        made = replace(made, down=(_sorted(made.down[0], made, component.sort), *made.down[1:]))
    if made.sort_by and made.sort_by[0] not in made.columns and made.row_limit is None:
        made = replace(made, sort_by=None)
    return made


def _sorted(first: Grouping, of: Definition, sort: tuple[str, str]) -> Grouping:
    by_value = sort[0] == "value" and of.aggregates
    order = "Desc" if sort[1] == "desc" else "Asc"
    return replace(first, sort_order=order, sort_aggregate=of.aggregates[0] if by_value else None)


def _logic(report: Definition, extra: int) -> str | None:
    """Return the report's own logic with the dashboard's filters ANDed to it."""
    if not report.boolean_filter or not extra:
        return report.boolean_filter
    first = len(report.filters) + 1
    added = " AND ".join(str(n) for n in range(first, first + extra))
    return f"({report.boolean_filter}) AND {added}"


def chosen(
    dashboard: Dashboard, component: Component, selected: Sequence[str | None]
) -> list[Filter]:
    """Return the criteria that the selected filter options mean for one component.

    :raises OrgError: 400: an option is none of its filter's; the wording is inferred.
    """
    found: list[Filter] = []
    for n, option_id in enumerate(selected):
        if option_id is None:
            continue
        option = _option(dashboard, n, option_id)
        column = component.filter_columns[n] if n < len(component.filter_columns) else ""
        if column and option.operator == "between":
            low, high = (*option.values, "", "")[:2]
            found += [Filter(column, "greaterOrEqual", low), Filter(column, "lessOrEqual", high)]
        elif column:
            found.append(Filter(column, option.operator, ",".join(option.values)))
    return found


def _option(dashboard: Dashboard, n: int, option_id: str) -> FilterOption:
    options = dashboard.filters[n].options if n < len(dashboard.filters) else ()
    for option in options:
        if option.id[:15] == option_id[:15]:
            return option
    raise bad_request(f"The filter option {option_id} is invalid.")


# -- metadata -------------------------------------------------------------------------------------


def dashboard_metadata(
    of: Dashboard,
    report_ids: Mapping[str, str],
    running_user: tuple[str, str],
    status_url: str,
    selected: Sequence[str | None] = (),
) -> Json:
    """Return ``dashboardMetadata``; ``running_user`` is id and name."""
    return {
        "attributes": {
            "dashboardId": of.id,
            "dashboardName": of.name,
            "statusUrl": status_url,
            "type": "Dashboard",
        },
        "canChangeRunningUser": of.kind == "MyTeamUser",
        "canUseStickyFilter": False,
        "chartTheme": of.theme,
        "colorPalette": of.palette,
        "components": [
            _component(n, each, report_ids.get(each.report or ""))
            for n, each in enumerate(of.components)
        ],
        "dashboardType": of.kind,
        "description": of.description,
        "developerName": of.developer_name,
        "filters": [_filter(each, selected, n) for n, each in enumerate(of.filters)],
        "folderId": of.folder_id,
        "id": of.id,
        "layout": dict(of.layout),
        "maxFilterOptions": 50,
        "name": of.name,
        "runningUser": {"displayName": running_user[1], "id": running_user[0]},
    }


def _filter(each: DashboardFilter, selected: Sequence[str | None], n: int) -> Json:
    return {
        "errorMessage": None,
        "id": each.id,
        "name": each.name,
        "options": [
            {
                "alias": o.alias,
                "endValue": o.values[1] if o.operator == "between" and len(o.values) > 1 else None,
                "id": o.id,
                "operation": o.operator,
                "startValue": o.values[0] if o.operator == "between" and o.values else None,
                "value": None if o.operator == "between" else ",".join(o.values),
            }
            for o in each.options
        ],
        "selectedOption": selected[n] if n < len(selected) else None,
    }


def _component(number: int, of: Component, report_id: str | None) -> Json:
    sort = None
    if of.sort is not None and (of.groupings or of.aggregates):
        column = of.groupings[0] if of.sort[0] == "label" and of.groupings else of.aggregates[0]
        sort = {"column": column, "sortOrder": of.sort[1]}
    return {
        "componentData": number,
        "footer": of.footer,
        "header": of.header,
        "id": of.id,
        "properties": {
            "aggregates": [{"name": name} for name in of.aggregates],
            "autoSelectColumns": of.auto_columns,
            "filterColumns": [{"label": c, "name": c} for c in of.filter_columns],
            "groupings": [_grouping(name) for name in of.groupings] or None,
            "maxRows": of.max_rows,
            "sort": sort,
            "useReportChart": of.use_report_chart,
            "visualizationProperties": _visualization(of),
            "visualizationType": of.visualization,
        },
        "reportId": report_id,
        "title": of.title,
        "type": "Report" if of.report else of.visualization,
    }


def _grouping(name: str) -> Json:
    return {"inheritedReportSort": None, "name": name, "sortAggregate": None, "sortOrder": None}


def _visualization(of: Component) -> Json:
    if of.visualization in _TABLES:
        shown: Json = {"breakPoints": _break_points(of), "tableColumns": _table(of)}
    elif of.visualization == "Metric":
        shown = {"breakPoints": _break_points(of), "metricLabel": None}
    elif of.visualization == "Gauge":
        shown = {"breakPoints": _break_points(of), "showPercentages": False, "showTotal": False}
    elif of.visualization in _PIES:
        shown = {"combineSmallGroups": True, "legendPosition": None, "showPercentages": False}
    else:
        axis = {"max": None, "min": None, "rangeType": "auto"}
        shown = {"axisRange": axis, "groupByType": of.group_by, "legendPosition": None}
    return shown | {"showValues": False} | dict(of.look)


def _break_points(of: Component) -> list[Json]:
    breaks = [
        {"color": colour, "lowerBound": low, "upperBound": high} for colour, low, high in of.breaks
    ]
    return (
        [{"aggregateName": of.aggregates[0], "breaks": breaks}] if breaks and of.aggregates else []
    )


def _table(of: Component) -> list[Json]:
    return [
        {
            "column": c.name,
            "isPercent": False,
            "scale": None,
            "showSubTotal": False,
            "showTotal": c.total,
            "type": c.kind,
        }
        for c in of.table
    ]
