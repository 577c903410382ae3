"""What Bulk API 1.0 says of jobs, batches and errors, in XML and in JSON.

Which of the two: the ``Content-Type`` of the request decides, then its ``Accept``, then the
content type of the job.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from xml.sax.saxutils import escape

import orjson
from lxml import etree
from starlette.requests import Request
from starlette.responses import Response

from local_org.api.bulk_jobs import Batch, Job
from local_org.api.bulk_results import DECLARATION, NAMESPACE
from local_org.api.bulk_rows import read_xml
from local_org.api.wire import parsed
from local_org.errors import OrgError

MEDIA_TYPES: Final = {
    "CSV": "text/csv",
    "JSON": "application/json;charset=UTF-8",
    "XML": "application/xml",
}
"""Content type of an HTTP answer by the content type of a job."""
_CODES: Final = {
    "INVALID_SESSION_ID": "InvalidSessionId",
    "NOT_FOUND": "InvalidUrl",
    "REQUEST_LIMIT_EXCEEDED": "ExceededQuota",
}
"""Codes of the org's errors in this protocol's own words."""
_TIMES: Final = {
    "totalProcessingTime": 0,
    "apiActiveProcessingTime": 0,
    "apexProcessingTime": 0,
}

Told = dict[str, Any]


def speaks_json(request: Request, job: Job | None = None) -> bool:
    """Whether the answer is JSON; otherwise it is XML."""
    for name in ("content-type", "accept"):
        said = request.headers.get(name, "")
        if "json" in said or "xml" in said:
            return "json" in said
    return job is not None and job.content_type == "JSON"


def told_job(request: Request, body: bytes) -> Told:
    """Read a ``jobInfo``.

    :raises OrgError: ``InvalidJob`` when it is none.
    """
    if speaks_json(request):
        try:
            told = parsed(body)
        except OrgError as error:
            raise OrgError("InvalidJob", f"Unable to parse Job: {error.message}") from None
        if not isinstance(told, dict):
            raise OrgError("InvalidJob", "Unable to parse Job: expected an object")
        return told
    root = read_xml(body, "InvalidJob", "Job")
    return {etree.QName(child).localname: (child.text or "").strip() for child in root}


def job_answer(request: Request, job: Job, status: int = 200) -> Response:
    """Answer with a job."""
    return _answer(request, job, "jobInfo", _job(job), status)


def batch_answer(
    request: Request, job: Job, batch: Batch, status: int = 200, state: str | None = None
) -> Response:
    """Answer with a batch; ``state`` says what it was like when it came."""
    return _answer(request, job, "batchInfo", _batch(job, batch, state or batch.state), status)


def batches_answer(request: Request, job: Job) -> Response:
    """Answer with all batches of a job."""
    told = [_batch(job, batch, batch.state) for batch in job.batches.values()]
    if speaks_json(request, job):
        return _json({"batchInfo": [_dated(each, _json_time) for each in told]})
    inner = "".join(f"<batchInfo>{_elements(each)}</batchInfo>" for each in told)
    return _xml(f'<batchInfoList xmlns="{NAMESPACE}">{inner}</batchInfoList>')


def result_ids_answer(request: Request, job: Job, ids: Sequence[str]) -> Response:
    """Answer with the names of the results of a query."""
    if speaks_json(request, job):
        return _json(list(ids))
    inner = "".join(f"<result>{each}</result>" for each in ids)
    return _xml(f'<result-list xmlns="{NAMESPACE}">{inner}</result-list>')


def error_answer(request: Request, error: OrgError) -> Response:
    """Answer with an error in this protocol's form."""
    code = _CODES.get(error.code, error.code)
    status = 400 if code == "InvalidSessionId" else error.status
    if speaks_json(request):
        return _json({"exceptionCode": code, "exceptionMessage": error.message}, status)
    return _xml(
        f'<error xmlns="{NAMESPACE}"><exceptionCode>{escape(code)}</exceptionCode>'
        f"<exceptionMessage>{escape(error.message)}</exceptionMessage></error>",
        status,
    )


def _job(job: Job) -> Told:
    batches = job.batches.values()
    states = Counter(batch.state for batch in batches)
    return {
        "id": job.id,
        "operation": job.order.operation,
        "object": job.order.entity,
        "createdById": job.created_by,
        "createdDate": job.created_at,
        "systemModstamp": job.created_at,
        "state": job.state,
        "externalIdFieldName": job.order.external_id or None,
        "concurrencyMode": job.concurrency,
        "contentType": job.content_type,
        "numberBatchesQueued": 0,
        "numberBatchesInProgress": 0,
        "numberBatchesCompleted": states["Completed"],
        "numberBatchesFailed": states["Failed"],
        "numberBatchesTotal": len(batches),
        "numberRecordsProcessed": sum(batch.processed for batch in batches),
        "numberRetries": 0,
        "apiVersion": float(job.version),
        "numberRecordsFailed": sum(batch.rows_failed for batch in batches),
        **_TIMES,
    }


def _batch(job: Job, batch: Batch, state: str) -> Told:
    done = state != "Queued"
    return {
        "id": batch.id,
        "jobId": job.id,
        "state": state,
        "stateMessage": batch.message or None if done else None,
        "createdDate": batch.created_at,
        "systemModstamp": batch.created_at,
        "numberRecordsProcessed": batch.processed if done else 0,
        "numberRecordsFailed": batch.rows_failed if done else 0,
        **_TIMES,
    }


def _answer(request: Request, job: Job, tag: str, told: Told, status: int) -> Response:
    if speaks_json(request, job):
        return _json(_dated(told, _json_time), status)
    return _xml(f'<{tag} xmlns="{NAMESPACE}">{_elements(told)}</{tag}>', status)


def _elements(told: Mapping[str, Any]) -> str:
    """Write elements in order; what is nothing is left out."""
    return "".join(
        f"<{name}>{escape(str(value))}</{name}>"
        for name, value in _dated(told, _xml_time).items()
        if value is not None
    )


def _dated(told: Mapping[str, Any], write: Any) -> Told:
    """Return what is told with its times written."""
    return {n: write(v) if isinstance(v, datetime) else v for n, v in told.items()}


def _xml_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _json_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def _json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type=MEDIA_TYPES["JSON"])


def _xml(content: str, status: int = 200) -> Response:
    return Response(f"{DECLARATION}{content}", status, media_type=MEDIA_TYPES["XML"])
