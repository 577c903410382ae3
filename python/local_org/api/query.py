"""SOQL over REST: ``query``, ``queryAll``, further pages, and column metadata.

Source: facts/real-clients.md 5.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.recent import note_viewed
from local_org.api.wire import DATA, json_response, parameter
from local_org.errors import OrgError
from local_org.org import Org, Session
from local_org.soql.parser import parse

_LARGEST_BATCH = 2000
_SMALLEST_BATCH = 200


async def query(request: Request) -> Response:
    """GET the records of a query that are not deleted."""
    return _run(request, all_rows=False)


async def query_all(request: Request) -> Response:
    """GET the records of a query, deleted ones included."""
    return _run(request, all_rows=True)


async def query_more(request: Request) -> Response:
    """GET the next page by the locator that the page before gave."""
    org: Org = request.state.org
    return json_response(org.query_more(request.state.session, request.path_params["locator"]))


def all_records(
    org: Org, session: Session, soql: str, version: str = "66.0", *, all_rows: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield the records of a query, page after page; ``all_rows`` includes deleted ones."""
    page = org.query(session, soql, version=version, all_rows=all_rows)
    yield from page["records"]
    while not page["done"]:
        page = org.query_more(session, page["nextRecordsUrl"].rsplit("/", 1)[-1])
        yield from page["records"]


def _run(request: Request, *, all_rows: bool) -> Response:
    org: Org = request.state.org
    soql, version = parameter(request, "q"), request.path_params["version"]
    if request.query_params.get("columns", "").lower() == "true":
        columns = org.query_columns(request.state.session, soql, version=version)
        return json_response({"columnMetadata": columns})
    answer = org.query(
        request.state.session,
        soql,
        version=version,
        all_rows=all_rows,
        batch_size=_batch_size(request.headers.get("sforce-query-options", "")),
    )
    _note(org, request.state.session, soql, answer["records"])
    return json_response(answer)


def _note(org: Org, session: Session, soql: str, records: list[dict[str, Any]]) -> None:
    """Remember what a query ``FOR VIEW`` or ``FOR REFERENCE`` shows to somebody."""
    asked = parse(soql)
    for purpose in asked.purposes:
        if purpose in ("VIEW", "REFERENCE") and records:
            note_viewed(org, session, str(asked.sources[0].path), records, purpose)


def _batch_size(options: str) -> int:
    """Read ``batchSize=N`` of the header, kept between 200 and 2,000."""
    for option in options.split(","):
        key, _, value = option.strip().partition("=")
        if key.strip().lower() == "batchsize":
            if not value.strip().isdecimal():
                raise OrgError("INVALID_QUERY_OPTION", f"Invalid batchSize: {value}")
            return min(max(int(value), _SMALLEST_BATCH), _LARGEST_BATCH)
    return _LARGEST_BATCH


routes = [
    Route(f"{DATA}/query", query),
    Route(f"{DATA}/query/{{locator}}", query_more),
    Route(f"{DATA}/queryAll", query_all),
    Route(f"{DATA}/queryAll/{{locator}}", query_more),
]
