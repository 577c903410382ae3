"""The Metadata REST API takes the multipart bodies of cci and sf, told apart by content alone."""

from __future__ import annotations

import json

import pytest

from tests.metadata.deploying import Admin, Wire, manifest, xml
from tests.metadata.packing import zipped

pytestmark = pytest.mark.documented("facts/real-clients.md 5.10")

DEPLOY = "/services/data/v66.0/metadata/deployRequest"
FIELD = "<fields><fullName>Score__c</fullName><label>S</label><type>Date</type></fields>"
FILES = {
    "package.xml": manifest(CustomField="Lead.Score__c"),
    "objects/Lead.object": xml("CustomObject", FIELD),
}
CCI = {
    "allowMissingFiles": False,
    "checkOnly": "false",
    "ignoreWarnings": False,
    "purgeOnDelete": "false",
    "rollbackOnError": False,
    "runTests": [],
    "singlePackage": False,
    "testLevel": None,
}
SF = {
    "rollbackOnError": True,
    "ignoreWarnings": False,
    "checkOnly": False,
    "singlePackage": True,
    "purgeOnDelete": False,
}


@pytest.fixture
def admin():
    return Admin()


@pytest.fixture
def wire(admin):
    return Wire(admin)


def part(name, content_type, body, file_name=None):
    named = f'; filename="{file_name}"' if file_name else ""
    head = f'Content-Disposition: form-data; name="{name}"{named}\r\nContent-Type: {content_type}'
    return head.encode() + b"\r\n\r\n" + body


def post(wire, *parts):
    body = b"".join(b"--limit\r\n" + each + b"\r\n" for each in parts) + b"--limit--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=limit"}
    return wire.call("POST", DEPLOY, content=body, headers=headers)


def by_cci(wire, files, **options):
    told = json.dumps({"deployOptions": CCI | options}).encode()
    return post(
        wire,
        part("json", "application/json", told),
        part("file", "application/zip", zipped(files, "metadata/"), "metadata.zip"),
    )


def by_sf(wire, files, **options):
    told = json.dumps({"deployOptions": SF | options}).encode()
    return post(
        wire,
        part("file", "application/zip", zipped(files), "package.xml"),
        part("entity_content", "application/json", told),
    )


def result(wire, response, query="?includeDetails=true"):
    assert response.status_code == 201, response.text
    answer = wire.call("GET", f"{DEPLOY}/{response.json()['id']}{query}").json()
    assert answer["id"] == response.json()["id"]
    return answer["deployResult"]


@pytest.mark.parametrize("client", [by_cci, by_sf])
def test_a_zip_is_deployed_and_its_result_read(admin, wire, client):
    response = client(wire, FILES)
    told = result(wire, response)
    assert (told["status"], told["done"], told["success"]) == ("Succeeded", True, True)
    assert [each["fullName"] for each in told["details"]["componentSuccesses"]] == [
        "Lead.Score__c",
        "package.xml",
    ]
    assert told["details"]["componentFailures"] == []
    assert admin.org.schema.object("Lead").get("Score__c") is not None


def test_the_answer_to_a_deploy_says_that_it_is_pending(wire):
    told = by_sf(wire, FILES).json()["deployResult"]
    assert (told["status"], told["done"]) == ("Pending", False)


def test_a_failure_has_its_place(wire):
    broken = {**FILES, "objects/Lead.object": xml("CustomObject", FIELD.replace("Date", "Dat"))}
    told = result(wire, by_cci(wire, broken))
    [failure] = told["details"]["componentFailures"]
    assert told["status"] == "Failed"
    assert failure["fileName"] == "metadata/objects/Lead.object"
    assert failure["problemType"] == "Error"
    assert (failure["lineNumber"], failure["columnNumber"]) == (3, 54)


def test_options_that_are_text_are_read_as_booleans(admin, wire):
    told = result(wire, by_cci(wire, FILES, checkOnly="true"))
    assert (told["checkOnly"], told["success"]) == (True, True)
    assert admin.org.schema.object("Lead").get("Score__c") is None


def test_what_a_validation_has_checked_is_deployed_by_its_id(admin, wire):
    validation = by_sf(wire, FILES, checkOnly=True).json()["id"]
    response = wire.call("POST", DEPLOY, json={"validatedDeployRequestId": validation})
    assert response.json()["validatedDeployRequestId"] == validation
    assert result(wire, response, "")["status"] == "Succeeded"
    assert admin.org.schema.object("Lead").get("Score__c") is not None


@pytest.mark.inferred("codes ours; settled by: the same multipart sent to a real org")
def test_a_multipart_without_a_zip_is_refused(wire):
    response = post(wire, part("json", "application/json", b'{"deployOptions":{}}'))
    assert response.status_code == 400
    assert response.json()[0]["errorCode"] == "INVALID_MULTIPART_REQUEST"
    response = post(wire, part("json", "application/json", b"nonsense"))
    assert response.json()[0]["errorCode"] == "JSON_PARSER_ERROR"


def test_a_deploy_that_nobody_knows_is_an_invalid_reference(wire):
    response = wire.call("GET", f"{DEPLOY}/0Af000000000099AAA")
    assert response.json()[0]["errorCode"] == "INVALID_CROSS_REFERENCE_KEY"
