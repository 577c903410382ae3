"""However often two sidecars are killed, under faults and load, every invariant holds: the short form."""

from __future__ import annotations

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
def test_forty_kills_of_two_sidecars_under_faults_leave_every_number_right(scene, tmp_path, seed):
    print(f"seed {seed}: python -m tests.chaos --seed {seed} --kills 40 --actions 200")
    outcome = run(scene, tmp_path, Plan(seed, kills=40, actions=200))
    assert outcome.kills >= 40
    assert (outcome.wrong, outcome.lost, outcome.doubled, outcome.broken) == ([], [], [], [])
    assert outcome.stamps > 0
