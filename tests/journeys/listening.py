"""A subscriber of the test's own: it reads what the org has told, from the oldest event to the tip."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc

from pubsub_api import pubsub_api_pb2 as pb
from pubsub_api import pubsub_api_pb2_grpc
from speed_to_lead.avro import Decoder, Event

QUIET = 1.0
"""Seconds without an event after which the tip is reached."""


async def events_of(org, topic):
    """Return every retained event of a topic that the administrator may see, decoded."""
    metadata = (
        ("accesstoken", org.access_token),
        ("instanceurl", org.instance_url),
        ("tenantid", org.org_id),
    )
    credentials = grpc.ssl_channel_credentials(Path(org.ca_file).read_bytes())
    decoders = {}
    events: list[Event] = []
    async with grpc.aio.secure_channel(org.grpc_endpoint, credentials) as channel:
        stub = pubsub_api_pb2_grpc.PubSubStub(channel)
        call = stub.Subscribe(metadata=metadata)
        request = pb.FetchRequest(topic_name=topic, replay_preset=pb.EARLIEST, num_requested=100)
        while True:
            await call.write(request)
            request = pb.FetchRequest(topic_name=topic, num_requested=100)
            try:
                answer = await asyncio.wait_for(call.read(), QUIET)
            except TimeoutError:
                call.cancel()
                return events
            for each in answer.events:
                schema_id = each.event.schema_id
                if schema_id not in decoders:
                    wanted = pb.SchemaRequest(schema_id=schema_id)
                    schema = await stub.GetSchema(wanted, metadata=metadata)
                    decoders[schema_id] = Decoder(schema.schema_json)
                events.append(decoders[schema_id].decode(each.event.payload))
