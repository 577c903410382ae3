"""Loads of Bulk API 2.0 over HTTP: ``/jobs/ingest`` takes CSV.

Source: facts/real-clients.md 5.7; facts/org-behaviour.md 5.
"""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_string
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api import bulk2_wire
from local_org.api.bulk2_jobs import Load
from local_org.api.wire import DATA, json_object, json_response, no_content, parsed, read_body
from local_org.errors import OrgError, not_found

_MOST_BYTES: Final = 150 * 1024 * 1024
"""The platform's limit of the data of one job."""
_RESULTS: Final[dict[str, Callable[[Load], bytes]]] = {
    "successfulresults": Load.succeeded_csv,
    "failedresults": Load.failed_csv,
    "unprocessedrecords": Load.unprocessed_csv,
}
"""Results of a load by the end of their path, whose case does not matter."""


async def create_load(request: Request) -> Response:
    """POST a job; as ``multipart/form-data`` it comes with its data and is worked through."""
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        wanted, content = await _parts(request)
        job = _open(request, wanted)
        job.upload(content)
        job = bulk2_wire.jobs(request).complete(request.state.org, request.state.session, job)
    else:
        job = _open(request, await json_object(request))
    return json_response(bulk2_wire.load_told(job))


async def list_loads(request: Request) -> Response:
    """GET the caller's jobs, newest first, page by page."""
    return bulk2_wire.listed(request, "ingest", "V2Ingest")


async def show_load(request: Request) -> Response:
    """GET a job."""
    job = bulk2_wire.job(request, Load)
    return json_response(bulk2_wire.load_told(job) | _figures(job))


async def upload(request: Request) -> Response:
    """PUT the rows of a job."""
    job = bulk2_wire.job(request, Load)
    job.upload(await read_body(request, _MOST_BYTES))
    return Response(None, 201)


async def change_load(request: Request) -> Response:
    """PATCH a job to ``UploadComplete``, which works it through, or ``Aborted``."""
    job = bulk2_wire.job(request, Load)
    state = (await json_object(request)).get("state")
    if state == "UploadComplete":
        job = bulk2_wire.jobs(request).complete(request.state.org, request.state.session, job)
    else:
        bulk2_wire.abort(request, job, state, "UploadComplete or Aborted")
    return json_response(bulk2_wire.load_told(job))


async def delete_load(request: Request) -> Response:
    """DELETE a job that is finished, and its results."""
    bulk2_wire.jobs(request).delete(bulk2_wire.job(request, Load))
    return no_content()


async def load_results(request: Request) -> Response:
    """GET the rows that were written, refused or not tried, as CSV."""
    job = bulk2_wire.job(request, Load)
    write = _RESULTS.get(request.path_params["results"].lower())
    if write is None:
        raise not_found()
    bulk2_wire.check_finished(job)
    return Response(write(job), media_type=bulk2_wire.CSV)


def _open(request: Request, wanted: dict[str, Any]) -> Load:
    state = request.state
    return bulk2_wire.jobs(request).open_load(
        state.org, state.session, bulk2_wire.version(request), wanted
    )


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


def _figures(job: Load) -> dict[str, Any]:
    told = bulk2_wire.TIMES | {
        "numberRecordsProcessed": len(job.results),
        "numberRecordsFailed": job.failed,
    }
    return told | ({"errorMessage": job.error} if job.error else {})


_INGEST: Final = f"{DATA}/jobs/ingest"
_LOAD: Final = f"{_INGEST}/{{job_id}}"
routes = [
    Route(_INGEST, create_load, methods=["POST"]),
    Route(_INGEST, list_loads),
    Route(_LOAD, show_load),
    Route(_LOAD, change_load, methods=["PATCH"]),
    Route(_LOAD, delete_load, methods=["DELETE"]),
    Route(f"{_LOAD}/batches", upload, methods=["PUT"]),
    Route(f"{_LOAD}/{{results}}", load_results),
]
