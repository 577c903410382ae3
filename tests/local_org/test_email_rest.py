"""The e-mail action of the REST API sends as Enhanced Email does, and tells how it went."""

from __future__ import annotations

import pytest

from tests.local_org.web import API, Web

pytestmark = pytest.mark.documented(
    "Actions Developer Guide: Simple Email Actions; Object Reference: EmailMessage"
)

PATH = "/actions/standard/emailSimple"
MAIL = {"emailSubject": "Hello", "emailBody": "Dear Ann", "senderType": "CurrentUser"}


@pytest.fixture
def web():
    web = Web()
    yield web
    web.org.close()


def send(web, **inputs):
    return web.rest("POST", PATH, json={"inputs": [MAIL | inputs]})


def refusal(answer):
    assert answer.status_code == 400
    [told] = answer.json()
    assert told["isSuccess"] is False
    [error] = told["errors"]
    return error["statusCode"], error["message"]


def test_the_way_to_the_action_is_listed(web):
    assert web.rest("GET", "/actions").json() == {"standard": f"{API}/actions/standard"}
    [told] = web.rest("GET", "/actions/standard").json()["actions"]
    assert told["url"] == API + PATH
    assert web.rest("GET", PATH).json()["name"] == "emailSimple"


def test_a_logged_mail_to_a_lead_is_a_message_with_a_task(web):
    lead = web.create(LastName="Doe", Company="ACME", Email="ann@example.com")
    answer = send(web, recipientId=lead, logEmailOnSend=True)

    assert answer.status_code == 200
    told = {"actionName": "emailSimple", "errors": None, "isSuccess": True, "outputValues": None}
    assert answer.json() == [told]
    [mail] = web.query("SELECT Status, Incoming, TextBody, ActivityId FROM EmailMessage")
    assert (mail["Status"], mail["Incoming"], mail["TextBody"]) == ("3", False, "Dear Ann")
    [task] = web.query("SELECT Id, WhoId, TaskSubtype, IsClosed FROM Task")
    assert (task["Id"], task["WhoId"]) == (mail["ActivityId"], lead)
    assert (task["TaskSubtype"], task["IsClosed"]) == ("Email", True)


def test_a_mail_to_a_lead_is_not_logged_unasked(web):
    lead = web.create(LastName="Doe", Company="ACME", Email="ann@example.com")

    assert send(web, recipientId=lead).status_code == 200
    assert web.query("SELECT Id FROM EmailMessage") == []


def test_a_mail_that_is_not_logged_leaves_no_record(web):
    answer = send(web, emailAddresses="a@example.com, b@example.com", sendRichBody=True)

    assert answer.status_code == 200
    assert web.query("SELECT Id FROM EmailMessage") == []
    [email] = web.org.actions.outbox
    assert email.to == ("a@example.com", "b@example.com")
    assert (email.text, email.html) == ("", "Dear Ann")


@pytest.mark.inferred(
    "codes and wordings as developers quote them; settled by: post each of these inputs"
)
@pytest.mark.parametrize(
    ("inputs", "code", "message"),
    [
        ({}, "REQUIRED_FIELD_MISSING", "Add a recipient to send an email."),
        (
            {"emailAddresses": "nobody"},
            "INVALID_EMAIL_ADDRESS",
            "Email address is invalid: nobody",
        ),
        (
            {"emailBody": ""},
            "INVALID_API_INPUT",
            "Missing required input parameter: emailBody",
        ),
        ({"colour": "red"}, "INVALID_API_INPUT", "Invalid input parameter: colour"),
        ({"senderType": "Other"}, "INVALID_API_INPUT", "Invalid senderType: Other"),
        ({"logEmailOnSend": 7}, "INVALID_API_INPUT", "logEmailOnSend: expected true or false"),
        ({"emailSubject": 7}, "INVALID_API_INPUT", "emailSubject: expected a text"),
        (
            {"emailAddressesArray": [7]},
            "INVALID_API_INPUT",
            "emailAddressesArray: expected a text or a list of texts",
        ),
    ],
)
def test_a_mail_that_cannot_be_sent_is_told_as_a_failed_invocation(web, inputs, code, message):
    assert refusal(send(web, **inputs)) == (code, message)


def test_one_failed_mail_does_not_keep_the_others(web):
    inputs = [MAIL | {"emailAddresses": to} for to in ("a@example.com", "nobody")]
    answer = web.rest("POST", PATH, json={"inputs": inputs})

    assert answer.status_code == 400
    assert [told["isSuccess"] for told in answer.json()] == [True, False]
    assert len(web.org.actions.outbox) == 1


@pytest.mark.inferred("no source gives the code; settled by: post an input that is no object")
def test_an_input_that_is_no_object_is_a_failed_invocation(web):
    answer = web.rest("POST", PATH, json={"inputs": ["x"]})

    assert refusal(answer) == ("INVALID_API_INPUT", "expected an object in 'inputs'")


@pytest.mark.inferred("no source gives the code; settled by: post a body without inputs")
@pytest.mark.parametrize("body", [{}, {"inputs": []}, {"inputs": "x"}])
def test_without_inputs_nothing_is_invoked(web, body):
    told = web.refusal("POST", API + PATH, json=body)

    assert told == (400, "INVALID_API_INPUT", "expected 'inputs' with 1 to 200 elements")
