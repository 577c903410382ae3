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
from speed_to_lead.errors import EventUnreadable, OrgUnavailable
from speed_to_lead.ids import ReplayId
from speed_to_lead.pubsub.channel import TokenSource, metadata
from speed_to_lead.pubsub.refusals import Remedy, as_error, code_of, remedy

_SCHEMA_SECONDS = 30.0
_MOST_SCHEMAS = 256
_OF_THE_CALL = "service."
"""How the codes begin that find fault with a call, not with the schema that it asks for."""
Pause = Callable[[int], Awaitable[None]]
"""Waits before another attempt, the longer the higher its number."""


@dataclass(slots=True)
class Reader:
    """Decodes the events of one org; schemas are kept by id, some hundreds of them."""

    stub: pubsub_api_pb2_grpc.PubSubStub
    token: TokenSource
    pause: Pause
    _decoders: dict[str, Decoder | str]
    """By schema id; or why the schema is of no use."""

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
                known = str(reason)
            if len(self._decoders) >= _MOST_SCHEMAS:
                self._decoders.clear()
            self._decoders[schema_id] = known
        if isinstance(known, str):
            raise EventUnreadable(known)
        return known

    async def _schema(self, schema_id: str) -> str:
        """Return a schema as JSON, however long the org needs; the events wait meanwhile.

        :raises EventUnreadable: the org does not know it.
        :raises UsageError: the user may not read it, for instance; no event is given up for that.
        """
        attempt, refresh = 0, False
        while True:
            try:
                info = await self.stub.GetSchema(
                    pb.SchemaRequest(schema_id=schema_id),
                    metadata=await metadata(self.token, refresh=refresh),
                    timeout=_SCHEMA_SECONDS,
                )
                return str(info.schema_json)
            except OrgUnavailable:
                pass
            except grpc.aio.AioRpcError as error:
                what, code = remedy(error), code_of(error)
                if what is Remedy.OPERATOR and not code.startswith(_OF_THE_CALL):
                    raise EventUnreadable(f"schema {schema_id}: {code}") from error
                if what not in (Remedy.AGAIN, Remedy.LOG_IN):
                    raise as_error(f"schema {schema_id}", error) from error
                refresh = what is Remedy.LOG_IN
            await self.pause(attempt)
            attempt += 1


def _change(event: Event, replay_id: ReplayId) -> Change:
    """Return an event as a change.

    :raises EventUnreadable: its kind is unknown, or its time lies beyond all calendars.
    """
    try:
        kind = ChangeKind(event.kind)
        committed_at = datetime.fromtimestamp(event.committed_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise EventUnreadable(f"the event's header cannot be used: {error}") from error
    return Change(
        entity=event.entity,
        ids=event.ids,
        kind=kind,
        fields=event.fields,
        changed=event.changed,
        committed_at=committed_at,
        user=event.user,
        origin=event.origin,
        key=f"{event.transaction_key}-{event.sequence}",
        replay_id=replay_id,
    )
