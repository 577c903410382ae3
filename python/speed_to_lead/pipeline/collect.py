"""Step 1, collect: which records must be read to judge a batch. Pure; later changes of a record win."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from speed_to_lead.changes import Batch, Change, ChangeKind
from speed_to_lead.errors import InvalidId
from speed_to_lead.ids import (
    EmailMessageId,
    LeadId,
    TaskId,
    UserId,
    email_message_id,
    lead_id,
    task_id,
    user_id,
)
from speed_to_lead.ledger import Closing

_GONE = frozenset({ChangeKind.DELETE, ChangeKind.GAP_DELETE})
_NEW = frozenset(ChangeKind) - _GONE - {ChangeKind.UPDATE, ChangeKind.GAP_UPDATE}
_TASK_FIELDS = frozenset(
    {
        "IsClosed",
        "Status",
        "CompletedDateTime",
        "WhoId",
        "OwnerId",
        "TaskSubtype",
        "Type",
        "CallType",
        "CallDurationInSeconds",
        "CallObject",
    }
)
_EMAIL_FIELDS = frozenset({"Status", "MessageDate", "IsBounced", "Incoming", "ActivityId"})
_STAMP_FIELDS = frozenset(
    {"First_Response_At__c", "First_Response_User__c", "First_Response_Source__c"}
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A Lead that is new to us, with what only its event can tell."""

    key: str
    at: datetime
    """When the org committed it; for a snapshot, the start of the window it was found in."""
    owner_id: str | None
    """The owner at creation; ``None`` where the event does not say (gaps and snapshots)."""
    snapshot: bool


@dataclass(frozen=True, slots=True)
class Handover:
    """One change of a Lead's owner."""

    owner_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Cause:
    """Which change made us judge a record."""

    key: str
    at: datetime
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch of changes the org could not tell one by one: to be queried again."""

    entity: str
    around: datetime


@dataclass(slots=True)
class Wanted:
    """What a batch asks for, by record."""

    arrivals: dict[LeadId, Arrival] = field(default_factory=dict)
    handovers: dict[LeadId, list[Handover]] = field(default_factory=dict)
    converted: set[LeadId] = field(default_factory=set)
    stale_leads: set[LeadId] = field(default_factory=set)
    """What the ledger knows of them may be old: somebody else stamped them, or changes were missed."""
    tasks: dict[TaskId, Cause] = field(default_factory=dict)
    emails: dict[EmailMessageId, Cause] = field(default_factory=dict)
    closings: dict[TaskId, Closing] = field(default_factory=dict)
    gone_leads: set[LeadId] = field(default_factory=set)
    gone_records: set[str] = field(default_factory=set)
    holes: list[Hole] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(
            (
                self.arrivals,
                self.handovers,
                self.converted,
                self.stale_leads,
                self.tasks,
                self.emails,
                self.gone_leads,
                self.gone_records,
            )
        )


def collect(batches: Iterable[Batch], client_name: str) -> Wanted:
    """Return what these batches ask for; ``client_name`` tells our own writes from others'."""
    wanted = Wanted()
    for batch in batches:
        for change in batch.changes:
            _collect(wanted, change, own=change.origin.endswith(f";client={client_name}"))
    return wanted


def _collect(wanted: Wanted, change: Change, *, own: bool) -> None:
    if change.kind is ChangeKind.GAP_OVERFLOW or any("*" in each for each in change.ids):
        wanted.holes.append(Hole(change.entity, change.committed_at))
        return
    for each in change.ids:
        try:
            if change.entity == "Lead":
                _lead(wanted, change, lead_id(each), own=own)
            elif change.entity == "Task":
                _task(wanted, change, task_id(each))
            elif change.entity == "EmailMessage":
                _email(wanted, change, email_message_id(each))
        except InvalidId:
            wanted.holes.append(Hole(change.entity, change.committed_at))


def _lead(wanted: Wanted, change: Change, lead: LeadId, *, own: bool) -> None:
    if change.kind in _GONE:
        wanted.gone_leads.add(lead)
        _forget(wanted, lead)
        return
    wanted.gone_leads.discard(lead)
    if change.kind in _NEW:
        owner = change.fields.get("OwnerId") if change.kind is ChangeKind.CREATE else None
        snapshot = change.kind is ChangeKind.SNAPSHOT
        wanted.arrivals[lead] = Arrival(change.key, change.committed_at, owner, snapshot)
        if snapshot:
            wanted.stale_leads.add(lead)
        return
    _changed_lead(wanted, change, lead, own=own)


def _forget(wanted: Wanted, lead: LeadId) -> None:
    """Take back what was asked for a Lead that is gone by the end of the batch."""
    wanted.arrivals.pop(lead, None)
    wanted.handovers.pop(lead, None)
    wanted.converted.discard(lead)
    wanted.stale_leads.discard(lead)


def _changed_lead(wanted: Wanted, change: Change, lead: LeadId, *, own: bool) -> None:
    """Read an update: of our own writes only the hand-over counts, whose time the org alone knows."""
    if change.kind is not ChangeKind.UPDATE:
        wanted.stale_leads.add(lead)
        return
    owner = change.fields.get("OwnerId")
    if "OwnerId" in change.changed and owner:
        wanted.handovers.setdefault(lead, []).append(Handover(owner, change.committed_at))
    if "IsConverted" in change.changed:
        wanted.converted.add(lead)
    if not own and change.changed & _STAMP_FIELDS:
        wanted.stale_leads.add(lead)


def _task(wanted: Wanted, change: Change, task: TaskId) -> None:
    if change.kind in _GONE:
        wanted.gone_records.add(task)
        wanted.tasks.pop(task, None)
        return
    if change.kind is ChangeKind.UPDATE and change.changed and not change.changed & _TASK_FIELDS:
        return
    wanted.gone_records.discard(task)
    wanted.tasks[task] = _cause(change)
    closing = change.kind is ChangeKind.CREATE or "IsClosed" in change.changed
    if closing and change.fields.get("IsClosed"):
        wanted.closings[task] = Closing(task, _user(change.user), change.committed_at)


def _email(wanted: Wanted, change: Change, email: EmailMessageId) -> None:
    if change.kind in _GONE:
        wanted.gone_records.add(email)
        wanted.emails.pop(email, None)
        return
    if change.kind is ChangeKind.UPDATE and change.changed and not change.changed & _EMAIL_FIELDS:
        return
    wanted.gone_records.discard(email)
    first = wanted.emails.get(email)
    cause = _cause(change)
    sent_before = first is not None and "Status" not in change.changed
    wanted.emails[email] = replace(cause, at=first.at) if first and sent_before else cause


def _cause(change: Change) -> Cause:
    return Cause(change.key, change.committed_at, change.kind is ChangeKind.SNAPSHOT)


def _user(text: str) -> UserId | None:
    try:
        return user_id(text)
    except InvalidId:
        return None
