"""What happens to a stream that goes on for long, that is struck by a fault, or that is fed nonsense."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_org.api.faults import Faults, Order
from local_org.api.pubsub import PubSubService, PubSubSettings
from local_org.api.pubsub_wire import SERVICE
from local_org.clock import Clock
from local_org.org import Org
from pubsub_api import pubsub_api_pb2 as pb
from pubsub_api import pubsub_api_pb2_grpc
from tests.local_org.caller import NOW, only
from tests.local_org.pubsub_client import (
    CHANNEL,
    CODE,
    create_leads,
    events_of,
    fetch,
    give_channel,
    header_of,
    headers,
    token_of,
)
from tests.local_org.pubsub_client import org as org  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.documented("facts/pubsub-cdc.md 1.4-1.6, 2.5-2.8")

ON_DEMAND = pytest.mark.documented("the guide of the local org: faults on demand")
FAST = PubSubSettings(shortest_silence_seconds=0.0)


def run(org, client, faults=None, settings=FAST):
    """Serve an org as the process does, and return what its client returns."""

    async def main():
        server = grpc.aio.server()
        PubSubService(only(org), settings, faults).add_to(server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                async with asyncio.timeout(20):
                    return await client(channel)
        finally:
            await server.stop(None)

    return asyncio.run(main())


def told(error):
    """Return status and error code of a refusal."""
    code = dict(error.trailing_metadata())["error-code"]
    return error.code().name, code.removeprefix(CODE)


async def subscribed(channel, org, count=100, **more):
    call = pubsub_api_pb2_grpc.PubSubStub(channel).Subscribe(metadata=headers(org))
    await call.write(fetch(CHANNEL, count, replay_preset=pb.EARLIEST, **more))
    return call


# -- silence by the org's clock -------------------------------------------------------------------


def test_silence_is_broken_after_270_seconds_of_org_time(org):
    """When the org's clock jumps, the empty response comes, however little real time has passed."""

    async def client(channel):
        call = await subscribed(channel, org, 7)
        create_leads(org)
        await events_of(call, 1)
        org.clock.advance(timedelta(seconds=269))
        org.bus.wake()
        quiet = asyncio.ensure_future(call.read())
        done, _ = await asyncio.wait([quiet], timeout=0.1)
        org.clock.advance(timedelta(seconds=2))
        org.bus.wake()
        return done, await quiet

    done, response = run(org, client)
    assert not done
    assert (list(response.events), response.pending_num_requested) == ([], 6)
    assert len(response.latest_replay_id) == 10


def test_a_clock_that_runs_fast_brings_empty_responses_sooner():
    """At 5,400 org seconds a second, 270 of them take a twentieth of a second."""
    org = Org.open(clock=Clock(NOW, speed=5400))
    give_channel(org)

    async def client(channel):
        call = await subscribed(channel, org, 7)
        return [await call.read() for _ in range(2)]

    assert [list(each.events) for each in run(org, client)] == [[], []]
    org.close()


# -- the allocation -------------------------------------------------------------------------------


def test_a_stream_ends_when_the_org_has_delivered_what_it_may(org):
    """The events up to the limit arrive, the next one ends the stream, and a day later it goes on."""
    create_leads(org, 5)
    org.bus.allocation.allow(3)

    async def client(channel):
        call = await subscribed(channel, org)
        got = await events_of(call, 3)
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await call.read()
        org.clock.advance(timedelta(hours=24))
        again = await subscribed(channel, org, 2)
        return len(got), ended.value, len(await events_of(again, 2))

    got, ended, after = run(org, client)
    assert (got, told(ended), after) == (
        3,
        ("RESOURCE_EXHAUSTED", "subscription.limit.exceeded"),
        2,
    )
    assert ended.details().startswith("You have exceeded the event delivery limit for your org.")


def test_deliveries_are_told_by_the_limits(org):
    """Two subscribers of three events use six of a Developer Edition's 10,000."""
    create_leads(org, 3)

    async def client(channel):
        for _ in range(2):
            await events_of(await subscribed(channel, org), 3)

    run(org, client)
    assert org.limits()["DailyDeliveredPlatformEvents"] == {"Max": 10_000, "Remaining": 9_994}


# -- faults on demand -----------------------------------------------------------------------------


def ordered(org, kind, times=1):
    faults = Faults()
    faults.order(Order(kind, times=times), org)
    return faults


@ON_DEMAND
@pytest.mark.parametrize(
    ("kind", "end"),
    [
        ("stream-reset", ("INTERNAL", "service.unavailable")),
        ("stream-expire", ("UNAUTHENTICATED", "service.auth.error")),
        ("delivery-limit", ("RESOURCE_EXHAUSTED", "subscription.limit.exceeded")),
    ],
)
def test_an_ordered_end_strikes_one_stream_at_its_next_event(org, kind, end):
    """The struck stream ends with the code; the next one gets the event."""
    create_leads(org)

    async def client(channel):
        call = await subscribed(channel, org)
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await call.read()
        return told(ended.value), await events_of(await subscribed(channel, org), 1)

    found, events = run(org, client, ordered(org, kind))
    assert (found, len(events)) == (end, 1)


@ON_DEMAND
def test_a_replay_id_can_be_refused_once(org):
    """A good replay id is told to be corrupted, and taken at the second try."""
    create_leads(org, 2)

    async def client(channel):
        stub = pubsub_api_pb2_grpc.PubSubStub(channel)
        first = (await events_of(await subscribed(channel, org), 2))[0].replay_id
        asked = fetch(replay_preset=pb.CUSTOM, replay_id=first)
        struck, again = (stub.Subscribe(metadata=headers(org)) for _ in range(2))
        await struck.write(asked)
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await struck.read()
        await again.write(asked)
        return told(ended.value), len(await events_of(again, 1))

    end = ("INVALID_ARGUMENT", "subscription.fetch.replayid.corrupted")
    assert run(org, client, ordered(org, "corrupt-replay")) == (end, 1)


@ON_DEMAND
def test_an_event_can_arrive_twice(org):
    """Both copies have one replay id and one payload."""
    create_leads(org, 2)

    async def client(channel):
        return await events_of(await subscribed(channel, org), 3)

    first, second, third = run(org, client, ordered(org, "duplicate-event"))
    assert first == second != third


@ON_DEMAND
@pytest.mark.parametrize(
    ("kind", "changes"), [("gap-event", ["GAP_CREATE"] * 2), ("overflow-event", ["GAP_OVERFLOW"])]
)
def test_a_transaction_can_be_lost_in_a_gap(org, kind, changes):
    """The next transaction is told by gaps or an overflow, the one behind it whole."""
    faults = ordered(org, kind)
    create_leads(org, 2)
    create_leads(org, 1)

    async def client(channel):
        stub = pubsub_api_pb2_grpc.PubSubStub(channel)
        got = await events_of(await subscribed(channel, org), 1)
        found = []
        for each in got:
            header, _ = await header_of(stub, each, headers(org))
            found += [header["changeType"]] * len(header["recordIds"])
        return found

    assert run(org, client, faults) == [*changes, "CREATE"]


@ON_DEMAND
def test_an_allocation_can_be_ordered_and_lifted(org):
    """So many events are delivered and no more, till the order is repeated without a number."""
    faults = ordered(org, "delivery-allocation", times=2)
    assert org.bus.allocation.left() == 2
    faults.order(Order("delivery-allocation"), org)
    assert org.bus.allocation.left() is None


# -- nonsense -------------------------------------------------------------------------------------

NONSENSE = pytest.mark.inferred(
    "the codes of what is no message; settled by: sending such bytes to a real org"
)
ANSWERS: dict[str, Any] = {
    "GetTopic": pb.TopicInfo,
    "GetSchema": pb.SchemaInfo,
    "Publish": pb.PublishResponse,
    "Subscribe": pb.FetchResponse,
    "PublishStream": pb.PublishResponse,
    "ManagedSubscribe": pb.ManagedFetchResponse,
}


async def sent(channel, rpc, data, metadata):
    """Send raw bytes as the one request of a call; return its refusal, or None if it is answered."""
    path, answer = f"/{SERVICE}/{rpc}", ANSWERS[rpc].FromString
    try:
        if rpc.startswith("Get") or rpc == "Publish":
            await channel.unary_unary(path, None, answer)(data, metadata=metadata)
        else:
            call = channel.stream_stream(path, None, answer)(metadata=metadata)
            await call.write(data)
            await call.done_writing()
            await asyncio.wait_for(call.read(), 0.05)
            call.cancel()
    except grpc.aio.AioRpcError as error:
        return error
    except TimeoutError:
        return None
    return None


@NONSENSE
@pytest.mark.parametrize(
    ("rpc", "code"),
    [
        ("GetTopic", "topic.validation.empty"),
        ("GetSchema", "schema.validation.failed"),
        ("Publish", "publish.topic.validation.empty"),
        ("Subscribe", "subscription.fetch.request.invalid"),
        ("PublishStream", "publish.topic.validation.empty"),
        ("ManagedSubscribe", "managed.subscription.fetch.request.invalid"),
    ],
)
def test_bytes_that_are_no_message_are_an_invalid_argument(org, rpc, code):
    """A truncated message is refused with a code, in every call."""

    async def client(channel):
        return await sent(channel, rpc, b"\x0a\x7fshort", headers(org))

    error = run(org, client)
    assert told(error) == ("INVALID_ARGUMENT", code)
    assert error.details().startswith(f"The request is no message of {rpc}.")


TEXTS = st.sampled_from(
    [CHANNEL, "/data/LeadChangeEvent", "/event/Hit__e", "/data/ChangeEvents", ""]
) | st.text(max_size=300)
BLOBS = st.binary(max_size=40)
NUMBERS = st.integers(-(2**31), 2**31 - 1)
PRODUCED = st.builds(pb.ProducerEvent, id=TEXTS, schema_id=TEXTS, payload=BLOBS)
REQUESTS = {
    "GetTopic": st.builds(pb.TopicRequest, topic_name=TEXTS),
    "GetSchema": st.builds(pb.SchemaRequest, schema_id=TEXTS),
    "Publish": st.builds(
        pb.PublishRequest, topic_name=TEXTS, events=st.lists(PRODUCED, max_size=3)
    ),
    "Subscribe": st.builds(
        pb.FetchRequest,
        topic_name=TEXTS,
        replay_preset=st.integers(0, 5),
        replay_id=BLOBS,
        num_requested=NUMBERS,
        auth_refresh=TEXTS,
    ),
    "ManagedSubscribe": st.builds(
        pb.ManagedFetchRequest,
        subscription_id=TEXTS,
        developer_name=TEXTS,
        num_requested=NUMBERS,
        commit_replay_id_request=st.none() | st.builds(pb.CommitReplayRequest, replay_id=BLOBS),
    ),
}
REQUESTS["PublishStream"] = REQUESTS["Publish"]
CALLS = st.sampled_from(sorted(REQUESTS)).flatmap(
    lambda rpc: st.tuples(
        st.just(rpc), BLOBS | REQUESTS[rpc].map(lambda message: message.SerializeToString())
    )
)
METADATA = st.none() | st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("accesstoken", "tenantid"), st.text("0aZ!_ -", max_size=30))
)


@NONSENSE
def test_no_input_ends_a_call_without_a_code(org):
    """Any bytes and fields are answered, or refused by a status that is not UNKNOWN and a code."""
    create_leads(org)
    good = token_of(org)

    async def client(channel):
        loop = asyncio.get_running_loop()

        @settings(deadline=None, max_examples=250, derandomize=True, database=None)
        @given(CALLS, METADATA)
        def fuzz(call, metadata):
            asked.append((*call, headers(org, **({"accesstoken": good} | (metadata or {})))))

        asked: list[Any] = []
        await loop.run_in_executor(None, fuzz)
        return [await sent(channel, *each) for each in asked]

    errors = [error for error in run(org, client) if error is not None]
    assert len(errors) > 100
    assert all(error.code() is not grpc.StatusCode.UNKNOWN for error in errors)
    assert all(dict(error.trailing_metadata())["error-code"].startswith(CODE) for error in errors)
    assert all("service.unavailable" not in told(error)[1] for error in errors)
