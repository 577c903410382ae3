"""How one subscriber sees the events of one topic: cut, enriched, filtered, un-grouped.

Source: facts/pubsub-cdc.md 2.8, 2.9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from local_org.events.bitmap import Slot
from local_org.events.channels import Member, Topic
from local_org.events.encode import ChangeEventEncoder, Parts
from local_org.events.filters import Expression, entity_fields, header_field
from local_org.events.head import Transaction
from local_org.events.log import EventLog, LoggedEvent
from local_org.events.schemas import EventSchema, EventSchemas
from local_org.records.changes import ChangeKind
from local_org.schema.access import Access
from local_org.schema.model import Schema

_ENRICHED = frozenset({ChangeKind.UPDATE.value, ChangeKind.DELETE.value})
"""Only updates and deletions are enriched: a creation says everything by itself."""
_JUDGED = frozenset(kind.value for kind in ChangeKind)
"""Gap and overflow events pass every filter: nobody knows what they would say."""


class Delivery(NamedTuple):
    """One event as it goes out to one subscriber."""

    position: int
    schema_id: str
    payload: bytes
    event_id: str = ""
    """Of a platform event; a change event's is made of its position."""


@dataclass(frozen=True, slots=True)
class _View:
    """How one version of one entity's events is seen on one topic by one user."""

    schema: EventSchema
    encoder: ChangeEventEncoder
    hidden: frozenset[Slot]
    columns: tuple[str, ...]
    """What enrichment and the filter read of the record as it is now, hidden or not."""
    filter: Expression | None
    filtered: Mapping[str, Callable[[Mapping[Slot, bytes]], Any]]
    """What reads the fields that the filter names."""

    def is_whole(self, kind: str) -> bool:
        """Whether an event of this kind goes out as it is stored."""
        if self.hidden or self.filter is not None:
            return False
        return not self.columns or kind not in _ENRICHED


class Views:
    """Makes deliveries of logged events for one access to one topic at one state of the schema."""

    def __init__(
        self, log: EventLog, schemas: EventSchemas, schema: Schema, topic: Topic, *, access: Access
    ) -> None:
        self._log, self._schemas = log, schemas
        self.schema, self.version = schema, schema.version
        self.topic, self.access = topic, access
        self._views: dict[int, _View] = {}

    def deliveries(self, events: Sequence[LoggedEvent]) -> Iterator[Iterable[Delivery]]:
        """Yield what each event becomes: one delivery, none, or several with the same replay id."""
        current: dict[int, Mapping[str, Mapping[Slot, bytes]]] = {}
        for event in events:
            if not event.kind:
                yield self._published(event)
                continue
            view = self._view(event.shape)
            if view.is_whole(event.kind):
                payload = self._head(view, event, event.ids) + event.tail
                yield (Delivery(event.position, view.schema.id, payload),)
                continue
            if view.columns and event.kind in _ENRICHED and event.shape not in current:
                current[event.shape] = self._current(view, events)
            yield self._cut(view, event, current.get(event.shape, {}))

    def _published(self, event: LoggedEvent) -> Iterable[Delivery]:
        schema = self._schemas.numbered(event.shape)
        if schema is None:
            raise AssertionError(f"expected the schema of the event at {event.position}")
        yield Delivery(event.position, schema.id, event.tail, event.joined_ids)

    def _cut(
        self,
        view: _View,
        event: LoggedEvent,
        current: Mapping[str, Mapping[Slot, bytes]],
    ) -> Iterator[Delivery]:
        """Yield an event as the user may see it, one for each record where it is enriched."""
        parts = view.encoder.parts(event.tail)
        enriched = bool(view.columns) and event.kind in _ENRICHED
        groups = [[each] for each in event.ids] if enriched else [event.ids]
        for ids in groups:
            more = current.get(ids[0], {}) if enriched else {}
            if self._passes(view, event, parts, more):
                touched = more or not view.hidden.isdisjoint(parts.slots)
                tail = view.encoder.joined(parts, view.hidden, more) if touched else event.tail
                payload = self._head(view, event, ids) + tail
                yield Delivery(event.position, view.schema.id, payload)

    def _head(self, view: _View, event: LoggedEvent, ids: Sequence[str]) -> bytes:
        transaction = self._log.transaction(event.part_of)
        return transaction.head(view.schema.entity, ids, event.kind, event.sequence)

    def _passes(
        self, view: _View, event: LoggedEvent, parts: Parts, more: Mapping[Slot, bytes]
    ) -> bool:
        """Tell whether the filter lets an event pass; it sees fields that the user may not."""
        if view.filter is None or event.kind not in _JUDGED:
            return True
        transaction = self._log.transaction(event.part_of)
        said = set(parts.masks.changed)
        fields = {slot: raw for slot, raw in more.items() if slot not in said} | parts.fields
        return view.filter.holds(_values(view, event, transaction, fields))

    # -- views ------------------------------------------------------------------------------------

    def _view(self, shape: int) -> _View:
        known = self._views.get(shape)
        if known is None:
            schema = self._schemas.numbered(shape)
            if schema is None:
                raise AssertionError(f"expected a kept event schema with the number {shape}")
            known = self._views[shape] = self._made(schema)
        return known

    def _made(self, schema: EventSchema) -> _View:
        encoder, entity = self._schemas.encoder(schema), schema.entity
        member = self.topic.members.get(entity, Member())
        hidden = {column for column in encoder.columns if self._is_hidden(entity, column)}
        lost = {column for column in hidden if self.schema.object(entity).get(column) is None}
        columns: set[str] = set()
        for name in member.enriched:
            columns |= encoder.columns_of(name) - lost
        if member.filter is None:
            columns -= hidden
        names = entity_fields(member.filter) if member.filter is not None else ()
        return _View(
            schema,
            encoder,
            encoder.slots(hidden),
            tuple(sorted(columns)),
            member.filter,
            {name: encoder.reader(name) for name in names},
        )

    def _is_hidden(self, entity: str, column: str) -> bool:
        """Tell whether it was dropped, or may not be read: itself or the compound it belongs to."""
        field = self.schema.object(entity).get(column)
        if field is None or not self.access.field_readable(entity, column):
            return True
        return field.compound is not None and not self.access.field_readable(entity, field.compound)

    # -- enrichment -------------------------------------------------------------------------------

    def _current(
        self, view: _View, events: Iterable[LoggedEvent]
    ) -> dict[str, Mapping[Slot, bytes]]:
        """Return a view's columns as they are now, by record."""
        ids = [
            each
            for event in events
            if event.shape == view.schema.number and event.kind in _ENRICHED
            for each in event.ids
        ]
        names = ", ".join(f'"{column}"' for column in view.columns)
        rows = self._log.connection.execute(
            f'SELECT "Id", {names} FROM "{view.schema.entity}" '
            'WHERE "Id" IN (SELECT value FROM json_each(?))',
            (orjson.dumps(ids).decode(),),
        )
        return {
            row[0]: view.encoder.encoded(dict(zip(view.columns, row[1:], strict=True)))
            for row in rows
        }


def _values(
    view: _View, event: LoggedEvent, transaction: Transaction, fields: Mapping[Slot, bytes]
) -> Callable[[str], Any]:
    """Return what a filter asks for the values of an event."""

    def value(name: str) -> Any:
        read = view.filtered.get(name)
        if read is not None:
            return read(fields)
        scalars = transaction.scalars(view.schema.entity, event.kind, event.sequence)
        return scalars.get((header_field(name) or "").lower())

    return value
