"""What the HTTP protocols of the org share: reading request bodies, writing JSON answers."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from local_org.errors import OrgError

JSON_TYPE: Final = "application/json;charset=UTF-8"
BODY_LIMIT_BYTES: Final = 50 * 1024 * 1024
"""The platform's own limit of one REST request; Bulk batches and deploy zips are smaller."""

_MOST_DIGITS: Final = 9
_MOST_LEVELS: Final = 100
"""Beyond it nothing that the org takes is nested, and walking values could exhaust the stack."""
_GZIP_OR_DEFLATE_BITS: Final = 47
"""Tells zlib to see by the first bytes which of the two it is."""

DATA: Final = "/services/data/v{version}"
"""Every REST route begins with it; one router serves all versions."""

Dispatch = Callable[[str, str, Mapping[str, str], bytes], Awaitable[Response]]
"""Answer an inner request (method, URL, headers, body) in the caller's session; never raises
``OrgError``. Inner requests run to completion without giving way to another client."""


def json_response(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Write ``content`` as the platform writes JSON: UTF-8, no space in the content type."""
    return Response(orjson.dumps(content), status, headers, JSON_TYPE)


def no_content() -> Response:
    """204: done, nothing to say."""
    return Response(None, 204)


async def read_body(request: Request, limit: int = BODY_LIMIT_BYTES) -> bytes:
    """Return the body, chunked or not, compressed or not.

    :raises OrgError: ``REQUEST_TOO_LARGE`` beyond ``limit`` bytes, counted after decompression;
        ``REQUEST_TIMEOUT`` from a client that does not come to its end.
    """
    seconds: float = request.state.context.body_seconds
    try:
        async with asyncio.timeout(seconds):
            return await _read(request, limit)
    except TimeoutError:
        text = f"The request did not arrive within {seconds:g} seconds"
        raise OrgError("REQUEST_TIMEOUT", text, status=408) from None


async def _read(request: Request, limit: int) -> bytes:
    compressed = request.headers.get("content-encoding", "").lower() in ("gzip", "deflate")
    inflate = zlib.decompressobj(wbits=_GZIP_OR_DEFLATE_BITS) if compressed else None
    body = bytearray()
    async for chunk in request.stream():
        try:
            body += inflate.decompress(chunk, limit + 1 - len(body)) if inflate else chunk
        except zlib.error as error:
            raise OrgError("MALFORMED_REQUEST", f"Body is not compressed: {error}") from error
        if len(body) > limit:
            raise OrgError("REQUEST_TOO_LARGE", f"Request exceeds {limit} bytes", status=413)
    if inflate and body and not inflate.eof:
        raise OrgError("MALFORMED_REQUEST", "Compressed body ends before its end")
    return bytes(body)


async def json_body(request: Request) -> Any:
    """Return the parsed body.

    :raises OrgError: ``JSON_PARSER_ERROR`` with line and column.
    """
    return parsed(await read_body(request))


def parsed(body: bytes) -> Any:
    """Return JSON parsed.

    :raises OrgError: ``JSON_PARSER_ERROR`` with line and column, or for what is nested too deeply.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        where = f"at [line:{error.lineno}, column:{error.colno}]"
        raise OrgError("JSON_PARSER_ERROR", f"{error.msg} {where}") from error
    if _deeper_than(value, _MOST_LEVELS):
        raise OrgError("JSON_PARSER_ERROR", f"expected at most {_MOST_LEVELS} levels of values")
    return value


def _deeper_than(value: Any, levels: int) -> bool:
    """Whether there are values within values beyond so many levels."""
    layer = [value] if isinstance(value, dict | list) else []
    for _ in range(levels):
        layer = [
            inner
            for each in layer
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
        if not layer:
            return False
    return True


async def json_object(request: Request) -> dict[str, Any]:
    """Return the parsed body, which must be a JSON object.

    :raises OrgError: ``JSON_PARSER_ERROR``.
    """
    value = await json_body(request)
    if not isinstance(value, dict):
        raise OrgError(
            "JSON_PARSER_ERROR",
            f"Can not deserialize {_json_name(value)} where an object is expected "
            "at [line:1, column:1]",
        )
    return value


def parameter(request: Request, name: str) -> str:
    """Return a required query parameter.

    :raises OrgError: ``MALFORMED_REQUEST``, naming the parameter.
    """
    value = request.query_params.get(name)
    if value is None:
        raise OrgError("MALFORMED_REQUEST", f"A required request parameter is missing: {name}")
    return value


def number_parameter(
    request: Request, name: str, default: int, code: str = "INVALID_QUERY_OPTION"
) -> int:
    """Return a query parameter that is a whole number from 0, or the default without one.

    :raises OrgError: ``code`` when it is none.
    """
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdecimal()) or len(text) > _MOST_DIGITS:
        raise OrgError(code, f"expected a number in {name}, got {text}")
    return int(text)


def client_name(request: Request) -> str:
    """Return the client's name from ``Sforce-Call-Options``, or nothing; events tell it."""
    options = request.headers.get("sforce-call-options", "")
    for option in options.split(","):
        key, _, value = option.strip().partition("=")
        if key.lower() == "client":
            return value.strip()
    return ""


def _json_name(value: object) -> str:
    if isinstance(value, list):
        return "an array"
    return "null" if value is None else f"a {type(value).__name__}"
