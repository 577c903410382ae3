"""A stored position never cuts a run of equal replay ids, and never goes back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from speed_to_lead.ids import ReplayId
from speed_to_lead.pubsub.position import Position

A, B, C, TIP = (bytes([n]) * 10 for n in range(1, 5))


def after(*responses, start=None, oldest=True):
    position = Position(None if start is None else ReplayId(start), oldest=oldest)
    for latest, events in responses:
        position.move(latest, events)
    return position.safe


def test_the_last_run_of_a_response_is_not_safe_yet():
    assert after((C, [A, B, C])) == B


def test_a_run_that_fills_a_response_leaves_the_position_before_it():
    assert after((C, [C, C]), start=A) == A


def test_a_run_over_two_responses_is_safe_when_another_event_has_come():
    assert after((B, [A, B]), (B, [B, B]), (C, [C])) == B


def test_a_response_without_events_ends_the_run():
    assert after((B, [A, B]), (B, [])) == B


def test_a_keepalive_moves_the_position_on():
    assert after((TIP, []), start=A) == TIP


def test_a_position_that_is_ahead_of_the_last_event_ends_the_run():
    assert after((TIP, [A, B])) == TIP


def test_the_very_first_event_is_better_than_the_tip_which_passes_over_what_comes_meanwhile():
    assert after((A, [A]), oldest=False) == A


def test_the_oldest_event_is_better_than_a_position_inside_the_very_first_run():
    assert after((A, [A]), (A, [A])) is None
    assert after((A, [A]), (B, [A, B])) == A


def test_a_run_that_comes_again_after_a_break_is_no_new_run():
    assert after((B, [A, B]), (B, [B]), (B, [B, B]), (C, [C])) == B


ids = st.integers(1, 6)
"""Few ids, so that runs of equal ones are common."""


@given(
    st.lists(ids, max_size=20).map(sorted), st.lists(st.integers(1, 5), min_size=20, max_size=20)
)
def test_however_a_stream_is_cut_its_position_stands_between_two_runs_and_never_goes_back(
    events, cuts
):
    position, handed, places = Position(None), 0, [0]
    for size in cuts:
        part = events[handed : handed + size]
        handed += len(part)
        if not part:
            break
        position.move(bytes([part[-1]]), [bytes([each]) for each in part])
        places.append(position.safe[0] if position.safe else 0)
        assert all(each > places[-1] for each in events[handed:])
    assert places == sorted(places)
