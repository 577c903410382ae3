"""A wrong policy cannot reshuffle an org, and writes that mostly fail stop; nothing is given up."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speed_to_lead.errors import WritesStopped
from speed_to_lead.pipeline.guard import Guard


class Time:
    """A clock that only waiting moves."""

    def __init__(self):
        self.now, self.slept = 0.0, []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def change(guard, *counts):
    async def main():
        for count in counts:
            await guard.owner_changes(count)

    asyncio.run(main())


def test_a_minutes_worth_of_owner_changes_goes_through_at_once_and_the_rest_waits():
    time = Time()
    guard = Guard(600, time, time.sleep)
    change(guard, 200, 200, 200)
    assert time.slept == []
    change(guard, 200)
    assert time.now == pytest.approx(20)
    assert guard.paced_seconds == pytest.approx(20)


@given(st.lists(st.integers(0, 200), max_size=60))
def test_no_minute_sees_more_than_twice_the_pace(counts):
    time, done = Time(), []
    guard = Guard(600, time, time.sleep)

    async def main():
        for count in counts:
            await guard.owner_changes(count)
            done.append((time.now, count))

    asyncio.run(main())
    for start, _ in done:
        assert sum(count for at, count in done if start <= at < start + 60) <= 2 * 600


def test_more_than_a_minutes_worth_at_once_waits_for_a_full_minute_and_passes():
    time = Time()
    guard = Guard(100, time, time.sleep)
    change(guard, 200, 200)
    assert time.now == pytest.approx(120, abs=1)


def test_without_a_pace_nothing_waits():
    time = Time()
    change(Guard(0, time, time.sleep), *[200] * 100)
    assert time.slept == []


def test_when_most_writes_fail_none_is_tried_for_a_minute():
    time = Time()
    guard = Guard(0, time, time.sleep)
    guard.fates([False] * 30)
    with pytest.raises(WritesStopped, match=r"57 % of the last writes failed"):
        guard.fates([True] * 40)
    assert guard.is_open
    with pytest.raises(WritesStopped):
        guard.check()
    time.now += 60
    guard.check()
    guard.fates([True] * 49)  # what was before is forgotten, and this is not enough to tell


def test_some_failures_among_many_stop_nothing():
    guard = Guard(0)
    for _ in range(50):
        guard.fates([False, False, True])
    guard.check()
    assert not guard.is_open
