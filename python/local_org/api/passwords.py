"""A user's password over REST: whether it has expired, a new one, one that nobody has chosen.

SOAP's ``setPassword`` and ``resetPassword`` follow the same rules.
Source: the REST reference, "sObject User Password".
"""

from __future__ import annotations

import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.wire import DATA, json_object, json_response, no_content
from local_org.errors import OrgError, not_found
from local_org.ids import id18, is_id
from local_org.org import Org, Session

_BYTES: Final = 9


def random_password() -> str:
    """Return a password that nobody has chosen."""
    return secrets.token_urlsafe(_BYTES)


def check_may_set(org: Org, session: Session, user_id: str) -> None:
    """Refuse to set one's own password where the org's settings do not allow it.

    :raises OrgError: ``INSUFFICIENT_ACCESS``.
    """
    if user_id == session.user_id and not org.has_feature("EnableSetPasswordInApi"):
        raise OrgError("INSUFFICIENT_ACCESS", "Cannot set password for self")


def whose(org: Org, session: Session, user_id: str) -> str:
    """Return the id, in 18 characters, of a user whose password the caller may set.

    That is oneself, or anybody for who manages users.

    :raises OrgError: ``INSUFFICIENT_ACCESS``; ``INVALID_CROSS_REFERENCE_KEY`` without such a user.
    """
    user_id = id18(user_id)
    may_manage = "ManageUsers" in org.access(session).permissions
    if user_id != session.user_id and not may_manage:
        raise OrgError("INSUFFICIENT_ACCESS", "insufficient access rights on object id")
    if org.store.row("User", user_id) is None:
        raise OrgError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    return user_id


async def is_expired(request: Request) -> Response:
    """GET whether the password has expired; here none does."""
    _user(request)
    return json_response({"isExpired": False})


async def set_password(request: Request) -> Response:
    """POST a new password."""
    user_id = _user(request)
    password = (await json_object(request)).get("NewPassword")
    if not isinstance(password, str) or not password:
        raise OrgError("INVALID_NEW_PASSWORD", "Your password cannot be blank", ("NewPassword",))
    check_may_set(request.state.org, request.state.session, user_id)
    request.state.context.clients.set_password(user_id, password)
    return no_content()


async def reset_password(request: Request) -> Response:
    """DELETE the password: the answer tells the new one."""
    user_id, password = _user(request), random_password()
    request.state.context.clients.set_password(user_id, password)
    return json_response({"NewPassword": password})


def _user(request: Request) -> str:
    user_id = request.path_params["user_id"]
    if not is_id(user_id) or request.state.org.store.row("User", id18(user_id)) is None:
        raise not_found()
    return whose(request.state.org, request.state.session, user_id)


_PASSWORD: Final = f"{DATA}/sobjects/User/{{user_id}}/password"
routes = [
    Route(_PASSWORD, is_expired),
    Route(_PASSWORD, set_password, methods=["POST"]),
    Route(_PASSWORD, reset_password, methods=["DELETE"]),
]
