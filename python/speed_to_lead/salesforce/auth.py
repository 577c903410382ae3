"""Access tokens, by each way to log in. Nothing here is ever logged."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

import httpx
import jwt

from speed_to_lead.errors import AuthenticationFailed, InvalidId, OrgUnavailable, UsageError
from speed_to_lead.ids import OrgId, UserId, org_id, user_id
from speed_to_lead.settings import Settings, read_secret

_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_JWT_SECONDS = 180
_LATER = frozenset({"server_error", "temporarily_unavailable", "unknown_error"})
"""Answers of the token endpoint that say nothing about the credentials."""
_REDACTED = "[REDACTED]"


@dataclass(frozen=True, slots=True)
class Token:
    """What a call to the org needs."""

    access_token: str
    instance_url: str
    org_id: OrgId
    user_id: UserId | None

    def __repr__(self) -> str:
        return f"Token({self.org_id}, {self.instance_url})"


async def log_in(settings: Settings, http: httpx.AsyncClient) -> Token:
    """Return a new token.

    :raises AuthenticationFailed: the org refuses the credentials; the message says what to check.
    :raises UsageError: a key or secret file cannot be read.
    :raises OrgUnavailable: the org does not answer.
    """
    if settings.auth == "sf":
        return await _from_sf(settings, http)
    if settings.auth == "access_token":
        return await _known(settings.secret("access_token"), settings.instance_url, http)
    answer = await _post(settings, http, _grant(settings))
    return _token(answer, settings.instance_url)


def _grant(settings: Settings) -> dict[str, str]:
    """Return the form of the grant that the settings ask for."""
    if settings.auth == "jwt":
        return {"grant_type": _JWT_BEARER, "assertion": _assertion(settings)}
    grant = {"grant_type": settings.auth, "client_id": settings.client_id}
    if settings.auth == "refresh_token":
        grant["refresh_token"] = settings.secret("refresh_token")
    if secret := settings.secret("client_secret"):
        grant["client_secret"] = secret
    return grant


def _assertion(settings: Settings) -> str:
    """Return a signed JWT for the integration user.

    :raises UsageError: the key file holds no RSA key in PEM.
    """
    path = settings.jwt_key_file
    if path is None:
        raise UsageError("SPEED_TO_LEAD_JWT_KEY_FILE is not set")
    claims = {
        "iss": settings.client_id,
        "sub": settings.username,
        "aud": _login_url(settings),
        "exp": int(time.time()) + _JWT_SECONDS,
    }
    try:
        return jwt.encode(claims, read_secret(path), algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        raise UsageError(
            f"{path} holds no RSA private key in PEM: {type(error).__name__}"
        ) from None


def _login_url(settings: Settings) -> str:
    return (settings.login_url or settings.instance_url).rstrip("/")


async def _post(
    settings: Settings, http: httpx.AsyncClient, form: dict[str, str]
) -> dict[str, Any]:
    url = f"{_login_url(settings)}/services/oauth2/token"
    try:
        answer = await http.post(url, data=form)
    except httpx.HTTPError as error:
        raise unreachable(url, error) from error
    body: dict[str, Any] = _object(answer)
    code = body.get("error", answer.status_code)
    if answer.status_code >= 500 or answer.status_code == 429 or code in _LATER:
        raise OrgUnavailable(f"{url}: {code}")
    if answer.is_error:
        told = " ".join(str(body.get("error_description", "")).split())
        raise AuthenticationFailed(
            f"{url} refuses the credentials ({code}: {told}): check the private key or secret, the "
            "consumer key, and that the user is approved for the app"
        )
    return body


def unreachable(url: str, error: httpx.HTTPError) -> Exception:
    """Return what an operator can do about a connection that failed."""
    text = str(error) or type(error).__name__
    if "CERTIFICATE" in text.upper():
        return UsageError(
            f"{url} has a certificate that is not trusted ({text}): set SPEED_TO_LEAD_CA_FILE"
        )
    return OrgUnavailable(f"{url} does not answer: {text}")


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _token(answer: dict[str, Any], instance_url: str) -> Token:
    """Read a token answer; the identity URL ends in the ids of org and user."""
    identity = str(answer.get("id", "")).split("/")
    try:
        org, user = org_id(identity[-2]), user_id(identity[-1])
        access_token = str(answer["access_token"])
    except (IndexError, KeyError, InvalidId) as error:
        raise AuthenticationFailed(
            f"expected a token answer with an identity URL: {error}"
        ) from error
    url = str(answer.get("instance_url") or instance_url)
    return Token(access_token, url.rstrip("/"), org, user)


async def _known(access_token: str, instance_url: str, http: httpx.AsyncClient) -> Token:
    """Return a token that somebody else got, after asking the org whom it speaks for."""
    url = f"{instance_url.rstrip('/')}/services/oauth2/userinfo"
    try:
        answer = await http.get(url, headers={"Authorization": f"Bearer {access_token}"})
    except httpx.HTTPError as error:
        raise unreachable(url, error) from error
    if answer.status_code in (401, 403):
        raise AuthenticationFailed(f"{url} refuses the access token: get a new one")
    if answer.is_error:
        raise OrgUnavailable(f"{url}: {answer.status_code}")
    told = _object(answer)
    return Token(
        access_token,
        instance_url.rstrip("/"),
        org_id(str(told.get("organization_id", ""))),
        user_id(str(told.get("user_id", ""))),
    )


async def _from_sf(settings: Settings, http: httpx.AsyncClient) -> Token:
    """Return the token of an org that the Salesforce CLI is logged in to."""
    shown = await _sf("org", "display", "--target-org", settings.target_org)
    access_token = str(shown.get("accessToken", ""))
    if access_token.startswith(_REDACTED):
        shown_token = await _sf(
            "org", "auth", "show-access-token", "--target-org", settings.target_org, "--no-prompt"
        )
        access_token = str(shown_token.get("accessToken", ""))
    return await _known(access_token, str(shown.get("instanceUrl", "")), http)


async def _sf(*arguments: str) -> dict[str, Any]:
    """Return the result of a command of the Salesforce CLI."""
    try:
        process = await asyncio.create_subprocess_exec(
            "sf",
            *arguments,
            "--json",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise UsageError("SPEED_TO_LEAD_AUTH=sf needs the Salesforce CLI on PATH") from None
    out, _ = await process.communicate()
    try:
        answer: dict[str, Any] = json.loads(out)
    except ValueError:
        answer = {}
    if process.returncode or "result" not in answer:
        told = answer.get("message", f"exit code {process.returncode}")
        raise AuthenticationFailed(f"sf {' '.join(arguments[:2])}: {told}")
    result: dict[str, Any] = answer["result"]
    return result
