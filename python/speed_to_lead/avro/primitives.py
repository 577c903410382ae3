"""Avro's primitive values out of bytes, every one checked against the end of the payload."""

from __future__ import annotations

import re
from collections.abc import Callable
from struct import Struct
from typing import Any

next_value = re.compile(rb"[^\x00]").search
"""Finds the first byte that is not the null branch of a union."""
_double_at = Struct("<d").unpack_from
_MOST_BYTES = 10

Read = Callable[[bytes, int], tuple[Any, int]]
"""Returns a value and the position behind it."""


class Malformed(ValueError):
    """The payload ends too early, or holds what its schema does not allow."""


def long(b: bytes, p: int) -> tuple[int, int]:
    """Read a zig-zag varint of up to 64 bits: int, long, and the index of an enum or union."""
    byte = b[p]
    if byte < 128:
        return (byte >> 1) ^ -(byte & 1), p + 1
    number, shift = byte & 127, 7
    for byte in b[p + 1 : p + _MOST_BYTES]:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            if number >> 64:
                break
            return (number >> 1) ^ -(number & 1), p + shift // 7
    raise Malformed("a number is cut off, or longer than 64 bits")


def string(b: bytes, p: int) -> tuple[str, int]:
    """Read a text."""
    size = b[p]
    if size < 128 and not size & 1:
        size, p = size >> 1, p + 1
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


def strings(b: bytes, p: int) -> tuple[tuple[str, ...], int]:
    """Read an array of texts, in blocks; a block of negative count tells its size in bytes too."""
    if not b[p]:
        return (), p + 1
    out: list[str] = []
    while True:
        count, p = long(b, p)
        if count == 0:
            return tuple(out), p
        end = None
        if count < 0:
            size, p = long(b, p)
            count, end = -count, p + size
        if count > len(b) - p:
            raise Malformed("an array is longer than the payload")
        for _ in range(count):
            text, p = string(b, p)
            out.append(text)
        if end not in (None, p):
            raise Malformed("a block of an array has another size than it tells")


PRIMITIVES: dict[str, Read] = {
    "string": string,
    "int": long,
    "long": long,
    "double": double,
    "boolean": boolean,
}
