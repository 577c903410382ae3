"""What the ledger takes and gives, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from speed_to_lead.ids import LeadId, ReplayId, UserId
from speed_to_lead.model import Decision, Evidence, Hold, Lead, Rejection


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a topic is handled: everything up to the replay id is in the ledger."""

    topic: str
    replay_id: ReplayId
    committed_at: datetime | None
    """The newest commit handled; where a backfill begins when the replay id has expired."""


@dataclass(frozen=True, slots=True)
class KnownLead:
    """What the ledger knows of one Lead."""

    lead: Lead
    routed: bool = False
    """A routing decision has been recorded."""
    evidence: tuple[tuple[Evidence, bool], ...] = ()
    """What has ever counted, each with whether it was withdrawn."""
    holds: tuple[Hold, ...] = ()
    """Who has had it, the first first."""
    inquiries: frozenset[datetime] = frozenset()
    """When it asked again, after its clock had started."""

    @property
    def live(self) -> list[Evidence]:
        """Return the evidence that counts."""
        return [evidence for evidence, withdrawn in self.evidence if not withdrawn]


@dataclass(frozen=True, slots=True)
class Gone:
    """A Lead that was deleted."""

    lead_id: LeadId
    at: datetime
    """When the org committed it."""
    merged_into: LeadId | None = None
    """The Lead that stays, where it was merged."""


@dataclass(frozen=True, slots=True)
class Closing:
    """Who closed a Task, and when: only its change event tells."""

    task_id: str
    user: UserId | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Pending:
    """A mail whose links were not there yet, to be looked at again."""

    record_id: str
    due_at: float
    """Epoch seconds of this machine."""
    attempts: int
    cause_key: str
    committed_at: datetime
    """Commit of the change that told of the mail."""


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """Something set aside: an event that could not be read, or a write that the org did not take.

    The payload is kept as it came, to be tried again; it may hold what people typed into the org.
    """

    topic: str
    replay_id: bytes
    schema_id: str
    payload: bytes
    reason: str
    record_id: str | None = None
    around: datetime | None = None
    """About when the org committed an event that could not be read, by those beside it."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An entry of the quarantine, as it lies there."""

    id: int
    at: float
    """Epoch seconds of this machine."""
    entry: QuarantineEntry


@dataclass(slots=True)
class Effects:
    """Everything a batch comes to; committed whole or not at all."""

    leads: list[Lead] = field(default_factory=list)
    holds: list[tuple[LeadId, Hold]] = field(default_factory=list)
    inquiries: list[tuple[LeadId, datetime]] = field(default_factory=list)
    gone_leads: list[Gone] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    """A record is judged for all its Leads at once; what it was rejected for earlier is forgotten."""
    withdrawn: list[str] = field(default_factory=list)
    """Records that count no more, for any Lead."""
    closings: list[Closing] = field(default_factory=list)
    calendars: dict[str, str] = field(default_factory=dict)
    """What calendars say, by digest: enough to do the arithmetic of a stamp again."""
    decisions: list[Decision] = field(default_factory=list)
    records: list[tuple[str, bytes]] = field(default_factory=list)
    """Flywheel records by decision id, one JSON line each, for the outbox."""
    quarantined: list[QuarantineEntry] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    """Records that are no longer pending."""
    checkpoints: list[Checkpoint] = field(default_factory=list)
