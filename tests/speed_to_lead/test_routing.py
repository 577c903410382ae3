"""Every Lead has a route, the same one for the same inputs, with a reason for each step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speed_to_lead.policy import OwnerRef
from speed_to_lead.routing import inputs_of, route
from tests.speed_to_lead.policies import policy, within
from tests.speed_to_lead.touches import lead

DEMO = policy()
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
)
LIKELY = st.sampled_from(["Germany", "Canada", "Brazil", "Partner Referral", 0, 49, 50, 201, 2001])
NAMES = st.sampled_from(["employees", "country", "source", "industry", "another"])


@given(st.dictionaries(NAMES, VALUES | LIKELY))
def test_whatever_the_inputs_are_there_is_a_route_and_it_is_always_the_same(inputs):
    routed = route(DEMO, inputs)
    assert routed == route(DEMO, dict(reversed(inputs.items())))
    assert routed.owner in DEMO.owners()
    assert routed.segment in DEMO.segment_names()
    assert routed.region in DEMO.region_names()
    taken = [step["route"] for step in routed.trace if step["matched"]]
    assert routed.trace[0]["route"] == "Unsorted"
    assert taken[-1] == routed.route


@pytest.mark.parametrize(
    ("inputs", "taken", "owner"),
    [
        ({}, "Unsorted", "queue Unsorted_Leads"),
        ({"country": "Elbonia", "employees": 5}, "Unsorted", "queue Unsorted_Leads"),
        ({"country": "Germany", "employees": 2001}, "Enterprise", "queue Enterprise_Desk"),
        ({"country": "canada", "employees": 200}, "North America", "user rep1@local.test"),
        (
            {"country": "Canada", "employees": 201},
            "North America, mid-market",
            "user rep2@local.test",
        ),
        ({"country": "France", "source": "Partner Referral"}, "Europe", "user rep3@local.test"),
        (
            {"country": "France", "source": "partner referral ", "employees": 50},
            "Europe, referred",
            "user rep4@local.test",
        ),
        ({"country": "Brazil", "source": "Web"}, "Latin America", "user rep6@local.test"),
    ],
)
def test_the_deepest_route_that_matches_first_takes_the_lead(inputs, taken, owner):
    routed = route(DEMO, inputs)
    assert (routed.route, str(routed.owner)) == (taken, owner)


def test_the_trace_tells_of_each_route_that_was_tried_why_it_took_the_lead_or_not():
    assert route(DEMO, {"country": "France", "employees": 40}).trace == (
        {"route": "Unsorted", "matched": True, "why": "takes every Lead"},
        {"route": "Enterprise", "matched": False, "why": "segment is SMB, not in ENT"},
        {"route": "North America", "matched": False, "why": "region is EMEA, not in NA"},
        {"route": "Europe", "matched": True, "why": "region in EMEA"},
        {
            "route": "Europe, referred",
            "matched": False,
            "why": "source is blank, not in Partner Referral",
        },
    )


def routed_if(when, inputs):
    rules = policy(("routes.routes", [{"name": "It", "when": when, "owner": {"keep": True}}]))
    return route(rules, inputs)


WEB, BIG = (
    within("source", "Web", "Chat"),
    {"range": {"field": "employees", "min": 100, "max": 200}},
)


@pytest.mark.parametrize(
    ("when", "inputs", "matched", "why"),
    [
        (WEB, {"source": "WEB"}, True, "source in Web, Chat"),
        (WEB, {}, False, "source is blank, not in Web, Chat"),
        (BIG, {"employees": 100}, True, "employees in 100-200"),
        (BIG, {"employees": 201}, False, "employees is 201, not in 100-200"),
        (BIG, {"employees": None}, False, "employees is blank, not in 100-200"),
        ({"not": BIG}, {"employees": None}, True, "not employees in 100-200"),
        ({"not": BIG}, {"employees": 150}, False, "employees in 100-200"),
        (
            {"all": [WEB, BIG]},
            {"source": "chat", "employees": 99},
            False,
            "employees is 99, not in 100-200",
        ),
        (
            {"any": [WEB, BIG]},
            {"employees": 100},
            True,
            "source in Web, Chat or employees in 100-200",
        ),
        (
            {"any": [WEB, {"not": BIG}]},
            {"employees": 100},
            False,
            "source is blank, not in Web, Chat; employees in 100-200",
        ),
        (
            {"not": {"all": [WEB, BIG]}},
            {},
            True,
            "not (source in Web, Chat and employees in 100-200)",
        ),
        (within("region", "Other"), {"country": "Elbonia"}, True, "region in Other"),
    ],
)
def test_a_matcher_is_true_or_says_which_part_of_it_is_not(when, inputs, matched, why):
    routed = routed_if(when, inputs)
    assert routed.trace[1] == {"route": "It", "matched": matched, "why": why}
    assert routed.owner == (OwnerRef(keep=True) if matched else OwnerRef(queue="Unsorted_Leads"))


def test_a_policy_reads_four_things_of_a_lead_and_nothing_personal():
    assert inputs_of(lead(employees=500, country="Germany", source="Web", industry="Banking")) == {
        "employees": 500,
        "country": "Germany",
        "source": "Web",
        "industry": "Banking",
    }
