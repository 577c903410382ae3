"""The Tooling API answers what cci and sf ask of it, and says that there is no Apex."""

from __future__ import annotations

import pytest

from tests.metadata.deploying import Admin, Wire, manifest, xml
from tests.metadata.packing import shipped

pytestmark = pytest.mark.documented("facts/real-clients.md 5.8")

TOOLING = "/services/data/v66.0/tooling"
FIELD = "<fields><fullName>Score__c</fullName><label>S</label><type>Date</type></fields>"
FILES = {
    "package.xml": manifest(CustomField="Lead.Score__c"),
    "objects/Lead.object": xml("CustomObject", FIELD),
}


@pytest.fixture
def admin():
    return Admin()


@pytest.fixture
def wire(admin):
    return Wire(admin)


def query(wire, soql, version="66.0"):
    response = wire.call("GET", f"/services/data/v{version}/tooling/query/", params={"q": soql})
    assert response.status_code == 200, response.text
    return response.json()


def test_sf_reads_the_members_that_a_deploy_has_changed(admin, wire):
    fields = (
        "MemberIdOrName, MemberType, MemberName, IsNameObsolete, RevisionCounter, IsNewMember, "
        "ChangedBy, LastModifiedDate"
    )
    admin.deploy(FILES)
    answer = query(wire, f"SELECT {fields} FROM SourceMember WHERE RevisionCounter > 0")
    [member] = answer["records"]
    assert len(member["MemberIdOrName"]) == 15
    assert {k: member[k] for k in ("MemberType", "MemberName", "RevisionCounter")} == {
        "MemberType": "CustomField",
        "MemberName": "Lead.Score__c",
        "RevisionCounter": 1,
    }
    assert (member["IsNameObsolete"], member["IsNewMember"]) == (False, True)
    assert member["ChangedBy"] == admin.session.user_id
    assert member["LastModifiedDate"] == "2026-11-02T10:00:00.000+0000"
    assert member["attributes"]["type"] == "SourceMember"
    assert query(wire, "SELECT Id FROM SourceMember WHERE RevisionCounter > 1")["totalSize"] == 0


def test_cci_reads_them_at_its_own_version(wire):
    fields = "MemberName, MemberType, RevisionCounter"
    answer = query(wire, f"SELECT {fields} FROM SourceMember WHERE IsNameObsolete=false", "48.0")
    assert (answer["totalSize"], answer["done"], answer["records"]) == (0, True, [])


def test_no_object_of_a_fresh_org_is_managed(wire):
    soql = (
        "SELECT DeveloperName, NamespacePrefix FROM CustomObject "
        "WHERE ManageableState != 'unmanaged'"
    )
    assert query(wire, soql)["records"] == []


def test_there_are_no_apex_classes_to_test(wire):
    soql = "SELECT Id, Name FROM ApexClass WHERE NamespacePrefix = null AND (Name LIKE '%_TEST%')"
    assert query(wire, soql, "38.0")["totalSize"] == 0


@pytest.mark.inferred("a subset of the fields; settled by: the Tooling describe of a real org")
def test_deployed_fields_and_rules_can_be_queried(admin, wire, tmp_path):
    admin.deploy_package(tmp_path / "src")
    soql = "SELECT COUNT() FROM CustomField WHERE TableEnumOrId = 'Lead'"
    assert query(wire, soql)["totalSize"] == len(shipped("objects/Lead/fields/*"))
    soql = "SELECT Active, ErrorMessage FROM ValidationRule ORDER BY ValidationName LIMIT 1"
    [rule] = query(wire, soql)["records"]
    assert rule["Active"] is True
    assert rule["ErrorMessage"].startswith("STL-003: ")


def test_records_are_no_tooling_objects(wire):
    response = wire.call("GET", f"{TOOLING}/query", params={"q": "SELECT Id FROM Lead"})
    assert response.json()[0]["errorCode"] == "INVALID_TYPE"


def test_a_tracked_org_describes_source_members(wire):
    response = wire.call("GET", f"{TOOLING}/sobjects/SourceMember/describe")
    assert response.status_code == 200
    assert "RevisionCounter" in {field["name"] for field in response.json()["fields"]}
    listed = wire.call("GET", f"{TOOLING}/sobjects").json()["sobjects"]
    assert "SourceMember" in {each["name"] for each in listed}
    response = wire.call("GET", f"{TOOLING}/sobjects/Nope/describe")
    assert response.status_code == 404
    assert response.json()[0]["message"] == "The requested resource does not exist"


def execute(wire, body):
    path = f"{TOOLING}/executeAnonymous/"
    return wire.call("GET", path, params={"anonymousBody": body}).json()


def test_aborting_all_jobs_succeeds_as_there_are_none(wire):
    body = "\nfor (CronTrigger t : [SELECT Id FROM CronTrigger]) { System.abortJob(t.Id); }"
    assert execute(wire, body) == {
        "line": -1,
        "column": -1,
        "compiled": True,
        "success": True,
        "compileProblem": None,
        "exceptionStackTrace": None,
        "exceptionMessage": None,
    }


@pytest.mark.inferred("it says that it cannot; settled by: nothing, a real org runs it")
def test_any_other_apex_does_not_compile(wire):
    answer = execute(wire, "System.debug('hello');")
    assert (answer["compiled"], answer["success"]) == (False, False)
    assert answer["compileProblem"] == "Apex is not supported by this org"
    assert (answer["line"], answer["column"]) == (1, 1)


APEX = {
    "package.xml": manifest(ApexClass=["Foo", "Foo_TEST"]),
    "classes/Foo.cls": "public class Foo {}",
    "classes/Foo_TEST.cls": "@isTest class Foo_TEST { @isTest static void works() {} }",
    **{
        f"classes/{name}.cls-meta.xml": xml(
            "ApexClass", "<apiVersion>62.0</apiVersion><status>Active</status>"
        )
        for name in ("Foo", "Foo_TEST")
    },
}
TEST_CLASSES = (
    "SELECT Id, Name FROM ApexClass WHERE NamespacePrefix = null AND (Name LIKE '%_TEST%')"
)
RESULTS = """
SELECT Id,ApexClassId,TestTimestamp,
       Message,MethodName,Outcome,
       RunTime,StackTrace,
       (SELECT
          Id,Callouts,AsyncCalls,DmlRows,Email,
          LimitContext,LimitExceptions,MobilePush,
          QueryRows,Sosl,Cpu,Dml,Soql
        FROM ApexTestResults)
FROM ApexTestResult
WHERE AsyncApexJobId='{}'
"""


def run(wire, path, **asked):
    return wire.call("POST", f"{TOOLING}/{path}", json=asked)


def test_a_stored_class_is_listed_with_its_body_and_is_not_valid(admin, wire):
    """A deployed class can be queried; it says that it was never compiled."""
    admin.deploy(APEX)
    soql = "SELECT Name, ApiVersion, Status, IsValid, Body FROM ApexClass WHERE Name = 'Foo'"
    [found] = query(wire, soql)["records"]
    assert found["Body"] == "public class Foo {}"
    assert (found["ApiVersion"], found["Status"], found["IsValid"]) == (62.0, "Active", False)


def test_a_run_of_stored_tests_fails_each_class_and_passes_none(admin, wire):
    """Cci sees its test class fail with the reason, and no method pass."""
    admin.deploy(APEX)
    [test_class] = query(wire, TEST_CLASSES, "38.0")["records"]
    response = run(wire, "runTestsAsynchronous", classids=test_class["Id"])
    assert (response.status_code, len(response.json())) == (200, 15)
    job = response.json()
    soql = (
        "SELECT Id, Status, ExtendedStatus, ApexClassId FROM ApexTestQueueItem "
        f"WHERE ParentJobId = '{job}' AND Status = 'Failed'"
    )
    [item] = query(wire, soql)["records"]
    assert item["ApexClassId"] == test_class["Id"]
    assert item["ExtendedStatus"] == "Apex does not run in this org"
    assert query(wire, RESULTS.format(job))["totalSize"] == 0
    soql = f"SELECT Status, MethodsCompleted FROM ApexTestRunResult WHERE AsyncApexJobId = '{job}'"
    [result] = query(wire, soql)["records"]
    assert (result["Status"], result["MethodsCompleted"]) == ("Failed", 0)


def test_an_org_without_tests_runs_none(wire):
    """Asked for all local tests where there are none, a run has no items."""
    job = run(wire, "runTestsAsynchronous", testLevel="RunLocalTests").json()
    soql = f"SELECT Id FROM ApexTestQueueItem WHERE ParentJobId = '{job}'"
    assert query(wire, soql)["totalSize"] == 0
    answer = run(wire, "runTestsSynchronous", testLevel="RunLocalTests").json()
    assert (answer["numTestsRun"], answer["successes"], answer["failures"]) == (0, [], [])


def test_a_level_means_the_classes_that_hold_tests(admin, wire):
    """Run at once, only the class with @isTest is among the failures."""
    admin.deploy(APEX)
    answer = run(wire, "runTestsSynchronous", testLevel="RunLocalTests").json()
    assert [failure["name"] for failure in answer["failures"]] == ["Foo_TEST"]
    by_name = run(wire, "runTestsSynchronous", tests=[{"className": "Foo"}]).json()
    assert [failure["name"] for failure in by_name["failures"]] == ["Foo"]


@pytest.mark.inferred("code and words ours; settled by: the same call to a real org")
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"classids": "01p000000000009AAA"}, "The class 01p000000000009AAA does not exist"),
        ({}, "No tests to run"),
    ],
)
def test_a_run_of_what_is_not_there_is_refused(wire, asked, words):
    """A class that is not there, or none at all, is an invalid input."""
    response = run(wire, "runTestsAsynchronous", **asked)
    [error] = response.json()
    assert (response.status_code, error["errorCode"]) == (400, "INVALID_INPUT")
    assert words in error["message"]


@pytest.mark.recorded("CumulusCI cassettes, recorded.jsonl lines 16 to 19")
@pytest.mark.parametrize(
    ("soql", "entity", "records"),
    [
        (
            (
                "SELECT SubscriberPackage.Id, SubscriberPackage.NamespacePrefix, "
                "SubscriberPackageVersionId FROM InstalledSubscriberPackage"
            ),
            None,
            [],
        ),
        (
            (
                "SELECT Id, MajorVersion, MinorVersion, PatchVersion, BuildNumber, IsBeta "
                "FROM SubscriberPackageVersion WHERE Id='04ti0000000GSu9AAG'"
            ),
            None,
            [],
        ),
        (
            (
                "SELECT ApexClassOrTrigger.Name, ApexClassOrTriggerId, NumLinesCovered, "
                "NumLinesUncovered FROM ApexCodeCoverageAggregate ORDER BY ApexClassOrTrigger.Name ASC"
            ),
            None,
            [],
        ),
        ("SELECT PercentCovered FROM ApexOrgWideCoverage", "ApexOrgWideCoverage", [0]),
    ],
)
def test_an_org_without_packages_and_coverage_answers_in_the_recorded_shape(
    wire, soql, entity, records
):
    """What cci asks of packages and coverage is answered with nothing, in the recorded keys."""
    answer = query(wire, soql)
    assert answer.keys() == {
        "size",
        "totalSize",
        "done",
        "queryLocator",
        "entityTypeName",
        "records",
    }
    assert answer["entityTypeName"] == entity
    assert [record["PercentCovered"] for record in answer["records"]] == records


def test_every_object_and_field_has_a_definition(admin, wire, tmp_path):
    """EntityDefinition and FieldDefinition tell of standard and deployed things alike."""
    admin.deploy_package(tmp_path / "src")
    soql = "SELECT QualifiedApiName, KeyPrefix, IsQueryable FROM EntityDefinition WHERE DurableId = 'Lead'"
    [lead] = query(wire, soql)["records"]
    assert (lead["QualifiedApiName"], lead["KeyPrefix"], lead["IsQueryable"]) == (
        "Lead",
        "00Q",
        True,
    )
    soql = (
        "SELECT QualifiedApiName, DataType, EntityDefinition.Label FROM FieldDefinition "
        "WHERE EntityDefinition.QualifiedApiName = 'Lead' AND QualifiedApiName LIKE '%!_!_c' "
        "ORDER BY QualifiedApiName"
    ).replace("!", "\\")
    fields = {each["QualifiedApiName"]: each for each in query(wire, soql)["records"]}
    assert sorted(fields) == shipped("objects/Lead/fields/*")
    assert fields["Policy_Version__c"]["DataType"].startswith("Text(")
    assert fields["First_Response_User__c"]["DataType"] == "Lookup(User)"
    assert fields["Time_to_First_Response__c"]["DataType"] == "Formula (Number)"
    assert fields["First_Response_At__c"]["EntityDefinition"]["Label"] == "Lead"
    soql = "SELECT (SELECT QualifiedApiName FROM Fields LIMIT 2) FROM EntityDefinition "
    soql += "WHERE DurableId = 'Lead'"
    [entity] = query(wire, soql)["records"]
    assert entity["Fields"]["totalSize"] == 2
    soql = "SELECT COUNT() FROM FieldDefinition WHERE EntityDefinitionId = 'Lead'"
    assert query(wire, soql)["totalSize"] == len(admin.org.schema.object("Lead").fields)


def test_a_flow_is_listed_as_a_draft_without_an_active_version(admin, wire):
    """A flow deployed as active is stored and listed, and no version of it is active."""
    flow = """<label>Keep</label><processType>AutoLaunchedFlow</processType>
<start><locationX>0</locationX><locationY>0</locationY></start><status>Active</status>"""
    files = {"package.xml": manifest(Flow="Keep"), "flows/Keep.flow": xml("Flow", flow)}
    assert admin.deploy(files).success
    soql = (
        "SELECT Id, ActiveVersion.VersionNumber, LatestVersion.VersionNumber, DeveloperName "
        "FROM FlowDefinition WHERE DeveloperName IN ('Keep')"
    )
    [definition] = query(wire, soql)["records"]
    assert definition["ActiveVersion"] is None
    assert definition["LatestVersion"]["VersionNumber"] == 1
    [version] = query(wire, "SELECT Status, DefinitionId FROM Flow")["records"]
    assert (version["Status"], version["DefinitionId"]) == ("Draft", definition["Id"])


def test_channels_members_and_deployed_objects_are_rows(admin, wire, tmp_path):
    """What was deployed is found under the names of its Tooling object."""
    admin.deploy_package(tmp_path / "src")
    [channel] = query(wire, "SELECT DeveloperName, ChannelType FROM PlatformEventChannel")[
        "records"
    ]
    assert (channel["DeveloperName"], channel["ChannelType"]) == ("SpeedToLead", "data")
    soql = "SELECT SelectedEntity FROM PlatformEventChannelMember ORDER BY SelectedEntity LIMIT 1"
    assert query(wire, soql)["records"][0]["SelectedEntity"] == "EmailMessageChangeEvent"
    soql = "SELECT DeveloperName, CreatedBy.Username FROM CustomField LIMIT 1"
    [field] = query(wire, soql)["records"]
    assert field["CreatedBy"]["Username"] == "admin@local.test"


def test_a_component_that_is_deleted_and_made_again_is_new_once(admin, wire):
    """The revision moves on with each change; obsolete and new say what became of the name."""
    admin.deploy(FILES)
    admin.deploy(
        {"package.xml": manifest(), "destructiveChanges.xml": manifest(CustomField="Lead.Score__c")}
    )
    fields = "IsNameObsolete, IsNewMember, RevisionCounter"
    [gone] = query(wire, f"SELECT {fields} FROM SourceMember")["records"]
    assert (gone["IsNameObsolete"], gone["RevisionCounter"]) == (True, 2)
    admin.deploy(FILES)
    [back] = query(wire, f"SELECT {fields} FROM SourceMember")["records"]
    assert (back["IsNameObsolete"], back["RevisionCounter"]) == (False, 3)
