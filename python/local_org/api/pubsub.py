"""Pub/Sub API: the gRPC service ``eventbus.v1.PubSub`` over change events and platform events.

Source: facts/pubsub-cdc.md 1; forcedotcom/pub-sub-api, pubsub_api.proto.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio

from local_org.api.faults import Faults
from local_org.api.pubsub_delivery import Call, FetchStream, PubSubSettings
from local_org.api.pubsub_managed import Managed, ManagedStream
from local_org.api.pubsub_publish import may_publish, publish
from local_org.api.pubsub_wire import check, readable, serve
from local_org.errors import OrgError
from local_org.events import errors
from local_org.events.channels import Topic
from local_org.events.errors import BusError
from local_org.events.subscription import Subscription, may_subscribe
from local_org.org import Org, Session
from pubsub_api import pubsub_api_pb2 as pb
from pubsub_api import pubsub_api_pb2_grpc

__all__ = ["PubSubService", "PubSubSettings"]

Context = grpc.aio.ServicerContext[Any, Any]
_log = logging.getLogger("local_org")
_LONGEST_MESSAGE = 400
"""Characters: what names a client sends come back in messages, and trailers are small."""


class PubSubService(pubsub_api_pb2_grpc.PubSubServicer):
    """The service of a server's orgs, for ``grpc.aio``; runs on the loop of their other calls."""

    def __init__(
        self,
        find_org: Callable[[str], Org | None],
        settings: PubSubSettings | None = None,
        faults: Faults | None = None,
    ) -> None:
        """Serve the orgs that ``find_org`` finds by a tenant's id of 15 or 18 characters."""
        self._find_org = find_org
        self._faults = faults or Faults()
        self._settings = settings or PubSubSettings()
        self._managed: set[tuple[str, str]] = set()

    def add_to(self, server: grpc.aio.Server) -> None:
        """Answer the calls of a server."""
        serve(self, server)

    # -- unary calls ------------------------------------------------------------------------------

    async def GetTopic(self, request: pb.TopicRequest, context: Context) -> pb.TopicInfo:  # noqa: N802 - the rpc's name
        """Tell about a topic; its schema id is blank where it carries many entities."""
        async with self._call("GetTopic", context, request) as call:
            topic = call.topic(request.topic_name)
            return pb.TopicInfo(
                topic_name=topic.name,
                tenant_guid=f"CORE/prod/{call.org.org_id}",
                can_publish=may_publish(topic, call),
                can_subscribe=may_subscribe(topic, call.org.access(call.session)),
                schema_id=call.org.bus.topic_schema_id(topic),
                rpc_id=call.rpc_id,
            )

    async def GetSchema(self, request: pb.SchemaRequest, context: Context) -> pb.SchemaInfo:  # noqa: N802 - the rpc's name
        """Tell the Avro schema of this id, current or not."""
        async with self._call("GetSchema", context, request) as call:
            if not request.schema_id:
                raise errors.schema_id_blank()
            text = call.org.bus.schema_json(request.schema_id)
            if text is None:
                raise errors.schema_unknown(request.schema_id)
            return pb.SchemaInfo(schema_json=text, schema_id=request.schema_id, rpc_id=call.rpc_id)

    async def Publish(self, request: pb.PublishRequest, context: Context) -> pb.PublishResponse:  # noqa: N802 - the rpc's name
        """Publish platform events; each has a result of its own, in order."""
        async with self._call("Publish", context, request) as call:
            return publish(call, call.topic(request.topic_name), request)

    # -- streams ----------------------------------------------------------------------------------

    async def PublishStream(  # noqa: N802 - the rpc's name
        self, request_iterator: AsyncIterator[pb.PublishRequest], context: Context
    ) -> None:
        """Publish request after request; the first names the topic of all."""
        async with self._call("PublishStream", context) as call:
            topic: Topic | None = None
            requests = readable(request_iterator, "PublishStream")
            while request := await self._next(requests):
                topic = topic or call.topic(request.topic_name)
                if request.topic_name not in ("", topic.name):
                    raise errors.publish_topic_mismatch(topic.name, request.topic_name)
                await context.write(publish(call, topic, request))

    async def _next(self, requests: AsyncIterator[pb.PublishRequest]) -> pb.PublishRequest | None:
        seconds = self._settings.publish_idle_seconds
        try:
            return await asyncio.wait_for(anext(requests, None), seconds)
        except TimeoutError:
            raise errors.publish_idle(seconds) from None

    async def Subscribe(  # noqa: N802 - the rpc's name
        self, request_iterator: AsyncIterator[pb.FetchRequest], context: Context
    ) -> None:
        """Deliver events in commit order against the client's credit, until it stops asking."""
        async with self._call("Subscribe", context) as call:
            requests = readable(request_iterator, "Subscribe")
            async for first in requests:
                self._faults.on_subscribe(first.replay_id)
                stream = FetchStream(call, _subscription(first, call), self._settings, self._faults)
                await stream.run(requests, context.write)
                return

    async def ManagedSubscribe(  # noqa: N802 - the rpc's name
        self, request_iterator: AsyncIterator[pb.ManagedFetchRequest], context: Context
    ) -> None:
        """Deliver events from where the client's last commit was."""
        async with self._call("ManagedSubscribe", context) as call:
            requests = readable(request_iterator, "ManagedSubscribe")
            async for first in requests:
                managed = Managed.find(call, first)
                with managed.held(call, self._managed):
                    stream = ManagedStream(managed, call, self._settings, self._faults)
                    stream.begin(first)
                    await stream.run(requests, context.write)
                return

    # -- shared -----------------------------------------------------------------------------------

    @asynccontextmanager
    async def _call(
        self, rpc: str, context: Context, request: object = None
    ) -> AsyncIterator[Call]:
        """Authenticate, and end the call as the platform does when it is refused."""
        rpc_id = str(uuid.uuid4())
        try:
            check(request, rpc)
            yield Call(rpc_id, *self._authenticate(context))
        except BusError as error:
            await _abort(context, rpc, rpc_id, error)
        except Exception:  # noqa: BLE001 - a bug of ours is told with an error code as well
            if not context.done():  # else the client is gone, and nobody is left to be told
                _log.exception("a bug in the local org: please report it")
                await _abort(context, rpc, rpc_id, errors.unavailable())

    def _authenticate(self, context: Context) -> tuple[Org, Session]:
        """Return the org and the session of the call's metadata."""
        metadata = dict(context.invocation_metadata() or ())
        for key in ("accesstoken", "instanceurl", "tenantid"):
            if not metadata.get(key):
                raise errors.headers_invalid(key)
        org = self._find_org(str(metadata["tenantid"]))
        if org is None:
            raise errors.authentication_failed()
        try:
            return org, org.session(str(metadata["accesstoken"]), api="pubsub")
        except OrgError as refused:
            raise errors.authentication_failed() from refused


async def _abort(context: Context, rpc: str, rpc_id: str, error: BusError) -> None:
    await context.abort(
        grpc.StatusCode[error.status],
        f"{error.message[:_LONGEST_MESSAGE]} rpcId: {rpc_id}",
        (("error-code", error.full_code), ("rpc-id", rpc_id), ("type", rpc)),
    )


def _subscription(first: pb.FetchRequest, call: Call) -> Subscription:
    """Open what the first request asks for."""
    topic = call.topic(first.topic_name)
    if not may_subscribe(topic, call.org.access(call.session)):
        raise errors.cannot_subscribe(topic.name)
    subscription = Subscription(call.org.bus, topic, int(first.replay_preset), first.replay_id)
    subscription.request(first.topic_name, first.num_requested)
    return subscription
