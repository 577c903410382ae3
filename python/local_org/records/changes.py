"""What a transaction did: one change per record, as the event bus and its readers get it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class ChangeKind(StrEnum):
    """The ``changeType`` of a change event that tells of this change."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    UNDELETE = "UNDELETE"


@dataclass(frozen=True, slots=True)
class RecordChange:
    """What became of one record. Rows are in stored encoding, keyed by API name."""

    entity: str
    record_id: str
    kind: ChangeKind
    before: Mapping[str, Any] | None
    """The row as it was; None for a record that is new."""
    after: Mapping[str, Any] | None
    """The row as it is; None for a record that is deleted."""
    changed: frozenset[str]
    """Fields whose stored value differs; on CREATE those that are not blank, on DELETE none."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One committed transaction."""

    at: datetime
    user_id: str
    origin: str
    transaction_key: str
    number: int
    changes: tuple[RecordChange, ...]
    """In the order in which the records were first touched; each record once."""


_DELETE, _CREATE, _UPDATE, _UNDELETE = (
    ChangeKind.DELETE,
    ChangeKind.CREATE,
    ChangeKind.UPDATE,
    ChangeKind.UNDELETE,
)
_COLLAPSED: Mapping[tuple[ChangeKind, ChangeKind], ChangeKind | None] = {
    (_CREATE, _UPDATE): _CREATE,
    (_CREATE, _DELETE): None,
    (_UPDATE, _UPDATE): _UPDATE,
    (_UPDATE, _DELETE): _DELETE,
    (_DELETE, _UNDELETE): None,
    (_UNDELETE, _UPDATE): _UNDELETE,
    (_UNDELETE, _DELETE): None,
}


def collapse(changes: Iterable[RecordChange]) -> tuple[RecordChange, ...]:
    """Return one change per record: the first kind with the final values.

    A record that was created and deleted in one transaction was never there. Source: Change Data
    Capture Developer Guide, "one event per record per transaction".
    """
    result: dict[str, RecordChange] = {}
    for change in changes:
        earlier = result.get(change.record_id)
        merged = change if earlier is None else _merge(earlier, change)
        if merged is None:
            del result[change.record_id]
        else:
            result[change.record_id] = merged
    return tuple(result.values())


def _merge(first: RecordChange, then: RecordChange) -> RecordChange | None:
    kind = _COLLAPSED[first.kind, then.kind]
    if kind is None:
        return None
    changed = frozenset() if kind is _DELETE else first.changed | then.changed
    if kind is _CREATE and then.after is not None:
        changed = frozenset(name for name, value in then.after.items() if value is not None)
    return RecordChange(first.entity, first.record_id, kind, first.before, then.after, changed)
