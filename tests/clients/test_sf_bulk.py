"""The newest Salesforce CLI loads, exports and deletes in bulk on the local org, unmodified."""

from __future__ import annotations

import csv
import json
import shutil

import pytest

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(not shutil.which("sf"), reason="the Salesforce CLI is not on PATH"),
]
SOQL = "SELECT Id, LastName, Company FROM Lead WHERE Company = 'Bulk, Inc' ORDER BY LastName"
WAIT = ("--wait", "2")


@pytest.fixture
def sf(shell):
    """The CLI, logged in to the local org by JWT."""
    shell.sf(
        "org", "login", "jwt",
        "--username", shell.org.admin_username,
        "--jwt-key-file", shell.org.jwt_key_file,
        "--client-id", shell.org.client_id,
        "--instance-url", shell.org.instance_url,
        "--set-default",
    )  # fmt: skip
    return shell.sf


def written(path, header, rows):
    """Write a CSV file and return its name."""
    with path.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return str(path)


def read(path):
    with path.open(newline="", encoding="utf-8") as source:
        return list(csv.DictReader(source))


def test_rows_are_imported_queried_exported_and_deleted(sf, tmp_path):
    rows = [(f"Doe {number:02}", "Bulk, Inc") for number in range(12)]
    file = written(tmp_path / "leads.csv", ("LastName", "Company"), rows)
    imported = sf("data", "import", "bulk", "--file", file, "--sobject", "Lead", *WAIT)["result"]
    assert (imported["processedRecords"], imported["successfulRecords"]) == (12, 12)

    found = sf("data", "query", "-q", SOQL)["result"]["records"]
    assert [record["LastName"] for record in found] == [name for name, _ in rows]

    target = tmp_path / "out.csv"
    exported = sf("data", "export", "bulk", "-q", SOQL, "--output-file", str(target), *WAIT)
    assert exported["result"]["totalSize"] == 12
    leads = read(target)
    assert [(lead["LastName"], lead["Company"]) for lead in leads] == rows

    doomed = written(tmp_path / "ids.csv", ("Id",), [(lead["Id"],) for lead in leads])
    deleted = sf("data", "delete", "bulk", "--sobject", "Lead", "--file", doomed, *WAIT)["result"]
    assert (deleted["jobInfo"]["numberRecordsProcessed"], deleted["jobInfo"]["state"]) == (
        12,
        "JobComplete",
    )
    assert sf("data", "query", "-q", SOQL)["result"]["totalSize"] == 0


def test_an_import_with_rows_that_fail_says_which_and_why(sf, tmp_path):
    rows = [("Doe", "Bulk, Inc"), ("", "Bulk, Inc")]
    file = written(tmp_path / "leads.csv", ("LastName", "Company"), rows)
    failed = sf("data", "import", "bulk", "--file", file, "--sobject", "Lead", *WAIT, check=False)
    assert failed["name"] == "FailedRecordDetailsError"
    told = sf("data", "bulk", "results", "--job-id", failed["data"]["jobId"])["result"]
    assert (told["successfulRecords"], told["failedRecords"]) == (1, 1)


def test_rows_are_updated_in_bulk_and_found_by_a_search(sf, tmp_path):
    values = "LastName=Doe Company='Zyzzyva Partners'"
    lead = sf("data", "create", "record", "-s", "Lead", "-v", values)["result"]["id"]
    file = written(tmp_path / "cities.csv", ("Id", "City"), [(lead, "Rome")])
    updated = sf("data", "update", "bulk", "--file", file, "--sobject", "Lead", *WAIT)["result"]
    assert (updated["successfulRecords"], updated["failedRecords"]) == (1, 0)
    sosl = "FIND {zyzz*} IN ALL FIELDS RETURNING Lead(City WHERE LastName = 'Doe')"
    [found] = sf("data", "search", "-q", sosl)["result"]["searchRecords"]
    assert found["City"] == "Rome"


def test_trees_of_records_are_imported_and_exported(sf, tmp_path):
    contact = {"attributes": {"type": "Contact", "referenceId": "c"}, "LastName": "Doe"}
    account = {
        "attributes": {"type": "Account", "referenceId": "a"},
        "Name": "Tree",
        "Contacts": {"records": [contact]},
    }
    file = tmp_path / "accounts.json"
    file.write_text(json.dumps({"records": [account]}), encoding="utf-8")
    made = sf("data", "import", "tree", "--files", str(file))["result"]
    assert [(each["refId"], each["type"]) for each in made] == [("a", "Account"), ("c", "Contact")]
    soql = "SELECT Name, (SELECT LastName FROM Contacts) FROM Account WHERE Name = 'Tree'"
    told = sf("data", "export", "tree", "--query", soql, "--output-dir", str(tmp_path))["result"]
    [exported] = told["records"]
    assert exported["Contacts"]["records"][0]["LastName"] == "Doe"
