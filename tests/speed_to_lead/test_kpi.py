"""The numbers of some leads: who is in the base, who is due, and which minutes were whose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf

import pytest

from speed_to_lead.kpi import Measured, figures
from speed_to_lead.model import Source

T0 = datetime(2026, 3, 2, 10, tzinfo=UTC)
NOON = T0 + timedelta(hours=2)


def after(minutes):
    return None if minutes is None else T0 + timedelta(minutes=minutes)


def lead(answered=None, source=Source.CALL, *, due=60, assigned=None, converted=False):
    stamped = source if answered is not None else None
    return Measured(T0, after(answered), stamped, after(due), after(assigned), converted)


@pytest.mark.parametrize(
    ("measured", "as_of", "met"),
    [
        pytest.param(lead(60), 120, True, id="S-01 at the deadline itself"),
        pytest.param(lead(60 + 1 / 60), 120, False, id="S-02 a second later"),
        pytest.param(lead(), 30, None, id="S-03 waiting, not due"),
        pytest.param(lead(5), 30, None, id="S-04 answered early, not due"),
        pytest.param(lead(), 60, False, id="S-05 waiting at the deadline"),
        pytest.param(lead(30, Source.CONVERSION), 120, None, id="S-07 converted before it was due"),
        pytest.param(lead(90, Source.CONVERSION), 120, False, id="S-08 converted when it was due"),
        pytest.param(lead(-61, Source.PREEXISTING), 120, None, id="answered before the clock"),
        pytest.param(lead(converted=True), 120, None, id="converted, nobody says when"),
        pytest.param(lead(due=None), 120, None, id="never promised"),
    ],
)
def test_a_lead_is_judged_once_it_is_due(measured, as_of, met):
    assert measured.met(after(as_of)) is met


@pytest.mark.parametrize(
    ("measured", "minutes", "human"),
    [
        pytest.param(lead(10, assigned=0), 10, 10, id="W-01 owned from the start"),
        pytest.param(lead(10, assigned=4), 10, 6, id="W-02 out of a queue"),
        pytest.param(lead(10), 10, 0, id="W-03 nobody ever owned it"),
        pytest.param(lead(10, assigned=15), 10, 0, id="owned only after the answer"),
        pytest.param(lead(-0.5), 0, 0, id="within a minute before the clock"),
        pytest.param(lead(-1.1), None, None, id="K-06 before the clock"),
        pytest.param(lead(10, Source.CONVERSION, assigned=0), 10, None, id="a conversion"),
    ],
)
def test_the_minutes_of_an_answer_are_split_at_the_first_owner(measured, minutes, human):
    assert measured.minutes == (None if minutes is None else pytest.approx(minutes))
    assert measured.human_minutes == (None if human is None else pytest.approx(human))


def test_conversions_are_no_answers_and_touches_before_the_clock_are_nobodys():
    found = figures(
        [
            lead(10, assigned=4),
            lead(20, Source.EMAIL, assigned=0),
            lead(30, Source.CONVERSION),
            lead(-61, Source.PREEXISTING),
            lead(),
            lead(converted=True),
        ],
        NOON,
    )
    assert (found.leads, found.answered, found.waiting) == (5, 2, 1)
    assert (found.median, found.average) == (15, 15)
    assert (found.routing_average, found.human_average) == (2, 13)
    assert (found.met, found.due) == (2, 3)


def test_s11_those_who_wait_make_the_median_of_all_leads_longer_than_that_of_the_answered():
    found = figures([lead(10), lead(20), lead(), lead(), lead()], NOON)
    assert found.median == 15
    assert found.whole_median == inf


def test_of_no_leads_there_are_no_numbers():
    found = figures([], NOON)
    assert (found.leads, found.median, found.average, found.human_average) == (0, None, None, None)
