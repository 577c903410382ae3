"""A converted lead becomes an account, a contact and an opportunity, and its activities follow."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import fastavro
import pytest

from local_org.metadata.results import DeployOptions
from local_org.org.actions import LeadConvert
from local_org.records.changes import ChangeKind
from tests.local_org import masks
from tests.local_org.caller import LEAD, Caller, custom, extend, only_error, rule, said
from tests.metadata.deploying import manifest, xml
from tests.metadata.packing import zipped

pytestmark = pytest.mark.documented(
    "SOAP API Developer Guide: convertLead(); Salesforce Help: Considerations for Converting "
    "Leads; facts/ttfr.md 11.1, pubsub-cdc.md 2.5"
)

CONVERTED = "Closed - Converted"
RICH = {
    **LEAD,
    "FirstName": "Ann",
    "Salutation": "Ms.",
    "Title": "CEO",
    "Email": "ann@example.com",
    "Phone": "1",
    "Street": "1 Main St",
    "City": "Rome",
    "Country": "Italy",
    "LeadSource": "Web",
    "Industry": "Energy",
    "AnnualRevenue": 5,
    "HasOptedOutOfEmail": True,
}
SETTINGS = """<objectMapping><inputObject>Lead</inputObject><mappingFields>
<inputField>Mark__c</inputField><outputField>Mark__c</outputField></mappingFields>
<outputObject>Contact</outputObject></objectMapping>"""


def results(caller, lead, **more):
    request = LeadConvert(lead, **{"status": CONVERTED, **more})
    return caller.org.actions.convert(caller.session, [request])


def convert(caller, lead, **more):
    [result] = results(caller, lead, **more)
    assert result.success, result.errors
    return result


def refusal(caller, lead, **more):
    return said(only_error(results(caller, lead, **more)))


# -- what it becomes ------------------------------------------------------------------------------


def test_a_lead_becomes_an_account_a_contact_and_an_opportunity(admin):
    made = convert(admin, admin.create(**RICH))

    account = admin.read("Account", made.account_id, "Name", "Phone", "BillingCity", "Industry")
    assert (account["Name"], account["Phone"]) == ("ACME", "1")
    assert (account["BillingCity"], account["Industry"]) == ("Rome", "Energy")
    names = ("Name", "Salutation", "Title", "Email", "MailingStreet", "LeadSource", "AccountId")
    contact = admin.read("Contact", made.contact_id, *names, "HasOptedOutOfEmail")
    assert [contact[name] for name in names] == [
        "Ann Doe",
        "Ms.",
        "CEO",
        "ann@example.com",
        "1 Main St",
        "Web",
        made.account_id,
    ]
    assert contact["HasOptedOutOfEmail"] is True
    fields = ("Name", "StageName", "CloseDate", "AccountId", "LeadSource")
    opportunity = admin.read("Opportunity", made.opportunity_id, *fields)
    assert [opportunity[name] for name in fields] == [
        "ACME",
        "Prospecting",
        "2026-12-31",
        made.account_id,
        "Web",
    ]


def test_the_lead_tells_what_became_of_it_and_is_read_only(admin):
    lead = admin.create()
    made = convert(admin, lead)

    fields = ("Status", "IsConverted", "ConvertedDate", "ConvertedAccountId")
    more = ("ConvertedContactId", "ConvertedOpportunityId")
    record = admin.read("Lead", lead, *fields, *more)
    assert [record[name] for name in (*fields, *more)] == [
        CONVERTED,
        True,
        "2026-11-02",
        made.account_id,
        made.contact_id,
        made.opportunity_id,
    ]
    assert admin.not_changed("Lead", lead, Company="x").code == "CANNOT_UPDATE_CONVERTED_LEAD"
    code, message, _ = refusal(admin, lead)
    assert (code, message) == ("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")


def test_without_an_opportunity_none_is_made(admin):
    lead = admin.create()
    made = convert(admin, lead, with_opportunity=False)

    assert made.opportunity_id is None
    assert admin.read("Lead", lead, "ConvertedOpportunityId") is None
    assert admin.rows("SELECT Id FROM Opportunity") == []


def test_the_new_records_belong_to_the_owner_of_the_lead_or_the_one_named(org, admin):
    reps = [org.user(f"rep{n}@local.test")["Id"] for n in (1, 2)]
    kept = convert(admin, admin.create(**LEAD, OwnerId=reps[0]))
    given = convert(admin, admin.create(**LEAD, OwnerId=reps[0]), owner_id=reps[1])

    for made, owner in ((kept, reps[0]), (given, reps[1])):
        assert admin.read("Account", made.account_id, "OwnerId") == owner
        assert admin.read("Contact", made.contact_id, "OwnerId") == owner
        assert admin.read("Opportunity", made.opportunity_id, "OwnerId") == owner


def test_only_blank_fields_of_given_records_are_filled(admin):
    account = admin.create("Account", Name="Old", Phone="9")
    contact = admin.create("Contact", LastName="Old", AccountId=account, LeadSource="Other")
    kept = convert(admin, admin.create(**RICH), account_id=account, contact_id=contact)

    record = admin.read("Account", account, "Name", "Phone", "BillingCity")
    assert (record["Name"], record["Phone"], record["BillingCity"]) == ("Old", "9", "Rome")
    record = admin.read("Contact", contact, "LastName", "Email", "LeadSource")
    assert (record["LastName"], record["Email"]) == ("Old", "ann@example.com")
    assert record["LeadSource"] == "Other"
    assert (kept.account_id, kept.contact_id) == (account, contact)


def test_the_lead_source_of_a_given_contact_is_overwritten_where_that_is_asked_for(admin):
    account = admin.create("Account", Name="Old")
    contact = admin.create("Contact", LastName="Old", AccountId=account, LeadSource="Other")
    given = {"account_id": account, "contact_id": contact, "overwrite_lead_source": True}
    convert(admin, admin.create(**RICH), **given)

    assert admin.read("Contact", contact, "LeadSource") == "Web"


def test_a_custom_field_goes_where_the_settings_map_it(org, admin):
    schema = org.schema.copy()
    for entity in ("Lead", "Contact"):
        schema.put_field(entity, custom("Mark__c", length=20))
    org.store.sync(schema)
    org.schema = org.bus.schema = schema
    name = "LeadConvertSettings"
    files = {
        "package.xml": manifest(LeadConvertSettings=name),
        f"{name}/{name}.LeadConvertSetting": xml(name, SETTINGS),
    }
    result = org.deploy(admin.session, zipped(files), DeployOptions())
    assert result.success, result.failures
    made = convert(admin, admin.create(**LEAD, Mark__c="kept"))

    assert admin.read("Contact", made.contact_id, "Mark__c") == "kept"


# -- what hangs on it -----------------------------------------------------------------------------


def test_activities_and_mail_rows_go_to_the_contact_about_the_opportunity(admin):
    lead = admin.create(**LEAD, Email="ann@example.com")
    open_task = admin.create("Task", Subject="Call", WhoId=lead)
    done = admin.create("Task", Subject="Called", WhoId=lead, Status="Completed")
    start = {"StartDateTime": "2026-11-03T09:00:00Z", "DurationInMinutes": 30}
    event = admin.create("Event", Subject="Meeting", WhoId=lead, **start)
    mail = admin.create("EmailMessage", Subject="Hi", Status="3", ToIds=[lead])
    [row] = admin.rows(f"SELECT Id FROM EmailMessageRelation WHERE EmailMessageId = '{mail}'")
    made = convert(admin, lead)

    for entity, record_id in (("Task", open_task), ("Task", done), ("Event", event)):
        record = admin.read(entity, record_id, "WhoId", "WhatId", "AccountId")
        assert record["WhoId"] == made.contact_id
        assert record["WhatId"] == made.opportunity_id
        assert record["AccountId"] == made.account_id
    relation = admin.read("EmailMessageRelation", row["Id"], "RelationId", "RelationObjectType")
    assert (relation["RelationId"], relation["RelationObjectType"]) == (made.contact_id, "Contact")


@pytest.mark.inferred(
    "only a user's article says that WhatId stays blank; settled by: convert a lead with a task "
    "and without an opportunity, and read the task"
)
def test_without_an_opportunity_activities_are_about_nothing(admin):
    lead = admin.create()
    task = admin.create("Task", Subject="Call", WhoId=lead)
    convert(admin, lead, with_opportunity=False)

    assert admin.read("Task", task, "WhatId") is None


def test_activities_of_a_cadence_stay_with_the_lead(admin):
    lead = admin.create()
    task = admin.create("Task", Subject="Step", WhoId=lead, TaskSubtype="Cadence")
    convert(admin, lead)

    assert admin.read("Task", task, "WhoId") == lead


def test_a_new_owner_takes_over_what_the_converting_user_had_still_to_do(org, admin):
    rep, other = (org.user(f"rep{n}@local.test")["Id"] for n in (1, 2))
    lead = admin.create()
    mine = admin.create("Task", Subject="a", WhoId=lead)
    done = admin.create("Task", Subject="b", WhoId=lead, Status="Completed")
    theirs = admin.create("Task", Subject="c", WhoId=lead, OwnerId=other)
    convert(admin, lead, owner_id=rep)

    owners = [admin.read("Task", task, "OwnerId") for task in (mine, done, theirs)]
    assert owners == [rep, admin.id, other]


def test_members_of_campaigns_become_those_of_the_contact(admin):
    lead = admin.create()
    campaign = admin.create("Campaign", Name="Fair")
    member = admin.create("CampaignMember", CampaignId=campaign, LeadId=lead)
    made = convert(admin, lead)

    assert admin.read("CampaignMember", member, "ContactId") == made.contact_id


# -- what is told ---------------------------------------------------------------------------------


def test_one_commit_tells_of_account_contact_opportunity_and_lead_in_this_order(admin, commits):
    lead = admin.create()
    del commits[:]
    convert(admin, lead)

    [commit] = commits
    assert [(change.entity, change.kind) for change in commit.changes] == [
        ("Account", ChangeKind.CREATE),
        ("Contact", ChangeKind.CREATE),
        ("Opportunity", ChangeKind.CREATE),
        ("Lead", ChangeKind.UPDATE),
    ]
    assert commit.changes[-1].changed == {
        "Status",
        "IsConverted",
        "ConvertedDate",
        "ConvertedAccountId",
        "ConvertedContactId",
        "ConvertedOpportunityId",
    }


def test_the_change_event_of_the_lead_names_the_documented_fields(org, admin):
    member = (
        '<PlatformEventChannelMember xmlns="http://soap.sforce.com/2006/04/metadata">'
        "<eventChannel>ChangeEvents</eventChannel>"
        "<selectedEntity>LeadChangeEvent</selectedEntity></PlatformEventChannelMember>"
    )
    name = "ChangeEvents_LeadChangeEvent"
    org.store.put_document("PlatformEventChannelMember", name, member.encode())
    org.bus.channels_changed()
    lead = admin.create()
    org.clock.advance(timedelta(minutes=1))
    after = org.bus.tip()
    convert(admin, lead)

    topic = org.bus.topic("/data/LeadChangeEvent")
    [delivery] = org.bus.read(topic, after, 10, org.access(admin.session)).deliveries
    schema = json.loads(org.bus.schema_json(delivery.schema_id))
    parsed = fastavro.parse_schema(schema)
    event: Any = fastavro.schemaless_reader(io.BytesIO(delivery.payload), parsed, None)
    header = event["ChangeEventHeader"]
    assert (header["changeType"], header["recordIds"]) == ("UPDATE", [lead])
    assert set(masks.names(schema, header["changedFields"])) == {
        "Status",
        "IsConverted",
        "ConvertedDate",
        "ConvertedAccountId",
        "ConvertedContactId",
        "ConvertedOpportunityId",
        "LastModifiedDate",
    }
    assert event["IsConverted"] is True


@pytest.mark.inferred(
    "no source tells; settled by: subscribe to TaskChangeEvent and convert a lead with a task"
)
def test_activities_that_move_make_no_change_event(admin, commits):
    lead = admin.create()
    admin.create("Task", Subject="Call", WhoId=lead)
    del commits[:]
    convert(admin, lead)

    assert "Task" not in {change.entity for commit in commits for change in commit.changes}


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.inferred("wording as developers quote it; settled by: convert such a lead")
def test_only_the_status_of_a_converted_lead_converts(admin):
    told = refusal(admin, admin.create(), status="Working - Contacted")

    assert told[:2] == ("INVALID_STATUS", "invalid convertedStatus: Working - Contacted")


@pytest.mark.inferred("wording as developers quote it; settled by: convert such a lead")
def test_a_lead_of_a_queue_needs_an_owner_who_is_a_user(org, admin):
    queue = admin.create("Group", Name="In", Type="Queue")
    admin.create("QueueSobject", QueueId=queue, SobjectType="Lead")
    lead = admin.create(**LEAD, OwnerId=queue)

    code, message, _ = refusal(admin, lead)
    assert code == "UNKNOWN_EXCEPTION"
    assert message.startswith("Converted objects can only be owned by users.")
    convert(admin, lead, owner_id=admin.id)


def test_who_may_not_convert_is_refused(org, admin):
    lead = admin.create()
    rep = Caller(org, "rep1@local.test")
    [owned] = admin.rows(
        f"SELECT Id FROM PermissionSet WHERE ProfileId = '{org.user('rep1@local.test')['ProfileId']}'"
    )
    admin.change("PermissionSet", owned["Id"], PermissionsConvertLeads=False)

    code, message, _ = refusal(rep, lead)
    assert code == "INSUFFICIENT_ACCESS_OR_READONLY"
    assert message == "insufficient access rights on object id"


def test_a_contact_of_another_account_is_refused(admin):
    contact = admin.create("Contact", LastName="X")
    account = admin.create("Account", Name="A")

    code, message, fields = refusal(admin, admin.create(), account_id=account, contact_id=contact)
    assert (code, fields) == ("INVALID_ID_FIELD", ("contactId",))
    assert message == "contactId is of another account than the one of the conversion"


def test_who_may_not_create_what_a_lead_becomes_does_not_convert_it(org, admin):
    rep = Caller(org, "rep1@local.test")
    profile = org.user("rep1@local.test")["ProfileId"]
    [grant] = admin.rows(
        "SELECT Id FROM ObjectPermissions WHERE SobjectType = 'Opportunity' "
        f"AND Parent.ProfileId = '{profile}'"
    )
    admin.change("ObjectPermissions", grant["Id"], PermissionsCreate=False)

    assert refusal(rep, rep.create())[0] == "INSUFFICIENT_ACCESS_OR_READONLY"
    assert convert(rep, rep.create(), with_opportunity=False)


def test_a_record_to_merge_into_must_be_there(admin):
    account = admin.create("Account", Name="A")
    told = [refusal(admin, admin.create(), account_id=i) for i in ("001000000000zzz", admin.id)]
    admin.delete(account)
    told.append(refusal(admin, admin.create(), account_id=account))

    assert [code for code, *_ in told] == [
        "INVALID_CROSS_REFERENCE_KEY",
        "INVALID_CROSS_REFERENCE_KEY",
        "ENTITY_IS_DELETED",
    ]


@pytest.mark.parametrize(
    ("lead_id", "code"),
    [
        ("00Q00000000zzzz", "INVALID_CROSS_REFERENCE_KEY"),
        ("001", "MALFORMED_ID"),
        ("", "REQUIRED_FIELD_MISSING"),
    ],
)
def test_without_the_lead_nothing_is_converted(admin, lead_id, code):
    assert refusal(admin, lead_id)[0] == code


def test_a_refused_conversion_leaves_nothing(org, admin, commits):
    extend(org, rules=[rule("IsConverted")])
    lead = admin.create()
    del commits[:]

    code, message, _ = refusal(admin, lead)
    assert (code, message) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "No.")
    assert admin.rows("SELECT Id FROM Account") == []
    assert admin.read("Lead", lead, "IsConverted") is False
    assert commits == []


def test_of_several_leads_each_is_converted_by_itself_unless_all_or_none_is_asked_for(org, admin):
    good, done = admin.create(), admin.create()
    convert(admin, done)
    requests = [LeadConvert(lead, CONVERTED) for lead in (good, done)]

    [first, second] = org.actions.convert(admin.session, requests, all_or_none=True)
    assert first.errors[0].code == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert second.errors[0].code == "CANNOT_UPDATE_CONVERTED_LEAD"
    assert admin.read("Lead", good, "IsConverted") is False
    assert [r.success for r in org.actions.convert(admin.session, requests)] == [True, False]
