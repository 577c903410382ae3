"""Events of a response as changes: each by its own schema, which is fetched once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import grpc
import grpc.aio

from pubsub_api import pubsub_api_pb2 as pb
from pubsub_api import pubsub_api_pb2_grpc
from speed_to_lead.avro import Decoder, Event
from speed_to_lead.changes import Change, ChangeKind, Unreadable
from speed_to_lead.errors import EventUnreadable
from speed_to_lead.ids import ReplayId
from speed_to_lead.pubsub.channel import TokenSource, metadata
from speed_to_lead.pubsub.refusals import Remedy, code_of, remedy

Pause = Callable[[int, str], Awaitable[None]]
"""Waits before attempt n, after an error with this code."""


@dataclass(slots=True)
class Reader:
    """Decodes the events of one org; schemas are kept for ever, by id."""

    stub: pubsub_api_pb2_grpc.PubSubStub
    token: TokenSource
    pause: Pause
    _decoders: dict[str, Decoder | EventUnreadable]

    async def read(
        self, topic: str, events: Sequence[pb.ConsumerEvent]
    ) -> tuple[list[Change], list[Unreadable]]:
        """Return what the events tell, and those that tell nothing."""
        changes: list[Change] = []
        unreadable: list[Unreadable] = []
        for each in events:
            event, replay_id = each.event, ReplayId(each.replay_id)
            try:
                decoder = await self._decoder(event.schema_id)
                changes.append(_change(decoder.decode(event.payload), replay_id))
            except EventUnreadable as reason:
                unreadable.append(
                    Unreadable(topic, replay_id, event.schema_id, event.payload, str(reason))
                )
        return changes, unreadable

    async def _decoder(self, schema_id: str) -> Decoder:
        """Return the decoder of a schema.

        :raises EventUnreadable: the org does not know it, or it is no schema.
        """
        known = self._decoders.get(schema_id)
        if known is None:
            try:
                known = Decoder(await self._schema(schema_id))
            except EventUnreadable as reason:
                known = reason
            self._decoders[schema_id] = known
        if isinstance(known, EventUnreadable):
            raise known
        return known

    async def _schema(self, schema_id: str) -> str:
        """Return a schema as JSON, however long the org needs; the events wait meanwhile."""
        attempt, refresh = 0, False
        while True:
            try:
                info = await self.stub.GetSchema(
                    pb.SchemaRequest(schema_id=schema_id),
                    metadata=await metadata(self.token, refresh=refresh),
                    timeout=30,
                )
            except grpc.aio.AioRpcError as error:
                what = remedy(error)
                if what in (Remedy.OPERATOR, Remedy.PERMISSION):
                    raise EventUnreadable(f"schema {schema_id}: {code_of(error)}") from error
                refresh = what is Remedy.LOG_IN
                await self.pause(attempt, code_of(error))
                attempt += 1
                continue
            return str(info.schema_json)


def _change(event: Event, replay_id: ReplayId) -> Change:
    return Change(
        entity=event.entity,
        ids=event.ids,
        kind=ChangeKind(event.kind),
        fields=event.fields,
        changed=event.changed,
        committed_at=datetime.fromtimestamp(event.committed_ms / 1000, UTC),
        user=event.user,
        origin=event.origin,
        key=f"{event.transaction_key}-{event.sequence}",
        replay_id=replay_id,
    )
