"""OAuth 2: tokens by JWT, client credentials, refresh, code or password; what they are; whose.

Source: facts/real-clients.md 5.1, 5.2; facts/org-behaviour.md 3, 4.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from local_org.api.clients import ADMIN_CLIENT_ID, CLIENT_SECRET, Clients, GrantRefused
from local_org.api.orgs import enter
from local_org.api.wire import json_response, read_body
from local_org.clock import millis
from local_org.errors import OrgError, invalid_session, not_found
from local_org.org import Org, Session

_JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SCOPE: Final = "refresh_token api web full"
_NO_STORE: Final = {"Cache-Control": "no-cache, no-store"}


async def token(request: Request) -> Response:
    """POST a grant, GET an access token; refused with an OAuth error object."""
    form = await _form(request)
    try:
        _read_basic(request, form)
        enter(request, request.state.orgs.of_grant(form))
        answer = _granted(request, request.state.context.clients, form)
    except GrantRefused as refused:
        return _refusal(refused)
    return json_response(answer, headers=_NO_STORE)


async def _form(request: Request) -> dict[str, str]:
    """Return what a form and the query together say."""
    body = (await read_body(request)).decode("utf-8", "replace")
    return dict(parse_qsl(body, keep_blank_values=True)) | dict(request.query_params)


def _refusal(refused: GrantRefused) -> Response:
    content = {"error": refused.error, "error_description": refused.description}
    return json_response(content, 400, _NO_STORE)


def _granted(request: Request, clients: Clients, form: dict[str, str]) -> dict[str, Any]:
    """Return the token answer of a grant.

    :raises GrantRefused: the grant is not good.
    """
    client_id = form.get("client_id", "")
    match form.get("grant_type"):
        case grant if grant == _JWT_BEARER:
            user_id = clients.by_assertion(form.get("assertion", ""))
        case "client_credentials":
            user_id = clients.by_credentials(client_id, form.get("client_secret", ""))
        case "refresh_token":
            user_id = clients.by_refresh_token(form.get("refresh_token"))
        case "authorization_code":
            user_id = clients.by_code(form.get("code", ""))
            refresh = {"refresh_token": clients.org.grants.refresh_token(user_id)}
            return _token_answer(request, user_id, client_id) | refresh
        case "password":
            user_id = clients.by_password(form.get("username", ""), form.get("password", ""))
        case _:
            raise GrantRefused("unsupported_grant_type", "grant type not supported")
    return _token_answer(request, user_id, client_id)


def _token_answer(request: Request, user_id: str, client: str) -> dict[str, Any]:
    org: Org = request.state.org
    issued_at = str(millis(org.clock.now()))
    identity = _identity_url(request, user_id)
    signed = hmac.digest(CLIENT_SECRET.encode(), (identity + issued_at).encode(), hashlib.sha256)
    return {
        "access_token": org.login(user_id, client),
        "signature": base64.b64encode(signed).decode(),
        "scope": _SCOPE,
        "instance_url": request.state.context.base_url,
        "id": identity,
        "token_type": "Bearer",
        "issued_at": issued_at,
    }


async def authorize(request: Request) -> Response:
    """GET: approved at once, in the admin's name; the code comes with the redirect."""
    query = request.query_params
    target = urlsplit(query.get("redirect_uri", ""))
    if query.get("response_type") != "code" or target.scheme not in {"http", "https"}:
        content = {"error": "invalid_request", "error_description": "redirect_uri or type is bad"}
        return json_response(content, 400)
    answer = {"code": request.state.context.clients.authorization_code()}
    if "state" in query:
        answer["state"] = query["state"]
    joined = "&".join(filter(None, (target.query, urlencode(answer))))
    return RedirectResponse(urlunsplit(target._replace(query=joined)), 302)


async def revoke(request: Request) -> Response:
    """POST or GET an access token or a refresh token to end it."""
    ended = (await _form(request)).get("token", "")
    request.state.orgs.of_token(ended).org.expire(ended)
    request.state.orgs.of_grant({"refresh_token": ended}).org.grants.revoke(ended)
    return Response(None, 200)


async def introspect(request: Request) -> Response:
    """POST a token as a client: whether it is good, and whom it speaks for.

    The administrator's client is the one that may ask about all tokens; others learn of their own.
    """
    form = await _form(request)
    try:
        _read_basic(request, form)
        client_id = form.get("client_id", "")
        request.state.orgs.main.clients.by_credentials(client_id, form.get("client_secret", ""))
    except GrantRefused as refused:
        return _refusal(refused)
    asked = form.get("token", "")
    told = _access_told(request, asked) or _refresh_told(request, asked)
    if told is None or client_id not in (ADMIN_CLIENT_ID, told["client_id"]):
        told = {"active": False}
    return json_response(told, headers=_NO_STORE)


def _access_told(request: Request, access_token: str) -> dict[str, Any] | None:
    """Return what is known of an access token that is good; None where it is not."""
    enter(request, request.state.orgs.of_token(access_token))
    try:
        session = request.state.org.session(access_token)
    except OrgError:
        return None
    return _token_told(request, session.user_id, session.username, session.client, "access_token")


def _refresh_told(request: Request, refresh_token: str) -> dict[str, Any] | None:
    """Return what is known of a refresh token that is good; None where it is not."""
    enter(request, request.state.orgs.of_grant({"refresh_token": refresh_token}))
    org: Org = request.state.org
    user_id = org.grants.refreshed(refresh_token)
    user = user_id and org.store.row("User", user_id)
    if not user or not user["IsActive"]:
        return None
    return _token_told(request, user["Id"], user["Username"], "", "refresh_token")


def _token_told(
    request: Request, user_id: str, username: str, client: str, kind: str
) -> dict[str, Any]:
    """Tell of a token; not when it ends, for here none does by itself."""
    return {
        "active": True,
        "scope": _SCOPE,
        "client_id": client,
        "username": username,
        "sub": _identity_url(request, user_id),
        "token_type": kind,
    }


async def user_info(request: Request) -> Response:
    """GET who the token speaks for, in OpenID's words."""
    session: Session = request.state.session
    org: Org = request.state.org
    user = _user(org, session.username)
    return json_response(
        {
            "sub": _identity_url(request, session.user_id),
            "user_id": session.user_id,
            "organization_id": org.org_id,
            "preferred_username": session.username,
            "nickname": user.get("CommunityNickname") or user.get("Alias"),
            "name": user.get("Name"),
            "email": user.get("Email"),
            "email_verified": True,
            "given_name": user.get("FirstName"),
            "family_name": user.get("LastName"),
            "zoneinfo": user.get("TimeZoneSidKey"),
            "urls": _urls(request),
            "active": bool(user.get("IsActive")),
            "user_type": str(user.get("UserType", "")).upper(),
            "language": user.get("LanguageLocaleKey"),
            "locale": user.get("LocaleSidKey"),
        }
    )


async def identity(request: Request) -> Response:
    """GET the identity URL: the same person, in Salesforce's own words."""
    session: Session = request.state.session
    org: Org = request.state.org
    asked = request.path_params
    if asked["org_id"][:15] != org.org_id[:15] or asked["user_id"][:15] != session.user_id[:15]:
        raise not_found()
    user = _user(org, session.username)
    return json_response(
        {
            "id": _identity_url(request, session.user_id),
            "asserted_user": True,
            "user_id": session.user_id,
            "organization_id": org.org_id,
            "username": session.username,
            "nick_name": user.get("CommunityNickname") or user.get("Alias"),
            "display_name": user.get("Name"),
            "email": user.get("Email"),
            "email_verified": True,
            "first_name": user.get("FirstName"),
            "last_name": user.get("LastName"),
            "timezone": user.get("TimeZoneSidKey"),
            "urls": _urls(request),
            "active": bool(user.get("IsActive")),
            "user_type": str(user.get("UserType", "")).upper(),
            "language": user.get("LanguageLocaleKey"),
            "locale": user.get("LocaleSidKey"),
        }
    )


async def single_access(request: Request) -> Response:
    """GET a frontdoor address. It leads nowhere: the org has no pages."""
    base = request.state.context.base_url
    one_time = secrets.token_urlsafe(24)
    return json_response({"frontdoor_uri": f"{base}/secur/frontdoor.jsp?otp={one_time}"})


def _read_basic(request: Request, form: dict[str, str]) -> None:
    """Take client id and secret from the Authorization header, where they are not in the form."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic" or "client_id" in form:
        return
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        raise GrantRefused("invalid_client", "invalid client credentials") from None
    form |= {"client_id": name, "client_secret": secret}


def _identity_url(request: Request, user_id: str) -> str:
    return f"{request.state.context.base_url}/id/{request.state.org.org_id}/{user_id}"


def _urls(request: Request) -> dict[str, str]:
    base = request.state.context.base_url
    data = f"{base}/services/data/v{{version}}"
    return {
        "enterprise": f"{base}/services/Soap/c/{{version}}/{request.state.org.org_id}",
        "metadata": f"{base}/services/Soap/m/{{version}}/{request.state.org.org_id}",
        "partner": f"{base}/services/Soap/u/{{version}}/{request.state.org.org_id}",
        "rest": f"{data}/",
        "sobjects": f"{data}/sobjects/",
        "query": f"{data}/query/",
        "tooling_rest": f"{data}/tooling/",
        "custom_domain": base,
    }


def _user(org: Org, username: str) -> dict[str, Any]:
    """Return the user's row; a session outlives its user only as an invalid one."""
    user = org.user(username)
    if user is None:
        raise invalid_session()
    return user


routes = [
    Route("/services/oauth2/token", token, methods=["POST"]),
    Route("/services/oauth2/authorize", authorize),
    Route("/services/oauth2/revoke", revoke, methods=["GET", "POST"]),
    Route("/services/oauth2/introspect", introspect, methods=["POST"]),
    Route("/services/oauth2/userinfo", user_info, methods=["GET", "POST"]),
    Route("/services/oauth2/singleaccess", single_access, methods=["GET", "POST"]),
    Route("/id/{org_id}/{user_id}", identity),
]
