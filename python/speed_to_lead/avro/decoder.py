"""The decoder of one schema of change events.

Behind the header every field is a union whose branch 0 is null, one byte 00. So at a field boundary a
run of k zero bytes is k null fields, and one search jumps over all of them: an update of a hundred
fields costs what it changes. Source: facts/pubsub-cdc.md 2.1 and 6.4.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

import fastavro

from speed_to_lead.avro.bitmap import Names
from speed_to_lead.avro.primitives import (
    PRIMITIVES,
    Malformed,
    Read,
    long,
    next_value,
    string,
    strings,
)
from speed_to_lead.errors import EventUnreadable

_HEADER = (
    "entityName",
    "recordIds",
    "changeType",
    "changeOrigin",
    "transactionKey",
    "sequenceNumber",
    "commitTimestamp",
    "commitNumber",
    "commitUser",
    "nulledFields",
    "diffFields",
    "changedFields",
)
_OTHER, _TEXT, _NUMBER = range(3)
_MOST_BITS = 70
"""Ten bytes of seven bits each: the longest number."""
_ONE_BYTE = 64
"""The index of a branch below this takes one byte."""
_BAD = (
    Malformed,
    IndexError,
    UnicodeDecodeError,
    struct.error,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    OverflowError,
    RecursionError,
    MemoryError,
)


class Event(NamedTuple):
    """One decoded change event."""

    entity: str
    ids: tuple[str, ...]
    kind: str
    origin: str
    transaction_key: str
    sequence: int
    committed_ms: int
    commit_number: int
    user: str
    nulled: frozenset[str]
    diff: frozenset[str]
    """Fields that hold a unified diff instead of a value."""
    changed: frozenset[str]
    fields: Mapping[str, Any]
    """Fields that are not null; compounds are dicts of members that are not null."""


class Unsupported(Exception):
    """The schema is not of the change-event shape: fastavro reads its events."""


class Decoder:
    """Reads events of one schema; the same values whether sparse or by fastavro."""

    def __init__(self, schema_json: str) -> None:
        """Compile the schema.

        :raises EventUnreadable: it is no Avro schema of a change event.
        """
        try:
            schema = json.loads(schema_json)
            self._names = _names(schema)
            self._sparse: _Sparse | None
            try:
                self._sparse = _Sparse(schema)
            except Unsupported:
                self._sparse = None
                self._schema = fastavro.parse_schema(schema)
        except (*_BAD, fastavro.schema.SchemaParseException) as error:
            raise EventUnreadable(f"the event schema cannot be read: {error}") from error

    @property
    def sparse(self) -> bool:
        """Whether the schema has the shape that allows runs of nulls to be skipped."""
        return self._sparse is not None

    def decode(self, payload: bytes) -> Event:
        """Return the event.

        :raises EventUnreadable: it is truncated, too long, or does not fit its schema.
        """
        try:
            if self._sparse is not None:
                header, fields = self._sparse.read(payload)
            else:
                header, fields = self._whole(payload)
            entity, ids, kind, origin, transaction, sequence, at, number, user, *masks = header
            nulled, diff, changed = map(self._names.expand, masks)
        except _BAD as error:
            raise EventUnreadable(f"the event does not fit its schema: {error}") from error
        return Event(
            *(entity, ids, kind, origin, transaction, sequence, at, number, user),
            *(nulled, diff, changed, fields),
        )

    def _whole(self, payload: bytes) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Read an event by fastavro, and leave nulls out as the sparse way does."""
        stream = io.BytesIO(payload)
        event: Any = fastavro.schemaless_reader(stream, self._schema, None)
        if stream.read(1):
            raise Malformed("bytes are left behind the event")
        header = event.pop("ChangeEventHeader")
        values = (header[name] for name in _HEADER)
        return tuple(tuple(v) if isinstance(v, list) else v for v in values), _without_nulls(event)


def _without_nulls(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without_nulls(each) if isinstance(each, dict) else each
        for name, each in value.items()
        if each is not None
    }


class _Sparse:
    """The compiled sparse reader."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """:raises Unsupported: the schema has another shape."""
        fields = schema["fields"]
        self._kinds = _kinds(fields[0])
        named: dict[str, Read] = {}
        self._fields = [
            (field["name"], _shape(field["type"]), _readers(field["type"], named))
            for field in fields[1:]
        ]

    def read(self, b: bytes) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the header's values in order, and the fields that are set.

        Texts of fewer than 64 bytes and numbers, which are nearly all, are read here and not by a call.
        What ends behind the payload shows in the position at the end.
        """
        header, p = self._header(b)
        out: dict[str, Any] = {}
        fields, index, count = self._fields, 0, len(self._fields)
        while index < count:
            branch = b[p]
            if branch == 0:
                hit = next_value(b, p)
                run = (len(b) if hit is None else hit.start()) - p
                index, p = index + run, p + run
                if index >= count:
                    break
                branch = b[p]
            name, shape, readers = fields[index]
            index += 1
            if branch == 2:
                size = b[p + 1]
                if shape == _TEXT and size < 128 and not size & 1:
                    start = p + 2
                    p = start + (size >> 1)
                    out[name] = b[start:p].decode()
                    continue
                if shape == _NUMBER:
                    number, shift, p = size & 127, 7, p + 2
                    while size > 127:
                        size = b[p]
                        number |= (size & 127) << shift
                        shift, p = shift + 7, p + 1
                    if shift > _MOST_BITS or number >> 64:
                        raise Malformed("a number is longer than 64 bits")
                    out[name] = (number >> 1) ^ -(number & 1)
                    continue
            out[name], p = readers[branch](b, p + 1)
        if index != count or p != len(b):
            raise Malformed("bytes are left behind the event")
        return header, out

    def _header(self, b: bytes) -> tuple[tuple[Any, ...], int]:
        """Return the header's values and the position behind it."""
        entity, p = string(b, 0)
        if b[p] == 2 and b[p + 1] < 128 and not b[p + 1] & 1:  # one id, of fewer than 64 bytes
            start = p + 2
            end = start + (b[p + 1] >> 1)
            ids: tuple[str, ...] = (b[start:end].decode(),)
            p = end + 1
            if b[end]:
                raise Malformed("an array of one is not ended")
        else:
            ids, p = strings(b, p)
        kind = b[p]
        if kind & 1 or kind >> 1 >= len(self._kinds):
            raise Malformed(f"there is no change type {kind}")
        origin, p = string(b, p + 1)
        transaction, p = string(b, p)
        sequence, p = long(b, p)
        committed, p = long(b, p)
        number, p = long(b, p)
        user, p = string(b, p)
        if b[p] or b[p + 1]:
            nulled, p = strings(b, p)
            diff, p = strings(b, p)
        else:
            nulled, diff, p = (), (), p + 2
        changed, p = strings(b, p) if b[p] else ((), p + 1)
        named = (entity, ids, self._kinds[kind >> 1], origin, transaction)
        return (*named, sequence, committed, number, user, nulled, diff, changed), p


def _shape(union: Any) -> int:
    """Return whether a union is a text or nothing, a number or nothing, or something else."""
    if union == ["null", "string"]:
        return _TEXT
    return _NUMBER if union in (["null", "long"], ["null", "int"]) else _OTHER


def _kinds(field: Mapping[str, Any]) -> list[str]:
    """Return the symbols of ``changeType``, if the header has exactly the members we read."""
    header = field["type"]
    if field["name"] != "ChangeEventHeader" or not isinstance(header, dict):
        raise Unsupported("no header")
    members = {member["name"]: member["type"] for member in header["fields"]}
    array = {"type": "array", "items": "string"}
    expected = {
        **dict.fromkeys(_HEADER, "string"),
        "sequenceNumber": "int",
        "commitTimestamp": "long",
        "commitNumber": "long",
        **dict.fromkeys(("recordIds", "nulledFields", "diffFields", "changedFields"), array),
    }
    kinds = members.get("changeType")
    if not isinstance(kinds, dict) or kinds.get("type") != "enum":
        raise Unsupported("no change type")
    if tuple(members) != _HEADER or members != {**expected, "changeType": kinds}:
        raise Unsupported("another header")
    symbols: list[str] = kinds["symbols"]
    return symbols


def _readers(union: Any, named: dict[str, Read]) -> tuple[Read, ...]:
    """Return the readers of a union by the byte that tells the branch: 2 for branch 1, 4 for branch 2."""
    if not isinstance(union, list) or union[0] != "null" or not 1 < len(union) < _ONE_BYTE:
        raise Unsupported(f"{union} is no union that begins with null")
    readers: list[Read] = [_no_branch] * 256
    for branch, kind in enumerate(union[1:], 1):
        readers[branch * 2] = _reader(kind, named)
    return tuple(readers)


def _no_branch(b: bytes, p: int) -> tuple[Any, int]:
    raise Malformed(f"a union has no branch {b[p - 1]}")


def _reader(kind: Any, named: dict[str, Read]) -> Read:
    """Return the reader of a primitive, of a record defined here, or of one defined before."""
    if isinstance(kind, str):
        found = PRIMITIVES.get(kind) or named.get(_short(kind))
        if found is None:
            raise Unsupported(f"{kind} is not known")
        return found
    if not isinstance(kind, dict) or kind.get("type") != "record":
        raise Unsupported(f"{kind} is no record")
    members = [(member["name"], _readers(member["type"], named)) for member in kind["fields"]]

    def read_record(b: bytes, p: int) -> tuple[dict[str, Any], int]:
        out: dict[str, Any] = {}
        for name, readers in members:
            branch = b[p]
            p += 1
            if branch:
                out[name], p = readers[branch](b, p)
        return out, p

    named[_short(kind["name"])] = read_record
    return read_record


def _short(name: str) -> str:
    """Return a name without its namespace."""
    return name.rpartition(".")[2]


def _names(schema: Mapping[str, Any]) -> Names:
    """Return the names of fields and of the members of compounds."""
    records: dict[str, list[str]] = {}
    members: dict[int, list[str]] = {}
    for index, field in enumerate(schema["fields"]):
        for branch in field["type"] if index and isinstance(field["type"], list) else ():
            if isinstance(branch, dict) and branch.get("type") == "record":
                records[_short(branch["name"])] = [each["name"] for each in branch["fields"]]
                members[index] = records[_short(branch["name"])]
            elif isinstance(branch, str) and _short(branch) in records:
                members[index] = records[_short(branch)]
    return Names([field["name"] for field in schema["fields"]], members)
