"""Whatever is sent to the Partner SOAP API is answered by a result or a fault, never by a bug."""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from local_org.api.partner_soap import OPERATIONS
from tests.local_org.web import Web

pytestmark = pytest.mark.documented("SOAP API Developer Guide: API Fault Element")

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
PARTNER = "urn:partner.soap.sforce.com"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
ENDS_THE_SESSION = {"logout", "invalidateSessions"}
NAMES = [
    "sObjects",
    "ids",
    "type",
    "Id",
    "fieldsToNull",
    "LastName",
    "Company",
    "Owner",
    "OwnerId",
    "ToIds",
    "IsConverted",
    "CreatedDate",
    "queryString",
    "queryLocator",
    "sObjectType",
    "fieldList",
    "startDate",
    "endDate",
    "externalIDFieldName",
    "userId",
    "password",
    "username",
    "leadConverts",
    "leadId",
    "convertedStatus",
    "accountId",
    "contactId",
    "ownerId",
    "request",
    "masterRecord",
    "recordToMergeIds",
    "messages",
    "toAddresses",
    "targetObjectId",
    "subject",
    "plainTextBody",
]
TEXTS = st.sampled_from(
    [
        "",
        "Lead",
        "EmailMessage",
        "Account",
        "Email",
        "true",
        "-1",
        "2026-11-02T10:00:00Z",
        "9999-12-31T23:59:59-12:00",
        "Closed - Converted",
        "SELECT Id, Owner.Name, (SELECT Id FROM Tasks) FROM Lead",
        "SELECT MAX(CreatedDate) FROM Lead",
        "Id, Name",
        "00Q000000000001",
        "00Q000000000001EAA",
        "001000000000001",
        "02s000000000001",
        "a@example.com",
        "01g-1",
        "\U0001f600",
    ]
) | st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=20)
ELEMENTS = st.recursive(
    st.tuples(st.sampled_from(NAMES), TEXTS),
    lambda inner: st.tuples(st.sampled_from(NAMES), st.lists(inner, max_size=5)),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def web():
    web = Web()
    yield web
    web.org.close()


def xml(element):
    name, content = element
    inner = escape(content) if isinstance(content, str) else "".join(map(xml, content))
    return f"<{name}>{inner}</{name}>"


def post(web, body, doctype=""):
    content = (
        f'{doctype}<s:Envelope xmlns:s="{SOAP}" xmlns:xsi="{XSI}"><s:Header xmlns="{PARTNER}">'
        f"<SessionHeader><sessionId>{web.token}</sessionId></SessionHeader></s:Header>"
        f'<s:Body xmlns="{PARTNER}">{body}</s:Body></s:Envelope>'
    )
    return web.call("POST", "/services/Soap/u/66.0", content=content.encode())


def outcome(answer):
    """Return the local name of what the Body holds."""
    [content] = etree.fromstring(answer.content).findall(f"{{{SOAP}}}Body/*")
    return etree.QName(content).localname


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(set(OPERATIONS) - ENDS_THE_SESSION)), st.lists(ELEMENTS, max_size=4))
def test_every_call_ends_in_a_result_or_in_a_fault(web, operation, arguments):
    body = f"<{operation}>{''.join(map(xml, arguments))}</{operation}>"
    answer = post(web, body)

    expected = f"{operation}Response" if answer.status_code == 200 else "Fault"
    assert outcome(answer) == expected
    assert "UNKNOWN_EXCEPTION: An unexpected" not in answer.text


@pytest.mark.parametrize("operation", sorted(set(OPERATIONS) - ENDS_THE_SESSION))
def test_a_call_without_arguments_is_answered(web, operation):
    assert outcome(post(web, f"<{operation}/>")) in (f"{operation}Response", "Fault")


def test_records_in_records_in_records_are_refused(web):
    depth = 1500
    nested = "<Owner><type>User</type>" * depth + "</Owner>" * depth
    answer = post(web, f"<create><sObjects><type>Lead</type>{nested}</sObjects></create>")

    assert outcome(answer) == "Fault"
    assert "sf:INVALID_FIELD" in answer.text


def test_an_entity_in_place_of_an_argument_is_passed_over(web):
    doctype = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    answer = post(web, "<query>&e;<queryString>SELECT Id FROM Lead</queryString></query>", doctype)

    assert outcome(answer) in ("queryResponse", "Fault")
