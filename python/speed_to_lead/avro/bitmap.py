"""Names of fields out of ``changedFields``, ``nulledFields`` and ``diffFields``.

An entry is ``0xHEX`` for fields of the event, or ``INDEX-0xHEX`` for members of a compound; bit n is
field n, and the header is bit 0. Masks are as long as the schema needs. Source: facts/pubsub-cdc.md 2.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


class Names:
    """Names of one schema by bit."""

    def __init__(self, fields: Sequence[str], members: Mapping[int, Sequence[str]]) -> None:
        """Take the fields of the event, header included, and the members of its compounds by index."""
        self._fields, self._members = tuple(fields), dict(members)
        self._known: dict[tuple[str, ...], frozenset[str]] = {}

    def expand(self, entries: Sequence[str]) -> frozenset[str]:
        """Return the names; a component is ``Address.Street`` and brings its compound along.

        Bits beyond the schema are ignored, and so is an entry for what is no compound.

        :raises ValueError: an entry is no bitmap.
        """
        key = tuple(entries)
        known = self._known.get(key)
        if known is None:
            if len(self._known) > 4096:
                self._known.clear()
            known = self._known[key] = frozenset(self._names(key))
        return known

    def _names(self, entries: Sequence[str]) -> Iterator[str]:
        for entry in entries:
            parent, separator, mask = entry.rpartition("-")
            if not separator:
                yield from _chosen(self._fields, mask)
                continue
            index = int(parent)
            if index in self._members:
                yield self._fields[index]
                for member in _chosen(self._members[index], mask):
                    yield f"{self._fields[index]}.{member}"


def _chosen(names: Sequence[str], mask: str) -> Iterator[str]:
    bits = int(mask, 16)
    return (name for position, name in enumerate(names) if bits >> position & 1)
