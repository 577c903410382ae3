"""Queries of totals: COUNT(), and aggregates of all rows, of groups and of groups of groups."""

from __future__ import annotations

from collections.abc import Sequence

from local_org.schema.model import TEXT_TYPES
from local_org.soql.conditions import Conditions, filters
from local_org.soql.faults import malformed
from local_org.soql.functions import is_field_set
from local_org.soql.grouping import Grouping
from local_org.soql.nodes import FieldItem, Query
from local_org.soql.ordering import ordering, sort_key, window
from local_org.soql.plan import Plan
from local_org.soql.printer import expression as printed
from local_org.soql.rollup import grouped
from local_org.soql.rows import column
from local_org.soql.scope import Scope
from local_org.soql.sql import TRUE, Sql, join
from local_org.soql.terms import Terms


def count_plan(scope: Scope, query: Query) -> Plan:
    """Return the plan of ``SELECT COUNT()``: how many rows there are, within LIMIT and OFFSET."""
    if query.order_by:
        ordered = printed(query.order_by[0].expression)
        raise malformed(f"Ordered field must be grouped or aggregated: {ordered}")
    where, part = filters(scope, query), window(query)
    body = f"FROM {scope.from_sql()} WHERE {where.text}"
    sql = f"SELECT COUNT(*) {body}"
    if part.text:
        sql = f"SELECT COUNT(*) FROM (SELECT 1 {body}{part.text})"
    columns = [column("expr0", "count()", aggregate=True)]
    params = (*where.params, *part.params)
    return Plan(scope.entity.name, sql, params, lambda _row: {}, columns, counts=True)


_TOTAL = Sql("COUNT(*)")
"""Makes the grand total one row even of nothing, whatever else is selected of it."""


def _check_overall(query: Query) -> None:
    """Refuse to cut short the one row of a query that has no groups."""
    cut = {"LIMIT": query.limit, "OFFSET": query.offset}
    for word, number in cut.items():
        if number is not None and not query.group_by:
            message = "Non-grouped query that uses overall aggregate functions cannot also use"
            raise malformed(f"{message} {word}")


def aggregate_plan(scope: Scope, query: Query) -> Plan:
    """Return the plan of a query of aggregates.

    :raises OrgError: ``MALFORMED_QUERY``: something is neither grouped nor aggregated, or both.
    """
    _check_overall(query)
    fields, levels = grouped(query, scope.statement.faults)
    single, terms = len(levels) == 1, Terms(scope)
    groupings = [Grouping(scope, terms, fields, rolled, shared=single) for rolled in levels]
    for grouping in groupings:
        for item in query.select:
            if not isinstance(item, FieldItem) or is_field_set(item.expression):
                raise malformed("An aggregate query selects only grouped fields and aggregates")
            grouping.add(item)
    first, where = groupings[0], filters(scope, query)
    if single:
        order = ordering(query, first.ordered)
        whole = join("", [_level(first, query, where), order, window(query)])
    else:
        whole = join("", [_levels(groupings, query, where), window(query)])
    shape, columns = first.shape.make, first.columns
    return Plan(scope.entity.name, whole.text, whole.params, shape, columns, totals=True)


def _level(grouping: Grouping, query: Query, where: Sql, keys: Sequence[Sql] = ()) -> Sql:
    """Select the groups of one level, and beside them what they are to be sorted by."""
    having = TRUE
    if query.having is not None:
        having = Conditions(grouping.scope, grouping.resolve).sql(query.having)
    groups = join(", ", (Sql(g.key.sql, g.key.params) for g in grouping.groups))
    selected = join(", ", [Sql(", ".join(grouping.slots.sql), tuple(grouping.slots.params)), *keys])
    parts = [
        Sql(f"SELECT {selected.text}", selected.params),
        Sql(f" FROM {grouping.scope.from_sql()} WHERE {where.text}", where.params),
        Sql(f" GROUP BY {groups.text}", groups.params) if groups.text else Sql(""),
        Sql(f" HAVING {having.text}", having.params) if having is not TRUE else Sql(""),
    ]
    return join("", parts)


def _levels(groupings: Sequence[Grouping], query: Query, where: Sql) -> Sql:
    """Put all levels one under the other; unasked, each subtotal follows what it sums up."""
    parts: list[Sql] = []
    names: list[str] = []
    for grouping in groupings:
        keys, names = _keys(grouping, query)
        named = [Sql(f"{key.text} AS k{n}", key.params) for n, key in enumerate(keys)]
        parts.append(_level(grouping, query, where, [*named, _TOTAL]))
    body = join(" UNION ALL ", parts)
    return Sql(f"SELECT * FROM ({body.text}) ORDER BY {', '.join(names)}", body.params)


def _keys(grouping: Grouping, query: Query) -> tuple[list[Sql], list[str]]:
    """Return the columns that sort a level's rows, and how each sorts."""
    if query.order_by:
        terms = [(item, grouping.ordered(item.expression)) for item in query.order_by]
        named = [
            f"k{n}{' COLLATE NOCASE' if term.type in TEXT_TYPES else ''}"
            f"{' DESC' if item.direction == 'DESC' else ''} NULLS {item.nulls or 'FIRST'}"
            for n, (item, term) in enumerate(terms)
        ]
        return [sort_key(term) for _, term in terms], named
    keys = []
    for position, term in enumerate(grouping.terms_of_groups):
        rolled = position in grouping.rolled
        keys += [Sql(str(int(rolled))), Sql("NULL") if rolled else sort_key(term)]
    return keys, [f"k{n}" for n in range(len(keys))]
