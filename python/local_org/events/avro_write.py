"""Avro binary of the few types that change events are made of.

Source: Avro specification 1.11, "Binary Encoding".
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

double = struct.Struct("<d").pack
"""Eight bytes, little-endian."""

SET = b"\x02"
"""The branch behind ``null`` in a union."""
NULL = b"\x00"
"""``null`` in a union, and nothing more."""


def long(value: int) -> bytes:
    """Return an int or long, or the index of an enum's symbol: zig-zag, seven bits a byte.

    >>> long(0).hex(), long(-1).hex(), long(1771300995000).hex()
    ('00', '01', 'f0fea19c8d67')
    """
    rest = (value << 1) ^ (value >> 63)
    if rest < 128:
        return rest.to_bytes(1, "little")
    out = bytearray()
    while rest > 127:
        out.append(rest & 127 | 128)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def string(text: str) -> bytes:
    """Return a string: its length in bytes, then UTF-8."""
    raw = text.encode()
    return long(len(raw)) + raw


def strings(texts: Sequence[str]) -> bytes:
    """Return an array of strings in one block."""
    if not texts:
        return b"\x00"
    return long(len(texts)) + b"".join(map(string, texts)) + b"\x00"


def boolean(value: object) -> bytes:
    """Return a boolean of anything that is true or false."""
    return b"\x01" if value else b"\x00"


def sparse(values: Mapping[int, bytes], start: int, end: int) -> bytes:
    """Return fields ``start`` to ``end`` of a record of nullable fields, null where none is given.

    >>> sparse({4: string("x")}, 3, 6).hex()
    '0002027800'
    """
    parts: list[bytes] = []
    at = start
    for index in sorted(values):
        parts += (bytes(index - at), SET, values[index])
        at = index + 1
    parts.append(bytes(end - at))
    return b"".join(parts)
