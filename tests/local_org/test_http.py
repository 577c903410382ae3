"""Every request passes the same handlers: identified, admitted, counted, routed, and answered in form."""

import gzip
import logging
import zlib
from datetime import UTC, datetime

import pytest

from tests.local_org.web import API, BASE, Web

pytestmark = pytest.mark.documented("facts/real-clients.md 6; org-behaviour.md 2, 3")

NO_SESSION = (401, "INVALID_SESSION_ID", "Session expired or invalid")
NOTHING_THERE = (404, "NOT_FOUND", "The requested resource does not exist")
UNKNOWN_VERSION = "Invalid Api version specified on URL"
BELOW = (
    "The API version that was specified (20.0) is below the minimum supported (21.0). "
    "Change the version number and run the request again."
)
LEAD = {"LastName": "Doe", "Company": "ACME"}


@pytest.fixture
def web():
    return Web()


def test_versions_are_told_to_anybody_ascending(web):
    versions = web.call("GET", "/services/data", headers={"Authorization": ""}).json()
    assert versions[0] == {
        "label": "Spring '11",
        "url": "/services/data/v21.0",
        "version": "21.0",
    }
    numbers = [float(each["version"]) for each in versions]
    assert numbers == sorted(numbers)
    assert numbers[-1] == 67


def test_an_answer_is_dated_by_the_orgs_clock(web):
    web.org.clock.set(datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC))
    answer = web.call("GET", "/services/data")
    assert answer.headers["Date"] == "Tue, 06 May 2031 07:08:09 GMT"


@pytest.mark.parametrize(
    "authorization", ["", "Bearer ", "Bearer 00D000000000001!AQnone", "Basic x"]
)
def test_without_a_valid_token_nothing_is_told(web, authorization):
    headers = {"Authorization": authorization}
    assert web.refusal("GET", f"{API}/limits", headers=headers) == NO_SESSION
    assert web.refusal("GET", f"{API}/nowhere", headers=headers) == NO_SESSION


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "OAuth"])
def test_a_token_is_taken_under_either_scheme(web, scheme):
    headers = {"Authorization": f"{scheme} {web.token}"}
    assert web.rest("GET", "/limits", headers=headers).status_code == 200


def test_an_identity_url_takes_the_token_from_its_query(web):
    path = f"/id/{web.org.org_id}/{web.user_id}?format=json&oauth_token={web.token}"
    told = web.call("GET", path, headers={"Authorization": ""}).json()
    assert told["username"] == "admin@local.test"


@pytest.mark.parametrize("path", ["/services/data/v66.0/nowhere", "/services", "/", "/nowhere"])
def test_an_unknown_path_is_not_found(web, path):
    answer = web.call("GET", path)
    assert list(answer.json()[0]) == ["errorCode", "message"]
    assert web.refusal("GET", path) == NOTHING_THERE


@pytest.mark.parametrize("version", ["v99.0", "v66", "v66.00", "vnext", "v1.0"])
def test_a_version_that_never_was_is_not_found(web, version):
    assert web.refusal("GET", f"/services/data/{version}/limits") == NOTHING_THERE


@pytest.mark.documented('REST reference, "Availability" of each resource')
@pytest.mark.parametrize(
    ("method", "resource", "first"),
    [
        ("POST", "composite", 38),
        ("POST", "composite/batch", 34),
        ("POST", "composite/graph", 50),
        ("POST", "composite/sobjects", 42),
        ("PATCH", "composite/sobjects/Lead/Id", 46),
        ("POST", "composite/tree/Lead", 34),
        ("GET", "jobs/ingest", 41),
        ("GET", "jobs/query", 47),
        ("GET", "limits", 24),
        ("GET", "limits/recordCount", 40),
        ("GET", "parameterizedSearch", 36),
        ("GET", "queryAll", 29),
        ("GET", "sobjects/Lead/deleted", 29),
        ("GET", "sobjects/Lead/updated", 29),
        ("GET", "sobjects/Lead/listviews", 32),
        ("GET", "sobjects/Lead", 21),
        ("GET", "query", 21),
    ],
)
def test_a_resource_is_there_from_its_first_version_on(web, method, resource, first):
    def status(version):
        return web.call(method, f"/services/data/v{version}.0/{resource}", json={}).status_code

    assert status(first) != 404
    assert status(first - 1) == (404 if first > 21 else 410)
    listed = web.call("GET", f"/services/data/v{max(first - 1, 21)}.0").json()
    assert (resource in listed) is (first == 21 and resource == "query")


@pytest.mark.documented('REST reference, "Update a Record": a POST that stands for a PATCH')
def test_a_post_stands_for_the_method_it_names(web):
    lead = f"/sobjects/Lead/{web.create()}"
    answer = web.rest("POST", f"{lead}?_HttpMethod=PATCH", json={"Company": "Globex"})
    assert answer.status_code == 204
    assert web.rest("GET", f"{lead}?_HttpMethod=DELETE").json()["Company"] == "Globex"
    assert web.rest("POST", f"{lead}?_HttpMethod=delete").status_code == 204
    assert web.rest("POST", f"{lead}?_HttpMethod=WIPE").status_code == 405


@pytest.mark.inferred(
    "status, code and SOAP's wording are those of help.salesforce.com 000354473 and "
    "SalesforceLabs/Milestones-PM#156; "
    "settled by: tests/contract/test_rest_answers.py, a version that is retired"
)
def test_a_version_that_is_retired_is_gone(web):
    assert web.refusal("GET", "/services/data/v20.0/limits") == (410, "GONE", BELOW)


@pytest.mark.documented("StevenMMortimer/salesforcer#24; SalesforceLabs/Milestones-PM#156")
@pytest.mark.parametrize(
    ("version", "message"),
    [("99.0", UNKNOWN_VERSION), ("v51.0", UNKNOWN_VERSION), ("20.0", BELOW)],
)
@pytest.mark.parametrize("letter", ["m", "u"])
def test_soap_says_that_it_does_not_support_a_version(web, letter, version, message):
    answer = web.call("POST", f"/services/Soap/{letter}/{version}", content=b"")
    assert answer.status_code == 500
    assert "<faultcode>sf:UNSUPPORTED_API_VERSION</faultcode>" in answer.text
    assert f"<faultstring>UNSUPPORTED_API_VERSION: {message}</faultstring>" in answer.text


@pytest.mark.inferred(
    "code and status are those of help.salesforce.com 000354473; "
    "settled by: tests/contract/test_rest_answers.py, a version is invalid"
)
@pytest.mark.parametrize("version", ["99.0", "next", "20.0"])
def test_bulk_says_that_a_version_is_invalid(web, version):
    headers = {"X-SFDC-Session": web.token, "Accept": "application/json"}
    answer = web.call("POST", f"/services/async/{version}/job", headers=headers)
    assert answer.status_code == 400
    message = BELOW if version == "20.0" else UNKNOWN_VERSION
    assert answer.json() == {"exceptionCode": "InvalidVersion", "exceptionMessage": message}


@pytest.mark.parametrize("version", ["38.0", "48.0", "51.0", "66.0", "67.0"])
def test_one_router_serves_all_versions(web, version):
    path = f"/services/data/v{version}/sobjects/Lead/{web.create()}"
    assert web.call("GET", path).json()["attributes"]["url"] == path


@pytest.mark.inferred(
    "facts name the status only; "
    "settled by: tests/contract/test_answers.py, a method that a path does not know"
)
def test_a_method_that_the_path_does_not_know_is_not_allowed(web):
    answer = web.rest("PUT", "/sobjects/Lead")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET,HEAD,POST"
    assert answer.json()[0]["errorCode"] == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize(
    "path", [f"//{API.lstrip('/')}/sobjects", f"{API}/sobjects/", f"{API}//sobjects//"]
)
def test_doubled_and_trailing_slashes_do_not_matter(web, path):
    assert web.call("GET", BASE + path).json() == web.rest("GET", "/sobjects").json()


def test_answers_bear_the_platforms_headers(web):
    headers = web.rest("GET", "/limits").headers
    assert headers["content-type"] == "application/json;charset=UTF-8"
    assert headers["x-sfdc-request-id"] == headers["x-request-id"]
    assert len(headers["x-request-id"]) == 32
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-cache,must-revalidate,max-age=0,no-store,private"


@pytest.mark.inferred(
    "a real org sends it for its own domain; clients listen on localhost themselves; "
    "settled by: nothing: it is a matter of localhost"
)
def test_no_answer_forbids_plain_http_to_localhost(web):
    assert "strict-transport-security" not in web.rest("GET", "/limits").headers


def test_each_call_counts_against_the_days_allowance(web):
    def used():
        told = web.rest("GET", "/limits").headers["sforce-limit-info"]
        return [int(number) for number in told.removeprefix("api-usage=").split("/")]

    first, most = used()
    assert used() == [first + 1, most]
    web.call("GET", "/services/oauth2/userinfo")
    assert used() == [first + 2, most]


def test_chunked_bodies_are_read(web):
    async def chunks():
        yield b'{"LastName":'
        yield b'"Doe","Company":"ACME"}'

    headers = {"Content-Type": "application/json"}
    answer = web.rest("POST", "/sobjects/Lead", content=chunks(), headers=headers)
    assert answer.status_code == 201


@pytest.mark.inferred(
    "the platform documents gzip for requests and a limit of 50 MB; "
    "settled by: POST of a compressed body that unpacks to more than 50 MB"
)
def test_compressed_bodies_are_read_up_to_the_limit(web):
    headers = {"Content-Encoding": "gzip"}
    small = gzip.compress(b'{"LastName":"Doe","Company":"ACME"}')
    large = gzip.compress(bytes(51 * 1024 * 1024), 1)
    path = "/sobjects/Lead"
    assert web.rest("POST", path, content=small, headers=headers).status_code == 201
    refused = web.rest("POST", path, content=large, headers=headers)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (413, "REQUEST_TOO_LARGE")
    for broken in (b"no gzip", small[:-9]):
        refused = web.rest("POST", path, content=broken, headers=headers)
        assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "MALFORMED_REQUEST")


@pytest.mark.documented('REST reference, "Use Compression"')
def test_a_body_is_deflated_as_well(web):
    content = zlib.compress(b'{"LastName":"Doe","Company":"ACME"}')
    headers = {"Content-Encoding": "deflate"}
    assert web.rest("POST", "/sobjects/Lead", content=content, headers=headers).status_code == 201


@pytest.mark.documented('REST reference, "Use Compression"')
@pytest.mark.parametrize(
    ("accepts", "encoding"),
    [("gzip, deflate", "gzip"), ("GZIP;q=0.5", "gzip"), ("gzip;q=0, *", None), ("identity", None)],
)
def test_long_answers_are_compressed_for_who_takes_them_so(web, accepts, encoding):
    answer = web.rest("GET", "/sobjects/Lead/describe", headers={"Accept-Encoding": accepts})
    assert answer.headers.get("content-encoding") == encoding
    assert answer.json()["name"] == "Lead"
    sent = int(answer.headers["content-length"])
    assert (sent < len(answer.content) / 5) is (encoding == "gzip")


@pytest.mark.inferred(
    "the reference says that answers need not be compressed; settled by: the Content-Encoding of "
    "GET /limits/recordCount with Accept-Encoding: gzip"
)
def test_short_answers_are_left_as_they_are(web):
    answer = web.rest("GET", "/connect/communities", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff"])
def test_a_body_that_is_no_object_is_a_parser_error(web, body):
    status, code, message = web.refusal("POST", f"{API}/sobjects/Lead", content=body)
    assert (status, code) == (400, "JSON_PARSER_ERROR")
    assert "[line:1, column:" in message


@pytest.mark.inferred(
    "limit and wording are ours, and no real client comes near; "
    "settled by: POST of a record with 101 levels of values, and of more, to sobjects/Lead"
)
@pytest.mark.parametrize("levels", [101, 1000])
def test_a_body_that_is_nested_too_deeply_is_a_parser_error(web, levels):
    def nested(number):
        return b'{"a":' * number + b"1" + b"}" * number

    told = web.refusal("POST", f"{API}/jobs/ingest", content=nested(levels))
    message = "expected at most 100 levels of values"
    assert told == (400, "JSON_PARSER_ERROR", message)
    assert web.refusal("POST", f"{API}/jobs/ingest", content=nested(100))[1] == "INVALIDJOB"


@pytest.mark.inferred(
    "wording of UNKNOWN_EXCEPTION as commonly quoted; "
    "settled by: nothing: a bug of ours has no twin on a real org"
)
def test_a_bug_is_told_by_an_id_that_finds_its_traceback_in_the_log(web, caplog):
    web.org.close()
    with caplog.at_level(logging.ERROR, "local_org"):
        answer = web.rest("GET", "/limits")
    assert answer.status_code == 500
    [error] = answer.json()
    assert error["errorCode"] == "UNKNOWN_EXCEPTION"
    [record] = caplog.records
    assert answer.headers["x-request-id"] in error["message"]
    assert answer.headers["x-request-id"] in record.getMessage()
    assert record.exc_info


def test_the_client_named_by_a_header_stands_in_the_origin_of_its_changes(web):
    session = {"Sforce-Call-Options": "client=CumulusCI/4.10.1, defaultNamespace=x"}
    answer = web.rest("POST", "/sobjects/Lead", json=LEAD, headers=session)
    assert answer.status_code == 201
    told = web.org.session(web.token, "rest/66.0", "CumulusCI/4.10.1").origin
    assert told == "com/salesforce/api/rest/66.0;client=CumulusCI/4.10.1"
