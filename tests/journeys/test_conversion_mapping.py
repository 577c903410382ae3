"""A converted Lead's stamps go to its Contact, beside what the administrator maps already."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from lxml import etree

from speed_to_lead.cci.conversion import merge
from tests.journeys.administrator import administering
from tests.journeys.stage import deploy, zipped
from tests.metadata.deploying import manifest, xml

FIELD = "<fields><fullName>{}</fullName><label>Budget</label><length>20</length><type>Text</type></fields>"
MAPPING = """<objectMapping><inputObject>Lead</inputObject><mappingFields><inputField>{0}</inputField>
<outputField>{1}</outputField></mappingFields><outputObject>{2}</outputObject></objectMapping>"""


def settings(*mappings):
    body = xml("LeadConvertSettings", "".join(MAPPING.format(*each) for each in mappings))
    return etree.fromstring(body.encode())


def pairs(root):
    return [
        (target.findtext("{*}outputObject"), *(each.text for each in fields))
        for target in root.iterfind("{*}objectMapping")
        for fields in target.iterfind("{*}mappingFields")
    ]


def test_what_is_mapped_already_stays_and_the_rest_is_added():
    theirs = settings(("A__c", "Mine__c", "Contact"), ("A__c", "B__c", "Account"))
    ours = settings(("A__c", "A__c", "Contact"))
    assert merge(theirs, ours) == []
    more = settings(("C__c", "C__c", "Contact"))
    assert merge(theirs, more) == ["C__c"]
    assert pairs(theirs) == [
        ("Contact", "A__c", "Mine__c"),
        ("Contact", "C__c", "C__c"),
        ("Account", "A__c", "B__c"),
    ]


def test_an_object_that_is_not_mapped_yet_is_added_whole():
    theirs = settings()
    assert merge(theirs, settings(("A__c", "A__c", "Contact"))) == ["A__c"]
    assert pairs(theirs) == [("Contact", "A__c", "A__c")]


CONVERT = """<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com">
<e:Header><SessionHeader><sessionId>{token}</sessionId></SessionHeader></e:Header>
<e:Body><convertLead><leadConverts><convertedStatus>{status}</convertedStatus>
<doNotCreateOpportunity>true</doNotCreateOpportunity><leadId>{lead}</leadId>
<overwriteLeadSource>false</overwriteLeadSource><sendNotificationEmail>false</sendNotificationEmail>
</leadConverts></convertLead></e:Body></e:Envelope>"""


def convert(admin, lead):
    """Convert a Lead over the partner API, and return the id of its Contact."""
    [status] = admin.records.query("SELECT MasterLabel FROM LeadStatus WHERE IsConverted = true")
    token = admin.records.headers["Authorization"].removeprefix("Bearer ")
    answer = admin.http.post(
        f"{admin.org.instance_url}/services/Soap/u/64.0",
        content=CONVERT.format(token=token, status=status["MasterLabel"], lead=lead),
        headers={"Content-Type": "text/xml", "SOAPAction": '""'},
    )
    [contact] = etree.fromstring(answer.content).iter("{*}contactId")
    return contact.text


@pytest.fixture
def admin(tmp_path):
    with administering(tmp_path) as admin:
        admin.run("flow", "deploy_unmanaged")
        admin.run("task", "assign_admin_access")
        yield admin


def map_the_budget(admin):
    """Let the administrator have a field of their own, mapped."""
    mine = MAPPING.format("Budget__c", "Budget__c", "Contact")
    grant = "".join(
        f"<fieldPermissions><editable>true</editable><field>{entity}.Budget__c</field>"
        "<readable>true</readable></fieldPermissions>"
        for entity in ("Contact", "Lead")
    )
    files = {
        "package.xml": manifest(
            CustomField=["Lead.Budget__c", "Contact.Budget__c"],
            LeadConvertSettings="LeadConvertSettings",
            PermissionSet="Budget",
        ),
        "objects/Lead.object": xml("CustomObject", FIELD.format("Budget__c")),
        "objects/Contact.object": xml("CustomObject", FIELD.format("Budget__c")),
        "permissionsets/Budget.permissionset": xml("PermissionSet", f"{grant}<label>B</label>"),
        "LeadConvertSettings/LeadConvertSettings.LeadConvertSetting": xml(
            "LeadConvertSettings", mine
        ),
    }
    deploy(admin.org, zipped(files))


def test_stamps_and_the_administrators_own_fields_reach_the_contact(admin):
    map_the_budget(admin)
    admin.run("task", "deploy_conversion_mapping")
    admin.run("task", "deploy_conversion_mapping")
    for name in ("Budget", "Speed_to_Lead_Contacts"):
        admin.run("task", "assign_permission_sets", "--api_names", name)
    lead = admin.records.create(
        "Lead",
        LastName="Doe",
        Company="ACME",
        Budget__c="much",
        First_Response_Source__c="Call",
        First_Response_At__c=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    )
    contact = convert(admin, lead)
    [found] = admin.records.query(
        "SELECT Budget__c, First_Response_Source__c, First_Response_At__c FROM Contact "
        f"WHERE Id = '{contact}'"
    )
    assert (found["Budget__c"], found["First_Response_Source__c"]) == ("much", "Call")
    assert found["First_Response_At__c"] is not None
