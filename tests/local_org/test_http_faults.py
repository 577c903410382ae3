"""Faults come when they are asked for: so often, to that share of the calls, for so long, and go."""

import asyncio
import itertools
from dataclasses import dataclass, field

import grpc
import pytest

from local_org.api.faults import KINDS, Faults, Order
from local_org.api.pubsub import PubSubService
from local_org.errors import OrgError
from local_org.records.changes import ChangeKind
from pubsub_api import pubsub_api_pb2 as pb
from pubsub_api import pubsub_api_pb2_grpc
from tests.local_org.test_http_controls import ADMIN
from tests.local_org.web import API, Web

pytestmark = pytest.mark.inferred(
    "faults on demand, their codes the platform's own; settled by: meet each on a real org's bad day"
)

NAMESPACE = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
TOPIC = "/data/LeadChangeEvent"
LIMITS = f"{API}/limits"


@pytest.fixture
def web():
    web = Web()
    member = (
        f"<PlatformEventChannelMember {NAMESPACE}><eventChannel>ChangeEvents</eventChannel>"
        "<selectedEntity>LeadChangeEvent</selectedEntity></PlatformEventChannelMember>"
    )
    store = web.org.store
    store.put_document(
        "PlatformEventChannelMember", "ChangeEvents_LeadChangeEvent", member.encode()
    )
    web.org.bus.channels_changed()
    return web


def order(web, kind, **how):
    answer = web.call("POST", "/local-org/fault", json={"kind": kind, **how}, headers=ADMIN)
    assert answer.status_code == 200, answer.text
    return answer.json()["standing"]


def statuses(web, count, path=LIMITS):
    return [web.call("GET", path).status_code for _ in range(count)]


# -- HTTP -------------------------------------------------------------------------------------------


def test_a_fault_strikes_once_unless_more_is_asked_for(web):
    order(web, "unavailable")
    assert statuses(web, 3) == [503, 200, 200]
    order(web, "request-limit", times=2)
    assert statuses(web, 3) == [403, 403, 200]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("unavailable", 503, "SERVER_UNAVAILABLE"),
        ("request-limit", 403, "REQUEST_LIMIT_EXCEEDED"),
    ],
)
def test_a_refused_request_is_told_in_the_platforms_words(web, kind, status, code):
    order(web, kind)
    assert web.refusal("GET", LIMITS)[:2] == (status, code)


def test_a_fault_strikes_only_the_paths_it_is_meant_for(web):
    order(web, "unavailable", path=f"{API}/composite")
    assert statuses(web, 2) == [200, 200]
    assert web.rest("POST", "/composite/sobjects", json={"records": []}).status_code == 503


def test_a_share_of_the_calls_is_struck(web):
    order(web, "unavailable", share=0.25)
    struck = statuses(web, 200).count(503)
    assert 25 <= struck <= 75


def test_a_fault_is_over_when_its_time_is(web):
    seconds = [0.0]
    faults = Faults(now=lambda: seconds[0])
    faults.order(Order("lock-row", seconds=10), web.org)
    for _ in range(3):
        with pytest.raises(OrgError, match="UNABLE_TO_LOCK_ROW"):
            faults.on_row(ChangeKind.UPDATE)
    seconds[0] = 10.0
    faults.on_row(ChangeKind.UPDATE)
    assert faults.standing() == []


def test_standing_faults_are_listed_and_cleared(web):
    [standing] = order(web, "unavailable", times=2)
    assert (standing["kind"], standing["left"]) == ("unavailable", 2)
    told = web.call("GET", "/local-org/fault", headers=ADMIN).json()
    assert told == {"kinds": KINDS, "standing": [standing]}
    web.call("DELETE", "/local-org/fault", headers=ADMIN)
    assert statuses(web, 1) == [200]


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"kind": "earthquake"},
        {"kind": "slow", "share": 0},
        {"kind": "slow", "share": 1.5},
        {"kind": "slow", "times": 0},
        {"kind": "slow", "seconds": 0},
        {"kind": "slow", "delay": 0},
        {"kind": "slow", "sometimes": True},
    ],
)
def test_an_order_that_makes_no_sense_is_refused(web, wanted):
    told = web.refusal("POST", "/local-org/fault", json=wanted, headers=ADMIN)
    assert told[:2] == (400, "INVALID_INPUT")


def test_a_slow_answer_is_late_but_whole(web):
    order(web, "slow", delay=0.01)
    assert statuses(web, 1) == [200]


def test_a_locked_row_fails_alone(web):
    records = [
        {"attributes": {"type": "Lead"}, "id": web.create(), "Company": "New"} for _ in range(3)
    ]
    order(web, "lock-row")
    results = web.rest("PATCH", "/composite/sobjects", json={"records": records}).json()
    assert [result["success"] for result in results] == [False, True, True]
    assert results[0]["errors"] == [
        {
            "statusCode": "UNABLE_TO_LOCK_ROW",
            "message": "unable to obtain exclusive access to this record",
            "fields": [],
        }
    ]


def test_a_record_that_looks_like_another_fails_alone(web):
    records = [
        {"attributes": {"type": "Lead"}, "LastName": "Doe", "Company": "ACME"} for _ in range(3)
    ]
    order(web, "duplicate-record")
    results = web.rest("POST", "/composite/sobjects", json={"records": records}).json()
    assert results[0] == {
        "success": False,
        "errors": [
            {
                "statusCode": "DUPLICATES_DETECTED",
                "message": "Use one of these records?",
                "fields": [],
            }
        ],
    }
    assert [result["success"] for result in results] == [False, True, True]


def change_a_lead(web):
    """Return the code of the refusal of a change, or nothing."""
    [told] = web.org.update(
        web.org.session(web.token), [("Lead", web.lead, {"Company": str(next(NUMBERS))})]
    )
    return told.errors[0].code if told.errors else ""


def create_a_lead(web):
    """Return the code of the refusal of a new record, or nothing."""
    values = {"LastName": "Doe", "Company": "ACME"}
    [told] = web.org.insert(web.org.session(web.token), [("Lead", values)])
    return told.errors[0].code if told.errors else ""


def ask_for_limits(web):
    """Return the code of the refusal of a REST call, or nothing; log in again where it is over."""
    answer = web.call("GET", LIMITS)
    if answer.status_code == 401:
        web.as_user("admin@local.test")
    return "" if answer.status_code == 200 else answer.json()[0]["errorCode"]


NUMBERS = itertools.count()
STROKES = [
    ("unavailable", ask_for_limits, "SERVER_UNAVAILABLE"),
    ("request-limit", ask_for_limits, "REQUEST_LIMIT_EXCEEDED"),
    ("expire-session", ask_for_limits, "INVALID_SESSION_ID"),
    ("lock-row", change_a_lead, "UNABLE_TO_LOCK_ROW"),
    ("duplicate-record", create_a_lead, "DUPLICATES_DETECTED"),
]


@pytest.mark.parametrize(("kind", "call", "code"), STROKES, ids=[kind for kind, *_ in STROKES])
def test_each_fault_strikes_one_call_a_share_of_them_or_for_a_time(web, kind, call, code):
    web.lead = web.create()
    seconds = [0.0]
    web.context.faults = faults = Faults(now=lambda: seconds[0])
    web.org.before_write(faults.on_row)

    faults.order(Order(kind), web.org)
    assert [call(web) for _ in range(3)] == [code, "", ""]

    faults.order(Order(kind, share=0.5), web.org)
    struck = [call(web) for _ in range(40)].count(code)
    assert 8 <= struck <= 32
    faults.clear()

    faults.order(Order(kind, seconds=10), web.org)
    assert [call(web) for _ in range(2)] == [code, code]
    seconds[0] = 10.0
    assert call(web) == ""


def test_an_expired_session_does_not_come_back(web):
    order(web, "expire-session", path=LIMITS)
    old = web.token
    assert statuses(web, 2) == [401, 401]
    web.as_user("admin@local.test")
    assert statuses(web, 1) == [200]
    assert web.call("GET", LIMITS, headers={"Authorization": f"Bearer {old}"}).status_code == 401


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (
            "expire-session",
            "INVALID_SESSION_ID: Invalid Session ID found in SessionHeader: Illegal Session",
        ),
        ("request-limit", "REQUEST_LIMIT_EXCEEDED: TotalRequests Limit exceeded."),
    ],
)
@pytest.mark.parametrize("letter", ["m", "u"])
def test_a_struck_soap_call_is_told_as_a_fault(web, kind, words, letter):
    order(web, kind)
    answer = web.call("POST", f"/services/Soap/{letter}/66.0", content=b"<x/>")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert f"<faultstring>{words}</faultstring>" in answer.text


def test_a_struck_bulk_call_is_told_in_bulk_words(web):
    order(web, "request-limit")
    answer = web.call("GET", "/services/async/66.0/job/750000000000001")
    assert answer.status_code == 403
    assert "<exceptionCode>ExceededQuota</exceptionCode>" in answer.text


def test_expired_tokens_are_over_and_new_ones_work(web):
    order(web, "expire-tokens")
    assert statuses(web, 1) == [401]
    web.as_user("admin@local.test")
    assert statuses(web, 1) == [200]


# -- streams ----------------------------------------------------------------------------------------


@dataclass
class Subscriber:
    """A client of the org's Pub/Sub API."""

    web: Web
    stub: pubsub_api_pb2_grpc.PubSubStub
    metadata: tuple[tuple[str, str], ...] = field(init=False)

    def __post_init__(self):
        told = {"accesstoken": self.web.token, "instanceurl": "x", "tenantid": self.web.org.org_id}
        self.metadata = tuple(told.items())

    async def first(self, **preset):
        """Subscribe, and return the first event; the stream ends."""
        request = pb.FetchRequest(topic_name=TOPIC, num_requested=10, **preset)
        call = self.stub.Subscribe(metadata=self.metadata)
        await call.write(request)
        try:
            return (await call.read()).events[0]
        finally:
            call.cancel()


def stream(web, client):
    """Run a client against the org's Pub/Sub API."""

    async def main():
        server = grpc.aio.server()
        service = PubSubService(web.orgs.with_id, faults=web.context.faults)
        pubsub_api_pb2_grpc.add_PubSubServicer_to_server(service, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                async with asyncio.timeout(10):
                    return await client(Subscriber(web, pubsub_api_pb2_grpc.PubSubStub(channel)))
        finally:
            await server.stop(None)

    return asyncio.run(main())


EARLIEST = {"replay_preset": pb.ReplayPreset.EARLIEST}


def test_a_reset_ends_the_stream_at_its_next_event(web):
    web.create()
    order(web, "stream-reset")

    async def client(subscriber):
        with pytest.raises(grpc.aio.AioRpcError) as reset:
            await subscriber.first(**EARLIEST)
        return reset.value, await subscriber.first(**EARLIEST)

    error, event = stream(web, client)

    assert error.code() is grpc.StatusCode.INTERNAL
    trailers = dict(error.trailing_metadata())
    assert trailers["error-code"] == "sfdc.platform.eventbus.grpc.service.unavailable"
    assert event.event.payload


def test_a_malformed_event_is_whole_when_it_is_fetched_again(web):
    web.create()
    order(web, "malformed-event")

    async def client(subscriber):
        return [await subscriber.first(**EARLIEST) for _ in range(2)]

    broken, whole = stream(web, client)

    assert broken.replay_id == whole.replay_id
    assert broken.event.payload == whole.event.payload[: len(whole.event.payload) // 2]


def test_a_stalled_stream_says_nothing_until_the_fault_is_cleared(web):
    web.create()
    order(web, "stream-stall")

    async def client(subscriber):
        waiting = asyncio.create_task(subscriber.first(**EARLIEST))
        await asyncio.wait([waiting], timeout=0.2)
        stalled = not waiting.done()
        web.context.faults.clear()
        return stalled, await waiting

    stalled, event = stream(web, client)

    assert stalled
    assert event.event.payload


def test_expired_events_take_the_replay_ids_before_them_along(web):
    web.create()

    async def client(subscriber):
        old = await subscriber.first(**EARLIEST)
        web.context.faults.order(Order("expire-events"), web.org)
        with pytest.raises(grpc.aio.AioRpcError) as expired:
            await subscriber.first(replay_preset=pb.ReplayPreset.CUSTOM, replay_id=old.replay_id)
        return expired.value

    error = stream(web, client)

    trailers = dict(error.trailing_metadata())
    assert trailers["error-code"].endswith("subscription.fetch.replayid.corrupted")
