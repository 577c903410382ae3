"""The words of the domain, as frozen values without behaviour.

Every instant is an aware ``datetime`` in UTC. Nothing here holds a name, an address or a body.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from speed_to_lead.ids import ContactId, EmailMessageId, EventId, LeadId, TaskId, UserId

JSON: TypeAlias = "str | int | float | bool | Sequence[JSON] | Mapping[str, JSON] | None"
"""What a decision record may hold."""


class Source(StrEnum):
    """What kind of record proves a response; stored in ``Lead.First_Response_Source__c``."""

    CALL = "Call"
    EMAIL = "Email"
    MEETING = "Meeting"
    OTHER = "Other"
    CONVERSION = "Conversion"
    PREEXISTING = "Preexisting"

    @property
    def rank(self) -> int:
        """Return the place of the channel in a tie at the same second; the smaller one wins."""
        return _RANKS[self]


ANSWERS = frozenset({Source.CALL, Source.EMAIL, Source.MEETING, Source.OTHER})
"""Sources of an answer; a conversion and a touch before the clock are none."""
_RANKS = {source: rank for rank, source in enumerate(Source, start=1)}


class Grade(StrEnum):
    """How far the time of a piece of evidence can be trusted (facts/ttfr.md, section 12)."""

    A = "A"
    """Timed by a system."""
    B = "B"
    """Logged by a person soon after the event."""
    C = "C"
    """Logged late, or the time had to be limited."""


class Reason(StrEnum):
    """Why a record is no evidence: a closed set, labels of a counter and of a report column."""

    NOT_LINKED = "NOT_LINKED"
    INBOUND_MAIL = "INBOUND_MAIL"
    MAIL_NOT_SENT = "MAIL_NOT_SENT"
    BOUNCED = "BOUNCED"
    LIST_EMAIL = "LIST_EMAIL"
    CADENCE_AUTO = "CADENCE_AUTO"
    AI_AUTOMATED = "AI_AUTOMATED"
    AUTO_REPLY_TEMPLATE = "AUTO_REPLY_TEMPLATE"
    AUTO_REPLY_FAST = "AUTO_REPLY_FAST"
    AUTO_SUBJECT = "AUTO_SUBJECT"
    SELF_BOOKED = "SELF_BOOKED"
    AUTOMATION_ACTOR = "AUTOMATION_ACTOR"
    OPEN_TASK = "OPEN_TASK"
    PLAIN_TASK = "PLAIN_TASK"
    INBOUND_CALL = "INBOUND_CALL"
    INTERNAL_CALL = "INTERNAL_CALL"
    CHANNEL_OFF = "CHANNEL_OFF"
    NO_EVENT_TIME = "NO_EVENT_TIME"
    TOO_OLD = "TOO_OLD"
    AFTER_END = "AFTER_END"
    LATE_LOG_REFUSED = "LATE_LOG_REFUSED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a Lead says, or shall say, about its first response; the three travel in one write."""

    at: datetime
    source: Source
    user: UserId | None


@dataclass(frozen=True, slots=True)
class Lead:
    """One Lead as the org has it, reduced to what clocks, judgements and routes read."""

    id: LeadId
    created_at: datetime
    created_by: UserId | None
    owner_id: str
    employees: int | None
    country: str | None
    source: str | None
    industry: str | None
    is_converted: bool
    inquiry: Mapping[str, datetime]
    """The filled fields among those of the policy's ``clock.start``, CreatedDate apart."""
    stamp: Stamp | None
    owner_assigned_at: datetime | None
    clock_started_at: datetime | None
    due_at: datetime | None
    policy_version: str | None
    contact_id: ContactId | None = None
    """The Contact that it became; what is logged there later may still be about the Lead."""
    converted_at: datetime | None = None
    """When it was converted: as its change event told, else about, for the org keeps only the day."""
    closed_at: datetime | None = None
    """When its status became one of the policy's ``clock.closed_statuses``, as its event told."""


class Keeper(StrEnum):
    """What kind of owner holds a Lead; only a person can be blamed for a wait."""

    HUMAN = "human"
    QUEUE = "queue"
    AUTOMATION = "automation"
    NOBODY = "nobody"
    """No owner is known yet."""


@dataclass(frozen=True, slots=True)
class Hold:
    """From this instant on an owner had the Lead, until the next hold."""

    at: datetime
    """Whole second, UTC: the creation of the Lead, or the commit of the hand-over."""
    owner_id: str
    keeper: Keeper
    calendar: str | None = None
    """Name of the calendar by which a person works, as it was when the Lead was given to them."""


@dataclass(frozen=True, slots=True)
class Task:
    """One Task; the closer is known only when its closing event was seen on the stream."""

    id: TaskId
    who_id: str | None
    subtype: str | None
    type: str | None
    is_closed: bool
    completed_at: datetime | None
    call_type: str | None
    call_seconds: int | None
    call_object: str | None
    owner_id: str
    created_at: datetime
    created_by: UserId | None
    modified_at: datetime
    modified_by: UserId | None
    closer: UserId | None
    """``commitUser`` of the closing event; ``None`` when that event was not seen."""
    closed_at_commit: datetime | None
    """``commitTimestamp`` of the closing event; ``None`` when that event was not seen."""
    deleted: bool


@dataclass(frozen=True, slots=True)
class Email:
    """One EmailMessage with its links; what its subject says is judged at the edge, never kept."""

    id: EmailMessageId
    incoming: bool
    status: str
    message_at: datetime | None
    created_at: datetime
    created_by: UserId | None
    from_user: UserId | None
    """FromId if it is a User, else the one User whose address equals FromAddress."""
    committed_at: datetime
    """Commit of the change (stream), or LastModifiedDate (backfill)."""
    automation_type: str | None
    bounced: bool
    template_id: str | None
    subject_is_automatic: bool
    activity_id: TaskId | None
    lead_ids: tuple[LeadId, ...]
    """The linked Leads: ToAddress first, then Cc, Bcc, and the Task behind ActivityId."""
    deleted: bool
    captured: bool = False
    """Whether it has a MessageIdentifier: a mail system has timed it, however late it came."""
    contact_ids: tuple[ContactId, ...] = ()
    """The linked Contacts, in the same order; one of them may be what a Lead became."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """One Event of the calendar; what counts is that it was booked."""

    id: EventId
    who_id: str | None
    created_at: datetime
    created_by: UserId | None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """One User, with what the policy says of it resolved at the edge."""

    id: UserId
    user_type: str
    is_active: bool
    automation: bool
    """Named in ``response.automation_users``, or holds the automation permission set."""
    trusted_logger: bool
    """Named in ``response.trusted_loggers``."""
    username: str = ""
    team: str | None = None
    """The department."""
    scheduler: bool = False
    """Named in ``response.scheduler_users``: books meetings in the name of prospects."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One record accepted as a human touch towards the prospect."""

    record_id: str
    lead_id: LeadId
    at: datetime
    """Whole second, UTC."""
    source: Source
    user: UserId | None
    grade: Grade | None
    """``None`` for a conversion, and for what came with a Lead that was merged into this one."""
    flags: tuple[str, ...]

    @property
    def key(self) -> tuple[datetime, int, str]:
        """Return what orders evidence: time, then channel rank, then the record id byte-wise."""
        return (self.at, self.source.rank, self.record_id)


@dataclass(frozen=True, slots=True)
class Rejection:
    """One record that is no evidence, with exactly one reason."""

    record_id: str
    lead_id: LeadId | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision with everything that is needed to make it again."""

    workload: str
    """``lead.route`` or ``lead.first_touch``."""
    lead_id: LeadId
    cause_key: str
    decision_id: str
    at: datetime
    policy_version: str
    policy_digest: str
    outcome: str
    inputs: Mapping[str, JSON]
    output: Mapping[str, JSON]
    trace: tuple[Mapping[str, JSON], ...]
