"""Bulk API 1.0 over HTTP: ``/services/async``; XML or JSON about jobs, CSV, JSON or XML of rows.

Source: facts/real-clients.md 5.6; facts/org-behaviour.md 5.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.bulk1_wire import (
    MEDIA_TYPES,
    batch_answer,
    batches_answer,
    job_answer,
    result_ids_answer,
    told_job,
)
from local_org.api.bulk_jobs import Batch, Job, Jobs
from local_org.api.wire import read_body
from local_org.errors import OrgError

_STATES: Final = ("Closed", "Aborted")


async def open_job(request: Request) -> Response:
    """POST a ``jobInfo`` to open a job."""
    wanted = told_job(request, await read_body(request))
    state = request.state
    version = request.path_params["version"]
    job = _jobs(request).open(state.org, state.session, version, wanted, request.headers)
    return job_answer(request, job, 201)


async def show_job(request: Request) -> Response:
    """GET a job."""
    return job_answer(request, _job(request))


async def change_job(request: Request) -> Response:
    """POST a ``jobInfo`` with the state ``Closed`` or ``Aborted``."""
    job = _job(request)
    state = told_job(request, await read_body(request)).get("state", "")
    if state not in _STATES:
        raise OrgError("InvalidStateTransition", f"expected Closed or Aborted, got '{state}'")
    if job.state not in ("Open", state):
        raise OrgError("InvalidStateTransition", f"expected an open job, it is {job.state}")
    job.state = state
    return job_answer(request, job)


async def add_batch(request: Request) -> Response:
    """POST rows or SOQL; the answer says ``Queued``, as it always does."""
    job = _job(request)
    content = await read_body(request)
    batch = _jobs(request).add(request.state.org, request.state.session, job, content)
    return batch_answer(request, job, batch, 201, state="Queued")


async def list_batches(request: Request) -> Response:
    """GET all batches of a job."""
    return batches_answer(request, _job(request))


async def show_batch(request: Request) -> Response:
    """GET one batch."""
    return batch_answer(request, *_of(request))


async def batch_request(request: Request) -> Response:
    """GET a batch as it was sent."""
    job, batch = _of(request)
    return Response(batch.request, media_type=MEDIA_TYPES[job.content_type])


async def batch_result(request: Request) -> Response:
    """GET what became of each row, or where the rows of a query are."""
    job, batch = _of(request)
    if batch.state != "Completed":
        raise OrgError("InvalidBatch", batch.message or "Batch was not processed")
    if job.queries:
        return result_ids_answer(request, job, [batch.result_id])
    return Response(batch.result, media_type=MEDIA_TYPES[job.content_type])


async def query_result(request: Request) -> Response:
    """GET the rows of a query."""
    job, batch = _of(request)
    if not batch.result_id or request.path_params["result_id"] != batch.result_id:
        raise OrgError("InvalidBatch", f"No result {request.path_params['result_id']}")
    return Response(batch.result, media_type=MEDIA_TYPES[job.content_type])


def _jobs(request: Request) -> Jobs:
    jobs: Jobs = request.state.context.jobs
    return jobs


def _job(request: Request) -> Job:
    return _jobs(request).job(request.state.session, request.path_params["job_id"])


def _of(request: Request) -> tuple[Job, Batch]:
    """Return the job and the batch of the path."""
    job = _job(request)
    return job, job.batch(request.path_params["batch_id"])


_ROOT: Final = "/services/async/{version}/job"
_JOB: Final = f"{_ROOT}/{{job_id}}"
_BATCH: Final = f"{_JOB}/batch/{{batch_id}}"
routes = [
    Route(_ROOT, open_job, methods=["POST"]),
    Route(_JOB, show_job),
    Route(_JOB, change_job, methods=["POST"]),
    Route(f"{_JOB}/batch", list_batches),
    Route(f"{_JOB}/batch", add_batch, methods=["POST"]),
    Route(_BATCH, show_batch),
    Route(f"{_BATCH}/request", batch_request),
    Route(f"{_BATCH}/result", batch_result),
    Route(f"{_BATCH}/result/{{result_id}}", query_result),
]
