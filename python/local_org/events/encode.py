"""Bodies of change events as Avro: written once when the change is committed, cut for each view.

What is stored of an event is everything behind ``commitUser``: its three masks and its fields. A
null field is one zero byte, so an update costs what it changes, not what its schema holds. Source:
facts/pubsub-cdc.md 2.4, 2.5 and the golden vector P1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from local_org.events import avro_read, avro_write, bitmap
from local_org.events.avro_schema import column_of
from local_org.events.bitmap import Slot

NOTHING: Mapping[str, Any] = {}
_MILLIS_PER_SECOND = 1000


class Masks(NamedTuple):
    """The fields that the three lists of a header name."""

    nulled: tuple[Slot, ...] = ()
    diff: tuple[Slot, ...] = ()
    changed: tuple[Slot, ...] = ()

    def without(self, hidden: Collection[Slot]) -> Masks:
        """Return the masks without these fields."""
        return Masks(*(tuple(slot for slot in mask if slot not in hidden) for mask in self))


class Parts(NamedTuple):
    """The stored part of one event, taken apart: what its masks say, and its fields' bytes."""

    masks: Masks
    fields: dict[Slot, bytes]

    @property
    def slots(self) -> Collection[Slot]:
        """The fields that it says anything of."""
        changed = self.masks.changed
        return (*self.fields, *changed) if changed else self.fields


@lru_cache(maxsize=4096)
def _written(masks: Masks) -> bytes:
    return b"".join(avro_write.strings(bitmap.encode(mask)) for mask in masks)


@lru_cache(maxsize=4096)
def _mask(entries: tuple[str, ...]) -> tuple[Slot, ...]:
    return bitmap.decode(entries)


_NO_MASKS = _written(Masks())
_next_set = re.compile(rb"[^\x00]").search


def _masks_of(tail: bytes) -> tuple[Masks, int]:
    """Return the masks that begin what is stored of an event, and where they end."""
    if tail.startswith(_NO_MASKS):
        return Masks(), len(_NO_MASKS)
    at, masks = 0, []
    for _ in Masks._fields:
        entries, at = avro_read.strings(tail, at)
        masks.append(_mask(tuple(entries)))
    return Masks(*masks), at


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a column's value stands in the event, and how the stored value becomes Avro."""

    slot: Slot
    parent: str
    write: Callable[[Any], bytes]
    read: avro_read.Read
    end: Callable[[bytes, int], int]
    long_text: bool


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
    """Writes and cuts the change events of one object under one version of its schema."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Lay out the columns once; ``schema`` is what GetSchema tells the subscriber."""
        self._places = dict(_places(schema))
        self._size = len(schema["fields"])
        self._members: dict[int, int] = {}
        self._compounds: dict[str, frozenset[str]] = {}
        self._ends: dict[Slot, Callable[[bytes, int], int]] = {}
        for column, place in self._places.items():
            known = self._compounds.get(place.parent, frozenset())
            self._compounds[place.parent] = known | {column}
            self._ends[place.slot] = place.end
            index, member = place.slot
            if member is not None:
                self._members[index] = member + 1
        self.columns = frozenset(self._places)
        self.long_texts = frozenset(c for c, place in self._places.items() if place.long_text)
        """Columns whose changes may be told as a difference."""

    def columns_of(self, field: str) -> frozenset[str]:
        """Return the columns that hold a field: one, or the parts of a compound (``Address``)."""
        return self._compounds.get(field, frozenset())

    def slots(self, columns: Collection[str]) -> frozenset[Slot]:
        """Return where these columns stand."""
        return frozenset(self._places[column].slot for column in columns)

    # -- writing ----------------------------------------------------------------------------------

    def tail(self, kind: str, body: Mapping[str, Any], diffs: Collection[str] = ()) -> bytes:
        """Return what is stored of an event.

        ``body`` holds columns in the store's encoding: the populated ones of a CREATE or UNDELETE,
        the changed ones of an UPDATE (None where it was emptied), none of a DELETE or a gap. Of
        those in ``diffs`` the value is a difference.
        """
        masks, places = _NO_MASKS, self._places
        if kind == "UPDATE":
            changed = tuple(places[column].slot for column in body)
            nulled = tuple(places[c].slot for c, value in body.items() if value is None)
            diff = tuple(places[column].slot for column in body if column in diffs)
            masks = _written(Masks(nulled, diff, changed))
        return masks + self._record(self.encoded(body))

    def encoded(self, values: Mapping[str, Any]) -> dict[Slot, bytes]:
        """Return the bytes of stored values by place; what is None is left out."""
        return {
            place.slot: place.write(value)
            for place, value in ((self._places[c], v) for c, v in values.items())
            if value is not None
        }

    def _record(self, fields: Mapping[Slot, bytes]) -> bytes:
        """Return the event's fields; members of a compound make up one."""
        whole: dict[int, bytes] = {}
        compounds: dict[int, dict[int, bytes]] = {}
        for (index, member), raw in fields.items():
            if member is None:
                whole[index] = raw
            else:
                compounds.setdefault(index, {})[member] = raw
        for index, members in compounds.items():
            whole[index] = avro_write.sparse(members, 0, self._members[index])
        return avro_write.sparse(whole, 1, self._size)

    # -- cutting ----------------------------------------------------------------------------------

    def parts(self, tail: bytes) -> Parts:
        """Return what is stored of an event, taken apart."""
        masks, at = _masks_of(tail)
        fields: dict[Slot, bytes] = {}
        index, size, ends, members = 1, self._size, self._ends, self._members
        while index < size:
            if not tail[at]:  # at a field's place a run of zeros is a run of nulls
                found = _next_set(tail, at)
                run = min((found.start() if found else len(tail)) - at, size - index)
                index, at = index + run, at + run
                continue
            slot = (index, None)
            if index in members:
                at = self._take_members(tail, at + 1, index, fields)
            else:
                end = ends[slot](tail, at + 1)
                fields[slot] = tail[at + 1 : end]
                at = end
            index += 1
        avro_read.finished(tail, at)
        return Parts(masks, fields)

    def _take_members(self, tail: bytes, at: int, index: int, into: dict[Slot, bytes]) -> int:
        """Read the members of a compound; return the place behind them."""
        for member in range(self._members[index]):
            at += 1
            if tail[at - 1]:
                end = self._ends[index, member](tail, at)
                into[index, member] = tail[at:end]
                at = end
        return at

    def joined(
        self, parts: Parts, hidden: Collection[Slot] = (), more: Mapping[Slot, bytes] | None = None
    ) -> bytes:
        """Return the parts as one again, ``hidden`` fields null and in no mask.

        ``more`` is filled in where the event says nothing, and is in no mask either.
        """
        masks, said = parts.masks, set(parts.masks.changed)
        fields = {
            slot: raw for slot, raw in (more or {}).items() if slot not in said
        } | parts.fields
        if hidden:
            masks = masks.without(hidden)
            fields = {slot: raw for slot, raw in fields.items() if slot not in hidden}
        return _written(masks) + self._record(fields)

    def reader(self, name: str) -> Callable[[Mapping[Slot, bytes]], Any]:
        """Return what reads a column's value as Avro has it, None where it is null or unknown.

        The column is named in any case.
        """
        wanted = name.lower()
        place = next((p for column, p in self._places.items() if column.lower() == wanted), None)

        def value(fields: Mapping[Slot, bytes]) -> Any:
            raw = None if place is None else fields.get(place.slot)
            return None if place is None or raw is None else place.read(raw, 0)[0]

        return value


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
                yield column, _place((index, position), name, member)
        else:
            yield name, _place((index, None), name, field)


def _place(slot: Slot, parent: str, field: Mapping[str, Any]) -> _Place:
    doc, avro = field["doc"], field["type"][1]
    write, read = stored_writer(doc, avro), avro_read.PRIMITIVES[avro]
    return _Place(slot, parent, write, read, avro_read.ENDS[avro], "StringPlusClob" in doc)


def stored_writer(doc: str, avro: str) -> Callable[[Any], bytes]:
    """Return the writer of a field's stored values; dates and times are told apart by their doc."""
    return _WRITE.get(":".join(doc.split(":")[:2])) or _WRITE[avro]
