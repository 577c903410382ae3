"""Metadata REST API: deploy a zip, or what a validation has checked, and ask what became of it.

Source: facts/real-clients.md 5.10.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final

import orjson
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.deploy_answers import told
from local_org.api.wire import DATA, json_object, json_response, read_body
from local_org.errors import OrgError
from local_org.metadata.results import DeployOptions, DeployResult, truth
from local_org.org import Org, Session

_BODY_LIMIT_BYTES: Final = 64 * 1024 * 1024
_MULTIPART: Final = "multipart/form-data"


async def deploy(request: Request) -> Response:
    """POST options and a zip as multipart, or the id of a validation as JSON."""
    org, session = _caller(request)
    if not request.headers.get("content-type", "").startswith(_MULTIPART):
        validation_id = str((await json_object(request)).get("validatedDeployRequestId") or "")
        result = org.quick_deploy(session, validation_id)
        return json_response({"id": result.id, "validatedDeployRequestId": validation_id}, 201)
    options, zip_bytes = await _parts(request)
    result = org.deploy(session, zip_bytes, DeployOptions.read(options))
    return json_response(
        {"id": result.id, "deployResult": told(result.queued(), details=False)}, 201
    )


async def deploy_status(request: Request) -> Response:
    """GET what became of a deploy, of each component with ``includeDetails=true``."""
    org, session = _caller(request)
    result: DeployResult = org.deploy_result(session, request.path_params["deploy_id"])
    details = truth(request.query_params.get("includeDetails"), default=False)
    return json_response({"id": result.id, "deployResult": told(result, details=details)})


async def cancel_deploy(request: Request) -> Response:
    """PATCH a deploy that is to be canceled."""
    org, session = _caller(request)
    asked = (await json_object(request)).get("deployResult")
    if not isinstance(asked, Mapping) or asked.get("status") != "Canceling":
        raise OrgError("INVALID_FIELD", 'expected {"deployResult": {"status": "Canceling"}}')
    result = org.cancel_deploy(session, request.path_params["deploy_id"])
    return json_response({"id": result.id, "deployResult": told(result, details=False)}, 202)


async def _parts(request: Request) -> tuple[Mapping[str, Any], bytes]:
    """Return options and zip, told apart by their content: names and order differ among clients.

    :raises OrgError: there is no zip, or the options are no JSON object.
    """
    body = await read_body(request, _BODY_LIMIT_BYTES)

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        form = await MultiPartParser(request.headers, stream()).parse()
    except MultiPartException as error:
        raise OrgError("INVALID_MULTIPART_REQUEST", error.message) from None
    options: Mapping[str, Any] = {}
    zip_bytes: bytes | None = None
    for _, part in form.multi_items():
        if isinstance(part, UploadFile) and "json" not in (part.content_type or ""):
            zip_bytes = await part.read()
        else:
            options = _options(await part.read() if isinstance(part, UploadFile) else part)
    await form.close()
    if zip_bytes is None:
        raise OrgError("INVALID_MULTIPART_REQUEST", "No zip file found in the request")
    return options, zip_bytes


def _options(text: str | bytes) -> Mapping[str, Any]:
    try:
        told_options = orjson.loads(text)["deployOptions"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise OrgError("JSON_PARSER_ERROR", "deployOptions are missing or no JSON") from None
    return told_options if isinstance(told_options, Mapping) else {}


def _caller(request: Request) -> tuple[Org, Session]:
    return request.state.org, request.state.session


_DEPLOY = f"{DATA}/metadata/deployRequest"
routes = [
    Route(_DEPLOY, deploy, methods=["POST"]),
    Route(f"{_DEPLOY}/{{deploy_id}}", deploy_status, methods=["GET"]),
    Route(f"{_DEPLOY}/{{deploy_id}}", cancel_deploy, methods=["PATCH"]),
]
