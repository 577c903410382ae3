"""Avro's primitive values out of bytes, every one checked against the end of the payload."""

from __future__ import annotations

import re
from collections.abc import Callable
from struct import Struct
from typing import Any

next_value = re.compile(rb"[^\x00]").search
"""Finds the first byte that is not the null branch of a union."""
_double_at = Struct("<d").unpack_from
_MOST_BITS = 63

Read = Callable[[bytes, int], tuple[Any, int]]
"""Returns a value and the position behind it."""


class Malformed(ValueError):
    """The payload ends too early, or holds what its schema does not allow."""


def long(b: bytes, p: int) -> tuple[int, int]:
    """Read a zig-zag varint: int, long, and the index of an enum or union."""
    byte = b[p]
    p += 1
    if byte < 128:
        return (byte >> 1) ^ -(byte & 1), p
    number, shift = byte & 127, 7
    while True:
        byte = b[p]
        p += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return (number >> 1) ^ -(number & 1), p
        shift += 7
        if shift > _MOST_BITS:
            raise Malformed("a number is longer than 64 bits")


def string(b: bytes, p: int) -> tuple[str, int]:
    """Read a text."""
    byte = b[p]
    if byte < 128:
        size, p = byte >> 1, p + 1
        if byte & 1:
            raise Malformed("a text has a negative length")
    else:
        size, p = long(b, p)
        if size < 0:
            raise Malformed("a text has a negative length")
    end = p + size
    if end > len(b):
        raise Malformed("a text ends behind the payload")
    return b[p:end].decode(), end


def double(b: bytes, p: int) -> tuple[float, int]:
    """Read a double."""
    return _double_at(b, p)[0], p + 8


def boolean(b: bytes, p: int) -> tuple[bool, int]:
    """Read a boolean, one byte of 0 or 1."""
    byte = b[p]
    if byte > 1:
        raise Malformed(f"expected a boolean, got {byte}")
    return byte == 1, p + 1


def strings(b: bytes, p: int) -> tuple[list[str], int]:
    """Read an array of texts, in blocks."""
    out: list[str] = []
    while True:
        count, p = long(b, p)
        if count == 0:
            return out, p
        if count < 0:
            count, (_, p) = -count, long(b, p)
        if count > len(b) - p:
            raise Malformed("an array is longer than the payload")
        for _ in range(count):
            text, p = string(b, p)
            out.append(text)


PRIMITIVES: dict[str, Read] = {
    "string": string,
    "int": long,
    "long": long,
    "double": double,
    "boolean": boolean,
}
