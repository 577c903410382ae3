"""Metadata SOAP API: deploy, retrieve, listings. What was asked for is done when its call returns.

The state that clients ask for afterwards is read from what was kept, so it outlives a restart.
Source: facts/real-clients.md 5.9.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.deploy_answers import told
from local_org.api.soap import Envelope, answer, elements, fault, read_envelope
from local_org.api.wire import read_body
from local_org.errors import OrgError
from local_org.metadata.results import DeployOptions, FileProperties, RetrieveRequest, truth
from local_org.metadata.types import described_children
from local_org.org import Org, Session

_METADATA: Final = "http://soap.sforce.com/2006/04/metadata"
_BODY_LIMIT_BYTES: Final = 64 * 1024 * 1024
"""A zip of 39 MB, which is the platform's limit, is 52 MB in Base64."""
_DEPLOY_PREFIX: Final = "0Af"


@dataclass(frozen=True, slots=True)
class _Call:
    """One authenticated request."""

    org: Org
    session: Session
    envelope: Envelope
    version: str

    def argument(self, name: str) -> str:
        """Return an argument in any case of its first letter, or nothing."""
        return _text(self.envelope.element, name)


async def metadata(request: Request) -> Response:
    """POST an envelope."""
    try:
        envelope = read_envelope(await read_body(request, _BODY_LIMIT_BYTES), _OPERATIONS)
        envelope.enter(request)
        org: Org = request.state.org
        version: str = request.path_params["version"]
        call = _Call(org, envelope.session(org, version), envelope, version)
        result = _OPERATIONS[envelope.operation](call)
    except OrgError as error:
        return fault(error, _METADATA)
    return answer(envelope.operation, elements("result", result), _METADATA, _METADATA)


# Deploy --------------------------------------------------------------------------------------


def _deploy(call: _Call) -> Any:
    """Deploy ``ZipFile`` as ``DeployOptions`` says; it may be empty."""
    options = _child(call.envelope.element, "DeployOptions")
    given = {} if options is None else {etree.QName(e).localname: e.text for e in options}
    try:
        zip_bytes = base64.b64decode(call.argument("ZipFile"))
    except binascii.Error:
        raise OrgError("INVALID_OPERATION", "ZipFile is not Base64") from None
    result = call.org.deploy(call.session, zip_bytes, DeployOptions.read(given))
    return _queued(result.id)


def _deploy_recent_validation(call: _Call) -> Any:
    return call.org.quick_deploy(call.session, call.argument("validationId")).id


def _check_deploy_status(call: _Call) -> Any:
    result = call.org.deploy_result(call.session, call.argument("asyncProcessId"))
    return told(result, details=truth(call.argument("includeDetails"), default=False))


# Retrieve ------------------------------------------------------------------------------------


def _retrieve(call: _Call) -> Any:
    """Retrieve what ``retrieveRequest`` or ``request`` names; clients use both words."""
    asked = _child(call.envelope.element, "retrieveRequest", "request")
    if asked is None:
        raise OrgError("INVALID_OPERATION", "retrieveRequest is missing")
    types: dict[str, tuple[str, ...]] = {}
    version = _text(asked, "apiVersion") or call.version
    unpackaged = _child(asked, "unpackaged")
    for block in _children(unpackaged, "types"):
        name = _text(block, "name")
        types[name] = (*types.get(name, ()), *_texts(block, "members"))
    request = RetrieveRequest(
        types,
        tuple(_texts(asked, "packageNames")),
        truth(_text(asked, "singlePackage"), default=False),
        _text(unpackaged, "version") or version,
    )
    return _queued(call.org.retrieve_metadata(call.session, request).id)


def _check_status(call: _Call) -> Any:
    """Tell that a deploy or retrieve has come to its end; the old way, of three calls."""
    process_id = call.argument("asyncProcessId")
    if process_id.startswith(_DEPLOY_PREFIX):
        call.org.deploy_result(call.session, process_id)
    else:
        call.org.retrieve_result(call.session, process_id)
    return {"done": True, "id": process_id, "state": "Completed"}


def _check_retrieve_status(call: _Call) -> Any:
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


def _describe_metadata(call: _Call) -> Any:
    described = [
        {
            "childXmlNames": list(described_children(kind)),
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


def _list_metadata(call: _Call) -> Any:
    queries = [
        (_text(query, "type"), _text(query, "folder") or None)
        for query in _children(call.envelope.element, "queries")
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


_OPERATIONS: Final[dict[str, Callable[[_Call], Any]]] = {
    "deploy": _deploy,
    "deployRecentValidation": _deploy_recent_validation,
    "checkDeployStatus": _check_deploy_status,
    "retrieve": _retrieve,
    "checkStatus": _check_status,
    "checkRetrieveStatus": _check_retrieve_status,
    "describeMetadata": _describe_metadata,
    "listMetadata": _list_metadata,
}


def _queued(process_id: str) -> dict[str, Any]:
    """Return the answer of a call that a real org would only have queued."""
    return {"done": False, "id": process_id, "state": "Queued"}


# Reading ---------------------------------------------------------------------------------------


def _children(element: etree._Element | None, *names: str) -> list[etree._Element]:
    """Return the children of these names, whose first letter may stand in any case."""
    wanted = {name[:1].lower() + name[1:] for name in names}
    return [
        each
        for each in (() if element is None else element)
        if (tag := etree.QName(each).localname) and tag[:1].lower() + tag[1:] in wanted
    ]


def _child(element: etree._Element | None, *names: str) -> etree._Element | None:
    return next(iter(_children(element, *names)), None)


def _texts(element: etree._Element | None, name: str) -> list[str]:
    return [(each.text or "").strip() for each in _children(element, name)]


def _text(element: etree._Element | None, name: str) -> str:
    return next(iter(_texts(element, name)), "")


routes = [
    Route("/services/Soap/m/{version}", metadata, methods=["POST"]),
    Route("/services/Soap/m/{version}/{org_id}", metadata, methods=["POST"]),
]
