"""A Lead that is met, converted, merged, or whose answer is taken back keeps the number it deserves."""

from __future__ import annotations

import json

import pytest

from speed_to_lead.demo import POLICY
from speed_to_lead.demo.actors import API
from speed_to_lead.demo.plan import MONDAY
from tests.journeys.deeds import (
    FIVE,
    a_call,
    a_lead,
    a_mail,
    a_meeting,
    convert,
    later,
    merge,
    stamp,
    text,
)
from tests.journeys.stage import assign


def rep(scene, number=0):
    return scene.cast.rep_ids[number]


@pytest.mark.parametrize("loser_first", [True, False])
def test_l05_the_lead_that_stays_after_a_merge_takes_the_earlier_clock_and_response(
    scene, loser_first
):
    loser = a_lead(scene)
    later(scene, FIVE)
    survivor = a_lead(scene)
    calls = [(2, loser, 0), (3, survivor, 1)] if loser_first else [(2, survivor, 1), (3, loser, 0)]
    for number, lead, who in calls:
        later(scene, number * FIVE)
        a_call(scene, lead, rep=who)
    scene.catch_up()
    later(scene, 4 * FIVE)
    merge(scene, survivor, loser)
    scene.catch_up()
    assert stamp(scene, survivor) == (text(MONDAY + 2 * FIVE), "Call", rep(scene, calls[0][2]))
    now = scene.lead(survivor)
    assert now["Response_Clock_Started_At__c"] == text(MONDAY)
    assert now["Time_to_First_Response__c"] == 10
    told = scene.json("explain", survivor)
    assert told["stamp_re_executed"] == "same answer"
    assert [row["leads"] for row in scene.json("kpis", "--as-of", "2026-03-03T00:00:00Z")][-1] == 1


def test_l04_a_response_that_no_sidecar_saw_moves_along_with_a_merge(scene):
    loser, survivor = a_lead(scene), a_lead(scene)
    later(scene, FIVE)
    a_mail(scene, loser)
    later(scene, 2 * FIVE)
    merge(scene, survivor, loser)
    scene.catch_up()
    assert stamp(scene, survivor) == (text(MONDAY + FIVE), "Email", rep(scene))


def test_a_lead_that_went_through_two_merges_brings_its_clock_and_its_response_along(scene):
    first = a_lead(scene)
    later(scene, FIVE)
    a_call(scene, first)
    second = a_lead(scene)
    later(scene, 2 * FIVE)
    third = a_lead(scene)
    merge(scene, second, first)
    merge(scene, third, second)
    scene.catch_up()
    assert stamp(scene, third) == (text(MONDAY + FIVE), "Call", rep(scene))
    assert scene.lead(third)["Response_Clock_Started_At__c"] == text(MONDAY)


def test_l02_after_a_conversion_only_what_happened_before_it_counts(scene):
    lead, silent = a_lead(scene), a_lead(scene)
    scene.catch_up()
    later(scene, 2 * FIVE)
    contact, other = convert(scene, lead), convert(scene, silent)
    later(scene, 3 * FIVE)
    a_call(scene, contact)
    a_mail(scene, other, MessageDate=text(MONDAY + FIVE))
    scene.catch_up()
    told = scene.json("explain", lead)
    assert told["stamp"]["source"] == "Conversion"
    assert told["converted_at"] == f"{MONDAY + 2 * FIVE:%Y-%m-%dT%H:%M:%SZ}"
    assert [each["reason"] for each in told["rejections"]] == ["AFTER_END"]
    assert scene.json("explain", silent)["stamp"]["source"] == "Email"
    assert stamp(scene, lead)[:2] == (text(MONDAY + 2 * FIVE), "Conversion")
    assert stamp(scene, silent)[:2] == (text(MONDAY + FIVE), "Email")


def test_c07_a_meeting_counts_from_when_it_was_booked(scene):
    lead = a_lead(scene)
    scene.catch_up()
    later(scene, 2 * FIVE)
    a_meeting(scene, lead)
    done = scene.command("backfill", "--since", text(MONDAY))
    assert done.returncode == 0, done.stderr
    assert stamp(scene, lead) == (text(MONDAY + 2 * FIVE), "Meeting", rep(scene))


def test_o13_a_backfill_into_an_empty_ledger_says_what_the_stream_said(scene):
    lead = a_lead(scene)
    later(scene, FIVE)
    a_call(scene, lead)
    scene.catch_up()
    fields = ("At", "Source", "User")
    heard = [scene.lead(lead)[f"First_Response_{each}__c"] for each in fields]
    heard_again = scene.json("explain", lead)["evidence"]
    for name in ("ledger.sqlite3", "ledger.sqlite3-wal", "ledger.sqlite3-shm"):
        (scene.sidecar.directory / name).unlink(missing_ok=True)
    scene.sidecar.directory.joinpath("flywheel", "decisions.jsonl").unlink()
    assert scene.command("backfill", "--since", text(MONDAY)).returncode == 0
    assert [scene.lead(lead)[f"First_Response_{each}__c"] for each in fields] == heard
    assert scene.json("explain", lead)["evidence"] == heard_again


def test_l15_the_audit_lists_drift_and_those_whom_nobody_will_answer(scene):
    answered, waiting = a_lead(scene), a_lead(scene)
    later(scene, FIVE)
    call = a_call(scene, answered)
    scene.catch_up()
    scene.cast.admin.update("Lead", waiting, OwnerId=rep(scene, 1))
    assert scene.json("audit", "--days", "3650") == []
    scene.cast.admin.call("DELETE", f"{API}/sobjects/Task/{call}")
    scene.cast.admin.update("User", rep(scene, 1), IsActive=False)
    done = scene.command("audit", "--days", "3650", "--json")
    assert done.returncode == 64
    found = {each["lead_id"]: (each["kind"], each["should"]) for each in json.loads(done.stdout)}
    assert found == {
        answered: ("drift", "nothing"),
        waiting: ("inactive_owner", "an owner who can answer"),
    }


def correcting(scene, folder):
    """Let the sidecar raise stamps whose evidence was taken back."""
    document = json.loads(POLICY.read_text(encoding="utf-8"))
    document["response"] = {**document.get("response", {}), "corrections": True}
    scene.sidecar.policy = folder / "policy.json"
    scene.sidecar.policy.write_text(json.dumps(document), encoding="utf-8")


def test_l07_a_deleted_call_raises_the_stamp_only_for_one_who_may_override(scene, tmp_path):
    correcting(scene, tmp_path)
    lead = a_lead(scene)
    later(scene, FIVE)
    call = a_call(scene, lead)
    later(scene, 2 * FIVE)
    a_mail(scene, lead)
    scene.catch_up()
    scene.cast.admin.call("DELETE", f"{API}/sobjects/Task/{call}")
    scene.catch_up()
    first = (text(MONDAY + FIVE), "Call", rep(scene))
    assert stamp(scene, lead) == first  # STL-001: the sidecar's user may not
    assert scene.json("explain", lead)["stamp_re_executed"].startswith("drift")
    assign(scene.cast, scene.org.sidecar_username, "Speed_to_Lead_Admin")
    done = scene.command("backfill", "--since", text(MONDAY))
    assert done.returncode == 0, done.stderr
    assert stamp(scene, lead) == (text(MONDAY + 2 * FIVE), "Email", rep(scene))
    told = scene.json("explain", lead)
    assert told["stamp_re_executed"] == "same answer"
    corrected = [d for d in told["decisions"] if d["outcome"] == "corrected"]
    assert [d["inputs"]["reason"] for d in corrected] == ["DELETED"]
