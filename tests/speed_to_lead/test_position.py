"""A stored position never cuts a run of equal replay ids, and never goes back."""

from __future__ import annotations

from speed_to_lead.ids import ReplayId
from speed_to_lead.pubsub.position import Position

A, B, C, TIP = (bytes([n]) * 10 for n in range(1, 5))


def after(*responses, start=None):
    position = Position(None if start is None else ReplayId(start))
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


def test_the_very_first_event_is_better_than_no_position():
    assert after((A, [A])) == A
