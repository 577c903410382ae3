"""Those who run the sidecar see what it does, what it lacks and why it decided as it did."""

from __future__ import annotations

import json

import httpx

from speed_to_lead.demo import POLICY
from tests.journeys.deeds import FIVE, a_call, a_lead, a_mail, later, stamp
from tests.journeys.stage import assign, deploy, wait_for, zipped
from tests.metadata.deploying import manifest, xml

CHECKS = ["policy", "login", "version", "clock", "limits", "fields", "sharing", "activities"]
CHECKS += ["mail", "guards", "owners", "people", "events", "channel", "ledger"]


def levels(scene, **settings):
    """The levels that are not ok, by check, whatever the exit code."""
    done = scene.command("doctor", "--json", **settings)
    findings = json.loads(done.stdout)
    assert [each["check"] for each in findings] == CHECKS
    assert done.returncode == (64 if "failed" in {each["level"] for each in findings} else 0)
    return {f["check"]: (f["level"], f["finding"]) for f in findings if f["level"] != "ok"}


def as_admin(scene):
    token = scene.cast.admin.headers["Authorization"].split()[1]
    return {"SPEED_TO_LEAD_AUTH": "access_token", "SPEED_TO_LEAD_ACCESS_TOKEN": token}


def test_the_doctor_finds_a_healthy_org_well_and_says_what_this_user_cannot_see(scene):
    a_mail(scene, a_lead(scene))
    found = levels(scene)
    assert set(found) == {"clock", "guards", "channel"}
    assert {level for level, _ in found.values()} == {"warning"}
    assert "may not view Setup" in found["guards"][1]
    assert "ahead of the org's" in found["clock"][1]  # the org's clock stands in March


def test_the_doctor_sees_more_as_somebody_who_may_view_setup(scene):
    found = levels(scene, **as_admin(scene))
    assert "guards" not in found
    assert "channel" not in found
    assert found["mail"][0] == "warning"
    assert "no sent mail is recorded" in found["mail"][1]
    assert found["fields"][0] == "failed"  # an administrator is no sidecar
    off = xml(
        "CustomObject",
        "<validationRules><fullName>First_Response_Only_Earlier</fullName><active>false</active>"
        "<errorConditionFormula>false</errorConditionFormula><errorMessage>off</errorMessage>"
        "</validationRules>",
    )
    rule = manifest(ValidationRule="Lead.First_Response_Only_Earlier")
    deploy(scene.org, zipped({"package.xml": rule, "objects/Lead.object": off}))
    level, words = levels(scene, **as_admin(scene))["guards"]
    assert (level, "First_Response_Only_Earlier (STL-001)" in words) == ("failed", True)


def test_the_doctor_names_users_of_the_policy_whom_the_org_does_not_have(scene, tmp_path):
    document = json.loads(POLICY.read_text(encoding="utf-8"))
    document["response"]["trusted_loggers"] = ["dialler@local.test", "rep1@local.test"]
    scene.sidecar.policy = tmp_path / "policy.json"
    scene.sidecar.policy.write_text(json.dumps(document), encoding="utf-8")
    level, words = levels(scene)["people"]
    assert level == "warning"
    assert "names dialler@local.test, which no user of the org is" in words


def test_the_doctor_tells_of_a_version_that_the_org_does_not_speak(scene):
    done = scene.command("doctor", "--json", SPEED_TO_LEAD_API_VERSION="99.0")
    found = {each["check"]: each for each in json.loads(done.stdout)}
    assert found["version"]["level"] == "failed"
    assert "set SPEED_TO_LEAD_API_VERSION" in found["version"]["finding"]


def test_the_doctor_says_what_to_do_about_a_missing_permission(scene):
    scene.revoke(scene.org.sidecar_username)
    done = scene.command("doctor")
    assert done.returncode == 64
    assert "Speed_to_Lead_Sidecar" in " ".join(done.stdout.split())


def test_the_doctor_asks_for_the_opt_in_permission_set_where_leads_are_private(scene):
    private = "<sharingModel>Private</sharingModel>"
    deploy(
        scene.org,
        zipped(
            {
                "package.xml": manifest(CustomObject="Lead"),
                "objects/Lead.object": xml("CustomObject", private),
            }
        ),
    )
    done = scene.command("doctor")
    assert done.returncode == 64
    assert "Speed_to_Lead_Sidecar_Private_Sharing" in "".join(done.stdout.split())
    assign(scene.cast, scene.org.sidecar_username, "Speed_to_Lead_Sidecar_Private_Sharing")
    assert [each["check"] for each in scene.json("doctor") if not each["ok"]] == []


def test_a_running_sidecar_tells_how_it_is_over_http(scene):
    scene.sidecar.start()
    scene.listening()
    lead = a_lead(scene)
    later(scene, FIVE)
    a_call(scene, lead)
    wait_for(lambda: stamp(scene, lead)[0], "the stamp")
    with httpx.Client(base_url=f"http://127.0.0.1:{scene.told('started')[0]['http_port']}") as http:
        assert http.get("/readyz").json() == {"ready": True, "reasons": []}
        health = http.get("/healthz").json()
        assert health["status"] == "alive"
        assert health["topics"].keys() == {"/data/SpeedToLead__chn", "poll:Event"}
        assert all(state["connected"] and state["replay_id"] for state in health["topics"].values())
        metrics = wait_for(lambda: stamped(http), "the metrics")
    assert 'cdc_events_total{change_type="CREATE",object="Task"} 1.0' in metrics
    assert 'decisions_total{outcome="assigned",workload="lead.route"} 1.0' in metrics
    assert "first_response_latency_seconds_sum 300.0" in metrics
    assert scene.sidecar.stop() == 0
    assert scene.told("stopped") != []


def stamped(http):
    """Return the metrics once the response is in them."""
    metrics = http.get("/metrics").text
    return metrics if "first_response_latency_seconds_count 1.0" in metrics else None


def test_a_policy_is_taken_on_a_signal_and_a_broken_one_is_not(scene, tmp_path):
    path = scene.sidecar.policy = tmp_path / "policy.json"
    document = json.loads(POLICY.read_text(encoding="utf-8"))
    path.write_text(json.dumps(document), encoding="utf-8")
    scene.sidecar.start()
    scene.listening()
    path.write_text(json.dumps(document | {"version": "2.0.0"}), encoding="utf-8")
    scene.sidecar.reload()
    wait_for(lambda: scene.told("policy_taken") or None, "the new policy")
    assert version_of(scene, a_lead(scene)) == "2.0.0"
    for broken, words in (
        ({"version": "two"}, "policy check"),
        ({"version": "3.0.0", "routes": {"name": "R", "owner": {"user": "no@one.test"}}}, "doctor"),
    ):
        path.write_text(json.dumps(document | broken), encoding="utf-8")
        told = refusal(scene)
        assert (words in told["error"], told["policy_version"]) == (True, "2.0.0")
        assert "no@one.test" not in scene.sidecar.log.read_text(encoding="utf-8")
    assert version_of(scene, a_lead(scene)) == "2.0.0"
    assert scene.sidecar.stop() == 0


def refusal(scene):
    """Have the policy read again, and return what is said of its refusal."""
    before = len(scene.told("policy_refused"))
    scene.sidecar.reload()
    return wait_for(lambda: scene.told("policy_refused")[before:] or None, "the refusal")[-1]


def version_of(scene, lead):
    """Wait until a Lead is routed, and return the version of the policy that did it."""
    return wait_for(lambda: scene.lead(lead)["Policy_Version__c"], "the routing")


def test_an_explanation_is_re_executed_and_gives_the_same_answer(scene):
    lead = a_lead(scene, Country="Germany")
    scene.catch_up()
    told = scene.json("explain", lead)
    assert (told["routing"]["output"]["route"], told["re_executed"]) == ("Europe", "same answer")


def test_a_backfill_stamps_what_no_event_told(scene):
    lead = a_lead(scene)
    later(scene, FIVE)
    a_call(scene, lead)
    scene.fault("expire-events")
    done = scene.command("backfill", "--since", "2026-03-02T00:00:00Z")
    assert done.returncode == 0, done.stderr
    assert stamp(scene, lead)[1] == "Call"
