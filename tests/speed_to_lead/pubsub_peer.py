"""A Pub/Sub API on the wire that does what a script says, and a source that hears it without pausing."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from random import Random

import grpc
import grpc.aio

from pubsub_api import pubsub_api_pb2 as pb
from pubsub_api import pubsub_api_pb2_grpc
from speed_to_lead.changes import Batch
from speed_to_lead.ids import ReplayId
from speed_to_lead.pubsub import PubSubSource
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
        self.schema = SCHEMA
        self.schema_failures = 0
        self.schema_refusal: tuple[str, str] | None = None
        self.schemas_asked = 0
        self.schema_wanted = asyncio.Event()
        """Set once the client has events in its hands: it asks for their schema."""
        self.given = 0

    async def GetSchema(self, request, context):  # noqa: N802 - the rpc's name
        self.schemas_asked += 1
        self.schema_wanted.set()
        if self.schema_refusal:
            await refuse(context, *self.schema_refusal)
        if self.schema_failures:
            self.schema_failures -= 1
            await refuse(context, "UNAVAILABLE", "schema.api.unavailable")
        return pb.SchemaInfo(schema_json=json.dumps(self.schema), schema_id=request.schema_id)

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
            self.given += len(part)
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


@asynccontextmanager
async def source_of(
    endpoint, *, start=None, first="earliest", silence_seconds=30.0, tokens=None, random=None
):
    source = await PubSubSource.open(
        endpoint,
        ca_file=None,
        token=tokens or Tokens(),
        starts={TOPIC: None if start is None else ReplayId(start)},
        first=first,
        plaintext=True,
        tunables=Tunables(random or Random(1), no_pause, silence_seconds),
    )
    try:
        yield source
    finally:
        await source.close()


def hear(peer, count, **options):
    """Return the batches of a source that hears until ``count`` changes have come, and the source."""

    async def main():
        async with serving(peer) as endpoint, source_of(endpoint, **options) as source:
            batches: list[Batch] = []
            while heard(batches) < count:
                batches += await source.next_batches()
            return batches, source

    return asyncio.run(main())


def heard(batches):
    return sum(len(batch.changes) + len(batch.unreadable) for batch in batches)


def numbers(batches):
    return [int(change.ids[0][3:]) for batch in batches for change in batch.changes]
