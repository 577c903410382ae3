"""One org, local or real, as the contract tests ask it: through its public HTTP interface."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from local_org.testing import running_org

VERSION = "62.0"
_TIMEOUT_SECONDS = 60.0


@dataclass
class OrgUnderTest:
    """What is asked, and what to delete when it has answered."""

    http: httpx.Client
    instance_url: str
    access_token: str
    local: bool
    made: list[tuple[str, str]] = field(default_factory=list)

    def call(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request below the REST root of the version under test."""
        return self.http.request(method, f"/services/data/v{VERSION}{path}", **request)

    def refusal(self, method: str, path: str, **request: Any) -> tuple[int, str, str]:
        """Return status, code and message of a call that is refused with one error."""
        answer = self.call(method, path, **request)
        assert answer.status_code >= 400, answer.text
        [error] = answer.json()
        return answer.status_code, error["errorCode"], error["message"]

    def make(self, entity: str, /, **values: Any) -> str:
        """Create a record that ``clear`` deletes, and return its id."""
        answer = self.call("POST", f"/sobjects/{entity}", json=values)
        assert answer.status_code == 201, answer.text
        record_id: str = answer.json()["id"]
        self.made.append((entity, record_id))
        return record_id

    def query(self, soql: str) -> dict[str, Any]:
        """Return the answer of a query that is fine."""
        answer = self.call("GET", "/query", params={"q": soql})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def clear(self) -> None:
        """Delete what was made, latest first; what is gone is gone."""
        while self.made:
            entity, record_id = self.made.pop()
            self.call("DELETE", f"/sobjects/{entity}/{record_id}")


@contextmanager
def under_test(alias: str | None) -> Iterator[OrgUnderTest]:
    """Reach the org that sf knows by this alias; without one, a local org of its own."""
    if alias:
        shown = _sf("org", "display", alias)
        url, token = shown["instanceUrl"], _token(alias, shown["accessToken"])
        trusted = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE") or True
        with _client(url, token, trusted) as http:
            yield OrgUnderTest(http, url, token, local=False)
        return
    with running_org() as org:
        ready = org.ready
        with _client(ready.instance_url, ready.access_token, ready.ca_bundle) as http:
            yield OrgUnderTest(http, ready.instance_url, ready.access_token, local=True)


def _client(url: str, token: str, trusted: str | bool) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}"}
    verify = trusted if isinstance(trusted, bool) else ssl.create_default_context(cafile=trusted)
    return httpx.Client(base_url=url, headers=headers, verify=verify, timeout=_TIMEOUT_SECONDS)


def _token(alias: str, shown: str) -> str:
    """Return the access token; newer versions of sf tell it by a command of its own only."""
    if not shown.startswith("[REDACTED]"):
        return shown
    told = _sf("org", "auth", "show-access-token", alias, "--no-prompt")
    return str(told["accessToken"])


def _sf(*words: str) -> dict[str, Any]:
    program = shutil.which("sf")
    if program is None:
        pytest.exit("--org needs the Salesforce CLI (sf) on PATH, logged in to that org", 64)
    *command, alias = [word for word in words if not word.startswith("--")]
    options = [word for word in words if word.startswith("--")]
    done = subprocess.run(
        [program, *command, "--target-org", alias, "--json", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.exit(f"sf {' '.join(command)} failed for {alias}: {done.stdout}{done.stderr}", 64)
    result: dict[str, Any] = json.loads(done.stdout)["result"]
    return result
