"""Bulk API 1.0 takes rows as JSON and XML beside CSV, and speaks of jobs in JSON, too."""

import json
from datetime import timedelta

import pytest
from lxml import etree

from tests.local_org.web import Web

pytestmark = pytest.mark.documented("facts/org-behaviour.md 5; the Bulk API guide, batches")

NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
ROOT = "/services/async/66.0/job"
JSON = "application/json"
XML = "application/xml; charset=UTF-8"
TWO = [{"LastName": "Doe", "Company": "A&B", "DoNotCall": True}, {"Company": "ACME"}]
TWO_XML = (
    f'<sObjects xmlns="{NAMESPACE}" xmlns:xsi="{XSI}">'
    "<sObject><LastName>Doe</LastName><Company>A&amp;B</Company></sObject>"
    '<sObject><Company>ACME</Company><LastName xsi:nil="true"/></sObject></sObjects>'
)


@pytest.fixture
def web():
    return Web()


def call(web, method, path, kind=JSON, **request):
    headers = {"Authorization": "", "X-SFDC-Session": web.token, "Content-Type": kind}
    return web.call(method, path, headers=headers | request.pop("headers", {}), **request)


def opened(web, content_type, operation="insert", kind=JSON, **more):
    """Open a job by JSON or XML and return its path."""
    wanted = {"operation": operation, "object": "Lead", "contentType": content_type, **more}
    if kind == JSON:
        content = json.dumps(wanted)
    else:
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in wanted.items())
        content = f'<jobInfo xmlns="{NAMESPACE}">{inner}</jobInfo>'
    answer = call(web, "POST", ROOT, kind, content=content)
    assert answer.status_code == 201, answer.text
    told = answer.json()["id"] if kind == JSON else text(answer, "id")
    return f"{ROOT}/{told}"


def batch(web, job, content, kind=JSON):
    """Add a batch and return its path."""
    answer = call(web, "POST", f"{job}/batch", kind, content=content)
    assert answer.status_code == 201, answer.text
    told = answer.json()["id"] if kind == JSON else text(answer, "id")
    return f"{job}/batch/{told}"


def text(answer, name):
    return etree.fromstring(answer.content).findtext(f"{{{NAMESPACE}}}{name}")


def state_of(web, path):
    told = call(web, "GET", path).json()
    return told["state"], told["stateMessage"]


# -- JSON -----------------------------------------------------------------------------------------


def test_a_json_job_tells_numbers_as_numbers(web):
    job = opened(web, "JSON", concurrencyMode=1)
    batch(web, job, json.dumps(TWO))
    told = call(web, "POST", job, content='{"state": "Closed"}').json()
    assert (told["state"], told["concurrencyMode"], told["contentType"]) == (
        "Closed",
        "Serial",
        "JSON",
    )
    assert (told["apiVersion"], told["externalIdFieldName"]) == (66.0, None)
    assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (2, 1)
    assert told["createdDate"] == "2026-11-02T10:00:00.000+0000"


def test_a_json_batch_tells_its_state(web):
    job = opened(web, "JSON")
    path = batch(web, job, json.dumps(TWO))
    told = call(web, "GET", path).json()
    assert (told["state"], told["stateMessage"], told["numberRecordsFailed"]) == (
        "Completed",
        None,
        1,
    )
    assert call(web, "GET", f"{job}/batch").json() == {"batchInfo": [told]}


def test_results_in_json_name_what_is_wrong_with_a_row(web):
    path = batch(web, opened(web, "JSON"), json.dumps(TWO))
    good, bad = call(web, "GET", f"{path}/result").json()
    [lead] = web.query("SELECT Id, Company, DoNotCall FROM Lead")
    assert good == {"success": True, "created": True, "id": lead["Id"], "errors": []}
    assert (lead["Company"], lead["DoNotCall"]) == ("A&B", True)
    assert bad == {
        "success": False,
        "created": False,
        "id": None,
        "errors": [
            {
                "message": "Required fields are missing: [LastName]",
                "fields": ["LastName"],
                "statusCode": "REQUIRED_FIELD_MISSING",
                "extendedErrorDetails": None,
            }
        ],
    }


def test_null_empties_a_field_and_what_is_absent_stays(web):
    lead = web.create("Lead", LastName="Doe", Company="ACME", City="Rome", Phone="1")
    batch(web, opened(web, "JSON", "update"), json.dumps([{"Id": lead, "Phone": None}]))
    [record] = web.query("SELECT City, Phone FROM Lead")
    assert (record["City"], record["Phone"]) == ("Rome", None)


def test_a_batch_is_given_back_as_it_was_sent(web):
    content = json.dumps(TWO)
    path = batch(web, opened(web, "JSON"), content)
    assert call(web, "GET", f"{path}/request").text == content


def test_rows_of_a_json_query_have_instants_as_epoch_milliseconds(web):
    account = web.create("Account", Name="A")
    web.create("Contact", LastName="C", AccountId=account)
    soql = "SELECT Name, CreatedDate, Owner.Name, (SELECT LastName, CreatedDate FROM Contacts) FROM Account"
    path = batch(web, opened(web, "JSON", "query"), soql)
    [result] = call(web, "GET", f"{path}/result").json()
    [record] = call(web, "GET", f"{path}/result/{result}").json()
    assert record["attributes"]["type"] == "Account"
    assert record["CreatedDate"] == 1793613600000
    assert record["Owner"]["Name"] == "Admin User"
    assert record["Contacts"]["records"][0]["CreatedDate"] == 1793613600000


def test_a_json_query_without_rows_is_an_empty_list(web):
    path = batch(web, opened(web, "JSON", "query"), "SELECT Id FROM Lead")
    [result] = call(web, "GET", f"{path}/result").json()
    assert call(web, "GET", f"{path}/result/{result}").json() == []


@pytest.mark.parametrize("content", ["{", '{"LastName": "Doe"}', "[1]", "[[]]", "\xff"])
@pytest.mark.inferred("wording is ours; settled by: such a batch, its stateMessage")
def test_a_batch_that_is_no_list_of_records_fails(web, content):
    path = batch(web, opened(web, "JSON"), content.encode("latin-1"))
    state, message = state_of(web, path)
    assert state == "Failed"
    assert message.startswith("InvalidBatch : ")
    assert web.query("SELECT Id FROM Lead") == []


def test_errors_are_told_in_json_to_who_speaks_it(web):
    answer = call(web, "GET", f"{ROOT}/750000000000ZZZ")
    assert answer.status_code == 400
    assert answer.json() == {
        "exceptionCode": "InvalidJob",
        "exceptionMessage": "Unable to find job 750000000000ZZZ",
    }
    refused = call(web, "GET", ROOT + "/750", headers={"X-SFDC-Session": "none"})
    assert refused.json()["exceptionCode"] == "InvalidSessionId"


# -- XML ------------------------------------------------------------------------------------------


def test_rows_and_results_come_in_xml(web):
    path = batch(web, opened(web, "XML", kind=XML), TWO_XML, XML)
    [lead] = web.query("SELECT Id, Company FROM Lead")
    assert lead["Company"] == "A&B"
    answer = call(web, "GET", f"{path}/result", XML)
    assert answer.headers["content-type"].startswith("application/xml")
    good, bad = etree.fromstring(answer.content)
    names = {"n": NAMESPACE}
    assert [etree.QName(each).localname for each in good] == ["id", "success", "created"]
    assert good.findtext("n:id", namespaces=names) == lead["Id"]
    assert [etree.QName(each).localname for each in bad] == ["errors", "success", "created"]
    assert [each.text for each in bad[0]] == [
        "LastName",
        "Required fields are missing: [LastName]",
        "REQUIRED_FIELD_MISSING",
    ]


def test_a_job_without_content_type_is_of_xml(web):
    content = (
        f'<jobInfo xmlns="{NAMESPACE}"><operation>insert</operation><object>Lead</object></jobInfo>'
    )
    assert text(call(web, "POST", ROOT, XML, content=content), "contentType") == "XML"


def test_a_nested_object_of_xml_names_a_parent_by_its_key(web):
    owner = (
        "<Owner><sObject><type>User</type><Username>sidecar@local.test</Username></sObject></Owner>"
    )
    content = TWO_XML.replace("</Company></sObject>", f"</Company>{owner}</sObject>", 1)
    path = batch(web, opened(web, "XML"), content, XML)
    assert call(web, "GET", path).json()["state"] == "Completed"


def test_rows_of_an_xml_query_are_records(web):
    web.create("Lead", LastName="D<oe", Company="ACME")
    path = batch(
        web, opened(web, "XML", "query"), "SELECT LastName, City, CreatedDate FROM Lead", XML
    )
    result = text(call(web, "GET", f"{path}/result", XML), "result")
    root = etree.fromstring(call(web, "GET", f"{path}/result/{result}", XML).content)
    [record] = root
    assert etree.QName(root).localname == "queryResult"
    assert record.get(f"{{{XSI}}}type") == "sObject"
    told = {etree.QName(each).localname: each.text for each in record}
    assert told == {
        "type": "Lead",
        "LastName": "D<oe",
        "City": None,
        "CreatedDate": "2026-11-02T10:00:00.000Z",
    }


@pytest.mark.parametrize("content", ["<sObjects", "<rows/>", ""])
@pytest.mark.inferred("wording is ours; settled by: such a batch, its stateMessage")
def test_a_batch_that_is_no_xml_of_rows_fails(web, content):
    state, message = state_of(web, batch(web, opened(web, "XML"), content, XML))
    assert state == "Failed"
    assert message.startswith("InvalidBatch : ")


def test_entities_of_xml_are_not_followed(web):
    entity = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    content = entity + TWO_XML.replace("A&amp;B", "&e;")
    batch(web, opened(web, "XML"), content, XML)
    assert [row["Company"] for row in web.query("SELECT Company FROM Lead")] == []


# -- jobs that end early --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JSON", "XML"])
def test_an_aborted_job_takes_no_batch_and_stays_aborted(web, kind):
    job = opened(web, kind)
    assert call(web, "POST", job, content='{"state": "Aborted"}').json()["state"] == "Aborted"
    refused = call(web, "POST", f"{job}/batch", content="[]").json()
    assert refused == {
        "exceptionCode": "InvalidStateTransition",
        "exceptionMessage": "Can't add batch: job is not open",
    }
    closed = call(web, "POST", job, content='{"state": "Closed"}').json()
    assert closed["exceptionCode"] == "InvalidStateTransition"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"contentType": "ZIP_CSV"}, "Unsupported content type: ZIP_CSV"),
        ({"concurrencyMode": 7}, "Unsupported concurrency mode: 7"),
        ({"operation": ["insert"]}, "Unknown operation: '['insert']'"),
    ],
)
@pytest.mark.inferred("wordings are ours; settled by: tests/contract/test_rest_answers.py, JOBS")
def test_a_job_that_cannot_be_done_is_refused(web, wanted, message):
    asked = {"operation": "insert", "object": "Lead", "contentType": "JSON"} | wanted
    answer = call(web, "POST", ROOT, content=json.dumps(asked))
    assert answer.status_code == 400
    assert answer.json() == {"exceptionCode": "InvalidJob", "exceptionMessage": message}


@pytest.mark.inferred(
    "wording from clients' logs; settled by: tests/contract/test_rest_answers.py, a column that is no field"
)
def test_a_csv_with_a_column_that_is_no_field_fails_its_batch(web):
    path = batch(web, opened(web, "CSV"), "LastName,Nope__c\nDoe,1\n", JSON)
    assert state_of(web, path) == ("Failed", "InvalidBatch : Field name not found : Nope__c")


@pytest.mark.inferred(
    "wording from a developer's question (salesforce.stackexchange.com 332337), whose figures count "
    "one more; settled by: tests/contract/test_rest_answers.py, more rows than the limit"
)
def test_a_batch_of_more_rows_than_the_limit_fails(web):
    rows = f"[{','.join(['{}'] * 10_001)}]"
    message = (
        "InvalidBatch : Exceeded number of records: 10001. "
        "Number of records should be less than or equal to 10000"
    )
    assert state_of(web, batch(web, opened(web, "JSON"), rows)) == ("Failed", message)


@pytest.mark.documented('Bulk API guide, "Bulk API Limits": results are kept for seven days')
def test_jobs_are_forgotten_when_the_platform_keeps_them_no_longer(web):
    old = opened(web, "JSON")
    load = web.rest("POST", "/jobs/ingest", json={"object": "Lead", "operation": "insert"}).json()
    web.org.clock.advance(timedelta(days=7))
    assert call(web, "GET", opened(web, "JSON")).status_code == 200
    assert call(web, "GET", old).status_code == 200
    web.org.clock.advance(timedelta(seconds=1))
    opened(web, "JSON")
    web.rest("POST", "/jobs/query", json={"operation": "query", "query": "SELECT Id FROM Lead"})
    assert call(web, "GET", old).json()["exceptionCode"] == "InvalidJob"
    assert web.rest("GET", f"/jobs/ingest/{load['id']}").status_code == 404
