"""Names behind the ids of lookups, read when they are first shown."""

from __future__ import annotations

from local_org.reports.source import Context


class Names:
    """Names of records by id, for one run."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: dict[str, str | None] = {}

    def of(self, record_id: str | None) -> str | None:
        """Return the name of a record; None without one."""
        if not record_id:
            return None
        if record_id not in self._known:
            self._known[record_id] = self._read(record_id)
        return self._known[record_id]

    def _read(self, record_id: str) -> str | None:
        entity = self._context.schema.by_prefix(record_id)
        named = entity.name_field if entity else None
        if entity is None or named is None:
            return None
        sql = f'SELECT "{named.name}" FROM "{entity.name}" WHERE "Id" = ?'
        row = self._context.store.connection.execute(sql, (record_id,)).fetchone()
        return None if row is None else row[0]
