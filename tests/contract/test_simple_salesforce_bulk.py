"""simple-salesforce's further calls: bulk jobs of every kind, composite, and honest refusals."""

from __future__ import annotations

import csv

import pytest
from simple_salesforce.exceptions import (
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)


def leads(number, company):
    return [{"LastName": f"Doe {each}", "Company": company} for each in range(number)]


def count(salesforce, company, **more):
    soql = f"SELECT Id FROM Lead WHERE Company = '{company}'"
    return salesforce.query_all(soql, **more)["totalSize"]


@pytest.fixture
def hard_delete(salesforce, org):
    """The right to delete for good, which even administrators must be given."""
    wanted = {"Name": "Hard", "Label": "Hard", "PermissionsBulkApiHardDelete": True}
    granted = salesforce.PermissionSet.create(wanted)["id"]
    salesforce.PermissionSetAssignment.create(
        {"AssigneeId": org.ready.admin_user_id, "PermissionSetId": granted}
    )
    yield
    salesforce.PermissionSet.delete(granted)


# -- Bulk API 1.0 ---------------------------------------------------------------------------------


def test_rows_are_sent_in_batches_one_after_the_other(salesforce):
    bulk = salesforce.bulk.Lead
    results = bulk.insert(leads(5, "Serial"), batch_size=2, use_serial=True)
    assert [result["success"] for result in results] == [True] * 5
    assert count(salesforce, "Serial") == 5


def test_results_come_with_the_rows_they_are_of(salesforce):
    rows = [*leads(1, "Detailed"), {"Company": "Detailed"}]
    good, bad = salesforce.bulk.submit_dml("Lead", "insert", rows, include_detailed_results=True)
    assert (good["success"], good["LastName"]) == (True, "Doe 0")
    assert (bad["success"], bad["Company"]) == (False, "Detailed")


def test_a_load_whose_results_are_not_awaited_is_told_by_its_job(salesforce):
    told = salesforce.bulk.Lead.insert(leads(3, "Bypass"), batch_size=3, bypass_results=True)
    assert next(each["job_id"] for each in told if "job_id" in each).startswith("750")
    assert count(salesforce, "Bypass") == 3


@pytest.mark.usefixtures("hard_delete")
def test_rows_are_deleted_for_good(salesforce):
    made = salesforce.bulk.Lead.insert(leads(2, "Hard"))
    gone = salesforce.bulk.Lead.hard_delete([{"Id": each["id"]} for each in made])
    assert [each["success"] for each in gone] == [True, True]
    assert count(salesforce, "Hard", include_deleted=True) == 0


def test_a_hard_delete_without_the_right_to_it_is_refused(salesforce):
    with pytest.raises(SalesforceMalformedRequest) as refused:
        salesforce.bulk.Lead.hard_delete([{"Id": "00Q000000000001"}])
    assert "FeatureNotEnabled" in str(refused.value)


def test_a_query_that_is_wrong_is_told_by_its_batch(salesforce):
    with pytest.raises(SalesforceGeneralError) as refused:
        salesforce.bulk.Lead.query("SELECT Nope FROM Lead")
    assert "No such column 'Nope' on entity 'Lead'" in str(refused.value)


def test_rows_of_a_query_come_one_by_one_where_that_is_wanted(salesforce):
    salesforce.bulk.Lead.insert(leads(3, "Lazy"))
    soql = "SELECT LastName FROM Lead WHERE Company = 'Lazy' ORDER BY LastName"
    pages = salesforce.bulk.Lead.query(soql, lazy_operation=True)
    assert [row["LastName"] for page in pages for row in page] == ["Doe 0", "Doe 1", "Doe 2"]


# -- Bulk API 2.0 ---------------------------------------------------------------------------------


def test_a_file_is_loaded_in_jobs_of_a_size(salesforce, tmp_path):
    file = tmp_path / "leads.csv"
    with file.open("w", newline="", encoding="utf-8") as target:
        writer = csv.DictWriter(target, ("LastName", "Company"), lineterminator="\n")
        writer.writeheader()
        writer.writerows(leads(5, "File"))
    told = salesforce.bulk2.Lead.insert(str(file), batch_size=2, wait=0)
    assert [int(each["numberRecordsProcessed"]) for each in told] == [2, 2, 1]
    assert count(salesforce, "File") == 5


def test_all_rows_of_a_load_are_told_by_what_became_of_them(salesforce, tmp_path):
    bulk = salesforce.bulk2.Lead
    rows = [*leads(1, "All"), {"LastName": "", "Company": "All"}]
    [told] = bulk.insert(records=rows, wait=0)
    every = bulk.get_all_ingest_records(told["job_id"])
    assert [row["LastName"] for row in every["successfulRecords"]] == ["Doe 0"]
    [failed] = every["failedRecords"]
    assert failed["sf__Error"].startswith("REQUIRED_FIELD_MISSING:")
    assert every["unprocessedRecords"] == []
    file = tmp_path / "failed.csv"
    bulk.get_failed_records(told["job_id"], file=str(file))
    assert "REQUIRED_FIELD_MISSING" in file.read_text(encoding="utf-8")


@pytest.mark.usefixtures("hard_delete")
def test_rows_of_a_load_are_deleted_for_good(salesforce):
    salesforce.bulk2.Lead.insert(records=leads(2, "Hard 2"), wait=0)
    found = salesforce.query("SELECT Id FROM Lead WHERE Company = 'Hard 2'")["records"]
    [told] = salesforce.bulk2.Lead.hard_delete(records=[{"Id": r["Id"]} for r in found], wait=0)
    assert int(told["numberRecordsFailed"]) == 0
    assert count(salesforce, "Hard 2", include_deleted=True) == 0


def test_deleted_rows_are_in_query_all_of_either_bulk_api(salesforce):
    made = salesforce.bulk.Lead.insert(leads(1, "Gone"))
    salesforce.Lead.delete(made[0]["id"])
    soql = "SELECT LastName FROM Lead WHERE Company = 'Gone'"
    assert [row["LastName"] for row in salesforce.bulk.Lead.query_all(soql)] == ["Doe 0"]
    [page] = salesforce.bulk2.Lead.query_all(soql, wait=0)
    assert page.splitlines() == ['"LastName"', '"Doe 0"']


# -- the rest -------------------------------------------------------------------------------------


def test_a_graph_of_records_is_posted_through_the_generic_door(salesforce):
    base = "/services/data/v66.0/sobjects"
    nodes = [
        {
            "method": "POST",
            "url": f"{base}/Account",
            "referenceId": "account",
            "body": {"Name": "Graph"},
        },
        {
            "method": "POST",
            "url": f"{base}/Contact",
            "referenceId": "contact",
            "body": {"LastName": "Doe", "AccountId": "@{account.id}"},
        },
    ]
    wanted = {"graphs": [{"graphId": "1", "compositeRequest": nodes}]}
    [told] = salesforce.restful("composite/graph", method="POST", json=wanted)["graphs"]
    assert told["isSuccessful"] is True
    soql = "SELECT Account.Name FROM Contact WHERE Account.Name = 'Graph'"
    assert salesforce.query(soql)["records"][0]["Account"]["Name"] == "Graph"


def test_the_next_page_is_found_by_its_name_or_its_url(salesforce):
    salesforce.bulk.Lead.insert(leads(250, "More"))
    soql = "SELECT Id FROM Lead WHERE Company = 'More'"
    first = salesforce.query(soql, headers={"Sforce-Query-Options": "batchSize=200"})
    url = first["nextRecordsUrl"]
    by_url = salesforce.query_more(url, identifier_is_url=True)
    by_name = salesforce.query_more(url.rsplit("/", 1)[-1])
    assert len(by_url["records"]) == 50
    assert by_url == by_name


def test_records_are_counted_and_the_user_is_told(salesforce, org):
    told = salesforce.restful("limits/recordCount", params={"sObjects": "Organization"})
    assert told["sObjects"] == [{"count": 1, "name": "Organization"}]
    assert salesforce.oauth2("userinfo")["user_id"] == org.ready.admin_user_id


def test_a_record_changed_meanwhile_is_not_written_over(salesforce):
    lead = salesforce.Lead.create({"LastName": "Doe", "Company": "Conditional"})["id"]
    condition = {"If-Unmodified-Since": "Thu, 01 Jan 2026 00:00:00 GMT"}
    with pytest.raises(SalesforceGeneralError) as refused:
        salesforce.Lead.update(lead, {"City": "Rome"}, headers=condition)
    assert refused.value.status == 412
    assert salesforce.Lead.get(lead)["City"] is None


def test_what_the_org_does_not_have_is_not_found(salesforce):
    with pytest.raises(SalesforceResourceNotFound) as refused:
        salesforce.apexecute("FieldCase")
    assert "Could not find a match for URL" in str(refused.value)
    with pytest.raises(SalesforceResourceNotFound) as refused:
        salesforce.Lead.describe_layout("012000000000000AAA")
    assert "The requested resource does not exist" in str(refused.value)
