"""Every edge case of facts/ttfr.md 14 about Tasks, mails, the clock and order has the result it lists.

One row is one case and bears the row's id. Records go through the whole decision of a batch, so that
links and aliases are judged as well; what only the edge can know (which of several Users an address
means, which relation comes first) is given as the edge gives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest

from speed_to_lead.first_response import clock_start, response_time
from speed_to_lead.ids import UserId
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
from speed_to_lead.pipeline.decide import Verdict
from speed_to_lead.pipeline.decisions import Recorder
from speed_to_lead.pipeline.write import Outcome, Part, Written, parts
from speed_to_lead.policy import Policy
from tests.speed_to_lead.building import (
    ORG,
    PEOPLE,
    POLICY,
    ROBOT,
    U1,
    U2,
    I,
    L,
    Q,
    at,
    call,
    decider,
    facts,
    lead,
    mail,
    meeting,
    policy,
    task,
    verdict_of,
)

INQUIRY = policy(clock={"start": ["Inquiry_At__c", "CreatedDate"]})
LOGGED = PEOPLE | {I: replace(PEOPLE[I], trusted_logger=True)}
STREAM_CLOSE = {"closer": U1, "closed_at_commit": at("10:40")}
CREATED_OPEN = {"created_at": at("10:01"), "completed_at": None, "modified_at": at("10:40")}


@dataclass(frozen=True)
class Counts:
    """The first response: when, by which channel, by whom, and after how many seconds."""

    at: datetime
    source: Source
    user: UserId | None
    seconds: int | None
    """``None`` when the Lead was answered before its clock."""
    grade: Grade | None = None
    flags: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Row:
    """One row of section 14: what is there, and what comes of it."""

    id: str
    given: tuple[Task | Email | Meeting, ...]
    expected: Counts | Reason
    lead: Lead = field(default_factory=lead)
    by: Policy = POLICY
    users: Mapping[UserId, User] = field(default_factory=lambda: PEOPLE)
    behind: tuple[tuple[Task, Email], ...] = ()


def counts(when, source, user, seconds, **more):
    return Counts(at(when), Source(source), user, seconds, **more)


def old(record, days):
    """A call that happened, and was logged, so many days earlier."""
    back = timedelta(days=days)
    return replace(
        record,
        completed_at=record.completed_at - back,
        created_at=record.created_at - back,
        modified_at=record.modified_at - back,
    )


C04 = counts("10:12", "Email", U1, 720, grade=Grade.A, flags=())
ALIAS = task(1, "10:12:01", subtype="Email")
BEFORE_CLOCK = lead(inquiry={"Inquiry_At__c": at("09:50")})

CHANNELS = [
    Row("C-01", (call("10:07", 90),), counts("10:05:30", "Call", U1, 330)),
    Row("C-02", (call("10:07"),), counts("10:07", "Call", U1, 420)),
    Row("C-03", (call("10:07", 600),), counts("09:57", "Preexisting", U1, None)),
    Row("C-04", (mail("10:12"),), C04),
    Row("C-05", (mail("10:12"), ALIAS), C04, behind=((ALIAS, mail()),)),
    Row(
        "C-06",
        (task(1, "10:15", subtype="Email"),),
        counts("10:15", "Email", U1, 900, grade=Grade.B),
    ),
    Row("C-07", (meeting(),), counts("10:20", "Meeting", U1, 1200, grade=Grade.A)),
    Row("C-08", (task(1, "10:30", subtype="LinkedIn"),), counts("10:30", "Other", U1, 1800)),
    Row(
        "C-09 while open",
        (call("10:01", is_closed=False, completed_at=None),),
        Reason.OPEN_TASK,
    ),
    Row(
        "C-09",
        (call("11:30", created_at=at("10:01")),),
        counts("11:30", "Call", U1, 5400),
    ),
    Row("C-10", (call("10:09", completed_at=None),), counts("10:09", "Call", U1, 540)),
    Row(
        "C-11",
        (call(**CREATED_OPEN, **STREAM_CLOSE),),
        counts("10:40", "Call", U1, 2400, grade=Grade.C, flags=("time_from_commit",)),
    ),
    Row("C-12", (call(**CREATED_OPEN),), Reason.NO_EVENT_TIME),
    Row("C-14 as a draft", (mail("10:05", status="5"),), Reason.MAIL_NOT_SENT),
    Row(
        "C-14",
        (mail("10:25", created_at=at("10:05")),),
        counts("10:25", "Email", U1, 1500),
    ),
    Row(
        "C-15",
        (mail("12:00", committed_at=at("10:12"), created_at=at("10:12")),),
        counts("10:12", "Email", U1, 720, grade=Grade.C, flags=("FUTURE_DATED",)),
    ),
    Row(
        "C-16",
        (mail("10:12", lead_ids=(), activity_id=ALIAS.id), ALIAS),
        C04,
        behind=((ALIAS, mail()),),
    ),
    Row("C-17 before its relation", (mail("10:12", lead_ids=()),), Reason.NOT_LINKED),
    Row("C-17 C-18", (mail("10:12", lead_ids=(L,)),), C04),
    Row("C-19", (mail("10:12", automation_type="AiAssisted"),), C04),
    Row("C-20", (mail("10:12:00.900"),), C04),
    Row("C-20 a call", (call("10:07:00.900"),), counts("10:07", "Call", U1, 420)),
    Row(
        "C-21",
        (call("10:07", owner_id=Q, closer=U2, created_by=I),),
        counts("10:07", "Call", U2, 420),
    ),
    Row(
        "C-22",
        (call("10:07", created_by=I, modified_by=I, closer=I),),
        counts("10:07", "Call", U1, 420),
        users=LOGGED,
    ),
    Row(
        "C-23",
        (mail("10:12", created_by=I, from_user=U2),),
        counts("10:12", "Email", U2, 720),
        users=LOGGED,
    ),
    Row(
        "C-24",
        (mail("10:12", created_by=I, from_user=None),),
        counts("10:12", "Email", None, 720),
        users=LOGGED,
    ),
    Row(
        "C-25",
        (call("10:07"),),
        counts("10:07", "Call", U1, 420),
        users=PEOPLE | {U1: replace(PEOPLE[U1], is_active=False)},
    ),
    Row(
        "C-26",
        (call("10:09", created_at=at("10:00"), created_by=I, closer=U1),),
        counts("10:09", "Call", U1, 540, grade=Grade.B, flags=()),
    ),
    Row(
        "C-26 by backfill",
        (call("10:09", created_at=at("10:00"), created_by=I),),
        counts("10:09", "Call", U1, 540, grade=Grade.B, flags=()),
    ),
]

NEVER = [
    Row("N-01", (mail("10:03", incoming=True, status="1", created_by=I),), Reason.INBOUND_MAIL),
    Row("N-02", (mail(status="5"),), Reason.MAIL_NOT_SENT),
    Row("N-03", (mail(bounced=True),), Reason.BOUNCED),
    Row("N-04", (task(subtype="ListEmail"),), Reason.LIST_EMAIL),
    Row("N-05", (task(subtype="Cadence"),), Reason.CADENCE_AUTO),
    Row("N-06", (mail(automation_type="AiAutomated"),), Reason.AI_AUTOMATED),
    Row(
        "N-07",
        (mail("10:00:40", template_id="00X000000000001EAA"),),
        Reason.AUTO_REPLY_TEMPLATE,
        by=policy(response={"auto_reply_templates": ["00X000000000001EAA"]}),
    ),
    Row("N-08", (mail("10:00:06"),), Reason.AUTO_REPLY_FAST, lead(created_by=U1)),
    Row("N-09", (mail("10:00:10"),), counts("10:00:10", "Email", U1, 10), lead(created_by=U1)),
    Row("N-10", (mail(subject_is_automatic=True),), Reason.AUTO_SUBJECT),
    Row("N-11", (mail(created_by=ROBOT, from_user=None),), Reason.AUTOMATION_ACTOR),
    Row("N-11 as U1", (mail(created_by=I, from_user=U1),), Reason.AUTOMATION_ACTOR),
    Row("N-12", (call("10:00", is_closed=False, completed_at=None),), Reason.OPEN_TASK),
    Row("N-13", (task(),), Reason.PLAIN_TASK),
    Row("N-14", (call(call_type="Inbound"),), Reason.INBOUND_CALL),
    Row(
        "N-14 where inbound calls count",
        (call(call_type="Inbound"),),
        counts("10:07", "Call", U1, 420),
        by=policy(response={"count_inbound_calls": True}),
    ),
    Row("N-15", (call(call_type="Internal"),), Reason.INTERNAL_CALL),
    Row(
        "N-16",
        (meeting(created_by=I),),
        Reason.SELF_BOOKED,
        users={**PEOPLE, I: replace(PEOPLE[I], scheduler=True)},
    ),
    Row("N-16 not listed", (meeting(created_by=I),), Reason.AUTOMATION_ACTOR),
    Row(
        "N-16 where meetings are off",
        (meeting(),),
        Reason.CHANNEL_OFF,
        by=policy(response={"meetings": False}),
    ),
    Row("N-17", (mail(lead_ids=()),), Reason.NOT_LINKED),
    Row(
        "N-18",
        (mail("10:03", incoming=True, status="1"), task(1, "10:04", subtype="Email")),
        Reason.INBOUND_MAIL,
        behind=((task(1), mail()),),
    ),
    Row("N-19", (call(owner_id=Q, closer=I),), Reason.AUTOMATION_ACTOR),
    Row("N-21", (old(call("10:00"), days=31),), Reason.TOO_OLD),
    Row("N-22", (call(created_by=I, modified_by=I, closer=I),), Reason.AUTOMATION_ACTOR),
    Row("N-23", (call(created_at=at("10:01"), closer=I),), Reason.AUTOMATION_ACTOR),
]

ORDER = [
    Row("O-01", (mail("10:12"), call("10:07", 90)), counts("10:05:30", "Call", U1, 330)),
    Row("O-03", (mail("10:12"), call("10:12")), counts("10:12", "Call", U1, 720)),
    Row(
        "O-04",
        (call("10:12", number=2, owner_id=U1), call("10:12", number=1, owner_id=U2)),
        counts("10:12", "Call", U2, 720),
    ),
]

CLOCK = [
    Row("K-01", (call("10:07"),), counts("10:07", "Call", U1, 1020), BEFORE_CLOCK, INQUIRY),
    Row("K-02", (call("09:55"),), counts("09:55", "Call", U1, 300), BEFORE_CLOCK, INQUIRY),
    Row(
        "K-03",
        (call("10:07"),),
        counts("10:07", "Call", U1, 420),
        lead(inquiry={"Inquiry_At__c": at("10:02")}),
        INQUIRY,
    ),
    Row(
        "K-04",
        (call("10:07"),),
        counts("10:07", "Call", U1, 420),
        lead(inquiry={"Inquiry_At__c": at("10:00") - timedelta(days=31)}),
        INQUIRY,
    ),
    Row("K-05", (call("09:59"),), counts("09:59", "Call", U1, 0)),
    Row("K-06", (call("09:58:59"),), counts("09:58:59", "Preexisting", U1, None)),
    Row(
        "K-07",
        (call("09:58:59"), call("10:07", number=2)),
        counts("09:58:59", "Preexisting", U1, None),
    ),
    Row("K-08", (call("10:00:45"),), counts("10:00:45", "Call", U1, 45)),
]

LATE = [
    Row(
        "L-11",
        (call("10:07", created_at=at("10:40"), modified_at=at("10:40")),),
        counts("10:07", "Call", U1, 420, grade=Grade.C),
    ),
    Row(
        "L-12",
        (call("10:07", created_at=at("10:40"), modified_at=at("10:40")),),
        Reason.LATE_LOG_REFUSED,
        by=policy(response={"backdated_may_lower": False}),
    ),
    Row(
        "L-13",
        (call("10:07", created_at=at("10:22"), modified_at=at("10:22")),),
        counts("10:07", "Call", U1, 420, grade=Grade.B),
    ),
]


@pytest.mark.parametrize(
    "row", [*CHANNELS, *NEVER, *ORDER, *CLOCK, *LATE], ids=lambda each: f"row {each.id}"
)
def test_a_row_of_the_table_has_the_result_it_lists(row):
    given = facts(*row.given, leads=(row.lead,), behind=row.behind, users=row.users)
    verdicts = decider(row.by).decide(given)
    verdict = verdicts.leads[L]
    judged = [*(each for each, _ in verdict.judged), *verdicts.unlinked]
    if isinstance(row.expected, Reason):
        assert [each.reason for each in judged if isinstance(each, Rejection)] == [row.expected]
        assert (verdict.best, verdict.stamp) == (None, None)
    else:
        assert not [each for each in judged if isinstance(each, Rejection)]
        assert found(verdict, row) == row.expected


def found(verdict: Verdict, row: Row) -> Counts:
    """What came out, with grade and flags where the row speaks of them."""
    stamp, best, wanted = verdict.stamp, verdict.best, row.expected
    assert stamp is not None
    assert best is not None
    assert isinstance(wanted, Counts)
    waited = int(response_time(verdict.clock, stamp.at).total_seconds())
    return Counts(
        stamp.at,
        stamp.source,
        stamp.user,
        None if stamp.source is Source.PREEXISTING else waited,
        None if wanted.grade is None else best.grade,
        None if wanted.flags is None else best.flags,
    )


def test_c05_a_mail_and_its_task_are_one_piece_of_evidence():
    given = facts(mail("10:12"), ALIAS, behind=((ALIAS, mail()),))
    verdicts = decider().decide(given)
    assert [each.record_id for each, _ in verdicts.leads[L].judged] == [mail().id]
    assert verdicts.withdrawn == {ALIAS.id}


def test_c13_the_label_of_a_status_is_never_read():
    assert "status" not in Task.__dataclass_fields__


@pytest.mark.parametrize(
    ("inquiry", "start", "flags"),
    [
        pytest.param(at("09:50"), at("09:50"), (), id="K-01"),
        pytest.param(at("10:02"), at("10:00"), ("inquiry_rejected",), id="K-03"),
        pytest.param(at("10:01"), at("10:01"), (), id="at most 60 s later"),
        pytest.param(
            at("10:00") - timedelta(days=31), at("10:00"), ("inquiry_rejected",), id="K-04"
        ),
        pytest.param(
            at("10:00") - timedelta(days=30),
            at("10:00") - timedelta(days=30),
            (),
            id="at most 30 days earlier",
        ),
    ],
)
def test_an_inquiry_starts_the_clock_where_it_is_usable(inquiry, start, flags):
    clock = clock_start(INQUIRY, lead(inquiry={"Inquiry_At__c": inquiry}))
    assert (clock.at, clock.flags) == (start, flags)


def test_k01_the_start_of_the_clock_is_written_where_it_differs_from_created_date():
    verdict = verdict_of(facts(call("10:07"), leads=(BEFORE_CLOCK,)), INQUIRY)
    assert parts(verdict, "1.2.3")[Part.ROUTING] == {
        "Response_Clock_Started_At__c": "2026-03-02T09:50:00.000Z",
        "Response_Due_At__c": "2026-03-02T10:50:00.000Z",
        "Response_Segment__c": "SMB",
    }


# -- order, ties, delivery ------------------------------------------------------------------------


def played(batches, subject=None):
    """The stamp after batches came one after the other, each committed, and how often it was written."""
    held: dict[str, Evidence] = {}
    subject, writes = subject or lead(), 0
    for records in batches:
        verdict = verdict_of(facts(*records, leads=(subject,)), held=tuple(held.values()))
        held |= {each.record_id: each for each, _ in verdict.judged if isinstance(each, Evidence)}
        if verdict.stamp is not None:
            subject, writes = replace(subject, stamp=verdict.stamp), writes + 1
    return subject.stamp, writes


FIRST = Stamp(at("10:05:30"), Source.CALL, U1)


@pytest.mark.parametrize(
    "order", list(permutations([mail("10:12"), call("10:07", 90), call("10:30", number=2)]))
)
@pytest.mark.parametrize("times", [1, 2])
def test_o02_any_order_and_any_repeats_end_in_the_same_stamp(order, times):
    assert played([(each,) for each in order] * times)[0] == FIRST
    assert played([(each,) * times for each in order])[0] == FIRST
    assert played([order] * times) == (FIRST, 1)


def test_o05_a_tie_stamped_with_the_greater_id_is_corrected_in_one_write_at_the_same_instant():
    greater, smaller = call("10:12", number=2, owner_id=U1), call("10:12", number=1, owner_id=U2)
    assert played([(greater,)])[0] == Stamp(at("10:12"), Source.CALL, U1)
    assert played([(greater,), (smaller,)]) == (Stamp(at("10:12"), Source.CALL, U2), 2)


EARLIER = Stamp(at("10:02"), Source.CALL, U2)


def test_o06_a_stamp_of_another_writer_that_is_earlier_stays():
    assert played([(call("10:07", 90),)], lead(stamp=EARLIER)) == (EARLIER, 0)


def test_o06_what_the_org_refuses_is_recorded_as_refused():
    verdict = verdict_of(facts(call("10:07", 90)))
    refused = {(L, Part.STAMP): Written(Outcome.REFUSED, "STL-001")}
    [decision] = Recorder(ORG, POLICY, "test").decisions(L, verdict, refused)
    assert decision.outcome == "refused"


@pytest.mark.parametrize("stamped", [FIRST, EARLIER])
def test_o07_what_the_lead_says_already_is_not_written_again(stamped):
    given = facts(call("10:07", 90), leads=(lead(stamp=stamped),))
    assert verdict_of(given).stamp is None


def test_o07_two_calls_that_say_the_same_are_written_once():
    twins = (call("10:07", 90, number=2), call("10:07", 90, number=1))
    assert played([twins, twins[:1], twins[1:]]) == (FIRST, 1)
    assert played([twins[:1], twins[1:]]) == (FIRST, 1)


def test_k07_an_early_touch_stays_the_first_in_any_order():
    early, answer = call("09:58:59"), call("10:07", number=2)
    preexisting = Stamp(at("09:58:59"), Source.PREEXISTING, U1)
    assert played([(early,), (answer,)]) == (preexisting, 1)
    assert played([(answer,), (early,)]) == (preexisting, 2)
