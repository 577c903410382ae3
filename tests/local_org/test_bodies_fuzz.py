"""Whatever stands in the body of a request is answered: with what was asked for, or an error."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.local_org.web import Web

pytestmark = pytest.mark.documented("hypothesis over bodies of our own protocols: never a bug")

MANY = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
NAMES = st.sampled_from(
    [
        *("attributes", "type", "referenceId", "records", "Name", "LastName", "Id", "id", "url"),
        *("method", "body", "httpHeaders", "richInput", "query", "sobjects", "fields", "q", "in"),
        *("operation", "object", "externalIdFieldName", "columnDelimiter", "graphId", "Contacts"),
    ]
)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9)
VALUES = st.recursive(
    PLAIN | st.sampled_from(["Lead", "POST", "@{a.id}", "/services/data/v66.0/sobjects/Lead"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)
LISTS = {
    "/composite": "compositeRequest",
    "/composite/batch": "batchRequests",
    "/composite/graph": "graphs",
    "/composite/sobjects": "records",
    "/composite/sobjects/Lead": "ids",
    "/composite/tree/Account": "records",
    "/jobs/ingest": "object",
    "/jobs/query": "query",
    "/parameterizedSearch": "sobjects",
}
"""Paths that take JSON, each with the member that it cannot do without."""
BATCHES = [
    (b"LastName,Company\nDoe,ACME\n", "CSV", "insert"),
    (b'"Id","Owner.Name"\n"00Q000000000001",#N/A\n', "CSV", "update"),
    (b'[{"LastName":{"a":1},"Owner":{"Id":"x"}}]', "JSON", "insert"),
    (b"<sObjects><sObject><Id>x</Id></sObject></sObjects>", "XML", "delete"),
    (b"SELECT Id, (SELECT Id FROM Tasks) FROM Lead", "CSV", "query"),
    (b"SELECT COUNT(Id) FROM Lead", "XML", "queryAll"),
]
SEARCH = "FIND {acme AND NOT \"b c*\"} IN ALL FIELDS RETURNING Lead(Id WHERE Name='x' LIMIT 5)"


@pytest.fixture(scope="module")
def web():
    return Web()


def answered(answer):
    """It is no bug of ours."""
    assert answer.status_code < 500, answer.text
    assert "UNKNOWN_EXCEPTION" not in answer.text


@pytest.mark.parametrize("path", LISTS)
def test_json_of_any_shape_is_answered(web, path):
    """The member that the path asks for is there, and holds anything."""

    @MANY
    @given(st.lists(st.dictionaries(NAMES, VALUES, max_size=5) | VALUES, max_size=3), VALUES)
    def fuzz(listed, more):
        others = more if isinstance(more, dict) else {}
        answered(web.rest("POST", path, content=json.dumps(others | {LISTS[path]: listed})))

    fuzz()


@pytest.mark.parametrize("levels", [100, 300, 1000, 100_000])
@pytest.mark.parametrize("path", LISTS)
def test_json_of_any_depth_is_answered(web, path, levels):
    """Values within values, and rows within rows."""
    deep = '{"a":' * levels + "1" + "}" * levels
    part = (
        '{"method":"POST","url":"/services/data/v66.0/sobjects/Lead","referenceId":"a","graphId":'
        f'"1","body":{deep},"richInput":{deep},"httpHeaders":{deep},"Contacts":{deep}}}'
    )
    answered(web.rest("POST", path, content=f'{{"{LISTS[path]}":[{part}]}}'))
    answered(web.rest("POST", path, content=deep))


@pytest.mark.parametrize(("seed", "content_type", "operation"), BATCHES)
def test_batches_of_any_bytes_are_answered(web, seed, content_type, operation):
    """A batch that makes no sense fails, and the job lives on."""
    headers = {"X-SFDC-Session": web.token, "Content-Type": "application/json"}
    root = "/services/async/66.0/job"
    wanted = {"operation": operation, "object": "Lead", "contentType": content_type}
    job = web.call("POST", root, headers=headers, json=wanted).json()["id"]

    @MANY
    @given(st.lists(st.tuples(st.integers(0, len(seed) - 1), st.integers(0, 255)), max_size=4))
    def fuzz(changes):
        content = bytearray(seed)
        for at, value in changes:
            content[at] = value
        answered(web.call("POST", f"{root}/{job}/batch", headers=headers, content=bytes(content)))

    fuzz()


def test_searches_of_any_letters_are_answered(web):
    """What is no SOSL is refused as such."""
    letters = st.sampled_from("{}()\"'\\*?,=%_- \nANDORNOTFIELDS0é")

    @MANY
    @given(st.lists(st.tuples(st.integers(0, len(SEARCH) - 1), letters), max_size=4))
    def fuzz(changes):
        text = list(SEARCH)
        for at, letter in changes:
            text[at] = letter
        answered(web.rest("GET", "/search", params={"q": "".join(text)}))

    fuzz()
