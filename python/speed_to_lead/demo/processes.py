"""The two processes of the demo: a local org that starts by itself, and the sidecar that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from speed_to_lead.errors import OrgUnavailable

_PATIENCE = 60.0
"""Seconds a process may take to say that it is ready, or to stop."""


@dataclass(frozen=True, slots=True)
class LocalOrg:
    """Where a running local org is reached, as its ready-file tells."""

    instance_url: str
    grpc_endpoint: str
    ca_file: str
    ca_bundle: str
    org_id: str
    admin_username: str
    sidecar_username: str
    access_token: str
    jwt_key_file: str
    client_id: str

    @classmethod
    def read(cls, ready: Mapping[str, Any]) -> LocalOrg:
        """Take what the demo needs from a ready-file."""
        return cls(**{name: str(ready[name]) for name in cls.__slots__})

    def sidecar_settings(self) -> dict[str, str]:
        """Return the environment with which the sidecar reaches this org as its integration user."""
        return {
            "SPEED_TO_LEAD_INSTANCE_URL": self.instance_url,
            "SPEED_TO_LEAD_PUBSUB_ENDPOINT": self.grpc_endpoint,
            "SPEED_TO_LEAD_CA_FILE": self.ca_bundle,
            "SPEED_TO_LEAD_AUTH": "jwt",
            "SPEED_TO_LEAD_CLIENT_ID": self.client_id,
            "SPEED_TO_LEAD_USERNAME": self.sidecar_username,
            "SPEED_TO_LEAD_JWT_KEY_FILE": self.jwt_key_file,
        }

    def client_settings(self) -> dict[str, str]:
        """Return the environment with which ``cci`` and ``sf`` reach this org as its administrator."""
        return {
            "REQUESTS_CA_BUNDLE": self.ca_bundle,
            "NODE_EXTRA_CA_CERTS": self.ca_file,
            "LOCAL_ORG_URL": self.instance_url,
        }


def script(name: str) -> str:
    """Return the path of a console script of this installation."""
    return str(Path(sys.executable).with_name(name))


@contextmanager
def local_org(directory: Path, *options: str) -> Iterator[LocalOrg]:
    """Run ``local-org start`` on free ports until the block ends.

    :raises OrgUnavailable: it did not become ready; its log is named.
    """
    ready, log = directory / "local-org.json", directory / "local-org.log"
    ready.unlink(missing_ok=True)
    ports = ("--https-port", "0", "--grpc-port", "0", "--ready-file", str(ready))
    with log.open("ab") as out:
        process = subprocess.Popen(
            [script("local-org"), "start", *ports, *options], stdout=out, stderr=out
        )
    try:
        deadline = time.monotonic() + _PATIENCE
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise OrgUnavailable(f"the local org did not start: see {log}")
            time.sleep(0.02)
        yield LocalOrg.read(json.loads(ready.read_text(encoding="utf-8")))
    finally:
        _stop(process)


@dataclass
class Sidecar:
    """``speed-to-lead run`` as a process of its own; it may be killed and started again at any time."""

    directory: Path
    settings: Mapping[str, str]
    policy: Path
    starts: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def log(self) -> Path:
        """JSON lines of all runs, one after the other."""
        return self.directory / "sidecar.log"

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def environment(self) -> dict[str, str]:
        """Return the whole environment of the process."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("SPEED_TO_LEAD_")}
        own = {
            "SPEED_TO_LEAD_POLICY": str(self.policy),
            "SPEED_TO_LEAD_LEDGER": str(self.directory / "ledger.sqlite3"),
            "SPEED_TO_LEAD_FLYWHEEL_DIR": str(self.directory / "flywheel"),
            "SPEED_TO_LEAD_HTTP_PORT": "0",
        }
        return {**inherited, **own, **self.settings}

    def start(self, *options: str) -> None:
        """Start it; events since its checkpoint, or all that are retained, come first."""
        self.starts += 1
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [script("speed-to-lead"), "run", *options],
                stdout=out,
                stderr=out,
                env=self.environment(),
            )

    def live(self, seconds: float) -> None:
        """Let it run for so long, or to its end if that comes first."""
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)

    def reload(self) -> None:
        """Have it read its policy again (SIGHUP)."""
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """Kill it with SIGKILL, as a power cut would."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def stop(self) -> int:
        """Ask it to drain and end (SIGTERM); return its exit code."""
        return 0 if self._process is None else _stop(self._process)

    def wait(self, seconds: float = _PATIENCE) -> int:
        """Wait until it ends by itself; return its exit code."""
        return 0 if self._process is None else self._process.wait(seconds)

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield what it has logged, in order."""
        for line in self.log.read_text(encoding="utf-8").splitlines():
            with suppress(json.JSONDecodeError):
                yield json.loads(line)


def run(command: list[str], environment: Mapping[str, str], log: IO[bytes], cwd: Path) -> int:
    """Run a command to its end with its output in ``log``; return its exit code."""
    return subprocess.run(
        command, env={**os.environ, **environment}, stdout=log, stderr=log, cwd=cwd, check=False
    ).returncode


def _stop(process: subprocess.Popen[bytes]) -> int:
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
