"""Which records a user reaches where not everybody reaches all: by ownership, queue and role.

Sharing rules and manual shares are not modelled. Source: Salesforce Help, "Organization-Wide
Sharing Defaults", "Role Hierarchy"; Object Reference, "Organization" (DefaultLeadAccess).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from local_org.records.store import Store

PRIVATE: Final = "None"
"""Only the owner, and those above, see a record."""
READ_ONLY: Final = "Read"
"""Everybody sees a record; only the owner, and those above, change it."""
DEFAULTS: Final = {"Lead": "DefaultLeadAccess"}
"""Objects whose records are shared by a default → the field of ``Organization`` that says it."""
REACHED: Final = """
    WITH RECURSIVE below(id) AS (
        SELECT role."Id" FROM "UserRole" role JOIN "User" me ON role."ParentRoleId" = me."UserRoleId"
        WHERE me."Id" = ?
        UNION SELECT role."Id" FROM "UserRole" role JOIN below ON role."ParentRoleId" = below.id),
    people(id) AS (
        SELECT ? UNION SELECT "Id" FROM "User" WHERE "UserRoleId" IN (SELECT id FROM below)),
    groups(id) AS (
        SELECT "GroupId" FROM "GroupMember" WHERE "UserOrGroupId" IN (SELECT id FROM people)
        UNION SELECT member."GroupId" FROM "GroupMember" member
        JOIN groups ON member."UserOrGroupId" = groups.id)
    SELECT id FROM people UNION SELECT id FROM groups"""
"""Owners whose records a user reaches: the user, everybody in a role below, and the queues and
groups that any of them is in. Parameters: the user's id, twice."""


def sharing_defaults(store: Store) -> Mapping[str, str]:
    """Return what everybody may do with the records of each object whose default says it."""
    columns = ", ".join(f'"{column}"' for column in DEFAULTS.values())
    row = store.connection.execute(f'SELECT {columns} FROM "Organization"').fetchone()
    return {} if row is None else dict(zip(DEFAULTS, row, strict=True))


def reached(store: Store, entity: str, user_id: str, ids: Sequence[str]) -> set[str]:
    """Return those of these records that a user reaches."""
    sql = (
        f'SELECT "Id" FROM "{entity}" WHERE "OwnerId" IN ({REACHED}) '
        'AND "Id" IN (SELECT value FROM json_each(?))'
    )
    values = (user_id, user_id, orjson.dumps(list(ids)).decode())
    return {record_id for (record_id,) in store.connection.execute(sql, values)}
