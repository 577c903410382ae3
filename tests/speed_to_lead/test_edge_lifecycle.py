"""The edge cases of facts/ttfr.md 14 in which a Lead lives on: asked again, converted, merged, corrected.

Each batch is committed to a real ledger before the next one comes; the org takes what it is told.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from speed_to_lead.episodes import episodes
from speed_to_lead.figures import by_source
from speed_to_lead.first_response import clock_start, judge_task
from speed_to_lead.kpi import Measured, figures
from speed_to_lead.ledger import KnownLead
from speed_to_lead.model import Source, Stamp
from speed_to_lead.pipeline.collect import Cause, Conversion
from speed_to_lead.pipeline.read import Merged
from speed_to_lead.pipeline.write import Outcome
from tests.speed_to_lead.building import (
    CONTACT,
    PEOPLE,
    POLICY,
    U1,
    U2,
    L,
    M,
    arrival,
    at,
    call,
    cause_of,
    facts,
    lead,
    mail,
    policy,
    verdict_of,
)
from tests.speed_to_lead.story import Story

DAY = timedelta(days=1)
POLICY_SLA = {name: {"target_minutes": t.target_minutes} for name, t in POLICY.sla.items()}
HALF_PAST = at("10:30")
INQUIRY = policy(clock={"start": ["Inquiry_At__c", "CreatedDate"]})
CORRECTING = policy(response={"corrections": True})
BY_CALL, BY_MAIL = (at("10:07"), "Call", U1), (at("10:12"), "Email", U1)


@pytest.fixture
def story(tmp_path):
    """Tell a story under a policy, of Leads."""
    told = []

    def begin(by=POLICY, *leads):
        told.append(Story(tmp_path, by, leads))
        return told[-1]

    yield begin
    for each in told:
        each.ledger.close()


# -- asked again ----------------------------------------------------------------------------------


def evidence(done, number=1):
    return judge_task(POLICY, lead(), call(done, number=number), PEOPLE)


def episodes_of(*inquiries, touches=()):
    found = episodes(POLICY, clock_start(POLICY, lead()), inquiries, touches)
    return [(each.started, each.best and each.best.at) for each in found]


def test_k09_a_form_filled_in_again_before_the_answer_changes_nothing():
    assert episodes_of(HALF_PAST) == [(at("10:00"), None)]
    assert episodes_of(HALF_PAST, touches=[evidence("10:40")]) == [(at("10:00"), at("10:40"))]


def test_k10_asked_again_after_the_answer_a_second_episode_has_its_own_clock():
    again = at("10:00") + 3 * DAY
    late = replace(evidence("10:40", number=2), at=again + timedelta(minutes=9))
    found = episodes_of(again, touches=[evidence("10:07"), late])
    assert found == [(at("10:00"), at("10:07")), (again, late.at)]


def test_k10_the_fields_of_the_lead_keep_the_first_episode(story):
    told = story(INQUIRY).hears(call("10:07"))
    again = at("10:00") + 3 * DAY
    told.hears(inquiries={L: {again}})
    moment = again + timedelta(minutes=9)
    later = replace(call("10:07", number=2), completed_at=moment, created_at=moment)
    told.hears(replace(later, modified_at=moment))
    assert told.stamp() == BY_CALL
    assert told.knows().inquiries == {again}


def test_k11_asked_again_after_a_month_without_an_answer_the_first_episode_stays_unanswered(story):
    again = at("10:00") + 31 * DAY
    told = story(INQUIRY).hears(inquiries={L: {again}})
    moment = again + timedelta(minutes=9)
    answer = replace(call("10:07"), completed_at=moment, created_at=moment, modified_at=moment)
    told.hears(answer)
    assert told.stamp() is None
    assert episodes_of(again, touches=[replace(evidence("10:07"), at=moment)]) == [
        (at("10:00"), None),
        (again, moment),
    ]


def test_k11_exactly_thirty_days_later_it_is_the_same_episode():
    assert episodes_of(at("10:00") + 30 * DAY) == [(at("10:00"), None)]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_episodes_are_the_same_whatever_came_first(order):
    asked = [at("10:00") + 3 * DAY, at("10:00") + 40 * DAY]
    touches = [evidence("10:07"), replace(evidence("10:07", 2), at=asked[1] + DAY)]
    facts_in_order = [(asked, touches)[each < 2][each % 2] for each in order]
    inquiries = [each for each in facts_in_order if each in asked]
    told = [each for each in facts_in_order if each not in asked]
    # The second episode waits for 37 days, so the third inquiry opens one of its own.
    assert episodes_of(*inquiries, touches=told) == [
        (at("10:00"), at("10:07")),
        (asked[0], None),
        (asked[1], asked[1] + DAY),
    ]


def test_an_inquiry_that_the_record_tells_of_is_remembered(story):
    asked = at("10:00") + 3 * DAY
    told = story(INQUIRY).hears(call("10:07"), now=(lead(inquiry={"Inquiry_At__c": asked}),))
    assert told.knows().inquiries == {asked}


def test_k12_an_imported_lead_is_stamped_and_outside_every_number(story, tmp_path):
    imports = policy(sla={**POLICY_SLA, "SMB": {"target_minutes": 60, "import_sources": ["list"]}})
    told = story(imports, lead(source="List", due_at=None)).hears(call("10:07"))
    assert told.stamp() == BY_CALL
    assert told.knows().lead.due_at is None
    path, as_of = told.ledger.path, "2026-03-03T00:00:00Z"
    assert by_source(path, 30, as_of, imports)[-1]["leads"] == 0
    assert by_source(path, 30, as_of)[-1]["leads"] == 1


def test_o10_a_call_that_is_heard_of_before_its_lead_gives_the_same(story):
    early = story().hears(call("10:07")).hears(arrivals={L: arrival()})
    late = story().hears(arrivals={L: arrival()}).hears(call("10:07"))
    assert early.stamp() == late.stamp() == BY_CALL
    ids = [{d.decision_id for d in told.ledger.decisions_of(L)} for told in (early, late)]
    assert ids[0] == ids[1]


# -- as of an instant -----------------------------------------------------------------------------


def measured(**changes):
    deleted = changes.pop("deleted", None)
    return Measured.of(lead(**changes), deleted)


def seen(one, as_of="12:00"):
    """Whether it was met, and how the Kaplan-Meier estimate sees it: minutes, or still waiting."""
    numbers = figures([one], at(as_of))
    return one.met(at(as_of)), numbers.whole_median, numbers.leads


def test_s06_closed_unanswered_it_is_a_miss_once_due_and_watched_until_it_was_closed():
    closed, beside = (
        measured(closed_at=at("10:10")),
        measured(stamp=Stamp(at("10:20"), Source.CALL, U1)),
    )
    assert closed.met(at("12:00")) is False
    assert figures([closed, beside], at("12:00")).whole_median == 20  # it left before 10:20


def test_s07_converted_before_it_was_due_it_is_outside_and_after_that_a_miss(story):
    for when, met in (("10:30", None), ("11:30", False)):
        one = converted(story(), when)
        assert one.stamp() == (at(when), "Conversion", U2)
        assert Measured.of(one.knows().lead).met(at("12:00")) is met


def test_s08_a_conversion_is_no_answer():
    stamp = Stamp(at("11:30"), Source.CONVERSION, U1)
    assert figures([measured(stamp=stamp)], at("12:00")).answered == 0


@pytest.mark.parametrize(
    ("deleted", "met"),
    [pytest.param("10:20", None, id="S-10"), pytest.param("11:20", False, id="S-12")],
)
def test_deleted_unanswered_it_counts_if_it_was_due(deleted, met):
    one = measured(deleted=at(deleted))
    assert one.met(at("12:00")) is met
    assert not one.is_waiting


def test_s10_the_ledger_keeps_when_a_lead_was_deleted_and_undeleting_it_continues(story):
    told = story().hears(gone_leads={L: Cause("k", at("10:20"))})
    assert told.ledger.every_lead() == [(lead(), at("10:20"))]
    told.hears(now=(lead(),), stale_leads={L: Cause("k", at("10:25"))})
    assert told.ledger.every_lead() == [(lead(), None)]


# -- converted ------------------------------------------------------------------------------------


def converted(told, when="10:30", *, outcome=Outcome.DONE, records=()):
    """The Lead becomes a Contact, and U2 did it."""
    before = told.knows().lead
    now = replace(before, is_converted=True, contact_id=CONTACT, converted_at=at(when))
    done = Conversion(at(when), U2, CONTACT)
    return told.hears(*records, now=(now,), converted={L: done}, outcome=outcome)


def test_l01_converted_after_its_mail_it_keeps_the_mail(story):
    told = converted(story().hears(mail("10:12")))
    assert told.stamp() == BY_MAIL


def test_l02_what_is_logged_on_the_contact_later_counts_for_the_time_before(story):
    told = converted(story())
    late = call("10:20", who_id=CONTACT, created_at=at("11:00"), modified_at=at("11:00"))
    told.hears(late, became={CONTACT: [L]}, outcome=Outcome.DENIED_CONVERTED)
    assert told.stamp() == (at("10:20"), "Call", U1)
    assert told.outcomes[-1] == ["denied_converted"]
    [(found, _)] = [pair for pair in told.knows().evidence if pair[0].record_id == late.id]
    assert found.grade == "C"


def test_l02_a_denied_stamp_is_kept_in_the_ledger_and_not_tried_for_ever(story):
    told = converted(story(), outcome=Outcome.DENIED_CONVERTED)
    assert told.stamp() == (at("10:30"), "Conversion", U2)
    told.hears(mail("10:40", contact_ids=(CONTACT,), lead_ids=()), became={CONTACT: [L]})
    assert told.rows[-1] == {}


def test_l03_a_touch_after_the_conversion_is_after_the_end(story):
    told = converted(story())
    touch = call("10:40", who_id=CONTACT)
    told.hears(touch, became={CONTACT: [L]})
    assert told.rejections() == {touch.id: "AFTER_END"}
    assert told.stamp() == (at("10:30"), "Conversion", U2)


def test_a_conversion_that_nobody_saw_has_no_time_and_stamps_nothing(story):
    told = story(POLICY, lead(is_converted=True, contact_id=CONTACT))
    touch = call("10:20", who_id=CONTACT)
    told.hears(touch, became={CONTACT: [L]})
    assert (told.stamp(), told.rejections()) == (None, {})


def test_what_came_with_the_conversion_in_one_batch_is_judged_with_it(story):
    moved = call("10:07", who_id=CONTACT)
    told = story()
    now = lead(is_converted=True, contact_id=CONTACT, converted_at=at("10:30"))
    told.hears(
        moved,
        now=(now,),
        converted={L: Conversion(at("10:30"), U2, CONTACT)},
        became={CONTACT: [L]},
    )
    assert told.stamp() == BY_CALL


# -- merged ---------------------------------------------------------------------------------------


def merged_into(told, loser, *records, known=None):
    """M goes into L."""
    cause = Cause("merge", at("11:00"))
    given = Merged(known or KnownLead(loser), cause)
    return told.hears(
        *records, merges={L: [given]}, gone_leads={loser.id: cause}, stale_leads={L: cause}
    )


def test_l04_the_one_that_stays_takes_the_earlier_clock(story):
    young = lead(created_at=at("10:10"), due_at=at("11:10"))
    told = story(POLICY, young, lead(id=M)).hears(call("10:30"))
    merged_into(told, lead(id=M))
    assert told.rows[-1] == {
        "Response_Clock_Started_At__c": "2026-03-02T10:00:00.000Z",
        "Response_Due_At__c": "2026-03-02T11:00:00.000Z",
        "Response_Segment__c": "SMB",
        "Business_Minutes_to_First_Response__c": 30.0,
    }
    assert told.stamp() == (at("10:30"), "Call", U1)
    assert told.knows().lead.clock_started_at == at("10:00")
    assert [each.id for each, _ in told.ledger.every_lead()] == [L]  # M is outside


def test_l05_the_one_that_stays_takes_the_earlier_response(story):
    told = story(POLICY, lead(), lead(id=M)).hears(call("10:30"))
    answered = lead(id=M, stamp=Stamp(at("10:12"), Source.EMAIL, U2))
    merged_into(told, answered)
    assert told.stamp() == (at("10:12"), "Email", U2)
    assert told.rows[-1]["First_Response_At__c"] == "2026-03-02T10:12:00.000Z"


def test_l05_the_record_behind_the_earlier_response_moves_along(story):
    told = story(POLICY, lead(), lead(id=M))
    told.hears(mail("10:12", lead_ids=(M,)), leads=(lead(id=M),))
    merged_into(told, told.knows(M).lead, mail("10:12", lead_ids=(L,)), known=told.knows(M))
    assert told.stamp() == BY_MAIL
    assert [each.record_id for each in told.knows().live] == [mail().id]


def test_a_touch_before_the_clock_of_the_one_that_stays_may_answer_the_one_that_goes(story):
    told = story(POLICY, lead(created_at=at("10:30"))).hears(call("10:07"))
    assert told.stamp() == (at("10:07"), "Preexisting", U1)
    merged_into(told, lead(id=M))
    assert told.stamp() == BY_CALL
    assert (
        told.rows[-1]["First_Response_At__c"] == "2026-03-02T10:07:00.000Z"
    )  # unchanged: no guard


@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.DENIED_CONVERTED])
def test_a_merge_that_is_heard_of_after_the_conversion_still_moves_the_clock(story, outcome):
    told = converted(story(POLICY, lead(created_at=at("10:10")), lead(id=M)))
    cause = Cause("merge", at("10:20"))
    told.hears(
        merges={L: [Merged(KnownLead(lead(id=M)), cause)]},
        gone_leads={M: cause},
        stale_leads={L: cause},
        outcome=outcome,
    )
    assert told.knows().lead.clock_started_at == at("10:00")


def test_merging_again_changes_nothing(story):
    told = story(POLICY, lead(created_at=at("10:10")), lead(id=M))
    for _ in range(2):
        merged_into(told, lead(id=M, stamp=Stamp(at("10:12"), Source.EMAIL, U2)))
    assert told.rows[-1] == {}


# -- withdrawn ------------------------------------------------------------------------------------


def gone(record):
    return {record.id: Cause(f"gone-{record.id}", at("12:00"), by=U2)}


def test_l06_a_stamp_stays_when_its_call_is_deleted_and_corrections_are_off(story):
    told = story().hears(call("10:07"), mail("10:12"))
    told.hears(gone_records=gone(call()), formerly={call().id: frozenset({L})})
    assert told.stamp() == BY_CALL
    assert told.rows[-1] == {}


def test_l07_where_corrections_are_on_the_stamp_rises_to_what_is_left_and_is_recorded(story):
    told = story(CORRECTING).hears(call("10:07"), mail("10:12"))
    told.hears(gone_records=gone(call()), formerly={call().id: frozenset({L})})
    assert told.stamp() == BY_MAIL
    assert told.rows[-1]["First_Response_At__c"] == "2026-03-02T10:12:00.000Z"
    [record] = [d for d in told.ledger.decisions_of(L) if d.output["verdict"] == "correct"]
    assert record.outcome == "corrected"
    assert record.inputs["reason"] == "DELETED"
    assert (record.output["was"], record.output["at"], record.output["by"]) == (
        "2026-03-02T10:07:00.000Z",
        "2026-03-02T10:12:00.000Z",
        U2,
    )


def test_l07_without_the_permission_the_org_refuses_and_the_record_says_so(story):
    told = story(CORRECTING).hears(call("10:07"), mail("10:12"))
    told.hears(
        gone_records=gone(call()), formerly={call().id: frozenset({L})}, outcome=Outcome.REFUSED
    )
    assert told.outcomes[-1] == ["refused"]
    assert told.stamp() == BY_CALL


def test_l07_when_nothing_is_left_the_stamp_is_cleared_whole(story):
    told = story(CORRECTING).hears(call("10:07"))
    told.hears(gone_records=gone(call()), formerly={call().id: frozenset({L})})
    assert told.stamp() is None
    assert {told.rows[-1][f"First_Response_{each}__c"] for each in ("At", "Source", "User")} == {
        None
    }


def test_l08_an_undeleted_call_takes_the_stamp_back(story):
    told = story(CORRECTING).hears(call("10:07"), mail("10:12"))
    told.hears(gone_records=gone(call()), formerly={call().id: frozenset({L})})
    told.hears(call("10:07"))
    assert told.stamp() == BY_CALL


@pytest.mark.parametrize(
    ("by", "stamp"),
    [pytest.param(POLICY, BY_CALL, id="off"), pytest.param(CORRECTING, BY_MAIL, id="on")],
)
def test_l09_a_reopened_call_is_withdrawn(story, by, stamp):
    told = story(by).hears(call("10:07"), mail("10:12"))
    reopened = call("10:07", is_closed=False, completed_at=None)
    told.hears(reopened, formerly={reopened.id: frozenset({L})})
    assert told.stamp() == stamp
    assert told.rejections() == {reopened.id: "OPEN_TASK"}


@pytest.mark.parametrize(
    ("by", "stamp"),
    [pytest.param(POLICY, BY_MAIL, id="off"), pytest.param(CORRECTING, None, id="on")],
)
def test_l10_a_mail_that_bounces_later_is_withdrawn(story, by, stamp):
    told = story(by).hears(mail("10:12")).hears(mail("10:12", bounced=True))
    assert told.stamp() == stamp
    assert told.rejections() == {mail().id: "BOUNCED"}


def test_a_call_that_is_re_dated_later_raises_its_own_stamp_where_corrections_are_on(story):
    told = story(CORRECTING).hears(call("10:07")).hears(call("10:20"))
    assert told.stamp() == (at("10:20"), "Call", U1)
    [record] = [d for d in told.ledger.decisions_of(L) if d.output["verdict"] == "correct"]
    assert record.inputs["reason"] == "RE_DATED"


def test_what_another_writer_stamped_is_never_raised(story):
    told = story(CORRECTING, lead(stamp=Stamp(at("10:02"), Source.OTHER, U2)))
    told.hears(call("10:07")).hears(gone_records=gone(call()))
    assert told.stamp() == (at("10:02"), "Other", U2)


def test_l14_a_call_on_one_of_two_leads_of_a_person_leaves_the_other_unanswered(story):
    told = story(POLICY, lead(), lead(id=M)).hears(call("10:07"), leads=(lead(), lead(id=M)))
    assert (told.stamp(), told.stamp(M)) == (BY_CALL, None)


def test_o14_no_clock_of_this_machine_is_asked():
    given = facts(call("10:07"), leads=(lead(),))
    verdict = verdict_of(given)
    assert verdict.judged[0][1] == cause_of(call("10:07"))
    assert verdict.stamp.at == at("10:07")
