"""Partner SOAP API: ``login``, ``setPassword``, ``getUserInfo`` and ``logout``, and no more.

Source: facts/real-clients.md 5.11; facts/org-behaviour.md 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.clients import Clients, GrantRefused
from local_org.api.orgs import enter
from local_org.api.soap import Envelope, answer, elements, fault, read_envelope
from local_org.api.wire import read_body
from local_org.errors import OrgError
from local_org.ids import id18
from local_org.org import Org, Session

_PARTNER: Final = "urn:partner.soap.sforce.com"
_FAULT: Final = "urn:fault.partner.soap.sforce.com"
_SESSION_HOURS: Final = 2
_BAD_LOGIN = OrgError(
    "INVALID_LOGIN", "Invalid username, password, security token; or user locked out."
)


@dataclass(frozen=True, slots=True)
class _Call:
    """One request with its envelope."""

    request: Request
    envelope: Envelope

    @property
    def org(self) -> Org:
        """The org that is asked."""
        org: Org = self.request.state.org
        return org

    @property
    def clients(self) -> Clients:
        """The register of the org's clients."""
        clients: Clients = self.request.state.context.clients
        return clients

    @property
    def version(self) -> str:
        """The API version in the path."""
        version: str = self.request.path_params["version"]
        return version

    @property
    def session(self) -> Session:
        """The caller."""
        return self.envelope.session(self.org, self.version)


async def partner(request: Request) -> Response:
    """POST an envelope."""
    try:
        call = _Call(request, read_envelope(await read_body(request), _OPERATIONS))
        call.envelope.enter(request)
        result = _OPERATIONS[call.envelope.operation](call)
    except OrgError as error:
        kind = "LoginFault" if error.code == "INVALID_LOGIN" else "UnexpectedErrorFault"
        return fault(error, _FAULT, kind)
    return answer(call.envelope.operation, result, _PARTNER, _FAULT)


def _login(call: _Call) -> str:
    """Trade a user's name and password for a session; users have none until one is set."""
    arguments = call.envelope.arguments
    enter(call.request, call.request.state.orgs.of_username(arguments.get("username", "")))
    try:
        user_id = call.clients.by_password(
            arguments.get("username", ""), arguments.get("password", "")
        )
    except GrantRefused:
        raise _BAD_LOGIN from None
    base = call.request.state.context.base_url
    tail = f"{call.version}/{call.org.org_id[:15]}"
    return elements(
        "result",
        {
            "metadataServerUrl": f"{base}/services/Soap/m/{tail}",
            "passwordExpired": False,
            "sandbox": False,
            "serverUrl": f"{base}/services/Soap/u/{tail}",
            "sessionId": call.org.login(user_id, "partner"),
            "userId": user_id,
            "userInfo": _user_info(call, arguments["username"]),
        },
    )


def _get_user_info(call: _Call) -> str:
    return elements("result", _user_info(call, call.session.username))


def _set_password(call: _Call) -> str:
    """Set one's own password, or anybody's with the permission to manage users."""
    session, arguments = call.session, call.envelope.arguments
    user_id = id18(arguments.get("userId", ""))
    may_manage = "ManageUsers" in call.org.access(session).permissions
    if user_id != session.user_id and not may_manage:
        raise OrgError("INSUFFICIENT_ACCESS", "insufficient access rights on object id")
    if user_id == session.user_id and not call.org.has_feature("EnableSetPasswordInApi"):
        raise OrgError("INSUFFICIENT_ACCESS", "Cannot set password for self")
    call.clients.set_password(user_id, arguments.get("password", ""))
    return "<result/>"


def _logout(call: _Call) -> str:
    call.org.expire(call.session.token)
    return ""


_OPERATIONS: Final[dict[str, Callable[[_Call], str]]] = {
    "login": _login,
    "getUserInfo": _get_user_info,
    "setPassword": _set_password,
    "logout": _logout,
}


def _user_info(call: _Call, username: str) -> dict[str, Any]:
    user: dict[str, Any] = call.org.user(username) or {}
    row = call.org.store.row("Organization", call.org.org_id) or {}
    return {
        "organizationId": call.org.org_id,
        "organizationName": row.get("Name"),
        "profileId": user.get("ProfileId"),
        "sessionSecondsValid": _SESSION_HOURS * 3600,
        "userEmail": user.get("Email"),
        "userFullName": user.get("Name"),
        "userId": user.get("Id"),
        "userLanguage": user.get("LanguageLocaleKey"),
        "userLocale": user.get("LocaleSidKey"),
        "userName": user.get("Username"),
        "userTimeZone": user.get("TimeZoneSidKey"),
        "userType": user.get("UserType"),
    }


routes = [
    Route("/services/Soap/u/{version}", partner, methods=["POST"]),
    Route("/services/Soap/u/{version}/{org_id}", partner, methods=["POST"]),
]
