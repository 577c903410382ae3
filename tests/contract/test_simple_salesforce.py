"""simple-salesforce, unmodified, works with the local org as with any other."""

from typing import Any

import pytest
import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)

from local_org.testing import running_org

LEAD = {"LastName": "Doe", "Company": "ACME"}


@pytest.fixture(scope="module")
def org():
    with running_org() as org:
        yield org


@pytest.fixture
def http(org, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", org.environment["REQUESTS_CA_BUNDLE"])
    with requests.Session() as http:
        yield http


@pytest.fixture
def salesforce(org, http):
    return Salesforce(
        instance_url=org.ready.instance_url,
        session_id=org.ready.access_token,
        version="66.0",
        session=http,
    )


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
