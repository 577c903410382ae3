"""FROM: the scope of a query over its object, with further sources as names of parents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from local_org.schema.model import SObject
from local_org.soql.nodes import Path, Query, Source
from local_org.soql.scope import Scope, Statement


def open_scope(statement: Statement, query: Query) -> Scope:
    """Return the scope of a query that selects from an object of the schema.

    :raises OrgError: ``INVALID_TYPE``: no such object.
    """
    first, *others = query.sources
    if len(first.path.parts) > 1:
        raise statement.faults.no_such_type(str(first.path), first.path.at)
    entity = statement.object(first.path.parts[0], first.path.at)
    return enter(statement, entity, (entity.name, first.alias), others)


def enter(
    statement: Statement,
    entity: SObject,
    names: Iterable[str | None],
    others: Sequence[Source],
) -> Scope:
    """Return a scope with further FROM items (``Contact c, c.Account a``) as names of parents."""
    scope = Scope(statement, entity, frozenset(name.lower() for name in names if name))
    for source in others:
        whole = Path((*source.path.parts, ""), source.path.at)
        scope.named[(source.alias or source.path.parts[-1]).lower()] = scope.steps(whole)[-1]
    return scope
