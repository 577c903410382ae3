"""Calls are counted over a day, ours are limited, and some of the org's are left to others."""

from __future__ import annotations

import pytest

from speed_to_lead.errors import CallsSpent
from speed_to_lead.salesforce.budget import Budget

HOUR = 3600.0


class Clock:
    """A clock that stands still."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def spend(budget, count):
    for _ in range(count):
        budget.spend("query")


def test_without_a_limit_any_number_is_spent(clock):
    budget = Budget(0, 5, clock)
    spend(budget, 5000)
    assert (budget.spent(), budget.left()) == (5000, None)


def test_our_own_limit_holds_over_any_24_hours(clock):
    budget = Budget(10, 5, clock)
    spend(budget, 6)
    clock.now += 12 * HOUR
    spend(budget, 4)
    assert budget.left() == 0
    with pytest.raises(CallsSpent, match="SPEED_TO_LEAD_DAILY_CALLS"):
        spend(budget, 1)
    clock.now += 12 * HOUR + 600
    spend(budget, 6)
    with pytest.raises(CallsSpent):
        spend(budget, 1)
    assert budget.by_kind == {"query": 16}


def test_a_share_of_the_orgs_calls_is_left_to_others_and_one_call_in_a_while_asks_again(clock):
    budget = Budget(0, 10, clock)
    budget.told("api-usage=899/1000")
    assert budget.left() == 1
    spend(budget, 1)
    budget.told("api-usage=900/1000")
    spend(budget, 1)
    for _ in range(3):
        with pytest.raises(CallsSpent, match="SPARED_CALLS_PERCENT"):
            spend(budget, 1)
    clock.now += 300
    spend(budget, 1)
    with pytest.raises(CallsSpent):
        spend(budget, 1)
    budget.told("api-usage=10/1000")
    spend(budget, 5)
    assert budget.left() == 890


@pytest.mark.parametrize("header", [None, "", "per-app-api-usage=1/2(appName=x)", "api-usage=x/y"])
def test_a_header_that_says_nothing_changes_nothing(clock, header):
    budget = Budget(0, 10, clock)
    budget.told("api-usage=1/1000")
    budget.told(header)
    assert budget.usage == (1, 1000) or header == "per-app-api-usage=1/2(appName=x)"
