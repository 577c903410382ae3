"""The metadata XML of reports and report types as the definitions that run.

Source: Metadata API Developer Guide, "Report" and "ReportType"; facts/metadata.md 2.7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import inf

from lxml import etree

from local_org.metadata.markup import child, children, flag, text, texts
from local_org.reports.definition import (
    MOST_PLACES,
    PREFIX_OF,
    ROW_COUNT,
    Bucket,
    BucketValue,
    Chart,
    CrossFilter,
    DateFilter,
    Definition,
    DetailFormula,
    Filter,
    Format,
    Grouping,
    SummaryFormula,
)
from local_org.reports.durations import DURATION_OF
from local_org.reports.report_types import (
    CUSTOM_SCOPES,
    ColumnSpec,
    Join,
    ReportType,
    Section,
    standard_types,
)

_FORMATS: dict[str, Format] = {
    "Tabular": "TABULAR",
    "Summary": "SUMMARY",
    "Matrix": "MATRIX",
    "MultiBlock": "MULTI_BLOCK",
}
_NO_TOTAL = ("Noop", "None")


def definition(element: etree._Element) -> Definition:
    """Return what a report's XML says; who it is, and where it stands, is for its row to tell."""
    formulas = tuple(_summary_formula(e) for e in children(element, "aggregates"))
    inactive = {
        text(e, "developerName")
        for e in children(element, "aggregates")
        if not flag(e, "isActive", default=True)
    }
    report_type = text(element, "reportType") or ""
    standard = standard_types().get(report_type)
    sort_column = text(element, "sortColumn")
    limit = text(element, "rowLimit")
    return Definition(
        report_type,
        _FORMATS[text(element, "format") or "Tabular"],
        text(element, "name") or "",
        description=text(element, "description") or None,
        scope=text(element, "scope")
        or (standard.scopes[0][0] if standard else CUSTOM_SCOPES[0][0]),
        columns=tuple(text(c, "field") or "" for c in children(element, "columns")),
        aggregates=(
            *_aggregates(element),
            *(f.name for f in formulas if f.name not in inactive),
            ROW_COUNT,
        ),
        down=tuple(_grouping(e) for e in children(element, "groupingsDown")),
        across=tuple(_grouping(e) for e in children(element, "groupingsAcross")),
        filters=tuple(_filters(child(element, "filter"))),
        boolean_filter=text(element, "filter/booleanFilter") or None,
        cross_filters=tuple(_cross_filter(e) for e in children(element, "crossFilters")),
        date_filter=_date_filter(child(element, "timeFrameFilter")),
        buckets=tuple(_bucket(e) for e in children(element, "buckets")),
        formulas=formulas,
        detail_formulas=tuple(
            _detail_formula(e) for e in children(element, "customDetailFormulas")
        ),
        sort_by=(sort_column, text(element, "sortOrder") or "Asc") if sort_column else None,
        row_limit=int(limit) if limit else None,
        details=flag(element, "showDetails", default=True),
        grand_total=flag(element, "showGrandTotal", default=True),
        subtotals=flag(element, "showSubTotals", default=True),
        chart=_chart(child(element, "chart")),
        parameters=tuple(
            (text(e, "name") or "", text(e, "value") or "") for e in children(element, "params")
        ),
    )


def aggregate_name(function: str | None, column: str) -> str:
    """Return ``a!AMOUNT`` of Average and AMOUNT; formulas and the record count as they are."""
    prefix = PREFIX_OF.get(function or "")
    return f"{prefix}!{column}" if prefix else column


def _aggregates(element: etree._Element) -> Iterator[str]:
    for column in children(element, "columns"):
        for function in texts(column, "aggregateTypes"):
            if function not in _NO_TOTAL:
                yield aggregate_name(function, text(column, "field") or "")


def _grouping(element: etree._Element) -> Grouping:
    sort = None
    if text(element, "sortType") in ("Aggregate", "CustomSummaryFormula"):
        function = text(element, "aggregateType")
        name = text(element, "sortByName") or ROW_COUNT
        sort = ROW_COUNT if function == ROW_COUNT else aggregate_name(function, name)
    return Grouping(
        text(element, "field") or "",
        text(element, "dateGranularity") or "None",
        text(element, "sortOrder") or "Asc",
        sort,
    )


def _filters(element: etree._Element | None) -> Iterator[Filter]:
    for item in children(element, "criteriaItems") if element is not None else ():
        yield filter_item(item)


def filter_item(item: etree._Element) -> Filter:
    """Return one criterion."""
    return Filter(
        text(item, "column") or "",
        text(item, "operator") or "",
        text(item, "value") or "",
        flag(item, "columnToColumn"),
        flag(item, "isUnlocked", default=True),
    )


def _cross_filter(element: etree._Element) -> CrossFilter:
    return CrossFilter(
        text(element, "primaryTableColumn") or "",
        text(element, "relatedTable") or "",
        text(element, "relatedTableJoinColumn") or "",
        text(element, "operation") == "with",
        tuple(_filters(element)),
    )


def _date_filter(element: etree._Element | None) -> DateFilter | None:
    if element is None:
        return None
    interval = text(element, "interval") or "INTERVAL_CUSTOM"
    return DateFilter(
        text(element, "dateColumn") or "",
        DURATION_OF.get(interval, interval),
        text(element, "startDate") or None,
        text(element, "endDate") or None,
    )


def _bucket(element: etree._Element) -> Bucket:
    values = []
    for value in children(element, "values"):
        sources = list(children(value, "sourceValues"))
        upper = next((to for s in sources if (to := text(s, "to"))), None)
        listed = tuple(v for s in sources if (v := text(s, "sourceValue")) is not None)
        values.append(
            BucketValue(
                text(value, "value") or "", listed, None if upper is None else number(upper)
            )
        )
    other = text(element, "otherBucketLabel") or "Other"
    return Bucket(
        text(element, "developerName") or "",
        text(element, "masterLabel") or "",
        text(element, "bucketType") or "text",
        text(element, "sourceColumnName") or "",
        text(element, "nullTreatment") == "z",
        other if flag(element, "useOther") else None,
        tuple(values),
    )


def places(value: str) -> int:
    """Return decimal places, as many as there can be."""
    return min(max(int(value), 0), MOST_PLACES)


def number(value: str) -> float:
    """Return the bound of a bucket; what is no number is beyond all, and its deploy refuses it."""
    try:
        return float(value)
    except ValueError:
        return inf


def _summary_formula(element: etree._Element) -> SummaryFormula:
    return SummaryFormula(
        text(element, "developerName") or "",
        text(element, "masterLabel") or "",
        text(element, "datatype") or "number",
        text(element, "calculatedFormula") or "",
        places(text(element, "scale") or "2"),
        text(element, "description") or None,
        text(element, "downGroupingContext") or None,
        text(element, "acrossGroupingContext") or None,
    )


def _detail_formula(element: etree._Element) -> DetailFormula:
    return DetailFormula(
        text(element, "developerName") or "",
        text(element, "label") or "",
        (text(element, "dataType") or "Double").lower(),
        text(element, "calculatedFormula") or "",
        places(text(element, "scale") or "0"),
        text(element, "description") or None,
    )


def _chart(element: etree._Element | None) -> Chart | None:
    if element is None:
        return None
    summaries = list(children(element, "chartSummaries"))
    groupings = (text(element, "groupingColumn"), text(element, "secondaryGroupingColumn"))
    return Chart(
        text(element, "chartType") or "None",
        tuple(name for name in groupings if name),
        tuple(aggregate_name(text(s, "aggregate"), text(s, "column") or "") for s in summaries),
        tuple((text(s, "axisBinding") or "y").upper() for s in summaries),
        text(element, "legendPosition") is not None,
        flag(element, "showValues"),
        text(element, "title") or None,
    )


# -- custom report types --------------------------------------------------------------------------


def report_type(name: str, element: etree._Element) -> ReportType:
    """Return a custom report type; reports call it ``name`` and ``__c``."""
    base = text(element, "baseObject") or ""
    return ReportType(
        f"{name}__c",
        "Other Reports",
        text(element, "label") or name,
        (base,),
        CUSTOM_SCOPES,
        tuple(_section(e) for e in children(element, "sections")),
        tuple(_joins(element, base)),
        custom=True,
    )


def _joins(element: etree._Element, table: str) -> Iterator[Join]:
    for join in children(element, "join"):
        relationship = text(join, "relationship") or ""
        inner = f"{table}.{relationship}"
        yield Join(inner, table, relationship, flag(join, "outerJoin"))
        yield from _joins(join, inner)


def _section(element: etree._Element) -> Section:
    columns = []
    for column in children(element, "columns"):
        table, path = text(column, "table") or "", text(column, "field") or ""
        spec = ColumnSpec(f"{table}${path}", path, table=table)
        columns.append(replace(spec, label=text(column, "displayNameOverride") or None))
    return Section(text(element, "masterLabel") or "", tuple(columns))
