"""However often the sidecar is killed, every stamp is right, none is lost, and each Lead is routed once."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from random import Random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from speed_to_lead.demo.outcome import SOQL, check
from speed_to_lead.demo.plan import draw_plan
from speed_to_lead.demo.play import Stage
from tests.journeys.listening import events_of
from tests.journeys.stage import PATIENCE

KILLS = 50


@settings(
    max_examples=1,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32 - 1))
def test_killed_at_fifty_random_instants_every_stamp_is_right_and_each_lead_is_routed_once(
    scene, seed
):
    print(f"seed {seed}")
    random = Random(seed)
    stage = Stage(scene.cast, draw_plan(seed, leads=150))
    load = Load(stage, portions=KILLS)
    for _ in range(KILLS):
        live_and_die(scene, load, random)
    load.finish()
    scene.catch_up()

    truth = {lead: stage.plan.truth.get(index) for index, lead in stage.lead_ids.items()}
    assert check(scene.cast.admin.query(SOQL), truth, scene.cast.rep_ids) == []
    assert_each_lead_is_decided_once(scene, set(truth))
    assert_no_lead_changed_hands_twice_by_us(scene)


class Load:
    """The plan, played by a thread of its own in portions: one for each life of the sidecar."""

    def __init__(self, stage, portions):
        self.stage = stage
        self.size = len(stage.plan.actions) // portions + 1
        self.allowed = threading.Semaphore(0)
        self.failure = None
        self.thread = threading.Thread(target=self.play, daemon=True)
        self.thread.start()

    def play(self):
        try:
            for number, _ in enumerate(self.stage.play()):
                if number % self.size == 0:
                    self.allowed.acquire()
        except Exception as error:  # noqa: BLE001 - told by the test's own thread
            self.failure = error

    def next_portion(self):
        self.allowed.release()

    def finish(self):
        self.allowed.release()
        self.thread.join(PATIENCE)
        assert self.failure is None, self.failure
        assert not self.thread.is_alive()


def live_and_die(scene, load, random):
    """Start, let load come as soon as it listens, and kill it a random while later."""
    scene.sidecar.start()
    scene.listening()
    load.next_portion()
    scene.sidecar.live(random.uniform(0, 0.4))
    scene.sidecar.kill()


def assert_each_lead_is_decided_once(scene, leads):
    records = [*scene.flywheel("lead.route"), *scene.flywheel("lead.first_touch")]
    ids = Counter(record["request"]["metadata"]["decision_id"] for record in records)
    assert ids.most_common(1)[0][1] == 1
    routed = Counter(
        record["request"]["metadata"]["lead_id"] for record in scene.flywheel("lead.route")
    )
    assert set(routed) == leads
    assert set(routed.values()) == {1}


def assert_no_lead_changed_hands_twice_by_us(scene):
    events = asyncio.run(events_of(scene.org, "/data/LeadChangeEvent"))
    ours = Counter(
        event.ids[0]
        for event in events
        if event.kind == "UPDATE"
        and "OwnerId" in event.changed
        and event.origin.endswith(";client=speed-to-lead")
    )
    assert ours
    assert set(ours.values()) == {1}
