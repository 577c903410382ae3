"""The controls of a running org, from another process: clock, faults, stop."""

from __future__ import annotations

import json
import ssl
import time
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from local_org.server.errors import LocalOrgError, NotRunning
from local_org.server.ready import Ready

_TIMEOUT_SECONDS = 30.0
_STOP_CHECK_SECONDS = 0.05


@dataclass(frozen=True)
class Control:
    """Speaks to ``/local-org/…`` of one org as its administrator."""

    ready: Ready

    def clock(self, **change: object) -> dict[str, Any]:
        """Return the org's time and speed, after ``set``, ``advance`` or ``speed`` where given."""
        return self.call("POST" if change else "GET", "clock", change)

    def fault(self, kind: str, **how: object) -> dict[str, Any]:
        """Order a fault; return the orders that stand. Options: as of ``local-org fault``."""
        return self.call("POST", "fault", {"kind": kind, **how})

    def faults(self) -> dict[str, Any]:
        """Return the kinds there are and the orders that stand."""
        return self.call("GET", "fault")

    def clear_faults(self) -> None:
        """Let everything work again."""
        self.call("DELETE", "fault")

    def stop(self) -> None:
        """Ask the org to end and wait till it has."""
        self.call("POST", "stop")
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            try:
                self.call("GET", "ready")
            except NotRunning:
                return
            time.sleep(_STOP_CHECK_SECONDS)
        raise LocalOrgError(f"{self.ready.instance_url} does not stop")

    def call(self, method: str, path: str, body: dict[str, object] | None = None) -> dict[str, Any]:
        """Send one request and return the answer.

        :raises NotRunning: nobody answers; ``LocalOrgError``: the org refused, in its own words.
        """
        request = Request(  # noqa: S310 - the URL is of an org that this program has started
            f"{self.ready.instance_url}/local-org/{path}",
            data=json.dumps(body).encode() if body else b"" if method == "POST" else None,
            headers={"Authorization": f"Bearer {self.ready.access_token}"},
            method=method,
        )
        try:
            with urlopen(request, timeout=_TIMEOUT_SECONDS, context=self._tls) as answer:  # noqa: S310
                told: dict[str, Any] = json.load(answer)
                return told
        except HTTPError as error:
            raise LocalOrgError(_words(error)) from None
        except (URLError, HTTPException, OSError):
            raise NotRunning(
                f"no local org answers at {self.ready.instance_url}: run `local-org start`"
            ) from None

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.ready.ca_file)
        except OSError:
            raise NotRunning(
                f"the local org at {self.ready.instance_url} has gone ({self.ready.ca_file} is "
                "not there): run `local-org start`"
            ) from None


def _words(error: HTTPError) -> str:
    """Return the message of a refusal."""
    with error:
        try:
            return str(json.load(error)[0]["message"])
        except (ValueError, KeyError, IndexError, TypeError):
            return f"HTTP {error.code}"
