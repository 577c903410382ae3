"""The org's errors as REST words them: an array of ``message``, ``errorCode`` and ``fields``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from starlette.responses import Response

from local_org.api.wire import json_response
from local_org.errors import OrgError


def rest_errors(errors: Sequence[OrgError], *, saving: bool = False) -> Response:
    """Answer with these errors and the HTTP status of the first.

    ``saving``: errors of a write carry ``fields`` even where there are none.
    """
    return json_response([rest_entry(e, saving=saving) for e in errors], errors[0].status)


def rest_entry(error: OrgError, *, saving: bool = False) -> dict[str, Any]:
    """Return one error of the array; a 404 has its code first, as recorded from a real org."""
    if error.status == 404:
        return {"errorCode": error.code, "message": error.message}
    entry: dict[str, Any] = {"message": error.message, "errorCode": error.code}
    if error.fields or saving:
        entry["fields"] = list(error.fields)
    return entry


def collection_entry(error: OrgError) -> dict[str, Any]:
    """Return one error of a Collections item: ``statusCode``, and always ``fields``."""
    return {
        "statusCode": error.code,
        "message": error.message,
        "fields": list(error.fields),
    }


def method_not_allowed(method: str, allowed: Iterable[str]) -> Response:
    """405: the path exists, but not for this method."""
    names = ",".join(sorted(allowed))
    message = f"HTTP Method '{method}' not allowed. Allowed are {names}"
    refused = OrgError("METHOD_NOT_ALLOWED", message, status=405)
    response = rest_errors([refused])
    response.headers["Allow"] = names
    return response


def unexpected(request_id: str) -> Response:
    """500: a bug of ours; the request id finds its traceback in the log."""
    text = (
        "An unexpected error occurred. Please include this ErrorId if you contact support: "
        f"{request_id}"
    )
    return rest_errors([OrgError("UNKNOWN_EXCEPTION", text, status=500)])
