"""Pieces of SQL with their parameters, and how pieces are put together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

_MOST_JOINED = 200


class Sql(NamedTuple):
    """A piece of SQL and its parameters, in order."""

    text: str
    params: tuple[Any, ...] = ()


TRUE, FALSE = Sql("1"), Sql("0")


def join(operator: str, pieces: Iterable[Sql]) -> Sql:
    """Join pieces by AND, OR or a comma."""
    kept = list(pieces)
    return Sql(operator.join(p.text for p in kept), tuple(x for p in kept for x in p.params))


def balanced(operator: str, pieces: list[Sql]) -> Sql:
    """Join many pieces as a tree that is no deeper than SQLite allows."""
    if len(pieces) <= _MOST_JOINED:
        return join(operator, pieces)
    middle = len(pieces) // 2
    halves = (balanced(operator, half) for half in (pieces[:middle], pieces[middle:]))
    return join(operator, (parenthesized(half) for half in halves))


def parenthesized(inner: Sql) -> Sql:
    """Put a piece in parentheses."""
    return Sql(f"({inner.text})", inner.params)


def negated(inner: Sql) -> Sql:
    """Return what is true wherever the piece is not, NULL included: SOQL knows no third value."""
    return Sql(f"NOT coalesce(({inner.text}), 0)", inner.params)
