"""Records by id as REST shows them: only what the reader may see, formulas computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from local_org.errors import no_such_column
from local_org.ids import id18, is_id
from local_org.records.shape import compound, to_json
from local_org.records.sharing import reached
from local_org.records.store import Store
from local_org.schema.access import Access
from local_org.schema.model import Field, SObject

Row = Mapping[str, Any]
Json = dict[str, Any]


class RecordReader:
    """Reads records of one store by id, for ``GET`` and Collections retrieve."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(
        self,
        sobject: SObject,
        ids: Sequence[str],
        fields: Iterable[str] | None,
        access: Access,
        version: str,
    ) -> list[Json | None]:
        """Return the records of these ids, in order; None where there is none.

        ``fields`` None means all that may be seen.

        :raises OrgError: ``INVALID_FIELD`` for a field that does not exist for this user.
        """
        shown = list(self._shown(sobject, fields, access))
        members = [(f.name, self._member(sobject, f)) for f in shown]
        whole = [id18(text) if is_id(text) else "" for text in ids]
        rows = self._store.rows(sobject.name, whole)
        if not access.reads_every(sobject.name):
            seen = reached(self._store, sobject.name, access.user_id, whole)
            rows = {record_id: row for record_id, row in rows.items() if record_id in seen}
        base = f"/services/data/v{version}/sobjects/{sobject.name}"

        def record(record_id: str) -> Json | None:
            row = rows.get(record_id)
            if row is None or row.get("IsDeleted"):
                return None
            attributes = {"type": sobject.name, "url": f"{base}/{record_id}"}
            return {"attributes": attributes} | {name: read(row) for name, read in members}

        return [record(record_id) for record_id in whole]

    def _shown(
        self, sobject: SObject, names: Iterable[str] | None, access: Access
    ) -> Iterable[Field]:
        def visible(field: Field) -> bool:
            return access.field_readable(sobject.name, field.name)

        if names is None:
            yield from filter(visible, sobject.fields.values())
            return
        chosen: dict[str, Field] = {}
        for name in names:
            field = sobject.get(name)
            if field is None or not visible(field):
                raise no_such_column(name, sobject.name)
            chosen[field.name] = field
        yield from ({"Id": sobject.fields["id"]} | chosen).values()

    def _member(self, sobject: SObject, field: Field) -> Callable[[Row], Any]:
        if field.compound_root:
            return lambda row: compound(sobject, field, row)
        if field.calculated:
            return lambda row: to_json(field, self._store.computed(sobject, field, row))
        return lambda row: to_json(field, row[field.name])
