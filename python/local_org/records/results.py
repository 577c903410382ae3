"""What a write is told back, and the transaction it belongs to."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from local_org.clock import millis
from local_org.errors import OrgError
from local_org.records.changes import RecordChange
from local_org.records.system_access import SystemAccess
from local_org.schema.access import Access

_EVENTS = uuid.UUID("b0b0a1a2-7a3c-4f0e-9a51-5f3e0a6f0c11")
"""Namespace of the uuids of platform events."""


@dataclass(frozen=True, slots=True)
class SaveResult:
    """What became of one record of a write."""

    success: bool
    id: str | None
    """None when it failed."""
    errors: tuple[OrgError, ...] = ()
    """Why it failed; of a published event ``OPERATION_ENQUEUED``, which is no failure."""
    created: bool = False
    """By an upsert: whether the record is new."""


@dataclass(frozen=True, slots=True)
class ConvertResult(SaveResult):
    """What a lead has become."""

    account_id: str = ""
    contact_id: str = ""
    opportunity_id: str | None = None
    """None without an opportunity."""


@dataclass(frozen=True, slots=True)
class MergeResult(SaveResult):
    """Which records have gone into the one whose id this is."""

    merged_ids: tuple[str, ...] = ()
    updated_related_ids: tuple[str, ...] = ()
    """Children that have moved and that the caller may see."""


def event_uuid(record_id: str) -> str:
    """Return ``EventUuid`` of the platform event that was published under this id."""
    return str(uuid.uuid5(_EVENTS, record_id))


def enqueued(record_id: str) -> OrgError:
    """Tell a publisher the uuid of the event. Source: Platform Events Developer Guide."""
    return OrgError("OPERATION_ENQUEUED", event_uuid(record_id))


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

    def as_system(self) -> Unit:
        """Return the same transaction with the org itself at work, in the user's name."""
        return replace(self, access=SystemAccess(self.access))

    @cached_property
    def stamp(self) -> int:
        """The time as the store holds it."""
        return millis(self.at)

    @property
    def user_id(self) -> str:
        """Who writes."""
        return self.access.user_id
