"""One open stream of the Pub/Sub API: requests come in beside the events that go out.

Source: facts/pubsub-cdc.md 1.4, 1.9.
"""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar

from local_org.api.faults import Faults
from local_org.events import errors
from local_org.events.bus import Delivery, replay_id
from local_org.events.channels import Topic
from local_org.events.subscription import Subscription
from local_org.org import Org, Session
from pubsub_api import pubsub_api_pb2 as pb

_Request = TypeVar("_Request")


_LONGEST_SILENCE = timedelta(seconds=270)
"""What a real org promises, here by the org's clock, however it runs or jumps."""


@dataclass(frozen=True, slots=True)
class PubSubSettings:
    """Timing of streams, in real seconds."""

    keepalive_seconds: float = 60.0
    """An empty response comes after this time without events, or after 270 s of org time."""
    shortest_silence_seconds: float = 1.0
    """Empty responses are this far apart, however fast the org's clock runs."""
    idle_seconds: float = 60.0
    """A stream that is owed nothing ends after this time without a fetch request."""
    publish_idle_seconds: float = 70.0
    """A publish stream ends after this time without a request. The platform tells two figures."""
    commit_seconds: float = 1800.0
    """A managed stream ends after this time without a commit."""


@dataclass(frozen=True, slots=True)
class Call:
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


class Moment(NamedTuple):
    """A moment, by the machine and by the org."""

    real: float
    org: datetime

    @classmethod
    def now(cls, org: Org) -> Moment:
        """Return this moment."""
        return cls(asyncio.get_running_loop().time(), org.clock.now())


class Stream(ABC, Generic[_Request]):
    """Delivers what a subscription is due, until its client stops asking."""

    def __init__(
        self, call: Call, subscription: Subscription, settings: PubSubSettings, faults: Faults
    ) -> None:
        self.call, self.subscription = call, subscription
        self.settings, self._faults = settings, faults

    @abstractmethod
    def take(self, request: _Request) -> None:
        """Count a further request.

        :raises BusError: it is a bad one, which ends the stream.
        """

    @abstractmethod
    def response(self, deliveries: Sequence[Delivery]) -> Any:
        """Return what carries these events to the client."""

    def answers(self) -> bool:
        """Whether something is due to the client that is no event."""
        return False

    def check(self) -> None:
        """Let the stream go on.

        :raises BusError: what it stands on is gone.
        """
        if self.call.org.closed:
            raise errors.authentication_failed()

    def patience(self, spoke: Moment) -> float:
        """Return the seconds till the next empty response, or till the end if nothing is owed."""
        silent = asyncio.get_running_loop().time() - spoke.real
        if not self.subscription.pending:
            return self.settings.idle_seconds - silent
        clock, by_clock = self.call.org.clock, math.inf
        left = (_LONGEST_SILENCE - (clock.now() - spoke.org)).total_seconds()
        if left <= 0:
            by_clock = 0.0
        elif clock.speed > 0:
            by_clock = left / clock.speed
        by_clock = max(by_clock, self.settings.shortest_silence_seconds - silent)
        return min(self.settings.keepalive_seconds - silent, by_clock)

    async def run(
        self, requests: AsyncIterator[_Request], write: Callable[[Any], Awaitable[Any]]
    ) -> None:
        """Read requests beside the delivery; both wake the same sleeper."""
        with self.call.org.bus.wakeups() as wake:
            reader = asyncio.create_task(self._read(requests, wake))
            reader.add_done_callback(lambda _: wake.set())
            try:
                await self._deliver(reader, wake, write)
            finally:
                reader.cancel()
                await asyncio.wait([reader])

    async def _read(self, requests: AsyncIterator[_Request], wake: asyncio.Event) -> None:
        async for request in requests:
            self.take(request)
            wake.set()

    async def _deliver(
        self,
        reader: asyncio.Task[None],
        wake: asyncio.Event,
        write: Callable[[Any], Awaitable[Any]],
    ) -> None:
        """Write what is due, then sleep till there is more; an empty response breaks long silence.

        Returns when nothing is owed and the client is silent for too long or has closed its side.
        """
        org, subscription = self.call.org, self.subscription
        spoke = Moment.now(org)
        while True:
            wake.clear()
            if reader.done():
                reader.result()
            self.check()
            batch = subscription.next_batch(org.access(self.call.session))
            patience = self.patience(spoke)
            due = batch.deliveries or self.answers()
            if not due and not batch.exhausted:
                await asyncio.sleep(0)  # others get their turn while a filter passes much over
                continue
            if due or (subscription.pending and patience <= 0):
                if not due:
                    subscription.keep_alive()
                deliveries = await self._faults.on_delivery(batch.deliveries)
                spoke = Moment.now(org)
                await write(self.response(deliveries))
            elif not subscription.pending and (reader.done() or patience <= 0):
                return
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), patience)


class FetchStream(Stream[pb.FetchRequest]):
    """``Subscribe``: the client keeps its place itself."""

    def take(self, request: pb.FetchRequest) -> None:
        """Add to what is owed; replay options of later requests count for nothing."""
        self.subscription.request(request.topic_name, request.num_requested)

    def response(self, deliveries: Sequence[Delivery]) -> pb.FetchResponse:
        """Return the events, and how far the client has come with them."""
        return pb.FetchResponse(
            events=consumer_events(deliveries),
            latest_replay_id=replay_id(self.subscription.position),
            rpc_id=self.call.rpc_id,
            pending_num_requested=self.subscription.pending,
        )


def consumer_events(deliveries: Sequence[Delivery]) -> list[pb.ConsumerEvent]:
    """Return deliveries as the wire has them."""
    return [
        pb.ConsumerEvent(
            event=pb.ProducerEvent(
                id=delivery.event_id or _event_id(delivery.position),
                schema_id=delivery.schema_id,
                payload=delivery.payload,
            ),
            replay_id=replay_id(delivery.position),
        )
        for delivery in deliveries
    ]


def _event_id(position: int) -> str:
    """Shape of a uuid, the same at each delivery of the event."""
    return f"00000000-0000-4000-8000-{position:012x}"
