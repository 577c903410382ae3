"""List views that were deployed: what there is of an object, their queries, their rows.

Source: the REST reference, "List Views"; facts/org-behaviour.md 1.
"""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.list_view_query import Column, View, read_view
from local_org.api.wire import DATA, json_response, number_parameter
from local_org.errors import not_found
from local_org.metadata.retrieve import read_component
from local_org.org import Org, Session
from local_org.schema.model import FieldType, SObject

_PAGE: Final = 25
_MOST: Final = 2000
_TO_LABEL: Final = frozenset({FieldType.PICKLIST, FieldType.MULTIPICKLIST})
_HIDDEN: Final = ("Id", "CreatedDate", "LastModifiedDate")
"""Columns that every list view has beside its own."""

Json = dict[str, Any]


async def list_views(request: Request) -> Response:
    """GET the list views of an object."""
    sobject = _sobject(request)
    rows = _rows(request, f"SobjectType = '{sobject.name}' ORDER BY DeveloperName")
    return json_response(
        {
            "done": True,
            "listviews": [_entry(request, sobject, row) for row in rows],
            "nextRecordsUrl": None,
            "size": len(rows),
            "sobjectType": sobject.name,
        }
    )


async def show(request: Request) -> Response:
    """GET one list view."""
    return json_response(_entry(request, _sobject(request), _row(request)))


async def describe(request: Request) -> Response:
    """GET the columns, the order and the SOQL of a list view."""
    row, view = _row(request), _view(request)
    conditions = [
        {"field": each.path, "operator": each.operator.lower(), "values": list(each.literals)}
        for each in view.filters
    ]
    return json_response(
        {
            "columns": _columns(request, view),
            "id": row["Id"],
            "orderBy": [
                {"fieldNameOrPath": path, "nullsPosition": "first", "sortDirection": "ascending"}
                for path in (view.order, "Id")
            ],
            "query": view.soql(),
            "relatedEntityId": None,
            "scope": view.scope,
            "scopeEntityId": None,
            "sobjectType": view.entity,
            "whereCondition": {"conditions": conditions, "conjunction": "and"},
        }
    )


async def results(request: Request) -> Response:
    """GET a page of rows: ``limit`` of them, 25 unless told, from ``offset`` on."""
    row, view = _row(request), _view(request)
    limit = min(number_parameter(request, "limit", _PAGE), _MOST)
    offset = min(number_parameter(request, "offset", 0), _MOST)
    org, session = _caller(request)
    soql = f"{view.soql()} LIMIT {limit} OFFSET {offset}"
    records = org.query(session, soql, version=request.path_params["version"])["records"]
    columns = _columns(request, view)
    paths = [column["fieldNameOrPath"] for column in columns]
    return json_response(
        {
            "columns": columns,
            "developerName": row["DeveloperName"],
            "done": True,
            "id": row["Id"],
            "label": row["Name"],
            "records": [
                {"columns": [{"fieldNameOrPath": p, "value": _at(record, p)} for p in paths]}
                for record in records
            ],
            "size": len(records),
        }
    )


def _columns(request: Request, view: View) -> list[Json]:
    """Return the columns as both describe and results have them, the hidden ones last."""
    sobject = _sobject(request)
    shown = [(column, False) for column in view.columns]
    own = {column.path for column in view.columns}
    for name in _HIDDEN:
        field = sobject.get(name)
        if field is not None and name not in own:
            shown.append((Column(name, field), True))
    return [_column(column, view, hidden=hidden) for column, hidden in shown]


def _column(column: Column, view: View, *, hidden: bool) -> Json:
    field, sorts = column.field, column.path == view.order
    ascending, descending = (
        ("9-0", "0-9")
        if field.type not in (FieldType.STRING, FieldType.PICKLIST)
        else ("Z-A", "A-Z")
    )
    item = f"toLabel({column.path})" if field.type in _TO_LABEL else column.path
    return {
        "ascendingLabel": ascending if field.sortable else None,
        "descendingLabel": descending if field.sortable else None,
        "fieldNameOrPath": column.path,
        "hidden": hidden,
        "label": field.label,
        "selectListItem": item,
        "sortDirection": "ascending" if sorts else None,
        "sortIndex": 0 if sorts else None,
        "sortable": field.sortable,
        "type": str(field.type),
    }


def _entry(request: Request, sobject: SObject, row: Json) -> Json:
    version = request.path_params["version"]
    url = f"/services/data/v{version}/sobjects/{sobject.name}/listviews/{row['Id']}"
    return {
        "describeUrl": f"{url}/describe",
        "developerName": row["DeveloperName"],
        "id": row["Id"],
        "label": row["Name"],
        "resultsUrl": f"{url}/results",
        "soqlCompatible": True,
        "url": url,
    }


def _caller(request: Request) -> tuple[Org, Session]:
    return request.state.org, request.state.session


def _sobject(request: Request) -> SObject:
    org, session = _caller(request)
    found = org.schema.get(request.path_params["sobject"])
    if found is None or not org.access(session).readable(found.name):
        raise not_found()
    return found


def _rows(request: Request, where: str) -> list[Json]:
    org, session = _caller(request)
    rows: list[Json] = org.query(
        session, f"SELECT Id, Name, DeveloperName FROM ListView WHERE {where}"
    )["records"]
    return rows


def _row(request: Request) -> Json:
    """Return the list view of the path, by id or by developer name.

    :raises OrgError: 404 when the object has none such.
    """
    wanted = request.path_params["view"]
    for row in _rows(request, f"SobjectType = '{_sobject(request).name}'"):
        if wanted in (row["Id"], row["Id"][:15], row["DeveloperName"]):
            return row
    raise not_found()


def _view(request: Request) -> View:
    org, _ = _caller(request)
    sobject, name = _sobject(request), _row(request)["DeveloperName"]
    element = read_component(
        org.store, org.schema, org.clock.now(), "ListView", f"{sobject.name}.{name}"
    )
    if element is None:
        raise not_found()
    return read_view(org.schema, sobject, element)


def _at(record: Json, path: str) -> str | None:
    """Return a cell as list views have it: always text."""
    value: Any = record
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


_LIST: Final = f"{DATA}/sobjects/{{sobject}}/listviews"
_ONE: Final = f"{_LIST}/{{view}}"
routes = [
    Route(_LIST, list_views),
    Route(_ONE, show),
    Route(f"{_ONE}/describe", describe),
    Route(f"{_ONE}/results", results),
]
