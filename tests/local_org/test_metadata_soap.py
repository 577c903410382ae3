"""The Metadata SOAP API takes the envelopes of cci and sf and answers as they read it."""

from __future__ import annotations

import base64

import pytest
from lxml import etree

from tests.metadata.deploying import NAMESPACE, Admin, Wire, manifest, unzipped, xml
from tests.metadata.packing import zipped

pytestmark = pytest.mark.documented("facts/real-clients.md 5.9 and 6, rules 11 to 16")

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
TEXT = "<fields><fullName>Score__c</fullName><label>S</label><type>Date</type></fields>"
FILES = {
    "package.xml": manifest(CustomField="Lead.Score__c"),
    "objects/Lead.object": xml("CustomObject", TEXT),
}
BROKEN = {**FILES, "objects/Lead.object": xml("CustomObject", TEXT.replace("Date", "Dat"))}


def cci(operation, content, token="{token}"):
    return f"""<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="{SOAP}"><soap:Header><SessionHeader xmlns="{NAMESPACE}">
<sessionId>{token}</sessionId></SessionHeader></soap:Header><soap:Body>
<{operation} xmlns="{NAMESPACE}">{content}</{operation}></soap:Body></soap:Envelope>"""


def sf(operation, content):
    return f"""<?xml version="1.0" encoding="utf-8"?>
<soapenv:Envelope xmlns:soapenv="{SOAP}"><soapenv:Header xmlns="{NAMESPACE}"><SessionHeader>
<sessionId>{{token}}</sessionId></SessionHeader><CallOptions><client>sfdx toolbelt:</client>
</CallOptions></soapenv:Header><soapenv:Body xmlns="{NAMESPACE}">
<{operation}>{content}</{operation}></soapenv:Body></soapenv:Envelope>"""


def prefixed(operation, content):
    return f"""<soapenv:Envelope xmlns:soapenv="{SOAP}" xmlns:tns="{NAMESPACE}"><soapenv:Header>
<tns:SessionHeader><tns:sessionId>{{token}}</tns:sessionId></tns:SessionHeader></soapenv:Header>
<soapenv:Body><tns:{operation}>{content}</tns:{operation}></soapenv:Body></soapenv:Envelope>"""


@pytest.fixture
def admin():
    return Admin()


@pytest.fixture
def wire(admin):
    return Wire(admin)


def values(response, path):
    """Return the texts at a path of unprefixed elements."""
    root = etree.fromstring(response.content)
    steps = "/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/"))
    return [found.text for found in root.iterfind(f".//{steps}")]


def zip_file(files):
    return f"<ZipFile>{base64.b64encode(zipped(files)).decode()}</ZipFile>"


def deployed(wire, files, options="", write=cci):
    response = wire.soap(
        write("deploy", f"{zip_file(files)}<DeployOptions>{options}</DeployOptions>")
    )
    assert response.status_code == 200, response.text
    return values(response, "result/id")[0]


def status(wire, deploy_id, write=cci):
    content = f"<asyncProcessId>{deploy_id}</asyncProcessId><includeDetails>true</includeDetails>"
    return wire.soap(write("checkDeployStatus", content))


@pytest.mark.parametrize("write", [cci, sf, prefixed])
@pytest.mark.parametrize("path", ["/services/Soap/m/66.0", "/services/Soap/m/64.0/00D000000000001"])
def test_a_deploy_is_accepted_then_done(admin, wire, write, path):
    content = f"{zip_file(FILES)}<DeployOptions/>"
    accepted = wire.soap(write("deploy", content), path)
    assert values(accepted, "deployResponse/result/done") == ["false"]
    assert values(accepted, "deployResponse/result/state") == ["Queued"]
    [deploy_id] = values(accepted, "deployResponse/result/id")
    assert deploy_id.startswith("0Af")
    told = status(wire, deploy_id, write)
    assert values(told, "result/done") == ["true"]
    assert values(told, "result/status") == ["Succeeded"]
    assert values(told, "result/success") == ["true"]
    assert values(told, "result/numberComponentsDeployed") == ["1"]
    assert values(told, "componentSuccesses/fullName") == ["Lead.Score__c", "package.xml"]
    assert values(told, "componentSuccesses/componentType") == ["CustomField", None]
    assert "errorMessage" not in told.text
    assert admin.org.schema.object("Lead").get("Score__c") is not None


def test_no_element_of_an_answer_has_a_prefix_of_its_own(wire):
    response = status(wire, deployed(wire, FILES))
    body = etree.fromstring(response.content).find(f"{{{SOAP}}}Body")
    assert body is not None
    assert all(each.prefix is None for each in body.iter("*") if each is not body)


def test_a_failure_tells_everything_that_cci_needs(wire):
    response = status(wire, deployed(wire, BROKEN))
    assert values(response, "result/status") == ["Failed"]
    failure = "componentFailures"
    told = {
        name: values(response, f"{failure}/{name}")
        for name in ("componentType", "fullName", "problemType", "success", "created", "deleted")
    }
    assert told == {
        "componentType": ["CustomField"],
        "fullName": ["Lead.Score__c"],
        "problemType": ["Error"],
        "success": ["false"],
        "created": ["false"],
        "deleted": ["false"],
    }
    assert values(response, f"{failure}/problem") == [
        "'Dat' is not a valid value for the enum 'FieldType'"
    ]
    assert values(response, f"{failure}/lineNumber") == ["3"]
    assert values(response, f"{failure}/columnNumber") == ["54"]


def test_without_details_the_components_are_not_told(wire):
    deploy_id = deployed(wire, FILES)
    content = f"<asyncProcessId>{deploy_id}</asyncProcessId>"
    response = wire.soap(cci("checkDeployStatus", content))
    assert values(response, "result/done") == ["true"]
    assert values(response, "result/details") == []


def test_options_are_obeyed(admin, wire):
    deploy_id = deployed(
        wire, FILES, "<checkOnly>true</checkOnly><rollbackOnError>true</rollbackOnError>"
    )
    response = status(wire, deploy_id)
    assert values(response, "result/checkOnly") == ["true"]
    assert admin.org.schema.object("Lead").get("Score__c") is None
    quick = wire.soap(sf("deployRecentValidation", f"<validationId>{deploy_id}</validationId>"))
    [quick_id] = values(quick, "deployRecentValidationResponse/result")
    assert values(status(wire, quick_id), "result/status") == ["Succeeded"]
    assert admin.org.schema.object("Lead").get("Score__c") is not None


def retrieve(types):
    return f"<apiVersion>66.0</apiVersion><unpackaged>{types}<version>39.0</version></unpackaged>"


FIELD = "<types><members>Lead.Score__c</members><name>CustomField</name></types>"
PROFILE = "<types><name>Profile</name><members>Admin</members></types>"


def test_cci_retrieves_in_three_calls(wire):
    deployed(wire, FILES)
    asked = f"<retrieveRequest>{retrieve(FIELD + PROFILE)}</retrieveRequest>"
    accepted = wire.soap(cci("retrieve", asked))
    assert values(accepted, "result/done") == ["false"]
    [process_id] = values(accepted, "retrieveResponse/result/id")
    assert process_id.startswith("09S")
    content = f"<asyncProcessId>{process_id}</asyncProcessId>"
    done = wire.soap(cci("checkStatus", content))
    assert values(done, "checkStatusResponse/result/state") == ["Completed"]
    result = wire.soap(cci("checkRetrieveStatus", content))
    [packed] = values(result, "zipFile")
    assert sorted(unzipped(base64.b64decode(packed))) == [
        "unpackaged/objects/Lead.object",
        "unpackaged/package.xml",
        "unpackaged/profiles/Admin.profile",
    ]


def test_sf_retrieves_in_two_calls(wire):
    deployed(wire, FILES)
    accepted = wire.soap(sf("retrieve", f"<request>{retrieve(FIELD)}</request>"))
    [process_id] = values(accepted, "retrieveResponse/result/id")
    result = wire.soap(sf("checkRetrieveStatus", f"<asyncProcessId>{process_id}</asyncProcessId>"))
    assert values(result, "result/status") == ["Succeeded"]
    assert values(result, "result/id") == [process_id]
    assert values(result, "fileProperties/fullName") == ["Lead.Score__c", "unpackaged/package.xml"]
    assert values(result, "fileProperties/type") == ["CustomField", "Package"]
    assert values(result, "fileProperties/lastModifiedDate")[0] == "2026-11-02T10:00:00.000Z"


def test_an_unknown_package_is_told_in_the_words_that_cci_looks_for(wire):
    asked = "<retrieveRequest><packageNames>O'Neill &amp; Co</packageNames></retrieveRequest>"
    [process_id] = values(wire.soap(cci("retrieve", asked)), "retrieveResponse/result/id")
    content = f"<asyncProcessId>{process_id}</asyncProcessId>"
    result = wire.soap(cci("checkRetrieveStatus", content))
    assert values(result, "messages/problem") == [
        "INVALID_CROSS_REFERENCE_KEY: No package named 'O'Neill & Co' found"
    ]
    assert "INVALID_CROSS_REFERENCE_KEY: No package named" in result.text


def test_describe_names_types_directories_and_children(wire):
    response = wire.soap(prefixed("describeMetadata", "<asOfVersion>66.0</asOfVersion>"))
    names = values(response, "metadataObjects/xmlName")
    assert {"CustomObject", "Report", "PermissionSet", "PlatformEventChannel"} <= set(names)
    assert "InstalledPackage" not in names
    assert "CustomField" in values(response, "metadataObjects/childXmlNames")
    assert values(response, "result/testRequired") == ["false"]


def test_listings_name_components_and_files(wire):
    deployed(wire, FILES)
    query = "<queries><type>CustomField</type></queries><asOfVersion>66.0</asOfVersion>"
    response = wire.soap(sf("listMetadata", query))
    assert values(response, "listMetadataResponse/result/fullName") == ["Lead.Score__c"]
    assert values(response, "listMetadataResponse/result/fileName") == ["objects/Lead.object"]


# Faults --------------------------------------------------------------------------------------


def fault(response):
    root = etree.fromstring(response.content)
    assert response.status_code == 500
    return root.findtext(".//faultcode"), root.findtext(".//faultstring")


def test_a_session_that_is_not_valid_is_a_fault_that_cci_refreshes_upon(wire):
    response = wire.soap(cci("describeMetadata", "", token="00D!expired"))
    code, text = fault(response)
    assert code == "sf:INVALID_SESSION_ID"
    assert text.startswith("INVALID_SESSION_ID: Invalid Session ID found in SessionHeader")


def test_an_operation_that_is_not_served_is_the_clients_fault(wire):
    code, text = fault(wire.soap(cci("describeLayout", "")))
    assert code == "soapenv:Client"
    assert text == f"No operation available for request {{{NAMESPACE}}}describeLayout"


def test_what_is_no_envelope_is_the_clients_fault(wire):
    assert fault(wire.soap("nonsense"))[0] == "soapenv:Client"
    assert fault(wire.soap("<nothing/>"))[0] == "soapenv:Client"


def test_entities_are_never_resolved(wire):
    body = cci("checkStatus", "<asyncProcessId>&leak;</asyncProcessId>")
    doctype = '<!DOCTYPE x [<!ENTITY leak SYSTEM "file:///etc/hostname">]>'
    _, text = fault(wire.soap(body.replace("<soap:Envelope", f"{doctype}<soap:Envelope", 1)))
    assert "No retrieve found with id: " in text
    assert text.endswith(": ")


def test_a_deploy_that_nobody_knows_is_an_invalid_reference(wire):
    code, text = fault(status(wire, "0Af000000000099AAA"))
    assert code == "sf:INVALID_CROSS_REFERENCE_KEY"
    assert "0Af000000000099AAA" in text


def test_failed_tests_are_told_as_cci_reports_them(admin, wire):
    """A class that was to be tested stands among the failures of runTestResult."""
    meta = xml("ApexClass", "<apiVersion>62.0</apiVersion><status>Active</status>")
    files = {
        "package.xml": manifest(ApexClass="Foo"),
        "classes/Foo.cls": "@isTest class Foo {}",
        "classes/Foo.cls-meta.xml": meta,
    }
    options = "<runTests>Foo</runTests><testLevel>RunSpecifiedTests</testLevel>"
    told = status(wire, deployed(wire, files, options))
    assert values(told, "result/status") == ["Failed"]
    assert values(told, "runTestResult/failures/name") == ["Foo"]
    assert values(told, "runTestResult/failures/message") == ["Apex does not run in this org"]
    assert values(told, "result/numberTestErrors") == ["1"]
