"""Lookups on their way into a record: the parent exists, is of the right object, and may own it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from local_org.errors import OrgError, no_such_column
from local_org.records.blueprint import Blueprint, Blueprints
from local_org.records.draft import Draft
from local_org.records.sharing import reached
from local_org.records.store import Store
from local_org.schema.model import Field, SObject


class References:
    """Judges the lookups of one store's records."""

    def __init__(self, store: Store, blueprints: Blueprints) -> None:
        self._store = store
        self._blueprints = blueprints

    def faults(self, draft: Draft) -> Iterator[OrgError]:
        """Yield what is wrong with the lookups that the caller gave."""
        for name, targets in draft.blueprint.lookups.items():
            value = draft.given.get(name)
            if value is not None and draft.differs(name):
                fault = self._fault(draft, name, value, targets)
                if fault is not None:
                    yield fault

    def _fault(
        self, draft: Draft, name: str, value: str, targets: Mapping[str, str]
    ) -> OrgError | None:
        target = targets.get(value[:3])
        if target is None:
            label = draft.blueprint.columns[name.lower()].field.label
            text = f"{label}: id value of incorrect type: {value}"
            return OrgError("FIELD_INTEGRITY_EXCEPTION", text, (name,))
        if (target, value) not in draft.unit.verified:
            fault = self._missing(target, value) or self._out_of_reach(draft, target, value)
            if fault is not None:
                return fault
            draft.unit.verified.add((target, value))
        return self._unfit_owner(draft, target, value) if name == "OwnerId" else None

    def _missing(self, target: str, record_id: str) -> OrgError | None:
        column = '"IsDeleted"' if self._blueprints.of(target).soft else "0"
        sql = f'SELECT {column} FROM "{target}" WHERE "Id" = ?'
        found = self._store.connection.execute(sql, (record_id,)).fetchone()
        if found is None:
            return OrgError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        return OrgError("ENTITY_IS_DELETED", "entity is deleted") if found[0] else None

    def _out_of_reach(self, draft: Draft, target: str, record_id: str) -> OrgError | None:
        """Say that the record is not shared with the user, if it is not."""
        access = draft.unit.access
        if access.reads_every(target) or reached(self._store, target, access.user_id, (record_id,)):
            return None
        text = "insufficient access rights on cross-reference id"
        return OrgError("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", text)

    def _unfit_owner(self, draft: Draft, target: str, owner_id: str) -> OrgError | None:
        """Say why a record may not belong to this user or queue, if it may not."""
        entity = draft.blueprint.name
        if target == "User":
            if "UpdateWithInactiveOwner" in draft.unit.access.permissions:
                return None
            if self._one('SELECT 1 FROM "User" WHERE "Id" = ? AND "IsActive"', owner_id):
                return None
            text = (
                f"operation performed with inactive user [{owner_id[:15]}] "
                f"as owner of {entity.lower()}"
            )
            return OrgError("INACTIVE_OWNER_OR_USER", text, ("OwnerId",))
        sql = 'SELECT 1 FROM "QueueSobject" WHERE "QueueId" = ? AND "SobjectType" = ?'
        if target == "Group" and not self._one(sql, owner_id, entity):
            text = "Queue not associated with this SObject type"
            return OrgError("INVALID_OPERATION", text, ("OwnerId",))
        return None

    def by_external_id(
        self, blueprint: Blueprint, lookup: Field, named: Mapping[str, Any]
    ) -> str | None:
        """Return the id behind ``{"External_Id__c": "x"}``, given in place of a lookup's id.

        :raises OrgError: ``INVALID_FIELD``: no such key, or no record that has it.
        """
        keys = {name: value for name, value in named.items() if name not in ("attributes", "type")}
        target = self._named_target(lookup, named)
        if target is None or len(keys) != 1:
            raise no_such_column(lookup.relationship_name or lookup.name, blueprint.name)
        [(name, value)] = keys.items()
        field = target.get(name)
        if field is None or not (field.external_id or field.id_lookup):
            raise no_such_column(name, target.name)
        column = self._blueprints.of(target.name).columns[name.lower()]
        sql = f'SELECT "Id" FROM "{target.name}" WHERE "{field.name}" = ? LIMIT 1'
        found = self._one(sql, column.read(value))
        if found is None:
            text = (
                f"Foreign key external ID: {value} not found for field {field.name} "
                f"in entity {target.name}"
            )
            raise OrgError("INVALID_FIELD", text)
        return str(found)

    def _named_target(self, lookup: Field, named: Mapping[str, Any]) -> SObject | None:
        """Return the object a nested parent means: the only one, or the one it names itself."""
        attributes = named.get("attributes")
        kind = attributes.get("type") if isinstance(attributes, Mapping) else named.get("type")
        allowed = [t for t in lookup.reference_to if kind is None or t.lower() == str(kind).lower()]
        return self._store.schema.get(allowed[0]) if len(allowed) == 1 else None

    def _one(self, sql: str, *values: Any) -> Any:
        found = self._store.connection.execute(sql, values).fetchone()
        return None if found is None else found[0]
