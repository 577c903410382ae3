"""REST API: versions, records by id and by external id, describes, limits.

Source: facts/real-clients.md 5.2, 5.3; facts/org-behaviour.md 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.changed import changed_between
from local_org.api.conditions import (
    answer,
    check_write,
    describe_seen,
    is_conditional,
    record_seen,
)
from local_org.api.errors import collection_entry, rest_errors
from local_org.api.recent import recent_items
from local_org.api.versions import VERSIONS, serves
from local_org.api.wire import DATA, json_object, json_response, no_content, parameter
from local_org.errors import not_found
from local_org.ids import is_id
from local_org.org import Org, SaveResult, Session
from local_org.schema.model import NUMBER_TYPES, Field, SObject

RESOURCES = (
    "composite",
    "jobs",
    "limits",
    "metadata",
    "parameterizedSearch",
    "query",
    "queryAll",
    "recent",
    "search",
    "sobjects",
    "tooling",
)


async def versions(_request: Request) -> Response:
    """GET /services/data, open to anybody: clients take the last one, or the greatest."""
    return json_response(
        [
            {"label": label, "url": f"/services/data/v{version}", "version": version}
            for version, label in VERSIONS.items()
        ]
    )


async def version_root(request: Request) -> Response:
    """GET the resources of a version. ``identity`` is absolute: clients follow it as it stands."""
    org, session = _caller(request)
    version = request.path_params["version"]
    base = f"/services/data/v{version}"
    identity = f"{request.state.context.base_url}/id/{org.org_id}/{session.user_id}"
    served = {name: f"{base}/{name}" for name in RESOURCES if serves(version, name)}
    return json_response({"identity": identity} | served)


async def describe_global(request: Request) -> Response:
    """GET every object the caller may see."""
    org, session = _caller(request)
    body = org.describe_global(session, request.path_params["version"])
    return answer(request, describe_seen(request, body), body)


async def describe(request: Request) -> Response:
    """GET one object's describe."""
    org, session = _caller(request)
    version = request.path_params["version"]
    body = org.describe(session, request.path_params["sobject"], version)
    return answer(request, describe_seen(request, body), body)


async def basic_information(request: Request) -> Response:
    """GET /sobjects/X: the entry of the global describe, and the records seen lately."""
    org, session = _caller(request)
    version = request.path_params["version"]
    name = _sobject(request).name
    listed = org.describe_global(session, version)["sobjects"]
    entry = next((item for item in listed if item["name"] == name), None)
    if entry is None:
        raise not_found()
    items = list(recent_items(org, session, version, name))
    return json_response({"objectDescribe": entry, "recentItems": items})


async def create(request: Request) -> Response:
    """POST one record."""
    org, session = _caller(request)
    sobject = _sobject(request)
    values = _values(await json_object(request))
    [result] = org.insert(session, [(sobject.name, values)])
    return _created(request, sobject, result)


async def read(request: Request) -> Response:
    """GET one record: all fields the caller may see, or those of ``?fields=``."""
    org, session = _caller(request)
    sobject = _sobject(request)
    fields = request.query_params.get("fields")
    chosen = [name.strip() for name in fields.split(",")] if fields else None
    record_id = _record_id(request, sobject)
    record = org.get(session, sobject.name, record_id, chosen)
    return answer(request, record_seen(org, sobject, record_id), record)


async def update(request: Request) -> Response:
    """PATCH one record."""
    org, session = _caller(request)
    sobject = _sobject(request)
    values = _values(await json_object(request))
    record_id = _record_id(request, sobject)
    if is_conditional(request):
        org.get(session, sobject.name, record_id, ["Id"])  # nobody learns what he may not see
        check_write(request, record_seen(org, sobject, record_id))
    [result] = org.update(session, [(sobject.name, record_id, values)])
    return no_content() if result.success else rest_errors(result.errors, saving=True)


async def delete(request: Request) -> Response:
    """DELETE one record."""
    org, session = _caller(request)
    [result] = org.delete(session, [_record_id(request, _sobject(request))])
    return no_content() if result.success else rest_errors(result.errors, saving=True)


async def read_by_external_id(request: Request) -> Response:
    """GET the one record with this external id."""
    org, session = _caller(request)
    sobject, found = _by_external_id(request)
    if len(found) > 1:
        return _several(request, sobject, found)
    return json_response(org.get(session, sobject.name, found[0]))


async def upsert(request: Request) -> Response:
    """PATCH by external id: 201 when it makes the record, 204 when it finds and changes it."""
    org, session = _caller(request)
    sobject = _sobject(request)
    field, value = request.path_params["field"], request.path_params["value"]
    values = {field: value} | _values(await json_object(request))
    [result] = org.upsert(session, sobject.name, field, [values])
    if result.success and not result.created:
        return no_content()
    return _created(request, sobject, result, created=True)


async def delete_by_external_id(request: Request) -> Response:
    """DELETE the one record with this external id."""
    org, session = _caller(request)
    sobject, found = _by_external_id(request)
    if len(found) > 1:
        return _several(request, sobject, found)
    [result] = org.delete(session, found)
    return no_content() if result.success else rest_errors(result.errors, saving=True)


async def updated(request: Request) -> Response:
    """GET the ids of records changed in a period."""
    org, session = _caller(request)
    period = parameter(request, "start"), parameter(request, "end")
    changed = changed_between(org, session, _sobject(request), *period, deleted=False)
    ids = [row["Id"] for row in changed.rows]
    return json_response({"ids": ids, "latestDateCovered": changed.covered_until})


async def deleted(request: Request) -> Response:
    """GET the ids of records deleted in a period that are still in the recycle bin."""
    org, session = _caller(request)
    period = parameter(request, "start"), parameter(request, "end")
    changed = changed_between(org, session, _sobject(request), *period, deleted=True)
    records = [{"id": row["Id"], "deletedDate": row["SystemModstamp"]} for row in changed.rows]
    return json_response(
        {
            "deletedRecords": records,
            "earliestDateAvailable": changed.available_since,
            "latestDateCovered": changed.covered_until,
        }
    )


async def limits(request: Request) -> Response:
    """GET the limits and what remains of them."""
    org, _ = _caller(request)
    return json_response(org.limits())


async def record_count(request: Request) -> Response:
    """GET the number of records of the objects named; unknown names are silently absent."""
    org, session = _caller(request)
    names = request.query_params.get("sObjects")
    wanted = names.split(",") if names else [o.name for o in org.schema if o.queryable]
    known = sorted({found.name for name in wanted if (found := org.schema.get(name.strip()))})
    access = org.access(session)
    counts = [
        {"count": org.query(session, f"SELECT COUNT() FROM {name}")["totalSize"], "name": name}
        for name in known
        if access.readable(name)
    ]
    return json_response({"sObjects": counts})


async def communities(_request: Request) -> Response:
    """GET the Experience Cloud sites, of which this org has none."""
    return json_response({"communities": [], "total": 0})


async def layouts(request: Request) -> Response:
    """Answer for the layouts of an object, which are kept and never laid out."""
    _sobject(request)
    raise not_found()


async def apex_rest(_request: Request) -> Response:
    """Answer for Apex classes that serve REST: the org runs none, so none matches."""
    raise not_found("Could not find a match for URL")


def _caller(request: Request) -> tuple[Org, Session]:
    return request.state.org, request.state.session


def _sobject(request: Request) -> SObject:
    """Return the object of the path.

    :raises OrgError: 404 when the org has none of this name, as for any unknown path.
    """
    org: Org = request.state.org
    found = org.schema.get(request.path_params["sobject"])
    if found is None or not org.access(request.state.session).readable(found.name):
        raise not_found()
    return found


def _record_id(request: Request, sobject: SObject) -> str:
    """Return the id of the path, in the form it came.

    :raises OrgError: 404 ``NOT_FOUND`` in the wording for a path that holds no id of this object.
    """
    text: str = request.path_params["record_id"]
    if not is_id(text):
        raise not_found(f"Provided external ID field does not exist or is not accessible: {text}")
    if sobject.key_prefix is not None and text[:3] != sobject.key_prefix:
        raise not_found()
    return text


def _by_external_id(request: Request) -> tuple[SObject, list[str]]:
    """Return the object and the ids of the records with the external id of the path, at least one.

    :raises OrgError: 404 without such a field or record.
    """
    org, session = _caller(request)
    sobject = _sobject(request)
    name, value = request.path_params["field"], request.path_params["value"]
    field = sobject.get(name)
    if field is None or not (field.external_id or field.id_lookup):
        raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")
    soql = f"SELECT Id FROM {sobject.name} WHERE {field.name} = {_literal(field, value)}"
    found = [row["Id"] for row in org.query(session, soql)["records"]]
    if not found:
        raise not_found()
    return sobject, found


def _literal(field: Field, value: str) -> str:
    """Return the value as a SOQL literal of the field's type; 404 when it cannot be one."""
    if field.type not in NUMBER_TYPES:
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    try:
        return f"{Decimal(value):f}"
    except InvalidOperation:
        raise not_found() from None


def _several(request: Request, sobject: SObject, found: list[str]) -> Response:
    """300: the external id is not unique; the caller chooses among the records' URLs."""
    base = f"/services/data/v{request.path_params['version']}/sobjects/{sobject.name}"
    return json_response([f"{base}/{record_id}" for record_id in found], 300)


def _values(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the field values of a record as sent; ``attributes`` is no field."""
    return {name: value for name, value in body.items() if name != "attributes"}


def _created(request: Request, sobject: SObject, result: SaveResult, **more: bool) -> Response:
    if not result.success:
        return rest_errors(result.errors, saving=True)
    version = request.path_params["version"]
    location = f"/services/data/v{version}/sobjects/{sobject.name}/{result.id}"
    told = [collection_entry(each) for each in result.errors]
    body: dict[str, Any] = {"id": result.id, "success": True, "errors": told} | more
    return json_response(body, 201, {"Location": location})


_APEX_METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
_SOBJECT = f"{DATA}/sobjects/{{sobject}}"
routes = [
    Route("/services/apexrest/{path:path}", apex_rest, methods=_APEX_METHODS),
    Route("/services/data", versions),
    Route(DATA, version_root),
    Route(f"{DATA}/limits", limits),
    Route(f"{DATA}/limits/recordCount", record_count),
    Route(f"{DATA}/connect/communities", communities),
    Route(f"{DATA}/sobjects", describe_global),
    Route(f"{_SOBJECT}/describe", describe),
    Route(f"{_SOBJECT}/describe/{{layouts:path}}", layouts),
    Route(f"{_SOBJECT}/deleted", deleted),
    Route(f"{_SOBJECT}/updated", updated),
    Route(_SOBJECT, basic_information),
    Route(_SOBJECT, create, methods=["POST"]),
    Route(f"{_SOBJECT}/{{record_id}}", read),
    Route(f"{_SOBJECT}/{{record_id}}", update, methods=["PATCH"]),
    Route(f"{_SOBJECT}/{{record_id}}", delete, methods=["DELETE"]),
    Route(f"{_SOBJECT}/{{field}}/{{value:path}}", read_by_external_id),
    Route(f"{_SOBJECT}/{{field}}/{{value:path}}", upsert, methods=["PATCH"]),
    Route(f"{_SOBJECT}/{{field}}/{{value:path}}", delete_by_external_id, methods=["DELETE"]),
]
