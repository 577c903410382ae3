"""One record at a time: created or changed as a caller asks, or as the org itself wants it.

Order as on the platform: object permission; fields and their types; lookups, required fields and
unique values; validation rules. A record that is refused has changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from local_org.errors import OrgError, invalid_type
from local_org.ids import id18
from local_org.records.blueprint import Blueprint, Blueprints
from local_org.records.changes import ChangeKind, RecordChange
from local_org.records.draft import (
    Draft,
    access_refused,
    no_such_record,
    record_is_deleted,
)
from local_org.records.intake import Intake, Values
from local_org.records.judge import Judge
from local_org.records.references import References
from local_org.records.results import Unit
from local_org.records.sharing import reached
from local_org.records.store import Store


class Writer:
    """Writes records of one store."""

    def __init__(self, store: Store, blueprints: Blueprints) -> None:
        self.store = store
        self.blueprints = blueprints
        references = References(store, blueprints)
        self._intake = Intake(references)
        self._judge = Judge(store, references)
        self.before_write: Callable[[ChangeKind], None] = lambda _: None
        """Called before a record is written; an ``OrgError`` refuses it."""

    @contextmanager
    def whole(self, unit: Unit) -> Iterator[None]:
        """Keep all that the block writes, or nothing when it raises."""
        mark = len(unit.changes)
        try:
            with self.store.transaction():
                yield
        except BaseException:
            del unit.changes[mark:]
            unit.verified.clear()
            raise

    # -- as a caller asks -------------------------------------------------------------------------

    def create(self, unit: Unit, entity: str, values: Values) -> str:
        """Create a record from values as JSON has them; return its id.

        :raises Refused: with all that is wrong with the values; ``OrgError``: the caller may not.
        """
        blueprint = self.admitted(unit, entity)
        if not blueprint.sobject.createable:
            text = f"entity type cannot be inserted: {blueprint.sobject.label}"
            raise OrgError("INVALID_TYPE_FOR_OPERATION", text)
        if not unit.access.createable(blueprint.name):
            raise access_refused()
        given, faults = self._intake.read(unit, blueprint, values, creating=True)
        return self._insert(unit, blueprint, given, faults)

    def change(self, unit: Unit, entity: str, record_id: str, values: Values, **also: Any) -> str:
        """Change a record; return its id in 18 characters.

        ``also`` is what the org adds to the values, in stored encoding.

        :raises Refused: with all that is wrong with the values; ``OrgError``: the caller may not,
            or there is no such record.
        """
        blueprint = self.admitted(unit, entity)
        before = self.existing(unit, blueprint, record_id)
        if not (blueprint.sobject.updateable and unit.access.editable(blueprint.name)):
            raise access_refused()
        given, faults = self._intake.read(unit, blueprint, values, creating=False)
        self._update(unit, blueprint, before, given | also, faults)
        return str(before["Id"])

    def admitted(self, unit: Unit, entity: str) -> Blueprint:
        """Return the blueprint of an object that exists for the user."""
        blueprint = self.blueprints.of(entity)
        if not unit.access.readable(blueprint.name):
            raise invalid_type(entity)
        return blueprint

    def existing(self, unit: Unit, blueprint: Blueprint, record_id: str) -> dict[str, Any]:
        """Return the row of a record that can be written."""
        if not record_id:
            raise OrgError("MISSING_ARGUMENT", "Id not specified in an update call", ("Id",))
        before = self.store.row(blueprint.name, id18(record_id))
        if before is None:
            raise no_such_record()
        if before.get("IsDeleted"):
            raise record_is_deleted()
        self.check_reach(unit, blueprint, before)
        self.before_write(ChangeKind.UPDATE)
        return before

    def check_reach(self, unit: Unit, blueprint: Blueprint, row: Mapping[str, Any]) -> None:
        """Let a record be written that is shared with the user.

        :raises OrgError: ``INSUFFICIENT_ACCESS_OR_READONLY``.
        """
        if not unit.access.edits_every(blueprint.name) and not reached(
            self.store, blueprint.name, unit.user_id, (row["Id"],)
        ):
            raise access_refused()

    # -- as the org wants it ----------------------------------------------------------------------

    def settle(self, unit: Unit, blueprint: Blueprint, before: dict[str, Any], **to: Any) -> None:
        """Set fields that no caller may write, in stored encoding; validation rules still judge."""
        self._update(unit, blueprint, before, to, ())

    def repoint(self, unit: Unit, blueprint: Blueprint, record_id: str, **to: Any) -> None:
        """Set lookups of a record without anybody being told: no rule, no change event."""
        if "SystemModstamp" in blueprint.audit:
            to["SystemModstamp"] = unit.stamp
        self.store.update_row(blueprint.name, record_id, to)

    # -- the row ----------------------------------------------------------------------------------

    def _insert(
        self, unit: Unit, blueprint: Blueprint, given: dict[str, Any], faults: Sequence[OrgError]
    ) -> str:
        name = blueprint.name
        row = blueprint.blank() | given
        draft = Draft(blueprint, unit, row, given)
        _stamp_new(draft)
        self._judge.default(draft)
        self._judge.pass_or_refuse(draft, faults)
        self.before_write(ChangeKind.CREATE)
        record_id = row["Id"] = self.store.next_id(blueprint.sobject.key_prefix or "000")
        if blueprint.sobject.custom and row.get("Name", "") is None:
            row["Name"] = record_id
        if not blueprint.sobject.is_event:  # an event is published and leaves no record
            self.store.insert_row(name, row)
        changed = frozenset(n for n, value in row.items() if value is not None)
        unit.changes.append(RecordChange(name, record_id, ChangeKind.CREATE, None, row, changed))
        return record_id

    def _update(
        self,
        unit: Unit,
        blueprint: Blueprint,
        before: dict[str, Any],
        given: dict[str, Any],
        faults: Sequence[OrgError],
    ) -> None:
        name = blueprint.name
        row = before | given
        draft = Draft(blueprint, unit, row, given, before)
        self._judge.pass_or_refuse(draft, faults)
        row |= stamps(unit, blueprint)
        changed = {n: value for n, value in row.items() if value != before[n]}
        if changed:
            self.store.update_row(name, row["Id"], changed)
            unit.changes.append(
                RecordChange(name, row["Id"], ChangeKind.UPDATE, before, row, frozenset(changed))
            )


def _stamp_new(draft: Draft) -> None:
    row, unit = draft.row, draft.unit
    for name in draft.blueprint.audit:
        if row[name] is None:
            row[name] = unit.user_id if name.endswith("Id") else unit.stamp


def stamps(unit: Unit, blueprint: Blueprint) -> Mapping[str, Any]:
    """Return what an audited record says of who changes it now."""
    wanted = {
        "LastModifiedDate": unit.stamp,
        "LastModifiedById": unit.user_id,
        "SystemModstamp": unit.stamp,
    }
    return {name: value for name, value in wanted.items() if name in blueprint.audit}
