"""How long a first response takes from its commit to the commit of its stamp, on a quiet stream.

A subscriber of its own hears the stamp's change event; the clock starts when the call's request is
answered, which is after its commit, and the subscriber's own delay counts against us.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc

from pubsub_api import pubsub_api_pb2 as pb
from pubsub_api import pubsub_api_pb2_grpc
from speed_to_lead.avro import Decoder
from tests.journeys.deeds import a_call, a_lead, later
from tests.journeys.stage import Scene, wait_for

PAUSE_SECONDS = 0.05


def latencies(scene: Scene, count: int) -> list[float]:
    """The seconds of so many responses, one after the other, in order."""
    leads = [a_lead(scene) for _ in range(count)]
    scene.sidecar.start()
    scene.listening()
    last = leads[-1]
    wait_for(lambda: scene.lead(last)["Policy_Version__c"], "the routing")
    later(scene, timedelta(minutes=5))
    try:
        return sorted(asyncio.run(_measured(scene, leads)))
    finally:
        scene.sidecar.stop()


async def _measured(scene: Scene, leads: list[str]) -> list[float]:
    stamped: dict[str, asyncio.Future[float]] = {
        lead: asyncio.get_running_loop().create_future() for lead in leads
    }
    ready = asyncio.Event()
    hearing = asyncio.create_task(_hear(scene, stamped, ready))
    await ready.wait()
    spent = []
    for lead in leads:
        await asyncio.to_thread(a_call, scene, lead)
        began = time.perf_counter()
        spent.append(max(0.0, await asyncio.wait_for(stamped[lead], 30) - began))
        await asyncio.sleep(PAUSE_SECONDS)
    hearing.cancel()
    return spent


async def _hear(
    scene: Scene, stamped: dict[str, asyncio.Future[float]], ready: asyncio.Event
) -> None:
    org = scene.org
    who: Any = (
        ("accesstoken", org.access_token),
        ("instanceurl", org.instance_url),
        ("tenantid", org.org_id),
    )
    trusted = grpc.ssl_channel_credentials(Path(org.ca_file).read_bytes())
    async with grpc.aio.secure_channel(org.grpc_endpoint, trusted) as channel:
        stub = pubsub_api_pb2_grpc.PubSubStub(channel)
        call = stub.Subscribe(metadata=who)
        topic = "/data/LeadChangeEvent"
        await call.write(
            pb.FetchRequest(topic_name=topic, replay_preset=pb.LATEST, num_requested=100)
        )
        await call.initial_metadata()
        ready.set()
        decoders: dict[str, Decoder] = {}
        while True:
            answer = await call.read()
            at = time.perf_counter()
            for each in answer.events:
                schema_id = each.event.schema_id
                if schema_id not in decoders:
                    schema = await stub.GetSchema(
                        pb.SchemaRequest(schema_id=schema_id), metadata=who
                    )
                    decoders[schema_id] = Decoder(schema.schema_json)
                event = decoders[schema_id].decode(each.event.payload)
                if "First_Response_At__c" in event.changed:
                    for lead in event.ids:
                        stamped[lead].set_result(at)
            await call.write(
                pb.FetchRequest(topic_name=topic, num_requested=len(answer.events) or 1)
            )
