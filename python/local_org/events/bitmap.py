"""Field bitmaps of change events: hexadecimal masks that name fields of a record.

Bit n of a top-level entry ``0x…`` is field n of the event's Avro record, bit 0 the header; bit n
of a nested entry ``4-0x…`` is member n of the record in field 4. Source: facts/pubsub-cdc.md 2.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Slot = tuple[int, int | None]
"""A field by index, or one member of a nested record by the index of its parent and its own."""


def encode(slots: Iterable[Slot]) -> list[str]:
    """Return the entries of these fields: the top-level mask first if any, then nested by parent.

    >>> encode([(27, None), (12, None), (4, 0)])
    ['0x08001000', '4-0x01']
    """
    masks: dict[int, int] = {}
    for index, member in slots:
        parent, bit = (-1, index) if member is None else (index, member)
        masks[parent] = masks.get(parent, 0) | 1 << bit
    return [
        _hex(mask) if parent < 0 else f"{parent}-{_hex(mask)}"
        for parent, mask in sorted(masks.items())
    ]


def decode(entries: Iterable[str]) -> tuple[Slot, ...]:
    """Return the fields that entries of this org name.

    >>> decode(["0x08001000", "4-0x01"])
    ((12, None), (27, None), (4, 0))
    """
    return tuple(slot for entry in entries for slot in _slots(entry))


def _slots(entry: str) -> Iterator[Slot]:
    parent, dash, mask = entry.rpartition("-")
    bits = int(mask, 16)
    for bit in range(bits.bit_length()):
        if bits >> bit & 1:
            yield (int(parent), bit) if dash else (bit, None)


def _hex(mask: int) -> str:
    """Upper case, whole bytes."""
    digits = f"{mask:X}"
    return "0x" + digits.zfill(len(digits) + len(digits) % 2)
