"""Queries of Bulk API 2.0 over HTTP: ``/jobs/query`` gives CSV.

Source: facts/org-behaviour.md 5; the Bulk API guide, "Get Parallel Results for a Query Job".
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api import bulk2_wire
from local_org.api.bulk2_jobs import Extract
from local_org.api.wire import DATA, json_object, json_response, no_content, number_parameter
from local_org.errors import OrgError

_MOST_ROWS: Final = 50_000
"""Rows of a page of results, unless ``maxRecords`` asks for fewer."""
_URLS: Final = 5
"""Pages of results that are told at once."""


async def create_query(request: Request) -> Response:
    """POST a query; a wrong one is refused at once."""
    state = request.state
    wanted = await json_object(request)
    job = bulk2_wire.jobs(request).run_query(
        state.org, state.session, bulk2_wire.version(request), wanted
    )
    return json_response(
        bulk2_wire.told(job) | {"state": "UploadComplete"} | bulk2_wire.csv_of(job)
    )


async def list_queries(request: Request) -> Response:
    """GET the caller's queries, newest first, page by page."""
    return bulk2_wire.listed(request, "query", "V2Query")


async def show_query(request: Request) -> Response:
    """GET a query."""
    job = bulk2_wire.job(request, Extract)
    told = (
        bulk2_wire.query_told(job)
        | {"numberRecordsProcessed": len(job.found.records)}
        | bulk2_wire.TIMES
    )
    return json_response(told | {"isPkChunkingSupported": True})


async def change_query(request: Request) -> Response:
    """PATCH a query to ``Aborted``."""
    job = bulk2_wire.job(request, Extract)
    bulk2_wire.abort(request, job, (await json_object(request)).get("state"), "Aborted")
    return json_response(bulk2_wire.query_told(job))


async def delete_query(request: Request) -> Response:
    """DELETE a query that is finished, and its rows."""
    bulk2_wire.jobs(request).delete(bulk2_wire.job(request, Extract))
    return no_content()


async def query_results(request: Request) -> Response:
    """GET a page of rows; ``Sforce-Locator`` names the next, or says ``null``."""
    job = bulk2_wire.job(request, Extract)
    bulk2_wire.check_finished(job)
    most = number_parameter(request, "maxRecords", _MOST_ROWS)
    if most < 1:
        raise OrgError("INVALID_QUERY_OPTION", f"expected maxRecords from 1, got {most}")
    content, count, more = job.page(_locator(request, job), min(most, _MOST_ROWS))
    headers = {
        "Sforce-Locator": "null" if more is None else str(more),
        "Sforce-NumberOfRecords": str(count),
    }
    return Response(content, headers=headers, media_type=bulk2_wire.CSV)


async def result_pages(request: Request) -> Response:
    """GET where the pages of results are, five at a time, for who fetches them side by side."""
    job = bulk2_wire.job(request, Extract)
    bulk2_wire.check_finished(job)
    start = _locator(request, job)
    base = f"/services/data/v{bulk2_wire.version(request)}/jobs/query/{job.id}"
    rows = max(len(job.found.records), 1)
    starts = range(start, rows, _MOST_ROWS)
    done = len(starts) <= _URLS
    return json_response(
        {
            "resultPages": [
                {"resultUrl": f"{base}/results?locator={each}"} for each in starts[:_URLS]
            ],
            "nextRecordsUrl": None if done else f"{base}/resultPages?locator={starts[_URLS]}",
            "done": done,
        }
    )


def _locator(request: Request, job: Extract) -> int:
    """Return the row that a page begins with.

    :raises OrgError: ``INVALID_QUERY_LOCATOR``.
    """
    start = number_parameter(request, "locator", 0, bulk2_wire.BAD_LOCATOR)
    if start and start >= len(job.found.records):
        raise OrgError(bulk2_wire.BAD_LOCATOR, "invalid query locator")
    return start


_QUERIES: Final = f"{DATA}/jobs/query"
_EXTRACT: Final = f"{_QUERIES}/{{job_id}}"
routes = [
    Route(_QUERIES, create_query, methods=["POST"]),
    Route(_QUERIES, list_queries),
    Route(_EXTRACT, show_query),
    Route(_EXTRACT, change_query, methods=["PATCH"]),
    Route(_EXTRACT, delete_query, methods=["DELETE"]),
    Route(f"{_EXTRACT}/results", query_results),
    Route(f"{_EXTRACT}/resultPages", result_pages),
]
