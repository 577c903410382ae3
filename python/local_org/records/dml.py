"""Every call that writes: rows stand alone or all together, each told what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from local_org.errors import OrgError, no_such_column
from local_org.records.blueprint import Blueprint, Blueprints
from local_org.records.conversion import LeadConvert, convert_lead
from local_org.records.intake import Values
from local_org.records.mail import Mail, OutgoingEmail
from local_org.records.merging import MergeRequest, Merging
from local_org.records.recycle import RecycleBin
from local_org.records.results import Refused, SaveResult, Unit, enqueued
from local_org.records.store import Store
from local_org.records.writing import Writer
from local_org.schema.model import EVENT_SUFFIX

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
        self.writer = Writer(store, Blueprints(store))
        self._mail = Mail(self.writer)
        self._bin = RecycleBin(self.writer)
        self._merging = Merging(self.writer, self._bin)
        self._makers: dict[str, Callable[[Unit, str, Values], str]] = {
            "emailmessage": self._mail.create
        }
        """Objects whose records bring others along, in lower case, and what creates them."""
        self._changers: dict[str, Callable[[Unit, str, str, Values], str]] = {
            "emailmessage": self._mail.change
        }

    # -- calls ------------------------------------------------------------------------------------

    def insert(
        self, unit: Unit, rows: Sequence[tuple[str, Values]], *, all_or_none: bool = False
    ) -> list[SaveResult]:
        """Create records."""

        def act(row: tuple[str, Values]) -> SaveResult:
            record_id = self._create(unit, *row)
            published = row[0].lower().endswith(EVENT_SUFFIX)
            told = (enqueued(record_id),) if published else ()
            return SaveResult(True, record_id, told, created=True)

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
        blueprint = self.writer.admitted(unit, entity)
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

    def purge(
        self, unit: Unit, ids: Sequence[str], *, all_or_none: bool = False
    ) -> list[SaveResult]:
        """Remove records from the recycle bin for good."""

        def act(record_id: str) -> SaveResult:
            return SaveResult(True, self._bin.purge(unit, record_id))

        return self._each(unit, ids, act, all_or_none=all_or_none, alone=True)

    def convert(
        self, unit: Unit, requests: Sequence[LeadConvert], *, all_or_none: bool = False
    ) -> list[SaveResult]:
        """Convert leads; what succeeds is a ``ConvertResult``."""

        def act(request: LeadConvert) -> SaveResult:
            return convert_lead(self.writer, unit, request)

        return self._each(unit, requests, act, all_or_none=all_or_none, alone=True)

    def merge(
        self, unit: Unit, requests: Sequence[MergeRequest], *, all_or_none: bool = False
    ) -> list[SaveResult]:
        """Merge records; what succeeds is a ``MergeResult``."""

        def act(request: MergeRequest) -> SaveResult:
            return self._merging.merge(unit, request)

        return self._each(unit, requests, act, all_or_none=all_or_none, alone=True)

    def send(
        self, unit: Unit, emails: Sequence[OutgoingEmail], *, all_or_none: bool = False
    ) -> list[SaveResult]:
        """Take e-mails as sent; the id is that of the ``EmailMessage``, where one is kept."""

        def act(email: OutgoingEmail) -> SaveResult:
            return SaveResult(True, self._mail.send(unit, email))

        return self._each(unit, emails, act, all_or_none=all_or_none, alone=True)

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
        unit.verified.clear()
        return result

    # -- one record -------------------------------------------------------------------------------

    def _create(self, unit: Unit, entity: str, values: Values) -> str:
        return self._makers.get(entity.lower(), self.writer.create)(unit, entity, values)

    def _change(self, unit: Unit, entity: str, record_id: str, values: Values) -> str:
        change = self._changers.get(entity.lower(), self.writer.change)
        return change(unit, entity, record_id, values)

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
