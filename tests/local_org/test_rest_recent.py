"""What somebody looked at lately, conditional requests, and the limits of a day."""

from datetime import timedelta

import pytest

from tests.local_org.web import Web

pytestmark = pytest.mark.documented("the REST reference; facts/org-behaviour.md 1")

CALLS = 15_000


@pytest.fixture
def web():
    return Web()


# -- recently viewed ------------------------------------------------------------------------------


def view(web, record_id, entity="Lead", purpose="VIEW"):
    return web.query(f"SELECT Id FROM {entity} WHERE Id = '{record_id}' FOR {purpose}")


def names(web, **params):
    return [item["Name"] for item in web.rest("GET", "/recent", params=params).json()]


def test_records_that_were_viewed_are_recent_the_last_first(web):
    first = web.create("Lead", FirstName="Jane", LastName="Doe", Company="ACME")
    second = web.create("Account", Name="Globex")
    view(web, first)
    view(web, second, "account", "REFERENCE")
    told = web.rest("GET", "/recent").json()
    assert told == [
        {
            "attributes": {
                "type": "Account",
                "url": f"/services/data/v66.0/sobjects/Account/{second}",
            },
            "Id": second,
            "Name": "Globex",
        },
        {
            "attributes": {"type": "Lead", "url": f"/services/data/v66.0/sobjects/Lead/{first}"},
            "Id": first,
            "Name": "Jane Doe",
        },
    ]
    view(web, first)
    assert names(web) == ["Jane Doe", "Globex"]
    assert names(web, limit=1) == ["Jane Doe"]


def test_an_object_lists_those_of_its_own(web):
    view(web, web.create("Account", Name="Globex"), "Account")
    view(web, web.create())
    told = web.rest("GET", "/sobjects/Account").json()["recentItems"]
    assert [item["Name"] for item in told] == ["Globex"]


def test_a_view_dates_the_record(web):
    lead = web.create()
    view(web, lead, purpose="REFERENCE")
    [row] = web.query("SELECT LastViewedDate, LastReferencedDate FROM Lead")
    assert (row["LastViewedDate"], row["LastReferencedDate"]) == (
        None,
        "2026-11-02T10:00:00.000+0000",
    )
    view(web, lead)
    [row] = web.query("SELECT LastViewedDate FROM Lead")
    assert row["LastViewedDate"] == "2026-11-02T10:00:00.000+0000"


def test_recent_records_are_each_users_own_and_leave_with_the_record(web):
    lead = web.create()
    view(web, lead)
    web.rest("DELETE", f"/sobjects/Lead/{lead}")
    assert names(web) == []
    web.rest("GET", "/query", params={"q": "SELECT Id FROM User FOR VIEW"})
    web.as_user("sidecar@local.test")
    assert names(web) == []


@pytest.mark.inferred(
    "wording is ours; settled by: tests/contract/test_rest_answers.py, a limit that is no number"
)
def test_a_limit_that_is_no_number_is_refused(web):
    answer = web.refusal("GET", "/services/data/v66.0/recent", params={"limit": "x"})
    assert answer == (400, "INVALID_QUERY_OPTION", "expected a number in limit, got x")


# -- conditional requests, HEAD -------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/sobjects", "/sobjects/Lead/describe"])
def test_a_describe_that_has_not_changed_is_not_sent_again(web, path):
    changed = web.rest("GET", path).headers["last-modified"]
    assert changed == "Mon, 02 Nov 2026 10:00:00 GMT"
    again = web.rest("GET", path, headers={"If-Modified-Since": changed})
    assert (again.status_code, again.content) == (304, b"")
    older = {"If-Modified-Since": "Mon, 02 Nov 2026 09:59:59 GMT"}
    assert web.rest("GET", path, headers=older).status_code == 200


@pytest.mark.parametrize("path", ["/limits", "/sobjects/Lead/describe"])
def test_head_answers_as_get_without_a_body(web, path):
    head, get = web.rest("HEAD", path), web.rest("GET", path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]


# -- limits ---------------------------------------------------------------------------------------


def left(web, name):
    return web.rest("GET", "/limits").json()[name]["Remaining"]


def test_bulk_batches_and_queries_are_counted(web):
    job = {"object": "Lead", "operation": "insert"}
    told = web.rest("POST", "/jobs/ingest", json=job).json()
    web.rest("PUT", f"/jobs/ingest/{told['id']}/batches", content=b"LastName\nDoe\n")
    web.rest("PATCH", f"/jobs/ingest/{told['id']}", json={"state": "UploadComplete"})
    web.rest("POST", "/jobs/query", json={"operation": "query", "query": "SELECT Id FROM Lead"})
    assert left(web, "DailyBulkApiBatches") == 14_999
    assert left(web, "DailyBulkV2QueryJobs") == 9_999


def test_a_day_has_its_allowance_of_calls(web):
    for _ in range(CALLS - 1):
        web.org.count_call()
    assert left(web, "DailyApiRequests") == 0
    assert web.refusal("GET", "/services/data/v66.0/limits") == (
        403,
        "REQUEST_LIMIT_EXCEEDED",
        "TotalRequests Limit exceeded.",
    )
    web.org.clock.advance(timedelta(hours=24))
    assert left(web, "DailyApiRequests") == CALLS - 1
