"""What the loads and the queries of Bulk API 2.0 share over HTTP.

Source: facts/real-clients.md 5.7; facts/org-behaviour.md 5; the Bulk API guide, "Get All Jobs".
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from local_org.api.bulk2_jobs import Extract, Job2, Jobs2, Load
from local_org.api.bulk_jobs import Job, Jobs
from local_org.api.wire import json_response, number_parameter
from local_org.errors import OrgError

CSV: Final = "text/csv"
BAD_LOCATOR: Final = "INVALID_QUERY_LOCATOR"
TIMES: Final = {
    "retries": 0,
    "totalProcessingTime": 0,
    "apiActiveProcessingTime": 0,
    "apexProcessingTime": 0,
}
_LIST_PAGE: Final = 1000
_J = TypeVar("_J", bound=Job2)


def jobs(request: Request) -> Jobs2:
    """Return the jobs of the org."""
    found: Jobs2 = request.state.context.jobs.v2
    return found


def job(request: Request, kind: type[_J]) -> _J:
    """Return the job of the path.

    :raises OrgError: 404 where the caller has none of this kind.
    """
    return jobs(request).find(kind, request.path_params["job_id"], request.state.session)


def version(request: Request) -> str:
    """Return the API version of the path."""
    found: str = request.path_params["version"]
    return found


def abort(request: Request, job: Job2, state: object, expected: str) -> None:
    """End a job early, for ``Aborted`` only.

    :raises OrgError: ``INVALIDJOBSTATE``.
    """
    if state != "Aborted":
        raise OrgError(
            "INVALIDJOBSTATE", f"InvalidJobState : expected the state {expected}, got {state}"
        )
    jobs(request).abort(request.state.org, job)


def check_finished(job: Job2) -> None:
    """Refuse to tell results of a job that may have more of them.

    :raises OrgError: ``INVALIDJOBSTATE``.
    """
    if not job.finished:
        raise OrgError(
            "INVALIDJOBSTATE", f"InvalidJobState : expected a finished job, it is {job.state}"
        )


def listed(request: Request, resource: str, own: str) -> Response:
    """Answer with the caller's jobs, newest first: those of the resource and of Bulk API 1.0.

    ``jobType`` asks for others, ``isPkChunkingEnabled`` for chunked ones, which only the latter are.
    """
    told = sorted(_every(request), key=lambda each: str(each["id"]), reverse=True)
    asked = request.query_params.get("jobType")
    kinds = (own, "Classic") if asked is None else (asked,)
    found = [each for each in told if each["jobType"] in kinds]
    start = number_parameter(request, "queryLocator", 0, BAD_LOCATOR)
    end = start + _LIST_PAGE
    done = end >= len(found)
    base = f"/services/data/v{version(request)}/jobs/{resource}"
    return json_response(
        {
            "done": done,
            "nextRecordsUrl": None if done else f"{base}?queryLocator={end}",
            "records": found[start:end],
        }
    )


def _every(request: Request) -> Iterator[dict[str, Any]]:
    """Yield what is told of all jobs of the caller, or of those that are chunked."""
    session = request.state.session
    first: Jobs = request.state.context.jobs
    chunked = request.query_params.get("isPkChunkingEnabled", "").lower() == "true"
    for classic in first.all(session):
        if classic.chunking or not chunked:
            yield classic_told(classic)
    if not chunked:
        yield from map(load_told, first.v2.all(Load, session))
        yield from map(query_told, first.v2.all(Extract, session))


def load_told(job: Load) -> dict[str, Any]:
    """Return what is told of a load."""
    external_id = job.order.external_id
    content_url = f"services/data/v{job.version}/jobs/ingest/{job.id}/batches"
    return (
        told(job)
        | ({"externalIdFieldName": external_id} if external_id else {})
        | {"jobType": "V2Ingest", "contentUrl": content_url}
        | csv_of(job)
    )


def query_told(job: Extract) -> dict[str, Any]:
    """Return what is told of a query."""
    return told(job) | {"jobType": "V2Query"} | csv_of(job)


def classic_told(job: Job) -> dict[str, Any]:
    """Return what is told of a job of Bulk API 1.0."""
    return {
        "id": job.id,
        "operation": job.order.operation,
        "object": job.order.entity,
        "createdById": job.created_by,
        "createdDate": _time(job.created_at),
        "systemModstamp": _time(job.created_at),
        "state": job.state,
        "concurrencyMode": job.concurrency,
        "contentType": job.content_type,
        "apiVersion": float(job.version),
        "jobType": "Classic",
    }


def told(job: Job2) -> dict[str, Any]:
    """Return what is told of any job."""
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


def csv_of(job: Job2) -> dict[str, str]:
    """Return how the CSV of a job is written."""
    return {"lineEnding": job.dialect.line_ending, "columnDelimiter": job.dialect.delimiter}


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
