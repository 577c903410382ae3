"""simple-salesforce, unmodified, works with the local org as with any other."""

import io
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)

LEAD = {"LastName": "Doe", "Company": "ACME"}
LOGIN = "https://login.salesforce.com"
VERSION = "66.0"
PASSWORD = "correct-horse-7"
PACKAGE = """<?xml version="1.0" encoding="UTF-8"?>
<Package xmlns="http://soap.sforce.com/2006/04/metadata"><version>62.0</version></Package>"""
FIELD = """<?xml version="1.0" encoding="UTF-8"?>
<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata"><fields><fullName>Key__c</fullName>
<label>Key</label><type>Text</type><length>40</length><externalId>true</externalId>
<unique>true</unique></fields></CustomObject>"""
GRANT = """<?xml version="1.0" encoding="UTF-8"?>
<PermissionSet xmlns="http://soap.sforce.com/2006/04/metadata"><fieldPermissions>
<editable>true</editable><field>Lead.Key__c</field><readable>true</readable></fieldPermissions>
<label>Keys</label></PermissionSet>"""


@pytest.fixture
def lead(salesforce):
    created = salesforce.Lead.create(LEAD)
    assert (created["success"], created["errors"]) == (True, [])
    yield created["id"]
    salesforce.Lead.delete(created["id"])


def test_a_record_is_read_changed_and_deleted(salesforce):
    lead = salesforce.Lead.create(LEAD)["id"]
    assert salesforce.Lead.get(lead)["Company"] == "ACME"
    assert salesforce.Lead.update(lead, {"Company": "Globex"}) == 204
    assert salesforce.Lead.get(lead)["Company"] == "Globex"
    assert salesforce.Lead.delete(lead) == 204
    with pytest.raises(SalesforceResourceNotFound):
        salesforce.Lead.get(lead)


def test_a_query_finds_it(salesforce, lead):
    found = salesforce.query(f"SELECT Id, Owner.Name FROM Lead WHERE Id = '{lead}'")
    assert found["totalSize"] == 1
    [record] = found["records"]
    assert (record["Id"], record["Owner"]["Name"]) == (lead, "Admin User")


def test_many_records_come_page_by_page(salesforce):
    task = {"attributes": {"type": "Task"}}
    rows = [task | {"Subject": f"Call {n}"} for n in range(2300)]
    for start in range(0, len(rows), 200):
        records = {"records": rows[start : start + 200]}
        results = salesforce.restful("composite/sobjects", method="POST", json=records)
        assert all(result["success"] for result in results)
    soql = "SELECT Id, Subject FROM Task ORDER BY Id"
    first = salesforce.query(soql)
    assert (first["totalSize"], first["done"], len(first["records"])) == (2300, False, 2000)
    assert salesforce.query_more(first["nextRecordsUrl"], identifier_is_url=True)["done"]
    subjects = [record["Subject"] for record in salesforce.query_all(soql)["records"]]
    assert subjects == [row["Subject"] for row in rows]


def test_upsert_by_id_changes_the_record(salesforce, lead):
    assert salesforce.Lead.upsert(f"Id/{lead}", {"Company": "Initech"}) in (200, 204)
    assert salesforce.Lead.get(lead)["Company"] == "Initech"


def test_describes_name_objects_and_fields(salesforce):
    names = {entry["name"] for entry in salesforce.describe()["sobjects"]}
    assert {"Lead", "Task", "EmailMessage", "User"} <= names
    fields = {field["name"] for field in salesforce.Lead.describe()["fields"]}
    assert {"Id", "LastName", "OwnerId", "CreatedDate"} <= fields


def test_a_composite_call_is_sent_by_its_generic_door(salesforce, lead):
    body = {
        "compositeRequest": [
            {
                "method": "GET",
                "url": f"/services/data/v66.0/sobjects/Lead/{lead}?fields=Company",
                "referenceId": "lead",
            }
        ]
    }
    told = salesforce.restful("composite", method="POST", json=body)["compositeResponse"]
    assert told[0]["body"]["Company"] == "ACME"


def test_limits_and_api_usage_are_told(salesforce):
    assert salesforce.limits()["DailyApiRequests"]["Max"] > 0
    usage = salesforce.api_usage["api-usage"]
    assert 0 < usage.used < usage.total


def test_a_refusal_is_raised_with_code_and_message(salesforce):
    with pytest.raises(SalesforceMalformedRequest) as refused:
        salesforce.Lead.create({"Company": "ACME"})
    content: Any = refused.value.content
    [error] = content
    assert error["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert error["message"] == "Required fields are missing: [LastName]"


def test_an_expired_session_is_raised_as_one(org, http):
    stranger = Salesforce(
        instance_url=org.ready.instance_url, session_id="00D!expired", version="66.0", session=http
    )
    with pytest.raises(SalesforceExpiredSession):
        stranger.limits()


# -- records --------------------------------------------------------------------------------------


def test_query_all_iter_gives_one_record_after_another(salesforce, lead):
    records = salesforce.query_all_iter("SELECT Id FROM Lead")
    assert lead in [record["Id"] for record in records]


def test_a_deleted_record_is_in_query_all_with_deleted_ones(salesforce):
    lead = salesforce.Lead.create(LEAD)["id"]
    salesforce.Lead.delete(lead)
    soql = f"SELECT Id FROM Lead WHERE Id = '{lead}'"
    assert salesforce.query_all(soql)["totalSize"] == 0
    assert salesforce.query_all(soql, include_deleted=True)["totalSize"] == 1


def test_what_was_updated_and_deleted_is_told_for_a_period(salesforce):
    lead = salesforce.Lead.create(LEAD)["id"]
    now = datetime.now(UTC)
    period = now - timedelta(minutes=5), now + timedelta(minutes=5)
    assert lead in salesforce.Lead.updated(*period)["ids"]
    salesforce.Lead.delete(lead)
    told = salesforce.Lead.deleted(*period)["deletedRecords"]
    assert lead in [record["id"] for record in told]


def test_an_object_tells_its_metadata_and_what_was_seen_lately(salesforce):
    told = salesforce.Lead.metadata()
    assert told["objectDescribe"]["name"] == "Lead"
    assert isinstance(told["recentItems"], list)


def test_the_tooling_api_answers_queries(salesforce):
    soql = "SELECT Id FROM CustomField LIMIT 1"
    told = salesforce.toolingexecute("query/", params={"q": soql})
    assert {"size", "records", "queryLocator"} <= set(told)


def test_searches_find_a_record(salesforce):
    lead = salesforce.Lead.create(LEAD | {"Company": "Zyzzyva Partners"})["id"]
    [record] = salesforce.quick_search("zyzzyva")["searchRecords"]
    assert record["Id"] == lead
    sosl = "FIND {Zyzz*} IN ALL FIELDS RETURNING Lead(Company WHERE LastName = 'Doe' LIMIT 5)"
    [record] = salesforce.search(sosl)["searchRecords"]
    assert record["Company"] == "Zyzzyva Partners"
    salesforce.Lead.delete(lead)


def test_the_org_is_no_sandbox(salesforce):
    assert salesforce.is_sandbox() is False


# -- logins ---------------------------------------------------------------------------------------


def test_a_password_that_was_set_logs_in_by_soap(salesforce, org, http):
    admin = org.ready
    assert salesforce.set_password(admin.admin_user_id, PASSWORD) is None
    http.mount(LOGIN, ToLocalOrg(admin.instance_url))
    login = {"username": admin.admin_username, "security_token": "", "session": http}
    login |= {"version": VERSION}
    assert Salesforce(password=PASSWORD, **login).limits()
    with pytest.raises(SalesforceAuthenticationFailed) as refused:
        Salesforce(password="wrong", **login)
    assert refused.value.code == "INVALID_LOGIN"


class ToLocalOrg(HTTPAdapter):
    """Sends requests for a login host, which the library has hard-coded, to the local org."""

    def __init__(self, url):
        super().__init__()
        self.url = url

    def send(self, request, *more, **options):
        request.url = self.url + request.path_url
        return super().send(request, *more, **options)


def test_a_jwt_logs_in(org, http):
    http.mount(LOGIN, ToLocalOrg(org.ready.instance_url))
    salesforce = Salesforce(
        username=org.ready.admin_username,
        consumer_key=org.ready.client_id,
        privatekey_file=org.ready.jwt_key_file,
        version=VERSION,
        session=http,
    )
    assert salesforce.limits()


# -- bulk -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keyed(org):
    """Give Lead an external id, and the admin the right to it, as the library deploys it."""
    with pytest.MonkeyPatch.context() as patch, requests.Session() as http:
        patch.setenv("REQUESTS_CA_BUNDLE", org.environment["REQUESTS_CA_BUNDLE"])
        salesforce: Any = Salesforce(
            instance_url=org.ready.instance_url,
            session_id=org.ready.access_token,
            version="62.0",
            session=http,
        )
        parts = {"objects/Lead.object": FIELD, "permissionsets/Keys.permissionset": GRANT}
        types = {"CustomField": "Lead.Key__c", "PermissionSet": "Keys"}
        state, detail = deployed(salesforce, parts, types)
        assert (state, detail["errors"]) == ("Succeeded", [])
        soql = "SELECT Id FROM PermissionSet WHERE Name = 'Keys'"
        [granted] = salesforce.query(soql)["records"]
        salesforce.PermissionSetAssignment.create(
            {"AssigneeId": org.ready.admin_user_id, "PermissionSetId": granted["Id"]}
        )


def deployed(salesforce, parts, types):
    """Deploy parts and return the state and the details."""
    named = "".join(
        f"<types><members>{member}</members><name>{name}</name></types>"
        for name, member in types.items()
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("package.xml", PACKAGE.replace("<version>", f"{named}<version>"))
        for path, text in parts.items():
            target.writestr(path, text)
    sent = salesforce.deploy(archive, sandbox=False)
    told = salesforce.checkDeployStatus(sent["asyncId"])
    return told["state"], told["deployment_detail"]


@pytest.mark.usefixtures("keyed")
def test_upserts_find_records_by_their_own_key(salesforce):
    assert salesforce.Lead.upsert("Key__c/k-1", LEAD) == 201
    assert salesforce.Lead.upsert("Key__c/k-1", {"Company": "Initech"}) == 204
    lead = salesforce.Lead.get_by_custom_id("Key__c", "k-1")
    assert lead["Company"] == "Initech"
    salesforce.Lead.delete(lead["Id"])


@pytest.mark.usefixtures("keyed")
def test_bulk_writes_and_queries(salesforce):
    bulk = salesforce.bulk.Lead
    good, bad = bulk.insert([LEAD | {"Key__c": "b-1"}, {"Company": "ACME"}])
    assert (good["success"], good["created"], good["errors"]) == (True, True, [])
    assert (bad["success"], bad["id"]) == (False, None)
    assert bad["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    [changed] = bulk.update([{"Id": good["id"], "Company": "Globex"}])
    assert (changed["id"], changed["created"]) == (good["id"], False)
    [found] = bulk.upsert([{"Key__c": "b-1", "City": "Rome"}], "Key__c")
    assert (found["id"], found["created"]) == (good["id"], False)
    soql = f"SELECT Company, City, CreatedDate, Owner.Name FROM Lead WHERE Id = '{good['id']}'"
    [record] = bulk.query(soql)
    assert (record["Company"], record["City"]) == ("Globex", "Rome")
    assert record["Owner"]["Name"] == "Admin User"
    assert isinstance(record["CreatedDate"], int)
    [gone] = bulk.delete([{"Id": good["id"]}])
    assert gone["success"] is True
    assert bulk.query(soql) == []
    assert len(bulk.query_all(soql)) == 1


@pytest.mark.usefixtures("keyed")
def test_bulk2_loads_and_tells_what_failed(salesforce):
    bulk = salesforce.bulk2.Lead
    rows = [{"LastName": f"Doe {n}", "Company": "B2", "Key__c": f"c-{n}"} for n in range(3)]
    [told] = bulk.insert(records=[*rows, {"LastName": "", "Company": "B2", "Key__c": "x"}], wait=0)
    assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (4, 1)
    assert "REQUIRED_FIELD_MISSING" in bulk.get_failed_records(told["job_id"])
    assert bulk.get_successful_records(told["job_id"]).count("true") == 3
    assert bulk.get_unprocessed_records(told["job_id"]).count("\n") == 1
    leads = [
        row["Id"] for row in salesforce.query("SELECT Id FROM Lead WHERE Company='B2'")["records"]
    ]
    changes = [
        bulk.update(records=[{"Id": each, "City": "Rome"} for each in leads], wait=0),
        bulk.upsert(
            records=[{"Key__c": "c-1", "City": "Bonn"}], external_id_field="Key__c", wait=0
        ),
        bulk.delete(records=[{"Id": each} for each in leads], wait=0),
    ]
    assert [told["numberRecordsProcessed"] for [told] in changes] == [3, 1, 3]
    assert [told["numberRecordsFailed"] for [told] in changes] == [0, 0, 0]


def test_bulk2_queries_page_by_page_and_downloads(salesforce, tmp_path):
    rows = [{"LastName": f"Q{n}", "Company": "Pages"} for n in range(5)]
    salesforce.bulk2.Lead.insert(records=rows, wait=0)
    soql = "SELECT LastName, Company FROM Lead WHERE Company = 'Pages' ORDER BY LastName"
    pages = list(salesforce.bulk2.Lead.query(soql, max_records=2, wait=0))
    assert [page.splitlines()[0] for page in pages] == ['"LastName","Company"'] * 3
    assert [len(page.splitlines()) - 1 for page in pages] == [2, 2, 1]
    [file] = salesforce.bulk2.Lead.download(soql, path=str(tmp_path), wait=0)
    assert file["number_of_records"] == 5
    assert Path(file["file"]).read_text(encoding="utf-8").count("Pages") == 5


# -- metadata -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("keyed")
def test_metadata_is_described_listed_and_read(salesforce):
    mdapi = salesforce.mdapi
    types = {each["xmlName"] for each in mdapi.describe_metadata()["metadataObjects"]}
    assert {"CustomObject", "PermissionSet"} <= types
    query = mdapi._client.get_type("ns0:ListMetadataQuery")(type="PermissionSet")
    assert "Keys" in [each["fullName"] for each in mdapi.list_metadata([query])]
    assert mdapi.PermissionSet.read("Keys")["label"] == "Keys"


@pytest.mark.usefixtures("keyed")
def test_metadata_is_retrieved(salesforce):
    mdapi = salesforce.mdapi
    asked, _state = mdapi.retrieve("", unpackaged={"PermissionSet": ["Keys"]}, single_package=True)
    state, error, messages, archive = mdapi.retrieve_zip(asked)
    assert (state, error, messages) == ("Succeeded", None, [])
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        [name] = [each for each in source.namelist() if "Keys" in each]
        assert b"Lead.Key__c" in source.read(name)


def test_a_deploy_that_fails_names_what_is_wrong(salesforce):
    broken = FIELD.replace("<type>Text</type>", "<type>Tekst</type>")
    state, detail = deployed(
        salesforce, {"objects/Lead.object": broken}, {"CustomField": "Lead.Key__c"}
    )
    assert state == "Failed"
    assert "Tekst" in detail["errors"][0]["message"]
