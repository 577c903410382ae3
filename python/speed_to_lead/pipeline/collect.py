"""Step 1, collect: which records must be read to judge a batch. Pure; later changes of a record win."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from speed_to_lead.changes import Batch, Change, ChangeKind
from speed_to_lead.errors import InvalidId
from speed_to_lead.ids import (
    ContactId,
    EmailMessageId,
    EventId,
    LeadId,
    TaskId,
    UserId,
    contact_id,
    email_message_id,
    event_id,
    lead_id,
    task_id,
    user_id,
)
from speed_to_lead.ledger import Closing
from speed_to_lead.model import Source
from speed_to_lead.policy import Clock

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
    """Found by a query of the past: the instant is the start of its window."""
    by: str = ""
    """Who made the change, where its event tells."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """A Lead that became a Contact, as its change event tells."""

    at: datetime
    by: UserId | None
    contact: ContactId | None


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
    converted: dict[LeadId, Conversion] = field(default_factory=dict)
    inquiries: dict[LeadId, set[datetime]] = field(default_factory=dict)
    """When a Lead that was there already asked again."""
    closed: dict[LeadId, datetime | None] = field(default_factory=dict)
    """When a Lead was closed unanswered; ``None`` for one that was opened again."""
    stale_leads: dict[LeadId, Cause] = field(default_factory=dict)
    """What the ledger knows of them may be old: somebody else stamped them, or changes were missed."""
    tasks: dict[TaskId, Cause] = field(default_factory=dict)
    emails: dict[EmailMessageId, Cause] = field(default_factory=dict)
    meetings: dict[EventId, Cause] = field(default_factory=dict)
    closings: dict[TaskId, Closing] = field(default_factory=dict)
    gone_leads: dict[LeadId, Cause] = field(default_factory=dict)
    gone_records: dict[str, Cause] = field(default_factory=dict)
    holes: list[Hole] = field(default_factory=list)

    def activity(self, record: str, cause: Cause) -> None:
        """Ask for a Task, an Event or a mail by its id, if nothing asks for it yet.

        :raises InvalidId: it is none of them.
        """
        if record.startswith("00T"):
            self.tasks.setdefault(task_id(record), cause)
        elif record.startswith("00U"):
            self.meetings.setdefault(event_id(record), cause)
        else:
            self.emails.setdefault(email_message_id(record), cause)

    def __bool__(self) -> bool:
        return any(
            (
                self.arrivals,
                self.handovers,
                self.converted,
                self.inquiries,
                self.closed,
                self.stale_leads,
                self.tasks,
                self.emails,
                self.meetings,
                self.gone_leads,
                self.gone_records,
            )
        )


def collect(batches: Iterable[Batch], client_name: str, clock: Clock | None = None) -> Wanted:
    """Return what these batches ask for; ``client_name`` tells our own writes from others'.

    The policy's clock tells which fields and which values of Status mean a new inquiry.
    """
    wanted, ours, clock = Wanted(), f";client={client_name}", clock or Clock()
    for batch in batches:
        for change in batch.changes:
            _collect(wanted, change, clock, own=change.origin.endswith(ours))
    return wanted


def _collect(wanted: Wanted, change: Change, clock: Clock, *, own: bool) -> None:
    if change.kind is ChangeKind.GAP_OVERFLOW or any("*" in each for each in change.ids):
        wanted.holes.append(Hole(change.entity, change.committed_at))
        return
    for each in change.ids:
        try:
            if change.entity == "Lead":
                _lead(wanted, change, lead_id(each), clock, own=own)
            elif change.entity == "Task":
                _task(wanted, change, task_id(each))
            elif change.entity == "EmailMessage":
                _email(wanted, change, email_message_id(each))
            elif change.entity == "Event":
                _meeting(wanted, change, event_id(each))
        except InvalidId:
            wanted.holes.append(Hole(change.entity, change.committed_at))


def _lead(wanted: Wanted, change: Change, lead: LeadId, clock: Clock, *, own: bool) -> None:
    if change.kind in _GONE:
        wanted.gone_leads[lead] = _cause(change)
        _forget(wanted, lead)
        return
    wanted.gone_leads.pop(lead, None)
    if change.kind in _NEW:
        owner = change.fields.get("OwnerId") if change.kind is ChangeKind.CREATE else None
        snapshot = change.kind is ChangeKind.SNAPSHOT
        wanted.arrivals[lead] = Arrival(change.key, change.committed_at, owner, snapshot)
        if snapshot:
            wanted.stale_leads[lead] = _cause(change)
        return
    _changed_lead(wanted, change, lead, clock, own=own)


def _forget(wanted: Wanted, lead: LeadId) -> None:
    """Take back what was asked for a Lead that is gone by the end of the batch."""
    wanted.arrivals.pop(lead, None)
    wanted.handovers.pop(lead, None)
    wanted.converted.pop(lead, None)
    wanted.inquiries.pop(lead, None)
    wanted.closed.pop(lead, None)
    wanted.stale_leads.pop(lead, None)


def _changed_lead(wanted: Wanted, change: Change, lead: LeadId, clock: Clock, *, own: bool) -> None:
    """Read an update: of our own writes only the hand-over counts, whose time the org alone knows."""
    if change.kind is not ChangeKind.UPDATE:
        wanted.stale_leads[lead] = _cause(change)
        return
    owner = change.fields.get("OwnerId")
    if "OwnerId" in change.changed and owner:
        wanted.handovers.setdefault(lead, []).append(Handover(owner, change.committed_at))
    if "IsConverted" in change.changed and change.fields.get("IsConverted"):
        contact = change.fields.get("ConvertedContactId")
        wanted.converted[lead] = Conversion(
            change.committed_at, _user(change.user), contact_id(contact) if contact else None
        )
    if clock.closed_statuses and "Status" in change.changed:
        closes = change.fields.get("Status") in clock.closed_statuses
        wanted.closed[lead] = change.committed_at if closes else None
    if inquiries := set(_inquiries(change, clock)):
        wanted.inquiries.setdefault(lead, set()).update(inquiries)
        wanted.stale_leads[lead] = _cause(change)
    if (not own and change.changed & _STAMP_FIELDS) or _rests_on_a_clock(change):
        wanted.stale_leads[lead] = _cause(change)


def _rests_on_a_clock(change: Change) -> bool:
    """Tell whether an update is right only as long as a clock is: another sidecar may know an earlier one.

    It may bear our name, so that what is ours is looked at again too; that is rare, and changes nothing.
    """
    if "Response_Clock_Started_At__c" in change.changed:
        return True
    source = "First_Response_Source__c"
    return source in change.changed and change.fields.get(source) == Source.PREEXISTING


def _inquiries(change: Change, clock: Clock) -> Iterator[datetime]:
    """Yield when an update says that the Lead has asked again."""
    for name in change.changed.intersection(clock.start):
        told = change.fields.get(name)
        if isinstance(told, int):
            yield datetime.fromtimestamp(told / 1000, UTC)
    if "Status" in change.changed and change.fields.get("Status") in clock.reopening_statuses:
        yield change.committed_at


def _task(wanted: Wanted, change: Change, task: TaskId) -> None:
    if change.kind in _GONE:
        wanted.gone_records[task] = _cause(change)
        wanted.tasks.pop(task, None)
        return
    if change.kind is ChangeKind.UPDATE and change.changed and not change.changed & _TASK_FIELDS:
        return
    wanted.gone_records.pop(task, None)
    wanted.tasks[task] = _cause(change)
    closing = change.kind is ChangeKind.CREATE or "IsClosed" in change.changed
    if closing and change.fields.get("IsClosed"):
        wanted.closings[task] = Closing(task, _user(change.user), change.committed_at)


def _email(wanted: Wanted, change: Change, email: EmailMessageId) -> None:
    if change.kind in _GONE:
        wanted.gone_records[email] = _cause(change)
        wanted.emails.pop(email, None)
        return
    if change.kind is ChangeKind.UPDATE and change.changed and not change.changed & _EMAIL_FIELDS:
        return
    wanted.gone_records.pop(email, None)
    first = wanted.emails.get(email)
    cause = _cause(change)
    sent_before = first is not None and not first.snapshot and "Status" not in change.changed
    wanted.emails[email] = replace(cause, at=first.at) if first and sent_before else cause


def _meeting(wanted: Wanted, change: Change, meeting: EventId) -> None:
    if change.kind in _GONE:
        wanted.gone_records[meeting] = _cause(change)
        wanted.meetings.pop(meeting, None)
        return
    if change.kind is ChangeKind.UPDATE and change.changed and "WhoId" not in change.changed:
        return
    wanted.gone_records.pop(meeting, None)
    wanted.meetings[meeting] = _cause(change)


def _cause(change: Change) -> Cause:
    snapshot = change.kind is ChangeKind.SNAPSHOT
    return Cause(change.key, change.committed_at, snapshot, change.user)


def _user(text: str) -> UserId | None:
    try:
        return user_id(text)
    except InvalidId:
        return None
