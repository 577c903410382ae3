"""Payloads of change events: what is stored of a change as Avro, for one subscriber's view.

Written sparsely: a null field is one zero byte, so an update costs what it changes, not what its
schema holds. Source: facts/pubsub-cdc.md 2.4 to 2.6 and the golden vectors H1 and P1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from local_org.events import avro_write, bitmap
from local_org.events.avro_schema import CHANGE_TYPES, column_of

NOTHING: Mapping[str, Any] = {}
_MILLIS_PER_SECOND = 1000
_KIND = {name: avro_write.long(index) for index, name in enumerate(CHANGE_TYPES)}
_repeated = lru_cache(maxsize=4096)(avro_write.string)
"""Strings that many events share: entity, origin, transaction."""


@lru_cache(maxsize=256)
def _commit(committed_ms: int, number: int, user_id: str) -> bytes:
    """Return ``commitTimestamp``, ``commitNumber`` and ``commitUser``; time in whole seconds."""
    second = committed_ms - committed_ms % _MILLIS_PER_SECOND
    return avro_write.long(second) + avro_write.long(number) + avro_write.string(user_id)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One change event as it lies in the org, before anybody's view of it.

    ``body`` holds columns of the object in the store's encoding: the populated ones of a CREATE or
    UNDELETE, the changed ones of an UPDATE (None where it was emptied), none of a DELETE.
    """

    position: int
    entity: str
    kind: str
    record_id: str
    schema_id: str
    sequence: int
    committed_ms: int
    commit_number: int
    transaction_key: str
    user_id: str
    origin: str
    body: Mapping[str, Any]

    def header(self, masks: bytes) -> bytes:
        """Return the ``ChangeEventHeader``, which ``masks`` end."""
        return b"".join(
            (
                _repeated(self.entity),
                avro_write.strings((self.record_id,)),
                _KIND[self.kind],
                _repeated(self.origin),
                _repeated(self.transaction_key),
                avro_write.long(self.sequence),
                _commit(self.committed_ms, self.commit_number, self.user_id),
                masks,
            )
        )


@lru_cache(maxsize=4096)
def _masks(nulled: tuple[bitmap.Slot, ...], changed: tuple[bitmap.Slot, ...]) -> bytes:
    """Return ``nulledFields``, ``diffFields`` (always empty here) and ``changedFields``."""
    lists = (bitmap.encode(nulled), (), bitmap.encode(changed))
    return b"".join(map(avro_write.strings, lists))


_NO_MASKS = _masks((), ())


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a column's value stands in the event, and how the stored value becomes Avro."""

    slot: bitmap.Slot
    parent: str
    write: Callable[[Any], bytes]


def _date(text: str) -> bytes:
    """Return midnight UTC of a stored date in epoch milliseconds.

    >>> _date("2026-02-17") == avro_write.long(1771286400000)
    True
    """
    midnight = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return avro_write.long(int(midnight.timestamp()) * _MILLIS_PER_SECOND)


def _time(text: str) -> bytes:
    """Return a stored time in milliseconds since midnight.

    >>> _time("01:02:03.000Z") == avro_write.long(3_723_000)
    True
    """
    hour, minute, second = text.removesuffix("Z").split(":")
    minutes = int(hour) * 60 + int(minute)
    return avro_write.long(minutes * 60_000 + round(float(second) * _MILLIS_PER_SECOND))


_WRITE: dict[str, Callable[[Any], bytes]] = {
    "Data:DateOnly": _date,
    "Data:TimeOnly": _time,
    "boolean": avro_write.boolean,
    "int": avro_write.long,
    "long": avro_write.long,
    "double": avro_write.double,
    "string": avro_write.string,
}


class ChangeEventEncoder:
    """Writes the change events of one object under one version of its schema."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Lay out the columns once; ``schema`` is what GetSchema tells the subscriber."""
        self._places = dict(_places(schema))
        self._size = len(schema["fields"])
        self._sizes: dict[int, int] = {}
        self._compounds: dict[str, frozenset[str]] = {}
        for column, place in self._places.items():
            known = self._compounds.get(place.parent, frozenset())
            self._compounds[place.parent] = known | {column}
            self._sizes[place.slot[0]] = len(known) + 1
        self.columns = frozenset(self._places)

    def columns_of(self, field: str) -> frozenset[str]:
        """Return the columns that hold a field: one, or the parts of a compound (``Address``)."""
        return self._compounds.get(field, frozenset())

    def payload(
        self,
        event: StoredEvent,
        hidden: frozenset[str] = frozenset(),
        enriched: Mapping[str, Any] = NOTHING,
    ) -> bytes:
        """Return the event as schemaless Avro.

        A ``hidden`` column is null and in no mask; ``enriched`` columns (stored encodings) are
        filled in where the event says nothing of them, and are in no mask either.
        """
        body, places = event.body, self._places
        shown = {column: value for column, value in body.items() if column not in hidden}
        masks = _NO_MASKS
        if event.kind == "UPDATE":
            changed = tuple(places[column].slot for column in shown)
            nulled = tuple(places[c].slot for c, value in shown.items() if value is None)
            masks = _masks(nulled, changed)
        if enriched:
            more = {c: v for c, v in enriched.items() if c not in hidden and c not in body}
            shown |= more
        return event.header(masks) + avro_write.sparse(self._fields(shown), 1, self._size)

    def _fields(self, values: Mapping[str, Any]) -> dict[int, bytes]:
        """Return what is set, by field; members of a compound make up one field."""
        fields: dict[int, bytes] = {}
        compounds: dict[int, dict[int, bytes]] = {}
        for column, value in values.items():
            if value is None:
                continue
            place = self._places[column]
            index, member = place.slot
            if member is None:
                fields[index] = place.write(value)
            else:
                compounds.setdefault(index, {})[member] = place.write(value)
        for index, members in compounds.items():
            fields[index] = avro_write.sparse(members, 0, self._sizes[index])
        return fields


def _places(schema: Mapping[str, Any]) -> Iterator[tuple[str, _Place]]:
    """Yield the place of each column; of three branches the plain one is used."""
    records: dict[str, Any] = {}
    for index, field in enumerate(schema["fields"][1:], 1):
        name, branch = field["name"], field["type"][1]
        if isinstance(branch, dict):
            records[branch["name"]] = branch
            branch = branch["name"]
        if branch in records:
            for position, member in enumerate(records[branch]["fields"]):
                column = column_of(name, member["name"])
                yield column, _Place((index, position), name, _writer(member))
        else:
            yield name, _Place((index, None), name, _writer(field))


def _writer(field: Mapping[str, Any]) -> Callable[[Any], bytes]:
    """Return the writer of a field's stored values; dates and times are told apart by their doc."""
    kind = ":".join(field["doc"].split(":")[:2])
    return _WRITE.get(kind) or _WRITE[field["type"][1]]
