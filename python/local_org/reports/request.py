"""A definition from the body of a POST: ``reportMetadata`` that overrides a saved report, or is one.

Source: REST Analytics API, "Execute Sync", "Get Report Data without Saving Changes".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from local_org.reports.definition import (
    MOST_PLACES,
    Bucket,
    BucketValue,
    CrossFilter,
    DateFilter,
    Definition,
    DetailFormula,
    Filter,
    Grouping,
    SummaryFormula,
)
from local_org.reports.errors import NO_METADATA, bad_request
from local_org.reports.granularity import known

Json = dict[str, Any]
_MOST_ROWS = 2000


def overridden(base: Definition | None, body: Any) -> Definition:
    """Return a saved report with what ``reportMetadata`` of a POST puts in its place.

    Without ``base`` the body must bring the whole report. A body without ``reportMetadata`` (or
    an empty one) leaves the saved report as it is.

    :raises OrgError: 400: there is no metadata, or one of its properties has the wrong form.
    """
    given = body.get("reportMetadata") if isinstance(body, dict) else None
    if given is None and base is not None and not body:
        return base
    if not isinstance(given, dict):
        raise bad_request(NO_METADATA)
    try:
        return _read(base, given)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise bad_request(f"The report metadata is invalid: {error}") from None


def _read(base: Definition | None, given: Json) -> Definition:
    if base is None:
        base = Definition(_text(given["reportType"]["type"]), aggregates=())
    found = {name: read(given[key]) for key, name, read in _PROPERTIES if key in given}
    made = replace(base, **found)
    top = given.get("topRows")
    if top is not None:
        made = replace(made, row_limit=_row_limit(top["rowLimit"]))
    elif "topRows" in given:
        made = replace(made, row_limit=None)
    return made


def _places(value: Any) -> int:
    if value is not None and (not isinstance(value, int) or not 0 <= value <= MOST_PLACES):
        raise ValueError(f"decimalPlaces {value!r:.80}, expected 0 to {MOST_PLACES}")
    return value or 0


def _row_limit(value: Any) -> int:
    if not isinstance(value, int) or not 1 <= value <= _MOST_ROWS:
        raise ValueError(f"rowLimit {value!r:.80}, expected 1 to {_MOST_ROWS}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {value!r:.80}")
    return value


def _optional(value: Any) -> str | None:
    return None if value is None else _text(value)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_text(each) for each in _list(value))


def _list(value: Any) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise TypeError(f"expected an array, got {value!r:.80}")
    return value or []


def _format(value: Any) -> str:
    if value not in ("TABULAR", "SUMMARY", "MATRIX", "MULTI_BLOCK"):
        raise ValueError(f"reportFormat {value!r:.80}")
    return str(value)


def _groupings(value: Any) -> tuple[Grouping, ...]:
    return tuple(
        Grouping(
            _text(each["name"]),
            _granularity(each.get("dateGranularity")),
            "Desc" if str(each.get("sortOrder", "Asc")).lower() == "desc" else "Asc",
            _optional(each.get("sortAggregate")),
        )
        for each in _list(value)
    )


def _granularity(value: Any) -> str:
    if value is None:
        return "None"
    found = known(_text(value))
    if found is None:
        raise ValueError(f"dateGranularity {value!r:.80}")
    return found


def _filters(value: Any) -> tuple[Filter, ...]:
    if value is None:
        raise bad_request(
            "The request is invalid because there are no filters. Specify filters or set filters as "
            "an empty array to omit them."
        )
    return tuple(
        Filter(
            _text(each["column"]),
            _text(each["operator"]),
            "" if each.get("value") is None else str(each["value"]),
            each.get("filterType") == "fieldToField",
            bool(each.get("isRunPageEditable", True)),
        )
        for each in _list(value)
    )


def _cross_filters(value: Any) -> tuple[CrossFilter, ...]:
    return tuple(
        CrossFilter(
            _text(each["primaryEntityField"]),
            _text(each["relatedEntity"]),
            _text(each["relatedEntityJoinField"]),
            bool(each["includesObject"]),
            _filters(each.get("criteria") or []),
        )
        for each in _list(value)
    )


def _read_date_filter(value: Any) -> DateFilter | None:
    if value is None:
        return None
    return DateFilter(
        _text(value["column"]),
        _text(value.get("durationValue") or "CUSTOM"),
        _optional(value.get("startDate")),
        _optional(value.get("endDate")),
    )


def _buckets(value: Any) -> tuple[Bucket, ...]:
    return tuple(
        Bucket(
            _text(each["developerName"]),
            _text(each["label"]),
            _text(each["bucketType"]).lower(),
            _text(each["sourceColumnName"]),
            bool(each.get("nullTreatedAsZero")),
            _optional(each.get("otherBucketLabel")),
            tuple(
                BucketValue(
                    _text(v["label"]),
                    _texts(v.get("sourceDimensionValues")),
                    None if v.get("rangeUpperBound") is None else float(v["rangeUpperBound"]),
                )
                for v in _list(each.get("values"))
            ),
        )
        for each in _list(value)
    )


def _named(value: Any) -> list[tuple[str, Json]]:
    """Return formulas by name; the guide shows them as a map, jsforce as a list."""
    if isinstance(value, dict):
        return [(name, each) for name, each in value.items()]
    return [(_text(each["developerName"]), each) for each in _list(value)]


def _formulas(value: Any) -> tuple[SummaryFormula, ...]:
    levels = {"all": None, "grand_total": "GRAND_SUMMARY"}
    return tuple(
        SummaryFormula(
            name,
            _text(each["label"]),
            _text(each["formulaType"]).lower(),
            _text(each["formula"]),
            _places(each.get("decimalPlaces")),
            _optional(each.get("description")),
            levels.get(str(each.get("downGroupType", "all")).lower(), each.get("downGroup")),
            levels.get(str(each.get("acrossGroupType", "all")).lower(), each.get("acrossGroup")),
        )
        for name, each in _named(value)
    )


def _detail_formulas(value: Any) -> tuple[DetailFormula, ...]:
    return tuple(
        DetailFormula(
            name,
            _text(each["label"]),
            _text(each["formulaType"]),
            _text(each["formula"]),
            _places(each.get("decimalPlaces")),
            _optional(each.get("description")),
        )
        for name, each in _named(value)
    )


def _sort_by(value: Any) -> tuple[str, str] | None:
    entries = _list(value)
    if len(entries) > 1:
        raise bad_request("A report can only be sorted by one column.")
    if not entries:
        return None
    if entries[0].get("sortColumn") is None:
        raise bad_request("The sort column name can’t be null.")
    order = str(entries[0].get("sortOrder", "Asc")).lower()
    return _text(entries[0]["sortColumn"]), "Desc" if order == "desc" else "Asc"


_PROPERTIES: tuple[tuple[str, str, Any], ...] = (
    ("reportFormat", "format", _format),
    ("name", "name", lambda value: _text(value or "")),
    ("scope", "scope", _optional),
    ("detailColumns", "columns", _texts),
    ("aggregates", "aggregates", _texts),
    ("groupingsDown", "down", _groupings),
    ("groupingsAcross", "across", _groupings),
    ("reportFilters", "filters", _filters),
    ("reportBooleanFilter", "boolean_filter", _optional),
    ("crossFilters", "cross_filters", _cross_filters),
    ("standardDateFilter", "date_filter", _read_date_filter),
    ("buckets", "buckets", _buckets),
    ("customSummaryFormula", "formulas", _formulas),
    ("customDetailFormula", "detail_formulas", _detail_formulas),
    ("sortBy", "sort_by", _sort_by),
    ("hasDetailRows", "details", bool),
    ("showGrandTotal", "grand_total", bool),
    ("showSubtotals", "subtotals", bool),
)
"""Property, attribute of the definition, and what reads it; the others are told, never taken."""
