"""Collections answer for every record by its place; a bad record spoils the others only if asked to."""

from typing import Any

import pytest

from tests.local_org.caller import custom, extend
from tests.local_org.web import API, Web

pytestmark = pytest.mark.documented("facts/real-clients.md 5.5; org-behaviour.md 1")

PATH = f"{API}/composite/sobjects"
GOOD = {"attributes": {"type": "Lead"}, "LastName": "Doe", "Company": "ACME"}
BAD = {"attributes": {"type": "Lead"}, "Company": "ACME"}
MISSING = {
    "statusCode": "REQUIRED_FIELD_MISSING",
    "message": "Required fields are missing: [LastName]",
    "fields": ["LastName"],
}
ROLLED_BACK = {
    "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "message": "Record rolled back because not all records were valid and the request was using "
    "AllOrNone header",
    "fields": [],
}


@pytest.fixture
def web():
    return Web()


def _keyed(key):
    return GOOD | {"Key__c": key}


def count(web):
    return web.rest("GET", "/query", params={"q": "SELECT COUNT() FROM Lead"}).json()["totalSize"]


def test_records_stand_alone(web):
    answer = web.call("POST", PATH, json={"allOrNone": False, "records": [GOOD, BAD, GOOD]})
    first, second, third = answer.json()
    assert first == {"id": first["id"], "success": True, "errors": []}
    assert second == {"success": False, "errors": [MISSING]}
    assert third["id"] != first["id"]
    assert count(web) == 2


def test_or_all_fall_with_one(web):
    answer = web.call("POST", PATH, json={"allOrNone": True, "records": [GOOD, BAD]})
    assert answer.status_code == 200
    assert answer.json() == [
        {"success": False, "errors": [ROLLED_BACK]},
        {"success": False, "errors": [MISSING]},
    ]
    assert count(web) == 0


def test_records_are_changed_by_their_id_in_any_case(web):
    first, second = web.create(), web.create()
    records = [
        {"attributes": {"type": "Lead"}, "id": first, "Company": "A"},
        {"attributes": {"type": "Lead"}, "Id": second, "Company": "B"},
        {"attributes": {"type": "Lead"}, "Company": "C"},
    ]
    results = web.call("PATCH", PATH, json={"records": records}).json()
    assert [result["success"] for result in results] == [True, True, False]
    assert results[2]["errors"][0]["statusCode"] == "MISSING_ARGUMENT"
    companies = web.call("GET", f"{PATH}/Lead?ids={first},{second}&fields=Company").json()
    assert [record["Company"] for record in companies] == ["A", "B"]


def test_upsert_tells_what_it_created(web):
    extend(web.org, fields=[custom("Key__c", length=40, external_id=True, id_lookup=True)])
    [first] = web.call("PATCH", f"{PATH}/Lead/Key__c", json={"records": [_keyed("1")]}).json()
    records = [_keyed("1"), _keyed("2"), _keyed(None)]
    results = web.call("PATCH", f"{PATH}/Lead/Key__c", json={"records": records}).json()
    assert first["created"] is True
    assert [result["created"] for result in results] == [False, True, False]
    assert results[0]["id"] == first["id"]
    assert results[2]["errors"][0]["statusCode"] == "MISSING_ARGUMENT"


def test_records_are_deleted_by_a_list_of_ids(web):
    gone = web.create()
    results = web.call("DELETE", f"{PATH}?ids={gone},{gone}&allOrNone=false").json()
    assert [result["success"] for result in results] == [True, False]
    assert results[0] == {"id": gone, "success": True, "errors": []}


@pytest.mark.parametrize("form", ["GET", "POST"])
def test_records_are_retrieved_in_the_order_of_their_ids(web, form):
    first, second = web.create(), web.create()
    ids, fields = [second, "00Q00000000ZZZZ", first], ["Id"]
    if form == "GET":
        answer = web.call("GET", f"{PATH}/Lead?ids={','.join(ids)}&fields=Id")
    else:
        answer = web.call("POST", f"{PATH}/Lead", json={"ids": ids, "fields": fields})
    assert [record and record["Id"] for record in answer.json()] == [second, None, first]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "MALFORMED_REQUEST"),
        ({"records": GOOD}, "MALFORMED_REQUEST"),
        ({"records": [{"LastName": "Doe"}]}, "INVALID_FIELD"),
        ({"records": [GOOD] * 201}, "EXCEEDED_ID_LIMIT"),
    ],
)
@pytest.mark.inferred(
    "codes for malformed calls are not in the recordings; "
    "settled by: POST composite/sobjects with such a body; tests/contract/test_answers.py for 201 records"
)
def test_a_call_that_makes_no_sense_writes_nothing(web, body, code):
    status, told, _ = web.refusal("POST", PATH, json=body)
    assert (status, told) == (400, code)
    assert count(web) == 0


def test_a_tree_is_created_as_a_whole(web):
    tree: dict[str, Any] = {
        "attributes": {"type": "Account", "referenceId": "a"},
        "Name": "ACME",
        "Contacts": {
            "records": [{"attributes": {"type": "Contact", "referenceId": "c"}, "LastName": "Doe"}]
        },
    }
    answer = web.rest("POST", "/composite/tree/Account", json={"records": [tree]})
    assert answer.status_code == 201
    made = {each["referenceId"]: each["id"] for each in answer.json()["results"]}
    [contact] = web.query("SELECT Id, AccountId FROM Contact")
    assert (contact["Id"], contact["AccountId"]) == (made["c"], made["a"])
    tree["Contacts"]["records"][0].pop("LastName")
    refused = web.rest("POST", "/composite/tree/Account", json={"records": [tree]})
    assert refused.status_code == 400
    [failed] = refused.json()["results"]
    assert failed["referenceId"] == "c"
    assert len(web.query("SELECT Id FROM Account")) == 1


def planted(web, *records):
    """POST trees of accounts that are refused; return the errors as pairs of reference and text."""
    answer = web.rest("POST", "/composite/tree/Account", json={"records": records})
    assert answer.status_code == 400
    assert answer.json()["hasErrors"] is True
    assert web.query("SELECT Id FROM Account") == []
    return [
        (told["referenceId"], error["message"])
        for told in answer.json()["results"]
        for error in told["errors"]
    ]


def account(reference, **more):
    attributes = {"type": more.pop("kind", "Account")}
    if reference:
        attributes["referenceId"] = reference
    return {"attributes": attributes, "Name": "ACME", **more}


@pytest.mark.documented('REST reference, "sObject Tree Response Body": duplicate reference ids')
def test_each_record_with_a_reference_that_another_has_is_named(web):
    """One item for each instance, and nothing is made."""
    message = (
        "Duplicate ReferenceId provided in the request. ReferenceId must be unique in a request."
    )
    assert planted(web, account("a"), account("b"), account("a")) == [("a", message)] * 2


@pytest.mark.inferred(
    "the limits are documented, their wordings are ours; "
    "settled by: tests/contract/test_rest_answers.py, TREES"
)
@pytest.mark.parametrize(
    ("records", "told"),
    [
        ([account("")], ("", "Include a reference ID for each record in the request.")),
        ([account("l", kind="Lead")], ("l", "expected records of Account at the root, got Lead")),
        (
            [account(str(n)) for n in range(201)],
            ("", "expected at most 200 records of 5 types, got 201 records of 1"),
        ),
        (
            [account(f"{n}", kind=f"Type{n}") for n in range(6)],
            ("", "expected at most 200 records of 5 types, got 6 records of 6"),
        ),
    ],
)
def test_trees_beyond_the_limits_are_refused(web, records, told):
    """Before any record of them is made."""
    assert planted(web, *records) == [told]


@pytest.mark.inferred(
    "the limit is documented, its wording is ours; settled by: a tree of six levels"
)
def test_a_tree_of_more_than_five_levels_is_refused(web):
    """The sixth level is named, and nothing is made."""
    tree = account("6")
    for level in range(5, 0, -1):
        tree = account(str(level), ChildAccounts={"records": [tree]})
    assert planted(web, tree) == [("6", "expected at most 5 levels of records")]


@pytest.mark.documented('REST reference, "sObject Tree Response Body"')
def test_all_that_is_wrong_with_a_record_of_a_tree_is_told(web):
    """A record can be wrong in more than one way."""
    record = {"attributes": {"type": "Lead", "referenceId": "l"}, "City": "Rome"}
    told = web.rest("POST", "/composite/tree/Lead", json={"records": [record]}).json()["results"]
    [failed] = told
    fields = {name for error in failed["errors"] for name in error["fields"]}
    assert fields == {"LastName", "Company"}
