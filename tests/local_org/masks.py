"""What a subscriber reads in the field bitmaps of a change event; the org only writes them.

Source: facts/pubsub-cdc.md 2.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from local_org.events.bitmap import Slot


def decode(entries: Iterable[str]) -> list[Slot]:
    """Return the fields that the entries name, in the order of the entries.

    Each entry is judged by its own shape, never by its place; odd digit counts and lower case pass.

    >>> decode(["0x1C0", "1-0x2"])
    [(6, None), (7, None), (8, None), (1, 1)]
    """
    slots: list[Slot] = []
    for entry in entries:
        parent, dash, mask = entry.rpartition("-")
        bits = _bits(int(mask, 16))
        slots.extend((int(parent), bit) if dash else (bit, None) for bit in bits)
    return slots


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def names(schema: Mapping[str, Any], entries: Iterable[str]) -> list[str]:
    """Return the names of the fields that the entries mean: ``Status``, ``Address.Street``.

    Bits at or above the number of fields, and nested entries of a field that is no record, are
    passed over.
    """
    fields = schema["fields"]
    records = _records(fields)
    found = []
    for index, member in decode(entries):
        if index >= len(fields):
            continue
        name = str(fields[index]["name"])
        if member is None:
            found.append(name)
            continue
        members = _members(fields[index]["type"], records)
        if member < len(members):
            found.append(f"{name}.{members[member]}")
    return found


def _records(fields: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the records defined inside unions by name, for the fields that refer to them."""
    return {
        branch["name"]: branch
        for field in fields
        if isinstance(field["type"], list)
        for branch in field["type"]
        if isinstance(branch, dict) and branch.get("type") == "record"
    }


def _members(union: Any, records: Mapping[str, Any]) -> list[str]:
    """Return the members of the record in this union, however many branches it has."""
    for branch in union if isinstance(union, list) else ():
        name = branch["name"] if isinstance(branch, dict) else branch.rpartition(".")[2]
        if name in records:
            return [member["name"] for member in records[name]["fields"]]
    return []
