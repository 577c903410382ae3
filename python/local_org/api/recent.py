"""What a user looked at lately: ``/recent``, and ``recentItems`` of an object.

Queries ``FOR VIEW`` and ``FOR REFERENCE`` say what somebody looks at; reading and writing over an
API do not. Source: the REST reference, "Recently Viewed Items"; facts/real-clients.md Q2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.wire import DATA, json_response, number_parameter
from local_org.clock import millis
from local_org.org import Org, Session
from local_org.schema.model import SObject

_KIND: Final = "$recent"
_MOST: Final = 200
_COLUMNS: Final = {
    "VIEW": ("LastViewedDate", "LastReferencedDate"),
    "REFERENCE": ("LastReferencedDate",),
}
"""What a query FOR something dates."""


async def recent(request: Request) -> Response:
    """GET what the caller looked at, the last first."""
    org, session = request.state.org, request.state.session
    items = list(recent_items(org, session, request.path_params["version"]))
    return json_response(items[: number_parameter(request, "limit", _MOST)])


def note_viewed(
    org: Org, session: Session, entity: str, records: Sequence[dict[str, Any]], purpose: str
) -> None:
    """Remember that the caller looks at records, the first of them first."""
    sobject = org.schema.object(entity)
    ids = [record["attributes"]["url"].rsplit("/", 1)[-1] for record in records]
    now = millis(org.clock.second())
    dated = {name: now for name in _COLUMNS[purpose] if sobject.get(name)}
    lines = [f"{sobject.name}:{each}" for each in ids]
    known = [each for each in _seen(org, session) if each not in lines]
    with org.store.transaction():
        for record_id in ids if dated else ():
            org.store.update_row(sobject.name, record_id, dated)
        kept = " ".join([*lines, *known][:_MOST])
        org.store.put_document(_KIND, session.user_id, kept.encode())


def recent_items(
    org: Org, session: Session, version: str, only: str = ""
) -> Iterator[dict[str, Any]]:
    """Yield the records the caller looked at and still may see, of one object or of all."""
    access = org.access(session)
    for line in _seen(org, session):
        entity, _, record_id = line.partition(":")
        sobject = org.schema.get(entity)
        if sobject is None or not access.readable(entity) or only not in ("", entity):
            continue
        name = _name_field(sobject)
        fields = f"Id, {name}" if name else "Id"
        soql = f"SELECT {fields} FROM {entity} WHERE Id = '{record_id}'"
        for row in org.query(session, soql, version=version)["records"]:
            yield {"attributes": row["attributes"], "Id": row["Id"], "Name": row.get(name)}


def _seen(org: Org, session: Session) -> list[str]:
    found = org.store.document(_KIND, session.user_id)
    return found.body.decode().split() if found else []


def _name_field(sobject: SObject) -> str:
    return next((field.name for field in sobject.fields.values() if field.name_field), "")


routes = [Route(f"{DATA}/recent", recent)]
