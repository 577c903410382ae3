"""People and systems that use the org through its REST API: an administrator, representatives, a bot."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import jwt

from speed_to_lead.demo.processes import LocalOrg
from speed_to_lead.errors import OrgUnavailable

API = "/services/data/v66.0"


class Actor:
    """One user of the org, with a token of their own."""

    def __init__(self, org: LocalOrg, token: str, http: httpx.Client) -> None:
        """Speak as the user behind ``token``; ``http`` may be shared between actors."""
        self._org, self._http = org, http
        self.headers = {"Authorization": f"Bearer {token}"}

    def call(self, method: str, path: str, body: object = None, **parameters: str) -> Any:
        """Send one request below the REST root and return the answer's JSON, or None.

        :raises OrgUnavailable: the org refused; the message holds its words.
        """
        answer = self._http.request(
            method,
            f"{self._org.instance_url}{path}",
            json=body,
            params=parameters or None,
            headers=self.headers,
        )
        if answer.is_error:
            raise OrgUnavailable(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def create(self, entity: str, /, **values: object) -> str:
        """Insert a record and return its id."""
        created: dict[str, str] = self.call("POST", f"{API}/sobjects/{entity}", values)
        return created["id"]

    def update(self, entity: str, record_id: str, /, **values: object) -> None:
        """Change fields of a record."""
        self.call("PATCH", f"{API}/sobjects/{entity}/{record_id}", values)

    def query(self, soql: str) -> list[dict[str, Any]]:
        """Return all records of a query that needs no parameters."""
        page = self.call("GET", f"{API}/query", q=soql)
        records: list[dict[str, Any]] = page["records"]
        while not page["done"]:
            page = self.call("GET", page["nextRecordsUrl"])
            records += page["records"]
        return records

    def set_clock(self, now: datetime) -> None:
        """Jump the org's clock to an instant."""
        self.call("POST", "/local-org/clock", {"set": now.astimezone(UTC).isoformat()})


def http_client(org: LocalOrg) -> httpx.Client:
    """Return a client that trusts the org's own certificate authority."""
    return httpx.Client(verify=ssl.create_default_context(cafile=org.ca_bundle), timeout=30)


def admin(org: LocalOrg, http: httpx.Client) -> Actor:
    """Return the administrator of a local org."""
    return Actor(org, org.access_token, http)


def user(org: LocalOrg, http: httpx.Client, username: str) -> Actor:
    """Log a user in by JWT bearer, as the sidecar itself does."""
    claims = {
        "iss": org.client_id,
        "sub": username,
        "aud": org.instance_url,
        "exp": int(time.time()) + 180,
    }
    key = Path(org.jwt_key_file).read_text(encoding="utf-8")
    answer = http.post(
        f"{org.instance_url}/services/oauth2/token",
        data={
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": jwt.encode(claims, key, algorithm="RS256"),
        },
    )
    if answer.is_error:
        raise OrgUnavailable(f"{username} cannot log in: {answer.text}")
    token: Mapping[str, str] = answer.json()
    return Actor(org, token["access_token"], http)
