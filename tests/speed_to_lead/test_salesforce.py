"""The org by REST: results by index, retries where they help, and one clear line where they do not."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

import pytest
import trustme

from speed_to_lead.errors import (
    AuthenticationFailed,
    OrgRefused,
    OrgUnavailable,
    PermissionMissing,
    UsageError,
)
from speed_to_lead.ids import user_id
from speed_to_lead.policy import load_policy
from speed_to_lead.salesforce import Salesforce
from speed_to_lead.salesforce.people import People
from speed_to_lead.salesforce.records import Records
from speed_to_lead.settings import Settings
from tests.speed_to_lead.policies import DEMO

TOKEN = {"access_token": "00D!t", "id": "https://x/id/00D000000000001EAA/005000000000001AAA"}
LEADS = [f"00Q{number:012}" for number in range(450)]


class Peer:
    """An org on the wire: ``answers`` maps the end of a path to a function of the request's body."""

    def __init__(self, folder):
        authority = trustme.CA()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(tls)
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        self.answers = {"/token": lambda _body: (200, TOKEN)}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self):
        """Where it is."""
        return f"https://localhost:{self.server.server_port}"

    def handler(peer):  # noqa: N805 - two objects meet here
        """The handler class of this peer."""

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                peer.requests.append((self.command, self.path, dict(self.headers)))
                path = self.path.split("?")[0]
                known = next(made for end, made in peer.answers.items() if path.endswith(end))
                status, content = known(json.loads(body) if body[:1] in (b"{", b"[") else body)
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                with suppress(OSError):  # the client may have gone
                    self.send_response(status)
                    self.send_header("Sforce-Limit-Info", "api-usage=18/15000")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)

            do_GET = do_POST = do_PATCH = answer  # noqa: N815 - http.server's names

            def log_message(self, *_arguments):
                pass

        return Handler


@pytest.fixture
def peer(tmp_path):
    made = Peer(tmp_path)
    yield made
    made.server.shutdown()
    made.server.server_close()


async def no_pause(_seconds):
    await asyncio.sleep(0)


def with_org(peer, action, **settings):
    """Connect, act, close; return what the action returned."""

    async def main():
        configured = {
            "instance_url": peer.url,
            "auth": "client_credentials",
            "client_id": "c",
            "client_secret": "s",
            "ca_file": peer.ca_file,
        }
        salesforce = await Salesforce.connect(
            Settings.model_validate(configured | settings), no_pause, Random(1)
        )
        try:
            return await action(salesforce)
        finally:
            await salesforce.close()

    return asyncio.run(main())


def rest_error(code, message="words", status=400):
    return lambda _body: (status, [{"errorCode": code, "message": message}])


def in_turn(*answers):
    """Answer with each of these once, then with the last for ever."""
    left = list(answers)

    def answer(body):
        return (left.pop(0) if len(left) > 1 else left[0])(body)

    return answer


def saved(body):
    """Every row is done, but the one of the tenth Lead, which is refused."""
    refused = {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "STL-001: earlier"}
    return 200, [
        {"success": False, "errors": [refused]}
        if row["id"] == LEADS[9]
        else {"id": row["id"], "success": True, "errors": []}
        for row in body["records"]
    ]


def rows(ids=LEADS):
    return [{"Id": each, "Policy_Version__c": "1.0.0"} for each in ids]


def test_rows_go_two_hundred_a_call_and_outcomes_come_back_in_their_order(peer):
    peer.answers["/composite/sobjects"] = saved
    outcomes = with_org(peer, lambda org: org.update("Lead", rows()))
    assert [n for n, each in enumerate(outcomes) if not each.success] == [9]
    assert outcomes[9].refused
    assert sum(method == "PATCH" for method, _, _ in peer.requests) == 3


def test_every_write_tells_whose_it_is(peer):
    peer.answers["/composite/sobjects"] = saved
    with_org(peer, lambda org: org.update("Lead", rows(LEADS[:1])))
    assert peer.requests[-1][2]["Sforce-Call-Options"] == "client=speed-to-lead"


def test_only_the_rows_that_were_locked_are_tried_again(peer):
    lock = {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "locked"}
    sizes = []

    def once_locked(body):
        sizes.append(len(body["records"]))
        if len(sizes) == 1:
            return 200, [{"success": n != 1, "errors": [lock]} for n in range(3)]
        return saved(body)

    peer.answers["/composite/sobjects"] = once_locked
    outcomes = with_org(peer, lambda org: org.update("Lead", rows(LEADS[:3])))
    assert all(each.success for each in outcomes)
    assert sizes == [3, 1]


def test_a_row_that_the_org_refuses_the_whole_call_for_is_found_and_blocks_no_other(peer):
    def no_umlauts(body):
        if any(each["id"] == LEADS[5] for each in body["records"]):
            return 400, [{"errorCode": "JSON_PARSER_ERROR", "message": "Jane Roe at 1:17"}]
        return saved(body)

    peer.answers["/composite/sobjects"] = no_umlauts
    outcomes = with_org(peer, lambda org: org.update("Lead", rows(LEADS[:9])))
    assert [n for n, each in enumerate(outcomes) if not each.success] == [5]
    assert "JSON_PARSER_ERROR" in outcomes[5].words
    assert "Jane" not in outcomes[5].words


def test_what_the_org_refuses_for_good_is_no_reason_to_wait(peer):
    peer.answers["/query"] = lambda _: (400, [{"errorCode": "MALFORMED_QUERY", "message": "x"}])
    with pytest.raises(OrgRefused, match="400 MALFORMED_QUERY"):
        with_org(peer, lambda org: org.query("SELECT"))
    assert sum("/query" in path for _, path, _ in peer.requests) == 1


def test_the_orgs_time_and_what_its_clients_have_spent_are_read_from_its_answers(peer):
    peer.answers["/query"] = lambda _: (200, {"records": [], "done": True})
    skew, usage = with_org(peer, asked_once)
    assert abs(skew) < 5
    assert usage == (18, 15000)


async def asked_once(org):
    await org.query("SELECT Id FROM Lead")
    return org.skew.total_seconds(), org.budget.usage


def test_rows_that_stay_locked_are_left_for_another_time(peer):
    lock = {"success": False, "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "m"}]}
    peer.answers["/composite/sobjects"] = lambda body: (200, [lock for _ in body["records"]])
    with pytest.raises(OrgUnavailable, match="2 of 2 rows stay locked"):
        with_org(peer, lambda org: org.update("Lead", rows(LEADS[:2])))


def test_locked_rows_of_several_calls_are_tried_again_together(peer):
    lock = {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "locked"}
    seen = set()

    def locked_at_first(body):
        ids = [row["id"] for row in body["records"]]
        fresh = [each not in seen for each in ids]
        seen.update(ids)
        return 200, [{"success": not each, "errors": [lock]} for each in fresh]

    peer.answers["/composite/sobjects"] = locked_at_first
    outcomes = with_org(peer, lambda org: org.update("Lead", rows()))
    assert len(outcomes) == 450
    assert all(each.success for each in outcomes)


def test_an_expired_session_is_renewed_once_and_the_call_repeated(peer):
    expired = rest_error("INVALID_SESSION_ID", status=401)
    done = {"done": True, "records": [{"Id": "1"}]}
    peer.answers["/query"] = in_turn(expired, lambda _body: (200, done))
    assert with_org(peer, lambda org: org.query("SELECT Id FROM Lead")) == [{"Id": "1"}]
    assert sum(path.endswith("/token") for _, path, _ in peer.requests) == 2


@pytest.mark.parametrize(
    "refusal",
    [
        rest_error("SERVER_UNAVAILABLE", status=503),
        rest_error("REQUEST_LIMIT_EXCEEDED", status=403),
        rest_error("UNKNOWN_EXCEPTION", status=500),
    ],
    ids=["503", "limit", "500"],
)
def test_what_passes_is_waited_for_and_what_does_not_is_told(peer, refusal):
    done = {"done": True, "records": []}
    peer.answers["/query"] = in_turn(refusal, refusal, lambda _body: (200, done))
    assert with_org(peer, lambda org: org.query("SELECT Id FROM Lead")) == []
    peer.answers["/query"] = refusal
    with pytest.raises(OrgUnavailable, match="/query"):
        with_org(peer, lambda org: org.query("SELECT Id FROM Lead"))


def test_a_page_of_maintenance_is_no_answer(peer):
    peer.answers["/query"] = lambda _body: (200, b"<html>back soon</html>")
    with pytest.raises(OrgUnavailable, match="expected JSON, got '<html>"):
        with_org(peer, lambda org: org.query("SELECT Id FROM Lead"))


def test_a_call_that_is_not_answered_in_time_is_repeated(peer, monkeypatch):
    monkeypatch.setattr("speed_to_lead.salesforce.client._TIMEOUT_SECONDS", 0.2)
    answered = threading.Event()

    def never(_body):
        answered.wait(20)
        return 200, {"done": True, "records": []}

    peer.answers["/query"] = in_turn(never, lambda _body: (200, {"done": True, "records": []}))
    try:
        assert with_org(peer, lambda org: org.query("SELECT Id FROM Lead")) == []
    finally:
        answered.set()


def test_a_session_that_a_fresh_token_does_not_mend_is_told(peer):
    peer.answers["/query"] = rest_error("INVALID_SESSION_ID", status=401)
    with pytest.raises(AuthenticationFailed, match="the org refuses a fresh token"):
        with_org(peer, lambda org: org.query("SELECT Id FROM Lead"))


def test_a_hidden_field_is_told_with_the_permission_set_to_assign(peer):
    words = "\nSELECT X\n  ^\nERROR at Row:1:Column:8\nNo such column 'X' on entity 'Lead'."
    peer.answers["/query"] = rest_error("INVALID_FIELD", words)
    with pytest.raises(PermissionMissing) as told:
        with_org(peer, lambda org: org.query("SELECT X FROM Lead"))
    assert "No such column 'X' on entity 'Lead'." in str(told.value)
    assert "Speed_to_Lead_Sidecar" in str(told.value)
    assert "\n" not in str(told.value)


def test_pages_are_followed_to_the_end(peer):
    first = {"done": False, "nextRecordsUrl": "/services/data/v66.0/query/01g-2", "records": [1]}
    peer.answers["/query/01g-2"] = lambda _body: (200, {"done": True, "records": [2]})
    peer.answers["/query"] = lambda _body: (200, first)
    assert with_org(peer, lambda org: org.query("SELECT Id FROM Lead")) == [1, 2]


# -- logging in -----------------------------------------------------------------------------------


def test_refused_credentials_are_one_line_that_says_what_to_check(peer):
    peer.answers["/token"] = lambda _body: (400, {"error": "invalid_client"})
    with pytest.raises(AuthenticationFailed, match=r"invalid_client.*check the private key"):
        with_org(peer, None)


@pytest.mark.parametrize(
    "answer",
    [(503, {}), (429, {}), (400, {"error": "unknown_error", "error_description": "retry"})],
    ids=["503", "429", "unknown error"],
)
def test_a_login_that_fails_for_now_does_not_blame_the_credentials(peer, answer):
    peer.answers["/token"] = lambda _body: answer
    with pytest.raises(OrgUnavailable, match="/token"):
        with_org(peer, None)


def test_a_refusal_of_several_lines_is_told_in_one(peer):
    told = {"error": "invalid_grant", "error_description": "first\n  second"}
    peer.answers["/token"] = lambda _body: (400, told)
    with pytest.raises(AuthenticationFailed, match="invalid_grant: first second"):
        with_org(peer, None)


def test_an_org_that_nobody_serves_is_unavailable(peer):
    with pytest.raises(OrgUnavailable, match="does not answer"):
        with_org(peer, None, instance_url="https://localhost:1")


def test_a_certificate_that_is_not_trusted_names_the_setting(peer):
    with pytest.raises(UsageError, match="SPEED_TO_LEAD_CA_FILE"):
        with_org(peer, None, ca_file=None)


def test_a_key_that_is_none_is_told_by_its_file(peer, tmp_path):
    key = tmp_path / "jwt.key"
    key.write_text("no key", encoding="utf-8")
    with pytest.raises(UsageError, match="holds no RSA private key"):
        with_org(peer, None, auth="jwt", username="u@x.test", jwt_key_file=key)


def test_a_token_is_never_shown(peer):
    async def shown(org):
        return repr(await org.token())

    assert "00D!t" not in with_org(peer, shown)


# -- records --------------------------------------------------------------------------------------


def test_users_are_asked_for_once(peer):
    row = {"Id": "005000000000001AAA", "Username": "u", "UserType": "Standard", "IsActive": True}
    row["Department"] = None
    peer.answers["/query"] = lambda _body: (200, {"done": True, "records": [row]})

    async def twice(org):
        records = Records(org, load_policy(DEMO))
        ids = [user_id("005000000000001")]
        people = records.people
        return await people.users(ids), await people.users(ids), org.calls

    first, second, calls = with_org(peer, twice)
    assert (first == second, calls) == (True, 1)


def test_owners_that_the_org_does_not_have_are_all_named(peer):
    peer.answers["/query"] = lambda _body: (200, {"done": True, "records": []})
    with pytest.raises(UsageError) as told:
        with_org(peer, lambda org: People(org, load_policy(DEMO)).owners())
    assert "Unsorted_Leads" in str(told.value)
    assert "rep6@local.test" in str(told.value)
