"""Bad input gives one clear line or a quarantine entry, the right exit code, and loses nothing."""

from __future__ import annotations

import subprocess
from datetime import timedelta

import pytest

from speed_to_lead.demo.plan import MONDAY
from tests.journeys.deeds import FIVE, a_call, a_lead, later, stamp, text
from tests.journeys.stage import deploy, zipped
from tests.metadata.deploying import manifest, xml


def ended(scene, *command, **settings):
    """Run a command of the sidecar to its end; return its exit code and what it said last."""
    done = scene.command(*command, **settings)
    return done.returncode, done.stderr.strip().splitlines()[-1]


def answered_lead(scene):
    lead = a_lead(scene)
    later(scene, FIVE)
    a_call(scene, lead)
    return lead


def test_a_malformed_event_is_quarantined_and_the_stream_goes_on(scene):
    broken = a_lead(scene)
    lead = answered_lead(scene)
    scene.fault("malformed-event")
    scene.catch_up()
    [entry] = scene.json("quarantine", "list")
    assert (entry["topic"], entry["bytes"] > 0) == ("/data/SpeedToLead__chn", True)
    assert "does not fit its schema" in entry["reason"]
    assert stamp(scene, lead)[0] == text(MONDAY + FIVE)
    assert scene.lead(broken)["First_Response_At__c"] is None


def test_what_an_unreadable_event_hides_is_judged_when_it_is_tried_again(scene):
    lead = a_lead(scene)
    scene.catch_up()
    later(scene, FIVE)
    a_call(scene, lead)
    scene.fault("malformed-event", times=5)
    scene.catch_up()
    assert scene.lead(lead)["First_Response_At__c"] is None
    done = scene.command("quarantine", "retry")
    assert (done.returncode, " settled, 0 still" in done.stdout) == (0, True)
    assert stamp(scene, lead)[0] == text(MONDAY + FIVE)
    assert scene.json("quarantine", "list") == []


def test_a_write_that_a_rule_refuses_waits_in_the_quarantine_until_the_rule_is_gone(scene):
    forbid(scene, active="true")
    lead = answered_lead(scene)
    scene.catch_up()
    [entry] = scene.json("quarantine", "list")
    assert (entry["record_id"], entry["reason"]) == (lead, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    assert scene.command("quarantine", "retry").returncode == 75
    assert len(scene.json("quarantine", "list")) == 1
    forbid(scene, active="false")
    assert scene.command("quarantine", "retry").returncode == 0
    assert stamp(scene, lead)[0] == text(MONDAY + FIVE)
    assert scene.json("quarantine", "list") == []


def forbid(scene, active):
    """Let a rule of the customer's own refuse every stamp, or no longer."""
    rule = (
        f"<validationRules><fullName>Frozen</fullName><active>{active}</active>"
        "<errorConditionFormula>NOT(ISBLANK(First_Response_At__c))</errorConditionFormula>"
        "<errorMessage>Leads are frozen.</errorMessage></validationRules>"
    )
    files = {
        "package.xml": manifest(ValidationRule="Lead.Frozen"),
        "objects/Lead.object": xml("CustomObject", rule),
    }
    deploy(scene.org, zipped(files))


def test_an_expired_replay_id_is_told_and_the_hole_is_filled_from_the_org(scene):
    a_lead(scene)
    scene.catch_up()
    lead = answered_lead(scene)
    scene.fault("expire-events")
    scene.catch_up()
    [told] = scene.told("replay_expired")
    assert "no longer retains the stored replay id" in told["error"]
    assert stamp(scene, lead)[0] == text(MONDAY + FIVE)


def test_a_wrong_private_key_is_told_in_one_line(scene, tmp_path):
    key = tmp_path / "wrong.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    code, words = ended(scene, "run", SPEED_TO_LEAD_JWT_KEY_FILE=str(key))
    assert code == 64
    assert "refuses the credentials" in words
    assert "check the private key" in words


def test_a_missing_permission_is_told_with_the_permission_set_to_assign(scene):
    scene.revoke(scene.org.sidecar_username)
    code, words = ended(scene, "run")
    assert code == 64
    assert "Speed_to_Lead_Sidecar" in words


def test_an_invalid_policy_is_told_with_its_path_in_the_document(scene, tmp_path):
    policy = tmp_path / "policy.json"
    policy.write_text('{"version": "one"}', encoding="utf-8")
    code, words = ended(scene, "run", SPEED_TO_LEAD_POLICY=str(policy))
    assert code == 64
    assert "policy" in words


def test_an_unknown_setting_is_told_with_the_nearest_known_one(scene):
    code, words = ended(scene, "run", SPEED_TO_LEAD_LEGDER="x")
    assert (code, "did you mean SPEED_TO_LEAD_LEDGER?" in words) == (64, True)


def test_an_org_that_is_not_there_ends_with_69(scene):
    code, words = ended(scene, "run", SPEED_TO_LEAD_INSTANCE_URL="https://localhost:1")
    assert code == 69
    assert "does not answer" in words


def test_a_second_sidecar_on_the_same_ledger_is_told_to_wait(scene):
    scene.sidecar.start()
    scene.listening()
    code, words = ended(scene, "run")
    assert code == 75
    assert "another sidecar has the ledger" in words


FULL_DISK = ("bash", "-c", 'ulimit -f 200; exec "$@"', "full-disk")
"""Lets no file grow beyond 200 KiB: what a full disk does, for one process."""


def test_a_full_disk_ends_the_sidecar_and_loses_nothing(scene):
    leads = [a_lead(scene) for _ in range(150)]
    later(scene, FIVE)
    for lead in leads:
        a_call(scene, lead)
    done = scene.command("run", "--until-idle", "1.5", through=FULL_DISK)
    assert done.returncode == 75
    assert "free some space" in done.stderr.strip().splitlines()[-1]
    scene.catch_up()
    assert {stamp(scene, lead)[0] for lead in leads} == {text(MONDAY + FIVE)}
    assert len(scene.flywheel("lead.route")) == len(leads)


@pytest.mark.parametrize("kind", ["unavailable", "request-limit", "lock-row", "expire-tokens"])
def test_an_org_that_refuses_for_a_while_is_waited_for(scene, kind):
    scene.sidecar.start("--until-idle", "2.5")
    scene.listening()
    lead = answered_lead(scene)
    scene.fault(kind, **({} if kind == "expire-tokens" else {"times": 2, "path": "/services/data"}))
    assert scene.sidecar.wait() == 0
    scene.log_in_again()
    assert stamp(scene, lead)[0] == text(MONDAY + FIVE)
    assert scene.json("quarantine", "list") == []


def test_a_stream_that_is_reset_is_resumed(scene):
    scene.sidecar.start("--until-idle", "4")
    scene.listening()
    scene.fault("stream-reset", times=2)
    lead = answered_lead(scene)
    later(scene, timedelta(minutes=6))
    assert scene.sidecar.wait() == 0
    assert stamp(scene, lead)[0] == text(MONDAY + FIVE)
