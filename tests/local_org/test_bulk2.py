"""Bulk API 2.0 loads CSV and gives the rows of queries as CSV, the way sf and simple-salesforce ask."""

import csv
import io
import json

import pytest

from local_org.api.bulk_jobs import Jobs
from tests.local_org.caller import custom, extend
from tests.local_org.web import API, Web

pytestmark = pytest.mark.documented("facts/real-clients.md 5.7; org-behaviour.md 5")

INGEST = "/jobs/ingest"
QUERY = "/jobs/query"
UNFINISHED = (
    "expected a job in state UploadComplete, JobComplete, Aborted or Failed to delete, it is Open"
)
TWO = "LastName,Company\nDoe,ACME\n,ACME\n"


@pytest.fixture
def web():
    return Web()


def opened(web, operation="insert", entity="Lead", **more):
    """Open a job and return its path."""
    answer = web.rest("POST", INGEST, json={"object": entity, "operation": operation, **more})
    assert answer.status_code == 200, answer.text
    return f"{INGEST}/{answer.json()['id']}"


def uploaded(web, content, operation="insert", entity="Lead", **more):
    """Open a job, upload rows, and return its path."""
    path = opened(web, operation, entity, **more)
    answer = web.rest(
        "PUT", f"{path}/batches", content=content, headers={"Content-Type": "text/csv"}
    )
    assert (answer.status_code, answer.content) == (201, b"")
    return path


def loaded(web, content, operation="insert", entity="Lead", **more):
    """Load rows and return the path of the job and what it says when it is done."""
    path = uploaded(web, content, operation, entity, **more)
    answer = web.rest("PATCH", path, json={"state": "UploadComplete"})
    assert (answer.status_code, answer.json()["state"]) == (200, "UploadComplete")
    return path, web.rest("GET", path).json()


def table(answer, delimiter=","):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(answer.text), delimiter=delimiter))


def results(web, path, which, delimiter=","):
    return table(web.rest("GET", f"{path}/{which}"), delimiter)


def refusal(web, method, path, **request):
    return web.refusal(method, f"/services/data/v66.0{path}", **request)


def test_a_job_without_content_type_is_opened_for_csv(web):
    told = web.rest("POST", INGEST, json={"object": "Lead", "operation": "insert"}).json()
    assert told.pop("id").startswith("750")
    assert told.pop("contentUrl").startswith("services/data/v66.0/jobs/ingest/750")
    assert told == {
        "operation": "insert",
        "object": "Lead",
        "createdById": web.user_id,
        "createdDate": "2026-11-02T10:00:00.000+0000",
        "systemModstamp": "2026-11-02T10:00:00.000+0000",
        "state": "Open",
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": 66.0,
        "jobType": "V2Ingest",
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
    }


def test_a_finished_job_tells_its_figures(web):
    _path, told = loaded(web, TWO)
    assert told["state"] == "JobComplete"
    assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (2, 1)
    assert {told[name] for name in ("retries", "totalProcessingTime", "apexProcessingTime")} == {0}


def test_results_part_the_rows_by_what_became_of_them(web):
    path, _ = loaded(web, TWO)
    [lead] = web.query("SELECT Id FROM Lead")
    assert results(web, path, "successfulResults") == [
        ["sf__Id", "sf__Created", "LastName", "Company"],
        [lead["Id"], "true", "Doe", "ACME"],
    ]
    head, row = results(web, path, "failedResults")
    assert head == ["sf__Id", "sf__Error", "LastName", "Company"]
    assert row == [
        "",
        "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --",
        "",
        "ACME",
    ]
    assert results(web, path, "unprocessedrecords") == [["LastName", "Company"]]


@pytest.mark.parametrize(
    "name", ["successfulResults/", "SUCCESSFULRESULTS", "unprocessedRecords", "failedresults/"]
)
def test_paths_of_results_are_read_in_any_case_and_with_a_slash(web, name):
    path, _ = loaded(web, TWO)
    assert web.rest("GET", f"{path}/{name}").status_code == 200


def test_a_result_that_does_not_exist_is_not_found(web):
    path, _ = loaded(web, TWO)
    assert refusal(web, "GET", f"{path}/allResults")[:2] == (404, "NOT_FOUND")


def test_rows_come_in_chunks(web):
    async def chunks():
        yield b"LastName,Comp"
        yield b"any\nDoe,ACME\n"

    _path, told = loaded(web, chunks())
    assert told["numberRecordsProcessed"] == 1


def test_rows_are_updated_by_id_and_na_empties_a_field(web):
    lead = web.create("Lead", LastName="Doe", Company="ACME", City="Rome", Phone="1")
    path, _ = loaded(web, f"Id,City,Phone\n{lead},,#N/A\n00Q000000000ZZZ,Bonn,\n", "update")
    [record] = web.query("SELECT City, Phone FROM Lead")
    assert (record["City"], record["Phone"]) == ("Rome", None)
    assert results(web, path, "successfulResults")[1][:2] == [lead, "false"]
    assert results(web, path, "failedResults")[1][0] == "00Q000000000ZZZ"


def test_an_upsert_says_which_rows_are_new(web):
    extend(web.org, fields=[custom("Key__c", length=40, external_id=True, id_lookup=True)])
    lines = "Key__c,LastName,Company\n1,Doe,ACME\n"
    for created in ("true", "false"):
        path, told = loaded(web, lines, "upsert", externalIdFieldName="Key__c")
        assert told["externalIdFieldName"] == "Key__c"
        assert results(web, path, "successfulResults")[1][1] == created


def test_rows_are_deleted_by_id_into_the_recycle_bin(web):
    lead = web.create()
    loaded(web, f"Id\n{lead}\n", "delete")
    assert web.query("SELECT Id FROM Lead") == []
    deleted = web.rest("GET", "/queryAll", params={"q": "SELECT IsDeleted FROM Lead"}).json()
    assert [row["IsDeleted"] for row in deleted["records"]] == [True]


def test_a_hard_delete_without_its_permission_is_refused(web):
    asked = {"object": "Lead", "operation": "hardDelete"}
    status, code, message = refusal(web, "POST", INGEST, json=asked)
    assert (status, code) == (400, "FEATURENOTENABLED")
    assert message.startswith("FeatureNotEnabled : hardDelete operation requires special user")


@pytest.mark.parametrize(
    ("name", "character"),
    [("TAB", "\t"), ("SEMICOLON", ";"), ("PIPE", "|"), ("CARET", "^"), ("BACKQUOTE", "`")],
)
def test_columns_are_parted_as_the_job_says(web, name, character):
    content = f"LastName{character}Company\nDoe{character}A,B\n"
    path, _ = loaded(web, content, columnDelimiter=name)
    assert results(web, path, "successfulResults", character)[1][2:] == ["Doe", "A,B"]


def test_lines_end_as_the_job_says(web):
    path, told = loaded(web, "LastName,Company\r\nDoe,ACME\r\n", lineEnding="CRLF")
    assert told["numberRecordsProcessed"] == 1
    answer = web.rest("GET", f"{path}/successfulResults")
    assert answer.content.count(b"\r\n") == answer.content.count(b"\n") == 2


@pytest.mark.inferred(
    "wording from forum posts; settled by: a load with CRLF in a job of LF, its errorMessage"
)
def test_lines_that_end_otherwise_fail_the_job(web):
    path, told = loaded(web, "LastName,Company\r\nDoe,ACME\r\n")
    assert (told["state"], told["errorMessage"]) == (
        "Failed",
        "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF",
    )
    assert results(web, path, "failedResults") == [["sf__Id", "sf__Error"]]


@pytest.mark.inferred(
    "wording from a client's log; settled by: a load with an unknown column, its errorMessage"
)
def test_a_column_that_is_no_field_fails_the_job(web):
    path, told = loaded(web, "LastName,Nope__c\nDoe,1\n")
    assert (told["state"], told["errorMessage"]) == (
        "Failed",
        "InvalidBatch : Field name not found : Nope__c",
    )
    assert results(web, path, "unprocessedRecords") == [["LastName", "Nope__c"], ["Doe", "1"]]
    assert web.query("SELECT Id FROM Lead") == []


def test_a_multipart_job_comes_with_its_rows(web):
    job = {"object": "Lead", "operation": "insert"}
    parts = {
        "job": (None, json.dumps(job), "application/json"),
        "content": ("content", TWO, "text/csv"),
    }
    told = web.rest("POST", INGEST, files=parts).json()
    assert told["state"] == "UploadComplete"
    assert web.rest("GET", f"{INGEST}/{told['id']}").json()["numberRecordsProcessed"] == 2


@pytest.mark.inferred("wording is ours; settled by: such a multipart job")
def test_a_multipart_job_without_rows_is_refused(web):
    parts = {"job": (None, "{}", "application/json")}
    assert refusal(web, "POST", INGEST, files=parts) == (
        400,
        "INVALIDJOB",
        "InvalidJob : expected the parts 'job' and 'content'",
    )


def test_an_aborted_job_keeps_its_rows_as_unprocessed(web):
    path = uploaded(web, TWO)
    assert web.rest("PATCH", path, json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert len(results(web, path, "unprocessedrecords")) == 3
    assert web.query("SELECT Id FROM Lead") == []


def test_a_finished_job_is_deleted_with_its_results(web):
    path, _ = loaded(web, TWO)
    assert web.rest("DELETE", path).status_code == 204
    assert refusal(web, "GET", path)[:2] == (404, "NOT_FOUND")


@pytest.mark.inferred(
    "codes are documented, wordings ours; settled by: each of these calls against an open job"
)
@pytest.mark.parametrize(
    ("method", "end", "request_", "message"),
    [
        ("DELETE", "", {}, UNFINISHED),
        ("GET", "/failedResults", {}, "expected a finished job, it is Open"),
        ("PATCH", "", {"json": {"state": "Nope"}},
         "expected the state UploadComplete or Aborted, got Nope"),
        ("PUT", "/batches", {"content": b"x"},
         "the data of this job has been uploaded already; open another job"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_state_of_a_job_is_refused(web, method, end, request_, message):
    path = uploaded(web, TWO)
    expected = (400, "INVALIDJOBSTATE", f"InvalidJobState : {message}")
    assert refusal(web, method, path + end, **request_) == expected


@pytest.mark.inferred(
    "wordings are Bulk 1.0's; settled by: tests/contract/test_rest_answers.py, an upsert without its key"
)
@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"object": "Nope__c"}, "Unable to find object: Nope__c"),
        ({"operation": "explode"}, "Unknown operation: 'explode'"),
        ({"contentType": "JSON"}, "expected contentType CSV, got JSON"),
        ({"lineEnding": "CR"}, "expected lineEnding of LF, CRLF, got CR"),
        ({"operation": "upsert"},
         "External ID was blank for Lead. An External ID must be specified for upsert."),
    ],
)  # fmt: skip
def test_a_job_that_cannot_be_done_is_refused(web, wanted, message):
    asked = {"object": "Lead", "operation": "insert"} | wanted
    expected = (400, "INVALIDJOB", f"InvalidJob : {message}")
    assert refusal(web, "POST", INGEST, json=asked) == expected


def test_jobs_are_listed_page_by_page(web):
    session = web.org.session(web.token)
    wanted = {"object": "Lead", "operation": "insert"}
    jobs = [web.context.jobs.v2.open_load(web.org, session, "66.0", wanted) for _ in range(1001)]
    page = web.rest("GET", INGEST).json()
    assert (page["done"], len(page["records"])) == (False, 1000)
    last = web.call("GET", page["nextRecordsUrl"]).json()
    assert (last["done"], last["nextRecordsUrl"]) == (True, None)
    assert [job["id"] for job in last["records"]] == [jobs[0].id]


def test_jobs_of_others_are_not_found(web):
    path, _ = loaded(web, TWO)
    web.as_user("sidecar@local.test")
    assert refusal(web, "GET", path)[:2] == (404, "NOT_FOUND")
    assert web.rest("GET", INGEST).json()["records"] == []


# -- queries --------------------------------------------------------------------------------------


def asked(web, soql, operation="query", **more):
    """Run a query and return its path."""
    answer = web.rest("POST", QUERY, json={"operation": operation, "query": soql, **more})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["state"] == "UploadComplete"
    return f"{QUERY}/{told['id']}"


def test_a_query_tells_its_job_as_recorded_by_clients(web):
    told = web.rest("POST", QUERY, json={"operation": "queryAll", "query": "SELECT Id FROM Lead"})
    assert list(told.json()) == [
        "id",
        "operation",
        "object",
        "createdById",
        "createdDate",
        "systemModstamp",
        "state",
        "concurrencyMode",
        "contentType",
        "apiVersion",
        "lineEnding",
        "columnDelimiter",
    ]
    assert told.json()["object"] == "Lead"


def test_rows_have_the_columns_of_the_query_in_order(web):
    lead = web.create("Lead", LastName='D"oe', Company="A,B")
    path = asked(web, "SELECT Company, Id, CreatedDate, Owner.Name, City, LastName FROM Lead")
    told = web.rest("GET", path).json()
    assert (told["state"], told["numberRecordsProcessed"]) == ("JobComplete", 1)
    assert table(web.rest("GET", f"{path}/results")) == [
        ["Company", "Id", "CreatedDate", "Owner.Name", "City", "LastName"],
        ["A,B", lead, "2026-11-02T10:00:00.000Z", "Admin User", "", 'D"oe'],
    ]


def test_pages_follow_their_locator(web):
    for number in range(5):
        web.create("Lead", LastName=f"N{number}", Company="C")
    path = asked(web, "SELECT LastName FROM Lead ORDER BY LastName")
    names, locator = [], None
    while locator != "null":
        params = {"maxRecords": 2} | ({"locator": locator} if locator else {})
        answer = web.rest("GET", f"{path}/results", params=params)
        head, *rows = table(answer)
        assert head == ["LastName"]
        assert answer.headers["sforce-numberofrecords"] == str(len(rows))
        names.append([name for [name] in rows])
        locator = answer.headers["sforce-locator"]
    assert names == [["N0", "N1"], ["N2", "N3"], ["N4"]]


def test_a_query_without_rows_still_has_its_columns(web):
    answer = web.rest("GET", f"{asked(web, 'SELECT Id, LastName FROM Lead')}/results")
    assert table(answer) == [["Id", "LastName"]]
    assert answer.headers["sforce-numberofrecords"] == "0"


def test_deleted_rows_are_in_query_all_only(web):
    web.rest("DELETE", f"/sobjects/Lead/{web.create()}")
    counts = [
        len(table(web.rest("GET", f"{asked(web, 'SELECT Id FROM Lead', operation)}/results")))
        for operation in ("query", "queryAll")
    ]
    assert counts == [1, 2]


def test_rows_are_written_as_the_query_says(web):
    web.create("Lead", LastName="Doe", Company="A|B")
    path = asked(
        web, "SELECT LastName, Company FROM Lead", columnDelimiter="PIPE", lineEnding="CRLF"
    )
    answer = web.rest("GET", f"{path}/results")
    assert answer.content == b'"LastName"|"Company"\r\n"Doe"|"A|B"\r\n'


@pytest.mark.inferred(
    "refused at once, in SOQL's words; "
    "settled by: tests/contract/test_rest_answers.py, a query job that is wrong"
)
@pytest.mark.parametrize(
    ("wanted", "code", "start"),
    [
        ({"query": "SELECT Nope FROM Lead"}, "INVALID_FIELD", "\nSELECT Nope FROM Lead"),
        ({"query": ""}, "INVALIDJOB", "InvalidJob : expected SOQL in 'query'"),
        ({"operation": "insert"}, "INVALIDJOB", "InvalidJob : Unknown operation: 'insert'"),
    ],
)
def test_a_query_that_is_wrong_is_refused(web, wanted, code, start):
    asked_for = {"operation": "query", "query": "SELECT Id FROM Lead"} | wanted
    status, told, message = refusal(web, "POST", QUERY, json=asked_for)
    assert (status, told) == (400, code)
    assert message.startswith(start)


@pytest.mark.inferred("wording from forum posts; settled by: a query job with a child subquery")
def test_child_rows_do_not_fit_into_csv(web):
    account = web.create("Account", Name="A")
    web.create("Contact", LastName="C", AccountId=account)
    soql = "SELECT Id, (SELECT Id FROM Contacts) FROM Account"
    assert refusal(web, "POST", QUERY, json={"operation": "query", "query": soql}) == (
        400,
        "FEATURENOTENABLED",
        "FeatureNotEnabled : Cannot serialize value for 'Contacts' in CSV format",
    )


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({"locator": "9"}, "INVALID_QUERY_LOCATOR", "invalid query locator"),
        ({"locator": "x"}, "INVALID_QUERY_LOCATOR", "expected a number in locator, got x"),
        ({"maxRecords": "0"}, "INVALID_QUERY_OPTION", "expected maxRecords from 1, got 0"),
    ],
)
@pytest.mark.inferred("wordings are ours; settled by: asking for these pages")
def test_a_page_that_does_not_exist_is_refused(web, params, code, message):
    path = asked(web, "SELECT Id FROM Lead")
    assert refusal(web, "GET", f"{path}/results", params=params) == (400, code, message)


def test_queries_are_listed_and_deleted(web):
    path = asked(web, "SELECT Id FROM Lead")
    [told] = web.rest("GET", QUERY).json()["records"]
    assert (told["jobType"], told["state"]) == ("V2Query", "JobComplete")
    assert web.rest("DELETE", path).status_code == 204
    assert web.rest("GET", QUERY).json()["records"] == []


@pytest.mark.documented('Bulk API guide, "Get Parallel Results for a Query Job"')
def test_pages_of_results_are_told_five_at_a_time(web, monkeypatch):
    monkeypatch.setattr("local_org.api.bulk2_queries._MOST_ROWS", 1)
    for number in range(7):
        web.create("Lead", LastName=f"Doe {number}", Company="ACME")
    path = asked(web, "SELECT LastName FROM Lead ORDER BY LastName")
    first = web.rest("GET", f"{path}/resultPages").json()
    assert (first["done"], len(first["resultPages"])) == (False, 5)
    last = web.call("GET", first["nextRecordsUrl"]).json()
    assert (last["done"], last["nextRecordsUrl"]) == (True, None)
    urls = [page["resultUrl"] for page in first["resultPages"] + last["resultPages"]]
    rows = [web.call("GET", url).text.splitlines() for url in urls]
    assert rows == [['"LastName"', f'"Doe {number}"'] for number in range(7)]


@pytest.mark.documented('Bulk API guide, "Get Parallel Results for a Query Job"')
def test_a_query_without_rows_has_one_page_of_results(web):
    path = asked(web, "SELECT Id FROM Lead")
    told = web.rest("GET", f"{path}/resultPages").json()
    assert told["done"] is True
    [page] = told["resultPages"]
    assert web.call("GET", page["resultUrl"]).text == '"Id"\n'
    version = page["resultUrl"].replace("v66.0", "v57.0").replace("results", "resultPages")
    assert web.call("GET", version).status_code == 404


@pytest.mark.documented('Bulk API guide, "Get Information About All Query Jobs"')
def test_jobs_of_the_first_bulk_api_are_listed_too_unless_a_type_is_asked_for(web):
    def kinds(path, **params):
        records = web.rest("GET", path, params=params).json()["records"]
        return [record["jobType"] for record in records]

    asked(web, "SELECT Id FROM Lead")
    web.rest("POST", INGEST, json={"object": "Lead", "operation": "insert"})
    headers = {"X-SFDC-Session": web.token, "Content-Type": "application/json"}
    job = {"operation": "query", "object": "Lead", "contentType": "CSV"}
    for more in ({}, {"Sforce-Enable-PKChunking": "TRUE"}):
        web.call("POST", "/services/async/66.0/job", json=job, headers=headers | more)
    assert kinds(QUERY) == ["Classic", "Classic", "V2Query"]
    assert kinds(INGEST) == ["Classic", "Classic", "V2Ingest"]
    assert kinds(QUERY, jobType="V2Query") == ["V2Query"]
    assert kinds(INGEST, jobType="Classic") == ["Classic", "Classic"]
    assert kinds(QUERY, isPkChunkingEnabled="true") == ["Classic"]


@pytest.mark.inferred(
    "a real org has the room of many servers; settled by: nothing, it is a bound of this one"
)
def test_finished_jobs_make_room_for_others_and_open_ones_do_not(web):
    web.context.jobs = Jobs(most_held=100)
    first, _ = loaded(web, TWO * 3)
    open_job = uploaded(web, TWO * 3)
    assert web.rest("GET", first).status_code == 200
    second = opened(web)
    assert web.rest("GET", first).status_code == 404
    web.rest("PUT", f"{second}/batches", content=TWO * 3, headers={"Content-Type": "text/csv"})
    wanted = {"object": "Lead", "operation": "insert"}
    refused = web.refusal("POST", f"{API}{INGEST}", json=wanted)
    text = "Bulk jobs hold too much data: finish, abort or delete some of them"
    assert refused == (400, "LIMIT_EXCEEDED", text)
    assert web.rest("PATCH", open_job, json={"state": "Aborted"}).status_code == 200
    assert opened(web)
