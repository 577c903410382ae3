"""What can be exchanged for an access token: codes, once, and refresh tokens. Only hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from local_org.records.store import Store

_CODE: Final = "$authorization_code"
_REFRESH: Final = "refresh_token"


class Grants:
    """The codes and refresh tokens of one org; they outlive a restart where the org does."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def code(self, user_id: str) -> str:
        """Return a new authorization code of a user."""
        return self._granted(_CODE, f"aPrx{secrets.token_urlsafe(32)}", user_id)

    def refresh_token(self, user_id: str) -> str:
        """Return a new refresh token of a user."""
        return self._granted(_REFRESH, f"5Aep861{secrets.token_urlsafe(48)}", user_id)

    def redeemed(self, code: str) -> str | None:
        """Return the user id of a code, once; None for a code that is unknown or used."""
        user_id = self._holder(_CODE, code)
        if user_id is not None:
            self._store.drop_document(_CODE, _digest(code))
        return user_id

    def refreshed(self, token: str) -> str | None:
        """Return the user id of a refresh token, or None."""
        return self._holder(_REFRESH, token)

    def revoke(self, refresh_token: str) -> None:
        """End a refresh token; one that is not there is already over."""
        self._store.drop_document(_REFRESH, _digest(refresh_token))

    def knows(self, secret: str) -> bool:
        """Whether it is a code or a refresh token of this org."""
        return any(self._holder(kind, secret) for kind in (_CODE, _REFRESH))

    def _granted(self, kind: str, secret: str, user_id: str) -> str:
        self._store.put_document(kind, _digest(secret), user_id.encode())
        return secret

    def _holder(self, kind: str, secret: str) -> str | None:
        found = self._store.document(kind, _digest(secret))
        return None if found is None else bytes(found.body).decode()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
