"""Values that the tests of the rules are built of: facts/ttfr.md 14, the base of every edge case.

A Lead L created on 2026-03-02 at 10:00:00 UTC by the integration user I, owned by U1; U1 and U2 are
people, Q is a queue. A time such as ``at("10:07:30")`` is one of that day.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from speed_to_lead.calendars import Calendars
from speed_to_lead.ids import (
    contact_id,
    email_message_id,
    event_id,
    lead_id,
    org_id,
    owner_id,
    task_id,
    user_id,
)
from speed_to_lead.ledger import KnownLead
from speed_to_lead.model import Email, Lead, Meeting, Task, User
from speed_to_lead.pipeline.collect import Arrival, Cause, Wanted
from speed_to_lead.pipeline.decide import Decider
from speed_to_lead.pipeline.read import Facts
from speed_to_lead.policy import OwnerRef, Policy

L, M = lead_id("00Q000000000001"), lead_id("00Q000000000002")
U1, U2, ROBOT = (user_id(f"00500000000000{n}") for n in "12R")
I = user_id("00500000000000I")  # noqa: E741 - as in the facts
Q = owner_id("00G000000000001")
ORG = org_id("00D000000000001")
CONTACT = contact_id("003000000000001")
DESK = owner_id("00G000000000002")

PEOPLE = {
    U1: User(U1, "Standard", True, False, False, "u1@local.test", "Inside Sales"),
    U2: User(U2, "Standard", True, False, False, "u2@local.test", "Field Sales"),
    I: User(I, "Standard", is_active=True, automation=True, trusted_logger=False),
    ROBOT: User(ROBOT, "AutomatedProcess", is_active=True, automation=False, trusted_logger=False),
}
DOCUMENT = {
    "version": "1.2.3",
    "segments": [
        {"name": "SMB", "employees": [1, 200]},
        {"name": "ENT", "employees": [201, None]},
    ],
    "default_segment": "SMB",
    "regions": [{"name": "EMEA", "countries": ["Germany", "France"]}],
    "default_region": "Other",
    "routes": {"name": "Everybody", "owner": {"queue": "Desk"}},
    "sla": {"SMB": {"target_minutes": 60}, "ENT": {"target_minutes": 30}},
}


def at(clock: str) -> datetime:
    """Return a time of day of the base day, such as ``10:07`` or ``10:12:00.9``."""
    return datetime.fromisoformat(f"2026-03-02T{clock}").replace(tzinfo=UTC)


def later(moment: datetime, **by: float) -> datetime:
    return moment + timedelta(**by)


def policy(clock=None, response=None, **parts) -> Policy:
    document = {**DOCUMENT, "clock": clock or {}, "response": response or {}, **parts}
    return Policy.model_validate(document)


POLICY = policy()


def lead(**changes) -> Lead:
    base = Lead(
        id=L,
        created_at=at("10:00"),
        created_by=I,
        owner_id=U1,
        employees=50,
        country="Germany",
        source="Web",
        industry=None,
        is_converted=False,
        inquiry={},
        stamp=None,
        owner_assigned_at=None,
        clock_started_at=None,
        due_at=at("11:00"),
        policy_version=None,
    )
    return replace(base, **changes)


def task(number=1, done="10:07", **changes) -> Task:
    """Return a Task that U1 created closed at the minute it was done."""
    moment = at(done)
    base = Task(
        id=task_id(f"00T0000000000{number:02}"),
        who_id=L,
        subtype="Task",
        type=None,
        is_closed=True,
        completed_at=moment,
        call_type=None,
        call_seconds=None,
        call_object=None,
        owner_id=U1,
        created_at=moment,
        created_by=U1,
        modified_at=moment,
        modified_by=U1,
        closer=None,
        closed_at_commit=None,
        deleted=False,
    )
    return replace(base, **changes)


def call(done="10:07", seconds=None, number=1, **changes) -> Task:
    """Return an outbound call that U1 logged when it ended."""
    told = {"subtype": "Call", "call_type": "Outbound", "call_seconds": seconds}
    return task(number, done, **{**told, **changes})


def mail(sent="10:12", number=1, **changes) -> Email:
    """Return a mail that U1 sent to the Lead, committed at once."""
    moment = at(sent)
    base = Email(
        id=email_message_id(f"02s0000000000{number:02}"),
        incoming=False,
        status="3",
        message_at=moment,
        created_at=moment,
        created_by=U1,
        from_user=U1,
        committed_at=moment,
        automation_type=None,
        bounced=False,
        template_id=None,
        subject_is_automatic=False,
        activity_id=None,
        lead_ids=(L,),
        deleted=False,
    )
    return replace(base, **changes)


def meeting(booked="10:20", number=1, **changes) -> Meeting:
    """Return an Event that U1 put into the calendar."""
    base = Meeting(event_id(f"00U0000000000{number:02}"), L, at(booked), U1)
    return replace(base, **changes)


def cause_of(record) -> Cause:
    return Cause(f"key-{record.id}", record.created_at)


def facts(*records, leads=(), behind=(), users=PEOPLE, routed=False, **wanted) -> Facts:
    """Return what ``read`` would have found for a batch that tells of these records.

    ``behind`` are pairs of a Task and the mail whose alias it is; ``wanted`` is the rest of the batch,
    and ``formerly``, ``became`` and ``merges`` of the facts.
    """
    tasks = {each.id: each for each in records if isinstance(each, Task)}
    emails = {each.id: each for each in records if isinstance(each, Email)}
    meetings = {each.id: each for each in records if isinstance(each, Meeting)}
    asked = Wanted(
        meetings={each: cause_of(found) for each, found in meetings.items()},
        tasks={each: cause_of(found) for each, found in tasks.items()},
        emails={each: cause_of(found) for each, found in emails.items()},
    )
    formerly = wanted.pop("formerly", {})
    more = {name: wanted.pop(name) for name in ("became", "merges") if name in wanted}
    for name, value in wanted.items():
        setattr(asked, name, value)
    known = {each.id: KnownLead(each, routed=routed) for each in leads or (lead(),)}
    aliases = {alias.id: message.id for alias, message in behind}
    return Facts(asked, known, tasks, emails, aliases, dict(users), formerly, meetings, **more)


def arrival(owner=U1, when="10:00", snapshot=False) -> Arrival:
    return Arrival("key-arrival", at(when), owner, snapshot)


def decider(by=POLICY) -> Decider:
    owners = {OwnerRef(queue="Desk"): DESK, OwnerRef(user="u2@local.test"): owner_id(U2)}
    return Decider(by, owners, Calendars.of(by))


def remembering(given: Facts, *, held=(), holds=(), withdrawn=(), of=L) -> Facts:
    """Return the facts of a batch over a ledger that remembers something of a Lead."""
    evidence = [(each, False) for each in held] + [(each, True) for each in withdrawn]
    given.leads[of] = replace(
        given.leads[of],
        evidence=tuple(evidence),
        holds=tuple(holds),
    )
    return given


def verdict_of(given: Facts, by=POLICY, of=L, **remembered):
    """Return the verdict on L, over a ledger that remembers what `remembering` takes."""
    return decider(by).decide(remembering(given, of=of, **remembered)).leads[of]
