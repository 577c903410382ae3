"""Platform events: their Avro schemas, and what a publisher's payload must be to be taken.

Source: facts/org-behaviour.md 12 (a captured schema); Platform Events Developer Guide. A publisher
gives ``CreatedDate`` and ``CreatedById`` itself; the platform wants them set and checks no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from local_org.events import avro_read, avro_write
from local_org.events.avro_schema import AVRO_TYPES, NAMESPACE, kind_of, nullable
from local_org.events.encode import stored_writer
from local_org.schema.model import Field, SObject

PREFIX = "/event/"
LARGEST_EVENT = 1024 * 1024
_SYSTEM = (
    {"name": "CreatedDate", "type": "long", "doc": "CreatedDate:DateTime"},
    {"name": "CreatedById", "type": "string", "doc": "CreatedBy:EntityId"},
)


class Unpublishable(Exception):
    """One published event that the bus does not take; the message is what its publisher reads."""


def platform_event_schema(sobject: SObject) -> dict[str, Any]:
    """Return the Avro schema of a platform event: two system fields, then its own."""
    own = [_field(sobject, f) for f in sobject.fields.values() if f.custom and f.stored]
    return {
        "type": "record",
        "name": sobject.name,
        "namespace": NAMESPACE,
        "fields": [*_SYSTEM, *own],
    }


def _field(sobject: SObject, field: Field) -> dict[str, Any]:
    """Return a field of the event's own: nullable unless it is required."""
    kind = kind_of(sobject, field)
    avro, doc = AVRO_TYPES.get(kind, "string"), f"Data:{kind}:{(field.field_id or '')[:15]}"
    if field.required:
        return {"name": field.name, "type": avro, "doc": doc}
    return nullable(field.name, [avro], doc)


class PlatformEventReader:
    """Reads and writes the events of one version of one platform event's schema."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Lay out the fields; ``schema`` is what GetSchema tells."""
        self._fields = tuple(_place(field) for field in schema["fields"])

    def read(self, payload: bytes) -> dict[str, Any]:
        """Return what a payload says, every field by name.

        :raises AvroUnreadable: it is no datum of this schema.
        """
        found: dict[str, Any] = {}
        at = 0
        for place in self._fields:
            found[place.name] = None
            if place.nullable:
                at += 1
                if not avro_read.is_set(payload, at - 1):
                    continue
            found[place.name], at = place.read(payload, at)
        avro_read.finished(payload, at)
        return found

    def written(self, row: Mapping[str, Any]) -> bytes:
        """Return the payload of values in the store's encoding; no required one is blank."""
        return b"".join(_written(place, row.get(place.name)) for place in self._fields)


class _Place(NamedTuple):
    name: str
    nullable: bool
    read: avro_read.Read
    write: Callable[[Any], bytes]


def _place(field: Mapping[str, Any]) -> _Place:
    optional = isinstance(field["type"], list)
    avro = field["type"][1] if optional else field["type"]
    return _Place(
        field["name"], optional, avro_read.PRIMITIVES[avro], stored_writer(field["doc"], avro)
    )


def _written(place: _Place, value: Any) -> bytes:
    if not place.nullable:
        return place.write(value)
    return avro_write.NULL if value is None else avro_write.SET + place.write(value)


def check_values(sobject: SObject, values: Mapping[str, Any]) -> None:
    """Let a readable event pass whose fields are filled as strictly as by REST.

    :raises Unpublishable: a required field is blank, or a text too long.
    """
    fields = sobject.fields.values()
    blank = [f.name for f in fields if f.required and values.get(f.name) is None]
    if blank:
        raise Unpublishable(f"Required fields are missing: [{', '.join(blank)}]")
    for field in fields:
        value = values.get(field.name)
        if field.length and isinstance(value, str) and len(value) > field.length:
            shown = value[: field.length]
            text = f"{field.label}: data value too large: {shown} (max length={field.length})"
            raise Unpublishable(text)
