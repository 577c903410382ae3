"""Holidays of the org become days: once, each year on a date, each year on the nth weekday."""

from __future__ import annotations

from datetime import date
from itertools import islice

import pytest

from speed_to_lead.errors import UsageError
from speed_to_lead.salesforce.hours import closed_days

ONCE = {
    "Name": "Founding Day",
    "ActivityDate": "2026-03-02",
    "IsAllDay": True,
    "IsRecurrence": False,
}
YEARLY = ONCE | {
    "IsRecurrence": True,
    "RecurrenceType": "RecursYearly",
    "RecurrenceStartDate": "2026-01-01",
    "RecurrenceEndDateOnly": None,
    "RecurrenceDayOfMonth": 25,
    "RecurrenceMonthOfYear": "December",
}
NTH = YEARLY | {
    "RecurrenceType": "RecursYearlyNth",
    "RecurrenceDayOfWeekMask": 16,
    "RecurrenceInstance": "Fourth",
    "RecurrenceMonthOfYear": "November",
}


def days(row, **changes):
    return list(islice(closed_days(row | changes), 3))


def test_a_holiday_closes_its_day():
    assert days(ONCE) == [date(2026, 3, 2)]


def test_a_holiday_returns_each_year_until_its_end():
    assert days(YEARLY) == [date(year, 12, 25) for year in (2026, 2027, 2028)]
    assert days(YEARLY, RecurrenceEndDateOnly="2027-06-01") == [date(2026, 12, 25)]


def test_a_holiday_that_began_late_in_its_first_year_begins_in_the_next():
    assert days(YEARLY, RecurrenceStartDate="2026-12-26")[0] == date(2027, 12, 25)


def test_a_leap_day_is_a_holiday_in_leap_years():
    leap = {"RecurrenceDayOfMonth": 29, "RecurrenceMonthOfYear": "February"}
    assert days(YEARLY, **leap)[:2] == [date(2028, 2, 29), date(2032, 2, 29)]


@pytest.mark.parametrize(
    ("mask", "instance", "month", "first"),
    [
        pytest.param(16, "Fourth", "November", date(2026, 11, 26), id="Thanksgiving"),
        pytest.param(2, "Last", "May", date(2026, 5, 25), id="Memorial Day"),
        pytest.param(2, "First", "September", date(2026, 9, 7), id="Labor Day"),
        pytest.param(1, "Second", "May", date(2026, 5, 10), id="a Sunday"),
        pytest.param(64, "Third", "June", date(2026, 6, 20), id="a Saturday"),
    ],
)
def test_a_holiday_on_the_nth_weekday(mask, instance, month, first):
    said = {
        "RecurrenceDayOfWeekMask": mask,
        "RecurrenceInstance": instance,
        "RecurrenceMonthOfYear": month,
    }
    assert days(NTH, **said)[0] == first


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"IsAllDay": False}, "Founding Day closes part of a day"),
        ({"IsRecurrence": True, "RecurrenceType": "RecursWeekly"}, "more than once a year"),
    ],
)
def test_a_holiday_that_no_calendar_can_hold_is_named(changes, words):
    with pytest.raises(UsageError, match=words):
        days(ONCE, **changes)
