"""Deleting, with what hangs on a record, and the way back from the recycle bin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from local_org.errors import OrgError, invalid_type
from local_org.ids import id18
from local_org.records.blueprint import Blueprint, Blueprints
from local_org.records.changes import ChangeKind, RecordChange
from local_org.records.draft import access_refused, no_such_record, record_is_deleted
from local_org.records.results import Unit
from local_org.records.store import Store
from local_org.schema.model import ChildRelationship

_KIND = "$cascade"
"""Document by record id: the ids of what was deleted along with the record."""
_LISTED = 10


class RecycleBin:
    """Deletes and restores records of one store."""

    def __init__(self, store: Store, blueprints: Blueprints) -> None:
        self._store = store
        self._blueprints = blueprints

    def delete(self, unit: Unit, record_id: str) -> str:
        """Delete a record and its cascading children; clear custom lookups that point at it.

        :raises OrgError: there is none, it is deleted, the user may not, or ``DELETE_FAILED`` when
            a child forbids it.
        """
        blueprint, row = self._find(unit, record_id)
        if row.get("IsDeleted"):
            raise record_is_deleted()
        if not blueprint.sobject.deletable:
            text = f"entity type cannot be deleted: {blueprint.sobject.label}"
            raise OrgError("INVALID_TYPE_FOR_OPERATION", text)
        if not unit.access.deletable(blueprint.name):
            raise access_refused()
        gone: list[str] = []
        self._remove(unit, blueprint, row, gone)
        if len(gone) > 1 and blueprint.soft:
            self._store.put_document(_KIND, row["Id"], orjson.dumps(gone[1:]))
        unit.verified.clear()
        return str(row["Id"])

    def undelete(self, unit: Unit, record_id: str) -> str:
        """Bring a record back, with what was deleted along with it.

        :raises OrgError: ``UNDELETE_FAILED`` when it is not in the recycle bin.
        """
        blueprint, row = self._find(unit, record_id)
        if not blueprint.sobject.undeletable or not row.get("IsDeleted"):
            raise OrgError("UNDELETE_FAILED", "Entity is not in the recycle bin")
        if not unit.access.deletable(blueprint.name):
            raise access_refused()
        self._restore(unit, blueprint, row)
        kept = self._store.document(_KIND, row["Id"])
        for child_id in orjson.loads(kept.body) if kept else ():
            child = self._blueprints.of_id(child_id)
            found = self._store.row(child.name, child_id) if child else None
            if child is not None and found is not None and found["IsDeleted"]:
                self._restore(unit, child, found)
        self._store.drop_document(_KIND, row["Id"])
        return str(row["Id"])

    def _find(self, unit: Unit, record_id: str) -> tuple[Blueprint, dict[str, Any]]:
        whole = id18(record_id)
        blueprint = self._blueprints.of_id(whole)
        if blueprint is None:
            raise no_such_record()
        if not unit.access.readable(blueprint.name):
            raise invalid_type(blueprint.name)
        row = self._store.row(blueprint.name, whole)
        if row is None:
            raise no_such_record()
        return blueprint, row

    def _remove(
        self, unit: Unit, blueprint: Blueprint, row: dict[str, Any], gone: list[str]
    ) -> None:
        gone.append(row["Id"])
        for relation, child, found in list(self._children(blueprint, row["Id"])):
            if relation.restricted_delete:
                raise _delete_failed(row, found)
            if relation.cascade_delete:
                for each in found:
                    if each["Id"] not in gone:
                        self._remove(unit, child, each, gone)
            elif child.columns[relation.field.lower()].field.custom:
                self._clear(unit, child, relation.field, found)
        if blueprint.soft:
            after = row | {"IsDeleted": 1, **_stamps(unit, blueprint)}
            self._write(blueprint, row, after)
        else:
            self._store.delete_row(blueprint.name, row["Id"])
        change = RecordChange(blueprint.name, row["Id"], ChangeKind.DELETE, row, None, frozenset())
        unit.changes.append(change)

    def _children(
        self, blueprint: Blueprint, record_id: str
    ) -> Iterator[tuple[ChildRelationship, Blueprint, list[dict[str, Any]]]]:
        for relation in blueprint.children:
            child = self._blueprints.of(relation.child)
            alive = ' AND NOT "IsDeleted"' if child.soft else ""
            found = self._store.select(child.name, f'"{relation.field}" = ?{alive}', (record_id,))
            if found:
                yield relation, child, found

    def _clear(self, unit: Unit, child: Blueprint, field: str, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            after = row | {field: None, **_stamps(unit, child)}
            changed = self._write(child, row, after)
            unit.changes.append(
                RecordChange(child.name, row["Id"], ChangeKind.UPDATE, row, after, changed)
            )

    def _restore(self, unit: Unit, blueprint: Blueprint, row: dict[str, Any]) -> None:
        after = row | {"IsDeleted": 0, **_stamps(unit, blueprint)}
        self._write(blueprint, row, after)
        changed = frozenset(name for name, value in after.items() if value is not None)
        unit.changes.append(
            RecordChange(blueprint.name, row["Id"], ChangeKind.UNDELETE, row, after, changed)
        )

    def _write(
        self, blueprint: Blueprint, before: dict[str, Any], after: dict[str, Any]
    ) -> frozenset[str]:
        values = {name: value for name, value in after.items() if value != before[name]}
        self._store.update_row(blueprint.name, before["Id"], values)
        return frozenset(values)


def _stamps(unit: Unit, blueprint: Blueprint) -> dict[str, Any]:
    wanted = {
        "LastModifiedDate": unit.stamp,
        "LastModifiedById": unit.user_id,
        "SystemModstamp": unit.stamp,
    }
    return {name: value for name, value in wanted.items() if name in blueprint.audit}


def _delete_failed(row: dict[str, Any], found: list[dict[str, Any]]) -> OrgError:
    named = row.get("Name") or row["Id"]
    listed = ", ".join(str(each["Id"]) for each in found[:_LISTED])
    text = (
        f"Your attempt to delete {named} could not be completed because it is associated with "
        f"the following records: {listed}"
    )
    return OrgError("DELETE_FAILED", text)
