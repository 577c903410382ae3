"""The demo draws the same week from the same seed, and its check finds every stamp that is wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest

from speed_to_lead.demo.outcome import check
from speed_to_lead.demo.plan import AUTOMATION, MONDAY, Step, Truth, draw_plan

USERS = ["005000000000001AAA", "005000000000002AAA"]
LEAD = "00Q000000000001EAA"
TRUTH = Truth(MONDAY + timedelta(minutes=5), "Call", 0, MONDAY)
RIGHT = {
    "Id": LEAD,
    "First_Response_At__c": "2026-03-02T00:05:00.000+0000",
    "First_Response_Source__c": "Call",
    "First_Response_User__c": USERS[0],
}


def test_equal_seeds_draw_equal_weeks_and_others_do_not():
    assert draw_plan(7) == draw_plan(7)
    assert draw_plan(7).actions != draw_plan(8).actions


def test_a_week_has_its_leads_their_answers_and_noise_that_must_not_count():
    plan = draw_plan(7, leads=200)
    steps = {action.step for action in plan.actions}
    assert len(plan.leads) == 200
    assert steps == set(Step)
    assert plan.actions == sorted(plan.actions, key=lambda a: (a.at, a.lead))
    assert all(0 <= truth.actor != AUTOMATION for truth in plan.truth.values())


def test_a_right_stamp_passes():
    assert check([RIGHT], {LEAD: TRUTH}, USERS) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"First_Response_At__c": "2026-03-02T00:05:01.000+0000"},
        {"First_Response_At__c": None},
        {"First_Response_Source__c": "Email"},
        {"First_Response_User__c": USERS[1]},
        {"Id": "00Q000000000002EAA"},
    ],
    ids=["a second late", "missing", "another source", "another user", "no such lead"],
)
def test_a_wrong_stamp_is_found(wrong):
    [mismatch] = check([RIGHT | wrong], {LEAD: TRUTH}, USERS)
    assert mismatch.lead_id == LEAD


def test_a_stamp_without_a_response_is_found():
    assert len(check([RIGHT], {LEAD: None}, USERS)) == 1
