"""A filter expression is judged when it is deployed, and only what it lets pass is delivered."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_org.events import filters
from local_org.events.filter_check import check_filter
from local_org.events.filters import FilterError, parse
from local_org.schema.registry import standard_schema
from tests.local_org.bus_log import (
    Rights,
    commit,
    created,
    decoded,
    ids,
    read,
    select,
    updated,
)
from tests.local_org.bus_log import bus as bus  # noqa: PLC0414 - a fixture
from tests.local_org.bus_log import clock as clock  # noqa: PLC0414 - a fixture
from tests.local_org.bus_log import schema as schema  # noqa: PLC0414 - a fixture
from tests.local_org.bus_log import store as store  # noqa: PLC0414 - a fixture
from tests.metadata.deploying import Admin, manifest, xml

GUIDE = "Change Data Capture Developer Guide, Filter Expression Format; facts/pubsub-cdc.md 2.9"
pytestmark = pytest.mark.documented(GUIDE)
WORDING = pytest.mark.inferred("the wording; settled by: deploying such a filter to a real org")
VALUES = {
    "Industry": "Banking",
    "NumberOfEmployees": 1500,
    "IsConverted": False,
    "Rating": None,
    "CreatedDate": 1771300995000,
    "ActivityDate": 1771286400000,
    "ChangeEventHeader.changeType": "UPDATE",
}


def holds(text, **more):
    return parse(text).holds((VALUES | more).get)


@pytest.mark.parametrize(
    "text",
    [
        "Industry = 'banking'",
        "Industry != 'Agriculture' AND NumberOfEmployees > 1000",
        "NumberOfEmployees > 1000 AND (Industry = 'Agriculture' OR Industry = 'Banking')",
        "Industry LIKE 'b%g'",
        "Industry LIKE '_anking'",
        "NOT Industry LIKE '%x%'",
        "NOT (NumberOfEmployees < 1500 OR NumberOfEmployees >= 1501)",
        "IsConverted = FALSE",
        "IsConverted = null",
        "Rating = null",
        "Rating != 'Hot'",
        "Industry >= 'A' AND Industry < 'C'",
        "CreatedDate = 2026-02-17T04:03:15Z",
        "CreatedDate > 2026-02-17T05:03:14+01:00",
        "ActivityDate <= 2026-02-17",
        "ChangeEventHeader.changeType = 'UPDATE'",
        "NumberOfEmployees <> 2",
    ],
)
def test_an_expression_holds_of_the_values_it_describes(text):
    """Each operator, literal and way of joining is true where the guide says so."""
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "Industry = 'Bank'",
        "Industry LIKE 'anking'",
        "NumberOfEmployees > 1500",
        "Rating > 'A'",
        "Rating < 'A'",
        "Rating LIKE '%'",
        "NOT IsConverted = false",
        "Industry = 'Banking' AND Rating = 'Hot'",
        "ChangeEventHeader.changeType = 'CREATE'",
    ],
)
def test_an_expression_fails_of_other_values(text):
    """A comparison with a blank is never less, greater or like."""
    assert not holds(text)


@WORDING
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected a field name at position 0, got the end"),
        ("Industry", "expected an operator at position 8, got the end"),
        ("Industry = Banking", "expected a literal value at position 11, got 'Banking'"),
        ("CreatedDate > TODAY", "expected a literal value at position 14, got 'TODAY'"),
        ("Industry = 'a' Industry = 'b'", "expected the end, AND or OR"),
        ("Industry = 'a' AND Rating = 'b' OR Rating = 'c'", "parentheses around a mix of them"),
        ("(Industry = 'a'", "expected ) at position 15, got the end"),
        ("Industry LIKE 5", "expected a text in single quotes behind Industry LIKE"),
        ("Industry = 'a", "unexpected character at position 10: '''"),
        ("ActivityDate = 2026-02-31", "expected a date, got '2026-02-31'"),
        ("(" * 60 + "A = 1" + ")" * 60, "expected at most 50 parentheses within each other"),
        (" OR ".join(f"F{n} = 1" for n in range(11)), "expected at most 10 fields, got 11"),
        ("A = '" + "x" * 131_072 + "'", "expected at most 131072 characters, got 131078"),
    ],
)
def test_what_is_no_expression_is_told_with_its_place(text, reason):
    """An expression that is none says what was expected, where, and what came."""
    with pytest.raises(FilterError) as refused:
        parse(text)
    assert reason in str(refused.value)


@WORDING
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Nope__c = 'a'", "no such field Nope__c on Lead"),
        ("ChangeEventHeader.recordIds = 'a'", "is a list and can't be filtered on"),
        ("ChangeEventHeader.nope = 'a'", "no such field ChangeEventHeader.nope"),
        ("ChangeEventHeader.commitNumber = 'a'", "takes a number, got a string"),
        ("Description = 'a'", "is of a type that can't be filtered on"),
        ("Address = 'a'", "is of a type that can't be filtered on"),
        ("IsConverted > true", "the checkbox IsConverted can be compared by = and != only"),
        ("NumberOfEmployees = '5'", "NumberOfEmployees takes a number, got a string"),
        ("Industry = 5", "Industry takes a string, got a number"),
        ("CreatedDate > 2026-02-17", "CreatedDate takes a datetime, got a date"),
    ],
)
def test_a_field_that_cannot_be_filtered_on_is_named(text, reason):
    """Lists, long texts, compounds and unknown fields are refused, and literals of other types."""
    with pytest.raises(FilterError) as refused:
        check_filter(parse(text), standard_schema().object("Lead"))
    assert reason in str(refused.value)


@pytest.mark.inferred("that no input hangs it; settled by: nothing a real org does")
@settings(deadline=1000, max_examples=150, derandomize=True)
@given(st.text(alphabet="ab_%'\\ ()=<>!ANDORNOTLIKE.019-:TZ\n", max_size=60))
def test_any_text_is_an_expression_or_refused_with_a_reason(text):
    """Whatever is deployed as a filter, parsing ends with an expression or a FilterError."""
    with suppress(FilterError):
        assert list(filters.conditions(parse(text)))


@pytest.mark.inferred("that a pattern is never slow; settled by: nothing a real org does")
def test_a_pattern_of_many_wildcards_is_judged_at_once():
    """A pattern that would make a backtracking matcher hang is answered within the test's time."""
    pattern = "%a" * 500 + "%b"
    assert not parse(f"Industry LIKE '{pattern}'").holds({"Industry": "a" * 5000}.get)


# -- delivery -------------------------------------------------------------------------------------


@pytest.fixture
def filtered(store, bus):
    def give(expression, entity="Lead"):
        select(store, "SpeedToLead__chn", entity, expression=expression)
        bus.channels_changed()
        return bus

    return give


def put_lead(store, number, **values):
    row = {"Id": f"00Q00000000000{number}AAA", "LastName": "Doe", "Company": "ACME"} | values
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" * len(row))
    statement = f'INSERT INTO "Lead" ({names}) VALUES ({marks})'
    store.connection.execute(statement, tuple(row.values()))


def test_only_what_passes_the_filter_is_delivered(filtered, clock):
    """Of two creations the one whose value matches arrives, and the place moves behind both."""
    bus = filtered("Status = 'Open'")
    commit(bus, clock, created(1, Status="New"), created(2, Status="Open"))
    assert ids(bus) == ["00Q000000000002"]
    assert read(bus).through == bus.tip()


def test_an_update_is_judged_by_the_record_as_it_is_and_tells_the_field(filtered, clock, store):
    """A filtered field that did not change is read from the record and is in the event."""
    bus = filtered("status = 'Open'")
    put_lead(store, 1, Status="Open")
    put_lead(store, 2, Status="New")
    commit(bus, clock, updated(1, Rating="Hot"), updated(2, Rating="Hot"))
    [delivery] = read(bus).deliveries
    event = decoded(bus, delivery)
    assert (event["Status"], event["Rating"]) == ("Open", "Hot")
    assert event["header"]["names"] == ["Rating"]


def test_a_filter_sees_a_field_that_the_user_may_not(filtered, clock, store):
    """The filter is evaluated over a hidden field, which the event does not show."""
    bus = filtered("Status = 'Open'")
    put_lead(store, 1, Status="Open")
    put_lead(store, 2, Status="New")
    commit(bus, clock, updated(1, Rating="Hot"), updated(2, Rating="Cold"))
    blind = Rights(blind_to=frozenset({"Lead.Status"}))
    [delivery] = read(bus, access=blind).deliveries
    event = decoded(bus, delivery)
    assert event["Rating"] == "Hot"
    assert "Status" not in event


def test_a_filter_may_ask_for_the_kind_of_change(filtered, clock):
    """Header fields decide as well as fields of the object."""
    bus = filtered("ChangeEventHeader.changeType = 'UPDATE' AND ChangeEventHeader.commitNumber > 5")
    commit(bus, clock, created(1), updated(2, Rating="Hot"))
    assert ids(bus) == ["00Q000000000002"]


def test_other_topics_are_not_filtered(filtered, clock):
    """A member's filter holds on its own channel only."""
    bus = filtered("Status = 'Open'")
    commit(bus, clock, created(1, Status="New"))
    assert ids(bus, topic="/data/LeadChangeEvent") == ["00Q000000000001"]


def test_a_filter_that_drops_thousands_lets_others_have_their_turn(filtered, clock):
    """A read ends before all is looked at, says so, and the next one goes on from there."""
    bus = filtered("Status = 'Open'")
    for _ in range(3):
        commit(bus, clock, *(created(f"{n:04}"[-1], Status="New") for n in range(500)))
    commit(bus, clock, created(1, Status="Open"))
    first = read(bus)
    assert (list(first.deliveries), first.exhausted) == ([], False)
    assert len(read(bus, after=first.through).deliveries) == 1


# -- deploy ---------------------------------------------------------------------------------------


def files(expression):
    name = "SpeedToLead_chn_LeadChangeEvent"
    member = (
        f"<eventChannel>SpeedToLead__chn</eventChannel>"
        f"<filterExpression>{expression}</filterExpression>"
        f"<selectedEntity>LeadChangeEvent</selectedEntity>"
    )
    channel = "<channelType>data</channelType><label>Speed to Lead</label>"
    types = {"PlatformEventChannel": "SpeedToLead__chn", "PlatformEventChannelMember": name}
    return {
        "package.xml": manifest(**types),
        "platformEventChannels/SpeedToLead__chn.platformEventChannel": xml(
            "PlatformEventChannel", channel
        ),
        f"platformEventChannelMembers/{name}.platformEventChannelMember": xml(
            "PlatformEventChannelMember", member
        ),
    }


def test_a_good_filter_is_deployed():
    """A member with a filter over fields of its object is taken."""
    assert Admin().deploy(files("Status = 'Open' AND NumberOfEmployees &gt; 5")).success


@WORDING
@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("Status = Open", "expected a literal value at position 9, got 'Open'"),
        ("Nope__c = 'x'", "no such field Nope__c on Lead"),
    ],
)
def test_a_bad_filter_is_refused_at_deploy(expression, reason):
    """The deploy fails at the member, and says what is wrong with its filter."""
    failure = Admin().refusal(files(expression))
    assert failure.problem == f"The filter expression isn't valid: {reason}"
