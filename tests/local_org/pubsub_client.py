"""A gRPC server over one org, and what its clients ask, hear and are refused."""

import asyncio
import io
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import fastavro
import grpc
import grpc.aio
import pytest

from local_org.api.pubsub import PubSubService, PubSubSettings
from local_org.clock import Clock
from local_org.org import Org
from pubsub_api import pubsub_api_pb2 as pb
from pubsub_api import pubsub_api_pb2_grpc
from tests.local_org.caller import only

CHANNEL = "/data/SpeedToLead__chn"
LEADS = "/data/LeadChangeEvent"
CODE = "sfdc.platform.eventbus.grpc."
NAMESPACE = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
PATIENT = PubSubSettings()
HASTY = PubSubSettings(keepalive_seconds=0.05, idle_seconds=0.05)


@pytest.fixture
def org():
    org = Org.open(clock=Clock(datetime(2026, 11, 2, 10, tzinfo=UTC), speed=0))
    give_channel(org)
    yield org
    org.close()


def give_channel(org):
    channel = (
        f"<PlatformEventChannel {NAMESPACE}><channelType>data</channelType></PlatformEventChannel>"
    )
    org.store.put_document("PlatformEventChannel", "SpeedToLead__chn", channel.encode())
    for entity in ("Lead", "Task"):
        member = (
            f"<PlatformEventChannelMember {NAMESPACE}><eventChannel>SpeedToLead__chn</eventChannel>"
            f"<selectedEntity>{entity}ChangeEvent</selectedEntity></PlatformEventChannelMember>"
        )
        name = f"SpeedToLead_chn_{entity}ChangeEvent"
        org.store.put_document("PlatformEventChannelMember", name, member.encode())
    org.bus.channels_changed()


def token_of(org, username="admin@local.test"):
    return org.login(org.user(username)["Id"], "test")


def headers(org, username="admin@local.test", **changes):
    known = {
        "accesstoken": token_of(org, username),
        "instanceurl": "https://localhost:8443",
        "tenantid": org.org_id,
    }
    return tuple((key, value) for key, value in (known | changes).items() if value)


@asynccontextmanager
async def serving(org, settings=PATIENT):
    server = grpc.aio.server()
    pubsub_api_pb2_grpc.add_PubSubServicer_to_server(PubSubService(only(org), settings), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel, asyncio.timeout(10):
            yield pubsub_api_pb2_grpc.PubSubStub(channel)
    finally:
        await server.stop(None)


def run(org, client, settings=PATIENT):
    async def main():
        async with serving(org, settings) as stub:
            return await client(stub)

    return asyncio.run(main())


def refusal(org, client, settings=PATIENT):
    """Run a client that must be refused; return gRPC status, error code, type and message."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        run(org, client, settings)
    error = refused.value
    trailers = dict(error.trailing_metadata())
    message, _, rpc_id = (error.details() or "").partition(" rpcId: ")
    assert rpc_id == trailers["rpc-id"]
    return error.code(), trailers["error-code"].removeprefix(CODE), trailers["type"], message


def fetch(topic=CHANNEL, count=100, **more):
    return pb.FetchRequest(topic_name=topic, num_requested=count, **more)


def create_leads(org, count=1):
    session = org.session(token_of(org))
    rows = [("Lead", {"LastName": f"Lead {n}", "Company": "Acme"}) for n in range(count)]
    results = org.insert(session, rows)
    assert all(result.success for result in results)
    return [result.id for result in results]


async def events_of(call, count):
    """Read responses until that many events have come."""
    events: list[pb.ConsumerEvent] = []
    while len(events) < count:
        events += (await call.read()).events
    return events


async def header_of(stub, event, metadata):
    info = await stub.GetSchema(
        pb.SchemaRequest(schema_id=event.event.schema_id), metadata=metadata
    )
    schema = fastavro.parse_schema(json.loads(info.schema_json))
    body: Any = fastavro.schemaless_reader(io.BytesIO(event.event.payload), schema, None)
    return body["ChangeEventHeader"], body
