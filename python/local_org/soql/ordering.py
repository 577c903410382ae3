"""ORDER BY, LIMIT and OFFSET → SQL."""

from __future__ import annotations

from collections.abc import Callable

from local_org.schema.model import FieldType
from local_org.soql.nodes import Expression, OrderItem, Query
from local_org.soql.scope import Term
from local_org.soql.sql import Sql, join

_MOST_ROWS = 2**62
"""A LIMIT beyond it is none."""


def window(query: Query) -> Sql:
    """LIMIT and OFFSET; the limit counts after the offset."""
    if query.limit is None and query.offset is None:
        return Sql("")
    limit = -1 if query.limit is None else min(query.limit, _MOST_ROWS)
    return Sql(" LIMIT ? OFFSET ?", (limit, query.offset or 0))


def ordering(query: Query, resolve: Callable[[Expression], Term]) -> Sql:
    """ORDER BY; nulls come first in both directions unless said otherwise."""
    items = join(", ", (sorted_by(item, resolve(item.expression)) for item in query.order_by))
    return Sql(f" ORDER BY {items.text}", items.params) if query.order_by else items


def sorted_by(item: OrderItem, term: Term) -> Sql:
    """Return one item of ORDER BY."""
    direction = " DESC" if item.direction == "DESC" else ""
    last = item.nulls == "LAST"
    missing = term.outer or term.field is None or term.field.nillable
    nulls = " NULLS LAST" if last else " NULLS FIRST" if direction and missing else ""
    key = sort_key(term)
    return Sql(f"{key.text}{direction}{nulls}", key.params)


def sort_key(term: Term) -> Sql:
    """Picklists sort in the order of their values, everything else by value."""
    values = term.field.picklist if term.field and term.type is FieldType.PICKLIST else ()
    if not values or not term.entity:
        return Sql(term.key.sql, term.key.params)
    cases = "".join(f" WHEN ? THEN {index}" for index, _ in enumerate(values))
    rest = f"CASE WHEN {term.sql} IS NOT NULL THEN {len(values)} END"
    names = tuple(value.value for value in values)
    params = (*term.params, *names, *term.params)
    return Sql(f"CASE {term.sql}{cases} ELSE {rest} END", params)
