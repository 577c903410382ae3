"""The contract between what hears changes and what handles them: changes, batches, sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from speed_to_lead.ids import ReplayId


class ChangeKind(StrEnum):
    """The ``changeType`` of a change event; SNAPSHOT also marks a record found by a query."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    UNDELETE = "UNDELETE"
    GAP_CREATE = "GAP_CREATE"
    GAP_UPDATE = "GAP_UPDATE"
    GAP_DELETE = "GAP_DELETE"
    GAP_UNDELETE = "GAP_UNDELETE"
    GAP_OVERFLOW = "GAP_OVERFLOW"
    SNAPSHOT = "SNAPSHOT"


@dataclass(frozen=True, slots=True)
class Change:
    """What one transaction did to one or several records of one entity, as the org tells it."""

    entity: str
    ids: tuple[str, ...]
    """Ids of 18 characters as they came; one may be a wildcard such as ``00Q*``."""
    kind: ChangeKind
    fields: Mapping[str, Any]
    """Fields that are not null, in Avro's plain types: dates and times are epoch milliseconds."""
    changed: frozenset[str]
    """Names in ``changedFields``; empty unless the kind is UPDATE."""
    committed_at: datetime
    """``commitTimestamp``, aware, UTC."""
    user: str
    """``commitUser``."""
    origin: str
    """``changeOrigin``; ends in ``;client=NAME`` where the writer gave its name."""
    key: str
    """``transactionKey`` and ``sequenceNumber``, joined by a hyphen."""
    replay_id: ReplayId


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One event that could not be decoded, with everything needed to try again."""

    topic: str
    replay_id: ReplayId
    schema_id: str
    payload: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes of one topic in commit order, and the position reached when all are handled."""

    topic: str
    replay_id: ReplayId
    """To be stored when everything in the batch is durable; never before."""
    changes: tuple[Change, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()


@dataclass(slots=True)
class TopicState:
    """What a source knows of one topic, for ``/healthz``."""

    topic: str
    connected: bool = False
    replay_id: ReplayId | None = None
    last_event_at: datetime | None = None
    """Commit time of the newest event heard."""
    last_heard_at: float | None = None
    """Monotonic time of the last response, keepalives included."""
    essential: bool = True
    """Whether the sidecar is of no use without it."""
    failing_since: float | None = None
    """Monotonic time since which it has failed without a response; ``None`` while all is well."""
    reconnects: dict[str, int] = field(default_factory=dict)
    """Number of reconnects by error code."""


class ChangeSource(Protocol):
    """Where changes come from. Within one record they come in commit order, from a topic in order."""

    @property
    def topics(self) -> Mapping[str, TopicState]:
        """The topics heard, by name."""
        ...

    async def next_batches(self, timeout_seconds: float = 1.0) -> list[Batch]:
        """Return everything that has arrived, up to about 1,000 changes; wait when there is nothing.

        Empty after ``timeout_seconds`` of silence. A batch without changes only moves the position.

        :raises ReplayExpired: the org no longer retains a stored replay id.
        :raises PermissionMissing: the user may not hear what the topic carries.
        """
        ...

    async def close(self) -> None:
        """Leave every stream; what was not returned will be delivered again."""
        ...
