"""The sidecar's reader and writer get from a real local org, over the wire, the values of the domain."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from speed_to_lead.demo.actors import API, http_client
from speed_to_lead.demo.plan import MONDAY
from speed_to_lead.errors import PermissionMissing, UsageError
from speed_to_lead.ids import email_message_id, lead_id, task_id, user_id
from speed_to_lead.model import Source, Stamp
from speed_to_lead.policy import load_policy
from speed_to_lead.salesforce import Salesforce
from speed_to_lead.salesforce.records import Records
from speed_to_lead.settings import Settings
from tests.journeys.stage import Scene, prepared_org
from tests.speed_to_lead.policies import DEMO, policy

ROOT = Path(__file__).parents[2]
STAMPED = "2026-03-02T00:05:00.000Z"


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    directory = tmp_path_factory.mktemp("org")
    options = ("--clock", MONDAY.isoformat(), "--clock-speed", "0")
    with prepared_org(ROOT, directory, *options) as org, http_client(org) as http:
        yield Scene.build(org, http, directory)


async def no_pause(_seconds):
    await asyncio.sleep(0)


def ask(scene, question, wanted=None):
    """Answer a question to the org, asked as the sidecar's user under a policy."""

    async def main():
        settings = {
            name.removeprefix("SPEED_TO_LEAD_").lower(): value
            for name, value in scene.org.sidecar_settings().items()
        }
        org = await Salesforce.connect(Settings.model_validate(settings), no_pause, Random(1))
        try:
            return await question(org, Records(org, wanted or load_policy(DEMO)))
        finally:
            await org.close()

    return asyncio.run(main())


def a_lead(scene, **fields):
    made = scene.cast.system.create("Lead", LastName="Doe", Company="Acme", **fields)
    return lead_id(made)


def test_leads_come_as_they_are_and_deleted_ones_not_at_all(scene):
    full = a_lead(
        scene, NumberOfEmployees=500, Country="Germany", LeadSource="Web", Industry="Retail"
    )
    gone, never = a_lead(scene), lead_id("00Q00000000zzzz")
    scene.cast.admin.call("DELETE", f"{API}/sobjects/Lead/{gone}")
    found = ask(scene, lambda _org, records: records.leads([gone, full, never]))
    assert list(found) == [full]
    lead = found[full]
    assert (lead.employees, lead.country, lead.source, lead.industry) == (
        500,
        "Germany",
        "Web",
        "Retail",
    )
    assert (lead.created_at, lead.stamp, lead.is_converted) == (MONDAY, None, False)
    assert lead.created_by == lead.owner_id


def test_a_written_stamp_is_read_back_and_a_later_one_is_refused_by_its_own_row(scene):
    leads = [a_lead(scene) for _ in range(3)]
    rep = user_id(scene.cast.rep_ids[0])
    scene.cast.admin.set_clock(MONDAY + timedelta(hours=1))

    def row(lead, at):
        return {
            "Id": lead,
            "First_Response_At__c": at,
            "First_Response_Source__c": "Call",
            "First_Response_User__c": rep,
            "Policy_Version__c": "1.0.0",
        }

    async def twice(org, records):
        first = await org.update("Lead", [row(each, STAMPED) for each in leads[:2]])
        times = (STAMPED.replace("05:00", "04:00"), STAMPED.replace("05:00", "06:00"), STAMPED)
        second = await org.update("Lead", [row(*each) for each in zip(leads, times, strict=True)])
        return first, second, await records.leads(leads)

    first, second, found = ask(scene, twice)
    assert all(each.success for each in first)
    assert [each.refused for each in second] == [False, True, False]
    assert [found[each].stamp for each in leads] == [
        Stamp(MONDAY + timedelta(minutes=minutes), Source.CALL, rep) for minutes in (4, 5, 5)
    ]


def test_tasks_come_with_what_a_call_is_judged_by(scene):
    lead = a_lead(scene)
    made = scene.cast.reps[0].create(
        "Task",
        WhoId=lead,
        Subject="Call",
        TaskSubtype="Call",
        CallType="Outbound",
        CallDurationInSeconds=90,
        Status="Completed",
    )
    task = ask(scene, lambda _org, records: records.tasks([task_id(made)]))[made]
    assert (task.who_id, task.subtype, task.call_type, task.call_seconds) == (
        lead,
        "Call",
        "Outbound",
        90,
    )
    assert (task.is_closed, task.completed_at) == (True, task.created_at)
    assert task.owner_id == task.created_by == scene.cast.rep_ids[0]
    assert task.closer is None


def test_mails_come_with_their_leads_recipients_first(scene):
    copied, addressed = a_lead(scene), a_lead(scene)
    rep = scene.cast.reps[0]
    made = rep.create("EmailMessage", Subject="Out of office: Re", Incoming=False, Status="3")
    for lead, kind in ((copied, "CcAddress"), (addressed, "ToAddress"), (addressed, "CcAddress")):
        rep.create("EmailMessageRelation", EmailMessageId=made, RelationId=lead, RelationType=kind)
    wanted = policy(("response.auto_subject_patterns", ["^out of office"]))
    mail = ask(scene, lambda _org, records: records.emails([email_message_id(made)]), wanted)[made]
    assert mail.lead_ids == (addressed, copied)
    assert (mail.incoming, mail.status, mail.bounced) == (False, "3", False)
    assert mail.created_by == scene.cast.rep_ids[0]
    assert mail.subject_is_automatic


def test_the_mail_behind_a_task_is_found(scene):
    rep = scene.cast.reps[0]
    alias = rep.create(
        "Task", WhoId=a_lead(scene), Subject="Email: x", TaskSubtype="Email", Status="Completed"
    )
    mail = rep.create("EmailMessage", Incoming=False, Status="3", ActivityId=alias)

    async def both(_org, records):
        behind = await records.emails_behind([task_id(alias), task_id("00T00000000zzzz")])
        return behind, (await records.emails([email_message_id(mail)]))[mail]

    behind, found = ask(scene, both)
    assert behind == {alias: mail}
    assert found.activity_id == alias


def test_users_come_with_what_the_policy_says_of_them(scene):
    rep, other = map(user_id, scene.cast.rep_ids[:2])
    wanted = policy(("response.automation_users", ["rep1@local.test"]))
    found = ask(scene, lambda _org, records: records.people.users([rep, other]), wanted)
    assert (found[rep].user_type, found[rep].is_active) == ("Standard", True)
    assert (found[rep].automation, found[other].automation) == (True, False)


def test_every_owner_of_the_policy_has_an_id(scene):
    found = ask(scene, lambda _org, records: records.people.owners())
    assert set(found.values()) >= set(scene.cast.rep_ids)
    assert {owner[:3] for owner in found.values()} == {"005", "00G"}


def test_an_owner_that_the_org_lacks_is_named(scene):
    wanted = policy(("routes.owner", {"user": "o'hara@local.test"}))
    with pytest.raises(UsageError, match=r"o'hara@local\.test"):
        ask(scene, lambda _org, records: records.people.owners(), wanted)


def test_what_changed_since_comes_oldest_change_first_and_what_is_gone_apart(scene):
    early, late = a_lead(scene), a_lead(scene)
    since = MONDAY + timedelta(hours=5)
    scene.cast.admin.set_clock(since + timedelta(seconds=1))
    scene.cast.admin.update("Lead", late, Company="Changed")
    scene.cast.admin.set_clock(since + timedelta(seconds=2))
    scene.cast.admin.update("Lead", early, Company="Changed")
    scene.cast.admin.set_clock(since + timedelta(seconds=3))
    gone = a_lead(scene)
    scene.cast.admin.call("DELETE", f"{API}/sobjects/Lead/{gone}")
    found = ask(scene, lambda _org, records: records.changed_since("Lead", since))
    assert found == ([late, early], [(gone, since + timedelta(seconds=3))])


def test_a_thousand_ids_take_few_calls(scene):
    ids = [task_id(f"00T{number:012}") for number in range(1000)]

    async def counted(org, records):
        await records.emails_behind(ids)
        return org.calls

    assert ask(scene, counted) == 3


def test_an_expired_session_is_renewed_and_a_locked_row_written_again(scene):
    leads = [a_lead(scene) for _ in range(2)]
    scene.fault("lock-row")

    async def written(org, _records):
        scene.fault("expire-tokens")
        scene.log_in_again()
        return await org.update("Lead", [{"Id": each, "Company": "New"} for each in leads])

    assert all(each.success for each in ask(scene, written))
    assert {scene.lead(each)["Company"] for each in leads} == {"New"}


def test_without_the_permission_set_it_is_named(scene):
    """Last of the file: it takes the permission away."""
    lead = lead_id("00Q00000000zzzz")
    scene.revoke(scene.org.sidecar_username)
    with pytest.raises(PermissionMissing, match="Speed_to_Lead_Sidecar") as told:
        ask(scene, lambda _org, records: records.leads([lead]))
    assert "\n" not in str(told.value)
