"""However often sidecars are killed, under faults and load, every invariant holds: the short form."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.chaos.run import Plan, run
from tests.journeys.conftest import scene as scene  # noqa: PLC0414 - a fixture


@settings(
    max_examples=1,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize(("sidecars", "kills"), [(1, 15), (2, 24)])
def test_however_often_sidecars_are_killed_every_number_is_right(
    scene, tmp_path, seed, sidecars, kills
):
    print(f"--seed {seed} --kills {kills} --actions 150 --sidecars {sidecars}")
    outcome = run(scene, tmp_path, Plan(seed, kills, actions=150, sidecars=sidecars))
    assert outcome.kills >= kills
    assert (outcome.wrong, outcome.lost, outcome.doubled, outcome.broken) == ([], [], [], [])
    assert outcome.stamps > 0
