"""Every edge case of facts/ttfr.md, section 14, that Tasks and EmailMessages decide.

Left to the pipeline's tests: which record is looked at and when (C-05 and N-18 say that the Task
behind a mail is not judged; here it makes no difference, or there is nothing to judge), and what the
org refuses (O-06, O-08). A Task's label (C-13) is not even read. Meetings (C-07, N-16) and what is no record
of a touch (N-20) are not judged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from speed_to_lead.first_response import (
    clock_start,
    earliest,
    judge_email,
    judge_task,
    response_time,
    stamp_of,
    to_write,
)
from speed_to_lead.model import Evidence, Grade, Lead, Reason, Rejection, Source, Task
from speed_to_lead.policy import Policy
from tests.speed_to_lead.touches import (
    CALL,
    CALL_B,
    INQUIRY,
    MAIL,
    MINUTE,
    POLICY,
    U1,
    U2,
    U3,
    I,
    L,
    Q,
    at,
    call,
    lead,
    mail,
    open_call,
    policy,
    users,
)

LEAD = lead()
LOGGER = {"I": {"trusted_logger": True}}
AUTO = "00X000000000001AAA"


@dataclass(frozen=True)
class Case:
    """Facts and what must come of them; ``seconds`` is the time to first response, None if blank."""

    id: str
    records: Any
    at: str = ""
    source: Source = Source.CALL
    user: str | None = U1
    seconds: int | None = None
    grade: Grade | None = None
    flags: tuple[str, ...] = ()
    lead: Lead = LEAD
    policy: Policy = POLICY
    about: Any = ()


def case(name, *records, **expected):
    return Case(name, records, **expected)


def email_task(when, **fields):
    return call(when, subtype="Email", call_type=None, **fields)


C, E, X, P = Source.CALL, Source.EMAIL, Source.OTHER, Source.PREEXISTING
HOLDS = (
    case("C-01", call("10:07", 90), at="10:05:30", seconds=330, grade=Grade.B),
    case("C-02", call("10:07"), at="10:07", seconds=420),
    case("C-03", call("10:07", 600), at="09:57", source=P),
    case("C-04", mail("10:12"), at="10:12", source=E, seconds=720, grade=Grade.A),
    case("C-05", mail("10:12"), email_task("10:12:01"), at="10:12", source=E, seconds=720),
    case("C-06", email_task("10:15"), at="10:15", source=E, seconds=900, grade=Grade.B),
    case("C-08", call("10:30", subtype="LinkedIn"), at="10:30", source=X, seconds=1800),
    case(
        "C-09",
        call("11:30", created_at=at("10:01")),
        at="11:30",
        seconds=5400,
        grade=Grade.B,
    ),
    case("C-10", call("10:09", completed_at=None), at="10:09", seconds=540, grade=Grade.B),
    case(
        "C-11",
        call(
            "10:05",
            completed_at=None,
            closed_at_commit=at("10:40"),
            closer=U1,
            modified_at=at("10:40"),
        ),
        at="10:40",
        seconds=2400,
        grade=Grade.C,
        flags=("time_from_commit",),
    ),
    case("C-14", mail("10:25", created_at=at("10:05")), at="10:25", source=E, seconds=1500),
    case(
        "C-15",
        mail("12:00", committed_at=at("10:12"), created_at=at("10:12")),
        at="10:12",
        source=E,
        seconds=720,
        grade=Grade.C,
        flags=("FUTURE_DATED",),
    ),
    case("C-19", mail("10:12", automation_type="AiAssisted"), at="10:12", source=E, seconds=720),
    case("C-20", mail("10:12:00.900"), at="10:12", source=E, seconds=720),
    case("C-21", call("10:07", owner_id=Q, closer=U2), at="10:07", user=U2, seconds=420),
    case(
        "C-22",
        call("10:07", created_by=I, modified_by=I, closer=I),
        at="10:07",
        seconds=420,
        about=LOGGER,
    ),
    case(
        "C-23",
        mail("10:12", created_by=I, from_user=U2),
        at="10:12",
        source=E,
        user=U2,
        seconds=720,
        about=LOGGER,
    ),
    case(
        "C-24",
        mail("10:12", created_by=I),
        at="10:12",
        source=E,
        user=None,
        seconds=720,
        about=LOGGER,
    ),
    case("C-25", call("10:07", owner_id=U3, modified_by=U3), at="10:07", user=U3, seconds=420),
    case("C-26", call("10:09", created_at=at("10:00"), created_by=I), at="10:09", seconds=540),
    case("N-09", mail("10:00:10"), at="10:00:10", source=E, seconds=10, lead=lead(created_by=U1)),
    case(
        "N-14 when the policy says so",
        call("10:03", call_type="Inbound"),
        at="10:03",
        seconds=180,
        policy=policy(count_inbound_calls=True),
    ),
    case("O-01", mail("10:12"), call("10:07", 90), at="10:05:30", seconds=330),
    case("O-03", mail("10:12"), call("10:12"), at="10:12", seconds=720),
    case(
        "O-04",
        call("10:12", id=CALL_B, owner_id=U2),
        call("10:12"),
        at="10:12",
        user=U1,
        seconds=720,
    ),
    case(
        "K-01",
        call("10:07"),
        at="10:07",
        seconds=1020,
        lead=lead(inquiry={"Inquiry_At__c": at("09:50")}),
        policy=INQUIRY,
    ),
    case(
        "K-02",
        call("09:55"),
        at="09:55",
        seconds=300,
        lead=lead(inquiry={"Inquiry_At__c": at("09:50")}),
        policy=INQUIRY,
    ),
    case("K-05", call("09:59"), at="09:59", seconds=0),
    case("K-06", call("09:58:59"), at="09:58:59", source=P),
    case("K-07", call("10:07", id=CALL_B), call("09:58:59"), at="09:58:59", source=P),
    case("K-08", call("10:00:45"), at="10:00:45", seconds=45),
    case(
        "L-11",
        call("10:07", created_at=at("10:40"), modified_at=at("10:40")),
        at="10:07",
        seconds=420,
        grade=Grade.C,
    ),
    case(
        "L-13",
        call("10:07", created_at=at("10:22"), modified_at=at("10:22"), closer=U1),
        at="10:07",
        seconds=420,
        grade=Grade.B,
    ),
)


def judged(each, record) -> Any:
    judge = judge_task if isinstance(record, Task) else judge_email
    return judge(each.policy, each.lead, record, users(**dict(each.about)))


@pytest.mark.parametrize("each", HOLDS, ids=lambda each: each.id)
def test_the_first_response_is_the_one_the_facts_say_in_any_order(each):
    clock = clock_start(each.policy, each.lead)
    expected_at = at(each.at)
    for records in permutations(each.records * 2, len(each.records) * 2):
        best = earliest([judged(each, record) for record in records])
        assert best is not None
        stamp = stamp_of(each.policy, clock, best)
        assert (stamp.at, stamp.source, stamp.user) == (expected_at, each.source, each.user)
        assert best.grade is (each.grade or best.grade)
        assert best.flags == each.flags
    if each.seconds is None:
        assert stamp.source is Source.PREEXISTING
    else:
        assert response_time(clock, stamp.at) == timedelta(seconds=each.seconds)


N = Reason
NEVER = (
    ("C-09 before that", open_call("10:01"), N.OPEN_TASK, POLICY),
    ("C-12", call("10:05", completed_at=None, modified_at=at("10:40")), N.NO_EVENT_TIME, POLICY),
    ("C-14 before", mail("10:05", status="5"), N.MAIL_NOT_SENT, POLICY),
    ("C-17 at first", mail("10:12", lead_ids=()), N.NOT_LINKED, POLICY),
    ("N-01", mail("10:03", incoming=True, status="0"), N.INBOUND_MAIL, POLICY),
    ("N-02", mail("10:03", status="5"), N.MAIL_NOT_SENT, POLICY),
    ("N-03", mail("10:03", bounced=True), N.BOUNCED, POLICY),
    ("N-04", call("10:03", subtype="ListEmail"), N.LIST_EMAIL, POLICY),
    ("N-05", call("10:03", subtype="Cadence"), N.CADENCE_AUTO, POLICY),
    ("N-06", mail("10:03", automation_type="AiAutomated"), N.AI_AUTOMATED, POLICY),
    (
        "N-07",
        mail("10:00:40", template_id=AUTO),
        N.AUTO_REPLY_TEMPLATE,
        policy(auto_reply_templates=(AUTO[:15],)),
    ),
    ("N-10", mail("10:03", subject_is_automatic=True), N.AUTO_SUBJECT, POLICY),
    ("N-11", mail("10:03", created_by=I, from_user=U1), N.AUTOMATION_ACTOR, POLICY),
    ("N-12", open_call("10:00", subtype="Task", created_by=I), N.OPEN_TASK, POLICY),
    ("N-13", call("10:03", subtype="Task"), N.PLAIN_TASK, POLICY),
    ("N-14", call("10:03", call_type="Inbound"), N.INBOUND_CALL, POLICY),
    ("N-15", call("10:03", call_type="Internal"), N.INTERNAL_CALL, POLICY),
    ("N-17", mail("10:03", lead_ids=("00Q000000000002AAA",)), N.NOT_LINKED, POLICY),
    ("N-19", call("10:07", owner_id=Q, closer=I), N.AUTOMATION_ACTOR, POLICY),
    (
        "N-21",
        call(at("10:00") - timedelta(days=31)),
        N.TOO_OLD,
        POLICY,
    ),
    ("N-22", call("10:07", created_by=I, closer=I), N.AUTOMATION_ACTOR, POLICY),
    ("N-23", call("10:07", closer=I), N.AUTOMATION_ACTOR, POLICY),
    (
        "L-12",
        call("10:07", created_at=at("10:40")),
        N.LATE_LOG_REFUSED,
        policy(backdated_may_lower=False),
    ),
    ("deleted", call("10:07", deleted=True), N.DELETED, POLICY),
    ("deleted mail", mail("10:07", deleted=True), N.DELETED, POLICY),
    ("a mail without a date", mail("10:07", message_at=None), N.NO_EVENT_TIME, POLICY),
)


@pytest.mark.parametrize(
    ("record", "reason", "rules"), [pytest.param(*row[1:], id=row[0]) for row in NEVER]
)
def test_what_never_counts_is_refused_with_its_one_reason(record, reason, rules):
    refusal = judged(Case("", (), policy=rules), record)
    assert (refusal.record_id, refusal.lead_id, refusal.reason) == (record.id, L, reason)


def test_n_08_a_mail_by_the_user_that_created_the_lead_in_less_than_ten_seconds_is_no_response():
    each = Case("N-08", (), lead=lead(created_by=U1))
    for record in (mail("10:00:06"), email_task("10:00:06"), mail("09:59:55")):
        assert judged(each, record).reason is N.AUTO_REPLY_FAST
    assert isinstance(judged(each, call("10:00:06")), Evidence)
    assert isinstance(judged(each, mail("09:30")), Evidence)


def test_c_16_and_c_18_however_a_mail_is_linked_it_counts():
    assert judged(Case("C-16", ()), mail("10:12", activity_id="00T000000000009AAA")).at == at(
        "10:12"
    )
    assert judged(Case("C-18", ()), mail("10:12", lead_ids=("00Q000000000002AAA", L))).source is E


@pytest.mark.parametrize("user_type", ["AutomatedProcess", "CloudIntegrationUser", "Guest"])
def test_n_11_a_user_that_is_no_person_never_answers(user_type):
    each = Case("N-11", (), about={"U1": {"user_type": user_type}})
    assert judged(each, mail("10:03")).reason is N.AUTOMATION_ACTOR
    assert judged(each, call("10:03")).reason is N.AUTOMATION_ACTOR


def test_a_user_whom_the_org_does_not_show_is_no_person():
    refused = Rejection(CALL, L, N.AUTOMATION_ACTOR)
    assert judge_task(POLICY, LEAD, call("10:07"), {}) == refused
    assert judge_email(POLICY, LEAD, mail("10:07"), {}) == replace(refused, record_id=MAIL)


def test_a_mail_sync_that_names_another_system_as_sender_proves_nothing():
    each = Case("", (), about={**LOGGER, "U2": {"automation": True}})
    assert judged(each, mail("10:12", created_by=I, from_user=U2)).reason is N.AUTOMATION_ACTOR


def test_a_late_mail_keeps_its_grade_only_if_a_mail_system_has_timed_it():
    late = mail("10:12", created_at=at("11:00"), committed_at=at("11:00"))
    assert judged(Case("", ()), late).grade is Grade.C
    captured = judged(Case("", ()), replace(late, captured=True))
    assert (captured.grade, captured.flags) == (Grade.A, ("LATE_CAPTURED",))


def test_a_call_that_telephony_has_timed_is_of_the_best_grade():
    timed = judged(Case("", ()), call("10:07", 90, call_object="X-1", created_at=at("11:00")))
    assert timed.grade is Grade.A


def test_an_edit_after_closing_hides_the_closer_unless_its_event_was_seen():
    edited = call("10:07", modified_at=at("10:50"), modified_by=I)
    unseen = judged(Case("", ()), edited)
    assert (unseen.user, unseen.flags) == (U1, ("closer_unknown",))
    assert judged(Case("", ()), replace(edited, closer=U2, owner_id=Q)).user == U2


def test_a_type_tells_the_channel_where_the_subtype_does_not():
    kinds = [("Task", "Call", C), (None, "SMS", X), ("LinkedIn", "Call", X), ("Email", "Call", E)]
    for subtype, type_, source in kinds:
        assert judged(Case("", ()), call("10:07", subtype=subtype, type=type_)).source is source


# -- the clock ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inquiry", "start", "flags"),
    [
        pytest.param(at("09:50"), at("09:50"), (), id="K-01"),
        pytest.param(at("10:01"), at("10:01"), (), id="sixty seconds late"),
        pytest.param(at("10:02"), at("10:00"), ("inquiry_rejected",), id="K-03"),
        pytest.param(
            at("10:00") - 31 * 1440 * MINUTE, at("10:00"), ("inquiry_rejected",), id="K-04"
        ),
        pytest.param(
            at("10:00") - 30 * 1440 * MINUTE, at("10:00") - 30 * 1440 * MINUTE, (), id="30 d"
        ),
    ],
)
def test_the_clock_starts_at_the_first_usable_instant(inquiry, start, flags):
    clock = clock_start(INQUIRY, lead(inquiry={"Inquiry_At__c": inquiry}))
    assert (clock.at, clock.flags) == (start, flags)


def test_without_an_inquiry_the_clock_starts_with_the_lead():
    assert clock_start(INQUIRY, lead()).at == at("10:00")
    assert clock_start(POLICY, lead(created_at=at("10:00:00.900"))).at == at("10:00")


def test_an_unusable_inquiry_leaves_the_turn_to_the_next_field():
    rules = policy(clock={"start": ("A__c", "B__c", "CreatedDate")})
    clock = clock_start(rules, lead(inquiry={"A__c": at("11:00"), "B__c": at("09:55")}))
    assert (clock.at, clock.flags) == (at("09:55"), ("inquiry_rejected",))


def test_a_clock_that_the_org_shows_only_ever_moves_earlier():
    refilled = lead(clock_started_at=at("09:50"), inquiry={"Inquiry_At__c": at("15:00")})
    assert clock_start(INQUIRY, refilled).at == at("09:50")


# -- what is written ------------------------------------------------------------------------------


def written(stamped, known, best):
    clock = clock_start(POLICY, lead())
    return to_write(stamped, known, best, stamp_of(POLICY, clock, best))


def test_o_05_a_tie_that_comes_late_corrects_the_user_and_leaves_the_time():
    first = judged(Case("", ()), call("10:12", id=CALL_B, owner_id=U2))
    better = judged(Case("", ()), call("10:12"))
    stamped = written(None, None, first)
    corrected = written(stamped, first, better)
    assert (corrected.at, corrected.user) == (stamped.at, U1)
    assert written(corrected, better, first) is None


def test_o_06_a_later_response_is_not_even_sent():
    earlier = written(None, None, judged(Case("", ()), call("10:02")))
    assert written(earlier, None, judged(Case("", ()), call("10:07", 90))) is None


def test_o_07_what_the_org_says_already_is_not_written_again():
    best = judged(Case("", ()), call("10:07"))
    stamp = written(None, None, best)
    assert written(stamp, best, best) is None
    assert written(stamp, None, best) is None


def test_a_stamp_of_unknown_origin_gives_way_to_a_strictly_earlier_time_only():
    stamp = written(None, None, judged(Case("", ()), mail("10:12")))
    assert written(stamp, None, judged(Case("", ()), call("10:12"))) is None
    assert written(stamp, None, judged(Case("", ()), call("10:11:59"))).at == at("10:11:59")
