"""``ManagedSubscribe``: the org keeps the client's place, which moves by commits.

Source: facts/pubsub-cdc.md 1.1, 1.6, 1.9.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from lxml import etree

from local_org.api.faults import Faults
from local_org.api.pubsub_delivery import (
    Call,
    Moment,
    PubSubSettings,
    Stream,
    consumer_events,
)
from local_org.clock import millis
from local_org.events import errors
from local_org.events.bus import Delivery, replay_id
from local_org.events.errors import BusError
from local_org.events.subscription import Replay, Subscription, may_subscribe
from local_org.org import Org
from pubsub_api import pubsub_api_pb2 as pb

_COMPONENT: Final = "ManagedEventSubscription"
_PLACE: Final = "$managed"


@dataclass(frozen=True, slots=True)
class Managed:
    """A deployed ``ManagedEventSubscription``."""

    name: str
    topic: str
    default: Replay
    recovery: Replay
    state: str

    @classmethod
    def find(cls, call: Call, request: pb.ManagedFetchRequest) -> Managed:
        """Return the subscription that a first request names, by 18x id or by developer name.

        :raises BusError: it names none, or one that the org does not have or does not run.
        """
        wanted_id, wanted_name = request.subscription_id, request.developer_name
        if not wanted_id and not wanted_name:
            raise errors.managed_unnamed()
        for document in call.org.store.documents(_COMPONENT):
            known = str(document.meta["id"])
            if document.name == wanted_name or wanted_id in (known, known[:15]):
                found = cls._read(document.name, document.body)
                found.check(call.org)
                return found
        raise errors.managed_not_found(wanted_id, wanted_name)

    def check(self, org: Org) -> None:
        """Let a client be served.

        :raises BusError: the subscription was deleted or stopped.
        """
        document = org.store.document(_COMPONENT, self.name)
        if document is None:
            raise errors.managed_deleted(self.name)
        if self._read(self.name, document.body).state != "RUN":
            raise errors.managed_stopped(self.name)

    @classmethod
    def _read(cls, name: str, body: bytes) -> Managed:
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        root = etree.fromstring(body, parser)

        def text(element: str, default: str) -> str:
            return root.findtext(f"{{*}}{element}") or default

        return cls(
            name,
            text("topicName", ""),
            Replay[text("defaultReplay", "LATEST")],
            Replay[text("errorRecoveryReplay", "LATEST")],
            text("state", "RUN"),
        )

    @contextmanager
    def held(self, call: Call, active: set[tuple[str, str]]) -> Iterator[None]:
        """Hold the subscription for one client; ``active`` are those that have one now.

        :raises BusError: another one holds it.
        """
        key = (call.org.org_id, self.name)
        if key in active:
            raise errors.managed_active(self.name)
        active.add(key)
        try:
            yield
        finally:
            active.discard(key)

    def subscription(self, call: Call) -> Subscription:
        """Stand where the last commit was, or where the subscription says that one begins."""
        topic = call.topic(self.topic)
        if not may_subscribe(topic, call.org.access(call.session)):
            raise errors.cannot_subscribe(topic.name)
        place = call.org.store.document(_PLACE, self.name)
        if place is not None:
            with suppress(BusError):
                return Subscription(call.org.bus, topic, Replay.CUSTOM, bytes(place.body))
        preset = self.default if place is None else self.recovery
        return Subscription(call.org.bus, topic, preset, b"")


class ManagedStream(Stream[pb.ManagedFetchRequest]):
    """One client of a managed subscription."""

    def __init__(
        self, managed: Managed, call: Call, settings: PubSubSettings, faults: Faults
    ) -> None:
        super().__init__(call, managed.subscription(call), settings, faults)
        self._managed = managed
        self._commits: list[pb.CommitReplayResponse] = []
        self._committed_at = asyncio.get_running_loop().time()

    def begin(self, first: pb.ManagedFetchRequest) -> None:
        """Take the first request, which may not commit yet.

        :raises BusError: it commits, or asks for less than nothing.
        """
        if first.HasField("commit_replay_id_request"):
            text = "The first request of a managed subscription can't commit a replay ID."
            raise errors.managed_request_invalid("commit.request.restricted", text)
        self.take(first)

    def take(self, request: pb.ManagedFetchRequest) -> None:
        """Add to what is owed, and commit what the client has done."""
        if request.num_requested < 0:
            text = "The requested number of events must be 0 or more."
            raise errors.managed_request_invalid("events.invalid", text)
        if request.num_requested:
            self.subscription.request("", request.num_requested)
        if request.HasField("commit_replay_id_request"):
            self._commits.append(self._commit(request.commit_replay_id_request))
            self._committed_at = asyncio.get_running_loop().time()

    def _commit(self, wanted: pb.CommitReplayRequest) -> pb.CommitReplayResponse:
        """Keep the place; a replay id that is none is told in the answer and ends nothing."""
        org = self.call.org
        answer = pb.CommitReplayResponse(
            commit_request_id=wanted.commit_request_id,
            replay_id=wanted.replay_id,
            process_time=millis(org.clock.now()),
        )
        try:
            position = org.bus.position(wanted.replay_id)
        except BusError as error:
            answer.error.CopyFrom(pb.Error(code=pb.ErrorCode.COMMIT, msg=error.message))
            return answer
        org.store.put_document(_PLACE, self._managed.name, replay_id(position))
        return answer

    def answers(self) -> bool:
        """Whether a commit waits for its answer."""
        return bool(self._commits)

    def check(self) -> None:
        """Let the stream go on.

        :raises BusError: nothing was committed for too long, or the subscription is gone or ended.
        """
        super().check()
        if self._uncommitted() >= self.settings.commit_seconds:
            raise errors.managed_uncommitted(self.settings.commit_seconds)
        self._managed.check(self.call.org)

    def patience(self, spoke: Moment) -> float:
        """Return the seconds till something is to be said, or the want of commits to be judged."""
        left = self.settings.commit_seconds - self._uncommitted()
        return min(super().patience(spoke), max(0.0, left))

    def _uncommitted(self) -> float:
        return asyncio.get_running_loop().time() - self._committed_at

    def response(self, deliveries: Sequence[Delivery]) -> pb.ManagedFetchResponse:
        """Return the events, and the answer to the commits so far: the last one tells of all."""
        answer = pb.ManagedFetchResponse(
            events=consumer_events(deliveries),
            latest_replay_id=replay_id(self.subscription.position),
            rpc_id=self.call.rpc_id,
            pending_num_requested=self.subscription.pending,
        )
        if self._commits:
            answer.commit_response.CopyFrom(self._commits.pop(0))
        return answer
