"""Which rows a query sees before its own condition: not deleted, shared, in the scope asked for."""

from __future__ import annotations

from local_org.records.sharing import REACHED
from local_org.schema.model import Field
from local_org.soql.nodes import Query
from local_org.soql.scope import Scope
from local_org.soql.sql import TRUE, Sql, join

_PEOPLE = "005"
_QUEUES = "00G"
_BELOW = """
    WITH RECURSIVE below(id) AS (
        SELECT role."Id" FROM "UserRole" role JOIN "User" me ON role."ParentRoleId" = me."UserRoleId"
        WHERE me."Id" = ?
        UNION SELECT role."Id" FROM "UserRole" role JOIN below ON role."ParentRoleId" = below.id)
    SELECT ? UNION SELECT "Id" FROM "User" WHERE "UserRoleId" IN (SELECT id FROM below)"""
"""A user and everybody in a role below. Parameters: the user's id, twice."""
_UNLIMITED = frozenset({"everything", "scopingrule"})
"""Scopes that leave nothing out; the org has no scoping rules, so they let everything pass."""
_ELSEWHERE = frozenset({"delegated", "mine_and_my_groups", "my_territory", "my_team_territory"})
"""Scopes that the objects and features of other orgs have."""
_BY_OWNER = frozenset({"mine", "team", "queue_owned", "user_owned"})


def seen(scope: Scope, query: Query) -> Sql:
    """Return the condition of the rows that a query can see.

    :raises OrgError: ``MALFORMED_QUERY``: the object does not have the scope.
    """
    pieces = [_present(scope, query), _shared(scope), _owned(scope, query)]
    narrowing = [piece for piece in pieces if piece is not TRUE]
    return join(" AND ", narrowing) if narrowing else TRUE


def _present(scope: Scope, query: Query) -> Sql:
    deleted = scope.entity.get("IsDeleted")
    if scope.statement.all_rows or query.all_rows or deleted is None or not deleted.stored:
        return TRUE
    return Sql(f'{scope.alias}."IsDeleted" = 0')


def _shared(scope: Scope) -> Sql:
    """Return which rows the user may see, where that is not all of them."""
    statement = scope.statement
    if statement.access.reads_every(scope.entity.name):
        return TRUE
    user_id = statement.access.user_id
    return Sql(f'{scope.alias}."OwnerId" IN ({REACHED})', (user_id, user_id))


def _owned(scope: Scope, query: Query) -> Sql:
    """USING SCOPE: by owner, where the object has owners of the kind."""
    if query.scope is None or query.scope.lower() in _UNLIMITED:
        return TRUE
    name, faults = query.scope.lower(), scope.statement.faults
    place, owner = query.sources[0].path.at, scope.entity.get("OwnerId")
    if name not in _BY_OWNER | _ELSEWHERE:
        raise faults.malformed(f"unexpected token: '{query.scope}'", place)
    if name in _ELSEWHERE or owner is None or not _can_own(owner, name):
        message = f"{scope.entity.name} does not support the scope '{query.scope}'"
        raise faults.malformed(message, place)
    return _owners(f'{scope.alias}."OwnerId"', name, scope.statement.user["Id"])


def _can_own(owner: Field, name: str) -> bool:
    return name in ("mine", "team") or "Group" in owner.reference_to


def _owners(column: str, name: str, user_id: str) -> Sql:
    if name == "mine":
        return Sql(f"{column} = ?", (user_id,))
    if name == "team":
        return Sql(f"{column} IN ({_BELOW})", (user_id, user_id))
    prefix = _QUEUES if name == "queue_owned" else _PEOPLE
    return Sql(f"substr({column}, 1, 3) = ?", (prefix,))
