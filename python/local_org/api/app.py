"""The org over HTTP, as one list of handlers that every request passes in order."""

from __future__ import annotations

import asyncio
import logging
import re
import string
import uuid
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Message, Receive, Scope, Send

from local_org.api import (
    actions,
    admin,
    analytics,
    bulk1,
    bulk1_wire,
    bulk2,
    bulk2_queries,
    collections,
    composite,
    list_views,
    metadata_rest,
    metadata_soap,
    oauth,
    partner_soap,
    passwords,
    pubsub_schemas,
    query,
    recent,
    relationships,
    rest,
    search,
    soap,
    tooling,
    tree,
)
from local_org.api.compression import compress
from local_org.api.errors import method_not_allowed, rest_errors, unexpected
from local_org.api.orgs import Orgs, enter
from local_org.api.versions import LATEST, check_version, version_of
from local_org.api.wire import client_name
from local_org.errors import OrgError, not_found

ROUTES: Final[tuple[Route, ...]] = (
    *admin.routes,
    *actions.routes,
    *oauth.routes,
    *composite.routes,
    *tree.routes,
    *collections.routes,
    *query.routes,
    *tooling.routes,
    *metadata_rest.routes,
    *analytics.routes,
    *passwords.routes,
    *search.routes,
    *recent.routes,
    *list_views.routes,
    *pubsub_schemas.routes,
    *relationships.routes,
    *rest.routes,
    *bulk1.routes,
    *bulk2.routes,
    *bulk2_queries.routes,
    *metadata_soap.routes,
    *partner_soap.routes,
)
"""Every path of the org; the first that fits answers."""

_OPEN: Final = frozenset(
    {
        "/services/data",
        "/services/oauth2/token",
        "/services/oauth2/authorize",
        "/services/oauth2/revoke",
        "/services/oauth2/introspect",
    }
)
"""Paths for which nobody has to say who they are."""
_SOAP: Final = "/services/Soap/"
_SELF_AUTHENTICATED: Final = (_SOAP, "/local-org/")
_BULK: Final = "/services/async/"
_COUNTED: Final = ("/services/data/", _BULK, _SOAP)
_OVERRIDE: Final = "_HttpMethod"
_OVERRIDING: Final = ("DELETE", "GET", "HEAD", "PATCH", "PUT")
_SLASHES: Final = re.compile(r"/{2,}")
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "none",
    "Server": "sfdcedge",
}
"""What every answer carries; a real org's HSTS would forbid plain HTTP to all of ``localhost``.

Source: facts/org-behaviour.md 2.
"""
_NO_STORE: Final = "no-cache,must-revalidate,max-age=0,no-store,private"

_log = logging.getLogger("local_org")
Handler = Callable[[Request], Awaitable[Response | None]]


# -- handlers: each lets the request pass with None, answers it, or raises OrgError --------------


async def number(request: Request) -> None:
    """Give the request the id that its answer and the log will bear."""
    request.state.request_id = uuid.uuid4().hex


async def strike(request: Request) -> None:
    """Let a fault that was asked for happen; the controls of the org are exempt."""
    if not request.scope["path"].startswith("/local-org/"):
        await request.state.context.faults.on_request(request, _token(request))


async def authenticate(request: Request) -> None:
    """Find out who calls, where the protocol does not do so itself."""
    path = request.scope["path"]
    if path in _OPEN or path.startswith(_SELF_AUTHENTICATED):
        return
    protocol = "bulkapi" if path.startswith(_BULK) else "rest"
    version = version_of(path) or f"{LATEST}.0"
    request.state.session = request.state.org.session(
        _token(request), api=f"{protocol}/{version}", client=client_name(request)
    )


async def version(request: Request) -> None:
    """Refuse versions that the org does not serve."""
    check_version(request.scope["path"])


async def count(request: Request) -> None:
    """Count the call against the day's allowance."""
    if request.scope["path"].startswith(_COUNTED):
        request.state.org.count_call()


async def route(request: Request) -> Response:
    """Answer by the first route that fits.

    :raises OrgError: 404 when none does.
    """
    others: set[str] = set()
    for each in ROUTES:
        match, found = each.matches(request.scope)
        if match is Match.FULL:
            request.scope.update(found)
            answer: Response = await each.endpoint(request)
            return answer
        if match is Match.PARTIAL:
            others |= each.methods or set()
    if others:
        return method_not_allowed(request.method, others)
    raise not_found()


HANDLERS: Final[tuple[Handler, ...]] = (number, strike, authenticate, version, count, route)
_INNER: Final[tuple[Handler, ...]] = (version, route)
"""What the parts of a composite request pass: the whole has passed the others."""


# -- the application ------------------------------------------------------------------------------


class App:
    """ASGI application of a server's orgs."""

    def __init__(self, orgs: Orgs) -> None:
        self._orgs = orgs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"expected an HTTP request, got {scope['type']}")
        scope["path"] = _plain_path(scope["path"])
        scope["state"] = {"orgs": self._orgs}
        request = Request(scope, receive)
        scope["method"] = _method(request)
        enter(request, self._orgs.of_token(_token(request)))
        request.state.dispatch = self._dispatch(request)
        try:
            response = await _answer(request, HANDLERS)
        except ClientDisconnect:
            return
        _dress(request, response)
        compress(request, response)
        if request.method == "HEAD":
            response.body = b""  # its headers are those of GET, the length among them
        await response(scope, receive, send)

    def _dispatch(self, outer: Request) -> Callable[..., Awaitable[Response]]:
        """Return what answers inner requests in the session of ``outer``."""

        async def dispatch(
            method: str, url: str, headers: Mapping[str, str], body: bytes
        ) -> Response:
            scope = _inner_scope(outer, method, url, headers)
            received = iter([{"type": "http.request", "body": body, "more_body": False}])

            async def receive() -> Message:
                return next(received)

            return await _answer(Request(scope, receive), _INNER)

        return dispatch


async def _answer(request: Request, handlers: tuple[Handler, ...]) -> Response:
    """Return the first answer; of a bug only the request's id is told."""
    try:
        for handler in handlers:
            response = await handler(request)
            if response is not None:
                return response
    except OrgError as error:
        return _refusal(request, error)
    except (ClientDisconnect, asyncio.CancelledError):
        raise
    except Exception:  # noqa: BLE001 - a bug of ours must not end the connection
        request_id = request.state.request_id
        _log.exception(
            "request %s failed: %s %s", request_id, request.method, request.scope["path"]
        )
        return unexpected(request_id)
    raise AssertionError("no handler answered")


def _refusal(request: Request, error: OrgError) -> Response:
    """Return an error as the protocol of the path words it; who is down speaks none."""
    path = request.scope["path"]
    if path.startswith(_BULK):
        return bulk1_wire.error_answer(request, error)
    if path.startswith(_SOAP) and error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return soap.refusal(error)
    return rest_errors([error])


def _dress(request: Request, response: Response) -> None:
    """Put the platform's own headers on an answer."""
    for name, value in _HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", _NO_STORE)
    request_id = request.state.request_id
    response.headers["Date"] = formatdate(request.state.org.clock.now().timestamp(), usegmt=True)
    response.headers["X-SFDC-Request-Id"] = response.headers["X-Request-Id"] = request_id
    if request.scope["path"].startswith("/services/data/"):
        used, allowed = request.state.org.api_usage()
        response.headers["Sforce-Limit-Info"] = f"api-usage={used}/{allowed}"


def _token(request: Request) -> str:
    """Return the access token: Bearer or OAuth, Bulk's own header, or ``?oauth_token=``."""
    if request.scope["path"].startswith(_BULK):
        return request.headers.get("x-sfdc-session", "")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() in ("bearer", "oauth"):
        return token.strip()
    return request.query_params.get("oauth_token", "")


def _method(request: Request) -> str:
    """Return the method that is meant: a POST can name another, where a client knows no PATCH.

    Source: the REST reference, "Update a Record".
    """
    meant = request.query_params.get(_OVERRIDE, "").upper()
    return meant if request.method == "POST" and meant in _OVERRIDING else request.method


def _plain_path(path: str) -> str:
    """Return the path without doubled and trailing slashes.

    >>> _plain_path("//services/data/v66.0/query/")
    '/services/data/v66.0/query'
    """
    return _SLASHES.sub("/", path).rstrip("/") or "/"


def _inner_scope(outer: Request, method: str, url: str, headers: Mapping[str, str]) -> Scope:
    """Return the scope of an inner request; its URL may hold blanks and letters as they are."""
    path, _, query_string = url.partition("?")
    lower = {name.lower(): value for name, value in headers.items()}
    return {
        **outer.scope,
        "method": method,
        "path": _plain_path(unquote(path)),
        "raw_path": path.encode(),
        "query_string": quote(query_string, safe=string.printable).encode(),
        "headers": [(name.encode(), value.encode()) for name, value in lower.items()],
        "path_params": {},
        "state": dict(outer.scope["state"]),
    }
