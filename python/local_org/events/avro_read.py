"""Avro binary of change events and platform events, read back with every bound checked.

What is read may come from a publisher, so nothing is trusted: a length, an index, UTF-8, the end.
Source: Avro specification 1.11, "Binary Encoding".
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

Read = Callable[[bytes, int], tuple[Any, int]]
"""Reads a value at a place; returns it and the place behind it."""

_double_at = struct.Struct("<d").unpack_from
_LONGEST_VARINT = 10
_INT_MAX = 2**31 - 1


class AvroUnreadable(ValueError):
    """The bytes are no datum of the schema; the message says what was expected where."""


def long(data: bytes, at: int) -> tuple[int, int]:
    """Return an int or long, or the index of a union's branch: zig-zag, seven bits a byte.

    >>> long(bytes.fromhex("f0fea19c8d67"), 0)
    (1771300995000, 6)
    """
    rest, shift = 0, 0
    for place in range(at, at + _LONGEST_VARINT):
        if place >= len(data):
            raise AvroUnreadable(f"expected a number at byte {at}, the data ends at {len(data)}")
        byte = data[place]
        rest |= (byte & 127) << shift
        if byte < 128:
            if rest >> 64:
                break
            return (rest >> 1) ^ -(rest & 1), place + 1
        shift += 7
    raise AvroUnreadable(f"expected a number of at most 64 bits at byte {at}")


def integer(data: bytes, at: int) -> tuple[int, int]:
    """Return an int of 32 bits."""
    value, end = long(data, at)
    if not -_INT_MAX - 1 <= value <= _INT_MAX:
        raise AvroUnreadable(f"expected a number of at most 32 bits at byte {at}, got {value}")
    return value, end


def _chunk(data: bytes, at: int) -> tuple[bytes, int]:
    length, start = long(data, at)
    end = start + length
    if length < 0 or end > len(data):
        text = f"expected a string at byte {at}, got the length {length} of {len(data) - start}"
        raise AvroUnreadable(text)
    return data[start:end], end


def string(data: bytes, at: int) -> tuple[str, int]:
    """Return a string: its length in bytes, then UTF-8."""
    raw, end = _chunk(data, at)
    try:
        return raw.decode(), end
    except UnicodeDecodeError:
        raise AvroUnreadable(f"expected UTF-8 in the string at byte {at}") from None


def strings(data: bytes, at: int) -> tuple[list[str], int]:
    """Return an array of strings, in the one block that this org writes."""
    count, at = long(data, at)
    found: list[str] = []
    if not count:
        return found, at
    for _ in range(count):
        text, at = string(data, at)
        found.append(text)
    if data[at : at + 1] != b"\x00":
        raise AvroUnreadable(f"expected the end of an array at byte {at}")
    return found, at + 1


def boolean(data: bytes, at: int) -> tuple[bool, int]:
    """Return a boolean: one byte, 0 or 1."""
    if data[at : at + 1] not in (b"\x00", b"\x01"):
        raise AvroUnreadable(f"expected a boolean at byte {at}")
    return data[at] == 1, at + 1


def double(data: bytes, at: int) -> tuple[float, int]:
    """Return a double: eight bytes, little-endian."""
    if at + 8 > len(data):
        raise AvroUnreadable(f"expected a double at byte {at}, the data ends at {len(data)}")
    return float(_double_at(data, at)[0]), at + 8


PRIMITIVES: dict[str, Read] = {
    "string": string,
    "long": long,
    "int": integer,
    "boolean": boolean,
    "double": double,
}


def _string_end(data: bytes, at: int) -> int:
    first = data[at]
    if first < 128:
        return at + 1 + (first >> 1)
    length, start = long(data, at)
    return start + length


ENDS: dict[str, Callable[[bytes, int], int]] = {
    "string": _string_end,
    "long": lambda data, at: long(data, at)[1],
    "int": lambda data, at: long(data, at)[1],
    "boolean": lambda _, at: at + 1,
    "double": lambda _, at: at + 8,
}
"""Where a value ends, of what this org has written itself."""


def is_set(data: bytes, at: int) -> bool:
    """Return whether the two-branch union at a place holds a value, which begins one byte on."""
    branch = data[at : at + 1]
    if branch not in (b"\x00", b"\x02"):
        raise AvroUnreadable(f"expected the branch 0 or 1 of a union at byte {at}")
    return branch == b"\x02"


def finished(data: bytes, at: int) -> None:
    """Pass only if the data ends here.

    :raises AvroUnreadable: something follows.
    """
    if at != len(data):
        raise AvroUnreadable(f"expected the end at byte {at}, {len(data) - at} bytes follow")
