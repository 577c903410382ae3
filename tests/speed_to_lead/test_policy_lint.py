"""Lint finds what a schema cannot, and about routes it is exact: what it names no Lead ever takes."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speed_to_lead.policy import Policy, lint
from speed_to_lead.policy.space import Space
from speed_to_lead.routing import route
from tests.speed_to_lead.policies import document, policy, within

KEEP = {"keep": True}


def added(when, name="Last"):
    return [("routes.routes.5", {"name": name, "when": when, "owner": KEEP})]


def hours(**said):
    office = {"zone": "Europe/Berlin", "week": {"mon": [["09:00", "17:00"]]}}
    return [("calendars", {"named": [{"name": "HQ", **office, **said}]})]


FINDINGS = [
    (hours(zone="Berlin"), "calendars.named[0].zone: expected an IANA time zone such as"),
    (hours(zone=None), "calendars.named[0].zone: expected either zone and week, or business_hours"),
    (hours(business_hours="X"), "calendars.named[0].zone: expected either zone and week, or"),
    (hours(week={"mon": []}), "calendars.named[0].week: expected a day on which it is open"),
    (
        hours(week={"mon": [["17:00", "09:00"]]}),
        "calendars.named[0].week.mon: expected a closing time after 17:00, got 09:00",
    ),
    (
        hours(week={"mon": [["09:00", "12:00"], ["11:00", "17:00"]]}),
        "calendars.named[0].week.mon: 11:00 is before 12:00, when the stretch before it closes",
    ),
    (
        hours(holidays=["2026-02-30"]),
        "calendars.named[0].holidays[0]: expected a day, got 2026-02-30",
    ),
    ([("calendars", {"default": "HQ"})], "calendars.default: expected one of , got HQ"),
    (
        [("calendars", {"named": [], "regions": {"Atlantis": "HQ"}})],
        "calendars.regions: expected one of APAC, EMEA, LATAM, NA, Other, got Atlantis",
    ),
    ([("clock.start", ["Inquiry_At__c"])], "clock.start: expected CreatedDate at the end"),
    (
        [("clock.start", ["CreatedDate", "CreatedDate"])],
        "clock.start[1]: CreatedDate is there already",
    ),
    (
        [("response.auto_subject_patterns", ["("])],
        "response.auto_subject_patterns[0]: expected a regular expression, got '('",
    ),
    ([("segments.0.employees", [1, 150])], "segments: no segment takes 151-200 employees"),
    ([("segments.0.employees", [2, 200])], "segments: no segment takes 1 employees"),
    ([("segments.2.employees", [2001, 9000])], "segments: no segment takes 9001 or more employees"),
    ([("segments.0.employees", [1, 201])], "segments: SMB (1-201) and MM (201-2000) overlap"),
    (
        [("segments.0.employees", [1, None])],
        "segments: SMB (1 or more) and MM (201-2000) overlap",
    ),
    ([("segments.1.employees", [9, 3])], "segments[1].employees: expected [min, max], got [9, 3]"),
    ([("segments.1.name", "smb")], "segments[1].name: smb is there already"),
    ([("regions.1.name", "NA")], "regions[1].name: NA is there already"),
    ([("regions.1.countries.0", "CANADA")], "regions[1].countries[0]: CANADA is in NA already"),
    ([("regions.1.countries.0", " ")], "regions[1].countries[0]: expected a country, got a blank"),
    ([("sla.MM", ...)], "sla: no target for segment MM"),
    ([("default_segment", "Unknown")], "sla: no target for segment Unknown"),
    ([("sla.XXL", {"target_minutes": 5})], "sla.XXL: expected one of ENT, MM, SMB, got XXL"),
    (
        [("routes.routes.1.name", "europe")],
        "routes.routes[2].name: Europe is the name of routes.routes[1]",
    ),
    (
        added({"all": [{"not": within("region", "EMAE")}]}),
        "routes.routes[5].when.all[0].not.in.values[0]: expected one of APAC, EMEA,",
    ),
    (
        added({"range": {"field": "employees", "min": 9, "max": 3}}),
        "routes.routes[5].when.range: expected min below max, got 9 and 3",
    ),
    ([("routes.when", within("region", "NA"))], "routes.when: the root takes every Lead"),
    (
        added({"all": [within("segment", "SMB"), {"range": {"field": "employees", "min": 201}}]}),
        "routes.routes[5]: no Lead matches Last",
    ),
    (
        added(within("country", "france", "canada")),
        "routes.routes[5]: every Lead of Last is taken before, by Enterprise, North America, Europe",
    ),
    (
        added({"not": {"any": [within("region", "Other", "LATAM"), within("source", "Web")]}}),
        "routes.routes[5]: every Lead of Last is taken before, by Enterprise, North America, Europe",
    ),
    (
        [("routes.routes.1.routes.0.when", within("country", "Germany"))],
        "routes.routes[1].routes[0]: no Lead of North America matches North America, mid-market",
    ),
]


@pytest.mark.parametrize(("changes", "finding"), FINDINGS, ids=lambda value: str(value)[:50])
def test_what_a_schema_cannot_see_is_told_with_its_place(changes, finding):
    told = lint(policy(*changes))
    assert any(line.startswith(finding) for line in told), told


@pytest.mark.parametrize(
    "when",
    [
        within("region", "Other"),
        within("country", "Elbonia"),
        {"not": within("region", "NA", "EMEA", "APAC", "LATAM")},
        {"all": [within("source", "Web"), {"not": within("industry", "Banking")}]},
        {"range": {"field": "employees", "max": 0}},
    ],
)
def test_a_route_that_takes_any_lead_at_all_is_fine(when):
    assert lint(policy(*added(when))) == []


# -- exactness ------------------------------------------------------------------------------------

SEGMENTS = ("Small", "Large")
LEAVES = st.one_of(
    st.builds(within, st.just("segment"), st.sampled_from(SEGMENTS)),
    st.builds(within, st.just("region"), st.sampled_from(["North", "Other"])),
    st.builds(within, st.just("country"), st.sampled_from(["A", "B", "C"])),
    st.builds(within, st.just("source"), st.sampled_from(["Web", "Chat"])),
    st.builds(
        lambda low, size: {"range": {"field": "employees", "min": low, "max": low + size}},
        st.integers(0, 8),
        st.integers(0, 8),
    ),
)
MATCHERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda each: {"not": each}, inner),
        st.builds(lambda each: {"all": each}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda each: {"any": each}, st.lists(inner, min_size=1, max_size=2)),
    ),
    max_leaves=3,
)
TREES = st.recursive(
    st.builds(lambda when: {"when": when, "owner": KEEP}, MATCHERS),
    lambda inner: st.builds(
        lambda when, below: {"when": when, "owner": KEEP, "routes": below},
        MATCHERS,
        st.lists(inner, max_size=3),
    ),
    max_leaves=5,
)
EVERY_KIND = [
    {"employees": employees, "country": country, "source": source, "industry": None}
    for employees, country, source in product(
        [None, *range(-1, 20)], [None, "A", "B", "C", "D"], [None, "Web", "Chat", "Mail"]
    )
]


def named(tree, name):
    """Give each route below a name of its own: its path."""
    below = [named(each, f"{name}.routes[{n}]") for n, each in enumerate(tree.get("routes", ()))]
    return {**tree, "name": name, "routes": below}


def small(trees):
    root = named({"owner": KEEP, "routes": trees}, "routes")
    return Policy.model_validate(
        {
            "version": "1.0.0",
            "segments": [
                {"name": "Small", "employees": [1, 5]},
                {"name": "Large", "employees": [6, None]},
            ],
            "default_segment": "Small",
            "regions": [{"name": "North", "countries": ["A", "B"]}],
            "default_region": "Other",
            "routes": root,
            "sla": {name: {"target_minutes": 60} for name in SEGMENTS},
        }
    )


@given(st.lists(TREES, max_size=4))
def test_lint_names_exactly_the_routes_that_no_lead_ever_enters(trees):
    rules = small(trees)
    entered = {
        str(step["route"])
        for inputs in EVERY_KIND
        for step in route(rules, inputs).trace
        if step["matched"]
    }
    never = {
        path
        for path, _ in rules.routes.walk("routes")
        if path not in entered and path.rpartition(".")[0] in entered
    }
    assert {finding.partition(": ")[0] for finding in lint(rules)} == never


def test_many_values_stay_few_kinds():
    countries = [f"Country {number}" for number in range(3000)]
    rules = Policy.model_validate(
        document(
            ("regions.0.countries", countries), *added(within("source", *map(str, range(3000))))
        )
    )
    assert Space(rules).everything.bit_length() < 1000
