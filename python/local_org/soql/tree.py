"""From grammar productions to nodes: one method per production, called while the text is parsed."""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer

from local_org.soql.nodes import (
    Branch,
    Call,
    Category,
    Comparison,
    FieldItem,
    Includes,
    Junction,
    Kind,
    Literal,
    Membership,
    Not,
    OrderItem,
    Parens,
    Path,
    Position,
    Query,
    SemiJoin,
    Source,
    Subquery,
    TypeOf,
)

Clause = tuple[str, Any]


def _place(token: Token) -> Position:
    return Position(token.line or 1, token.column or 1)


def _literal(kind: Kind, token: Token) -> Literal:
    return Literal(kind, str(token), _place(token))


class Builder(Transformer[Token, Query]):
    """Builds the tree of ``nodes`` bottom-up. The docstrings are the productions."""

    def query(self, children: list[Any]) -> Query:
        """Query: SELECT items FROM sources clause*."""
        select, sources, *clauses = children
        found: dict[str, Any] = {}
        for name, value in clauses:
            found[name] = found[name] + value if name in found else value
        return Query(tuple(select), tuple(sources), **found)

    def select_list(self, items: list[Any]) -> list[Any]:
        """Items: item (, item)*."""
        return items

    def field_item(self, children: list[Any]) -> FieldItem:
        """Item: expression alias?."""
        return FieldItem(*children)

    def alias(self, children: list[Token]) -> str:
        """Alias: NAME."""
        return str(children[0])

    def subquery(self, children: list[Query]) -> Subquery:
        """Item: ( Query )."""
        return Subquery(children[0])

    def typeof(self, children: list[Any]) -> TypeOf:
        """Item: TYPEOF path branch+ (ELSE paths)? END."""
        path, *rest = children
        branches = tuple(child for child in rest if isinstance(child, Branch))
        return TypeOf(path, branches, rest[-1] if not isinstance(rest[-1], Branch) else None)

    def branch(self, children: list[Any]) -> Branch:
        """Branch: WHEN NAME THEN paths."""
        entity, paths = children
        return Branch(str(entity), paths, _place(entity))

    def otherwise(self, children: list[tuple[Path, ...]]) -> tuple[Path, ...]:
        """Otherwise: ELSE paths."""
        return children[0]

    def paths(self, children: list[Path]) -> tuple[Path, ...]:
        """Paths: path (, path)*."""
        return tuple(children)

    def path(self, names: list[Token]) -> Path:
        """Path: NAME (. NAME)*."""
        return Path(tuple(str(name) for name in names), _place(names[0]))

    def call(self, children: list[Any]) -> Call:
        """Call: NAME ( arguments )."""
        name, *arguments = children
        return Call(str(name), tuple(arguments), _place(name))

    def sources(self, children: list[Source]) -> list[Source]:
        """From: source (, source)*."""
        return children

    def source(self, children: list[Any]) -> Source:
        """Source: path (AS? alias)?."""
        return Source(*children)

    def scope(self, children: list[Token]) -> Clause:
        """Scope: USING SCOPE NAME."""
        return "scope", str(children[0])

    def where(self, children: list[Any]) -> Clause:
        """Where: WHERE condition."""
        return "where", children[0]

    def conjunction(self, children: list[Any]) -> Junction:
        """Conjunction: simple AND simple …; an OR needs parentheses."""
        return Junction("AND", tuple(children))

    def disjunction(self, children: list[Any]) -> Junction:
        """Disjunction: simple OR simple …; an AND needs parentheses."""
        return Junction("OR", tuple(children))

    def negation(self, children: list[Any]) -> Not:
        """Negation: NOT simple."""
        return Not(children[0])

    def parens(self, children: list[Any]) -> Parens:
        """Parentheses: ( condition )."""
        return Parens(children[0])

    def comparison(self, children: list[Any]) -> Comparison:
        """Comparison: expression operator literal."""
        left, operator, value = children
        name = operator.upper()
        return Comparison(left, "!=" if name == "<>" else name, value)

    def membership(self, children: list[Any]) -> Membership:
        """Membership: expression (IN | NOT IN) ( literals )."""
        left, operator, *values = children
        return Membership(left, operator.type == "NOT_IN", tuple(values))

    def semi_join(self, children: list[Any]) -> SemiJoin:
        """SemiJoin: expression (IN | NOT IN) ( Query )."""
        left, operator, query = children
        return SemiJoin(left, operator.type == "NOT_IN", query)

    def includes(self, children: list[Any]) -> Includes:
        """Inclusion: expression (INCLUDES | EXCLUDES) ( strings )."""
        left, operator, *values = children
        return Includes(left, operator.type == "EXCLUDES", tuple(values))

    def value(self, children: list[Literal]) -> Literal:
        """Value: a literal."""
        return children[0]

    def string(self, children: list[Token]) -> Literal:
        """Value: 'text'."""
        return Literal(Kind.STRING, str(children[0])[1:-1], _place(children[0]))

    text = string

    def number(self, children: list[Token]) -> Literal:
        """Value: NUMBER."""
        return _literal(Kind.NUMBER, children[0])

    def currency(self, children: list[Token]) -> Literal:
        """Value: USD5000."""
        return _literal(Kind.CURRENCY, children[0])

    def datetime(self, children: list[Token]) -> Literal:
        """Value: 2026-11-02T10:00:00Z."""
        return _literal(Kind.DATETIME, children[0])

    def date(self, children: list[Token]) -> Literal:
        """Value: 2026-11-02."""
        return _literal(Kind.DATE, children[0])

    def time(self, children: list[Token]) -> Literal:
        """Value: 10:00:00.000Z."""
        return _literal(Kind.TIME, children[0])

    def range(self, children: list[Token]) -> Literal:
        """Value: LAST_N_DAYS:7."""
        text = "".join(str(children[0]).split()).upper()
        return Literal(Kind.RANGE, text, _place(children[0]))

    def boolean(self, children: list[Token]) -> Literal:
        """Value: TRUE or FALSE."""
        return Literal(Kind.BOOLEAN, str(children[0]).upper(), _place(children[0]))

    def null(self, children: list[Token]) -> Literal:
        """Value: null."""
        return Literal(Kind.NULL, "null", _place(children[0]))

    def mode(self, children: list[Token]) -> Clause:
        """With: WITH SECURITY_ENFORCED | USER_MODE | SYSTEM_MODE."""
        return "modes", (children[0].upper(),)

    def categories(self, children: list[Category]) -> Clause:
        """With: WITH DATA CATEGORY category (AND category)*."""
        return "categories", tuple(children)

    def category(self, children: list[Token]) -> Category:
        """Category: NAME selector names."""
        group, selector, *names = children
        return Category(str(group), selector.upper(), tuple(str(name) for name in names))

    def having(self, children: list[Any]) -> Clause:
        """Having: HAVING condition."""
        return "having", children[0]

    def order_item(self, children: list[Any]) -> OrderItem:
        """Order: expression (ASC | DESC)? (NULLS FIRST | NULLS LAST)?."""
        expression, *tokens = children
        words = {token.type: " ".join(token.upper().split()) for token in tokens}
        nulls = words.get("NULLS", "").removeprefix("NULLS ")
        return OrderItem(expression, words.get("DIRECTION"), nulls or None)

    def order_by(self, children: list[OrderItem]) -> Clause:
        """OrderBy: ORDER BY item (, item)*."""
        return "order_by", tuple(children)

    def limit(self, children: list[Token]) -> Clause:
        """Limit: LIMIT INT."""
        return "limit", int(children[0])

    def offset(self, children: list[Token]) -> Clause:
        """Offset: OFFSET INT."""
        return "offset", int(children[0])

    def purpose(self, children: list[Token]) -> Clause:
        """Purpose: FOR VIEW | REFERENCE | UPDATE."""
        return "purposes", (children[0].upper(),)

    def all_rows(self, _children: list[Token]) -> Clause:
        """AllRows: ALL ROWS."""
        return "all_rows", True

    def updates(self, children: list[Token]) -> Clause:
        """Tally: UPDATE (TRACKING | VIEWSTAT)+."""
        return "updates", tuple(token.upper() for token in children)

    def group_by(self, children: list[Any]) -> Clause:
        """GroupBy: GROUP BY expression (, expression)*."""
        return "group_by", tuple(children)
