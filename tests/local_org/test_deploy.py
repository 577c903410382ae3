"""A deploy really changes the org: fields, rules, grants, channels and reports take effect."""

from __future__ import annotations

from datetime import timedelta

import pytest

from local_org.errors import OrgError
from tests.metadata.deploying import Admin, manifest, xml
from tests.metadata.packing import shipped

pytestmark = pytest.mark.documented("Metadata API Developer Guide: deploy()")

RATING = """<fields><fullName>Score__c</fullName><label>Score</label><precision>4</precision>
<scale>1</scale><type>Number</type></fields>"""
SCORE = {
    "package.xml": manifest(CustomField="Lead.Score__c"),
    "objects/Lead.object": xml("CustomObject", RATING),
}
NOTHING = {"package.xml": manifest()}


@pytest.fixture
def admin():
    return Admin()


@pytest.fixture
def packaged(admin, tmp_path):
    assert admin.deploy_package(tmp_path / "src").status == "Succeeded"
    return admin


def lead(admin, **values):
    values = {"LastName": "Doe", "Company": "ACME"} | values
    [result] = admin.org.insert(admin.session, [("Lead", values)])
    assert result.success, result.errors
    return result.id


def visible(admin, username):
    fields = admin.org.describe(admin.session_of(username), "Lead", "66.0")["fields"]
    return {field["name"] for field in fields if field["custom"]}


def test_a_field_does_not_exist_before_its_deploy(admin):
    with pytest.raises(OrgError) as refused:
        admin.rows("SELECT First_Response_At__c FROM Lead")
    assert refused.value.code == "INVALID_FIELD"


def test_a_deployed_field_is_invisible_until_a_permission_set_grants_it(packaged):
    with pytest.raises(OrgError) as refused:
        packaged.rows("SELECT First_Response_At__c FROM Lead")
    assert refused.value.code == "INVALID_FIELD"
    assert visible(packaged, "admin@local.test") == set()
    packaged.assign("Speed_to_Lead_Admin", "admin@local.test")
    assert sorted(visible(packaged, "admin@local.test")) == shipped("objects/Lead/fields/*")
    assert packaged.rows("SELECT First_Response_At__c FROM Lead") == []


def test_a_formula_field_is_computed_from_the_stamps(packaged):
    packaged.assign("Speed_to_Lead_Admin", "admin@local.test")
    stamp = {
        "First_Response_At__c": "2026-11-02T10:02:30.000Z",
        "First_Response_Source__c": "Call",
    }
    lead(packaged, **stamp)
    assert packaged.rows("SELECT Time_to_First_Response__c FROM Lead") == [
        {"Time_to_First_Response__c": 2.5}
    ]


def test_a_validation_rule_refuses_with_its_message_on_its_field(packaged):
    packaged.assign("Speed_to_Lead_Sidecar", "admin@local.test")
    stamp = {
        "First_Response_At__c": "2026-11-02T10:02:00.000Z",
        "First_Response_Source__c": "Call",
    }
    lead_id = lead(packaged, **stamp)
    later = {"First_Response_At__c": "2026-11-02T10:03:00.000Z"}
    [result] = packaged.org.update(packaged.session, [("Lead", lead_id, later)])
    [error] = result.errors
    assert error.code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert error.message == "STL-001: First Response At may only move earlier."
    assert error.fields == ("First_Response_At__c",)


def test_a_custom_permission_lifts_the_rule_that_asks_for_it(packaged):
    packaged.assign("Speed_to_Lead_Admin", "admin@local.test")
    stamp = {
        "First_Response_At__c": "2026-11-02T10:02:00.000Z",
        "First_Response_Source__c": "Call",
    }
    lead_id = lead(packaged, **stamp)
    later = {"First_Response_At__c": "2026-11-02T10:03:00.000Z"}
    [result] = packaged.org.update(packaged.session, [("Lead", lead_id, later)])
    assert result.success, result.errors


def test_a_permission_set_gives_a_user_rights_that_the_profile_lacks(packaged):
    session = packaged.session_of("sidecar@local.test")
    assert not packaged.org.access(session).readable("Lead")
    packaged.assign("Speed_to_Lead_Sidecar", "sidecar@local.test")
    access = packaged.org.access(session)
    assert {"ApiEnabled", "ViewAllData"} <= access.permissions
    assert access.editable("Lead")
    assert not access.createable("Lead")
    assert access.field_editable("Lead", "First_Response_At__c")
    assert access.field_readable("Task", "WhoId")
    assert not access.field_editable("Lead", "Time_to_First_Response__c")


def test_a_permission_set_that_is_deployed_again_loses_what_it_no_longer_names(packaged):
    packaged.assign("Speed_to_Lead_Analyst", "rep1@local.test")
    assert visible(packaged, "rep1@local.test")
    less = {
        "package.xml": manifest(PermissionSet="Speed_to_Lead_Analyst"),
        "permissionsets/Speed_to_Lead_Analyst.permissionset": xml(
            "PermissionSet", "<label>A</label>"
        ),
    }
    assert packaged.deploy(less).success
    assert visible(packaged, "rep1@local.test") == set()


def test_a_profile_that_is_deployed_keeps_what_it_does_not_name(packaged):
    grant = """<fieldPermissions><editable>true</editable><field>Lead.Policy_Version__c</field>
    <readable>true</readable></fieldPermissions>"""
    files = {
        "package.xml": manifest(Profile="Admin"),
        "profiles/Admin.profile": xml("Profile", grant),
    }
    result = packaged.deploy(files)
    assert result.success, result.failures
    [message] = [m for m in result.successes if m.component_type == "Profile"]
    assert not message.created
    access = packaged.org.access(packaged.session)
    assert access.field_editable("Lead", "Policy_Version__c")
    assert access.editable("Lead")
    assert "ModifyAllData" in access.permissions


def test_a_channel_carries_the_events_of_its_members_with_their_enrichment(packaged):
    topic = packaged.org.bus.topic("/data/SpeedToLead__chn")
    assert set(topic.members) == {"EmailMessage", "Lead", "Task"}
    assert topic.members["Lead"].enriched == ("OwnerId", "Status", "IsConverted")


def test_a_report_and_its_folder_are_records(packaged):
    rows = packaged.rows("SELECT Name, DeveloperName, FolderName, Format FROM Report")
    assert sorted(row["DeveloperName"] for row in rows) == shipped("reports/*/*")
    assert [row for row in rows if row["DeveloperName"] == "Lead_TTFR"] == [
        {
            "Name": "Lead TTFR",
            "DeveloperName": "Lead_TTFR",
            "FolderName": "Sales Ops KPIs",
            "Format": "Summary",
        }
    ]


def test_a_queue_can_own_leads(admin):
    body = "<name>Inbound</name><queueSobject><sobjectType>Lead</sobjectType></queueSobject>"
    files = {
        "package.xml": manifest(Queue="Inbound"),
        "queues/Inbound.queue": xml("Queue", body),
    }
    assert admin.deploy(files).success
    assert (
        admin.rows("SELECT Queue.DeveloperName, SobjectType FROM QueueSobject")[0]["SobjectType"]
        == "Lead"
    )


def test_every_component_is_told_with_its_id_and_whether_it_is_new(admin, tmp_path):
    first = admin.deploy_package(tmp_path / "one")
    again = admin.deploy_package(tmp_path / "two")
    components = [m for m in first.successes if m.component_type]
    assert all(m.created and m.changed and m.id for m in components)
    ids = {(m.component_type, m.full_name): m.id for m in components}
    components = [m for m in again.successes if m.component_type]
    assert not any(m.created or m.changed for m in components)
    assert {(m.component_type, m.full_name): m.id for m in components} == ids
    assert again.deployed == again.total == len(components) >= len(shipped("**/*"))


def test_a_validation_checks_everything_and_keeps_nothing(admin):
    result = admin.deploy(SCORE, check_only=True)
    assert (result.status, result.check_only) == ("Succeeded", True)
    assert admin.org.schema.object("Lead").get("Score__c") is None
    assert admin.org.store.document("CustomField", "Lead.Score__c") is None


def test_what_a_validation_has_checked_can_be_deployed_at_once(admin):
    validation = admin.deploy(SCORE, check_only=True)
    result = admin.org.quick_deploy(admin.session, validation.id)
    assert (result.status, result.check_only) == ("Succeeded", False)
    assert result.id != validation.id
    assert admin.org.schema.object("Lead").get("Score__c") is not None


def test_a_validation_of_eleven_days_ago_is_no_longer_recent(admin):
    """After ten days a validation must be made again."""
    validation = admin.deploy(SCORE, check_only=True)
    admin.org.clock.advance(timedelta(days=11))
    with pytest.raises(OrgError) as refused:
        admin.org.quick_deploy(admin.session, validation.id)
    assert refused.value.code == "INVALID_CROSS_REFERENCE_KEY"


@pytest.mark.inferred(
    "wording ours; settled by: cancelDeploy() of a completed deploy in a real org"
)
def test_a_deploy_that_is_over_cannot_be_canceled(admin):
    """Every deploy is over when its call returns, so none can be canceled."""
    done = admin.deploy(SCORE)
    with pytest.raises(OrgError) as refused:
        admin.org.cancel_deploy(admin.session, done.id)
    assert (refused.value.code, refused.value.message) == (
        "INVALID_ID_FIELD",
        "Deployment already completed",
    )


def test_a_failed_validation_cannot_be_deployed(admin):
    broken = {**SCORE, "objects/Lead.object": xml("CustomObject", RATING.replace("Number", "N"))}
    validation = admin.deploy(broken, check_only=True)
    with pytest.raises(OrgError) as refused:
        admin.org.quick_deploy(admin.session, validation.id)
    assert refused.value.code == "INVALID_CROSS_REFERENCE_KEY"


BAD = "<fields><fullName>Bad__c</fullName><label>Bad</label><type>Text</type></fields>"
HALF = {
    "package.xml": manifest(CustomField=["Lead.Score__c", "Lead.Bad__c"]),
    "objects/Lead.object": xml("CustomObject", BAD + RATING),
}


def test_one_failure_leaves_nothing_behind(admin):
    result = admin.deploy(HALF)
    assert (result.status, result.deployed, len(result.failures)) == ("Failed", 1, 1)
    assert admin.org.schema.object("Lead").get("Score__c") is None


def test_without_rollback_the_good_components_stay(admin):
    result = admin.deploy(HALF, rollback_on_error=False)
    assert result.status == "SucceededPartial"
    assert admin.org.schema.object("Lead").get("Score__c") is not None
    assert admin.org.schema.object("Lead").get("Bad__c") is None


def test_the_result_can_be_asked_for_again(admin):
    result = admin.deploy(SCORE)
    assert admin.org.deploy_result(admin.session, result.id) == result
    with pytest.raises(OrgError) as refused:
        admin.org.deploy_result(admin.session, "0Af000000000099AAA")
    assert refused.value.code == "INVALID_CROSS_REFERENCE_KEY"


def test_what_was_deployed_is_still_there_when_the_org_is_opened_again(tmp_path):
    admin = Admin(tmp_path / "org")
    admin.deploy_package(tmp_path / "src")
    deployed = admin.org.schema.object("Lead")
    admin.org.close()
    again = Admin(tmp_path / "org")
    assert again.org.schema.object("Lead") == deployed
    assert again.org.bus.topic("/data/SpeedToLead__chn") is not None
    again.org.close()


def test_only_a_user_who_may_modify_metadata_may_deploy(admin):
    session = admin.session_of("rep1@local.test")
    with pytest.raises(OrgError) as refused:
        admin.org.retrieve_result(session, "09S")
    assert refused.value.code == "INSUFFICIENT_ACCESS"


# Deleting ------------------------------------------------------------------------------------


def destroy(**types):
    return {**NOTHING, "destructiveChanges.xml": manifest(**types)}


def test_a_deleted_field_is_gone_with_its_values_and_grants(packaged):
    packaged.assign("Speed_to_Lead_Admin", "admin@local.test")
    lead(packaged, Policy_Version__c="1.0.0")
    result = packaged.deploy(destroy(CustomField="Lead.Policy_Version__c"))
    assert result.success, result.failures
    [message] = [m for m in result.successes if m.component_type]
    assert (message.full_name, message.deleted) == ("Lead.Policy_Version__c", True)
    with pytest.raises(OrgError):
        packaged.rows("SELECT Policy_Version__c FROM Lead")
    grants = packaged.rows("SELECT Field FROM FieldPermissions WHERE SobjectType = 'Lead'")
    assert "Lead.Policy_Version__c" not in {each["Field"] for each in grants}


def test_a_permission_set_no_longer_names_a_deleted_field(packaged):
    name = "Speed_to_Lead_Admin"
    assert packaged.deploy(destroy(CustomField="Lead.Policy_Version__c")).success
    _, files = packaged.retrieve(PermissionSet=name)
    body = files[f"unpackaged/permissionsets/{name}.permissionset"]
    assert b"Lead.Response_Due_At__c" in body
    assert b"Lead.Policy_Version__c" not in body
    again = {
        "package.xml": manifest(PermissionSet=name),
        f"permissionsets/{name}.permissionset": body,
    }
    assert packaged.deploy(again).success


def test_what_the_org_came_with_is_not_deleted(packaged):
    files = {
        "package.xml": manifest(Profile="Admin"),
        "profiles/Admin.profile": xml("Profile", "<custom>false</custom>"),
    }
    assert packaged.deploy(files).success
    assert packaged.refusal(destroy(Profile="Admin")).problem.startswith("Cannot delete standard")


def test_a_field_that_a_rule_names_is_not_deleted(packaged):
    failure = packaged.refusal(destroy(CustomField="Lead.First_Response_At__c"))
    assert failure.problem.startswith("This custom field is referenced elsewhere")
    assert packaged.org.schema.object("Lead").get("First_Response_At__c") is not None


def test_a_field_that_a_channel_is_enriched_with_is_not_deleted(admin):
    number = "<fields><fullName>A__c</fullName><label>A</label><type>Date</type></fields>"
    member = (
        "<enrichedFields><name>A__c</name></enrichedFields><eventChannel>ChangeEvents"
        "</eventChannel><selectedEntity>LeadChangeEvent</selectedEntity>"
    )
    name = "ChangeEvents_LeadChangeEvent"
    files = {
        "package.xml": manifest(CustomField="Lead.A__c", PlatformEventChannelMember=name),
        "objects/Lead.object": xml("CustomObject", number),
        f"platformEventChannelMembers/{name}.platformEventChannelMember": xml(
            "PlatformEventChannelMember", member
        ),
    }
    assert admin.deploy(files).success
    assert name in admin.refusal(destroy(CustomField="Lead.A__c")).problem


def test_a_field_of_the_name_of_a_deleted_one_inherits_no_values(packaged):
    packaged.assign("Speed_to_Lead_Admin", "admin@local.test")
    lead(packaged, Policy_Version__c="1.0.0")
    text = """<fields><fullName>Policy_Version__c</fullName><label>P</label><length>80</length>
    <type>Text</type></fields>"""
    grant = """<label>A</label><fieldPermissions><editable>true</editable>
    <field>Lead.Policy_Version__c</field><readable>true</readable></fieldPermissions>"""
    name = "Speed_to_Lead_Admin"
    files = {
        "package.xml": manifest(CustomField="Lead.Policy_Version__c", PermissionSet=name),
        "objects/Lead.object": xml("CustomObject", text),
        f"permissionsets/{name}.permissionset": xml("PermissionSet", grant),
        "destructiveChangesPre.xml": manifest(CustomField="Lead.Policy_Version__c"),
    }
    result = packaged.deploy(files)
    assert result.success, result.failures
    assert packaged.rows("SELECT Policy_Version__c FROM Lead") == [{"Policy_Version__c": None}]


def test_a_folder_goes_only_when_it_is_empty(packaged):
    failure = packaged.refusal(destroy(Report="SalesOpsKPIs"))
    assert failure.problem == "The folder SalesOpsKPIs is not empty"
    reports = [f"SalesOpsKPIs/{name}" for name in shipped("reports/*/*")]
    assert packaged.deploy(destroy(Dashboard="SalesOpsKPIs/Sales_Ops_KPIs")).success
    assert packaged.deploy(destroy(Report=["SalesOpsKPIs", *reports])).success
    assert packaged.rows("SELECT Id FROM Report") == []


def test_deleting_what_is_not_there_is_a_warning(admin):
    result = admin.deploy(destroy(CustomField="Lead.Nope__c"), ignore_warnings=True)
    [message] = [m for m in result.messages if m.component_type]
    assert (result.status, message.problem_type) == ("Succeeded", "Warning")
    assert message.problem == "No CustomField named: Lead.Nope__c found"
    strict = admin.deploy(destroy(CustomField="Lead.Nope__c"))
    assert strict.status == "Failed"


MUTED = """<fieldPermissions><editable>true</editable><field>Lead.Policy_Version__c</field>
<readable>true</readable></fieldPermissions><label>Mute</label>"""
MUTING = {
    "package.xml": manifest(MutingPermissionSet="Mute", PermissionSetGroup="Quiet"),
    "mutingpermissionsets/Mute.mutingpermissionset": xml("MutingPermissionSet", MUTED),
    "permissionsetgroups/Quiet.permissionsetgroup": xml(
        "PermissionSetGroup",
        "<label>Quiet</label><mutingPermissionSets>Mute</mutingPermissionSets>"
        "<permissionSets>Speed_to_Lead_Analyst</permissionSets>",
    ),
}


def test_what_a_muting_permission_set_names_the_group_does_not_grant(packaged):
    """A user of the group sees what its sets grant, without what is muted; deleting it unmutes."""
    assert packaged.deploy(MUTING).success
    [group] = packaged.rows("SELECT Id FROM PermissionSetGroup WHERE DeveloperName = 'Quiet'")
    user = packaged.org.user("rep1@local.test")["Id"]
    values = {"PermissionSetGroupId": group["Id"], "AssigneeId": user}
    [result] = packaged.org.insert(packaged.session, [("PermissionSetAssignment", values)])
    assert result.success, result.errors
    seen = visible(packaged, "rep1@local.test")
    assert "First_Response_At__c" in seen
    assert "Policy_Version__c" not in seen
    gone = {
        "package.xml": manifest(),
        "destructiveChanges.xml": manifest(MutingPermissionSet="Mute"),
    }
    assert packaged.deploy(gone).success
    assert "Policy_Version__c" in visible(packaged, "rep1@local.test")


def test_a_profile_that_is_not_there_is_made(admin):
    """A custom profile grants nothing but what its file says, and is retrieved by its name."""
    grant = """<custom>true</custom><objectPermissions><allowCreate>false</allowCreate>
<allowDelete>false</allowDelete><allowEdit>false</allowEdit><allowRead>true</allowRead>
<modifyAllRecords>false</modifyAllRecords><object>Lead</object>
<viewAllRecords>false</viewAllRecords></objectPermissions><userLicense>Salesforce</userLicense>
<userPermissions><enabled>true</enabled><name>ApiEnabled</name></userPermissions>"""
    files = {
        "package.xml": manifest(Profile="Caller"),
        "profiles/Caller.profile": xml("Profile", grant),
    }
    result = admin.deploy(files)
    assert result.success, result.failures
    assert [m.created for m in result.successes if m.component_type == "Profile"] == [True]
    [profile] = admin.rows("SELECT Id FROM Profile WHERE Name = 'Caller'")
    rep = admin.org.user("rep1@local.test")["Id"]
    [changed] = admin.org.update(admin.session, [("User", rep, {"ProfileId": profile["Id"]})])
    assert changed.success, changed.errors
    access = admin.org.access(admin.session_of("rep1@local.test"))
    assert access.permissions == {"ApiEnabled"}
    assert (access.readable("Lead"), access.createable("Lead")) == (True, False)
    _, back = admin.retrieve(Profile="Caller", CustomObject="Lead")
    assert b"<allowRead>true</allowRead>" in back["unpackaged/profiles/Caller.profile"]
    again = admin.deploy(files)
    assert [m.created for m in again.successes if m.component_type == "Profile"] == [False]
    nobody = {**files, "profiles/Caller.profile": xml("Profile", "<userLicense>Gold</userLicense>")}
    nobody["package.xml"] = manifest(Profile="Other")
    nobody["profiles/Other.profile"] = nobody.pop("profiles/Caller.profile")
    assert (
        admin.refusal(nobody).problem == "In field: userLicense - no UserLicense named Gold found"
    )


TESTED = {
    "package.xml": manifest(ApexClass=["Foo", "Foo_TEST"]),
    "classes/Foo.cls": "public class Foo {}",
    "classes/Foo_TEST.cls": "@IsTest class Foo_TEST {}",
    **{
        f"classes/{name}.cls-meta.xml": xml(
            "ApexClass", "<apiVersion>62.0</apiVersion><status>Active</status>"
        )
        for name in ("Foo", "Foo_TEST")
    },
}


@pytest.mark.inferred("it says that it runs no Apex; settled by: nothing, a real org runs it")
def test_a_deploy_that_is_to_run_tests_fails_with_each_of_them(admin):
    """Tests that are asked for and cannot run never count as passed; without them it deploys."""
    failed = admin.deploy(TESTED, test_level="RunLocalTests")
    assert (failed.status, failed.tests_asked) == ("Failed", True)
    assert [name for _, name in failed.test_failures] == ["Foo_TEST"]
    assert admin.org.list_metadata(admin.session, [("ApexClass", None)]) == []
    named = admin.deploy(TESTED, test_level="RunSpecifiedTests", run_tests=("Foo",))
    assert [name for _, name in named.test_failures] == ["Foo"]
    assert admin.org.deploy_result(admin.session, named.id) == named
    assert admin.deploy(TESTED, test_level="NoTestRun").success


def test_a_deploy_with_tests_where_there_are_none_succeeds(admin):
    """An org without test classes runs none and says so."""
    done = admin.deploy(SCORE, test_level="RunLocalTests", check_only=True)
    assert (done.success, done.tests_asked, done.test_failures) == (True, True, ())
    assert admin.org.quick_deploy(admin.session, done.id).success
