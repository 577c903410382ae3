"""What the local org only infers, put as questions that a real org can settle.

``make verify-org ORG=alias`` asks the org that sf knows by this alias. Every question cleans up
after itself; it needs a user who may create leads and tasks, and no package.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

LEAD = {"LastName": "Contract", "Company": "Speed to Lead"}

SOQL_REFUSALS: dict[str, tuple[str, str, str]] = {
    "all fields without a limit": (
        "SELECT FIELDS(ALL) FROM Lead",
        "MALFORMED_QUERY",
        "The SOQL FIELDS function must have a LIMIT of at most 200",
    ),
    "a condition nested too deeply": (
        f"SELECT Id FROM Lead WHERE {'(' * 3000}Name = 'a'{')' * 3000}",
        "QUERY_TOO_COMPLICATED",
        "filter conditions are too complicated",
    ),
    "one field twice": ("SELECT Id, Id FROM Lead", "INVALID_FIELD", "duplicate field selected: Id"),
    "an alias on a plain field": (
        "SELECT Id x FROM Lead",
        "MALFORMED_QUERY",
        "only aggregate expressions use field alias",
    ),
    "a sum over texts": (
        "SELECT SUM(Name) FROM Lead",
        "MALFORMED_QUERY",
        "does not support aggregate operator",
    ),
    "one alias twice": (
        "SELECT COUNT(Id) n, COUNT(Name) n FROM Lead",
        "MALFORMED_QUERY",
        "duplicate alias: n",
    ),
    "greater than for a checkbox": (
        "SELECT Id FROM Lead WHERE IsConverted > true",
        "INVALID_QUERY_FILTER_OPERATOR",
        "invalid operator on",
    ),
    "an escape that is none": (
        r"SELECT Id FROM Lead WHERE Name = 'a\q'",
        "MALFORMED_QUERY",
        "Illegal character",
    ),
    "a month that is none": (
        "SELECT Id FROM Lead WHERE CreatedDate > 2026-13-01T00:00:00Z",
        "MALFORMED_QUERY",
        "Invalid dateTime: 2026-13-01T00:00:00Z",
    ),
    "a semi-join of two fields": (
        "SELECT Id FROM Account WHERE Id IN (SELECT Id, AccountId FROM Contact)",
        "MALFORMED_QUERY",
        "a semi-join must select exactly one field",
    ),
    "a semi-join on a text": (
        "SELECT Id FROM Account WHERE Name IN (SELECT AccountId FROM Contact)",
        "MALFORMED_QUERY",
        "should be an id field, cannot use: 'Name'",
    ),
    "a field both grouped and aggregated": (
        "SELECT Company, COUNT(Company) FROM Lead GROUP BY Company",
        "MALFORMED_QUERY",
        "Grouped field should not be aggregated: Company",
    ),
    "a part of a date as a field": (
        "SELECT Id, CALENDAR_YEAR(CreatedDate) FROM Lead",
        "MALFORMED_QUERY",
        "Field must be grouped or aggregated: CALENDAR_YEAR(CreatedDate)",
    ),
    "children skipped below many parents": (
        "SELECT Id, (SELECT Id FROM Tasks OFFSET 1) FROM Lead",
        "MALFORMED_QUERY",
        "when its parent query has LIMIT 1",
    ),
    "a scope that there is not": (
        "SELECT Id FROM Lead USING SCOPE yours",
        "MALFORMED_QUERY",
        "unexpected token: 'yours'",
    ),
    "a scope of other objects": (
        "SELECT Id FROM Lead USING SCOPE delegated",
        "MALFORMED_QUERY",
        "Lead does not support the scope 'delegated'",
    ),
    "a data category of leads": (
        "SELECT Id FROM Lead WITH DATA CATEGORY a__c AT b__c",
        "MALFORMED_QUERY",
        "Entity 'Lead' does not support data category filters",
    ),
    "a distance that is to be exact": (
        "SELECT Id FROM Lead WHERE DISTANCE(Address, GEOLOCATION(1, 2), 'mi') = 5",
        "MALFORMED_QUERY",
        "a DISTANCE can only be compared by < and >",
    ),
}


@pytest.mark.parametrize(("soql", "code", "message"), SOQL_REFUSALS.values(), ids=SOQL_REFUSALS)
def test_a_query_that_makes_no_sense_is_refused_so(asked, soql, code, message):
    status, found, text = asked.refusal("GET", "/query", params={"q": soql})
    assert (status, found) == (400, code)
    assert message in text


WRITE_REFUSALS: dict[str, tuple[dict[str, Any], str, str]] = {
    "required fields missing": (
        {},
        "REQUIRED_FIELD_MISSING",
        r"Required fields are missing: \[LastName, Company\]",
    ),
    "a text too long": (
        LEAD | {"LastName": "x" * 81},
        "STRING_TOO_LONG",
        r"Last Name: data value too large: x+ \(max length=80\)",
    ),
    "no e-mail address": (
        LEAD | {"Email": "nobody"},
        "INVALID_EMAIL_ADDRESS",
        "Email: invalid email address: nobody",
    ),
    "a field that is not there": (
        LEAD | {"Nope__c": 1},
        "INVALID_FIELD",
        r"No such column 'Nope__c' on sobject of type Lead",
    ),
    "a field that nobody writes": (
        LEAD | {"IsConverted": True, "ConvertedDate": "2026-01-01"},
        "INVALID_FIELD_FOR_INSERT_UPDATE|CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        ".+",
    ),
    "an owner that is no id": (LEAD | {"OwnerId": "nobody"}, "MALFORMED_ID", ".*nobody.*"),
    "a number that is none": (LEAD | {"AnnualRevenue": "much"}, "JSON_PARSER_ERROR", ".+"),
}


@pytest.mark.parametrize(("values", "code", "message"), WRITE_REFUSALS.values(), ids=WRITE_REFUSALS)
def test_a_record_that_is_wrong_is_refused_so(asked, values, code, message):
    status, found, text = asked.refusal("POST", "/sobjects/Lead", json=values)
    assert status == 400
    assert re.fullmatch(code, found), found
    assert re.fullmatch(message, text, re.DOTALL), text


def test_a_method_that_a_path_does_not_know_is_not_allowed(asked):
    status, code, _ = asked.refusal("PUT", "/sobjects/Lead", json={})
    assert (status, code) == (405, "METHOD_NOT_ALLOWED")


def test_more_than_25_parts_of_a_composite_are_refused(asked):
    url = "/services/data/v62.0/limits"
    parts = [{"method": "GET", "url": url, "referenceId": f"r{n}"} for n in range(26)]
    status, code, _ = asked.refusal("POST", "/composite", json={"compositeRequest": parts})
    assert (status, code) == (400, "LIMIT_EXCEEDED")


def test_more_than_200_records_of_a_collection_are_refused(asked):
    records = [LEAD | {"attributes": {"type": "Lead"}}] * 201
    status, code, _ = asked.refusal("POST", "/composite/sobjects", json={"records": records})
    assert (status, code) == (400, "EXCEEDED_ID_LIMIT")


def test_a_record_that_is_deleted_says_so(asked):
    lead = asked.make("Lead", **LEAD)
    assert asked.call("DELETE", f"/sobjects/Lead/{lead}").status_code == 204
    status, code, message = asked.refusal("PATCH", f"/sobjects/Lead/{lead}", json={"City": "Bonn"})
    assert (status, code, message) == (404, "ENTITY_IS_DELETED", "entity is deleted")


def test_a_closed_task_is_completed_at_the_time_it_is_closed(asked):
    lead = asked.make("Lead", **LEAD)
    task = asked.make("Task", Subject="Call", WhoId=lead, Status="Not Started")
    assert asked.call("PATCH", f"/sobjects/Task/{task}", json={"Status": "Completed"}).is_success
    soql = f"SELECT IsClosed, CompletedDateTime FROM Task WHERE Id = '{task}'"
    [told] = asked.query(soql)["records"]
    assert told["IsClosed"]
    assert told["CompletedDateTime"]


MAIL = {"emailSubject": "Contract", "emailBody": "Hello"}
MAIL_REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "without a recipient": (MAIL, "REQUIRED_FIELD_MISSING"),
    "to an address that is none": (MAIL | {"emailAddresses": "nobody"}, "INVALID_EMAIL_ADDRESS"),
    "without a body": (MAIL | {"emailBody": ""}, "INVALID_API_INPUT"),
    "with an input that is not there": (MAIL | {"colour": "red"}, "INVALID_API_INPUT"),
}


@pytest.mark.parametrize(("values", "code"), MAIL_REFUSALS.values(), ids=MAIL_REFUSALS)
def test_a_mail_that_cannot_be_sent_is_a_failed_invocation(asked, values, code):
    path = "/actions/standard/emailSimple"
    answer = asked.call("POST", path, json={"inputs": [values]})
    [told] = answer.json()
    assert (told["isSuccess"], told["errors"][0]["statusCode"]) == (False, code)


COLLECTION_REFUSALS: dict[str, tuple[Any, str]] = {
    "an empty object": ({}, "MALFORMED_REQUEST"),
    "records that are no list": ({"records": {}}, "MALFORMED_REQUEST"),
    "a record without its type": ({"records": [LEAD]}, "INVALID_FIELD"),
}


@pytest.mark.parametrize(("body", "code"), COLLECTION_REFUSALS.values(), ids=COLLECTION_REFUSALS)
def test_a_collection_that_makes_no_sense_is_refused_so(asked, body, code):
    status, found, _ = asked.refusal("POST", "/composite/sobjects", json=body)
    assert (status, found) == (400, code)


def test_a_message_that_names_nobody_makes_no_task(asked):
    message = asked.make("EmailMessage", Subject="Hi", Incoming=False, Status="3")
    soql = f"SELECT ActivityId FROM EmailMessage WHERE Id = '{message}'"
    assert asked.query(soql)["records"][0]["ActivityId"] is None


def test_a_rollup_of_nothing_is_its_grand_total(asked):
    soql = "SELECT Company, COUNT(Id) n FROM Lead WHERE Name = 'Nobody At All' GROUP BY "
    told = asked.query(f"{soql} ROLLUP(Company)")["records"]
    assert [(each["Company"], each["n"]) for each in told] == [(None, 0)]


@pytest.mark.parametrize(
    ("report_type", "columns"),
    [
        ("LeadList", {"FIRST_NAME", "LAST_NAME", "COMPANY", "LEAD_SOURCE", "RATING", "OWNER"}),
        ("Activity", {"SUBJECT", "TASK", "STATUS", "WHO_NAME"}),
        ("Opportunity", {"OPPORTUNITY_NAME", "AMOUNT", "STAGE_NAME", "CLOSE_DATE"}),
    ],
)
def test_a_report_type_has_these_columns(asked, report_type, columns):
    answer = asked.call("GET", f"/analytics/reportTypes/{report_type}")
    assert answer.status_code == 200, answer.text
    categories = answer.json()["reportTypeMetadata"]["categories"]
    assert columns <= {name for each in categories for name in each["columns"]}


@pytest.mark.parametrize(("incoming", "status"), [(True, "0"), (False, "3")])
def test_a_message_without_status_is_new_or_sent(asked, incoming, status):
    message = asked.make("EmailMessage", Subject="Hi", Incoming=incoming)
    soql = f"SELECT Status FROM EmailMessage WHERE Id = '{message}'"
    assert asked.query(soql)["records"][0]["Status"] == status


def test_a_lead_is_unread_by_an_owner_who_did_not_write_it(asked):
    lead = asked.make("Lead", **LEAD)
    soql = f"SELECT IsUnreadByOwner FROM Lead WHERE Id = '{lead}'"
    assert asked.query(soql)["records"][0]["IsUnreadByOwner"] is False


def test_nulls_come_first_in_ascending_order(asked):
    for city in ("Bonn", None, "aachen"):
        asked.make("Lead", **LEAD, City=city, LeadSource="Web", Website="contract.test")
    soql = "SELECT City FROM Lead WHERE Website = 'contract.test' ORDER BY City"
    told = [each["City"] for each in asked.query(soql)["records"]]
    assert told == [None, "aachen", "Bonn"]
