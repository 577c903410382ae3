"""A client as one writes it in an afternoon: one GET and one PATCH for every event, fastavro to decode.

It is the peer of the benchmark and shares no code with the sidecar: it subscribes to the single-entity
topic of Task, reads the Task's Lead, and writes the stamp when there is none.
"""

from __future__ import annotations

import asyncio
import io
import json
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
import grpc
import httpx

from pubsub_api import pubsub_api_pb2 as pb
from pubsub_api import pubsub_api_pb2_grpc
from speed_to_lead.demo.processes import LocalOrg

API = "/services/data/v66.0/sobjects"
QUIET = 2.0
"""Seconds without an event after which the history is over."""


@dataclass
class Outcome:
    """What the naive run did."""

    events: int = 0
    calls: int = 0
    seconds: float = 0.0


async def stamp_naively(org: LocalOrg, token: str) -> Outcome:
    """Stamp every lead that has a closed call in the retained events; return what it cost."""
    ca = Path(org.ca_file).read_bytes()
    metadata = (
        ("accesstoken", token),
        ("instanceurl", org.instance_url),
        ("tenantid", org.org_id),
    )
    outcome = Outcome()
    tls = ssl.create_default_context(cafile=org.ca_bundle)
    headers = {"Authorization": f"Bearer {token}"}
    credentials = grpc.ssl_channel_credentials(ca)
    async with (
        grpc.aio.secure_channel(org.grpc_endpoint, credentials) as channel,
        httpx.AsyncClient(base_url=org.instance_url, verify=tls, headers=headers) as http,
    ):
        stub = pubsub_api_pb2_grpc.PubSubStub(channel)
        schemas: dict[str, Any] = {}
        started = last = time.monotonic()
        async for event in _events(stub, metadata):
            schema = schemas.get(event.schema_id)
            if schema is None:
                info = await stub.GetSchema(
                    pb.SchemaRequest(schema_id=event.schema_id), metadata=metadata
                )
                schema = schemas[event.schema_id] = fastavro.parse_schema(
                    json.loads(info.schema_json)
                )
            task = fastavro.schemaless_reader(io.BytesIO(event.payload), schema)
            outcome.events += 1
            outcome.calls += await _stamp(http, task)
            last = time.monotonic()
    outcome.seconds = last - started
    return outcome


async def _events(stub, metadata):
    call = stub.Subscribe(metadata=metadata)
    topic = "/data/TaskChangeEvent"
    await call.write(
        pb.FetchRequest(topic_name=topic, replay_preset=pb.EARLIEST, num_requested=100)
    )
    while True:
        try:
            answer = await asyncio.wait_for(call.read(), QUIET)
        except TimeoutError:
            call.cancel()
            return
        for event in answer.events:
            yield event.event
        if answer.pending_num_requested == 0:
            await call.write(pb.FetchRequest(topic_name=topic, num_requested=100))


async def _stamp(http: httpx.AsyncClient, task) -> int:
    lead = task["WhoId"]
    if not task["IsClosed"] or not lead:
        return 0
    now = (await http.get(f"{API}/Lead/{lead}")).json()
    if now["First_Response_At__c"]:
        return 1
    at = datetime.fromtimestamp(task["CompletedDateTime"] / 1000, UTC)
    answer = await http.patch(
        f"{API}/Lead/{lead}",
        json={
            "First_Response_At__c": at.isoformat(),
            "First_Response_Source__c": "Call",
            "First_Response_User__c": task["OwnerId"],
        },
    )
    answer.raise_for_status()
    return 2
