"""Totals of one group: sums, averages, extremes, medians, distinct values and the record count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import fsum
from types import MappingProxyType
from typing import Any

Number = float | int | None


def median(values: Sequence[float]) -> Number:
    """Return the middle value, or the mean of the two in the middle; None of none.

    >>> median([9, 1, 5]), median([4, 1, 2, 9]), median([])
    (5, 3.0, None)
    """
    ordered = sorted(values)
    middle = len(ordered) // 2
    if not ordered:
        return None
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _average(values: Sequence[float]) -> Number:
    return fsum(values) / len(values) if values else None


def _distinct(values: Sequence[Any]) -> Number:
    return len({v.casefold() if isinstance(v, str) else v for v in values})


FUNCTIONS: Mapping[str, Callable[[Sequence[Any]], Number]] = MappingProxyType(
    {
        "Sum": fsum,
        "Average": _average,
        "Minimum": lambda values: min(values, default=None),
        "Maximum": lambda values: max(values, default=None),
        "Median": median,
        "Unique": _distinct,
    }
)
"""By the name that metadata gives them; blank values never come in, and the sum of none is 0."""
LABELS: Mapping[str, str] = MappingProxyType(
    {
        "Sum": "Sum of {}",
        "Average": "Average {}",
        "Minimum": "Smallest {}",
        "Maximum": "Largest {}",
        "Median": "Median {}",
        "Unique": "Unique Count of {}",
        "RowCount": "Record Count",
    }
)
"""Sum, Average and Record Count as documented, the others inferred."""
