"""``reportExtendedMetadata``: labels and types of what a report shows.

Source: REST Analytics API, "Report extended metadata".
"""

from __future__ import annotations

from typing import Any

from local_org.reports.aggregates import LABELS
from local_org.reports.catalogue import Catalogue
from local_org.reports.columns import Column
from local_org.reports.definition import ROW_COUNT, Definition, split_aggregate
from local_org.reports.summary_formulas import ALL_LEVELS

Json = dict[str, Any]


def extended_metadata(of: Definition, catalogue: Catalogue) -> Json:
    """Return the labels and types of aggregates, detail columns and groupings."""
    columns = {name: c for name in of.columns if (c := catalogue.find(name))}
    groupings = [
        (level, g.name) for groups in (of.down, of.across) for level, g in enumerate(groups)
    ]
    return {
        "aggregateColumnInfo": {name: _aggregate(name, of, catalogue) for name in of.aggregates},
        "detailColumnInfo": {name: detail_info(column) for name, column in columns.items()},
        "groupingColumnInfo": {
            name: {"dataType": c.data_type, "groupingLevel": level, "label": c.label}
            for level, name in groupings
            if (c := catalogue.find(name))
        },
    }


def filter_values(column: Column) -> list[Json]:
    """Return the values a column can be filtered by, where they are known."""
    if column.data_type == "boolean":
        return [{"label": v, "name": v} for v in ("True", "False")]
    values = column.field.picklist if column.field and not column.lookup else ()
    return [{"label": v.label, "name": v.value} for v in values if v.active]


def detail_info(column: Column) -> Json:
    """Return one entry of ``detailColumnInfo``."""
    return {
        "dataType": column.data_type,
        "entityColumnName": column.entity_column or column.name,
        "filterValues": filter_values(column),
        "filterable": True,
        "isLookup": column.lookup,
        "label": column.label,
        "uniqueCountable": True,
    }


def _aggregate(name: str, of: Definition, catalogue: Catalogue) -> Json:
    formula = next((f for f in of.formulas if f.name == name), None)
    if formula is not None:
        return {
            "acrossGroupingContext": formula.across or ALL_LEVELS,
            "dataType": {"number": "double"}.get(formula.kind, formula.kind),
            "downGroupingContext": formula.down or ALL_LEVELS,
            "label": formula.label,
        }
    function, column_name = split_aggregate(name)
    column = catalogue.find(column_name) if column_name else None
    counted = function in (ROW_COUNT, "Unique") or column is None
    return {
        "acrossGroupingContext": None,
        "dataType": "int" if counted or column is None else column.data_type,
        "downGroupingContext": None,
        "label": LABELS.get(function, "{}").format(column.label if column else ""),
    }
