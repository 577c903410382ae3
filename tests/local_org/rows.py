"""Rows as the store has them, and somebody who may read them: what a query needs of an org."""

from __future__ import annotations

from datetime import datetime

from local_org.clock import millis
from local_org.ids import record_id


class Everything:
    """The rights of somebody who may read all that is not named as hidden."""

    user_id = record_id("005", 3)
    permissions = frozenset({"ViewAllData"})
    custom_permissions: frozenset[str] = frozenset()

    def __init__(self, *hidden):
        self.hidden = frozenset(hidden)

    def readable(self, entity):
        """Tell whether the object is not hidden."""
        return entity not in self.hidden

    def field_readable(self, entity, field):
        """Tell whether the field is not hidden."""
        return f"{entity}.{field}" not in self.hidden

    createable = editable = deletable = view_all = reads_every = edits_every = readable
    field_editable = field_readable


def put(store, entity, **values):
    """Write one row in stored encoding."""
    table = store.connection.execute(f'PRAGMA table_info("{entity}")').fetchall()
    row = {"IsDeleted": 0} if any(column[1] == "IsDeleted" for column in table) else {}
    row |= {k: millis(v) if isinstance(v, datetime) else v for k, v in values.items()}
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" * len(row))
    sql = f'INSERT INTO "{entity}" ({names}) VALUES ({marks})'
    store.connection.execute(sql, list(row.values()))
