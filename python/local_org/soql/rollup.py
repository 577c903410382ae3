"""GROUP BY ROLLUP and CUBE: which sets of fields a query groups by, one after the other.

Source: SOQL and SOSL Reference, GROUP BY ROLLUP, GROUP BY CUBE: up to three fields, and no other
grouping beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from local_org.soql.faults import Faults
from local_org.soql.functions import GROUPINGS
from local_org.soql.nodes import Call, Expression, Literal, Query

_MOST_FIELDS = 3
Rolled = frozenset[int]
"""Positions of the fields that a subtotal leaves out."""


def grouped(query: Query, faults: Faults) -> tuple[tuple[Expression, ...], tuple[Rolled, ...]]:
    """Return the fields that a query groups by, and its levels: the plain groups come first.

    :raises OrgError: ``MALFORMED_QUERY``: too many fields, or another grouping beside them.
    """
    calls = [each for each in query.group_by if _rolls_up(each)]
    if not calls:
        return query.group_by, (frozenset(),)
    call = calls[0]
    if len(query.group_by) > 1 or not isinstance(call, Call):
        message = "GROUP BY ROLLUP and GROUP BY CUBE can not be combined with other groupings"
        raise faults.malformed(message, calls[0].at)
    fields = tuple(each for each in call.arguments if not isinstance(each, Literal))
    if len(fields) > _MOST_FIELDS:
        message = f"{call.name} takes at most {_MOST_FIELDS} fields"
        raise faults.malformed(message, call.at)
    return fields, tuple(_levels(call.function, len(fields)))


def _levels(function: str, count: int) -> Iterator[Rolled]:
    """Every level: ROLLUP drops fields from the right, CUBE drops any of them."""
    for dropped in range(count + 1):
        if function == "ROLLUP":
            yield frozenset(range(count - dropped, count))
        else:
            yield from map(frozenset, combinations(range(count), dropped))


def _rolls_up(expression: Expression) -> bool:
    return isinstance(expression, Call) and expression.function in GROUPINGS
