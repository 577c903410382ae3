"""The ``ChangeEventHeader`` of a change event, but for the masks that end it.

Source: facts/pubsub-cdc.md 2.1, 2.6 and the golden vectors H1 and P1.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from local_org.events import avro_write
from local_org.events.avro_schema import CHANGE_TYPES

_MILLIS_PER_SECOND = 1000
_KINDS = {name: avro_write.long(index) for index, name in enumerate(CHANGE_TYPES)}
_entity = lru_cache(maxsize=1024)(avro_write.string)
_ONE_ID, _END = b"\x02\x24", b"\x00"
"""Around the one id of 18 characters that nearly every event has."""
_ID_LENGTH = 18


class Transaction:
    """What all events of one transaction tell of it; its bytes are composed once."""

    __slots__ = ("_after", "_before", "key", "number", "origin", "second_ms", "user_id")

    def __init__(self, committed_ms: int, number: int, key: str, user_id: str, origin: str) -> None:
        """``committed_ms`` is epoch milliseconds; events tell the whole second."""
        self.second_ms = committed_ms - committed_ms % _MILLIS_PER_SECOND
        self.number, self.key, self.user_id, self.origin = number, key, user_id, origin
        self._before = avro_write.string(origin) + avro_write.string(key)
        self._after = (
            avro_write.long(self.second_ms) + avro_write.long(number) + avro_write.string(user_id)
        )

    def head(self, entity: str, ids: Sequence[str], kind: str, sequence: int) -> bytes:
        """Return the header of one event up to its masks."""
        if len(ids) == 1 and len(ids[0]) == _ID_LENGTH:
            told = _ONE_ID + ids[0].encode() + _END
        else:
            told = avro_write.strings(ids)
        return b"".join(
            (
                _entity(entity),
                told,
                _KINDS[kind],
                self._before,
                avro_write.long(sequence),
                self._after,
            )
        )

    def scalars(self, entity: str, kind: str, sequence: int) -> dict[str, Any]:
        """Return the members of the header that are no lists, by lower-case name."""
        return {
            "entityname": entity,
            "changetype": kind,
            "changeorigin": self.origin,
            "transactionkey": self.key,
            "sequencenumber": sequence,
            "committimestamp": self.second_ms,
            "commitnumber": self.number,
            "commituser": self.user_id,
        }
