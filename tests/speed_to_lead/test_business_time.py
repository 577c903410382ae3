"""Which calendar counts for a Lead, what it makes of a wait, and when a promise moves."""

from __future__ import annotations

import pytest

from speed_to_lead.model import Hold, Keeper, Source, Stamp
from speed_to_lead.pipeline.collect import Handover
from speed_to_lead.pipeline.decide import Promise
from speed_to_lead.pipeline.decisions import Recorder
from speed_to_lead.pipeline.write import Part, parts
from tests.speed_to_lead.building import (
    ORG,
    U1,
    U2,
    L,
    Q,
    arrival,
    at,
    call,
    facts,
    later,
    lead,
    policy,
    verdict_of,
)

FROM = {"Early": "08:00", "Noon": "12:00", "Late": "14:00"}
"""The calendars: open on Mondays from then on; the Lead of the tests comes on a Monday at 10:00."""
SAID = {
    "named": [
        {"name": name, "zone": "UTC", "week": {"mon": [[opens, "00:00"]]}}
        for name, opens in FROM.items()
    ],
    "default": "Early",
    "regions": {"EMEA": "Noon"},
    "teams": {"Field Sales": "Late"},
}
HOUR = {"target_minutes": 60, "clock": "business"}
POLICY = policy(calendars=SAID, sla={"SMB": HOUR, "ENT": HOUR})
BUSINESS = "Business_Minutes_to_First_Response__c"


def answered(when, **about):
    return verdict_of(facts(call(done=when), **about), POLICY)


def test_while_nobody_owns_a_lead_its_region_counts():
    verdict = answered("13:00", arrivals={L: arrival(Q)})
    assert (verdict.calendar.name, verdict.business_minutes) == ("Noon", 60)


def test_once_somebody_owns_it_their_calendar_counts():
    verdict = answered("15:00", arrivals={L: arrival(U2)})
    assert (verdict.calendar.name, verdict.business_minutes) == ("Late", 60)


def test_a_later_owner_changes_nothing():
    later_owner = {L: [Handover(U1, at("14:30"))]}
    verdict = answered("15:00", arrivals={L: arrival(U2)}, handovers=later_owner)
    assert verdict.calendar.name == "Late"


def test_an_owner_who_came_after_the_answer_changes_nothing():
    verdict = answered(
        "13:00", arrivals={L: arrival(Q)}, handovers={L: [Handover(U2, at("13:30"))]}
    )
    assert (verdict.calendar.name, verdict.business_minutes) == ("Noon", 60)


def test_the_first_owner_is_remembered_with_the_calendar_of_then():
    before = [Hold(at("10:00"), U1, Keeper.HUMAN, "Early")]
    verdict = verdict_of(facts(call(done="15:00")), POLICY, holds=before)
    assert (verdict.calendar.name, verdict.business_minutes) == ("Early", 300)


def test_business_minutes_travel_with_the_stamp_and_the_hours_are_named_in_the_decision():
    verdict = answered("15:00", arrivals={L: arrival(U2)})
    assert parts(verdict, "1.2.3")[Part.STAMP][BUSINESS] == 60
    decisions = Recorder(ORG, POLICY, "tests").decisions(L, verdict, {})
    [touch] = [each for each in decisions if each.workload == "lead.first_touch"]
    assert touch.output["calendar"] == "Late"
    assert touch.output["calendar_digest"] == verdict.calendar.digest
    assert touch.output["business_minutes"] == 60


def test_an_owner_that_is_heard_of_after_the_stamp_corrects_the_business_minutes():
    """Task and Lead come on streams of their own: the answer may be heard before the hand-over."""
    stamped = lead(stamp=Stamp(at("15:00"), Source.CALL, U2))
    handed = {L: [Handover(U2, at("10:05"))]}
    verdict = verdict_of(facts(leads=(stamped,), handovers=handed), POLICY)
    assert parts(verdict, "1.2.3")[Part.ROUTING][BUSINESS] == 60


def test_what_lies_before_the_clock_has_no_business_minutes():
    verdict = answered("09:00", arrivals={L: arrival(U2)})
    assert verdict.stamp.source is Source.PREEXISTING
    assert parts(verdict, "1.2.3")[Part.STAMP][BUSINESS] is None


@pytest.mark.parametrize(("owner", "due"), [(Q, "13:00"), (U2, "15:00"), (U1, "13:00")])
def test_a_business_target_is_due_after_so_much_open_time(owner, due):
    new = lead(due_at=None)
    verdict = verdict_of(facts(leads=(new,), arrivals={L: arrival(owner)}), POLICY)
    assert verdict.promise == Promise(at(due), "SMB")


def test_the_first_owner_moves_a_promise_once_if_they_work_other_hours():
    promised = lead(due_at=at("13:00"))
    handed = facts(leads=(promised,), handovers={L: [Handover(U2, at("10:05"))]})
    assert verdict_of(handed, POLICY).promise == Promise(at("15:00"), "SMB")
    known = [Hold(at("10:05"), U2, Keeper.HUMAN, "Late")]
    moved = lead(due_at=at("15:00"), owner_assigned_at=at("10:05"))
    again = facts(leads=(moved,), handovers={L: [Handover(U1, at("10:30"))]})
    assert verdict_of(again, POLICY, holds=known).promise is None


def test_a_target_in_elapsed_time_does_not_care_whose_hours_they_are():
    elapsed = policy(calendars=SAID)
    handed = facts(leads=(lead(),), handovers={L: [Handover(U2, at("10:05"))]})
    assert verdict_of(handed, elapsed).promise is None


def test_a_converted_lead_is_left_as_it_is():
    verdict = verdict_of(facts(leads=(lead(is_converted=True, due_at=None),)), POLICY)
    assert (verdict.promise, verdict.business_minutes) == (None, None)


def test_without_calendars_business_time_is_elapsed_time():
    verdict = verdict_of(facts(call("10:07", 90), arrivals={L: arrival(U2)}))
    assert verdict.business_minutes == 5.5
    assert verdict.calendar.is_always_open
    assert verdict.calendar.after(at("10:00"), 60) == later(at("10:00"), minutes=1)
