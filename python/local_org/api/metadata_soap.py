"""Metadata SOAP API: deploy, retrieve, listings. What was asked for is done when its call returns.

The state that clients ask for afterwards is read from what was kept, so it outlives a restart.
Source: facts/real-clients.md 5.9.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any, Final

from lxml import etree
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.deploy_answers import told
from local_org.api.metadata_call import Call, Markup, child_of, children_of, text_of, texts_of
from local_org.api.metadata_crud import OPERATIONS as CRUD_OPERATIONS
from local_org.api.soap import answer, elements, fault, read_envelope
from local_org.api.wire import read_body
from local_org.errors import OrgError
from local_org.metadata.results import DeployOptions, FileProperties, RetrieveRequest, truth
from local_org.metadata.types import children_of as parts_of
from local_org.org import Org

_METADATA: Final = "http://soap.sforce.com/2006/04/metadata"
_BODY_LIMIT_BYTES: Final = 64 * 1024 * 1024
"""A zip of 39 MB, which is the platform's limit, is 52 MB in Base64."""
_DEPLOY_PREFIX: Final = "0Af"


async def metadata(request: Request) -> Response:
    """POST an envelope."""
    try:
        envelope = read_envelope(await read_body(request, _BODY_LIMIT_BYTES), _OPERATIONS)
        envelope.enter(request)
        org: Org = request.state.org
        version: str = request.path_params["version"]
        call = Call(org, envelope.session(org, version), envelope, version)
        result = _OPERATIONS[envelope.operation](call)
    except OrgError as error:
        return fault(error, _METADATA)
    content = result if isinstance(result, Markup) else elements("result", result)
    return answer(envelope.operation, content, _METADATA, _METADATA)


# Deploy --------------------------------------------------------------------------------------


def _deploy(call: Call) -> Any:
    """Deploy ``ZipFile`` as ``DeployOptions`` says; it may be empty."""
    options = child_of(call.envelope.element, "DeployOptions")
    given: dict[str, Any] = {}
    for each in () if options is None else options:
        given[etree.QName(each).localname] = each.text
    given["runTests"] = texts_of(options, "runTests")
    try:
        zip_bytes = base64.b64decode(call.argument("ZipFile"))
    except binascii.Error:
        raise OrgError("INVALID_OPERATION", "ZipFile is not Base64") from None
    result = call.org.deploy(call.session, zip_bytes, DeployOptions.read(given))
    return _queued(result.id)


def _deploy_recent_validation(call: Call) -> Any:
    return call.org.quick_deploy(call.session, call.argument("validationId")).id


def _check_deploy_status(call: Call) -> Any:
    result = call.org.deploy_result(call.session, call.argument("asyncProcessId"))
    return told(result, details=truth(call.argument("includeDetails"), default=False))


def _cancel_deploy(call: Call) -> Any:
    result = call.org.cancel_deploy(call.session, call.argument("id"))
    return {"done": result.done, "id": result.id}


# Retrieve ------------------------------------------------------------------------------------


def _retrieve(call: Call) -> Any:
    """Retrieve what ``retrieveRequest`` or ``request`` names; clients use both words."""
    asked = child_of(call.envelope.element, "retrieveRequest", "request")
    if asked is None:
        raise OrgError("INVALID_OPERATION", "retrieveRequest is missing")
    types: dict[str, tuple[str, ...]] = {}
    version = text_of(asked, "apiVersion") or call.version
    unpackaged = child_of(asked, "unpackaged")
    for block in children_of(unpackaged, "types"):
        name = text_of(block, "name")
        types[name] = (*types.get(name, ()), *texts_of(block, "members"))
    request = RetrieveRequest(
        types,
        tuple(texts_of(asked, "packageNames")),
        truth(text_of(asked, "singlePackage"), default=False),
        text_of(unpackaged, "version") or version,
    )
    return _queued(call.org.retrieve_metadata(call.session, request).id)


def _check_status(call: Call) -> Any:
    """Tell that a deploy or retrieve has come to its end; the old way, of three calls."""
    process_id = call.argument("asyncProcessId")
    if process_id.startswith(_DEPLOY_PREFIX):
        call.org.deploy_result(call.session, process_id)
    else:
        call.org.retrieve_result(call.session, process_id)
    return {"done": True, "id": process_id, "state": "Completed"}


def _check_retrieve_status(call: Call) -> Any:
    result = call.org.retrieve_result(call.session, call.argument("asyncProcessId"))
    with_zip = truth(call.argument("includeZip"), default=True)
    return {
        "done": True,
        "fileProperties": [_properties(each) for each in result.files],
        "id": result.id,
        "messages": [{"fileName": name, "problem": text} for name, text in result.problems],
        "status": "Succeeded",
        "success": True,
        "zipFile": base64.b64encode(result.zip_file).decode() if with_zip else None,
    }


# Listings ------------------------------------------------------------------------------------


def _describe_metadata(call: Call) -> Any:
    described = [
        {
            "childXmlNames": sorted(parts_of(kind.name)),
            "directoryName": kind.directory,
            "inFolder": kind.in_folder,
            "metaFile": kind.meta_file,
            "suffix": kind.suffix,
            "xmlName": kind.name,
        }
        for kind in call.org.describe_metadata()
    ]
    return {
        "metadataObjects": described,
        "organizationNamespace": "",
        "partialSaveAllowed": True,
        "testRequired": False,
    }


def _list_metadata(call: Call) -> Any:
    queries = [
        (text_of(query, "type"), text_of(query, "folder") or None)
        for query in children_of(call.envelope.element, "queries")
    ]
    return [_properties(each) for each in call.org.list_metadata(call.session, queries)]


def _properties(each: FileProperties) -> dict[str, Any]:
    return {
        "createdById": each.created_by,
        "createdByName": each.created_by_name,
        "createdDate": each.created_date or None,
        "fileName": each.file_name,
        "fullName": each.full_name,
        "id": each.id,
        "lastModifiedById": each.modified_by,
        "lastModifiedByName": each.modified_by_name,
        "lastModifiedDate": each.modified_date or None,
        "manageableState": "unmanaged",
        "type": each.type,
    }


_OPERATIONS: Final[dict[str, Callable[[Call], Any]]] = {
    "deploy": _deploy,
    "deployRecentValidation": _deploy_recent_validation,
    "checkDeployStatus": _check_deploy_status,
    "retrieve": _retrieve,
    "checkStatus": _check_status,
    "checkRetrieveStatus": _check_retrieve_status,
    "describeMetadata": _describe_metadata,
    "listMetadata": _list_metadata,
    "cancelDeploy": _cancel_deploy,
    **CRUD_OPERATIONS,
}


def _queued(process_id: str) -> dict[str, Any]:
    """Return the answer of a call that a real org would only have queued."""
    return {"done": False, "id": process_id, "state": "Queued"}


routes = [
    Route("/services/Soap/m/{version}", metadata, methods=["POST"]),
    Route("/services/Soap/m/{version}/{org_id}", metadata, methods=["POST"]),
    Route("/services/Soap/m/{version}/deployRequest/{process_id}", metadata, methods=["POST"]),
]
