"""Tree → plan: names resolved, rights checked, SQL written. Nothing is read from the store here."""

from __future__ import annotations

from collections.abc import Iterator

from local_org.schema.model import Field, SObject
from local_org.soql.clauses import check_child, check_clauses, check_parents
from local_org.soql.conditions import filters
from local_org.soql.grouping import is_aggregate, is_count
from local_org.soql.nodes import FieldItem, Path, Query, Subquery, TypeOf
from local_org.soql.ordering import ordering, window
from local_org.soql.plan import PARENTS, Child, Plan
from local_org.soql.rows import column
from local_org.soql.scope import Scope, Statement
from local_org.soql.selection import Selection
from local_org.soql.sources import enter, open_scope
from local_org.soql.sql import Sql, join
from local_org.soql.terms import Terms
from local_org.soql.totals import aggregate_plan, count_plan


def compile_query(statement: Statement, query: Query) -> Plan:
    """Return the plan of a whole statement.

    :raises OrgError: ``INVALID_TYPE``, ``INVALID_FIELD``, ``MALFORMED_QUERY``,
        ``INVALID_QUERY_FILTER_OPERATOR``, ``NUMBER_OUTSIDE_VALID_RANGE``.
    """
    scope = open_scope(statement, query)
    check_clauses(scope, query)
    if is_count(query):
        return count_plan(scope, query)
    if is_aggregate(query):
        return aggregate_plan(scope, query)
    return _Records(scope, query, None).plan()


class _Records:
    """One query of records on its way to a plan."""

    def __init__(self, scope: Scope, query: Query, link: Field | None, level: int = 0) -> None:
        """Begin a query of records; with ``link`` of children, each row led by its parent's id."""
        self.scope, self.query, self.link, self.level = scope, query, link, level
        self.terms = Terms(scope)
        self.selection = Selection(scope, self.terms, link)
        self.children: list[Child] = []

    def plan(self) -> Plan:
        """Select list first, then the clauses: the joins they need come last into FROM."""
        for item in self.query.select:
            self._add(item)
        where = filters(self.scope, self.query)
        order = ordering(self.query, lambda e: self.terms.sortable(e, aggregates=False))
        check_parents(self.scope)
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
        entity, lookup = link
        inner = enter(statement, entity, (entity.name, name, source.alias), query.sources[1:])
        check_clauses(inner, query)
        check_child(inner, self.query, query, self.level + 1)
        plan = _Records(inner, query, lookup, self.level + 1).plan()
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
        return join("", [head, Sql(self._from(where), where.params), order, window(self.query)])

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
