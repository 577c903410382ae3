"""The streams: credit, positions, reconnects. What a stream hears waits in one bounded queue."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal, Self

import grpc
import grpc.aio

from pubsub_api import pubsub_api_pb2 as pb
from pubsub_api import pubsub_api_pb2_grpc
from speed_to_lead.changes import Batch, TopicState
from speed_to_lead.errors import OrgUnavailable
from speed_to_lead.ids import ReplayId
from speed_to_lead.pubsub.channel import TokenSource, connect, metadata
from speed_to_lead.pubsub.position import Position
from speed_to_lead.pubsub.reading import Reader
from speed_to_lead.pubsub.refusals import Remedy, as_error, code_of, remedy
from speed_to_lead.telemetry import log

_CREDIT = 100
"""Events that may be owed at a time: the org clamps more to this."""
_QUEUED_CHANGES = 1000
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_STREAM_ENDED = "stream.ended"
_SILENT = "silent"
_ORG_AWAY = "org.unavailable"
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Tunables:
    """What tests turn: chance, waiting, and how long silence may last."""

    random: Random
    sleep: Sleep = asyncio.sleep
    silence_seconds: float = 300.0
    """The org breaks silence within 270 s; a stream that is silent for longer is dead."""


class PubSubSource:
    """Hears topics of one org; implements ``changes.ChangeSource``."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        token: TokenSource,
        first: Literal["earliest", "latest"],
        tunables: Tunables,
    ) -> None:
        self._channel, self._token = channel, token
        self._first, self._tunables = first, tunables
        self._stub = pubsub_api_pb2_grpc.PubSubStub(channel)  # type: ignore[no-untyped-call]
        self._reader = Reader(self._stub, token, self._pause, {})
        self._queue: deque[Batch] = deque()
        self._queued = 0
        self._arrived, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()
        self._failure: BaseException | None = None
        self._topics: dict[str, TopicState] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(
        cls,
        endpoint: str,
        *,
        ca_file: Path | None,
        token: TokenSource,
        starts: Mapping[str, ReplayId | None],
        first: Literal["earliest", "latest"],
        plaintext: bool = False,
        tunables: Tunables | None = None,
    ) -> Self:
        """Begin to hear each topic behind its replay id; without one, where ``first`` says."""
        channel = connect(endpoint, ca_file, plaintext=plaintext)
        source = cls(channel, token, first, tunables or Tunables(Random()))  # noqa: S311 - jitter
        for topic, replay_id in starts.items():
            source._topics[topic] = TopicState(topic, replay_id=replay_id)
            position = Position(replay_id, oldest=first == "earliest")
            task = asyncio.create_task(source._hear(topic, position))
            task.add_done_callback(source._ended)
            source._tasks.append(task)
        return source

    @property
    def topics(self) -> Mapping[str, TopicState]:
        """The topics heard, by name."""
        return self._topics

    async def next_batches(self, timeout_seconds: float = 1.0) -> list[Batch]:
        """Return everything that has arrived; wait for something when there is nothing.

        :raises ReplayExpired: the org no longer retains a stored replay id.
        :raises PermissionMissing: the user may not hear what the topic carries.
        :raises UsageError: the topic is not there.
        :raises AuthenticationFailed: the org refuses the credentials.
        """
        if not self._queue and self._failure is None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), timeout_seconds)
        self._arrived.clear()
        if self._queue:
            batches = list(self._queue)
            self._queue.clear()
            self._queued = 0
            self._room.set()
            return batches
        if self._failure is not None:
            raise self._failure
        return []

    async def close(self) -> None:
        """Leave every stream."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._channel.close()

    # -- one topic --------------------------------------------------------------------------------

    async def _hear(self, topic: str, position: Position) -> None:
        """Keep a topic's stream open until it fails in a way that only others can put right."""
        state, attempt, refresh = self._topics[topic], 0, False
        while True:
            heard = position.heard
            code = _STREAM_ENDED
            try:
                await self._stream(state, position, refresh=refresh)
                refresh = False
            except TimeoutError:
                code = _SILENT
            except OrgUnavailable:
                code = _ORG_AWAY
            except grpc.aio.AioRpcError as error:
                code = code_of(error)
                what = remedy(error)
                if what not in (Remedy.AGAIN, Remedy.LOG_IN):
                    raise as_error(topic, error) from error
                refresh = what is Remedy.LOG_IN
            finally:
                state.connected = False
            state.reconnects[code] = state.reconnects.get(code, 0) + 1
            state.failing_since = state.failing_since or time.monotonic()
            attempt = 0 if position.heard > heard else attempt + 1
            log.warning("reconnecting", topic=topic, code=code, attempt=attempt)
            await self._pause(attempt)

    async def _stream(self, state: TopicState, position: Position, *, refresh: bool) -> None:
        """Hear one stream to its end; more is asked for before what came is read: the pipe stays full."""
        call = self._stub.Subscribe(metadata=await metadata(self._token, refresh=refresh))
        try:
            await _ask(call, self._first_request(state.topic, position))
            owed = _CREDIT
            while True:
                answer = await asyncio.wait_for(call.read(), self._tunables.silence_seconds)
                if answer is grpc.aio.EOF:
                    return
                state.connected, state.last_heard_at = True, time.monotonic()
                state.failing_since = None
                owed = _still_owed(owed, answer)
                await self._room.wait()
                if owed < _CREDIT:
                    more = pb.FetchRequest(topic_name=state.topic, num_requested=_CREDIT - owed)
                    await _ask(call, more)
                    owed = _CREDIT
                await self._take(state, position, answer)
        finally:
            call.cancel()

    def _first_request(self, topic: str, position: Position) -> pb.FetchRequest:
        if position.resume is not None:
            return pb.FetchRequest(
                topic_name=topic,
                num_requested=_CREDIT,
                replay_preset=pb.CUSTOM,
                replay_id=position.resume,
            )
        preset = pb.EARLIEST if self._first == "earliest" else pb.LATEST
        return pb.FetchRequest(topic_name=topic, num_requested=_CREDIT, replay_preset=preset)

    async def _take(self, state: TopicState, position: Position, answer: Any) -> None:
        """Queue what a response holds, and where it moves the position."""
        changes, unreadable = await self._reader.read(state.topic, answer.events)
        position.move(answer.latest_replay_id, [event.replay_id for event in answer.events])
        if changes:
            state.last_event_at = changes[-1].committed_at
        state.replay_id = position.safe
        self._queue.append(
            Batch(state.topic, position.safe or ReplayId(b""), tuple(changes), tuple(unreadable))
        )
        self._queued += len(changes) + len(unreadable)
        if self._queued >= _QUEUED_CHANGES:
            self._room.clear()
        self._arrived.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Keep why a topic is no longer heard, for whoever asks for batches."""
        if not task.cancelled() and self._failure is None:
            self._failure = task.exception()
            self._arrived.set()

    async def _pause(self, attempt: int) -> None:
        """Wait a random while, ever longer."""
        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** min(attempt, 10))
        await self._tunables.sleep(self._tunables.random.uniform(0, longest))


def _still_owed(owed: int, answer: Any) -> int:
    """Return the credit that is open after an answer.

    While events come, a request may be under way that the org has not counted, so our count is the
    better one; an answer without events comes after a quiet time, and then the org's is.
    """
    told = int(answer.pending_num_requested)
    return max(told, owed - len(answer.events)) if answer.events else told


async def _ask(call: Any, request: pb.FetchRequest) -> None:
    """Write a request; if the stream has ended meanwhile, the next read tells how."""
    with suppress(asyncio.InvalidStateError):
        await call.write(request)
