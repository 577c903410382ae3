"""What a write is told back, and the transaction it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from local_org.clock import millis
from local_org.errors import OrgError
from local_org.records.changes import RecordChange
from local_org.schema.access import Access


@dataclass(frozen=True, slots=True)
class SaveResult:
    """What became of one record of a write."""

    success: bool
    id: str | None
    """None when it failed."""
    errors: tuple[OrgError, ...] = ()
    created: bool = False
    """By an upsert: whether the record is new."""


class Refused(Exception):
    """A record is not taken, for one reason or for several at once."""

    def __init__(self, *errors: OrgError) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self.errors = errors


@dataclass
class Unit:
    """One transaction at work: in whose name, when, and what it has changed so far."""

    access: Access
    at: datetime
    """Whole second: every audit field of the transaction holds it."""
    origin: str = ""
    changes: list[RecordChange] = field(default_factory=list)
    verified: set[tuple[str, str]] = field(default_factory=set)
    """Pairs of object and id that are known to exist; forgotten whenever something is deleted."""

    @cached_property
    def stamp(self) -> int:
        """The time as the store holds it."""
        return millis(self.at)

    @property
    def user_id(self) -> str:
        """Who writes."""
        return self.access.user_id
