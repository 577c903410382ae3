"""The stream loses nothing: it resumes where it was, whatever ended it, and tells what it cannot mend."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from random import Random

import grpc
import grpc.aio
import pytest

from pubsub_api import pubsub_api_pb2 as pb
from pubsub_api import pubsub_api_pb2_grpc
from speed_to_lead.changes import Batch
from speed_to_lead.errors import OrgUnavailable, PermissionMissing, ReplayExpired, UsageError
from speed_to_lead.ids import ReplayId
from speed_to_lead.pubsub import PubSubSource, topics_of
from speed_to_lead.pubsub.source import Tunables
from tests.speed_to_lead import change_events as made

TOPIC = "/data/SpeedToLead__chn"
SCHEMA = made.lead_schema()
CODE = "sfdc.platform.eventbus.grpc."


class Token:
    """What every call bears."""

    access_token, instance_url, org_id = "00D!t", "https://localhost", "00D000000000001EAA"


def replay(number):
    return number.to_bytes(8, "big") + b"\0\0"


def event(number, payload=None):
    """The event at a position; its record id tells which it is."""
    header = {"recordIds": [f"00Q{number:015}"], "changeType": "CREATE"}
    produced = pb.ProducerEvent(
        schema_id="s", payload=payload or made.payload(SCHEMA, made.event(header))
    )
    return pb.ConsumerEvent(event=produced, replay_id=replay(number))


class Peer(pubsub_api_pb2_grpc.PubSubServicer):
    """A Pub/Sub API with ``events``; ``script`` has one function for each stream, in order."""

    def __init__(self, events=(), script=()):
        self.events = list(events)
        self.script = list(script)
        self.fetches: list[pb.FetchRequest] = []
        self.tokens: list[str] = []
        self.topics = {TOPIC: True}
        self.schema_failures = 0

    async def GetSchema(self, request, context):  # noqa: N802 - the rpc's name
        if self.schema_failures:
            self.schema_failures -= 1
            await refuse(context, "UNAVAILABLE", "schema.api.unavailable")
        return pb.SchemaInfo(schema_json=json.dumps(SCHEMA), schema_id=request.schema_id)

    async def GetTopic(self, request, context):  # noqa: N802 - the rpc's name
        if request.topic_name not in self.topics:
            await refuse(context, "NOT_FOUND", "topic.not.found")
        return pb.TopicInfo(can_subscribe=self.topics[request.topic_name])

    async def Subscribe(self, requests, context):  # noqa: N802 - the rpc's name
        first = await anext(requests)
        self.fetches.append(first)
        self.tokens.append(dict(context.invocation_metadata())["accesstoken"])
        if self.script:
            await self.script.pop(0)(requests, context)
        await self.serve(first, requests, context)

    async def serve(self, first, requests, context):
        """Deliver what lies behind the first request, ten at a time, then wait for ever."""
        start = int.from_bytes(first.replay_id[:8], "big") if first.replay_id else 0
        due = [e for e in self.events if int.from_bytes(e.replay_id[:8], "big") > start]
        owed = first.num_requested
        for n in range(0, len(due), 10):
            part = due[n : n + 10]
            owed -= len(part)
            await context.write(
                pb.FetchResponse(
                    events=part, latest_replay_id=part[-1].replay_id, pending_num_requested=owed
                )
            )
            more = await anext(requests)
            self.fetches.append(more)
            owed += more.num_requested
            assert owed <= 100
        await asyncio.Event().wait()


async def refuse(context, status, code):
    await context.abort(grpc.StatusCode[status], code, (("error-code", CODE + code),))


def ends(status, code):
    async def step(_requests, context):
        await refuse(context, status, code)

    return step


async def falls_silent(_requests, _context):
    await asyncio.Event().wait()


@asynccontextmanager
async def serving(peer):
    server = grpc.aio.server()
    pubsub_api_pb2_grpc.add_PubSubServicer_to_server(peer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with asyncio.timeout(20):
            yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


class Tokens:
    """Counts how often a new token was asked for."""

    def __init__(self):
        self.renewed = 0

    async def __call__(self, refresh=False):
        self.renewed += refresh
        return Token()


async def no_pause(_seconds):
    await asyncio.sleep(0)


def hear(peer, count, *, start=None, first="earliest", silence_seconds=30.0, tokens=None):
    """Return ids and batches of a source that hears until ``count`` changes have come."""

    async def main():
        async with serving(peer) as endpoint:
            source = await PubSubSource.open(
                endpoint,
                ca_file=None,
                token=tokens or Tokens(),
                starts={TOPIC: None if start is None else ReplayId(start)},
                first=first,
                plaintext=True,
                tunables=Tunables(Random(1), no_pause, silence_seconds),
            )
            batches: list[Batch] = []
            try:
                while heard(batches) < count:
                    batches += await source.next_batches()
            finally:
                await source.close()
            return batches, source

    return asyncio.run(main())


def heard(batches):
    return sum(len(batch.changes) + len(batch.unreadable) for batch in batches)


def numbers(batches):
    return [int(change.ids[0][3:]) for batch in batches for change in batch.changes]


def test_every_event_comes_once_and_in_order_on_a_credit_of_at_most_a_hundred():
    peer = Peer(map(event, range(1, 251)))
    batches, _ = hear(peer, 250)
    assert numbers(batches) == list(range(1, 251))
    assert peer.fetches[0].num_requested == 100


def test_it_begins_behind_the_stored_position():
    peer = Peer(map(event, range(1, 21)))
    batches, _ = hear(peer, 10, start=replay(10))
    assert numbers(batches) == list(range(11, 21))
    assert peer.fetches[0].replay_preset == pb.CUSTOM


@pytest.mark.parametrize(("first", "preset"), [("earliest", pb.EARLIEST), ("latest", pb.LATEST)])
def test_without_a_position_it_begins_where_the_settings_say(first, preset):
    peer = Peer(map(event, range(1, 3)))
    hear(peer, 2, first=first)
    assert peer.fetches[0].replay_preset == preset


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("INTERNAL", "service.unavailable"),
        ("UNAVAILABLE", "topic.api.unavailable"),
        ("RESOURCE_EXHAUSTED", "subscription.limit.exceeded"),
        ("UNKNOWN", "never.heard.of"),
    ],
)
def test_a_stream_that_the_org_ends_is_resumed(status, code):
    peer = Peer(map(event, range(1, 6)), [ends(status, code)] * 2)
    batches, source = hear(peer, 5)
    assert numbers(batches) == [1, 2, 3, 4, 5]
    assert source.topics[TOPIC].reconnects == {code: 2}


def test_what_was_handed_over_is_not_asked_for_again_after_a_break():
    async def breaks(requests, context):
        part = [event(1), event(2)]
        await context.write(pb.FetchResponse(events=part, latest_replay_id=replay(2)))
        await anext(requests)
        await context.write(pb.FetchResponse(latest_replay_id=replay(2)))
        await anext(requests)
        await refuse(context, "INTERNAL", "service.unavailable")

    peer = Peer(map(event, range(1, 6)), [breaks])
    batches, _ = hear(peer, 5)
    assert numbers(batches) == [1, 2, 3, 4, 5]


def test_an_expired_token_is_renewed():
    tokens = Tokens()
    peer = Peer([event(1)], [ends("UNAUTHENTICATED", "service.auth.error")])
    batches, _ = hear(peer, 1, tokens=tokens)
    assert (numbers(batches), tokens.renewed) == ([1], 1)


def test_an_org_that_gives_no_token_for_a_while_is_waited_for():
    class Away(Tokens):
        async def __call__(self, refresh=False):
            if refresh and not self.renewed:
                self.renewed = 1
                raise OrgUnavailable("away")
            return Token()

    peer = Peer([event(1)], [ends("UNAUTHENTICATED", "service.auth.error")])
    batches, source = hear(peer, 1, tokens=Away())
    assert numbers(batches) == [1]
    assert source.topics[TOPIC].reconnects == {"service.auth.error": 1, "org.unavailable": 1}


def test_a_stream_that_is_silent_for_too_long_is_left_and_resumed():
    peer = Peer([event(1)], [falls_silent])
    batches, source = hear(peer, 1, silence_seconds=0.05)
    assert numbers(batches) == [1]
    assert source.topics[TOPIC].reconnects == {"silent": 1}


def test_events_wait_for_a_schema_that_cannot_be_had_yet():
    peer = Peer(map(event, (1, 2)))
    peer.schema_failures = 3
    batches, _ = hear(peer, 2)
    assert numbers(batches) == [1, 2]
    assert all(not batch.unreadable for batch in batches)


def test_an_unreadable_event_is_set_aside_with_its_bytes_and_the_stream_goes_on():
    peer = Peer([event(1), event(2, b"\x08Lead"), event(3)])
    batches, _ = hear(peer, 3)
    [unreadable] = [each for batch in batches for each in batch.unreadable]
    assert numbers(batches) == [1, 3]
    assert (unreadable.payload, unreadable.replay_id) == (b"\x08Lead", replay(2))


@pytest.mark.parametrize(
    ("status", "code", "error", "words"),
    [
        (
            "INVALID_ARGUMENT",
            "subscription.fetch.replayid.corrupted",
            ReplayExpired,
            "no longer retains",
        ),
        (
            "PERMISSION_DENIED",
            "subscription.topic.cannot.subscribe",
            PermissionMissing,
            "View All Data",
        ),
        ("NOT_FOUND", "topic.not.found", UsageError, "deploy the package"),
    ],
)
def test_what_only_somebody_else_can_mend_is_told(status, code, error, words):
    with pytest.raises(error, match=words):
        hear(Peer([event(1)], [ends(status, code)] * 9), 1)


# -- topics ---------------------------------------------------------------------------------------


def topics(known):
    async def main():
        peer = Peer()
        peer.topics = known
        async with serving(peer) as endpoint:
            return await topics_of(
                endpoint, ca_file=None, token=Tokens(), channel=TOPIC, plaintext=True
            )

    return asyncio.run(main())


SINGLES = tuple(f"/data/{entity}ChangeEvent" for entity in ("Lead", "Task", "EmailMessage"))


def test_the_channel_is_heard_where_it_is():
    assert topics({TOPIC: True}) == (TOPIC,)


def test_without_the_channel_the_entities_are_heard_one_by_one():
    assert topics(dict.fromkeys(SINGLES, True)) == SINGLES


def test_a_permission_that_a_channel_would_hide_is_told_by_its_entity():
    with pytest.raises(PermissionMissing, match="Speed_to_Lead_Sidecar"):
        topics({TOPIC: True, SINGLES[1]: False})


def test_an_org_without_change_data_capture_is_told_what_to_deploy():
    with pytest.raises(UsageError, match="deploy the package"):
        topics({})


def test_an_endpoint_that_nobody_serves_is_unavailable():
    async def main():
        await topics_of("127.0.0.1:1", ca_file=None, token=Tokens(), channel=TOPIC, plaintext=True)

    with pytest.raises(OrgUnavailable):
        asyncio.run(main())
