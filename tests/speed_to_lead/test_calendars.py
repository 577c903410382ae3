"""Business time: the table of the definition, both changes of the clock, and sums that add up."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speed_to_lead.calendars import ALWAYS, Calendar, Calendars
from speed_to_lead.policy.model import Policy
from tests.speed_to_lead.building import DOCUMENT

NEW_YORK, SYDNEY, BERLIN = map(ZoneInfo, ("America/New_York", "Australia/Sydney", "Europe/Berlin"))
NINE_TO_FIVE = ((time(9), time(17)),)
OFFICE = (*(NINE_TO_FIVE,) * 5, (), ())
ALL_DAY = (((time(0), time(0)),),) * 7


def calendar(zone=NEW_YORK, week=OFFICE, holidays=()):
    return Calendar("under test", zone, week, frozenset(holidays))


def on(day, *windows):
    """A week that is open on one day."""
    return tuple(tuple(windows) if n == day else () for n in range(7))


def local(zone, *moment):
    return datetime(*moment).replace(tzinfo=zone).astimezone(UTC)


def ny(*moment):
    return local(NEW_YORK, *moment)


MON, TUE, SUN = 0, 1, 6
NIGHT = (((time(22), time(0)),), ((time(0), time(6)),), (), (), (), (), ())
EARLY = on(SUN, (time(1), time(4)))
GAP = on(SUN, (time(2, 30), time(4)))
TABLE = {
    "BH-01": (calendar(), ny(2026, 11, 6, 16, 30), ny(2026, 11, 9, 9, 30), 3600),
    "BH-02": (calendar(), ny(2026, 11, 7, 11), ny(2026, 11, 9, 10), 3600),
    "BH-03": (calendar(), ny(2026, 11, 7, 11), ny(2026, 11, 8, 15), 0),
    "BH-04": (calendar(), ny(2026, 11, 5, 17), ny(2026, 11, 6, 9), 0),
    "BH-05": (calendar(), ny(2026, 11, 5, 16, 59, 59), ny(2026, 11, 6, 9, 0, 1), 2),
    "BH-06": (calendar(week=ALL_DAY), ny(2026, 3, 8), ny(2026, 3, 9), 82_800),
    "BH-07": (calendar(week=ALL_DAY), ny(2026, 11, 1), ny(2026, 11, 2), 90_000),
    "BH-08": (
        calendar(SYDNEY, ALL_DAY),
        local(SYDNEY, 2026, 10, 4),
        local(SYDNEY, 2026, 10, 5),
        82_800,
    ),
    "BH-09": (
        calendar(SYDNEY, ALL_DAY),
        local(SYDNEY, 2026, 4, 5),
        local(SYDNEY, 2026, 4, 6),
        90_000,
    ),
    "BH-10": (
        calendar(BERLIN, ALL_DAY),
        local(BERLIN, 2026, 3, 29),
        local(BERLIN, 2026, 3, 30),
        82_800,
    ),
    "BH-11": (calendar(), ny(2026, 3, 6, 16), ny(2026, 3, 9, 10), 7200),
    "BH-12": (
        calendar(holidays=[date(2026, 11, 26)]),
        ny(2026, 11, 25, 16),
        ny(2026, 11, 27, 10),
        7200,
    ),
    "BH-13": (calendar(week=NIGHT), ny(2026, 11, 9, 21), ny(2026, 11, 10, 7), 28_800),
    "BH-14": (calendar(week=EARLY), ny(2026, 3, 8), ny(2026, 3, 8, 12), 7200),
    "BH-15": (calendar(week=EARLY), ny(2026, 11, 1), ny(2026, 11, 1, 12), 14_400),
    "BH-16": (calendar(week=GAP), ny(2026, 3, 8), ny(2026, 3, 8, 12), 1800),
}


@pytest.mark.parametrize("case", TABLE)
def test_the_table_of_the_definition(case):
    hours, start, end, seconds = TABLE[case]
    assert hours.open_seconds(start, end) == seconds
    assert hours.open_seconds(end, start) == -seconds


def test_s09_an_hour_of_business_time_from_friday_afternoon_is_over_on_monday_morning():
    due = calendar().after(ny(2026, 11, 6, 16, 30), 3600)
    assert due == ny(2026, 11, 9, 9, 30)


def test_a_deadline_at_the_closing_instant_is_that_instant_and_not_the_next_morning():
    assert calendar().after(ny(2026, 11, 5, 16), 3600) == ny(2026, 11, 5, 17)


def test_a_calendar_that_never_opens_promises_elapsed_time():
    closed = calendar(week=((),) * 7)
    start = ny(2026, 11, 5, 16)
    assert closed.open_seconds(start, start + timedelta(days=9)) == 0
    assert closed.after(start, 3600) == start + timedelta(hours=1)


YEAR = datetime(2026, 1, 1, tzinfo=UTC)
moments = st.integers(0, 365 * 86_400).map(lambda seconds: YEAR + timedelta(seconds=seconds))
calendars = st.sampled_from([*(case[0] for case in TABLE.values()), ALWAYS])


@given(calendars, moments, moments, moments)
def test_business_time_adds_up_over_any_split(hours, a, b, c):
    assert hours.open_seconds(a, c) == hours.open_seconds(a, b) + hours.open_seconds(b, c)


@given(moments, moments)
def test_always_open_is_elapsed_time(a, b):
    round_the_clock = calendar(week=ALL_DAY)
    assert ALWAYS.open_seconds(a, b) == round_the_clock.open_seconds(a, b)
    assert ALWAYS.open_seconds(a, b) == (b - a).total_seconds()


@given(calendars, moments, st.integers(1, 10 * 86_400))
def test_by_its_deadline_exactly_so_much_business_time_has_passed(hours, start, seconds):
    due = hours.after(start, seconds)
    assert hours.open_seconds(start, due) == seconds
    assert hours.open_seconds(start, due - timedelta(seconds=1)) == seconds - 1


def test_a_digest_tells_other_hours_and_not_another_name_or_order():
    one = calendar(week=on(MON, (time(9), time(12)), (time(13), time(17))))
    two = Calendar("other", NEW_YORK, on(MON, (time(13), time(17)), (time(9), time(12))))
    assert one.digest == two.digest
    assert one.digest != calendar(holidays=[date(2026, 11, 26)], week=one.week).digest


# -- whose calendar -------------------------------------------------------------------------------

HOURS = {"zone": "Europe/Berlin", "week": {"mon": [["09:00", "17:00"]]}}
SAID = {
    "named": [{"name": name, **HOURS} for name in ("Org", "Region", "Team", "Own")],
    "default": "Org",
    "regions": {"EMEA": "Region"},
    "teams": {"Field Sales": "Team"},
    "owners": {"u1@local.test": "Own"},
}


def whose(**calendars_said):
    return Calendars.of(Policy.model_validate({**DOCUMENT, "calendars": calendars_said}))


def test_the_owners_calendar_comes_before_the_teams_the_regions_and_the_default():
    known = whose(**SAID)
    assert known.of_person("U1@local.test", "Field Sales", "EMEA") == "Own"
    assert known.of_person("u2@local.test", "field sales", "EMEA") == "Team"
    assert known.of_person("u2@local.test", None, "EMEA") == "Region"
    assert known.of_person("u2@local.test", None, "Other") == "Org"
    assert known.of_lead("EMEA").name == "Region"
    assert known.of_lead("Other").name == "Org"


def test_without_calendars_everybody_is_always_open():
    known = whose()
    assert known.of_person("u1@local.test", None, "EMEA") is None
    assert known.of_lead("EMEA") is ALWAYS
    assert known.named("gone") is ALWAYS


def test_a_calendar_of_the_org_is_used_by_its_name():
    said = {"named": [{"name": "HQ", "business_hours": "Default"}], "default": "HQ"}
    document = {**DOCUMENT, "calendars": said}
    hours = Calendar("HQ", BERLIN, OFFICE)
    assert Calendars.of(Policy.model_validate(document), [hours]).of_lead("EMEA") is hours
