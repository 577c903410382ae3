"""Pub/Sub API: the gRPC service ``eventbus.v1.PubSub`` over the org's change events.

Source: facts/pubsub-cdc.md 1; forcedotcom/pub-sub-api, pubsub_api.proto.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
import grpc.aio

from local_org.api.faults import Faults
from local_org.errors import OrgError
from local_org.events import errors
from local_org.events.bus import Delivery, replay_id
from local_org.events.channels import Topic
from local_org.events.errors import BusError
from local_org.events.subscription import Subscription, may_subscribe
from local_org.org import Org, Session
from pubsub_api import pubsub_api_pb2 as pb
from pubsub_api import pubsub_api_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class PubSubSettings:
    """Timing of subscriptions, in real seconds."""

    keepalive_seconds: float = 60.0
    """An empty response comes after this time without events; a real org promises 270 at most."""
    idle_seconds: float = 60.0
    """A stream that is owed nothing ends after this time without a fetch request."""


@dataclass(frozen=True, slots=True)
class _Call:
    """One authenticated call to one org."""

    rpc_id: str
    org: Org
    session: Session

    def topic(self, name: str) -> Topic:
        """Return a topic of the org.

        :raises BusError: it has none of this name.
        """
        if not name:
            raise errors.topic_empty()
        topic = self.org.bus.topic(name)
        if topic is None:
            raise errors.topic_not_found(self.org.org_id, name)
        return topic


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

    # -- unary calls ------------------------------------------------------------------------------

    async def GetTopic(self, request: pb.TopicRequest, context: Context) -> pb.TopicInfo:  # noqa: N802 - the rpc's name
        """Tell about a topic; its schema id is blank where it carries many entities."""
        async with self._call("GetTopic", context) as call:
            topic = call.topic(request.topic_name)
            return pb.TopicInfo(
                topic_name=topic.name,
                tenant_guid=f"CORE/prod/{call.org.org_id}",
                can_publish=False,
                can_subscribe=may_subscribe(topic, call.org.access(call.session)),
                schema_id=call.org.bus.topic_schema_id(topic),
                rpc_id=call.rpc_id,
            )

    async def GetSchema(self, request: pb.SchemaRequest, context: Context) -> pb.SchemaInfo:  # noqa: N802 - the rpc's name
        """Tell the Avro schema of this id, current or not."""
        async with self._call("GetSchema", context) as call:
            if not request.schema_id:
                raise errors.schema_id_blank()
            text = call.org.bus.schema_json(request.schema_id)
            if text is None:
                raise errors.schema_unknown(request.schema_id)
            return pb.SchemaInfo(schema_json=text, schema_id=request.schema_id, rpc_id=call.rpc_id)

    async def Publish(self, request: pb.PublishRequest, context: Context) -> NoReturn:  # noqa: N802 - the rpc's name
        """Refuse: every topic of this org carries change events, which the org alone publishes."""
        async with self._call("Publish", context) as call:
            raise errors.cannot_publish(call.topic(request.topic_name).name)
        raise AssertionError("a refused call went on")

    # -- streams ----------------------------------------------------------------------------------

    async def PublishStream(  # noqa: N802 - the rpc's name
        self, request_iterator: AsyncIterator[pb.PublishRequest], context: Context
    ) -> None:
        """Refuse the first request as ``Publish`` does."""
        async with self._call("PublishStream", context) as call:
            async for request in request_iterator:
                raise errors.cannot_publish(call.topic(request.topic_name).name)

    async def ManagedSubscribe(  # noqa: N802 - the rpc's name
        self, request_iterator: AsyncIterator[pb.ManagedFetchRequest], context: Context
    ) -> None:
        """Refuse as an org without any ``ManagedEventSubscription`` does."""
        async with self._call("ManagedSubscribe", context):
            async for request in request_iterator:
                if not request.subscription_id and not request.developer_name:
                    raise errors.managed_unnamed()
                raise errors.managed_not_found(request.subscription_id, request.developer_name)

    async def Subscribe(  # noqa: N802 - the rpc's name
        self, request_iterator: AsyncIterator[pb.FetchRequest], context: Context
    ) -> None:
        """Deliver events in commit order against the client's credit, until it stops asking."""
        async with self._call("Subscribe", context) as call:
            async for first in request_iterator:
                subscription = _subscription(first, call)
                await self._serve(subscription, request_iterator, context, call)
                return

    async def _serve(
        self,
        subscription: Subscription,
        requests: AsyncIterator[pb.FetchRequest],
        context: Context,
        call: _Call,
    ) -> None:
        """Read requests beside the delivery; both wake the same sleeper."""
        with call.org.bus.wakeups() as wake:
            reader = asyncio.create_task(_read(requests, subscription, wake))
            reader.add_done_callback(lambda _: wake.set())
            try:
                await self._deliver(subscription, reader, wake, context, call)
            finally:
                reader.cancel()
                await asyncio.wait([reader])

    async def _deliver(
        self,
        subscription: Subscription,
        reader: asyncio.Task[None],
        wake: asyncio.Event,
        context: Context,
        call: _Call,
    ) -> None:
        """Write what is due, then sleep till there is more; an empty response breaks long silence.

        Returns when nothing is owed and the client is silent for too long or has closed its side.
        """
        loop = asyncio.get_running_loop()
        spoke = loop.time()
        while True:
            wake.clear()
            if reader.done():
                reader.result()
            if call.org.closed:
                raise errors.authentication_failed()
            batch = subscription.next_batch(call.org.access(call.session))
            patience = self._patience(subscription) - (loop.time() - spoke)
            if batch.deliveries or (subscription.pending and patience <= 0):
                if not batch.deliveries:
                    subscription.keep_alive()
                deliveries = await self._faults.on_delivery(batch.deliveries)
                await context.write(_response(subscription, deliveries, call.rpc_id))
                spoke = loop.time()
            elif not subscription.pending and (reader.done() or patience <= 0):
                return
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), patience)

    def _patience(self, subscription: Subscription) -> float:
        """Seconds that may pass since the last response."""
        settings = self._settings
        return settings.keepalive_seconds if subscription.pending else settings.idle_seconds

    # -- shared -----------------------------------------------------------------------------------

    @asynccontextmanager
    async def _call(self, rpc: str, context: Context) -> AsyncIterator[_Call]:
        """Authenticate, and end the call as the platform does when it is refused."""
        rpc_id = str(uuid.uuid4())
        try:
            yield _Call(rpc_id, *self._authenticate(context))
        except BusError as error:
            await context.abort(
                grpc.StatusCode[error.status],
                f"{error.message} rpcId: {rpc_id}",
                (("error-code", error.full_code), ("rpc-id", rpc_id), ("type", rpc)),
            )

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


def _subscription(first: pb.FetchRequest, call: _Call) -> Subscription:
    """Open what the first request asks for; replay options of later ones count for nothing."""
    topic = call.topic(first.topic_name)
    if not may_subscribe(topic, call.org.access(call.session)):
        raise errors.cannot_subscribe(topic.name)
    subscription = Subscription(call.org.bus, topic, int(first.replay_preset), first.replay_id)
    subscription.request(first.topic_name, first.num_requested)
    return subscription


async def _read(
    requests: AsyncIterator[pb.FetchRequest], subscription: Subscription, wake: asyncio.Event
) -> None:
    """Count every further request; a bad one ends the stream."""
    async for request in requests:
        subscription.request(request.topic_name, request.num_requested)
        wake.set()


def _response(
    subscription: Subscription, deliveries: Sequence[Delivery], rpc_id: str
) -> pb.FetchResponse:
    return pb.FetchResponse(
        events=[
            pb.ConsumerEvent(
                event=pb.ProducerEvent(
                    id=_event_id(delivery.position),
                    schema_id=delivery.schema_id,
                    payload=delivery.payload,
                ),
                replay_id=replay_id(delivery.position),
            )
            for delivery in deliveries
        ],
        latest_replay_id=replay_id(subscription.position),
        rpc_id=rpc_id,
        pending_num_requested=subscription.pending,
    )


def _event_id(position: int) -> str:
    """Shape of a uuid, the same at each delivery of the event."""
    return f"00000000-0000-4000-8000-{position:012x}"
