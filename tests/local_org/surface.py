"""The HTTP surface of the local org as an OpenAPI description, made from its own routes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from starlette.routing import Route

from local_org.api.app import ROUTES

_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_LIKELY: dict[str, list[str]] = {
    "version": ["66.0"],
    "sobject": ["Lead", "Task", "Organization", "ScratchOrgInfo"],
    "field": ["Id", "Name", "Email"],
    "name": ["LeadList"],
}
"""Values with which a call gets past the first check; any text is tried beside them."""
_QUERY = ("q", "ids", "fields", "start", "end", "sObjects", "columns", "anonymousBody")
_ANY_TEXT = {"type": "string", "maxLength": 60}
_RECORD = {
    "type": "object",
    "properties": {
        "attributes": {"type": "object", "properties": {"type": {"enum": ["Lead", "Task", "X"]}}},
        "LastName": {},
        "Company": _ANY_TEXT,
        "OwnerId": {},
    },
}
_BODY = {
    "anyOf": [
        _RECORD,
        {"type": "object", "properties": {"records": {"type": "array", "items": _RECORD}}},
        {
            "type": "object",
            "properties": {
                "compositeRequest": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "method": {"enum": ["GET", "POST", "PATCH", "DELETE", 1]},
                            "url": {"enum": ["/services/data/v66.0/sobjects/Lead", "x", "//"]},
                            "referenceId": {},
                            "body": _RECORD,
                        },
                    },
                }
            },
        },
        {},
    ]
}
_PLAIN = {"application/x-www-form-urlencoded", "text/csv", "application/xml", "text/xml"}


def description() -> dict[str, Any]:
    """Return the surface: every route with what it may be given, and nothing of what it answers."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        for method in sorted((route.methods or set()) - {"HEAD"}):
            paths.setdefault(_path(route), {})[method.lower()] = _operation(route, method)
    return {"openapi": "3.0.3", "info": {"title": "org", "version": "1"}, "paths": paths}


def operations() -> Iterator[tuple[str, str]]:
    """Every path with every method of it; those that end the org are left out."""
    for path, methods in description()["paths"].items():
        if path != "/local-org/stop":
            yield from ((path, method) for method in methods)


def _path(route: Route) -> str:
    return _PARAMETER.sub(r"{\1}", route.path)


def _operation(route: Route, method: str) -> dict[str, Any]:
    names = _PARAMETER.findall(route.path)
    likely = [_in("path", name, _path_schema(name)) for name in names]
    asked = [_in("query", name, _ANY_TEXT) for name in _QUERY]
    told: dict[str, Any] = {
        "parameters": [*likely, *asked],
        "responses": {"default": {"description": ""}},
    }
    if method in {"POST", "PATCH", "PUT"}:
        content: dict[str, Any] = {"application/json": {"schema": _BODY}}
        content |= {
            kind: {"schema": _ANY_TEXT}
            for kind in sorted(_PLAIN - {"application/x-www-form-urlencoded"})
        }
        told["requestBody"] = {"content": content}
    return told


def _path_schema(name: str) -> dict[str, Any]:
    known = _LIKELY.get(name, ["00Q000000000001EAA", "750000000000001AAA"])
    if name == "version":
        return {"enum": known}
    return {"anyOf": [{"enum": known}, {"type": "string", "minLength": 1, "maxLength": 30}]}


def _in(where: str, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"in": where, "name": name, "required": where == "path", "schema": schema}
