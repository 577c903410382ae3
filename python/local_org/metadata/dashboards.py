"""Dashboards: checked at their deploy, and read from their XML when they run.

Source: Metadata API Developer Guide, "Dashboard"; facts/metadata.md 2.2, 5 and rule R11 of 7.3; the
wordings are inferred from those of other fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from lxml import etree

from local_org.metadata.markup import XmlFile, child, children, flag, tag, text, texts
from local_org.metadata.report_definitions import aggregate_name, definition
from local_org.metadata.work import Work, at_most, require
from local_org.reports.dashboards import (
    Component,
    Dashboard,
    DashboardFilter,
    FilterOption,
    TableColumn,
)
from local_org.reports.definition import ROW_COUNT, Definition
from local_org.reports.summary_formulas import SummaryColumn

IDS = "$dashboard"
"""Kind of the documents that keep the ids of a dashboard's components and filters."""
_MOST_COMPONENTS = 20
_MOST_FILTERS = 3
_GROUP_BY = (
    ("Stacked100", "stacked100"),
    ("Stacked", "stacked"),
    ("GroupedCumulative", "groupedCumulative"),
    ("Grouped", "grouped"),
    ("Cumulative", "cumulative"),
)
_SORTS = {
    "RowLabelAscending": ("label", "asc"),
    "RowLabelDescending": ("label", "desc"),
    "RowValueAscending": ("value", "asc"),
    "RowValueDescending": ("value", "desc"),
}
_SECTIONS = ("leftSection", "middleSection", "rightSection")


# -- deploy ---------------------------------------------------------------------------------------


def check_dashboard(work: Work, element: etree._Element) -> None:
    """Refuse what an org refuses: reports that are not there, columns that the report lacks.

    :raises Problem: the first thing that is wrong.
    """
    at_most(child(element, "title"), 80, "Title")
    components = list(_elements(element))
    require(
        len(components) <= _MOST_COMPONENTS,
        f"A dashboard has at most {_MOST_COMPONENTS} components",
        element,
    )
    filters = list(children(element, "dashboardFilters"))
    message = f"A dashboard has at most {_MOST_FILTERS} filters"
    require(len(filters) <= _MOST_FILTERS, message, element)
    for component in components:
        for name, most in (("header", 80), ("title", 40), ("footer", 255)):
            at_most(child(component, name), most, name.capitalize())
        _check_report(work, component)


def _check_report(work: Work, component: etree._Element) -> None:
    place = child(component, "report")
    if place is None:
        return
    name = (place.text or "").strip()
    body = work.xml("Report", name)
    known = body is not None or "/" not in name
    require(known, f"In field: report - no Report named {name} found", place)
    if body is None:
        return
    report = definition(body)
    groupings = {g.name for g in report.groupings}
    for grouping in children(component, "groupingColumn"):
        column = (grouping.text or "").strip()
        known = column in groupings
        require(known, f"groupingColumn: Invalid value specified: {column}", grouping)
    for summary in children(component, "chartSummary"):
        column = text(summary, "column") or ""
        known = column in _summarised(report)
        require(known, f"chartSummary-column: Invalid value specified: {column}", summary)


def _summarised(report: Definition) -> set[str]:
    """Columns that a component can summarise: the report's own, its formulas, the record count."""
    of_formulas = {c for f in report.formulas for c in SummaryColumn(f).columns}
    totals = {a.partition("!")[2] or a for a in report.aggregates}
    return {*report.columns, *totals, *of_formulas, ROW_COUNT}


def keep_ids(work: Work, full_name: str, element: etree._Element) -> None:
    """Give components, filters and options ids that stay as long as the dashboard does."""
    old = work.store.document(IDS, full_name)
    known: dict[str, list[str]] = orjson.loads(old.body) if old else {}
    filters = list(children(element, "dashboardFilters"))
    options = sum(len(list(children(f, "dashboardFilterOptions"))) for f in filters)
    wanted = {"01a": sum(1 for _ in _elements(element)), "0IB": len(filters), "0IC": options}
    ids = {}
    for prefix, count in wanted.items():
        have = known.get(prefix, [])[:count]
        ids[prefix] = have + [work.store.next_id(prefix) for _ in range(count - len(have))]
    work.store.put_document(IDS, full_name, orjson.dumps(ids))


# -- reading --------------------------------------------------------------------------------------


def dashboard_of(body: bytes, ids: bytes | None, row: dict[str, Any]) -> Dashboard:
    """Return a dashboard from its XML; ``row`` is its record, ``ids`` what ``keep_ids`` kept."""
    element = XmlFile(body).root
    known: dict[str, list[str]] = orjson.loads(ids) if ids else {}
    component_ids = iter(known.get("01a", []))
    components = tuple(_component(e, next(component_ids, "")) for e in _elements(element))
    filter_ids, option_ids = iter(known.get("0IB", [])), iter(known.get("0IC", []))
    filters = tuple(
        DashboardFilter(
            next(filter_ids, ""),
            text(e, "name") or "",
            tuple(_option(o, next(option_ids, "")) for o in children(e, "dashboardFilterOptions")),
        )
        for e in children(element, "dashboardFilters")
    )
    return Dashboard(
        row["Id"],
        row["Title"],
        row["DeveloperName"],
        row["FolderId"],
        row["Description"],
        row["Type"],
        components,
        filters,
        _layout(element),
        text(element, "dashboardChartTheme") or text(element, "chartTheme") or "light",
        text(element, "dashboardColorPalette") or text(element, "colorPalette") or "unity",
    )


def running_user(element: etree._Element) -> str | None:
    """Return the username that a dashboard runs as, where its XML names one."""
    return text(element, "runningUser") or None


def _elements(element: etree._Element) -> Iterator[etree._Element]:
    """Every component, in the order of the file: of the grid, or of the three columns."""
    grid = child(element, "dashboardGridLayout")
    for cell in children(grid, "dashboardGridComponents") if grid is not None else ():
        yield from children(cell, "dashboardComponent")
    for section in children(element):
        if tag(section) in _SECTIONS:
            yield from children(section, "components")


def _layout(element: etree._Element) -> dict[str, Any]:
    grid = child(element, "dashboardGridLayout")
    if grid is not None:
        cells = [
            {
                "colspan": int(text(e, "colSpan") or 1),
                "column": int(text(e, "columnIndex") or 0),
                "row": int(text(e, "rowIndex") or 0),
                "rowspan": int(text(e, "rowSpan") or 1),
            }
            for e in children(grid, "dashboardGridComponents")
        ]
        columns, height = text(grid, "numberOfColumns"), text(grid, "rowHeight")
        return {
            "components": cells,
            "gridLayout": True,
            "numColumns": int(columns or 12),
            "rowHeight": int(height or 36),
        }
    found, number = [], 0
    for section in children(element):
        if tag(section) in _SECTIONS:
            count = len(list(children(section, "components")))
            found.append({"components": list(range(number, number + count))})
            number += count
    return {"columns": found, "gridLayout": False}


def _option(element: etree._Element, option_id: str) -> FilterOption:
    operator = text(element, "operator") or "equals"
    return FilterOption(
        option_id, operator, tuple(texts(element, "values")), text(element, "alias")
    )


def _component(element: etree._Element, component_id: str) -> Component:
    kind, group_by = _kind(text(element, "componentType") or "")
    summaries = list(children(element, "chartSummary"))
    aggregates = tuple(
        aggregate_name(text(s, "aggregate"), text(s, "column") or "") for s in summaries
    )
    table = tuple(_table_columns(element))
    aggregates = aggregates or tuple(c.name for c in table if c.kind == "aggregate")
    groupings = tuple(texts(element, "groupingColumn"))
    groupings = groupings or tuple(c.name for c in table if c.kind == "grouping")
    most = text(element, "maxValuesDisplayed")
    return Component(
        component_id,
        text(element, "report"),
        kind,
        group_by,
        text(element, "header") or None,
        text(element, "title") or None,
        text(element, "footer") or None,
        tuple(dict.fromkeys(aggregates)),
        groupings,
        table,
        tuple(text(c, "column") or "" for c in children(element, "dashboardFilterColumns")),
        flag(element, "autoselectColumnsFromReport"),
        flag(element, "useReportChart"),
        int(most) if most else None,
        _SORTS.get(text(element, "sortBy") or ""),
        _breaks(element),
        _look(element, kind),
    )


def _kind(component_type: str) -> tuple[str, str]:
    """``ColumnStacked100`` → ``Column``, ``stacked100``."""
    for suffix, group_by in _GROUP_BY:
        if component_type.endswith(suffix):
            return component_type.removesuffix(suffix), group_by
    return component_type, "none"


def _table_columns(element: etree._Element) -> Iterator[TableColumn]:
    flex = child(element, "flexComponentProperties")
    for column in children(flex, "flexTableColumn") if flex is not None else ():
        name = text(column, "reportColumn") or ""
        kind = text(column, "type") or "detail"
        function = text(column, "aggregateType")
        shown = aggregate_name(function, name) if kind == "aggregate" else name
        yield TableColumn(shown, kind, flag(column, "showTotal"))
    for column in children(element, "dashboardTableColumn"):
        name = text(column, "column") or ""
        function = text(column, "aggregateType")
        kind = "aggregate" if function or name == ROW_COUNT else "detail"
        yield TableColumn(aggregate_name(function, name), kind, flag(column, "showTotal"))


def _breaks(element: etree._Element) -> tuple[tuple[str | None, float | None, float | None], ...]:
    """Return the three coloured ranges of metrics, gauges and tables."""
    points = [_number(element, f"indicatorBreakpoint{n}") for n in (1, 2)]
    if points == [None, None]:
        return ()
    bounds = [_number(element, "gaugeMin"), *points, _number(element, "gaugeMax")]
    colours = [
        (text(element, f"indicator{name}Color") or "").lstrip("#") or None
        for name in ("Low", "Middle", "High")
    ]
    return tuple((c, bounds[n], bounds[n + 1]) for n, c in enumerate(colours))


def _number(element: etree._Element, name: str) -> float | None:
    found = text(element, name)
    return float(found) if found else None


def _look(element: etree._Element, kind: str) -> dict[str, Any]:
    look: dict[str, Any] = {"displayUnits": (text(element, "displayUnits") or "auto").lower()}
    if text(element, "decimalPrecision"):
        look["decimalPrecision"] = int(text(element, "decimalPrecision") or 0)
    if text(element, "legendPosition"):
        look["legendPosition"] = text(element, "legendPosition")
    if kind == "Metric":
        look["metricLabel"] = text(element, "metricLabel") or None
    look["showValues"] = flag(element, "showValues")
    return look
