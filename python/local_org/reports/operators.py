"""Filter operators, and for which types of column each exists.

Source: REST Analytics API, "Filter Operator List".
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from local_org.schema.model import FieldType

LABELS: Mapping[str, str] = MappingProxyType(
    {
        "equals": "equals",
        "notEqual": "not equal to",
        "lessThan": "less than",
        "greaterThan": "greater than",
        "lessOrEqual": "less or equal",
        "greaterOrEqual": "greater or equal",
        "contains": "contains",
        "notContain": "does not contain",
        "startsWith": "starts with",
        "includes": "includes",
        "excludes": "excludes",
        "between": "between",
    }
)
_EQUALITY = ("equals", "notEqual")
_ORDERED = (*_EQUALITY, "lessThan", "greaterThan", "lessOrEqual", "greaterOrEqual")
_TEXT = (*_ORDERED, "contains", "notContain", "startsWith")
BY_TYPE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "date": _ORDERED,
        "string": _TEXT,
        "double": _ORDERED,
        "picklist": _TEXT,
        "textarea": _TEXT,
        "percent": _ORDERED,
        "url": _TEXT,
        "int": _ORDERED,
        "reference": _EQUALITY,
        "datetime": _ORDERED,
        "boolean": _EQUALITY,
        "phone": _TEXT,
        "currency": _ORDERED,
        "id": (*_EQUALITY, "startsWith"),
        "email": _TEXT,
        "combobox": _TEXT,
        "multipicklist": (*_EQUALITY, "includes", "excludes"),
    }
)
_DASHBOARD_ONLY = "between"


def allowed(data_type: str, operator: str) -> bool:
    """Whether columns of this ``dataType`` can be filtered so."""
    return operator in BY_TYPE.get(data_type, _TEXT)


def filter_operators(*, for_dashboards: bool = False) -> dict[str, list[dict[str, str]]]:
    """Return the answer of ``/analytics/filteroperators``; dashboards know ``between`` too."""
    return {
        data_type: [
            {"label": LABELS[name], "name": name}
            for name in (
                *names,
                *([_DASHBOARD_ONLY] if for_dashboards and names == _ORDERED else []),
            )
        ]
        for data_type, names in BY_TYPE.items()
    }


def numeric(kind: FieldType) -> bool:
    """Whether a filter's value is read as a number."""
    return kind in (
        FieldType.INT,
        FieldType.LONG,
        FieldType.DOUBLE,
        FieldType.CURRENCY,
        FieldType.PERCENT,
    )
