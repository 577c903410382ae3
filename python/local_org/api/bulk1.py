"""Bulk API 1.0 over HTTP: ``/services/async``, XML about jobs, CSV of rows.

Source: facts/real-clients.md 5.6; facts/org-behaviour.md 5.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.bulk_jobs import Batch, Job, Jobs
from local_org.api.wire import read_body
from local_org.errors import OrgError

_NAMESPACE: Final = "http://www.force.com/2009/06/asyncapi/dataload"
_XML: Final = "application/xml"
_CSV: Final = "text/csv"
_STATES: Final = ("Closed", "Aborted")
_CODES: Final = {"INVALID_SESSION_ID": "InvalidSessionId", "NOT_FOUND": "InvalidUrl"}
"""Codes of the org's errors in this protocol's own words."""


async def open_job(request: Request) -> Response:
    """POST a ``jobInfo`` to open a job."""
    wanted = _told(await read_body(request))
    state = request.state
    version = request.path_params["version"]
    job = state.context.jobs.open(state.org, state.session, version, wanted)
    return _xml(_job(job), 201)


async def show_job(request: Request) -> Response:
    """GET a job."""
    return _xml(_job(_jobs(request).job(request.path_params["job_id"])))


async def change_job(request: Request) -> Response:
    """POST a ``jobInfo`` with the state ``Closed`` or ``Aborted``."""
    job = _jobs(request).job(request.path_params["job_id"])
    state = _told(await read_body(request)).get("state", "")
    if state not in _STATES:
        raise OrgError("InvalidStateTransition", f"expected Closed or Aborted, got '{state}'")
    job.state = state
    return _xml(_job(job))


async def add_batch(request: Request) -> Response:
    """POST rows or SOQL; the answer says ``Queued``, as it always does."""
    job = _jobs(request).job(request.path_params["job_id"])
    content = await read_body(request)
    batch = _jobs(request).add(request.state.org, request.state.session, job, content)
    return _xml(_batch(job, batch, state="Queued"), 201)


async def list_batches(request: Request) -> Response:
    """GET all batches of a job."""
    job = _jobs(request).job(request.path_params["job_id"])
    inner = "".join(
        f"<batchInfo>{_batch_body(job, b, b.state)}</batchInfo>" for b in job.batches.values()
    )
    return _xml(f'<batchInfoList xmlns="{_NAMESPACE}">{inner}</batchInfoList>')


async def show_batch(request: Request) -> Response:
    """GET one batch."""
    return _xml(_batch(*_of(request)))


async def batch_result(request: Request) -> Response:
    """GET what became of each row, or where the rows of a query are."""
    job, batch = _of(request)
    if batch.failed:
        raise OrgError("InvalidBatch", batch.message)
    if not job.queries:
        return Response(batch.result, media_type=_CSV)
    result = f"<result>{batch.result_id}</result>"
    return _xml(f'<result-list xmlns="{_NAMESPACE}">{result}</result-list>')


async def query_result(request: Request) -> Response:
    """GET the rows of a query."""
    _job_of_batch, batch = _of(request)
    if not batch.result_id or request.path_params["result_id"] != batch.result_id:
        raise OrgError("InvalidBatch", f"No result {request.path_params['result_id']}")
    return Response(batch.result, media_type=_CSV)


def bulk_error(error: OrgError) -> Response:
    """Answer with an error in this protocol's form."""
    code = _CODES.get(error.code, error.code)
    return _xml(
        f'<error xmlns="{_NAMESPACE}"><exceptionCode>{escape(code)}</exceptionCode>'
        f"<exceptionMessage>{escape(error.message)}</exceptionMessage></error>",
        400 if code == "InvalidSessionId" else error.status,
    )


def _jobs(request: Request) -> Jobs:
    jobs: Jobs = request.state.context.jobs
    return jobs


def _of(request: Request) -> tuple[Job, Batch]:
    """Return the job and the batch of the path."""
    job_id, batch_id = request.path_params["job_id"], request.path_params["batch_id"]
    return _jobs(request).job(job_id), _jobs(request).batch(job_id, batch_id)


def _told(body: bytes) -> dict[str, str]:
    """Read the elements of a ``jobInfo``.

    :raises OrgError: ``InvalidJob`` when it is no XML.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise OrgError("InvalidJob", f"Unable to parse Job: {error.msg}") from None
    return {etree.QName(child).localname: (child.text or "").strip() for child in root}


def _job(job: Job) -> str:
    batches = job.batches.values()
    failed = sum(batch.failed for batch in batches)
    told = {
        "id": job.id,
        "operation": job.operation,
        "object": job.entity,
        "createdById": job.created_by,
        "createdDate": _time(job.created_at),
        "systemModstamp": _time(job.created_at),
        "state": job.state,
        "externalIdFieldName": job.external_id,
        "concurrencyMode": job.concurrency,
        "contentType": "CSV",
        "numberBatchesQueued": "0",
        "numberBatchesInProgress": "0",
        "numberBatchesCompleted": str(len(batches) - failed),
        "numberBatchesFailed": str(failed),
        "numberBatchesTotal": str(len(batches)),
        "numberRecordsProcessed": str(sum(batch.processed for batch in batches)),
        "numberRetries": "0",
        "apiVersion": job.version,
        "numberRecordsFailed": str(sum(batch.rows_failed for batch in batches)),
        "totalProcessingTime": "0",
        "apiActiveProcessingTime": "0",
        "apexProcessingTime": "0",
    }
    return f'<jobInfo xmlns="{_NAMESPACE}">{_elements(told)}</jobInfo>'


def _batch(job: Job, batch: Batch, state: str | None = None) -> str:
    body = _batch_body(job, batch, state or batch.state)
    return f'<batchInfo xmlns="{_NAMESPACE}">{body}</batchInfo>'


def _batch_body(job: Job, batch: Batch, state: str) -> str:
    done = state != "Queued"
    return _elements(
        {
            "id": batch.id,
            "jobId": job.id,
            "state": state,
            "stateMessage": batch.message if done else "",
            "createdDate": _time(batch.created_at),
            "systemModstamp": _time(batch.created_at),
            "numberRecordsProcessed": str(batch.processed if done else 0),
            "numberRecordsFailed": str(batch.rows_failed if done else 0),
            "totalProcessingTime": "0",
            "apiActiveProcessingTime": "0",
            "apexProcessingTime": "0",
        }
    )


def _elements(told: dict[str, str]) -> str:
    """Write elements in order; a blank one is left out."""
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in told.items() if value)


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _xml(content: str, status: int = 200) -> Response:
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>{content}', status, media_type=_XML)


_ROOT: Final = "/services/async/{version}/job"
_JOB: Final = f"{_ROOT}/{{job_id}}"
routes = [
    Route(_ROOT, open_job, methods=["POST"]),
    Route(_JOB, show_job),
    Route(_JOB, change_job, methods=["POST"]),
    Route(f"{_JOB}/batch", list_batches),
    Route(f"{_JOB}/batch", add_batch, methods=["POST"]),
    Route(f"{_JOB}/batch/{{batch_id}}", show_batch),
    Route(f"{_JOB}/batch/{{batch_id}}/result", batch_result),
    Route(f"{_JOB}/batch/{{batch_id}}/result/{{result_id}}", query_result),
]
