"""The write path: values are read, defaulted, judged, and only then stored.

Order as on the platform: object permission; fields and their types; lookups, required fields and
unique values; validation rules. A record that is refused has changed nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from local_org.errors import OrgError, invalid_type, no_such_column
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
from local_org.records.recycle import RecycleBin
from local_org.records.references import References
from local_org.records.results import Refused, SaveResult, Unit
from local_org.records.store import Store

_Row = TypeVar("_Row")

_ROLLED_BACK = OrgError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone "
    "header",
)


class _Undo(Exception):
    """Rolls the transaction of a call back."""


class Dml:
    """Writes records of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._blueprints = Blueprints(store)
        references = References(store, self._blueprints)
        self._intake = Intake(references)
        self._judge = Judge(store, references)
        self._bin = RecycleBin(store, self._blueprints)
        self.before_change: Callable[[], None] = lambda: None
        """Called before a record is changed; an ``OrgError`` refuses it."""

    # -- calls ------------------------------------------------------------------------------------

    def insert(
        self, unit: Unit, rows: Sequence[tuple[str, Values]], *, all_or_none: bool = False
    ) -> list[SaveResult]:
        """Create records."""

        def act(row: tuple[str, Values]) -> SaveResult:
            return SaveResult(True, self._create(unit, *row), created=True)

        return self._each(unit, rows, act, all_or_none=all_or_none)

    def update(
        self, unit: Unit, rows: Sequence[tuple[str, str, Values]], *, all_or_none: bool = False
    ) -> list[SaveResult]:
        """Change records."""

        def act(row: tuple[str, str, Values]) -> SaveResult:
            return SaveResult(True, self._change(unit, *row))

        return self._each(unit, rows, act, all_or_none=all_or_none)

    def upsert(
        self,
        unit: Unit,
        entity: str,
        field: str,
        rows: Sequence[Values],
        *,
        all_or_none: bool = False,
    ) -> list[SaveResult]:
        """Change the records that ``field`` finds, create the others.

        :raises OrgError: ``INVALID_FIELD`` when it is no external id of the object.
        """
        blueprint = self._admitted(unit, entity)
        key = blueprint.sobject.get(field)
        if key is None or not unit.access.field_readable(blueprint.name, key.name):
            raise no_such_column(field, blueprint.name)
        if not (key.external_id or key.id_lookup or key.name == "Id"):
            text = f"Field name provided, {field} is not an External ID or indexed field"
            raise OrgError("INVALID_FIELD", text)
        counted = Counter(str(_value(values, key.name)).lower() for values in rows)

        def act(values: Values) -> SaveResult:
            wanted = _value(values, key.name)
            if key.name == "Id":
                return self._save_by_id(unit, blueprint, wanted, values)
            if wanted is None or wanted == "":
                raise OrgError("MISSING_ARGUMENT", f"{key.name} not specified", (key.name,))
            if counted[str(wanted).lower()] > 1:
                text = f"Duplicate external id specified: {wanted}"
                raise OrgError("DUPLICATE_VALUE", text, (key.name,))
            return self._save_by_key(unit, blueprint, key.name, wanted, values)

        return self._each(unit, rows, act, all_or_none=all_or_none)

    def delete(
        self, unit: Unit, ids: Sequence[str], *, all_or_none: bool = False
    ) -> list[SaveResult]:
        """Delete records with what hangs on them."""

        def act(record_id: str) -> SaveResult:
            return SaveResult(True, self._bin.delete(unit, record_id))

        return self._each(unit, ids, act, all_or_none=all_or_none, alone=True)

    def undelete(
        self, unit: Unit, ids: Sequence[str], *, all_or_none: bool = False
    ) -> list[SaveResult]:
        """Bring records back."""

        def act(record_id: str) -> SaveResult:
            return SaveResult(True, self._bin.undelete(unit, record_id))

        return self._each(unit, ids, act, all_or_none=all_or_none, alone=True)

    def _each(
        self,
        unit: Unit,
        rows: Sequence[_Row],
        act: Callable[[_Row], SaveResult],
        *,
        all_or_none: bool,
        alone: bool = False,
    ) -> list[SaveResult]:
        """Act on every row; ``alone``: an act may have changed something before it is refused."""

        def attempt(row: _Row) -> SaveResult:
            return self._undone_if_refused(unit, act, row) if alone else _attempt(act, row)

        if not all_or_none:
            return [attempt(row) for row in rows]
        mark, results = len(unit.changes), []
        with suppress(_Undo), self._store.transaction():
            results = [attempt(row) for row in rows]
            if not all(result.success for result in results):
                raise _Undo
            return results
        del unit.changes[mark:]
        unit.verified.clear()
        undone = SaveResult(False, None, (_ROLLED_BACK,))
        return [undone if result.success else result for result in results]

    def _undone_if_refused(
        self, unit: Unit, act: Callable[[_Row], SaveResult], row: _Row
    ) -> SaveResult:
        mark, result = len(unit.changes), SaveResult(False, None)
        with suppress(_Undo), self._store.transaction():
            result = _attempt(act, row)
            if not result.success:
                raise _Undo
            return result
        del unit.changes[mark:]
        return result

    # -- one record -------------------------------------------------------------------------------

    def _create(self, unit: Unit, entity: str, values: Values) -> str:
        blueprint = self._admitted(unit, entity)
        name = blueprint.name
        if not blueprint.sobject.createable:
            text = f"entity type cannot be inserted: {blueprint.sobject.label}"
            raise OrgError("INVALID_TYPE_FOR_OPERATION", text)
        if not unit.access.createable(name):
            raise access_refused()
        given, faults = self._intake.read(unit, blueprint, values, creating=True)
        row = blueprint.blank() | given
        draft = Draft(blueprint, unit, row, given)
        _stamp_new(draft)
        self._judge.default(draft)
        self._judge.pass_or_refuse(draft, faults)
        record_id = row["Id"] = self._store.next_id(blueprint.sobject.key_prefix or "000")
        self._store.insert_row(name, row)
        changed = frozenset(n for n, value in row.items() if value is not None)
        unit.changes.append(RecordChange(name, record_id, ChangeKind.CREATE, None, row, changed))
        return record_id

    def _change(self, unit: Unit, entity: str, record_id: str, values: Values) -> str:
        blueprint = self._admitted(unit, entity)
        name = blueprint.name
        before = self._old(blueprint, record_id)
        if not (blueprint.sobject.updateable and unit.access.editable(name)):
            raise access_refused()
        given, faults = self._intake.read(unit, blueprint, values, creating=False)
        row = before | given
        draft = Draft(blueprint, unit, row, given, before)
        self._judge.pass_or_refuse(draft, faults)
        _stamp_changed(draft)
        changed = {n: value for n, value in row.items() if value != before[n]}
        if changed:
            self._store.update_row(name, row["Id"], changed)
            unit.changes.append(
                RecordChange(name, row["Id"], ChangeKind.UPDATE, before, row, frozenset(changed))
            )
        return str(row["Id"])

    def _save_by_id(
        self, unit: Unit, blueprint: Blueprint, record_id: Any, values: Values
    ) -> SaveResult:
        rest = _without(values, "Id")
        if record_id:
            return SaveResult(True, self._change(unit, blueprint.name, str(record_id), rest))
        return SaveResult(True, self._create(unit, blueprint.name, rest), created=True)

    def _save_by_key(
        self, unit: Unit, blueprint: Blueprint, key: str, wanted: Any, values: Values
    ) -> SaveResult:
        """Update the one record that has the key, or create it.

        :raises OrgError: 300 ``DUPLICATE_EXTERNAL_ID`` when several have it.
        """
        stored = blueprint.columns[key.lower()].read(wanted)
        alive = ' AND NOT "IsDeleted"' if blueprint.soft else ""
        sql = f'SELECT "Id" FROM "{blueprint.name}" WHERE "{key}" = ?{alive}'
        found = [row[0] for row in self._store.connection.execute(sql, (stored,))]
        if len(found) > 1:
            text = f"{key}: more than one record found for external id field: [{', '.join(found)}]"
            raise OrgError("DUPLICATE_EXTERNAL_ID", text, status=300)
        rest = _without(values, "Id")
        if found:
            rest = _without(rest, key)
            return SaveResult(True, self._change(unit, blueprint.name, found[0], rest))
        return SaveResult(True, self._create(unit, blueprint.name, rest), created=True)

    def _admitted(self, unit: Unit, entity: str) -> Blueprint:
        """Return the blueprint of an object that exists for the user."""
        blueprint = self._blueprints.of(entity)
        if not unit.access.readable(blueprint.name):
            raise invalid_type(entity)
        return blueprint

    def _old(self, blueprint: Blueprint, record_id: str) -> dict[str, Any]:
        """Return the row of a record that can be written."""
        if not record_id:
            raise OrgError("MISSING_ARGUMENT", "Id not specified in an update call", ("Id",))
        before = self._store.row(blueprint.name, id18(record_id))
        if before is None:
            raise no_such_record()
        if before.get("IsDeleted"):
            raise record_is_deleted()
        self.before_change()
        return before


def _attempt(act: Callable[[_Row], SaveResult], row: _Row) -> SaveResult:
    try:
        return act(row)
    except Refused as refused:
        return SaveResult(False, None, refused.errors)
    except OrgError as error:
        return SaveResult(False, None, (error,))


def _value(values: Values, name: str) -> Any:
    return next((v for n, v in values.items() if n.lower() == name.lower()), None)


def _without(values: Values, name: str) -> Mapping[str, Any]:
    return {n: v for n, v in values.items() if n.lower() != name.lower()}


def _stamp_new(draft: Draft) -> None:
    row, unit = draft.row, draft.unit
    for name in draft.blueprint.audit:
        if row[name] is None:
            row[name] = unit.user_id if name.endswith("Id") else unit.stamp


def _stamp_changed(draft: Draft) -> None:
    row, unit, audit = draft.row, draft.unit, draft.blueprint.audit
    for name in ("LastModifiedDate", "SystemModstamp"):
        if name in audit:
            row[name] = unit.stamp
    if "LastModifiedById" in audit:
        row["LastModifiedById"] = unit.user_id
