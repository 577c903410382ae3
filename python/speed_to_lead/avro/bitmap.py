"""Names of fields out of ``changedFields``, ``nulledFields`` and ``diffFields``.

An entry is ``0xHEX`` for fields of the event, or ``INDEX-0xHEX`` for members of a compound; bit n is
field n, and the header is bit 0. Masks are as long as the schema needs. Source: facts/pubsub-cdc.md 2.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

_entry = re.compile(r"(?:([0-9]{1,9})-)?0[xX]([0-9A-Fa-f]+)").fullmatch
_MOST_KNOWN = 4096
_NONE: frozenset[str] = frozenset()


class Names:
    """Names of one schema by bit."""

    def __init__(self, fields: Sequence[str], members: Mapping[int, Sequence[str]]) -> None:
        """Take the fields of the event, header included, and the members of its compounds by index."""
        self._fields, self._members = tuple(fields), dict(members)
        self._known: dict[tuple[str, ...], frozenset[str]] = {}

    def expand(self, entries: tuple[str, ...]) -> frozenset[str]:
        """Return the names; a component is ``Address.Street`` and brings its compound along.

        Bits beyond the schema are ignored, and so is an entry for what is no compound.

        :raises ValueError: an entry is no bitmap.
        """
        if not entries:
            return _NONE
        known = self._known.get(entries)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[entries] = frozenset(self._names(entries))
        return known

    def _names(self, entries: Sequence[str]) -> Iterator[str]:
        for entry in entries:
            found = _entry(entry)
            if found is None:
                raise ValueError(f"expected a bitmap (0x… or INDEX-0x…), got {entry!r:.60}")
            parent, mask = found.groups()
            if parent is None:
                yield from _chosen(self._fields, mask)
            elif int(parent) in self._members:
                name = self._fields[int(parent)]
                yield name
                for member in _chosen(self._members[int(parent)], mask):
                    yield f"{name}.{member}"


def _chosen(names: Sequence[str], mask: str) -> Iterator[str]:
    bits = int(mask, 16)
    return (name for position, name in enumerate(names) if bits >> position & 1)
