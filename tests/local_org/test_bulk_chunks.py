"""Bulk API 1.0 divides a query into batches by record id where the job's header asks for it."""

import pytest

from tests.local_org.test_bulk import ROOT, call, info, table, text
from tests.local_org.web import Web

pytestmark = pytest.mark.documented(
    'Bulk API guide, "PK Chunking Header"; batch states as heroku/salesforce-bulk#75 tells them'
)
SOQL = "SELECT LastName FROM Lead"


@pytest.fixture
def web():
    web = Web()
    for number in range(5):
        web.create("Lead", LastName=f"Doe {number}", Company="ACME")
    return web


def open_job(web, header, entity="Lead", operation="query"):
    """Ask for a job and return the answer."""
    content = info(operation=operation, object=entity, contentType="CSV")
    headers = {"Content-Type": "application/xml", "Sforce-Enable-PKChunking": header}
    return call(web, "POST", ROOT, content=content, headers=headers)


def queried(web, header, soql=SOQL, **job):
    """Run a query in a job with this header; return the batches as pairs of state and names."""
    root = f"{ROOT}/{text(open_job(web, header, **job), 'id')}/batch"
    call(web, "POST", root, content=soql, headers={"Content-Type": "text/csv"})
    listed = call(web, "GET", root, headers={"Accept": "application/json"}).json()["batchInfo"]
    return [(batch["state"], rows(web, f"{root}/{batch['id']}/result")) for batch in listed]


def rows(web, path):
    answer = call(web, "GET", path)
    if answer.status_code != 200:
        return text(answer, "exceptionMessage")
    found = call(web, "GET", f"{path}/{text(answer, 'result')}")
    return [name for [name] in table(found)[1:]]


def test_each_chunk_has_a_batch_and_the_one_that_was_sent_is_not_processed(web):
    """Rows follow the order of their ids, two by two, and the last chunk holds the rest."""
    assert queried(web, "chunkSize=2") == [
        ("NotProcessed", "Batch was not processed"),
        ("Completed", ["Doe 0", "Doe 1"]),
        ("Completed", ["Doe 2", "Doe 3"]),
        ("Completed", ["Doe 4"]),
    ]


def test_deleted_rows_and_those_that_are_filtered_out_count_for_the_size_of_a_chunk(web):
    """A chunk may hold fewer rows than its size, even none."""
    [doomed] = web.query("SELECT Id FROM Lead WHERE LastName = 'Doe 1'")
    web.rest("DELETE", f"/sobjects/Lead/{doomed['Id']}")
    soql = f"{SOQL} WHERE LastName != 'Doe 0'"
    states = queried(web, "chunkSize=2;", soql)
    assert [names for _, names in states[1:]] == [[], ["Doe 2", "Doe 3"], ["Doe 4"]]


def test_chunks_begin_where_the_header_says(web):
    """Rows before ``startRow`` are left out."""
    [start] = web.query("SELECT Id FROM Lead WHERE LastName = 'Doe 3'")
    batches = queried(web, f"chunkSize=2; startRow={start['Id']}")
    assert [names for _, names in batches[1:]] == [["Doe 3", "Doe 4"]]


@pytest.mark.parametrize("header", ["TRUE", "true; chunkSize=50000"])
def test_a_chunk_holds_a_hundred_thousand_rows_unless_the_header_says_how_many(web, header):
    """Few rows are one chunk."""
    assert [state for state, _ in queried(web, header)] == ["NotProcessed", "Completed"]


def test_a_job_that_asks_for_no_chunks_has_none(web):
    """``FALSE`` is as good as no header."""
    assert [state for state, _ in queried(web, "FALSE")] == ["Completed"]


def test_an_object_without_rows_has_one_chunk_without_rows(web):
    """Whoever waits for chunks gets one."""
    batches = queried(web, "TRUE", "SELECT Name FROM Account", entity="Account")
    assert batches[1:] == [("Completed", [])]


@pytest.mark.inferred(
    "wording is ours; settled by: tests/contract/test_rest_answers.py, an ordered query in chunks"
)
@pytest.mark.parametrize("clause", ["ORDER BY LastName", "LIMIT 3", "GROUP BY LastName"])
def test_a_query_with_more_than_conditions_is_not_chunked(web, clause):
    """Its batch fails and says which clause is in the way; no rows come twice or not at all."""
    [(state, message)] = queried(web, "TRUE", f"{SOQL} {clause}")
    assert state == "Failed"
    named = clause.removesuffix(" LastName").removesuffix(" 3")
    assert message == f"InvalidBatch : PK chunking is not supported for a query with {named}"


@pytest.mark.inferred("wordings are ours; settled by: tests/contract/test_rest_answers.py, JOBS")
@pytest.mark.parametrize(
    ("header", "entity", "message"),
    [
        ("TRUE", "Organization", "PK chunking is not supported for Organization"),
        ("chunkSize=0", "Lead", "got chunksize 0"),
        ("chunkSize=250001", "Lead", "got chunksize 250001"),
        ("parent=Account", "Lead", "got parent Account"),
        ("startRow=nowhere", "Lead", "got startrow nowhere"),
    ],
)
def test_a_header_that_cannot_be_followed_refuses_the_job(web, header, entity, message):
    """Nothing is opened that would answer otherwise than it was asked."""
    answer = open_job(web, header, entity)
    assert answer.status_code == 400
    assert text(answer, "exceptionCode") == "InvalidJob"
    assert message in text(answer, "exceptionMessage")


def test_a_load_is_not_chunked_whatever_its_header(web):
    """Chunks are a matter of queries."""
    answer = open_job(web, "chunkSize=2", operation="insert")
    assert answer.status_code == 201
