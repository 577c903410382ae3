"""``reportMetadata`` of the REST API from a definition.

Source: REST Analytics API, "Report metadata"; its sample answers for the order of the keys.
"""

from __future__ import annotations

from typing import Any

from local_org.reports.definition import (
    Bucket,
    CrossFilter,
    DateFilter,
    Definition,
    DetailFormula,
    Filter,
    Grouping,
    SummaryFormula,
)

Json = dict[str, Any]
_GROUP_TYPES = {None: "all", "GRAND_SUMMARY": "grand_total", "ALL_SUMMARY_LEVELS": "all"}


def to_json(of: Definition, type_label: str, days: tuple[str | None, str | None]) -> Json:
    """Return ``reportMetadata``; ``days`` are first and last day of the standard date filter."""
    return {
        "aggregates": list(of.aggregates),
        "buckets": [_bucket(bucket) for bucket in of.buckets],
        "chart": _chart(of),
        "crossFilters": [_cross_filter(each) for each in of.cross_filters],
        "currency": None,
        "customDetailFormula": {f.name: _detail_formula(f) for f in of.detail_formulas},
        "customSummaryFormula": {f.name: _summary_formula(f) for f in of.formulas},
        "dashboardSetting": None,
        "description": of.description,
        "detailColumns": list(of.columns),
        "developerName": of.developer_name,
        "division": None,
        "folderId": of.folder_id,
        "groupingsAcross": [_grouping(each) for each in of.across],
        "groupingsDown": [_grouping(each) for each in of.down],
        "hasDetailRows": of.details,
        "hasRecordCount": "RowCount" in of.aggregates,
        "historicalSnapshotDates": [],
        "id": of.id,
        "name": of.name,
        "presentationOptions": {"hasStackedSummaries": True},
        "reportBooleanFilter": of.boolean_filter,
        "reportFilters": [filter_json(each) for each in of.filters],
        "reportFormat": of.format,
        "reportType": {"label": type_label, "type": of.report_type},
        "scope": of.scope,
        "showGrandTotal": of.grand_total,
        "showSubtotals": of.subtotals,
        "sortBy": _sort_by(of.sort_by),
        "standardDateFilter": _date_filter(of.date_filter, days),
        "standardFilters": [{"name": n, "value": v} for n, v in of.parameters],
        "supportsRoleHierarchy": False,
        "topRows": None if of.row_limit is None else _top_rows(of),
        "userOrHierarchyFilterId": None,
    }


def _sort_by(sort: tuple[str, str] | None) -> list[Json]:
    return [{"sortColumn": sort[0], "sortOrder": sort[1]}] if sort else []


def _top_rows(of: Definition) -> Json:
    return {"direction": of.sort_by[1] if of.sort_by else "Asc", "rowLimit": of.row_limit}


def _grouping(each: Grouping) -> Json:
    return {
        "dateGranularity": each.granularity,
        "name": each.name,
        "sortAggregate": each.sort_aggregate,
        "sortOrder": each.sort_order,
    }


def filter_json(each: Filter) -> Json:
    """Return one entry of ``reportFilters``."""
    return {
        "column": each.column,
        "filterType": "fieldToField" if each.to_field else "fieldValue",
        "isRunPageEditable": each.editable,
        "operator": each.operator,
        "value": each.value,
    }


def _cross_filter(each: CrossFilter) -> Json:
    return {
        "criteria": [filter_json(f) for f in each.criteria],
        "includesObject": each.included,
        "primaryEntityField": each.primary,
        "relatedEntity": each.related,
        "relatedEntityJoinField": each.join_field,
    }


def _date_filter(each: DateFilter | None, days: tuple[str | None, str | None]) -> Json | None:
    if each is None:
        return None
    return {
        "column": each.column,
        "durationValue": each.duration,
        "endDate": days[1],
        "startDate": days[0],
    }


def _bucket(bucket: Bucket) -> Json:
    return {
        "bucketType": bucket.kind,
        "developerName": bucket.name,
        "label": bucket.label,
        "nullTreatedAsZero": bucket.null_as_zero,
        "otherBucketLabel": bucket.other_label,
        "sourceColumnName": bucket.column,
        "values": [
            {
                "label": value.label,
                "rangeUpperBound": value.upper,
                "sourceDimensionValues": list(value.values),
            }
            for value in bucket.values
        ],
    }


def _summary_formula(formula: SummaryFormula) -> Json:
    return {
        "acrossGroup": None if formula.across in _GROUP_TYPES else formula.across,
        "acrossGroupType": _GROUP_TYPES.get(formula.across, "custom"),
        "decimalPlaces": formula.scale,
        "description": formula.description,
        "downGroup": None if formula.down in _GROUP_TYPES else formula.down,
        "downGroupType": _GROUP_TYPES.get(formula.down, "custom"),
        "formula": formula.formula,
        "formulaType": formula.kind,
        "label": formula.label,
    }


def _detail_formula(formula: DetailFormula) -> Json:
    return {
        "decimalPlaces": formula.scale,
        "description": formula.description,
        "formula": formula.formula,
        "formulaType": formula.kind,
        "label": formula.label,
    }


def _chart(of: Definition) -> Json | None:
    if of.chart is None:
        return None
    return {
        "chartType": of.chart.kind,
        "groupings": list(of.chart.groupings),
        "hasLegend": of.chart.legend,
        "showChartValues": of.chart.values,
        "summaries": list(of.chart.summaries),
        "summaryAxisLocations": list(of.chart.axes),
        "title": of.chart.title,
    }
