"""Composite: several requests in one, each able to use the answers of those before it.

Sub-requests run through the same routes as ordinary ones. ``allOrNone`` makes one transaction of
them, and so does each graph; otherwise each request stands alone.
Source: facts/real-clients.md C5; facts/org-behaviour.md 1; the REST reference, "Composite Graph".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.errors import rest_entry
from local_org.api.wire import DATA, Dispatch, json_object, json_response
from local_org.errors import OrgError

_LIMIT = 25
_MOST_NODES = 500
_MOST_GRAPHS = 75
_MOST_LARGE = 5
_LARGE = re.compile(r"/services/data/v\d+\.\d+/(?:query|queryAll|composite/sobjects)(?:[/?]|\Z)")
"""Paths of queries and collections, of which a composite request takes few."""
_NODE = re.compile(r"/services/data/v\d+\.\d+/sobjects/[^/?]+(?:/[^?]+)?/?(?:\?.*)?", re.DOTALL)
"""Paths that a graph can hold: records by object, by id, by external id."""
_NAME = re.compile(r"[0-9A-Za-z]\w*", re.ASCII)
_REFERENCE = re.compile(r"@\{([^}.\[]+)([^}]*)\}")
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")
_KEPT_HEADERS = {"location": "Location", "last-modified": "Last-Modified", "etag": "ETag"}
_ROLLED_BACK = OrgError(
    "PROCESSING_HALTED",
    "The transaction was rolled back since another operation in the same transaction failed.",
)
_HALTED = OrgError(
    "BATCH_PROCESSING_HALTED",
    "The request was not processed: one before it failed and haltOnError is set.",
    status=412,
)


class _RolledBack(Exception):
    """Leaves the transaction; the answers are already at hand."""


async def composite(request: Request) -> Response:
    """POST the requests; every one of them has an answer, in order."""
    body = await json_object(request)
    wanted = _subrequests(body, "compositeRequest")
    _check_references(wanted)
    if sum(bool(_LARGE.match(str(each.get("url", "")))) for each in wanted) > _MOST_LARGE:
        text = f"The maximum number of query and collection operations allowed is {_MOST_LARGE}."
        raise OrgError("LIMIT_EXCEEDED", text)
    if body.get("allOrNone") is True:
        answers, _done = await _together(request, wanted)
    else:
        answers = []
        await _run(request, wanted, answers, all_or_none=False)
    return json_response({"compositeResponse": answers})


async def graph(request: Request) -> Response:
    """POST graphs of requests about records; each is done as a whole or not at all."""
    graphs = _graphs(await json_object(request))
    told = []
    for graph_id, nodes in graphs:
        answers, done = await _together(request, nodes)
        told.append(
            {
                "graphId": graph_id,
                "graphResponse": {"compositeResponse": answers},
                "isSuccessful": done,
            }
        )
    return json_response({"graphs": told})


async def batch(request: Request) -> Response:
    """POST independent requests; URLs are relative to ``/services/data``; each counts as a call."""
    body = await json_object(request)
    calls = [_call(wanted) for wanted in _subrequests(body, "batchRequests")]
    results: list[dict[str, Any]] = []
    halted = False
    for number, (method, url, content) in enumerate(calls):
        if halted:
            results.append({"statusCode": _HALTED.status, "result": [rest_entry(_HALTED)]})
            continue
        if number:
            request.state.org.count_call()
        answer = await _dispatch(request)(method, url, {}, content)
        results.append({"statusCode": answer.status_code, "result": _content(answer)})
        halted = body.get("haltOnError") is True and answer.status_code >= 400
    failed = any(result["statusCode"] >= 400 for result in results)
    return json_response({"hasErrors": failed, "results": results})


def _call(wanted: dict[str, Any]) -> tuple[str, str, bytes]:
    """Return method, URL and body of a request of a batch."""
    url = f"/services/data/{str(wanted.get('url', '')).lstrip('/')}"
    content = orjson.dumps(wanted["richInput"]) if "richInput" in wanted else b""
    return str(wanted.get("method", "GET")).upper(), url, content


async def _together(
    request: Request, wanted: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], bool]:
    """Run requests in one transaction; return their answers and whether it holds."""
    answers: list[dict[str, Any]] = []
    try:
        with request.state.org.unit(request.state.session):
            await _run(request, wanted, answers, all_or_none=True)
    except _RolledBack:
        return _rolled_back(wanted, answers), False
    return answers, True


async def _run(
    request: Request,
    wanted: list[dict[str, Any]],
    answers: list[dict[str, Any]],
    *,
    all_or_none: bool,
) -> None:
    """Append an answer for each request.

    :raises _RolledBack: one failed, and all were to stand or fall together.
    """
    bodies: dict[str, Any] = {}
    for subrequest in wanted:
        answer = await _one(request, subrequest, bodies)
        answers.append(answer)
        failed = answer["httpStatusCode"] >= 400
        if failed and all_or_none:
            raise _RolledBack
        if not failed:
            bodies[answer["referenceId"]] = answer["body"]


async def _one(
    request: Request, wanted: dict[str, Any], bodies: Mapping[str, Any]
) -> dict[str, Any]:
    reference = str(wanted.get("referenceId", ""))
    try:
        headers = _headers(wanted)
        url = _resolved(str(wanted.get("url", "")), bodies)
        content = _resolved(wanted.get("body"), bodies)
    except OrgError as error:
        return _subresponse([rest_entry(error)], {}, error.status, reference)
    method = str(wanted.get("method", "GET")).upper()
    payload = b"" if content is None else orjson.dumps(content)
    answer = await _dispatch(request)(method, url, headers, payload)
    kept = {_KEPT_HEADERS[k]: v for k, v in answer.headers.items() if k in _KEPT_HEADERS}
    return _subresponse(_content(answer), kept, answer.status_code, reference)


def _headers(wanted: dict[str, Any]) -> dict[str, str]:
    given = wanted.get("httpHeaders") or {}
    if not isinstance(given, dict):
        raise OrgError("MALFORMED_REQUEST", "expected an object in 'httpHeaders'")
    return {str(name).lower(): str(value) for name, value in given.items()}


def _subresponse(
    body: object, headers: dict[str, str], status: int, reference: str
) -> dict[str, Any]:
    """One answer; ``httpHeaders`` is there even when it is empty, clients rely on it."""
    return {
        "body": body,
        "httpHeaders": headers,
        "httpStatusCode": status,
        "referenceId": reference,
    }


def _rolled_back(
    wanted: list[dict[str, Any]], answers: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the answers of a unit that failed: the last tells why, the others are undone."""
    halted = [rest_entry(_ROLLED_BACK)]
    undone = [_subresponse(halted, {}, 400, str(w.get("referenceId", ""))) for w in wanted]
    undone[len(answers) - 1] = answers[-1]
    return undone


def _resolved(value: Any, bodies: Mapping[str, Any]) -> Any:
    """Replace every ``@{reference.path}``; one that is the whole text keeps its type.

    :raises OrgError: ``PROCESSING_HALTED`` when the reference has no such value.
    """
    if isinstance(value, dict):
        return {name: _resolved(inner, bodies) for name, inner in value.items()}
    if isinstance(value, list):
        return [_resolved(inner, bodies) for inner in value]
    if not isinstance(value, str) or "@{" not in value:
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _referenced(whole, bodies)
    return _REFERENCE.sub(lambda found: str(_referenced(found, bodies)), value)


def _referenced(found: re.Match[str], bodies: Mapping[str, Any]) -> Any:
    """Return the value that ``@{name.path[0].to}`` points at."""
    name, path = found[1], found[2]
    try:
        value = bodies[name]
        for key, index in _STEP.findall(path):
            value = value[int(index)] if index else value[key]
    except (KeyError, IndexError, TypeError):
        text = f"Invalid reference specified. No value for {name}{path} found in {name}"
        raise OrgError("PROCESSING_HALTED", text) from None
    return value


def _content(answer: Response) -> Any:
    body = bytes(answer.body)
    return orjson.loads(body) if body else None


def _dispatch(request: Request) -> Dispatch:
    dispatch: Dispatch = request.state.dispatch
    return dispatch


def _graphs(body: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the graphs by id.

    :raises OrgError: they are none, too many, or hold what a graph cannot hold.
    """
    graphs = [
        (str(each.get("graphId", "")), _subrequests(each, "compositeRequest", _MOST_NODES))
        for each in _subrequests(body, "graphs", _MOST_GRAPHS)
    ]
    ids = [graph_id for graph_id, _ in graphs]
    if not all(ids) or len(set(ids)) < len(ids):
        raise OrgError("INVALID_INPUT", "Every graph needs a graphId of its own")
    nodes = [node for _, nodes in graphs for node in nodes]
    if len(nodes) > _MOST_NODES:
        text = f"The maximum number of nodes allowed in all graphs is {_MOST_NODES}."
        raise OrgError("LIMIT_EXCEEDED", text)
    for node in nodes:
        if not _NODE.fullmatch(str(node.get("url", ""))):
            text = f"A graph takes requests for records only, got {node.get('url')}"
            raise OrgError("INVALID_INPUT", text)
    for _, requests in graphs:
        _check_references(requests)
    return graphs


def _check_references(wanted: list[dict[str, Any]]) -> None:
    """Refuse requests whose answers could not be told apart.

    :raises OrgError: ``INVALID_INPUT``.
    """
    references = [each.get("referenceId") for each in wanted]
    for reference in references:
        if not isinstance(reference, str) or not _NAME.fullmatch(reference):
            text = (
                f"Provided referenceId ('{reference}') must start with a letter or a number, and it "
                "can contain only letters, numbers and underscores ('_')."
            )
            raise OrgError("INVALID_INPUT", text)
        if references.count(reference) > 1:
            raise OrgError("INVALID_INPUT", f"Duplicate referenceId: {reference}")


def _subrequests(body: dict[str, Any], key: str, most: int = _LIMIT) -> list[dict[str, Any]]:
    wanted = body.get(key)
    if not isinstance(wanted, list) or not all(isinstance(w, dict) for w in wanted):
        raise OrgError("MALFORMED_REQUEST", f"The request needs the list '{key}'")
    if len(wanted) > most:
        raise OrgError("LIMIT_EXCEEDED", f"The maximum number of operations allowed is {most}.")
    return wanted


routes = [
    Route(f"{DATA}/composite", composite, methods=["POST"]),
    Route(f"{DATA}/composite/batch", batch, methods=["POST"]),
    Route(f"{DATA}/composite/graph", graph, methods=["POST"]),
]
