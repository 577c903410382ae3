"""What the table of edge cases leaves open: who, when and how far a touch is to be trusted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speed_to_lead.first_response import (
    clock_start,
    judge_email,
    judge_task,
    stamp_of,
    to_write,
)
from speed_to_lead.model import Evidence, Grade, Reason, Rejection, Source, Task
from tests.speed_to_lead.touches import (
    CALL,
    CALL_B,
    INQUIRY,
    MAIL,
    POLICY,
    U1,
    U2,
    I,
    L,
    Q,
    at,
    call,
    lead,
    mail,
    policy,
    users,
)

LEAD = lead()
LOGGER = {"I": {"trusted_logger": True}}


def judged(record, subject=LEAD, by=POLICY, **about):
    judge = judge_task if isinstance(record, Task) else judge_email
    return judge(by, subject, record, users(**about))


def test_n_08_a_mail_by_the_user_that_created_the_lead_in_less_than_ten_seconds_is_no_response():
    mine = lead(created_by=U1)
    for record in (
        mail("10:00:06"),
        call("10:00:06", subtype="Email", call_type=None),
        mail("09:59:55"),
    ):
        assert judged(record, mine).reason is Reason.AUTO_REPLY_FAST
    assert isinstance(judged(call("10:00:06"), mine), Evidence)
    assert isinstance(judged(mail("09:30"), mine), Evidence)


def test_c_16_and_c_18_however_a_mail_is_linked_it_counts():
    assert judged(mail("10:12", activity_id="00T000000000009AAA")).at == at("10:12")
    assert judged(mail("10:12", lead_ids=("00Q000000000002AAA", L))).source is Source.EMAIL


@pytest.mark.parametrize("user_type", ["AutomatedProcess", "CloudIntegrationUser", "Guest"])
def test_n_11_a_user_that_is_no_person_never_answers(user_type):
    for record in (mail("10:03"), call("10:03")):
        refused = judged(record, U1={"user_type": user_type})
        assert refused.reason is Reason.AUTOMATION_ACTOR


def test_a_user_whom_the_org_does_not_show_is_no_person():
    refused = Rejection(CALL, L, Reason.AUTOMATION_ACTOR)
    assert judge_task(POLICY, LEAD, call("10:07"), {}) == refused
    assert judge_email(POLICY, LEAD, mail("10:07"), {}) == replace(refused, record_id=MAIL)


def test_a_mail_sync_that_names_another_system_as_sender_proves_nothing():
    synced = mail("10:12", created_by=I, from_user=U2)
    refused = judged(synced, **LOGGER, U2={"automation": True})
    assert refused.reason is Reason.AUTOMATION_ACTOR


def test_a_late_mail_keeps_its_grade_only_if_a_mail_system_has_timed_it():
    late = mail("10:12", created_at=at("11:00"), committed_at=at("11:00"))
    assert judged(late).grade is Grade.C
    captured = judged(replace(late, captured=True))
    assert (captured.grade, captured.flags) == (Grade.A, ("LATE_CAPTURED",))


def test_a_call_that_telephony_has_timed_is_of_the_best_grade():
    timed = judged(call("10:07", 90, call_object="X-1", created_at=at("11:00")))
    assert timed.grade is Grade.A


def test_an_edit_after_closing_hides_the_closer_unless_its_event_was_seen():
    edited = call("10:07", modified_at=at("10:50"), modified_by=I)
    unseen = judged(edited)
    assert (unseen.user, unseen.flags) == (U1, ("closer_unknown",))
    assert judged(replace(edited, closer=U2, owner_id=Q)).user == U2


def test_a_type_tells_the_channel_where_the_subtype_does_not():
    kinds = [
        ("Task", "Call", Source.CALL),
        (None, "SMS", Source.OTHER),
        ("LinkedIn", "Call", Source.OTHER),
        ("Email", "Call", Source.EMAIL),
    ]
    for subtype, type_, source in kinds:
        assert judged(call("10:07", subtype=subtype, type=type_)).source is source


# -- the clock ------------------------------------------------------------------------------------


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
    first = judged(call("10:12", id=CALL_B, owner_id=U2))
    better = judged(call("10:12"))
    stamped = written(None, None, first)
    corrected = written(stamped, first, better)
    assert (corrected.at, corrected.user) == (stamped.at, U1)
    assert written(corrected, better, first) is None


def test_o_06_a_later_response_is_not_even_sent():
    earlier = written(None, None, judged(call("10:02")))
    assert written(earlier, None, judged(call("10:07", 90))) is None


def test_o_07_what_the_org_says_already_is_not_written_again():
    best = judged(call("10:07"))
    stamp = written(None, None, best)
    assert written(stamp, best, best) is None
    assert written(stamp, None, best) is None


def test_a_stamp_of_unknown_origin_gives_way_to_a_strictly_earlier_time_only():
    stamp = written(None, None, judged(mail("10:12")))
    assert written(stamp, None, judged(call("10:12"))) is None
    assert written(stamp, None, judged(call("10:11:59"))).at == at("10:11:59")


def test_a_stamp_of_unknown_origin_is_no_longer_preexisting_once_the_clock_began_before_it():
    touch = judged(mail("10:12"))
    stamped = stamp_of(POLICY, clock_start(POLICY, lead(created_at=at("10:20"))), touch)
    assert stamped.source is Source.PREEXISTING
    corrected = written(stamped, None, touch)
    assert (corrected.at, corrected.source) == (stamped.at, Source.EMAIL)
    assert written(corrected, None, touch) is None
