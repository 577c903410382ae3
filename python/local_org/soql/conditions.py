"""WHERE and HAVING → SQL. Logic is two-valued, as in SOQL: null is unlike everything else."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from local_org.errors import OrgError
from local_org.schema.model import TEXT_TYPES, FieldType
from local_org.soql.folding import FOLD, folded
from local_org.soql.literals import Between, like_pattern, text_of
from local_org.soql.nodes import (
    Call,
    Comparison,
    Condition,
    Expression,
    Includes,
    Junction,
    Kind,
    Membership,
    Not,
    Parens,
    Query,
    SemiJoin,
)
from local_org.soql.ownership import seen
from local_org.soql.scope import Scope, Term
from local_org.soql.semi_joins import check_fields, check_semi_joins, selected_path
from local_org.soql.sources import open_scope
from local_org.soql.sql import FALSE, TRUE, Sql, balanced, join, negated, parenthesized
from local_org.soql.terms import Terms

_MOST_SPANS = 50
"""Spans of days compared one by one; SQLite takes long to plan more of them."""


class Conditions:
    """Compiles the conditions of one query; ``resolve`` makes terms of expressions."""

    def __init__(self, scope: Scope, resolve: Callable[[Expression], Term]) -> None:
        self.scope = scope
        self.statement = scope.statement
        self._resolve = resolve

    def sql(self, condition: Condition) -> Sql:
        """Return SQL that is true for the rows the condition selects; it may be NULL for others."""
        match condition:
            case Junction(operator, conditions):
                return balanced(f" {operator} ", [parenthesized(self.sql(c)) for c in conditions])
            case Parens(inner):
                return self.sql(inner)
            case Not(inner):
                return negated(self.sql(inner))
            case Comparison():
                return self._comparison(condition)
            case Membership():
                return self._membership(condition)
            case SemiJoin():
                return self._semi_join(condition)
            case Includes():
                return self._includes(condition)

    def _comparison(self, node: Comparison) -> Sql:
        term = self._resolve(node.left)
        self._check_distance(node.left, node.operator)
        if node.operator == "LIKE":
            return self._like(node, term)
        value = self.statement.encoder.encode(node.value, term.type, term.name)
        if node.operator == "=":
            return _equal(term, value)
        if node.operator == "!=":
            return _unlike(term, value)
        if term.type is FieldType.BOOLEAN:
            raise self._invalid_operator(term, node.left)
        if isinstance(value, Between):
            value = value.end if node.operator in (">", "<=") else value.start
            operator = {">": ">=", "<=": "<"}.get(node.operator, node.operator)
            return Sql(f"{term.compared} {operator} ?", (*term.params, value))
        if value is None:
            return FALSE
        left, value = term.versus(value)
        return Sql(f"{left} {node.operator} ?", (*term.params, value))

    def _check_distance(self, left: Expression, operator: str) -> None:
        if isinstance(left, Call) and left.function == "DISTANCE" and operator not in ("<", ">"):
            message = "a DISTANCE can only be compared by < and >"
            raise self.statement.faults.malformed(message, left.at)

    def _invalid_operator(self, term: Term, at: Expression) -> OrgError:
        message = f"invalid operator on {term.type.lower()} field"
        return self.statement.faults.at("INVALID_QUERY_FILTER_OPERATOR", message, at.at)

    def _like(self, node: Comparison, term: Term) -> Sql:
        if term.type not in TEXT_TYPES:
            raise self._invalid_operator(term, node.left)
        if node.value.kind is Kind.NULL:
            return _equal(term, None)
        self.statement.encoder.encode(node.value, term.type, term.name)
        pattern = like_pattern(node.value, self.statement.faults)
        return _by_column(term, lambda each: _alike(each, pattern))

    def _membership(self, node: Membership) -> Sql:
        term = self._resolve(node.left)
        self._check_distance(node.left, "IN")
        encode = self.statement.encoder.encode
        values = dict.fromkeys(encode(value, term.type, term.name) for value in node.values)
        plain = [v for v in values if v is not None and not isinstance(v, Between)]
        spans = [v for v in values if isinstance(v, Between)]
        many = len(spans) > _MOST_SPANS
        alone = [v for v in values if v is None or (isinstance(v, Between) and not many)]
        pieces = [_equal(term, v) for v in alone] + ([_within(term, spans)] if many else [])
        if plain:
            pieces.append(_by_column(term, lambda each: _among(each, plain)))
        found = balanced(" OR ", pieces)
        return negated(found) if node.negated else found

    def _includes(self, node: Includes) -> Sql:
        term = self._resolve(node.left)
        if term.type is not FieldType.MULTIPICKLIST:
            raise self._invalid_operator(term, node.left)
        found = balanced(" OR ", [self._all_of(term, v) for v in node.values])
        return negated(found) if node.negated else found

    def _all_of(self, term: Term, value: Any) -> Sql:
        """``'A;B'`` of INCLUDES: both are selected."""
        text = folded(text_of(value, self.statement.faults))
        in_one_case = "lower" if text.isascii() else FOLD
        piece = f"instr(';' || {in_one_case}({term.sql}) || ';', ?) > 0"
        wanted = [Sql(piece, (*term.params, f";{name};")) for name in text.split(";")]
        return parenthesized(balanced(" AND ", wanted))

    def _semi_join(self, node: SemiJoin) -> Sql:
        left = self._resolve(node.left)
        path = selected_path(node.query, self.statement.faults)
        inner = open_scope(self.statement, node.query)
        selected = inner.column(path)
        check_fields(self.scope, inner, node, left, selected)
        where = filters(inner, node.query)
        sql = f"SELECT {selected.sql} FROM {inner.from_sql()} WHERE {where.text}"
        params = (*left.params, *where.params)
        found = Sql(f"{left.sql} IN ({sql} AND {selected.sql} IS NOT NULL)", params)
        return negated(found) if node.negated else found


def _equal(term: Term, value: Any) -> Sql:
    if value is None:
        return Sql(f"{term.sql} IS NULL", term.params)
    if isinstance(value, Between):
        sql = f"({term.compared} >= ? AND {term.compared} < ?)"
        return Sql(sql, (*term.params, value.start, *term.params, value.end))
    return _by_column(term, lambda each: _among(each, [value]))


def _by_column(term: Term, condition: Callable[[Term], Sql]) -> Sql:
    """Return a condition that no blank fulfils; of a polymorphic parent, as one on its Id.

    So the parents are looked up once, and not one for each row.
    """
    lent = term.lent
    if lent is None or lent.sql != term.sql:
        return condition(term)
    parents = join(" UNION ALL ", (_ids_where(condition(each), each) for each in lent.columns))
    return Sql(f"{lent.key} IN ({parents.text})", parents.params)


def _ids_where(condition: Sql, column: Term) -> Sql:
    return Sql(f'SELECT "Id" FROM "{column.entity}" WHERE {condition.text}', condition.params)


def _alike(term: Term, pattern: str) -> Sql:
    left = term.sql if pattern.isascii() else term.versus(pattern)[0]
    return Sql(f"{left} LIKE ? ESCAPE '\\'", (*term.params, folded(pattern)))


def _among(term: Term, values: list[Any]) -> Sql:
    """Whether the value is one of these; those beyond ASCII are compared apart."""
    sides = defaultdict(list)
    for left, value in map(term.versus, values):
        sides[left].append(value)
    pieces = [
        Sql(f"{left} IN ({', '.join('?' * len(listed))})", (*term.params, *listed))
        for left, listed in sides.items()
    ]
    return pieces[0] if len(pieces) == 1 else parenthesized(join(" OR ", pieces))


def _within(term: Term, spans: list[Between]) -> Sql:
    """Whether the value lies in any of many spans of days."""
    ends = json.dumps([(each.start, each.end) for each in spans])
    inside = "{0} >= json_extract(value, '$[0]') AND {0} < json_extract(value, '$[1]')"
    sql = f"EXISTS (SELECT 1 FROM json_each(?) WHERE {inside.format(term.compared)})"
    return Sql(sql, (ends, *term.params, *term.params))


def _unlike(term: Term, value: Any) -> Sql:
    if value is None:
        return Sql(f"{term.sql} IS NOT NULL", term.params)
    if isinstance(value, Between):
        return negated(_equal(term, value))
    left, value = term.versus(value)
    return Sql(f"{left} IS NOT ?", (*term.params, value))


def filters(scope: Scope, query: Query) -> Sql:
    """Return WHERE: rows that the query can see and that meet its condition."""
    visible = seen(scope, query)
    if query.where is None:
        return visible
    check_semi_joins(query)
    terms = Terms(scope)
    wanted = parenthesized(Conditions(scope, terms.filterable).sql(query.where))
    return wanted if visible is TRUE else join(" AND ", [visible, wanted])
