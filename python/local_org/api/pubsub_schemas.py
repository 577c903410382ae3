"""Event schemas over REST, by the name of an event or by the id that an event bears.

Source: REST API Developer Guide, "Platform Event Schema by Event Name" and "… by Schema ID".
"""

from __future__ import annotations

from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.wire import DATA, json_response
from local_org.errors import OrgError, not_found
from local_org.events.bus import Bus
from local_org.events.channels import sees
from local_org.events.schemas import EventSchema
from local_org.schema.access import Access

_TOPICS: Final = ("/event/", "/data/")


async def by_name(request: Request) -> Response:
    """GET the current schema of an event."""
    bus: Bus = request.state.org.bus
    found = (bus.topic(prefix + request.path_params["event"]) for prefix in _TOPICS)
    topic = next((each for each in found if each is not None and each.entity is not None), None)
    if topic is None or topic.entity is None:
        raise not_found()
    return _answer(request, bus.schemas.current(topic.entity))


async def by_id(request: Request) -> Response:
    """GET the schema of this id, current or not."""
    schema = request.state.org.bus.event_schema(request.path_params["schema_id"])
    if schema is None:
        raise not_found()
    return _answer(request, schema)


def _answer(request: Request, schema: EventSchema) -> Response:
    access: Access = request.state.org.access(request.state.session)
    if not sees(access, schema.entity):
        raise not_found()
    wanted = request.query_params.get("payloadFormat", "EXPANDED")
    if wanted not in ("EXPANDED", "COMPACT"):
        raise OrgError("INVALID_QUERY_VALUE", f"Invalid value for payloadFormat: {wanted}")
    told: dict[str, Any] = orjson.loads(schema.text)
    if wanted == "COMPACT":
        parts = {name: told[name] for name in ("name", "namespace", "type", "fields")}
        return json_response(parts | {"uuid": schema.id})
    return json_response(_expanded(told))


def _expanded(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an event as JSON clients get it, its times as texts."""
    payload = {
        "type": "record",
        "name": "Payload",
        "doc": "",
        "fields": [_as_text(field) for field in schema["fields"]],
    }
    event = {
        "type": "record",
        "name": "Event",
        "fields": [{"name": "replayId", "type": "long"}],
    }
    parts = (("schema", "string"), ("payload", payload), ("event", event))
    data = {
        "type": "record",
        "name": "Data",
        "namespace": "",
        "fields": [{"name": name, "type": kind} for name, kind in parts],
    }
    return {
        "name": schema["name"],
        "namespace": schema["namespace"],
        "type": "expanded-record",
        "fields": [{"name": "data", "type": data}, {"name": "channel", "type": "string"}],
    }


def _as_text(field: dict[str, Any]) -> dict[str, Any]:
    kind = field["type"]
    texts = {"long": "string"}
    if isinstance(kind, list):
        told: Any = [texts.get(each, each) if isinstance(each, str) else each for each in kind]
    else:
        told = texts.get(kind, kind) if isinstance(kind, str) else kind
    return {**field, "type": told}


routes = [
    Route(f"{DATA}/event/eventSchema/{{schema_id}}", by_id),
    Route(f"{DATA}/sobjects/{{event}}/eventSchema", by_name),
]
