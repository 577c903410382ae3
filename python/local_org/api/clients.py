"""Who may ask for tokens, and in whose name: keys for JWT, client credentials, codes, passwords.

The secrets in this module open a local org only, and are documented as such.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from local_org.metadata.client_apps import ClientApp, client_apps, holds_one_of
from local_org.org import Org

CLIENT_ID: Final = "3MVG9local.speed.to.lead"
"""The client id handed out for JWT; any other is taken too, the signature is what counts."""
ADMIN_CLIENT_ID: Final = "speed-to-lead-local"
SIDECAR_CLIENT_ID: Final = "speed-to-lead-sidecar"
CLIENT_SECRET: Final = "local"  # noqa: S105 - documented; opens a local org only
REFRESH_TOKEN: Final = "local"  # noqa: S105 - the same
"""A refresh token that never expires and stands for the admin, for tools that need one by hand."""
ADMIN_USERNAME: Final = "admin@local.test"
SIDECAR_USERNAME: Final = "sidecar@local.test"

_SKEW_SECONDS = 180
_FIRST_MILLIS = 100_000_000_000
"""An ``exp`` beyond this is in milliseconds: as seconds it would be the year 5138."""
_SIGNATURE_ONLY: Final[jwt.types.Options] = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
_SCRYPT: Final[dict[str, int]] = {"n": 2**12, "r": 8, "p": 1}


class GrantRefused(Exception):
    """No token: an OAuth error code with its description."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error, self.description = error, description


def public_key(pem: bytes) -> RSAPublicKey:
    """Read an RSA public key from a public key, a private key or a certificate in PEM.

    :raises ValueError: the text is none of these.
    """
    if b"CERTIFICATE" in pem:
        key: Any = x509.load_pem_x509_certificate(pem).public_key()
    elif b"PRIVATE" in pem:
        private = load_pem_private_key(pem, None)
        key = private.public_key() if isinstance(private, RSAPrivateKey) else private
    else:
        key = load_pem_public_key(pem)
    if not isinstance(key, RSAPublicKey):
        raise ValueError(f"expected an RSA key, got {type(key).__name__}")  # noqa: TRY004 - the content is wrong, not the caller's type
    return key


@dataclass
class Clients:
    """The register of one org. ``now`` is real time: clients sign with their own clocks."""

    org: Org
    base_url: str
    keys: Sequence[RSAPublicKey] = ()
    now: Callable[[], float] = time.time

    def by_assertion(self, assertion: str) -> str:
        """Return the user id that a JWT speaks for.

        :raises GrantRefused: the signature, the audience, the time or the user is wrong.
        """
        app = self._app(assertion)
        claims = self._verified(assertion, app)
        audience = claims.get("aud")
        if not self._is_ours(audience if isinstance(audience, list) else [audience]):
            raise GrantRefused("invalid_grant", "audience is invalid")
        expires = claims.get("exp")
        if isinstance(expires, str) and expires.isascii() and expires.isdecimal():
            expires = float(expires)  # as simple-salesforce writes it
        if not isinstance(expires, int | float):
            raise GrantRefused("invalid_grant", "expired authorization code")
        if expires > _FIRST_MILLIS:
            expires /= 1000
        if expires + _SKEW_SECONDS < self.now():
            raise GrantRefused("invalid_grant", "assertion is expired")
        user_id = self._active(str(claims.get("sub") or claims.get("prn") or ""))
        if app is not None and not self._approved(app, user_id):
            raise GrantRefused("invalid_grant", "user hasn't approved this consumer")
        return user_id

    def by_credentials(self, client_id: str, secret: str) -> str:
        """Return the user id that a client runs as.

        :raises GrantRefused: the client or its secret is unknown.
        """
        runs_as = {ADMIN_CLIENT_ID: ADMIN_USERNAME, SIDECAR_CLIENT_ID: SIDECAR_USERNAME}
        if client_id not in runs_as:
            raise GrantRefused("invalid_client_id", "client identifier invalid")
        if not hmac.compare_digest(secret, CLIENT_SECRET):
            raise GrantRefused("invalid_client", "invalid client credentials")
        return self._active(runs_as[client_id])

    def by_password(self, username: str, password: str) -> str:
        """Return the user id of a user who has a password and told it.

        :raises GrantRefused: he did not, or has none.
        """
        user = self.org.user(username)
        stored = self.org.store.document("password", user["Id"]) if user else None
        if user is None or stored is None or not _matches(password, bytes(stored.body)):
            raise GrantRefused("invalid_grant", "authentication failure")
        return self._active(username)

    def set_password(self, user_id: str, password: str) -> None:
        """Give a user a password; only its salted hash is kept."""
        salt = secrets.token_bytes(16)
        body = salt + hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)
        self.org.store.put_document("password", user_id, body)

    def by_refresh_token(self, token: str | None) -> str:
        """Return the user id behind a refresh token; none at all stands for the admin.

        :raises GrantRefused: this org never gave out such a token.
        """
        if token is None or token == REFRESH_TOKEN:
            return self._active(ADMIN_USERNAME)
        user_id = self.org.grants.refreshed(token)
        if user_id is None:
            raise GrantRefused("invalid_grant", "expired access/refresh token")
        return user_id

    def authorization_code(self) -> str:
        """Return a code for the admin: nobody is asked, the org is local."""
        return self.org.grants.code(self._active(ADMIN_USERNAME))

    def by_code(self, code: str) -> str:
        """Return the user id of a code, once.

        :raises GrantRefused: the code is unknown or was used.
        """
        user_id = self.org.grants.redeemed(code)
        if user_id is None:
            raise GrantRefused("invalid_grant", "invalid authorization code")
        return user_id

    def _app(self, assertion: str) -> ClientApp | None:
        """Return the deployed app in whose name an assertion speaks; nothing of it is believed yet."""
        issuer = _unverified(assertion).get("iss")
        apps = client_apps(self.org.store)
        return next((app for app in apps if app.consumer_key == issuer), None)

    def _approved(self, app: ClientApp, user_id: str) -> bool:
        return bool(app.permission_sets) and holds_one_of(
            self.org.store, user_id, app.permission_sets
        )

    def _verified(self, assertion: str, app: ClientApp | None) -> Mapping[str, Any]:
        """Return the claims when the app's key, or one of the org's own, has signed them."""
        for key in self.keys if app is None else (public_key(app.certificate),):
            try:
                return _claims(assertion, key)
            except jwt.InvalidTokenError:
                continue
        raise GrantRefused("invalid_grant", "invalid assertion")

    def _is_ours(self, audiences: Sequence[object]) -> bool:
        own = {self.base_url, self.base_url.replace("localhost", "127.0.0.1")}
        hosts = own | {"https://login.salesforce.com", "https://test.salesforce.com"}
        return any(
            str(audience).removesuffix("/services/oauth2/token").rstrip("/") in hosts
            for audience in audiences
        )

    def _active(self, username: str) -> str:
        user = self.org.user(username)
        if user is None or not user["IsActive"]:
            raise GrantRefused("invalid_grant", "user hasn't approved this consumer")
        return str(user["Id"])


def subject(assertion: str) -> str:
    """Return the username that a JWT claims to speak for; nothing of it is believed yet."""
    claims = _unverified(assertion)
    return str(claims.get("sub") or claims.get("prn") or "")


def _unverified(assertion: str) -> Mapping[str, Any]:
    try:
        claims: Mapping[str, Any] = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return {}
    return claims


def _claims(assertion: str, key: RSAPublicKey) -> Mapping[str, Any]:
    """Return the claims of a signed assertion; their meaning is judged by the caller."""
    claims: Mapping[str, Any] = jwt.decode(assertion, key, ["RS256"], options=_SIGNATURE_ONLY)
    return claims


def _matches(password: str, stored: bytes) -> bool:
    salt, expected = stored[:16], stored[16:]
    return hmac.compare_digest(hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT), expected)
