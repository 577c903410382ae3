"""Partner SOAP API: sessions and passwords here, records and actions in the modules beside it.

Source: facts/real-clients.md 5.11; facts/org-behaviour.md 4.
"""

from __future__ import annotations

import re
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api import partner_actions, partner_records
from local_org.api.clients import GrantRefused
from local_org.api.orgs import enter
from local_org.api.partner_call import Call, Operation
from local_org.api.partner_sobjects import SOBJECT
from local_org.api.passwords import check_may_set, random_password, whose
from local_org.api.soap import FAULT, answer, elements, fault, read_envelope
from local_org.api.wire import read_body
from local_org.errors import OrgError

_PARTNER: Final = "urn:partner.soap.sforce.com"
_SESSION_HOURS: Final = 2
_ROW_AND_COLUMN: Final = re.compile(r"ERROR at Row:(\d+):Column:(\d+)")
_FAULTS: Final = {
    "INVALID_LOGIN": "LoginFault",
    "INVALID_TYPE": "InvalidSObjectFault",
    "INVALID_FIELD": "InvalidFieldFault",
    "MALFORMED_QUERY": "MalformedQueryFault",
    "INVALID_QUERY_LOCATOR": "InvalidQueryLocatorFault",
    "MALFORMED_ID": "InvalidIdFault",
}
"""Code → element of the detail; every other code has ``UnexpectedErrorFault``. Source: the WSDL."""
_PLACED: Final = frozenset({"InvalidSObjectFault", "InvalidFieldFault", "MalformedQueryFault"})
"""Faults that tell a row and a column."""
_BAD_LOGIN = OrgError(
    "INVALID_LOGIN", "Invalid username, password, security token; or user locked out."
)


async def partner(request: Request) -> Response:
    """POST an envelope."""
    try:
        call = Call(request, read_envelope(await read_body(request), OPERATIONS))
        call.envelope.enter(request)
        result = OPERATIONS[call.envelope.operation](call)
    except OrgError as error:
        kind = _FAULTS.get(error.code, "UnexpectedErrorFault")
        return fault(error, FAULT, kind, _place(error) if kind in _PLACED else "")
    return answer(call.envelope.operation, result, _PARTNER, SOBJECT)


def _place(error: OrgError) -> str:
    """Write where in a query the error is; -1 where there is no query."""
    found = _ROW_AND_COLUMN.search(error.message)
    row, column = found.groups() if found else ("-1", "-1")
    return f"<sf:row>{row}</sf:row><sf:column>{column}</sf:column>"


def _login(call: Call) -> str:
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


def _get_user_info(call: Call) -> str:
    return elements("result", _user_info(call, call.session.username))


def _set_password(call: Call) -> str:
    """Set one's own password where the org's settings allow it, or somebody else's."""
    user_id = whose(call.org, call.session, call.text("userId"))
    check_may_set(call.org, call.session, user_id)
    call.clients.set_password(user_id, call.envelope.arguments.get("password", ""))
    return "<result/>"


def _logout(call: Call) -> str:
    call.org.expire(call.session.token)
    return ""


def _reset_password(call: Call) -> str:
    """Give a user a password that nobody has chosen."""
    user_id = whose(call.org, call.session, call.text("userId"))
    password = random_password()
    call.clients.set_password(user_id, password)
    return elements("result", {"password": password})


def _invalidate_sessions(call: Call) -> str:
    """End sessions by their ids, which are access tokens."""
    call.admit()
    tokens = call.texts("sessionIds")
    for token in tokens:
        call.org.expire(token)
    return elements("result", [{"success": True} for _ in tokens])


OPERATIONS: Final[dict[str, Operation]] = {
    "login": _login,
    "getUserInfo": _get_user_info,
    "setPassword": _set_password,
    "resetPassword": _reset_password,
    "logout": _logout,
    "invalidateSessions": _invalidate_sessions,
    **partner_records.OPERATIONS,
    **partner_actions.OPERATIONS,
}
"""Every call of the Partner API that the org serves."""


def _user_info(call: Call, username: str) -> dict[str, Any]:
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
