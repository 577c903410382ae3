"""Tree → plan: names resolved, rights checked, SQL written. Nothing is read from the store here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from local_org.errors import OrgError
from local_org.schema.model import TEXT_TYPES, Field, FieldType, SObject
from local_org.soql.conditions import TRUE, Conditions, Sql, enter, filters, join, open_scope
from local_org.soql.faults import malformed
from local_org.soql.functions import is_field_set
from local_org.soql.grouping import Grouping, is_aggregate, is_count
from local_org.soql.nodes import (
    Call,
    Expression,
    FieldItem,
    OrderItem,
    Path,
    Query,
    Subquery,
    TypeOf,
)
from local_org.soql.plan import PARENTS, Child, Plan
from local_org.soql.rollup import grouped
from local_org.soql.rows import column
from local_org.soql.scope import Scope, Statement, Term
from local_org.soql.selection import Selection
from local_org.soql.terms import Terms

_MAX_OFFSET = 2000
_MAX_FIELD_SET_ROWS = 200


def compile_query(statement: Statement, query: Query) -> Plan:
    """Return the plan of a whole statement.

    :raises OrgError: ``INVALID_TYPE``, ``INVALID_FIELD``, ``MALFORMED_QUERY``,
        ``INVALID_QUERY_FILTER_OPERATOR``, ``NUMBER_OUTSIDE_VALID_RANGE``.
    """
    scope = open_scope(statement, query)
    _check_clauses(query)
    if is_count(query):
        return _count(scope, query)
    if is_aggregate(query):
        return _aggregate(scope, query)
    return _records(scope, query, None)


def _check_clauses(query: Query) -> None:
    if query.offset is not None and query.offset > _MAX_OFFSET:
        raise OrgError(
            "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {_MAX_OFFSET}"
        )
    if query.categories:
        raise malformed("WITH DATA CATEGORY is not supported by the local org")
    if any(_unbounded(item) for item in query.select if isinstance(item, FieldItem)) and (
        query.limit is None or query.limit > _MAX_FIELD_SET_ROWS
    ):
        raise malformed(
            f"The SOQL FIELDS function must have a LIMIT of at most {_MAX_FIELD_SET_ROWS}"
        )


def _unbounded(item: FieldItem) -> bool:
    """FIELDS(ALL) and FIELDS(CUSTOM): nobody knows how many fields they are."""
    match item.expression:
        case Call(_, (Path((name,)),)) if is_field_set(item.expression):
            return name.upper() != "STANDARD"
        case _:
            return False


def _window(query: Query) -> Sql:
    """LIMIT and OFFSET; the limit counts after the offset."""
    if query.limit is None and query.offset is None:
        return Sql("")
    limit = -1 if query.limit is None else query.limit
    return Sql(" LIMIT ? OFFSET ?", (limit, query.offset or 0))


def _count(scope: Scope, query: Query) -> Plan:
    if query.order_by:
        _order(query, lambda e: Terms(scope).sortable(e, aggregates=False))
    where = filters(scope, query)
    body = f"FROM {scope.from_sql()} WHERE {where.text}"
    sql, window = f"SELECT COUNT(*) {body}", _window(query)
    if window.text:
        sql = f"SELECT COUNT(*) FROM (SELECT 1 {body}{window.text})"
    columns = [column("expr0", "count()", aggregate=True)]
    params = (*where.params, *window.params)
    return Plan(scope.entity.name, sql, params, lambda _row: {}, columns, counts=True)


def _aggregate(scope: Scope, query: Query) -> Plan:
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
        order = _order(query, first.ordered)
        whole = join("", [_level(first, query, where), order, _window(query)])
    else:
        whole = join("", [_levels(groupings, query, where), _window(query)])
    return Plan(scope.entity.name, whole.text, whole.params, first.shape.make, first.columns)


def _level(grouping: Grouping, query: Query, where: Sql, keys: Sequence[Sql] = ()) -> Sql:
    """Select the groups of one level, and beside them what they are to be sorted by."""
    having = TRUE
    if query.having is not None:
        having = Conditions(grouping.scope, grouping.resolve).sql(query.having)
    groups = join(", ", (Sql(g.sql + g.collation, g.params) for g in grouping.groups))
    if grouping.rolled and not grouping.groups and having is not TRUE:
        groups = Sql("NULL")
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
        parts.append(_level(grouping, query, where, named))
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
        return [_sort_key(term) for _, term in terms], named
    keys = []
    for position, term in enumerate(grouping.terms_of_groups):
        rolled = position in grouping.rolled
        keys += [Sql(str(int(rolled))), Sql("NULL") if rolled else _sort_key(term)]
    return keys, [f"k{n}" for n in range(len(keys))]


def _order(query: Query, resolve: Callable[[Expression], Term]) -> Sql:
    """ORDER BY; nulls come first in both directions unless said otherwise."""
    items = join(", ", (_sorted(item, resolve(item.expression)) for item in query.order_by))
    return Sql(f" ORDER BY {items.text}", items.params) if query.order_by else items


def _sorted(item: OrderItem, term: Term) -> Sql:
    direction = " DESC" if item.direction == "DESC" else ""
    last = item.nulls == "LAST"
    missing = term.outer or term.field is None or term.field.nillable
    nulls = " NULLS LAST" if last else " NULLS FIRST" if direction and missing else ""
    key = _sort_key(term)
    return Sql(f"{key.text}{direction}{nulls}", key.params)


def _sort_key(term: Term) -> Sql:
    """Picklists sort in the order of their values, everything else by value."""
    values = term.field.picklist if term.field and term.type is FieldType.PICKLIST else ()
    if not values or not term.entity:
        return Sql(f"{term.sql}{term.collation}", term.params)
    cases = "".join(f" WHEN ? THEN {index}" for index, _ in enumerate(values))
    rest = f"CASE WHEN {term.sql} IS NOT NULL THEN {len(values)} END"
    names = tuple(value.value for value in values)
    params = (*term.params, *names, *term.params)
    return Sql(f"CASE {term.sql}{cases} ELSE {rest} END", params)


def _records(scope: Scope, query: Query, link: Field | None) -> Plan:
    """Plan a query of records; with ``link`` that of children, each row led by the parent's id."""
    terms = Terms(scope)
    return _Records(scope, query, terms, Selection(scope, terms, link), link).plan()


class _Records:
    """One query of records on its way to a plan."""

    def __init__(
        self, scope: Scope, query: Query, terms: Terms, selection: Selection, link: Field | None
    ) -> None:
        self.scope, self.query, self.terms = scope, query, terms
        self.selection, self.link = selection, link
        self.children: list[Child] = []

    def plan(self) -> Plan:
        """Select list first, then the clauses: the joins they need come last into FROM."""
        for item in self.query.select:
            self._add(item)
        where = filters(self.scope, self.query)
        order = _order(self.query, lambda e: self.terms.sortable(e, aggregates=False))
        whole = self._children(where, order) if self.link else self._top(where, order)
        shape = self.selection.shape
        name = self.scope.entity.name
        columns = self.selection.columns
        return Plan(name, whole.text, whole.params, shape.make, columns, self.children)

    def _add(self, item: FieldItem | TypeOf | Subquery) -> None:
        if isinstance(item, FieldItem):
            self.selection.add(item)
        elif isinstance(item, TypeOf):
            self.selection.typeof(item)
        else:
            self._subquery(item.query)

    def _subquery(self, query: Query) -> None:
        """Take a child query into the record; its list is filled in when the parents are known."""
        statement, source = self.scope.statement, query.sources[0]
        name = source.path.parts[-1]
        link = _child_link(statement, self.scope.entity, name)
        if link is None or not self._qualified(source.path):
            raise statement.faults.no_such_children(str(source.path), source.path.at)
        _check_clauses(query)
        if is_aggregate(query) or is_count(query):
            message = "a subquery can not aggregate"
            raise statement.faults.malformed(message, source.path.at)
        entity, lookup = link
        inner = enter(statement, entity, (entity.name, name, source.alias), query.sources[1:])
        plan = _records(inner, query, lookup)
        shown = lookup.child_relationship_name or name
        shape = self.selection.shape
        if shown in shape.members:
            raise statement.faults.malformed(f"duplicate field selected: {shown}", source.path.at)
        shape.members[shown] = lambda _row: None
        self.selection.columns.append(column(shown, aggregate=True, inner=plan.columns))
        self.children.append(Child(shown, shape.slot, plan))

    def _qualified(self, path: Path) -> bool:
        """``Contacts`` or ``Account.Contacts``."""
        names = {self.scope.entity.name.lower(), *self.scope.qualifiers}
        return len(path.parts) == 1 or (len(path.parts) == 2 and path.parts[0].lower() in names)

    def _select(self, *extra: str) -> str:
        return f"SELECT {', '.join([*self.selection.slots.sql, *extra])}"

    def _from(self, where: Sql) -> str:
        return f" FROM {self.scope.from_sql()} WHERE {where.text}"

    def _top(self, where: Sql, order: Sql) -> Sql:
        head = Sql(self._select(), tuple(self.selection.slots.params))
        return join("", [head, Sql(self._from(where), where.params), order, _window(self.query)])

    def _children(self, where: Sql, order: Sql) -> Sql:
        """Children of all parents at once; LIMIT and OFFSET count within each parent."""
        link = self.selection.slots.sql[0]
        mine = Sql(f"{link} IN (SELECT value FROM json_each(?))", (PARENTS,))
        where = join(" AND ", [mine, where])
        select = tuple(self.selection.slots.params)
        if self.query.limit is None and not self.query.offset:
            body = Sql(self._select() + self._from(where), (*select, *where.params))
            return join("", [body, order])
        number = f"row_number() OVER (PARTITION BY {link}{order.text}) AS n"
        first = self.query.offset or 0
        last = -1 if self.query.limit is None else first + self.query.limit
        inside = Sql(
            f"SELECT * FROM ({self._select(number)}{self._from(where)})",
            (*select, *order.params, *where.params),
        )
        return join(
            "",
            [
                inside,
                Sql(" WHERE n > ? AND (? < 0 OR n <= ?)", (first, last, last)),
                Sql(" ORDER BY n"),
            ],
        )


def _child_links(statement: Statement, entity: SObject) -> Iterator[tuple[SObject, Field]]:
    for child in statement.schema:
        for lookup in child.fields.values():
            if lookup.child_relationship_name and entity.name in lookup.reference_to:
                yield child, lookup


def _child_link(statement: Statement, entity: SObject, name: str) -> tuple[SObject, Field] | None:
    """Return the object and the lookup behind a child relationship that the user may read."""
    wanted, access = name.lower(), statement.access
    for child, lookup in _child_links(statement, entity):
        if (lookup.child_relationship_name or "").lower() != wanted:
            continue
        if access.readable(child.name) and access.field_readable(child.name, lookup.name):
            return child, lookup
    return None
