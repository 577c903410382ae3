"""The base of the edge cases: Lead L of 2026-03-02 10:00 UTC, made by integration user I, owned by U1."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from speed_to_lead.ids import email_message_id, lead_id, task_id, user_id
from speed_to_lead.model import Email, Lead, Task, User
from speed_to_lead.policy import Policy

DAY = datetime(2026, 3, 2, tzinfo=UTC)
L = lead_id("00Q000000000001")
M = lead_id("00Q000000000002")
U1, U2, U3 = (user_id(f"00500000000000{n}") for n in (1, 2, 3))
"""Two people, and one who has left."""
I = user_id("00500000000000I")  # noqa: E741 - as in the facts
"""The integration user."""
Q = "00G000000000001EAA"
CALL, CALL_B = task_id("00T00000000000A"), task_id("00T00000000000B")
MAIL = email_message_id("02s000000000001")

POLICY = Policy.model_validate(
    {
        "version": "1.0.0",
        "default_segment": "All",
        "default_region": "All",
        "routes": {"name": "root", "owner": {"keep": True}},
        "sla": {"All": {"target_minutes": 60}},
    }
)


def policy(clock=(), **response):
    """Return the base policy with other parameters."""
    changed = {"clock": POLICY.clock.model_copy(update=dict(clock))}
    return POLICY.model_copy(
        update={**changed, "response": POLICY.response.model_copy(update=response)}
    )


INQUIRY = policy(clock={"start": ("Inquiry_At__c", "CreatedDate")})


def at(text):
    """Return an instant of the day; ``10:07`` or ``10:07:30`` or ``10:07:30.900``."""
    return datetime.fromisoformat(f"{DAY:%Y-%m-%d}T{text}+00:00")


def users(**about):
    """Return everybody; ``about`` changes what is known of somebody."""
    people = {
        "U1": User(U1, "Standard", is_active=True, automation=False, trusted_logger=False),
        "U2": User(U2, "Standard", is_active=True, automation=False, trusted_logger=False),
        "U3": User(U3, "Standard", is_active=False, automation=False, trusted_logger=False),
        "I": User(I, "Standard", is_active=True, automation=True, trusted_logger=False),
    }
    return {user.id: replace(user, **about.get(name, {})) for name, user in people.items()}


def lead(**fields):
    base = Lead(
        id=L,
        created_at=at("10:00"),
        created_by=I,
        owner_id=U1,
        employees=None,
        country=None,
        source=None,
        industry=None,
        is_converted=False,
        inquiry={},
        stamp=None,
        owner_assigned_at=None,
        clock_started_at=None,
        due_at=None,
        policy_version=None,
    )
    return replace(base, **fields)


def call(when, talked=None, **fields):
    """Return an outbound call logged by U1 as it ended."""
    ended = when if isinstance(when, datetime) else at(when)
    base = Task(
        id=CALL,
        who_id=L,
        subtype="Call",
        type=None,
        is_closed=True,
        completed_at=ended,
        call_type="Outbound",
        call_seconds=talked,
        call_object=None,
        owner_id=U1,
        created_at=ended,
        created_by=U1,
        modified_at=ended,
        modified_by=U1,
        closer=None,
        closed_at_commit=None,
        deleted=False,
    )
    return replace(base, **fields)


def open_call(when, **fields):
    """Return a call that is planned."""
    return call(when, is_closed=False, completed_at=None, call_type=None, **fields)


def mail(when, **fields):
    """Return a mail that U1 sent to L."""
    sent = at(when)
    base = Email(
        id=MAIL,
        incoming=False,
        status="3",
        message_at=sent,
        created_at=sent,
        created_by=U1,
        from_user=None,
        committed_at=sent,
        automation_type=None,
        bounced=False,
        template_id=None,
        subject_is_automatic=False,
        activity_id=None,
        lead_ids=(L,),
        deleted=False,
    )
    return replace(base, **fields)


MINUTE = timedelta(minutes=1)
