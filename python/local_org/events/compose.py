"""What events a transaction becomes: merged, told by differences, or lost in gaps.

Source: facts/pubsub-cdc.md 2.5, 2.7; Change Data Capture Developer Guide, "Merged Change Events",
"Gap Events", "Overflow Events".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from local_org.events.encode import NOTHING
from local_org.events.log import NewEvent
from local_org.events.platform_events import LARGEST_EVENT
from local_org.events.schemas import EventSchema, EventSchemas
from local_org.events.textdiff import difference
from local_org.records.changes import ChangeKind, RecordChange

OVERFLOW_AFTER = 100_000
"""Changes of one transaction that become events; the others are one overflow event an entity."""
MOST_MERGED = 200
"""Records in one merged event: as many as the platform works on at a time."""
_NO_RECORD = "000000000000000AAA"
_MERGED = frozenset({"UPDATE", "DELETE", "GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE"})
"""Kinds whose equal changes are told together; a creation is told alone."""
_GAP = "GAP_"
OVERFLOW = "GAP_OVERFLOW"


class Loss(StrEnum):
    """What a transaction's events are lost in, when somebody asks for it."""

    GAP = "gap"
    OVERFLOW = "overflow"


def events_of(
    changes: list[tuple[int, RecordChange]],
    schemas: EventSchemas,
    loss: Loss | None,
    overflow_after: int,
) -> Iterator[NewEvent]:
    """Yield the change events of a transaction in order.

    ``changes`` are those of selected entities, each with its place among all of the transaction;
    those beyond ``overflow_after`` are told by entity only.
    """
    shapes = {entity: schemas.keep(entity) for entity in {c.entity for _, c in changes}}
    told: list[NewEvent] = []
    overflown: dict[str, int] = {}
    counted = 0
    for place, change in changes:
        counted += max(1, len(change.changed)) if change.kind is ChangeKind.UPDATE else 1
        if counted > overflow_after or loss is Loss.OVERFLOW:
            overflown.setdefault(change.entity, place)
        else:
            told.append(_event(shapes[change.entity], place, change, schemas, loss))
    yield from _merged(told)
    for entity, place in overflown.items():
        yield _gap(shapes[entity], OVERFLOW, (_NO_RECORD,), place, schemas)


def _event(
    shape: EventSchema,
    place: int,
    change: RecordChange,
    schemas: EventSchemas,
    loss: Loss | None,
) -> NewEvent:
    """Return the event of one change; a gap when it is too large, or to be lost."""
    kind, ids = change.kind.value, (change.record_id,)
    if loss is not Loss.GAP:
        tail = _tail(schemas, shape, change)
        if len(tail) <= LARGEST_EVENT:
            return NewEvent(shape.number, kind, ids, place, tail)
    return _gap(shape, _GAP + kind, ids, place, schemas)


def _gap(
    shape: EventSchema, kind: str, ids: tuple[str, ...], place: int, schemas: EventSchemas
) -> NewEvent:
    tail = schemas.encoder(shape).tail(kind, NOTHING)
    return NewEvent(shape.number, kind, ids, place, tail)


def _tail(schemas: EventSchemas, shape: EventSchema, change: RecordChange) -> bytes:
    """Return what is stored of a change: populated columns, or changed ones, or none."""
    encoder, after = schemas.encoder(shape), change.after or NOTHING
    body: Mapping[str, Any] = NOTHING
    diffs: Mapping[str, str] = {}
    if change.kind is ChangeKind.UPDATE:
        changed = {name: after.get(name) for name in sorted(encoder.columns & change.changed)}
        diffs = _differences(encoder.long_texts, change.before or NOTHING, changed)
        body = changed | diffs
    elif change.kind is not ChangeKind.DELETE:
        known = encoder.columns
        body = {n: value for n, value in after.items() if value is not None and n in known}
    return encoder.tail(change.kind.value, body, diffs)


def _differences(
    columns: frozenset[str], before: Mapping[str, Any], body: Mapping[str, Any]
) -> dict[str, str]:
    found = {c: difference(before.get(c), body[c]) for c in columns & body.keys()}
    return {column: text for column, text in found.items() if text is not None}


def _merged(events: Iterable[NewEvent]) -> Iterator[NewEvent]:
    """Yield the events; equal changes that follow each other are one, numbered as the first."""
    run: list[NewEvent] = []
    for event in events:
        if run and (not _alike(run[0], event) or len(run) == MOST_MERGED):
            yield _one(run)
            run = []
        run.append(event)
    if run:
        yield _one(run)


def _alike(first: NewEvent, other: NewEvent) -> bool:
    same = (first.shape, first.kind, first.tail) == (other.shape, other.kind, other.tail)
    return same and first.kind in _MERGED


def _one(run: list[NewEvent]) -> NewEvent:
    return run[0]._replace(ids=tuple(each.ids[0] for each in run)) if len(run) > 1 else run[0]
