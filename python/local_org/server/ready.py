"""The ready-file: where a running org is reached, and the environment that points clients at it."""

from __future__ import annotations

import json
import os
import shlex
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from local_org.server.errors import LocalOrgError, NotRunning

_ADMIN_CLIENT = {"client_id": "speed-to-lead-local", "client_secret": "local"}
"""Documented, and good for a local org only."""
_CHECK_SECONDS = 0.02
_QUIET_SF = {
    "SF_DISABLE_TELEMETRY": "true",
    "SF_DISABLE_AUTOUPDATE": "true",
    "SF_SKIP_NEW_VERSION_CHECK": "true",
    "SF_USE_GENERIC_UNIX_KEYCHAIN": "true",
}


def default_ready_file() -> Path:
    """Return the file that commands use when none is named: in the user's own state folder."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "local-org" / "ready.json"


@dataclass(frozen=True, slots=True)
class Ready:
    """What the file tells. ``access_token`` is the admin's; it also opens ``/local-org``."""

    instance_url: str
    grpc_endpoint: str
    ca_file: str
    ca_bundle: str
    org_id: str
    admin_username: str
    admin_user_id: str
    sidecar_username: str
    access_token: str
    jwt_key_file: str
    client_id: str

    @classmethod
    def read(cls, path: Path) -> Ready:
        """Read the file of a running org.

        :raises NotRunning: there is none, or it is not such a file.
        """
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise NotRunning(
                f"no local org is running ({path} is not there): run `local-org start`"
            ) from None
        except (OSError, ValueError, TypeError) as error:
            raise NotRunning(f"{path} is no ready-file of this version: {error}") from None

    @classmethod
    def awaited(cls, path: Path, patience_seconds: float) -> Ready:
        """Read the file of an org that may still be starting.

        :raises NotRunning: it is not there after this time.
        """
        deadline = time.monotonic() + patience_seconds
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(_CHECK_SECONDS)
        return cls.read(path)

    def write(self, path: Path) -> None:
        """Put the file in place at once; only its owner can read it.

        :raises LocalOrgError: it cannot be written.
        """
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh.unlink(missing_ok=True)
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                json.dump(asdict(self), out, indent=2)
            fresh.replace(path)
        except OSError as error:
            raise LocalOrgError(
                f"cannot write the ready-file {path} ({error.strerror}): pass another --ready-file"
            ) from None

    def withdraw(self, path: Path) -> None:
        """Remove the file, unless another org has put its own there meanwhile."""
        with suppress(NotRunning):
            if Ready.read(path) == self:
                path.unlink(missing_ok=True)

    def environment(self) -> dict[str, str]:
        """Return what makes cci, sf, simple-salesforce and the sidecar reach this org."""
        return {
            "REQUESTS_CA_BUNDLE": self.ca_bundle,
            "NODE_EXTRA_CA_CERTS": self.ca_file,
            "LOCAL_ORG_URL": self.instance_url,
            "LOCAL_ORG_ACCESS_TOKEN": self.access_token,
            "CUMULUSCI_ORG_local": json.dumps(self._cci_org()),
            **_QUIET_SF,
            "SF_ORG_INSTANCE_URL": self.instance_url,
            "SPEED_TO_LEAD_INSTANCE_URL": self.instance_url,
            "SPEED_TO_LEAD_PUBSUB_ENDPOINT": self.grpc_endpoint,
            "SPEED_TO_LEAD_CA_FILE": self.ca_bundle,
            "SPEED_TO_LEAD_AUTH": "jwt",
            "SPEED_TO_LEAD_CLIENT_ID": self.client_id,
            "SPEED_TO_LEAD_USERNAME": self.sidecar_username,
            "SPEED_TO_LEAD_JWT_KEY_FILE": self.jwt_key_file,
        }

    def exports(self) -> str:
        """Return the environment as lines for a shell."""
        return "\n".join(f"export {k}={shlex.quote(v)}" for k, v in self.environment().items())

    def _cci_org(self) -> dict[str, str]:
        """Return the org as CumulusCI's keychain holds it; this refresh token never expires."""
        return {
            "access_token": self.access_token,
            "refresh_token": "local",
            "instance_url": self.instance_url,
            "id": f"{self.instance_url}/id/{self.org_id}/{self.admin_user_id}",
            "username": self.admin_username,
            **_ADMIN_CLIENT,
        }
