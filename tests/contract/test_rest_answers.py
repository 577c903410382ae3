"""What the local org only infers of REST and Bulk, put as questions that a real org can settle.

``make verify-org ORG=alias`` asks the org that sf knows by this alias. No question leaves a record
behind; jobs that are opened are aborted, or fail by themselves.
"""

from __future__ import annotations

from typing import Any

import pytest

DATA = "/services/data/v62.0"
BELOW = (
    "The API version that was specified (20.0) is below the minimum supported (21.0). "
    "Change the version number and run the request again."
)
UNKNOWN_VERSION = "Invalid Api version specified on URL"
NO_FIELD = "InvalidBatch : Field name not found : Nope__c"
POLLS = 300
"""A real org takes seconds; every poll takes it a tenth of one."""


def parts(*names: str, path: str = "/limits") -> dict[str, Any]:
    """Return the body of a composite request of one GET for each name."""
    url = f"{DATA}{path}"
    return {
        "compositeRequest": [{"method": "GET", "url": url, "referenceId": each} for each in names]
    }


REFUSALS: dict[str, tuple[str, str, dict[str, Any], str, str]] = {
    "a limit that is no number": (
        "GET", "/recent", {"params": {"limit": "x"}},
        "INVALID_QUERY_OPTION", "expected a number in limit, got x",
    ),
    "a search without braces": (
        "GET", "/search", {"params": {"q": "acme"}},
        "MALFORMED_SEARCH", "No search term found. The search term must be enclosed in braces.",
    ),
    "a search for one letter": (
        "GET", "/search", {"params": {"q": "FIND {a}"}},
        "MALFORMED_SEARCH", "search term must be longer than one character: a",
    ),
    "a search of types": (
        "GET", "/search", {"params": {"q": "FIND {name} IN ALL TYPE RETURNING Lead"}},
        "MALFORMED_SEARCH", "Malformed search token: TYPE",
    ),
    "six queries in a composite": (
        "POST", "/composite", {"json": parts(*"abcdef", path="/query?q=SELECT+Id+FROM+User")},
        "LIMIT_EXCEEDED", "The maximum number of query and collection operations allowed is 5.",
    ),
    "two parts of one name": (
        "POST", "/composite", {"json": parts("a", "a")},
        "INVALID_INPUT", "Duplicate referenceId: a",
    ),
    "a part of a bad name": (
        "POST", "/composite", {"json": parts("b-c")},
        "INVALID_INPUT", "Provided referenceId ('b-c') must start with a letter or a number",
    ),
    "a load of an unknown object": (
        "POST", "/jobs/ingest", {"json": {"object": "Nope__c", "operation": "insert"}},
        "INVALIDJOB", "InvalidJob : Unable to find object: Nope__c",
    ),
    "an upsert without its key": (
        "POST", "/jobs/ingest", {"json": {"object": "Lead", "operation": "upsert"}},
        "INVALIDJOB", "InvalidJob : External ID was blank for Lead.",
    ),
    "a query job that is wrong": (
        "POST", "/jobs/query", {"json": {"operation": "query", "query": "SELECT Nope FROM Lead"}},
        "INVALID_FIELD", "No such column 'Nope' on entity 'Lead'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("refused", REFUSALS.values(), ids=REFUSALS)
def test_a_call_that_makes_no_sense_is_refused_so(asked, refused):
    method, path, body, code, message = refused
    status, found, text = asked.refusal(method, path, **body)
    assert (status, found) == (400, code)
    assert message in text


def test_a_version_that_is_retired_is_gone(asked):
    answer = asked.http.get("/services/data/v20.0/limits")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (410, "GONE")
    assert answer.json()[0]["message"] == BELOW


@pytest.mark.parametrize(("version", "message"), [("99.0", UNKNOWN_VERSION), ("20.0", BELOW)])
def test_bulk_says_that_a_version_is_invalid(asked, version, message):
    answer = bulk(asked, "GET", f"/services/async/{version}/job/750000000000001")
    assert answer.status_code == 400
    assert answer.json() == {"exceptionCode": "InvalidVersion", "exceptionMessage": message}


TREES: dict[str, tuple[list[dict[str, Any]], str, str]] = {
    "a record without a reference": (
        [{"attributes": {"type": "Account"}, "Name": "Contract"}],
        "INVALID_INPUT", "Include a reference ID for each record in the request.",
    ),
    "a root of another type": (
        [{"attributes": {"type": "Lead", "referenceId": "a"}, "Name": "Contract"}],
        "INVALID_INPUT", "expected records of Account at the root, got Lead",
    ),
    "one reference twice": (
        [{"attributes": {"type": "Account", "referenceId": "a"}, "Name": "Contract"}] * 2,
        "INVALID_INPUT", "Duplicate ReferenceId provided in the request.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("records", "code", "message"), TREES.values(), ids=TREES)
def test_a_tree_that_makes_no_sense_is_refused_so(asked, records, code, message):
    answer = asked.call("POST", "/composite/tree/Account", json={"records": records})
    assert answer.status_code == 400
    error = answer.json()["results"][0]["errors"][0]
    assert error["statusCode"] == code
    assert message in error["message"]


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_a_condition_that_cannot_be_read_refuses_a_change(asked, header):
    account = f"/sobjects/Account/{asked.make('Account', Name='Contract')}"
    told = asked.refusal("PATCH", account, json={"Phone": "1"}, headers={header: "x"})
    assert told == (400, "INVALID_HEADER_VALUE", f"Invalid value for header {header.lower()}: x")


def test_a_record_changed_meanwhile_is_not_changed_again(asked):
    account = f"/sobjects/Account/{asked.make('Account', Name='Contract')}"
    tag = asked.call("GET", account).headers["etag"]
    assert asked.call("PATCH", account, json={"Phone": "1"}).status_code == 204
    told = asked.refusal("PATCH", account, json={"Phone": "2"}, headers={"If-Match": tag})
    assert told[:2] == (412, "PRECONDITION_FAILED")


# -- Bulk API 1.0 ---------------------------------------------------------------------------------


def bulk(asked: Any, method: str, path: str, **request: Any) -> Any:
    """Send a request as Bulk API 1.0 takes it."""
    headers = {"X-SFDC-Session": asked.access_token, "Content-Type": "application/json"}
    headers |= request.pop("headers", {})
    return asked.http.request(method, path, headers=headers, **request)


JOBS: dict[str, tuple[dict[str, Any], dict[str, str], str]] = {
    "a content type that is none": (
        {"contentType": "TEXT"}, {}, "Unsupported content type: TEXT",
    ),
    "an operation that is none": ({"operation": "explode"}, {}, "Unknown operation: 'explode'"),
    "chunks of nothing": (
        {"operation": "query"}, {"Sforce-Enable-PKChunking": "chunkSize=0"},
        "got chunksize 0",
    ),
    "chunks of the organization": (
        {"operation": "query", "object": "Organization"}, {"Sforce-Enable-PKChunking": "TRUE"},
        "PK chunking is not supported for Organization",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("wanted", "headers", "message"), JOBS.values(), ids=JOBS)
def test_a_job_that_cannot_be_done_is_refused_so(asked, wanted, headers, message):
    job = {"operation": "insert", "object": "Lead", "contentType": "JSON"} | wanted
    answer = bulk(asked, "POST", "/services/async/62.0/job", json=job, headers=headers)
    assert answer.status_code == 400, answer.text
    assert answer.json()["exceptionCode"] == "InvalidJob"
    assert message in answer.json()["exceptionMessage"]


BATCHES: dict[str, tuple[dict[str, str], dict[str, str], str, str]] = {
    "a column that is no field": (
        {"contentType": "CSV"}, {}, "LastName,Nope__c\nDoe,1\n",
        NO_FIELD,
    ),
    "more rows than the limit": (
        {"contentType": "JSON"}, {}, f"[{','.join(['{}'] * 10_001)}]",
        "InvalidBatch : Exceeded number of records",
    ),
    "rows that are no list": ({"contentType": "JSON"}, {}, "{", "InvalidBatch : "),
    "an ordered query in chunks": (
        {"operation": "query", "contentType": "CSV"}, {"Sforce-Enable-PKChunking": "TRUE"},
        "SELECT Id FROM Lead ORDER BY Name",
        "InvalidBatch : PK chunking is not supported for a query with ORDER BY",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("wanted", "headers", "rows", "message"), BATCHES.values(), ids=BATCHES)
def test_a_batch_that_makes_no_sense_fails_so(asked, wanted, headers, rows, message):
    root = "/services/async/62.0/job"
    order = {"operation": "insert", "object": "Lead"} | wanted
    job = f"{root}/{bulk(asked, 'POST', root, json=order, headers=headers).json()['id']}"
    kind = {"CSV": "text/csv", "JSON": "application/json"}[wanted["contentType"]]
    sent = bulk(asked, "POST", f"{job}/batch", content=rows, headers={"Content-Type": kind})
    told = finished(asked, f"{job}/batch/{bulk_id(sent)}")
    bulk(asked, "POST", job, json={"state": "Aborted"})
    assert told["state"] == "Failed"
    assert message in told["stateMessage"]


def bulk_id(answer: Any) -> str:
    """Return the id of a batch, told in JSON or in XML."""
    if "json" in answer.headers["content-type"]:
        return str(answer.json()["id"])
    return str(answer.text.partition("<id>")[2].partition("</id>")[0])


def finished(asked: Any, path: str) -> dict[str, Any]:
    """Return a batch once nothing more will come of it."""
    told: dict[str, Any] = {}
    for _ in range(POLLS):
        told = bulk(asked, "GET", path).json()
        if told["state"] not in ("Queued", "InProgress"):
            break
    return told
