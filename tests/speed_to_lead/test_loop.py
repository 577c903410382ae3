"""What the org refuses is halved until the change is found; a half moves no position it has not reached."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from speed_to_lead.changes import Batch, Change, ChangeKind
from speed_to_lead.ids import ReplayId
from speed_to_lead.service.loop import _halves

AT = datetime(2026, 3, 2, tzinfo=UTC)


def batch(number, size):
    changes = tuple(
        Change(
            "Lead",
            (f"{number}-{n}",),
            ChangeKind.UPDATE,
            {},
            frozenset(),
            AT,
            "",
            "",
            "k",
            ReplayId(b"x"),
        )
        for n in range(size)
    )
    return Batch("t", ReplayId(f"end of {number}".encode()), changes)


def leaves(batches):
    """What remains when nothing can be halved any more, in order."""
    halves = _halves(batches)
    if halves is None:
        return [batches]
    return [leaf for half in halves for leaf in leaves(half)]


@given(st.lists(st.integers(0, 9), max_size=6))
def test_halving_ends_at_single_changes_in_order(sizes):
    whole = [batch(number, size) for number, size in enumerate(sizes)]
    found = leaves(whole)
    assert all(sum(len(b.changes) for b in leaf) <= 1 for leaf in found)
    order = [change for leaf in found for b in leaf for change in b.changes]
    assert order == [change for b in whole for change in b.changes]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_a_position_moves_only_with_the_last_change_before_it(sizes):
    whole = [batch(number, size) for number, size in enumerate(sizes)]
    moved = [(b.replay_id, b.changes[-1]) for leaf in leaves(whole) for b in leaf if b.replay_id]
    assert moved == [(b.replay_id, b.changes[-1]) for b in whole]
