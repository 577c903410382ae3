"""The functions of SOQL: which there are, and what may stand in their parentheses."""

from __future__ import annotations

from collections.abc import Iterator

from local_org.soql.faults import Faults
from local_org.soql.nodes import (
    Call,
    Comparison,
    Condition,
    Expression,
    FieldItem,
    Includes,
    Junction,
    Kind,
    Literal,
    Membership,
    Not,
    Parens,
    Path,
    Query,
    SemiJoin,
    Subquery,
)

AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
DATE_FUNCTIONS = frozenset(
    {
        "CALENDAR_YEAR",
        "CALENDAR_QUARTER",
        "CALENDAR_MONTH",
        "FISCAL_YEAR",
        "FISCAL_QUARTER",
        "FISCAL_MONTH",
        "DAY_IN_YEAR",
        "DAY_IN_MONTH",
        "DAY_IN_WEEK",
        "DAY_ONLY",
        "HOUR_IN_DAY",
        "WEEK_IN_YEAR",
        "WEEK_IN_MONTH",
    }
)
DISPLAY = frozenset({"TOLABEL", "FORMAT", "CONVERTCURRENCY"})
GROUPINGS = frozenset({"ROLLUP", "CUBE"})
FIELD_SETS = frozenset({"ALL", "STANDARD", "CUSTOM"})
_KNOWN = (
    AGGREGATES
    | DATE_FUNCTIONS
    | DISPLAY
    | GROUPINGS
    | {"CONVERTTIMEZONE", "FIELDS", "GROUPING", "DISTANCE", "GEOLOCATION"}
)
_UNITS = frozenset({"mi", "km"})


def is_field_set(expression: Expression) -> bool:
    """Whether this is FIELDS(…)."""
    return isinstance(expression, Call) and expression.function == "FIELDS"


def _condition_calls(condition: Condition | None) -> Iterator[Expression]:
    """All expressions of a condition, those of semi-joins apart."""
    match condition:
        case Junction(_, conditions):
            for each in conditions:
                yield from _condition_calls(each)
        case Not(inner) | Parens(inner):
            yield from _condition_calls(inner)
        case Comparison(left) | Membership(left) | SemiJoin(left) | Includes(left):
            yield left
        case None:
            return


def _semi_joins(condition: Condition | None) -> Iterator[Query]:
    match condition:
        case Junction(_, conditions):
            for each in conditions:
                yield from _semi_joins(each)
        case Not(inner) | Parens(inner):
            yield from _semi_joins(inner)
        case SemiJoin(_, _, query):
            yield query
        case _:
            return


def _expressions(query: Query) -> Iterator[Expression]:
    for item in query.select:
        if isinstance(item, FieldItem):
            yield item.expression
    yield from _condition_calls(query.where)
    yield from query.group_by
    yield from _condition_calls(query.having)
    for order in query.order_by:
        yield order.expression


def _check_distance(call: Call, faults: Faults) -> None:
    match call.arguments:
        case (Path(), Call() as point, Literal(Kind.STRING, unit)) if (
            point.function == "GEOLOCATION"
            and len(point.arguments) == 2
            and all(isinstance(a, Literal) and a.kind is Kind.NUMBER for a in point.arguments)
            and unit.lower() in _UNITS
        ):
            return
        case _:
            raise faults.malformed(
                "DISTANCE takes a field, GEOLOCATION(latitude, longitude) and 'mi' or 'km'",
                call.at,
            )


def _check(call: Call, faults: Faults) -> None:
    name = call.function
    if name == "DISTANCE":
        _check_distance(call, faults)
        return
    if name not in _KNOWN or name == "GEOLOCATION":
        raise faults.malformed(f"unexpected token: '{call.name}'", call.at)
    if name == "FIELDS":
        _check_field_set(call, faults)
        return
    if not call.arguments and name != "COUNT":
        raise faults.malformed("unexpected token: ')'", call.at)
    for argument in call.arguments:
        if isinstance(argument, Literal):
            raise faults.malformed(f"unexpected token: '{argument.text}'", argument.at)
        if isinstance(argument, Call):
            _check(argument, faults)


def _check_field_set(call: Call, faults: Faults) -> None:
    match call.arguments:
        case (Path((name,)),) if name.upper() in FIELD_SETS:
            return
        case _:
            raise faults.malformed("FIELDS takes ALL, STANDARD or CUSTOM", call.at)


def verify(query: Query, faults: Faults) -> None:
    """Refuse functions that do not exist and arguments that cannot be theirs.

    :raises OrgError: ``MALFORMED_QUERY`` at the call.
    """
    for expression in _expressions(query):
        if isinstance(expression, Call):
            _check(expression, faults)
    for item in query.select:
        if isinstance(item, Subquery):
            verify(item.query, faults)
    for inner in _semi_joins(query.where):
        verify(inner, faults)
