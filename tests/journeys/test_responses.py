"""What people do in the org comes out as the Lead's first response, whoever else writes to it."""

from __future__ import annotations

import pytest

from speed_to_lead.demo.actors import API, user
from speed_to_lead.demo.plan import MONDAY
from speed_to_lead.errors import OrgUnavailable
from tests.journeys.deeds import FIVE, a_call, a_lead, a_mail, later, stamp, text
from tests.journeys.stage import deploy, zipped

NAMESPACE = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
ENTITIES = ("Lead", "Task", "EmailMessage")


def test_o08_a_later_response_by_another_client_is_refused_by_the_org(scene):
    lead = a_lead(scene)
    later(scene, FIVE)
    a_call(scene, lead)
    scene.catch_up()
    with pytest.raises(OrgUnavailable, match="STL-001: First Response At may only move earlier"):
        user(scene.org, scene.http, scene.org.sidecar_username).update(
            "Lead",
            lead,
            First_Response_At__c=text(MONDAY + 2 * FIVE),
            First_Response_Source__c="Call",
        )
    assert stamp(scene, lead) == (text(MONDAY + FIVE), "Call", scene.cast.rep_ids[0])


def test_a_stamp_that_somebody_set_earlier_makes_ours_refused_and_counted(scene):
    lead = a_lead(scene)
    scene.catch_up()
    later(scene, 2 * FIVE)
    as_another_sidecar(
        scene, lead, First_Response_At__c=text(MONDAY + FIVE), First_Response_Source__c="Email"
    )
    a_call(scene, lead)
    scene.catch_up()
    assert sum(line["refused"] for line in scene.told("batch_handled")) == 1
    assert sum(line["failed"] for line in scene.told("batch_handled")) == 0
    assert stamp(scene, lead) == (text(MONDAY + FIVE), "Email", None)


def as_another_sidecar(scene, lead, **values):
    """Write as a second sidecar of the same name would: ours takes the event for its own echo."""
    answer = scene.http.patch(
        f"{scene.org.instance_url}{API}/sobjects/Lead/{lead}",
        json=values,
        headers={
            **user(scene.org, scene.http, scene.org.sidecar_username).headers,
            "Sforce-Call-Options": "client=speed-to-lead",
        },
    )
    assert answer.status_code == 204, answer.text


def test_an_earlier_mail_that_is_logged_late_takes_the_stamp(scene):
    lead = a_lead(scene)
    later(scene, 2 * FIVE)
    a_call(scene, lead)
    scene.catch_up()
    later(scene, 3 * FIVE)
    a_mail(scene, lead, rep=1, MessageDate=text(MONDAY + FIVE))
    scene.catch_up()
    assert stamp(scene, lead) == (text(MONDAY + FIVE), "Email", scene.cast.rep_ids[1])


def test_a_mail_and_its_task_are_one_response(scene):
    lead = a_lead(scene)
    later(scene, FIVE)
    task = scene.cast.reps[0].create(
        "Task", WhoId=lead, Subject="Email", TaskSubtype="Email", Status="Completed"
    )
    later(scene, 2 * FIVE)
    mail = scene.cast.reps[0].create(
        "EmailMessage", Subject="Hello", Incoming=False, Status="3", ActivityId=task
    )
    scene.catch_up()
    assert stamp(scene, lead)[:2] == (text(MONDAY + 2 * FIVE), "Email")
    told = scene.json("explain", lead)
    assert [each["record_id"] for each in told["evidence"] if not each["withdrawn"]] == [mail]


def test_inbound_mail_drafts_and_open_tasks_never_count(scene):
    lead = a_lead(scene)
    later(scene, FIVE)
    a_mail(scene, lead, Status="5")
    a_call(scene, lead, status="Not Started")
    scene.cast.system.create("EmailMessage", Subject="Q", Incoming=True, Status="0")
    scene.catch_up()
    assert stamp(scene, lead) == (None, None, None)
    reasons = {each["reason"] for each in scene.json("explain", lead)["rejections"]}
    assert reasons == {"MAIL_NOT_SENT", "OPEN_TASK"}


def test_a_lead_says_since_when_a_person_has_owned_it(scene):
    lead = a_lead(scene, Country="Germany", NumberOfEmployees=500)
    later(scene, FIVE)
    scene.catch_up()
    now = scene.lead(lead)
    assert now["OwnerId"] == scene.cast.rep_ids[2]
    assert now["Owner_Assigned_At__c"] == text(MONDAY + FIVE)
    assert now["Assignment_Latency_Minutes__c"] == 5
    assert now["Policy_Version__c"] == "1.0.0"
    told = scene.json("explain", lead)
    assert (told["system_seconds"], told["human_seconds"]) == (300, 0)
    assert [each["keeper"] for each in told["held"]] == ["automation"]


def test_an_owner_that_a_person_chose_meanwhile_is_kept(scene):
    lead = a_lead(scene, Country="Germany")
    later(scene, FIVE)
    scene.cast.admin.update("Lead", lead, OwnerId=scene.cast.rep_ids[0])
    scene.catch_up()
    assert scene.lead(lead)["OwnerId"] == scene.cast.rep_ids[0]
    assert scene.json("explain", lead)["routing"]["outcome"] == "claimed"


def test_without_the_channel_the_topics_of_the_single_entities_are_heard(scene):
    select_on_the_standard_channel_instead(scene)
    lead = a_lead(scene)
    later(scene, FIVE)
    a_call(scene, lead)
    scene.catch_up()
    [started] = scene.told("started")
    assert started["topics"] == [
        "/data/EmailMessageChangeEvent",
        "/data/LeadChangeEvent",
        "/data/TaskChangeEvent",
        "poll:Event",
    ]
    assert stamp(scene, lead)[0] == text(MONDAY + FIVE)


def select_on_the_standard_channel_instead(scene):
    """Delete the package's channel, and select its entities as an admin does in Setup."""
    ours = [f"SpeedToLead_chn_{entity}ChangeEvent" for entity in ENTITIES]
    standard = [f"ChangeEvents_{entity}ChangeEvent" for entity in ENTITIES]
    members = {
        f"platformEventChannelMembers/{name}.platformEventChannelMember": (
            f"<PlatformEventChannelMember {NAMESPACE}><eventChannel>ChangeEvents</eventChannel>"
            f"<selectedEntity>{entity}ChangeEvent</selectedEntity></PlatformEventChannelMember>"
        )
        for name, entity in zip(standard, ENTITIES, strict=True)
    }
    kind = "PlatformEventChannelMember"
    gone = manifest({kind: ours, "PlatformEventChannel": ["SpeedToLead__chn"]})
    deploy(scene.org, zipped({"package.xml": manifest({}), "destructiveChanges.xml": gone}))
    deploy(scene.org, zipped({"package.xml": manifest({kind: standard}), **members}))


def manifest(types):
    blocks = "".join(
        f"<types>{''.join(f'<members>{m}</members>' for m in members)}<name>{kind}</name></types>"
        for kind, members in types.items()
    )
    return f"<Package {NAMESPACE}>{blocks}<version>66.0</version></Package>"
