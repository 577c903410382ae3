"""Access tokens and whom they speak for. Only hashes are kept: a copied file opens nothing."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from local_org.errors import OrgError, invalid_session
from local_org.records.permissions import Permissions
from local_org.records.store import Store

_KIND = "$session"
_TOKEN_BYTES = 66
_DEFAULT_API = "rest/66.0"


@dataclass(frozen=True, slots=True)
class Session:
    """One authenticated caller of one request."""

    token: str
    user_id: str
    username: str
    client: str
    """Name of the client: the one of this request, else the one that logged in."""
    api: str = _DEFAULT_API
    """``rest/66.0``, ``soap/66.0``, ``bulkapi/66.0`` …: it goes into the origin of changes."""

    @property
    def origin(self) -> str:
        """``changeOrigin`` of what this caller changes. Source: facts/pubsub-cdc.md 2.6."""
        client = f";client={self.client}" if self.client else ""
        return f"com/salesforce/api/{self.api}{client}"

    @property
    def version(self) -> str:
        """The API version of the request."""
        return self.api.rpartition("/")[2] if "/" in self.api else "66.0"


class Sessions:
    """All sessions of one org; they outlive a restart where the org does."""

    def __init__(self, store: Store, permissions: Permissions) -> None:
        self._store = store
        self._permissions = permissions
        self._known: dict[str, tuple[str, str]] = {}

    def open(self, org_id: str, user_id: str, client: str) -> str:
        """Return a new access token for a user."""
        token = f"{org_id[:15]}!AQ{secrets.token_urlsafe(_TOKEN_BYTES)}"
        self._store.put_document(_KIND, _digest(token), user_id.encode(), client=client)
        return token

    def find(self, token: str, api: str, client: str) -> Session:
        """Return the session of a token, for one request.

        :raises OrgError: 401 without an active user behind it, 403 for a user without API Enabled.
        """
        user_id, opened_by = self._holder(token)
        user = self._user(user_id)
        if user is None or not user["IsActive"]:
            raise invalid_session()
        if "ApiEnabled" not in self._permissions.of(user_id).permissions:
            message = "API is not enabled for this Organization or Partner"
            raise OrgError("API_DISABLED_FOR_ORG", message, status=403)
        return Session(token, user_id, user["Username"], client or opened_by, api or _DEFAULT_API)

    def close(self, token: str) -> None:
        """End a session; one that is not there is already over."""
        self._known.pop(token, None)
        self._store.drop_document(_KIND, _digest(token))

    def close_all(self) -> None:
        """End every session."""
        self._known.clear()
        for held in self._store.documents(_KIND):
            self._store.drop_document(_KIND, held.name)

    def _holder(self, token: str) -> tuple[str, str]:
        known = self._known.get(token)
        if known is None:
            found = self._store.document(_KIND, _digest(token)) if token else None
            if found is None:
                raise invalid_session()
            known = self._known[token] = (found.body.decode(), str(found.meta["client"]))
        return known

    def _user(self, user_id: str) -> dict[str, Any] | None:
        sql = 'SELECT "Username", "IsActive" FROM "User" WHERE "Id" = ?'
        row = self._store.connection.execute(sql, (user_id,)).fetchone()
        return None if row is None else {"Username": row[0], "IsActive": row[1]}


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
