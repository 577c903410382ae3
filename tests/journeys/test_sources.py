"""However changes reach the sidecar, by streams, by polling or by both in turn, the numbers are the same."""

from __future__ import annotations

import time
from dataclasses import replace

import httpx

from speed_to_lead.demo.actors import API
from speed_to_lead.demo.plan import MONDAY
from tests.journeys.deeds import FIVE, a_call, a_lead, a_meeting, later, stamp, text
from tests.journeys.stage import wait_for

QUICK = {
    "SPEED_TO_LEAD_FAILOVER_SECONDS": "0.3",
    "SPEED_TO_LEAD_POLL_SECONDS": "0.2",
    "SPEED_TO_LEAD_RECONCILE_SECONDS": "0.3",
}
NOWHERE = {"SPEED_TO_LEAD_PUBSUB_ENDPOINT": "127.0.0.1:1"}


def settle(scene, **settings):
    """Give the sidecar settings of its own."""
    scene.sidecar.settings = {**scene.sidecar.settings, **QUICK, **settings}


def answered(scene, lead):
    wait_for(lambda: stamp(scene, lead)[0], "the stamp")
    return stamp(scene, lead)


def test_without_the_pubsub_api_leads_are_routed_and_stamped_by_polling(scene):
    settle(scene, **NOWHERE)
    scene.sidecar.start()
    scene.listening()
    assert scene.told("started")[0]["source"] == "polling"
    lead = a_lead(scene, Country="Germany", NumberOfEmployees=500)
    wait_for(lambda: scene.lead(lead)["Policy_Version__c"], "the routing")
    assert scene.lead(lead)["OwnerId"] == scene.cast.rep_ids[2]
    later(scene, FIVE)
    call = a_call(scene, lead)
    assert answered(scene, lead) == (text(MONDAY + FIVE), "Call", scene.cast.rep_ids[0])
    scene.cast.admin.call("DELETE", f"{API}/sobjects/Task/{call}")
    wait_for(lambda: withdrawn(scene, lead), "the deletion")
    with httpx.Client(base_url=f"http://127.0.0.1:{scene.told('started')[0]['http_port']}") as http:
        assert http.get("/readyz").json() == {"ready": True, "reasons": []}
    assert scene.sidecar.stop() == 0


def withdrawn(scene, lead):
    return [each for each in scene.json("explain", lead)["evidence"] if each["withdrawn"]] or None


def test_polling_alone_goes_on_where_it_was_left(scene):
    settle(scene, SPEED_TO_LEAD_SOURCE="polling", SPEED_TO_LEAD_POLL_SECONDS="60")
    lead = a_lead(scene)
    scene.catch_up()
    later(scene, FIVE)
    a_call(scene, lead)
    scene.catch_up()
    assert stamp(scene, lead)[:2] == (text(MONDAY + FIVE), "Call")
    assert len(scene.flywheel("lead.route")) == 1
    assert len(scene.flywheel("lead.first_touch")) == 1


def test_polling_takes_over_from_streams_that_fail_and_hands_back_in_order(scene):
    settle(scene)
    scene.sidecar.start()
    scene.listening()
    first = a_lead(scene)
    wait_for(lambda: scene.lead(first)["Policy_Version__c"], "the routing")
    scene.fault("stream-reset", seconds=600)
    later(scene, FIVE)
    a_call(scene, first)
    second = a_lead(scene)
    assert answered(scene, first)[:2] == (text(MONDAY + FIVE), "Call")
    wait_for(lambda: scene.lead(second)["Policy_Version__c"], "the routing by polling")
    scene.cast.admin.call("DELETE", "/local-org/fault")
    later(scene, 2 * FIVE)
    a_call(scene, second, rep=1)
    assert answered(scene, second) == (text(MONDAY + 2 * FIVE), "Call", scene.cast.rep_ids[1])
    changed = wait_for(
        lambda: scene.told("source_changed") if len(scene.told("source_changed")) > 1 else None,
        "the hand-over back",
    )
    assert [line["source"] for line in changed] == ["polling", "stream"]
    assert scene.sidecar.stop() == 0
    routed = [r["request"]["metadata"]["lead_id"] for r in scene.flywheel("lead.route")]
    assert sorted(routed) == sorted([first, second])
    assert len(scene.flywheel("lead.first_touch")) == 2


def test_c07_a_meeting_is_found_beside_the_streams(scene):
    settle(scene)
    scene.sidecar.start()
    scene.listening()
    lead = a_lead(scene)
    later(scene, 2 * FIVE)
    a_meeting(scene, lead)
    assert answered(scene, lead)[:2] == (text(MONDAY + 2 * FIVE), "Meeting")
    assert scene.sidecar.stop() == 0


def test_told_to_stop_it_leaves_within_five_seconds_whatever_the_org_does(scene):
    scene.sidecar.start()
    scene.listening()
    scene.fault("slow", delay=60, seconds=600, path=f"{API}/composite")
    lead = a_lead(scene)
    wait_for(lambda: lagging(scene), "the batch at hand")
    began = time.monotonic()
    assert scene.sidecar.stop() == 0
    assert time.monotonic() - began < 5
    assert len(scene.told("batch_left")) == 1
    scene.cast.admin.call("DELETE", "/local-org/fault")
    scene.catch_up()
    assert scene.lead(lead)["Policy_Version__c"] == "1.0.0"
    assert len(scene.flywheel("lead.route")) == 1


def test_a_position_that_was_not_reached_is_not_kept_by_leaving(scene):
    lead = a_lead(scene)
    scene.catch_up()
    later(scene, FIVE)
    scene.fault("unavailable", seconds=600, path=f"{API}/composite")
    a_call(scene, lead)
    scene.sidecar.start()
    scene.listening()
    wait_for(lambda: scene.told("org_unavailable") or None, "the refusal")
    assert scene.sidecar.stop() == 0
    scene.cast.admin.call("DELETE", "/local-org/fault")
    scene.catch_up()
    assert stamp(scene, lead)[:2] == (text(MONDAY + FIVE), "Call")


def lagging(scene):
    """Tell that an event has come that is not handled."""
    port = scene.told("started")[-1]["http_port"]
    topics = httpx.get(f"http://127.0.0.1:{port}/healthz").json()["topics"]
    return topics["/data/SpeedToLead__chn"]["last_event_at"]


def test_one_stands_by_and_takes_over_when_the_other_is_gone(scene):
    scene.sidecar.settings = {**scene.sidecar.settings, "SPEED_TO_LEAD_STANDBY": "true"}
    scene.sidecar.start()
    scene.listening()
    other = replace(scene.sidecar, starts=0)
    other.start()
    try:
        [waits] = wait_for(lambda: scene.told("stands_by") or None, "the one that stands by")
        with httpx.Client(base_url=f"http://127.0.0.1:{waits['http_port']}") as http:
            assert http.get("/healthz").json()["status"] == "alive"
            assert http.get("/readyz").status_code == 503
        scene.sidecar.kill()
        wait_for(lambda: len(scene.told("started")) > 1 or None, "the take-over")
        lead = a_lead(scene)
        wait_for(lambda: scene.lead(lead)["Policy_Version__c"], "the routing")
    finally:
        assert other.stop() == 0


def test_a_dry_run_decides_and_writes_nothing_and_keeps_its_ledger_apart(scene):
    lead = a_lead(scene, Country="Germany", NumberOfEmployees=500)
    later(scene, FIVE)
    a_call(scene, lead)
    live = scene.sidecar.settings
    scene.sidecar.settings = {**live, "SPEED_TO_LEAD_DRY_RUN": "true"}
    before = scene.lead(lead)
    scene.catch_up()
    assert scene.lead(lead) == before
    [routed] = scene.flywheel("lead.route")
    assert routed["request"]["metadata"]["outcome"] == "dry_run"
    assert routed["request"]["metadata"]["shadow"] == "true"
    scene.sidecar.settings = live
    done = scene.command("run", "--until-idle", "1")
    assert done.returncode == 64
    assert "is the ledger of dry runs" in done.stderr
