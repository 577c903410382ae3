"""What a batch comes to is a function of its facts: owners, stamps, withdrawals, and their records."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from speed_to_lead.ids import owner_id
from speed_to_lead.model import Evidence, Grade, Reason, Rejection, Source, Stamp
from speed_to_lead.pipeline.collect import Cause, Handover
from speed_to_lead.pipeline.decide import Promise
from speed_to_lead.pipeline.decisions import Recorder
from speed_to_lead.pipeline.write import Outcome, Part, Written, parts
from tests.speed_to_lead.building import (
    DESK,
    ORG,
    POLICY,
    U1,
    U2,
    I,
    L,
    M,
    Q,
    arrival,
    at,
    call,
    cause_of,
    decider,
    facts,
    lead,
    mail,
    policy,
    remembering,
    task,
    verdict_of,
)

KEEP = policy(routes={"name": "Everybody", "owner": {"keep": True}})
RECORDER = Recorder(ORG, POLICY, "test")
ANSWERED = Stamp(at("10:07"), Source.CALL, U1)


def arrived(now=None, **about):
    """The verdict on a new Lead, created with U1 as its owner unless told otherwise."""
    return verdict_of(facts(leads=(now or lead(),), arrivals={L: arrival(**about)}))


def evidence(record, when=None, user=U1):
    moment = when or record.completed_at
    return Evidence(record.id, L, moment, Source.CALL, user, Grade.B, ())


def decided(verdict, written=None, recorder=RECORDER):
    return list(recorder.decisions(L, verdict, written or {}))


# -- routing --------------------------------------------------------------------------------------


def test_a_new_lead_goes_to_the_owner_that_the_policy_names():
    verdict = arrived()
    assert (verdict.routing.target, verdict.routing.outcome) == (DESK, "assigned")
    assert parts(verdict, "1.2.3")[Part.ROUTING]["OwnerId"] == DESK


def test_a_lead_that_somebody_was_given_since_its_creation_is_left_to_them():
    verdict = arrived(lead(owner_id=U2), owner=Q)
    assert verdict.routing.outcome == "claimed"
    assert parts(verdict, "1.2.3") == {Part.ROUTING: {"Policy_Version__c": "1.2.3"}}
    [decision] = decided(verdict)
    assert (decision.outcome, decision.output["owner_id"]) == ("claimed", U2)


def test_the_same_arrival_after_our_own_write_gives_the_same_decision_and_no_owner():
    first = arrived()
    again = arrived(lead(owner_id=DESK, policy_version="1.2.3"))
    assert decided(again) == decided(first)
    assert "OwnerId" not in parts(again, "1.2.3")[Part.ROUTING]


def test_a_lead_that_is_routed_is_not_routed_again():
    given = facts(routed=True, arrivals={L: arrival()})
    assert verdict_of(given).routing is None


def test_a_policy_that_keeps_the_owner_writes_its_version_and_no_owner():
    verdict = verdict_of(facts(arrivals={L: arrival()}), KEEP)
    assert verdict.routing.outcome == "kept"
    assert parts(verdict, "1.2.3")[Part.ROUTING] == {
        "Policy_Version__c": "1.2.3",
        "Owner_Assigned_At__c": "2026-03-02T10:00:00.000Z",
    }
    [decision] = decided(verdict)
    assert (decision.outcome, decision.output["owner_id"]) == ("kept", U1)


def test_a_gap_that_does_not_tell_the_first_owner_lets_the_policy_decide():
    assert arrived(owner=None).routing.outcome == "assigned"


def test_a_gap_heard_again_after_a_person_took_the_lead_from_us_leaves_it_to_them():
    taken = lead(owner_id=U2, policy_version="1.2.3")
    assert arrived(taken, owner=None).routing.outcome == "claimed"


@pytest.mark.parametrize(("since", "routed"), [("10:00", True), ("10:00:01", False)])
def test_a_lead_found_by_a_query_is_routed_only_if_it_is_as_new_as_the_window(since, routed):
    verdict = arrived(owner=None, when=since, snapshot=True)
    assert (verdict.routing is not None) is routed


def test_a_converted_lead_is_neither_routed_nor_stamped():
    converted = lead(is_converted=True)
    given = facts(
        call(),
        leads=(converted,),
        arrivals={L: arrival()},
        handovers={L: [Handover(U2, at("10:04"))]},
    )
    verdict = verdict_of(given)
    assert (verdict.routing, verdict.assigned_at, verdict.stamp) == (None, None, None)
    assert verdict.best is not None
    assert parts(verdict, "1.2.3") == {}


def test_a_converted_lead_keeps_what_was_known_of_it_when_its_task_moves_to_the_contact():
    moved = replace(call(), who_id="003000000000001AAA")
    given = facts(moved, leads=(lead(is_converted=True),), formerly={moved.id: frozenset({L})})
    verdict = verdict_of(given, held=(evidence(call()),))
    assert verdict.judged == []


# -- Owner_Assigned_At ----------------------------------------------------------------------------


def handed_over(*handovers, now=None, created_with=Q):
    given = facts(
        leads=(now or lead(owner_id=created_with),),
        arrivals={L: arrival(created_with)},
        handovers={L: [Handover(owner, at(when)) for owner, when in handovers]},
    )
    return verdict_of(given).assigned_at


def test_a_lead_created_with_a_person_was_assigned_at_its_creation():
    assert handed_over(created_with=U1) == at("10:00")


@pytest.mark.parametrize("owner", [Q, I])
def test_a_queue_and_automation_are_not_people_who_are_assigned(owner):
    assert handed_over((owner, "10:02"), created_with=owner) is None


def test_the_first_hand_over_to_a_person_is_the_assignment():
    assert handed_over((U2, "10:09"), (I, "10:01"), (U1, "10:04")) == at("10:04")


@pytest.mark.parametrize(("says", "writes"), [("10:04", None), ("10:03", None), ("10:05", "10:04")])
def test_the_assignment_only_ever_moves_earlier(says, writes):
    assigned = lead(owner_id=Q, owner_assigned_at=at(says))
    expected = None if writes is None else at(writes)
    assert handed_over((U1, "10:04"), now=assigned) == expected


def test_a_hand_over_of_a_lead_that_is_known_counts_without_its_arrival():
    given = facts(routed=True, handovers={L: [Handover(U1, at("10:04:00.779"))]})
    verdict = verdict_of(given)
    assert verdict.routing is None
    assert parts(verdict, "1.2.3") == {
        Part.ROUTING: {"Owner_Assigned_At__c": "2026-03-02T10:04:00.000Z"}
    }


def test_an_owner_that_the_policy_gave_a_lead_was_not_there_at_its_creation():
    """After our own write the first owner cannot be told from a gap or a query."""
    ours = lead(owner_id=owner_id(U2), policy_version="1.2.3")
    assert arrived(ours, owner=None).assigned_at is None


# -- what is due -----------------------------------------------------------------------------------

PROMISED = {"Response_Due_At__c": "2026-03-02T11:00:00.000Z", "Response_Segment__c": "SMB"}


def test_whatever_is_heard_of_a_lead_it_is_told_once_when_its_answer_is_due():
    unpromised = lead(due_at=None)
    for heard_of in (facts(leads=(unpromised,)), facts(call(), leads=(unpromised,))):
        assert parts(verdict_of(heard_of), "1.2.3")[Part.ROUTING] == PROMISED


def test_a_policy_that_gives_less_time_later_does_not_move_what_was_promised():
    strict = policy(sla={"SMB": {"target_minutes": 1}, "ENT": {"target_minutes": 1}})
    assert verdict_of(facts(), strict).promise is None


def test_a_clock_that_starts_earlier_makes_the_answer_due_earlier():
    by = policy(clock={"start": ["Inquiry_At__c", "CreatedDate"]})
    asked = lead(inquiry={"Inquiry_At__c": at("09:50")})
    assert verdict_of(facts(leads=(asked,)), by).promise == Promise(at("10:50"), "SMB")


def test_each_segment_has_its_own_target():
    large = lead(due_at=None, employees=5000)
    assert verdict_of(facts(leads=(large,))).promise == Promise(at("10:30"), "ENT")


def test_a_converted_lead_is_promised_nothing():
    assert verdict_of(facts(leads=(lead(due_at=None, is_converted=True),))).promise is None


# -- evidence -------------------------------------------------------------------------------------


def test_the_task_of_a_mail_is_its_alias_even_where_only_the_mail_tells():
    alias = task(1, "10:11:59", subtype="Email")
    given = facts(mail("10:12", activity_id=alias.id), alias)
    verdicts = decider().decide(given)
    assert verdicts.withdrawn == {alias.id}
    assert [each.record_id for each, _ in verdicts.leads[L].judged] == [mail().id]
    assert verdicts.leads[L].stamp == Stamp(at("10:12"), Source.EMAIL, U1)


def test_what_the_ledger_holds_of_an_alias_counts_no_more():
    alias = call("10:07")
    given = facts(mail("10:12", activity_id=alias.id))
    assert verdict_of(given, held=(evidence(alias),)).best.record_id == mail().id


def test_a_record_that_moved_to_another_lead_is_taken_from_the_former():
    moved = call(who_id=M)
    given = facts(moved, leads=(lead(), lead(id=M)), formerly={moved.id: frozenset({L})})
    verdicts = decider().decide(remembering(given, held=(evidence(call()),))).leads
    assert [each for each, _ in verdicts[L].judged] == [Rejection(moved.id, L, Reason.NOT_LINKED)]
    assert [each.lead_id for each, _ in verdicts[M].judged] == [M]
    assert (verdicts[L].best, verdicts[L].stamp) == (None, None)
    assert verdicts[M].stamp == ANSWERED


def test_a_mail_to_two_leads_answers_both():
    given = facts(mail(lead_ids=(L, M)), leads=(lead(), lead(id=M)))
    verdicts = decider().decide(given).leads
    assert [verdicts[each].stamp for each in (L, M)] == [Stamp(at("10:12"), Source.EMAIL, U1)] * 2


def test_evidence_that_is_gone_does_not_raise_the_stamp():
    given = facts(
        mail("10:12"), leads=(lead(stamp=ANSWERED),), gone_records={call().id: cause_of(call())}
    )
    verdict = verdict_of(given, held=(evidence(call()),))
    assert verdict.best.record_id == mail().id
    assert verdict.stamp is None


def test_a_task_that_was_reopened_or_dated_later_does_not_raise_the_stamp():
    held = (evidence(call()),)
    for changed in (call(is_closed=False, completed_at=None), call("10:30")):
        given = facts(changed, leads=(lead(stamp=ANSWERED),))
        assert verdict_of(given, held=held).stamp is None


def test_a_record_that_the_org_has_no_more_is_withdrawn():
    given = facts()
    given.wanted.tasks[call().id] = Cause("gone", at("10:08"))
    given.wanted.emails[mail().id] = Cause("gone", at("10:08"))
    verdicts = decider().decide(given)
    assert verdicts.withdrawn == {call().id, mail().id}


def test_a_lead_that_is_unknown_to_the_org_gets_no_verdict():
    given = facts(call(who_id=M), mail(lead_ids=(M,)))
    verdicts = decider().decide(given)
    assert verdicts.leads[L].judged == []
    assert [each.reason for each in verdicts.unlinked] == [Reason.NOT_LINKED]


def test_evidence_in_the_ledger_and_in_the_batch_compete_alike():
    held = (evidence(call("10:05", number=7)),)
    verdict = verdict_of(facts(call("10:07")), held=held)
    assert verdict.stamp == Stamp(at("10:05"), Source.CALL, U1)


# -- what is written ------------------------------------------------------------------------------


def test_a_new_lead_and_its_answer_are_written_as_two_parts_with_exactly_these_fields():
    verdict = verdict_of(facts(call("10:07", 90), arrivals={L: arrival()}))
    assert parts(verdict, "1.2.3") == {
        Part.ROUTING: {
            "OwnerId": DESK,
            "Policy_Version__c": "1.2.3",
            "Owner_Assigned_At__c": "2026-03-02T10:00:00.000Z",
        },
        Part.STAMP: {
            "First_Response_At__c": "2026-03-02T10:05:30.000Z",
            "First_Response_Source__c": "Call",
            "First_Response_User__c": U1,
            "Business_Minutes_to_First_Response__c": 5.5,
            "Policy_Version__c": "1.2.3",
        },
    }


def test_nothing_new_writes_nothing():
    assert parts(verdict_of(facts()), "1.2.3") == {}


def test_an_unknown_responder_is_written_as_blank():
    verdict = verdict_of(facts())
    verdict.stamp = Stamp(at("10:12"), Source.EMAIL, None)
    assert parts(verdict, "1.2.3")[Part.STAMP]["First_Response_User__c"] is None


def test_the_start_of_the_clock_is_written_once():
    by = policy(clock={"start": ["Inquiry_At__c", "CreatedDate"]})
    asked = lead(inquiry={"Inquiry_At__c": at("09:50")})
    assert Part.ROUTING in parts(verdict_of(facts(leads=(asked,)), by), "1.2.3")
    told = replace(asked, clock_started_at=at("09:50"))
    assert parts(verdict_of(facts(leads=(told,)), by), "1.2.3") == {}


# -- what is recorded -----------------------------------------------------------------------------


def heard(record, *, snapshot=False, key="stream"):
    given = facts(record, arrivals={L: arrival(None if snapshot else U1, snapshot=snapshot)})
    asked = given.wanted.tasks if record.id.startswith("00T") else given.wanted.emails
    asked[record.id] = Cause(key, at("10:13"), snapshot)
    return decided(verdict_of(given))


@pytest.mark.parametrize("record", [call(), mail(), call(is_closed=False), mail(incoming=True)])
def test_a_decision_has_the_same_id_however_we_heard_of_the_fact(record):
    stream, snapshot = heard(record), heard(record, snapshot=True, key="snapshot")
    assert [each.decision_id for each in stream] == [each.decision_id for each in snapshot]
    assert [each.inputs for each in stream] == [each.inputs for each in snapshot]
    assert len({each.decision_id for each in stream}) == len(stream) == 2


def test_another_fact_about_the_same_record_is_another_decision():
    facts_of_one_call = [call("10:07"), call("10:08"), call(is_closed=False)]
    ids = {heard(each)[1].decision_id for each in facts_of_one_call}
    assert len(ids) == 3


def test_another_policy_makes_another_decision():
    verdict = arrived()
    other = Recorder(ORG, policy(version="1.2.4"), "test")
    assert decided(verdict)[0].decision_id != decided(verdict, recorder=other)[0].decision_id


def test_a_decision_carries_everything_that_is_needed_to_make_it_again():
    routing, touch = heard(call("10:07"))
    assert (routing.policy_version, routing.policy_digest) == (POLICY.version, POLICY.digest)
    assert routing.inputs == {
        "employees": 50,
        "country": "Germany",
        "source": "Web",
        "industry": None,
    }
    assert touch.inputs == {
        "record": "Task",
        "source": "Call",
        "seconds": 420,
        "grade": "B",
        "flags": [],
        "prior_seconds": None,
    }
    assert (touch.outcome, touch.output["verdict"]) == ("kept", "stamp")


@pytest.mark.parametrize(
    ("outcome", "recorded"),
    [
        (Outcome.DONE, "stamped"),
        (Outcome.REFUSED, "refused"),
        (Outcome.DENIED_CONVERTED, "denied_converted"),
        (Outcome.FAILED, "failed"),
    ],
)
def test_what_the_org_made_of_a_stamp_is_recorded(outcome, recorded):
    verdict = verdict_of(facts(call()))
    [decision] = decided(verdict, {(L, Part.STAMP): Written(outcome)})
    assert decision.outcome == recorded


def test_a_routing_that_the_org_failed_to_take_is_left_for_another_try():
    assert decided(arrived(), {(L, Part.ROUTING): Written(Outcome.FAILED)}) == []


def test_a_lead_that_was_converted_before_it_could_be_routed_is_recorded_so():
    denied = {(L, Part.ROUTING): Written(Outcome.DENIED_CONVERTED)}
    assert [each.outcome for each in decided(arrived(), denied)] == ["denied_converted"]


def test_a_later_response_is_kept_and_a_rejection_is_told_with_its_reason():
    given = facts(call("10:07"), mail("10:12"), task(3))
    touches = decided(verdict_of(given), {(L, Part.STAMP): Written(Outcome.DONE)})
    assert {each.output["record_id"]: each.outcome for each in touches} == {
        call().id: "stamped",
        mail().id: "kept",
        task(3).id: "rejected",
    }
    assert touches[1].inputs == {"record": "Task", "reason": "PLAIN_TASK", "prior_seconds": None}


def test_a_record_of_a_query_takes_its_time_from_the_fact_and_not_from_the_query():
    routing, touch = heard(call("10:07"), snapshot=True)
    assert (routing.at, touch.at) == (at("10:00"), at("10:07"))
    assert heard(call("10:07"))[1].at == at("10:13")


def test_the_same_facts_give_the_same_verdicts_again():
    given = facts(call(), mail(), arrivals={L: arrival()})
    assert verdict_of(given) == verdict_of(given)


def test_a_stamp_before_the_clock_is_no_answer():
    early = at("10:00") - timedelta(days=1)
    yesterday = call("10:00", completed_at=early, created_at=early, modified_at=early)
    assert verdict_of(facts(yesterday)).stamp == Stamp(early, Source.PREEXISTING, U1)
