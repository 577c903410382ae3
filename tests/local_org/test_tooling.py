"""The Tooling API answers what cci and sf ask of it, and says that there is no Apex."""

from __future__ import annotations

import pytest

from tests.metadata.deploying import Admin, Wire, manifest, xml

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


@pytest.mark.inferred("a subset of the fields of the Tooling objects")
def test_deployed_fields_and_rules_can_be_queried(admin, wire, tmp_path):
    admin.deploy_package(tmp_path / "src")
    soql = "SELECT COUNT() FROM CustomField WHERE TableEnumOrId = 'Lead'"
    assert query(wire, soql)["totalSize"] == 10
    soql = "SELECT Active, ErrorMessage FROM ValidationRule ORDER BY ValidationName LIMIT 1"
    [rule] = query(wire, soql)["records"]
    assert rule["Active"] is True
    assert rule["ErrorMessage"].startswith("STL-002: ")


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


@pytest.mark.inferred("a real org would run it; this one says that it cannot")
def test_any_other_apex_does_not_compile(wire):
    answer = execute(wire, "System.debug('hello');")
    assert (answer["compiled"], answer["success"]) == (False, False)
    assert answer["compileProblem"] == "Apex is not supported by this org"
    assert (answer["line"], answer["column"]) == (1, 1)
