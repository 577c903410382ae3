"""From records to evidence to a stamp: pure, and the same for any order of arrival.

Rules, reason codes and grades: facts/ttfr.md, sections 3 to 7 and 12. Every instant is floored to a
whole second before it is compared: the org keeps no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from speed_to_lead.ids import UserId, is_user
from speed_to_lead.model import (
    Email,
    Evidence,
    Grade,
    Lead,
    Meeting,
    Reason,
    Rejection,
    Source,
    Stamp,
    Task,
    User,
)
from speed_to_lead.policy import Policy, Response

INQUIRY_REJECTED = "inquiry_rejected"
"""A field of ``clock.start`` was too late or too old to start the clock."""
CLOSER_UNKNOWN = "closer_unknown"
"""Who closed the Task was not seen, and it was edited since; who created it stands in."""
TIME_FROM_COMMIT = "time_from_commit"
"""The Task does not say when it was completed; its closing event does."""
MERGED = "merged"
"""It came with a Lead that was merged into this one."""
FUTURE_DATED = "FUTURE_DATED"
"""The mail says that it was sent after it was stored; when it was stored is taken."""
LATE_CAPTURED = "LATE_CAPTURED"
"""A mail system's own time, brought to the org late."""

_SENT = "3"


@dataclass(frozen=True, slots=True)
class ClockStart:
    """When the response clock of a Lead started."""

    at: datetime
    flags: tuple[str, ...]


# -- the clock ------------------------------------------------------------------------------------


def clock_start(policy: Policy, lead: Lead) -> ClockStart:
    """Return the first usable instant of the policy's ``clock.start``; CreatedDate always is one.

    What the Lead already says holds if it is earlier: a clock only ever moves earlier.
    """
    rules, created = policy.clock, _whole(lead.created_at)
    latest = created + timedelta(seconds=rules.inquiry_max_after_created_seconds)
    oldest = created - timedelta(days=rules.inquiry_max_age_days)
    flags: tuple[str, ...] = ()
    at = created
    for name in rules.start:
        inquiry = _whole(lead.inquiry[name]) if name in lead.inquiry else None
        if name == "CreatedDate" or (inquiry is not None and oldest <= inquiry <= latest):
            at = inquiry or created
            break
        if inquiry is not None:
            flags = (INQUIRY_REJECTED,)
    if lead.clock_started_at is not None:
        at = min(at, _whole(lead.clock_started_at))
    return ClockStart(at, flags)


def response_time(clock: ClockStart, at: datetime) -> timedelta:
    """Return how long a Lead waited until an instant; nothing when that lies before the start."""
    return max(timedelta(0), _whole(at) - clock.at)


def is_human(policy: Policy, users: Mapping[UserId, User], user_id: UserId | None) -> bool:
    """Tell whether a user is a person; one who has left the company did answer."""
    user = None if user_id is None else users.get(user_id)
    return user is not None and user.user_type in policy.response.user_types and not user.automation


# -- evidence -------------------------------------------------------------------------------------


def judge_task(
    policy: Policy, lead: Lead, task: Task, users: Mapping[UserId, User]
) -> Evidence | Rejection:
    """Return what a Task proves for a Lead, or the first reason why it proves nothing.

    The Task behind an EmailMessage is that mail's alias and must not be judged by itself.
    """
    try:
        return _evidence_of_task(policy, lead, task, users)
    except _RefusedError as refused:
        return Rejection(task.id, lead.id, refused.reason)


def judge_email(
    policy: Policy, lead: Lead, email: Email, users: Mapping[UserId, User]
) -> Evidence | Rejection:
    """Return what an EmailMessage proves for a Lead, or the first reason why it proves nothing."""
    try:
        return _evidence_of_email(policy, lead, email, users)
    except _RefusedError as refused:
        return Rejection(email.id, lead.id, refused.reason)


def judge_meeting(
    policy: Policy, lead: Lead, meeting: Meeting, users: Mapping[UserId, User]
) -> Evidence | Rejection:
    """Return what an Event proves for a Lead, or the first reason why it proves nothing."""
    try:
        return _evidence_of_meeting(policy, lead, meeting, users)
    except _RefusedError as refused:
        return Rejection(meeting.id, lead.id, refused.reason)


def conversion_of(lead: Lead, by: UserId | None) -> Evidence | None:
    """Return a Lead's conversion as what ends the wait if nothing did; ``None`` if nobody knows when.

    It is stamped, so that the Lead does not wait for ever, and counted apart: it is no answer.
    """
    if not lead.is_converted or lead.converted_at is None:
        return None
    at = _whole(lead.converted_at)
    return Evidence(lead.id, lead.id, at, Source.CONVERSION, by, None, ())


def inherited(lead: Lead) -> Evidence | None:
    """Return what a Lead says of its response, for the Lead that it was merged into.

    Whoever stamped it knew why; the record behind it may be out of our sight.
    """
    if lead.stamp is None:
        return None
    stamp = lead.stamp
    source = Source.OTHER if stamp.source is Source.PREEXISTING else stamp.source
    return Evidence(lead.id, lead.id, _whole(stamp.at), source, stamp.user, None, (MERGED,))


class _RefusedError(Exception):
    """A record is no evidence; the reasons are tried in the order of section 6."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def _refuse(reason: Reason, when: bool) -> None:
    if when:
        raise _RefusedError(reason)


def _evidence_of_task(
    policy: Policy, lead: Lead, task: Task, users: Mapping[UserId, User]
) -> Evidence:
    rules, clock = policy.response, clock_start(policy, lead)
    source, timed, closer = _source(rules, task), _time_of_task(rules, task), _closer(task)
    _refuse(Reason.NOT_LINKED, not is_about(lead, task.who_id))
    _refuse(Reason.LIST_EMAIL, task.subtype == "ListEmail")
    _refuse(Reason.CADENCE_AUTO, task.subtype == "Cadence")
    if task.is_closed:
        automatic = source is Source.EMAIL and _at_once(policy, lead, clock, timed, closer.user)
        _refuse(Reason.AUTO_REPLY_FAST, automatic)
        closer = _responder(policy, task, closer, users)
    _refuse(Reason.OPEN_TASK, not task.is_closed)
    if source is None:
        raise _RefusedError(Reason.PLAIN_TASK)
    is_call = source is Source.CALL
    inbound = is_call and task.call_type == "Inbound"
    _refuse(Reason.INBOUND_CALL, inbound and not rules.count_inbound_calls)
    _refuse(Reason.INTERNAL_CALL, is_call and task.call_type == "Internal")
    timed = _in_time(policy, lead, clock, timed)
    _refuse(Reason.DELETED, task.deleted)
    flags = (*closer.flags, *timed.flags)
    return Evidence(task.id, lead.id, timed.at, source, closer.user, timed.grade, flags)


def _evidence_of_email(
    policy: Policy, lead: Lead, email: Email, users: Mapping[UserId, User]
) -> Evidence:
    rules, clock = policy.response, clock_start(policy, lead)
    timed = _time_of_email(rules, email)
    _refuse(Reason.NOT_LINKED, lead.id not in email.lead_ids)
    _refuse(Reason.INBOUND_MAIL, email.incoming)
    _refuse(Reason.MAIL_NOT_SENT, email.status != _SENT)
    _refuse(Reason.BOUNCED, email.bounced)
    _refuse(Reason.AI_AUTOMATED, email.automation_type == "AiAutomated")
    _refuse(Reason.AUTO_REPLY_TEMPLATE, _is_automatic_template(rules, email.template_id))
    _refuse(Reason.AUTO_REPLY_FAST, _at_once(policy, lead, clock, timed, email.created_by))
    _refuse(Reason.AUTO_SUBJECT, email.subject_is_automatic)
    sender = _sender(policy, email, users)
    timed = _in_time(policy, lead, clock, timed)
    _refuse(Reason.DELETED, email.deleted)
    return Evidence(email.id, lead.id, timed.at, Source.EMAIL, sender, timed.grade, timed.flags)


def _evidence_of_meeting(
    policy: Policy, lead: Lead, meeting: Meeting, users: Mapping[UserId, User]
) -> Evidence:
    writer, clock = meeting.created_by, clock_start(policy, lead)
    _refuse(Reason.NOT_LINKED, not is_about(lead, meeting.who_id))
    _refuse(Reason.SELF_BOOKED, _is_scheduler(users, writer))
    _refuse(Reason.AUTOMATION_ACTOR, not is_human(policy, users, writer))
    _refuse(Reason.CHANNEL_OFF, not policy.response.meetings)
    timed = _in_time(policy, lead, clock, _Time(_whole(meeting.created_at), Grade.A))
    _refuse(Reason.DELETED, meeting.deleted)
    return Evidence(meeting.id, lead.id, timed.at, Source.MEETING, writer, timed.grade, ())


def is_about(lead: Lead, who_id: str | None) -> bool:
    """Tell whether an activity's WhoId means a Lead: itself, or the Contact that it became.

    When it became a Contact must be known, else nobody can tell a touch before from one after.
    """
    if lead.converted_at is not None and lead.contact_id is not None and who_id == lead.contact_id:
        return True
    return who_id == lead.id


def _source(rules: Response, task: Task) -> Source | None:
    """Return the channel of a Task: its subtype tells, else its type; ``None`` for a plain to-do."""
    if task.subtype == "Call":
        return Source.CALL
    if task.subtype == "Email":
        return Source.EMAIL
    if task.subtype not in rules.other_channels and task.type in rules.call_types:
        return Source.CALL
    others = {task.subtype, task.type}.intersection(rules.other_channels)
    return Source.OTHER if others else None


def _is_automatic_template(rules: Response, template_id: str | None) -> bool:
    return (template_id or "")[:15] in {each[:15] for each in rules.auto_reply_templates}


# -- who: section 4.2 -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Person:
    user: UserId | None
    flags: tuple[str, ...] = ()


def _closer(task: Task) -> _Person:
    """Return who closed a Task: its closing event knows, else its last editor while that is the same."""
    if task.closed_at_commit is not None or task.closer is not None:
        return _Person(task.closer)
    closed = max(task.created_at, task.completed_at or task.created_at)
    if _whole(task.modified_at) > _whole(closed):
        return _Person(task.created_by, (CLOSER_UNKNOWN,))
    return _Person(task.modified_by)


def _responder(
    policy: Policy, task: Task, closer: _Person, users: Mapping[UserId, User]
) -> _Person:
    """Return whose response a closed Task is: its owner's if that is a person, else the closer's."""
    owner = UserId(task.owner_id) if is_user(task.owner_id) else None
    owned = is_human(policy, users, owner)
    logged = owned and _is_trusted(users, closer.user)
    _refuse(Reason.AUTOMATION_ACTOR, not (logged or is_human(policy, users, closer.user)))
    return _Person(owner if owned else closer.user, closer.flags)


def _sender(policy: Policy, email: Email, users: Mapping[UserId, User]) -> UserId | None:
    """Return who sent a mail; ``None`` when a trusted logger wrote it and From is no one user."""
    writer = email.created_by
    if _is_trusted(users, writer):
        unknown = email.from_user is None
        _refuse(Reason.AUTOMATION_ACTOR, not (unknown or is_human(policy, users, email.from_user)))
        return email.from_user
    _refuse(Reason.AUTOMATION_ACTOR, not is_human(policy, users, writer))
    return writer


def _is_scheduler(users: Mapping[UserId, User], user_id: UserId | None) -> bool:
    """Tell whether a user is a tool in which prospects book meetings themselves."""
    user = None if user_id is None else users.get(user_id)
    return user is not None and user.scheduler


def _is_trusted(users: Mapping[UserId, User], user_id: UserId | None) -> bool:
    """Tell whether a user is a dialler or a mail sync, which logs what people have done."""
    user = None if user_id is None else users.get(user_id)
    return user is not None and user.trusted_logger


# -- when: sections 5.3 and 12 --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Time:
    at: datetime
    grade: Grade
    flags: tuple[str, ...] = ()


def _time_of_task(rules: Response, task: Task) -> _Time | None:
    """Return when a Task began to be done; ``None`` when nothing tells."""
    if task.completed_at is not None:
        at = _whole(task.completed_at - timedelta(seconds=task.call_seconds or 0))
        by_telephony = task.subtype == "Call" and None not in (task.call_seconds, task.call_object)
        return _Time(at, Grade.A if by_telephony else _grade(rules, at, task.created_at))
    created = _whole(task.created_at)
    closing = None if task.closed_at_commit is None else _whole(task.closed_at_commit)
    if created in (closing, _whole(task.modified_at)):
        return _Time(created, Grade.B)
    return None if closing is None else _Time(closing, Grade.C, (TIME_FROM_COMMIT,))


def _time_of_email(rules: Response, email: Email) -> _Time | None:
    """Return when a mail was sent: no later than it was stored."""
    if email.message_at is None:
        return None
    at, committed = _whole(email.message_at), _whole(email.committed_at)
    if at > committed:
        return _Time(committed, Grade.C, (FUTURE_DATED,))
    if _grade(rules, at, email.created_at) is Grade.B:
        return _Time(at, Grade.A)
    return _Time(at, Grade.A, (LATE_CAPTURED,)) if email.captured else _Time(at, Grade.C)


def _grade(rules: Response, at: datetime, logged_at: datetime) -> Grade:
    """Return the grade of what a person logged."""
    late = _whole(logged_at) - at > timedelta(minutes=rules.backdated_after_minutes)
    return Grade.C if late else Grade.B


def _at_once(
    policy: Policy, lead: Lead, clock: ClockStart, timed: _Time | None, user: UserId | None
) -> bool:
    """Tell whether a mail went out with the creation of the Lead, too fast for a person."""
    if (
        timed is None
        or user is None
        or user != lead.created_by
        or _preexists(policy, clock, timed.at)
    ):
        return False
    return response_time(clock, timed.at) < timedelta(seconds=policy.response.auto_reply_seconds)


def _in_time(policy: Policy, lead: Lead, clock: ClockStart, timed: _Time | None) -> _Time:
    """Return the time of a touch, which must be known, recent enough and trusted enough."""
    if timed is None:
        raise _RefusedError(Reason.NO_EVENT_TIME)
    oldest = clock.at - timedelta(days=policy.clock.lookback_days)
    _refuse(Reason.TOO_OLD, timed.at < oldest)
    ended = lead.converted_at
    _refuse(Reason.AFTER_END, ended is not None and timed.at > _whole(ended))
    late = timed.grade is Grade.C and not policy.response.backdated_may_lower
    _refuse(Reason.LATE_LOG_REFUSED, late)
    return timed


# -- the stamp: section 7 -------------------------------------------------------------------------


def earliest(evidence: Iterable[Evidence]) -> Evidence | None:
    """Return the evidence with the smallest key; ``None`` when there is none."""
    return min(evidence, key=lambda each: each.key, default=None)


def stamp_of(policy: Policy, clock: ClockStart, evidence: Evidence) -> Stamp:
    """Return what a Lead says when this is its earliest evidence."""
    source = Source.PREEXISTING if _preexists(policy, clock, evidence.at) else evidence.source
    return Stamp(evidence.at, source, evidence.user)


def behind(stamped: Stamp, evidence: Iterable[Evidence]) -> Evidence | None:
    """Return the evidence that a stamp was made of; ``None`` when somebody else made it.

    A stamp may say *Preexisting* of any source: that depends on a clock, which may have moved.
    """
    fitting = (
        each
        for each in evidence
        if (each.at, each.user) == (_whole(stamped.at), stamped.user)
        and stamped.source in (each.source, Source.PREEXISTING)
    )
    return earliest(fitting)


def to_write(
    stamped: Stamp | None, known: Evidence | None, best: Evidence, stamp: Stamp
) -> Stamp | None:
    """Return the stamp if it must be written over what the org says; ``None`` when nothing must.

    ``known`` is the evidence behind what the org says. Without it only a strictly earlier time is
    written, and *Preexisting* taken back once the clock has moved before it; with it a tie at the same
    second is settled by the key.
    """
    if stamped is None:
        return stamp
    if known is None:
        answers = stamped.source is Source.PREEXISTING is not stamp.source
        same = stamp.at == _whole(stamped.at) and stamp.user == stamped.user
        return stamp if stamp.at < _whole(stamped.at) or (same and answers) else None
    return stamp if best.key <= known.key and stamp != stamped else None


def _preexists(policy: Policy, clock: ClockStart, at: datetime) -> bool:
    return at < clock.at - timedelta(seconds=policy.clock.preexisting_tolerance_seconds)


def _whole(at: datetime) -> datetime:
    """Return an instant floored to the second."""
    return at.replace(microsecond=0)
