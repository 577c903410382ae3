"""What profile, permission sets and groups grant to one user, put together from the org's rows.

A group grants what its sets grant, without what its muting set mutes; nothing else takes away.

Source: Object Reference, "PermissionSet", "PermissionSetGroup", "MutingPermissionSet".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import orjson

from local_org.records.store import Store

_PREFIX = "Permissions"
_MUTING = "0QM"


Flags = frozenset[str]
"""``Read``, ``Create``, ``Edit`` … ``ViewAllFields``; without Read none of the others holds."""


@dataclass(frozen=True, slots=True)
class Grants:
    """Everything that is granted."""

    permissions: frozenset[str] = frozenset()
    custom_permissions: frozenset[str] = frozenset()
    objects: Mapping[str, Flags] = field(default_factory=dict)
    fields: Mapping[str, Flags] = field(default_factory=dict)
    """By object and field, as ``Lead.Industry``; what is not listed may not be read."""

    def __or__(self, other: Grants) -> Grants:
        """Return what either grants."""
        return Grants(
            self.permissions | other.permissions,
            self.custom_permissions | other.custom_permissions,
            _either(self.objects, other.objects),
            _either(self.fields, other.fields),
        )

    def __sub__(self, muted: Grants) -> Grants:
        """Return what is left when that is muted."""
        return Grants(
            self.permissions - muted.permissions,
            self.custom_permissions - muted.custom_permissions,
            _without(self.objects, muted.objects),
            _without(self.fields, muted.fields),
        )


def _either(one: Mapping[str, Flags], other: Mapping[str, Flags]) -> dict[str, Flags]:
    return dict(one) | {name: flags | one.get(name, Flags()) for name, flags in other.items()}


def _without(granted: Mapping[str, Flags], muted: Mapping[str, Flags]) -> dict[str, Flags]:
    left = {name: flags - muted.get(name, Flags()) for name, flags in granted.items()}
    return {name: flags for name, flags in left.items() if "Read" in flags}


def granted_to(store: Store, user_id: str, now: int) -> tuple[Grants, int | None]:
    """Return what a user is granted, and when the first assignment of it expires.

    What needs an activated session is never granted: the API activates none.
    """
    user = store.row("User", user_id)
    owned = store.select("PermissionSet", '"ProfileId" = ?', (user and user["ProfileId"],))
    sets = [row["Id"] for row in owned]
    groups: list[str] = []
    ends: list[int] = []
    for row in store.select(
        "PermissionSetAssignment", '"AssigneeId" = ? AND "IsActive" AND NOT "IsRevoked"', (user_id,)
    ):
        if row["ExpirationDate"] is not None:
            if row["ExpirationDate"] <= now:
                continue
            ends.append(row["ExpirationDate"])
        sets += filter(None, [row["PermissionSetId"]])
        groups += filter(None, [row["PermissionSetGroupId"]])
    of_groups = (_of_group(store, row) for row in _active(store, "PermissionSetGroup", groups))
    return reduce(Grants.__or__, of_groups, _of_sets(store, sets)), min(ends, default=None)


def _of_group(store: Store, group: Mapping[str, Any]) -> Grants:
    members = store.select(
        "PermissionSetGroupComponent", '"PermissionSetGroupId" = ?', (group["Id"],)
    )
    ids = [row["PermissionSetId"] for row in members if row["PermissionSetId"]]
    muting = [each for each in ids if each.startswith(_MUTING)]
    granted = _of_sets(store, [each for each in ids if not each.startswith(_MUTING)])
    if not muting:
        return granted
    rows = store.select("MutingPermissionSet", _among("Id"), _ids(muting))
    return granted - _held_by(store, rows)


def _of_sets(store: Store, sets: Iterable[str]) -> Grants:
    return _held_by(store, _active(store, "PermissionSet", sets))


def _active(store: Store, entity: str, ids: Iterable[str]) -> list[dict[str, Any]]:
    return store.select(entity, f'{_among("Id")} AND NOT "HasActivationRequired"', _ids(ids))


def _held_by(store: Store, rows: list[dict[str, Any]]) -> Grants:
    """Return what these permission sets hold, whether they grant it or mute it."""
    holding = _ids(row["Id"] for row in rows)
    objects: dict[str, Flags] = {}
    for row in store.select("ObjectPermissions", _among("ParentId"), holding):
        objects[row["SobjectType"]] = objects.get(row["SobjectType"], Flags()) | _flags(row)
    fields: dict[str, Flags] = {}
    for row in store.select("FieldPermissions", _among("ParentId"), holding):
        fields[row["Field"]] = fields.get(row["Field"], Flags()) | _flags(row)
    permissions = Flags().union(*map(_flags, rows))
    return Grants(permissions, _custom_permissions(store, holding), objects, fields)


def _custom_permissions(store: Store, holding: tuple[str]) -> Flags:
    sql = (
        'SELECT "DeveloperName" FROM "CustomPermission" WHERE "Id" IN '
        f'(SELECT "SetupEntityId" FROM "SetupEntityAccess" WHERE {_among("ParentId")})'
    )
    return Flags(name for (name,) in store.connection.execute(sql, holding))


def _flags(row: Mapping[str, Any]) -> Flags:
    """Return the permissions a row grants, by name without prefix."""
    return Flags(
        name.removeprefix(_PREFIX)
        for name, value in row.items()
        if value and name.startswith(_PREFIX)
    )


def _among(column: str) -> str:
    return f'"{column}" IN (SELECT value FROM json_each(?))'


def _ids(ids: Iterable[str]) -> tuple[str]:
    return (orjson.dumps(list(ids)).decode(),)
