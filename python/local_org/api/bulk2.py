"""Bulk API 2.0 over HTTP: ``/jobs/ingest`` takes CSV, ``/jobs/query`` gives it.

Source: facts/real-clients.md 5.7; facts/org-behaviour.md 5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from email import message_from_string
from typing import Any, Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.bulk2_jobs import Extract, Job2, Jobs2, Load
from local_org.api.wire import (
    DATA,
    json_object,
    json_response,
    no_content,
    number_parameter,
    parsed,
    read_body,
)
from local_org.errors import OrgError, not_found

_MOST_BYTES: Final = 150 * 1024 * 1024
"""The platform's limit of the data of one job."""
_LIST_PAGE: Final = 1000
_MOST_ROWS: Final = 50_000
"""Rows of a page of a query's results, unless ``maxRecords`` asks for fewer."""
_CSV: Final = "text/csv"
_BAD_LOCATOR: Final = "INVALID_QUERY_LOCATOR"
_RESULTS: Final[dict[str, Callable[[Load], bytes]]] = {
    "successfulresults": Load.succeeded_csv,
    "failedresults": Load.failed_csv,
    "unprocessedrecords": Load.unprocessed_csv,
}
"""Results of a load by the end of their path, whose case does not matter."""
_TIMES: Final = {
    "retries": 0,
    "totalProcessingTime": 0,
    "apiActiveProcessingTime": 0,
    "apexProcessingTime": 0,
}
_J = TypeVar("_J", bound=Job2)


# -- loads ----------------------------------------------------------------------------------------


async def create_load(request: Request) -> Response:
    """POST a job; as ``multipart/form-data`` it comes with its data and is worked through."""
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        wanted, content = await _parts(request)
        job = _open(request, wanted)
        job.upload(content)
        job = _jobs(request).complete(request.state.org, request.state.session, job)
    else:
        job = _open(request, await json_object(request))
    return json_response(_load(job))


async def list_loads(request: Request) -> Response:
    """GET the caller's jobs, newest first, page by page."""
    return _listed(request, "ingest", Load, _load)


async def show_load(request: Request) -> Response:
    """GET a job."""
    job = _job(request, Load)
    return json_response(_load(job) | _figures(job))


async def upload(request: Request) -> Response:
    """PUT the rows of a job."""
    job = _job(request, Load)
    job.upload(await read_body(request, _MOST_BYTES))
    return Response(None, 201)


async def change_load(request: Request) -> Response:
    """PATCH a job to ``UploadComplete``, which works it through, or ``Aborted``."""
    job = _job(request, Load)
    state = (await json_object(request)).get("state")
    if state == "UploadComplete":
        job = _jobs(request).complete(request.state.org, request.state.session, job)
    else:
        _abort(request, job, state, "UploadComplete or Aborted")
    return json_response(_load(job))


async def delete_load(request: Request) -> Response:
    """DELETE a job that is finished, and its results."""
    _jobs(request).delete(_job(request, Load))
    return no_content()


async def load_results(request: Request) -> Response:
    """GET the rows that were written, refused or not tried, as CSV."""
    job = _job(request, Load)
    write = _RESULTS.get(request.path_params["results"].lower())
    if write is None:
        raise not_found()
    _check_finished(job)
    return Response(write(job), media_type=_CSV)


# -- queries --------------------------------------------------------------------------------------


async def create_query(request: Request) -> Response:
    """POST a query; a wrong one is refused at once."""
    state = request.state
    wanted = await json_object(request)
    job = _jobs(request).run_query(state.org, state.session, _version(request), wanted)
    return json_response(_told(job) | {"state": "UploadComplete"} | _csv_of(job))


async def list_queries(request: Request) -> Response:
    """GET the caller's queries, newest first, page by page."""
    return _listed(request, "query", Extract, _query)


async def show_query(request: Request) -> Response:
    """GET a query."""
    job = _job(request, Extract)
    told = _query(job) | {"numberRecordsProcessed": len(job.found.records)} | _TIMES
    return json_response(told | {"isPkChunkingSupported": True})


async def change_query(request: Request) -> Response:
    """PATCH a query to ``Aborted``."""
    job = _job(request, Extract)
    _abort(request, job, (await json_object(request)).get("state"), "Aborted")
    return json_response(_query(job))


async def delete_query(request: Request) -> Response:
    """DELETE a query that is finished, and its rows."""
    _jobs(request).delete(_job(request, Extract))
    return no_content()


async def query_results(request: Request) -> Response:
    """GET a page of rows; ``Sforce-Locator`` names the next, or says ``null``."""
    job = _job(request, Extract)
    _check_finished(job)
    most = number_parameter(request, "maxRecords", _MOST_ROWS)
    if most < 1:
        raise OrgError("INVALID_QUERY_OPTION", f"expected maxRecords from 1, got {most}")
    start = number_parameter(request, "locator", 0, _BAD_LOCATOR)
    if start and start >= len(job.found.records):
        raise OrgError(_BAD_LOCATOR, "invalid query locator")
    content, count, more = job.page(start, min(most, _MOST_ROWS))
    headers = {
        "Sforce-Locator": "null" if more is None else str(more),
        "Sforce-NumberOfRecords": str(count),
    }
    return Response(content, headers=headers, media_type=_CSV)


# -- what both share ------------------------------------------------------------------------------


def _jobs(request: Request) -> Jobs2:
    jobs: Jobs2 = request.state.context.jobs.v2
    return jobs


def _job(request: Request, kind: type[_J]) -> _J:
    return _jobs(request).find(kind, request.path_params["job_id"], request.state.session)


def _version(request: Request) -> str:
    version: str = request.path_params["version"]
    return version


def _open(request: Request, wanted: dict[str, Any]) -> Load:
    state = request.state
    return _jobs(request).open_load(state.org, state.session, _version(request), wanted)


async def _parts(request: Request) -> tuple[dict[str, Any], bytes]:
    """Return the parts ``job`` and ``content`` of a multipart body.

    :raises OrgError: ``INVALIDJOB`` without them.
    """
    told = message_from_string(f"Content-Type: {request.headers['content-type']}\n\n")
    boundary = b"--" + str(told.get_boundary() or "").encode()
    parts = dict(map(_part, (await read_body(request, _MOST_BYTES)).split(boundary)))
    if not {"job", "content"} <= parts.keys():
        raise OrgError("INVALIDJOB", "InvalidJob : expected the parts 'job' and 'content'")
    wanted = parsed(parts["job"])
    if not isinstance(wanted, dict):
        raise OrgError("INVALIDJOB", "InvalidJob : expected a JSON object in the part 'job'")
    return wanted, parts["content"]


def _part(part: bytes) -> tuple[str, bytes]:
    """Return name and content of a part; parts within parts are not looked for."""
    head, _, content = part.lstrip(b"\r\n").partition(b"\r\n\r\n")
    name = message_from_string(head.decode("latin-1")).get_param(
        "name", header="content-disposition"
    )
    return str(name), content.removesuffix(b"\r\n")


def _abort(request: Request, job: Job2, state: object, expected: str) -> None:
    if state != "Aborted":
        raise OrgError(
            "INVALIDJOBSTATE", f"InvalidJobState : expected the state {expected}, got {state}"
        )
    _jobs(request).abort(request.state.org, job)


def _check_finished(job: Job2) -> None:
    if not job.finished:
        raise OrgError(
            "INVALIDJOBSTATE", f"InvalidJobState : expected a finished job, it is {job.state}"
        )


def _listed(
    request: Request, what: str, kind: type[_J], tell: Callable[[_J], dict[str, Any]]
) -> Response:
    jobs: Sequence[_J] = _jobs(request).all(kind, request.state.session)[::-1]
    start = number_parameter(request, "queryLocator", 0, _BAD_LOCATOR)
    end = start + _LIST_PAGE
    done = end >= len(jobs)
    base = f"/services/data/v{_version(request)}/jobs/{what}"
    return json_response(
        {
            "done": done,
            "nextRecordsUrl": None if done else f"{base}?queryLocator={end}",
            "records": [tell(job) for job in jobs[start:end]],
        }
    )


def _load(job: Load) -> dict[str, Any]:
    external_id = job.order.external_id
    content_url = f"services/data/v{job.version}/jobs/ingest/{job.id}/batches"
    return (
        _told(job)
        | ({"externalIdFieldName": external_id} if external_id else {})
        | {"jobType": "V2Ingest", "contentUrl": content_url}
        | _csv_of(job)
    )


def _figures(job: Load) -> dict[str, Any]:
    told = _TIMES | {
        "numberRecordsProcessed": len(job.results),
        "numberRecordsFailed": job.failed,
    }
    return told | ({"errorMessage": job.error} if job.error else {})


def _query(job: Extract) -> dict[str, Any]:
    return _told(job) | {"jobType": "V2Query"} | _csv_of(job)


def _told(job: Job2) -> dict[str, Any]:
    return {
        "id": job.id,
        "operation": job.order.operation,
        "object": job.order.entity,
        "createdById": job.created_by,
        "createdDate": _time(job.created_at),
        "systemModstamp": _time(job.modified_at),
        "state": job.state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(job.version),
    }


def _csv_of(job: Job2) -> dict[str, str]:
    return {"lineEnding": job.dialect.line_ending, "columnDelimiter": job.dialect.delimiter}


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


_INGEST: Final = f"{DATA}/jobs/ingest"
_LOAD: Final = f"{_INGEST}/{{job_id}}"
_QUERIES: Final = f"{DATA}/jobs/query"
_EXTRACT: Final = f"{_QUERIES}/{{job_id}}"
routes = [
    Route(_INGEST, create_load, methods=["POST"]),
    Route(_INGEST, list_loads),
    Route(_LOAD, show_load),
    Route(_LOAD, change_load, methods=["PATCH"]),
    Route(_LOAD, delete_load, methods=["DELETE"]),
    Route(f"{_LOAD}/batches", upload, methods=["PUT"]),
    Route(f"{_LOAD}/{{results}}", load_results),
    Route(_QUERIES, create_query, methods=["POST"]),
    Route(_QUERIES, list_queries),
    Route(_EXTRACT, show_query),
    Route(_EXTRACT, change_query, methods=["PATCH"]),
    Route(_EXTRACT, delete_query, methods=["DELETE"]),
    Route(f"{_EXTRACT}/results", query_results),
]
