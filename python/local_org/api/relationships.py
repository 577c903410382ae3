"""Records by the way to them: ``/sobjects/Contact/{id}/Account``, ``/sobjects/Account/{id}/Contacts``.

Source: the REST reference, "sObject Relationships", "Traverse Relationships with Friendly URLs".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.errors import rest_errors
from local_org.api.query import all_records
from local_org.api.wire import DATA, json_object, json_response, no_content
from local_org.errors import OrgError, not_found
from local_org.org import Org, Session
from local_org.schema.model import SObject

_MOST_PARENTS: Final = 5


class RecordId(Convertor[str]):
    """What looks like an id in a path; no name of a field that is an external id does."""

    regex = "[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?"

    def convert(self, value: str) -> str:
        """Return the id as it came."""
        return value

    def to_string(self, value: str) -> str:
        """Return the id as it stands in a path."""
        return value


register_url_convertor("record_id", RecordId())


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads: to one record, or along a relationship to its children."""

    sobject: SObject
    record_id: str
    children_by: str = ""
    """The lookup of ``sobject`` whose records are meant; then ``record_id`` is their parent's."""


async def read(request: Request) -> Response:
    """GET the parent, or the children as a query gives them."""
    org, session = _caller(request)
    place = _place(request)
    told = request.query_params.get("fields")
    fields = [name.strip() for name in told.split(",")] if told else None
    if not place.children_by:
        return json_response(org.get(session, place.sobject.name, place.record_id, fields))
    name = place.sobject.name
    soql = f"SELECT Id FROM {name} WHERE {place.children_by} = '{place.record_id}'"
    ids = [row["Id"] for row in all_records(org, session, soql)]
    records = [org.get(session, name, each, fields) for each in ids]
    return json_response({"totalSize": len(records), "done": True, "records": records})


async def update(request: Request) -> Response:
    """PATCH the parent."""
    org, session = _caller(request)
    place = _one(request)
    values = {k: v for k, v in (await json_object(request)).items() if k != "attributes"}
    [result] = org.update(session, [(place.sobject.name, place.record_id, values)])
    return no_content() if result.success else rest_errors(result.errors, saving=True)


async def delete(request: Request) -> Response:
    """DELETE the parent."""
    org, session = _caller(request)
    [result] = org.delete(session, [_one(request).record_id])
    return no_content() if result.success else rest_errors(result.errors, saving=True)


def _one(request: Request) -> Place:
    place = _place(request)
    if place.children_by:
        raise OrgError(
            "METHOD_NOT_ALLOWED", "Children are changed one by one, by their ids", status=405
        )
    return place


def _place(request: Request) -> Place:
    """Follow the path from the record it begins with.

    :raises OrgError: 404 where a step is no relationship, or leads to nothing.
    """
    org, session = _caller(request)
    start = request.path_params
    sobject = org.schema.get(start["sobject"])
    if sobject is None:
        raise not_found()
    place = Place(sobject, org.get(session, sobject.name, start["record_id"], ["Id"])["Id"])
    names = str(start["names"]).split("/")
    if len(names) > _MOST_PARENTS:
        raise not_found()
    for name in names:
        if place.children_by:
            raise not_found()
        place = _parent(org, session, place, name) or _children(org, session, place, name)
    return place


def _parent(org: Org, session: Session, place: Place, name: str) -> Place | None:
    """Return the parent of a record; None where the name is none of a parent's.

    :raises OrgError: 404 without a parent.
    """
    entity = place.sobject.name
    lookup = place.sobject.by_relationship(name)
    if lookup is None or not org.access(session).field_readable(entity, lookup.name):
        return None
    parent_id = org.get(session, entity, place.record_id, [lookup.name])[lookup.name]
    parent = org.schema.by_prefix(parent_id) if parent_id else None
    if parent is None:
        raise not_found()
    return Place(parent, org.get(session, parent.name, parent_id, ["Id"])["Id"])


def _children(org: Org, session: Session, place: Place, name: str) -> Place:
    access = org.access(session)
    for child in org.schema.children(place.sobject.name):
        known = child.name and child.name.lower() == name.lower()
        if known and access.field_readable(child.child, child.field):
            return Place(org.schema.object(child.child), place.record_id, child.field)
    raise not_found()


def _caller(request: Request) -> tuple[Org, Session]:
    return request.state.org, request.state.session


_PATH: Final = f"{DATA}/sobjects/{{sobject}}/{{record_id:record_id}}/{{names:path}}"
routes = [
    Route(_PATH, read),
    Route(_PATH, update, methods=["PATCH"]),
    Route(_PATH, delete, methods=["DELETE"]),
]
