"""sObject Collections: up to 200 records a call (2,000 when read), one result each, in order.

Source: facts/real-clients.md 5.5; facts/org-behaviour.md 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.errors import collection_entry
from local_org.api.wire import DATA, json_object, json_response, parameter
from local_org.errors import OrgError
from local_org.org import Org, SaveResult, Session

_WRITE_LIMIT = 200
_READ_LIMIT = 2000


async def create(request: Request) -> Response:
    """POST records of any objects."""
    org, session = _caller(request)
    body = await json_object(request)
    rows = [(_type_of(record), _values(record)) for record in _records(body)]
    return _answer(org.insert(session, rows, all_or_none=_all_or_none(body)))


async def update(request: Request) -> Response:
    """PATCH records of any objects; each carries its ``id``."""
    org, session = _caller(request)
    body = await json_object(request)
    rows = [
        (_type_of(record), _id_of(record), _values(record, without="id"))
        for record in _records(body)
    ]
    return _answer(org.update(session, rows, all_or_none=_all_or_none(body)))


async def upsert(request: Request) -> Response:
    """PATCH records of one object by an external id; items tell whether they were ``created``."""
    org, session = _caller(request)
    body = await json_object(request)
    entity, field = request.path_params["sobject"], request.path_params["field"]
    rows = [_values(record) for record in _records(body)]
    results = org.upsert(session, entity, field, rows, all_or_none=_all_or_none(body))
    return _answer(results, upserted=True)


async def delete(request: Request) -> Response:
    """DELETE records of any objects by ``?ids=``."""
    org, session = _caller(request)
    ids = _limited([i.strip() for i in parameter(request, "ids").split(",")], _WRITE_LIMIT)
    all_or_none = request.query_params.get("allOrNone", "").lower() == "true"
    return _answer(org.delete(session, ids, all_or_none=all_or_none))


async def retrieve(request: Request) -> Response:
    """GET records of one object by ``?ids=`` and ``?fields=``; null where there is none."""
    ids = parameter(request, "ids").split(",")
    return _retrieved(request, ids, parameter(request, "fields").split(","))


async def retrieve_many(request: Request) -> Response:
    """POST ``{"ids", "fields"}``: the same, for more ids than a URL holds."""
    body = await json_object(request)
    return _retrieved(request, _texts(body, "ids"), _texts(body, "fields"))


def _texts(body: dict[str, Any], name: str) -> list[str]:
    value = body.get(name)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise OrgError("MALFORMED_REQUEST", f"The request needs the list '{name}', of texts")
    return value


def _retrieved(request: Request, ids: Sequence[str], fields: Sequence[str]) -> Response:
    org, session = _caller(request)
    names = [name.strip() for name in fields]
    wanted = _limited([str(record_id).strip() for record_id in ids], _READ_LIMIT)
    return json_response(org.retrieve(session, request.path_params["sobject"], wanted, names))


def _answer(results: Sequence[SaveResult], *, upserted: bool = False) -> Response:
    return json_response([item(result, upserted=upserted) for result in results])


def item(result: SaveResult, *, upserted: bool = False) -> dict[str, Any]:
    """Return one item of the answer; a failed one has no id."""
    errors = [collection_entry(each) for each in result.errors]
    told: dict[str, Any] = {"success": result.success, "errors": errors}
    if result.success:
        told = {"id": result.id, **told}
    return told | {"created": result.created} if upserted else told


def _caller(request: Request) -> tuple[Org, Session]:
    return request.state.org, request.state.session


def _records(body: dict[str, Any]) -> list[dict[str, Any]]:
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
        raise OrgError("MALFORMED_REQUEST", "The request needs the list 'records'")
    return _limited(records, _WRITE_LIMIT)


def _limited(rows: list[Any], most: int) -> list[Any]:
    """Return the rows as they are.

    :raises OrgError: ``EXCEEDED_ID_LIMIT`` when there are too many for one call.
    """
    if len(rows) > most:
        message = f"record limit reached. cannot submit more than {most} records into this call"
        raise OrgError("EXCEEDED_ID_LIMIT", message)
    return rows


def _all_or_none(body: dict[str, Any]) -> bool:
    value = body.get("allOrNone", False)
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _type_of(record: dict[str, Any]) -> str:
    """Return the object's name from ``attributes.type``.

    :raises OrgError: ``INVALID_FIELD`` without one.
    """
    attributes = record.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    if not isinstance(name, str) or not name:
        raise OrgError("INVALID_FIELD", "Every record needs 'attributes' with a 'type'")
    return name


def _id_of(record: dict[str, Any]) -> str:
    """Return the record's ``id``, in any case; blank where there is none, which no record has."""
    return next((str(v) for name, v in record.items() if name.lower() == "id"), "")


def _values(record: dict[str, Any], without: str = "") -> dict[str, Any]:
    return {
        name: value
        for name, value in record.items()
        if name != "attributes" and name.lower() != without
    }


_PATH = f"{DATA}/composite/sobjects"
routes = [
    Route(_PATH, create, methods=["POST"]),
    Route(_PATH, update, methods=["PATCH"]),
    Route(_PATH, delete, methods=["DELETE"]),
    Route(f"{_PATH}/{{sobject}}", retrieve),
    Route(f"{_PATH}/{{sobject}}", retrieve_many, methods=["POST"]),
    Route(f"{_PATH}/{{sobject}}/{{field}}", upsert, methods=["PATCH"]),
]
