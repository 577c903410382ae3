"""Deleting, with what hangs on a record, and the way back from the recycle bin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from local_org.errors import OrgError, invalid_type
from local_org.ids import id18
from local_org.records.blueprint import Blueprint
from local_org.records.changes import ChangeKind, RecordChange
from local_org.records.draft import access_refused, no_such_record, record_is_deleted
from local_org.records.judge import duplicates
from local_org.records.results import Refused, Unit
from local_org.records.writing import Writer, stamps
from local_org.schema.model import ChildRelationship

_KIND = "$cascade"
"""Document by record id: the ids of what was deleted along with the record."""
_LISTED = 10
_KEPT_MS = 15 * 24 * 3_600_000
"""Fifteen days. Source: Salesforce Help, "View, Restore, and Manage the Recycle Bin"."""


class RecycleBin:
    """Deletes and restores records of one store."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._store = writer.store
        self._blueprints = writer.blueprints

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
        self._writer.check_reach(unit, blueprint, row)
        self._writer.before_write(ChangeKind.DELETE)
        gone: list[str] = []
        self._remove(unit, blueprint, row, gone)
        if len(gone) > 1 and blueprint.soft:
            self._store.put_document(_KIND, row["Id"], orjson.dumps(gone[1:]))
        unit.verified.clear()
        return str(row["Id"])

    def undelete(self, unit: Unit, record_id: str) -> str:
        """Bring a record back, with what was deleted along with it.

        A record that went in a merge comes back alone: its children stay where they were moved.

        :raises OrgError: ``UNDELETE_FAILED`` when it is not in the recycle bin, or its master is
            still there; ``Refused`` when another record has a unique value of its.
        """
        blueprint, row = self._find(unit, record_id)
        lies_there = row.get("IsDeleted") and unit.stamp - row["SystemModstamp"] <= _KEPT_MS
        if not blueprint.sobject.undeletable or not lies_there:
            raise OrgError("UNDELETE_FAILED", "Entity is not in the recycle bin")
        if not unit.access.deletable(blueprint.name):
            raise access_refused()
        self._writer.check_reach(unit, blueprint, row)
        self._check_masters(blueprint, row)
        self._restore(unit, blueprint, row)
        for child_id in self._went_along(row["Id"]):
            child = self._blueprints.of_id(child_id)
            found = self._store.row(child.name, child_id) if child else None
            if child is not None and found is not None and found["IsDeleted"]:
                self._restore(unit, child, found)
        self._store.drop_document(_KIND, row["Id"])
        return str(row["Id"])

    def purge(self, unit: Unit, record_id: str) -> str:
        """Remove a record from the recycle bin for good, with what was deleted along with it.

        Nobody is told: hard deletes make no change event.

        :raises OrgError: it is not there, or the caller did not delete it and may not modify all.
        """
        _, row = self._find(unit, record_id)
        if not row.get("IsDeleted"):
            raise OrgError("INVALID_OPERATION", "Entity is not in the recycle bin")
        mine = row.get("LastModifiedById", unit.user_id) == unit.user_id
        if not (mine or "ModifyAllData" in unit.access.permissions):
            raise access_refused()
        for each in (row["Id"], *self._went_along(row["Id"])):
            child = self._blueprints.of_id(each)
            if child is not None:
                self._store.delete_row(child.name, each)
        self._store.drop_document(_KIND, row["Id"])
        return str(row["Id"])

    def retire(self, unit: Unit, blueprint: Blueprint, row: dict[str, Any], **values: Any) -> None:
        """Put one record into the recycle bin with these values, and nothing that hangs on it."""
        after = row | {"IsDeleted": 1, **values, **stamps(unit, blueprint)}
        self._write(blueprint, row, after)
        change = RecordChange(blueprint.name, row["Id"], ChangeKind.DELETE, row, None, frozenset())
        unit.changes.append(change)

    def children(
        self, blueprint: Blueprint, record_id: str
    ) -> Iterator[tuple[ChildRelationship, Blueprint, list[dict[str, Any]]]]:
        """Yield the lookups that point at a record, each with the records that hold its id."""
        for relation in blueprint.children:
            child = self._blueprints.of(relation.child)
            alive = ' AND NOT "IsDeleted"' if child.soft else ""
            found = self._store.select(child.name, f'"{relation.field}" = ?{alive}', (record_id,))
            if found:
                yield relation, child, found

    def _went_along(self, record_id: str) -> list[str]:
        """Return the ids of what was deleted along with a record."""
        kept = self._store.document(_KIND, record_id)
        return orjson.loads(kept.body) if kept else []

    def _check_masters(self, blueprint: Blueprint, row: dict[str, Any]) -> None:
        """Refuse to bring a detail back whose master is in the recycle bin (our reading)."""
        for name, targets in blueprint.lookups.items():
            field = blueprint.columns[name.lower()].field
            if field.relationship_order is None or row[name] is None:
                continue
            master = self._store.row(targets[row[name][:3]], row[name])
            if master is None or master.get("IsDeleted"):
                raise OrgError("UNDELETE_FAILED", f"Master record is deleted: {row[name]}")

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
        for relation, child, found in list(self.children(blueprint, row["Id"])):
            if relation.restricted_delete:
                raise _delete_failed(row, found)
            if relation.cascade_delete:
                for each in found:
                    if each["Id"] not in gone:
                        self._remove(unit, child, each, gone)
            elif child.columns[relation.field.lower()].field.custom:
                self._clear(unit, child, relation.field, found)
        if blueprint.soft:
            self.retire(unit, blueprint, row)
            return
        self._store.delete_row(blueprint.name, row["Id"])
        change = RecordChange(blueprint.name, row["Id"], ChangeKind.DELETE, row, None, frozenset())
        unit.changes.append(change)

    def _clear(self, unit: Unit, child: Blueprint, field: str, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            after = row | {field: None, **stamps(unit, child)}
            changed = self._write(child, row, after)
            unit.changes.append(
                RecordChange(child.name, row["Id"], ChangeKind.UPDATE, row, after, changed)
            )

    def _restore(self, unit: Unit, blueprint: Blueprint, row: dict[str, Any]) -> None:
        back = {"IsDeleted": 0, **stamps(unit, blueprint)}
        if "MasterRecordId" in row:
            back["MasterRecordId"] = None
        after = row | back
        taken = tuple(duplicates(self._store, blueprint, after, blueprint.unique))
        if taken:
            raise Refused(*taken)
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


def _delete_failed(row: dict[str, Any], found: list[dict[str, Any]]) -> OrgError:
    named = row.get("Name") or row["Id"]
    listed = ", ".join(str(each["Id"]) for each in found[:_LISTED])
    text = (
        f"Your attempt to delete {named} could not be completed because it is associated with "
        f"the following records: {listed}"
    )
    return OrgError("DELETE_FAILED", text)
