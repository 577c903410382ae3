"""Hostile and broken input gets a proper error in the words of its protocol, at once and in little memory."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc

import pytest

from tests.local_org.web import API, Web

pytestmark = pytest.mark.documented("design: hard to break; RFC 9110 for statuses")

DEEP = 100_000
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha" * 10}">' for n in range(12))


@pytest.fixture(scope="module")
def web():
    return Web()


BODIES = {
    "nothing": b"",
    "truncated": b'{"LastName":"Doe","Comp',
    "no JSON at all": b"<xml/>",
    "brackets without end": b"[" * DEEP,
    "a text that is not UTF-8": b'{"LastName":"\xff\xfe","Company":"ACME"}',
    "UTF-16": '{"LastName":"Doe","Company":"ACME"}'.encode("utf-16"),
    "a number that is none": b'{"LastName":"Doe","Company":"ACME","AnnualRevenue":NaN}',
    "half a surrogate": b'{"LastName":"\\ud800","Company":"ACME"}',
    "two values": b'{"LastName":"Doe"}{"Company":"ACME"}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_json_is_a_parser_error(web, body):
    status, code, message = web.refusal("POST", f"{API}/sobjects/Lead", content=body)
    assert (status, code) == (400, "JSON_PARSER_ERROR")
    assert "line:" in message


VALUES = {
    "a deep list": json.loads("[" * 900 + "]" * 900),
    "an object": {"a": {"b": 1}},
    "a number beyond all bounds": 10**400,
    "a text of a megabyte": "x" * 1_000_000,
    "a NUL": "a\0b",
}


@pytest.mark.parametrize("field", ["LastName", "Email", "AnnualRevenue", "OwnerId", "Nope__c"])
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_value_of_the_wrong_kind_is_refused_or_kept_as_it_is(web, field, value):
    record = {"LastName": "Doe", "Company": "ACME", field: value}
    answer = web.rest("POST", "/sobjects/Lead", content=json.dumps(record))
    assert answer.status_code in {201, 400}
    if answer.status_code == 201:
        kept = web.rest("GET", f"/sobjects/Lead/{answer.json()['id']}").json()
        assert kept[field] == value


ENVELOPES = {
    "no XML": b"{}",
    "truncated": f'<e:Envelope xmlns:e="{_SOAP}"><e:Body><x>'.encode(),
    "no envelope": b"<a/>",
    "an empty body": f'<e:Envelope xmlns:e="{_SOAP}"><e:Body/></e:Envelope>'.encode(),
    "elements without end": f'<e:Envelope xmlns:e="{_SOAP}"><e:Body>'.encode() + b"<a>" * DEEP,
    "not UTF-8": f'<e:Envelope xmlns:e="{_SOAP}"><e:Body><x>'.encode() + b"\xff\xfe",
    "an encoding that is none": b'<?xml version="1.0" encoding="utf-7000"?><a/>',
    "a NUL": f'<e:Envelope xmlns:e="{_SOAP}"><e:Body><x>'.encode() + b"\0</x>",
}


@pytest.mark.parametrize("kind", ["m", "u"])
@pytest.mark.parametrize("body", ENVELOPES.values(), ids=ENVELOPES)
def test_a_body_that_is_no_envelope_is_a_client_fault(web, kind, body):
    answer = web.call("POST", f"/services/Soap/{kind}/66.0", content=body)
    assert answer.status_code == 500
    assert "<faultcode>soapenv:Client</faultcode>" in answer.text


@pytest.mark.parametrize(
    "declared",
    [LAUGHS + '<!ENTITY x "&l11;">', '<!ENTITY x SYSTEM "file:///etc/hostname">'],
    ids=["a billion laughs", "a file"],
)
def test_entities_are_not_resolved(web, declared):
    body = (
        f'<!DOCTYPE a [{declared}]><e:Envelope xmlns:e="{_SOAP}"><e:Body>'
        '<login xmlns="urn:partner.soap.sforce.com"><username>&x;</username>'
        "<password>p</password></login></e:Body></e:Envelope>"
    )
    tracemalloc.start()
    try:
        answer = web.call("POST", "/services/Soap/u/66.0", content=body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status_code == 500
    assert "<soapenv:Fault>" in answer.text
    assert "haha" not in answer.text
    assert peak < 10_000_000


def test_a_compressed_body_is_not_unpacked_beyond_the_limit(web):
    bomb = gzip.compress(bytes(200_000_000), 9)
    tracemalloc.start()
    try:
        headers = {"Content-Encoding": "gzip"}
        status, code, _ = web.refusal("POST", f"{API}/sobjects/Lead", content=bomb, headers=headers)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (status, code) == (413, "REQUEST_TOO_LARGE")
    assert peak < 150_000_000


PATHS = (
    "/sobjects/Lead/%00",
    "/sobjects/Lead/%ff%fe",
    "/sobjects/..%2f..%2fetc%2fpasswd",
    "/sobjects/Lead/../../../../etc/passwd",
    f"/sobjects/{'x' * 5000}",
    "/sobjects/Lead'--/describe",
    "/query/..%2f",
    "/sobjects/Lead/Email/'%20OR%201=1",
)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_leads_nowhere_is_not_found(web, path):
    answer = web.call("GET", API + path)
    assert answer.status_code in {400, 404}
    assert answer.json()[0]["errorCode"] in {
        "NOT_FOUND",
        "MALFORMED_ID",
        "INVALID_QUERY_LOCATOR",
        "INVALID_FIELD",
    }


CSVS = {
    "not UTF-8": b"LastName,Company\n\xff\xfe,ACME\n",
    "a quote without end": b'LastName,Company\n"Doe,ACME\n',
    "a NUL": b"LastName,Company\nD\0e,ACME\n",
    "ten thousand columns": b",".join(b"c%d" % n for n in range(10_000)) + b"\n",
    "more cells than columns": b"LastName,Company\na,b,c,d\n",
    "nothing": b"",
}


@pytest.mark.parametrize("csv", CSVS.values(), ids=CSVS)
def test_a_csv_that_is_broken_fails_its_batch_or_its_rows(web, csv):
    job = (
        b'<jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload"><operation>insert'
        b"</operation><object>Lead</object><contentType>CSV</contentType></jobInfo>"
    )
    headers = {"X-SFDC-Session": web.token, "Content-Type": "application/xml"}
    made = web.call("POST", "/services/async/66.0/job", content=job, headers=headers)
    job_id = made.text.partition("<id>")[2].partition("</id>")[0]
    headers["Content-Type"] = "text/csv"
    path = f"/services/async/66.0/job/{job_id}/batch"
    answer = web.call("POST", path, content=csv, headers=headers)
    assert answer.status_code in {201, 400}
    assert "UNKNOWN_EXCEPTION" not in answer.text
    assert web.query("SELECT Id FROM Lead WHERE Company = 'b'") == []


def test_a_client_that_stops_in_the_middle_is_told_so_in_time():
    web = Web()
    web.context.body_seconds = 0.05

    async def stalled():
        yield b'{"LastName":'
        await asyncio.Event().wait()

    status, code, message = web.refusal("POST", f"{API}/sobjects/Lead", content=stalled())
    assert (status, code) == (408, "REQUEST_TIMEOUT")
    assert "0.05 seconds" in message
