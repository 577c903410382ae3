"""A local org for the tests of any project: a process of its own, reached as a real org is.

>>> with running_org() as org:
...     org.ready.instance_url.startswith("https://localhost:")
True
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from local_org.server.control import Control
from local_org.server.errors import LocalOrgError
from local_org.server.ready import Ready

__all__ = ["RunningOrg", "running_org"]

_PATIENCE_SECONDS = 30.0
_CHECK_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class RunningOrg:
    """Where the org is reached, and the controls of its clock and its faults."""

    ready: Ready
    control: Control

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that ``local-org env`` exports."""
        return self.ready.environment()


@contextmanager
def running_org(
    *,
    data: Path | None = None,
    clock: datetime | None = None,
    clock_speed: float = 1.0,
    https_port: int = 0,
    grpc_port: int = 0,
) -> Iterator[RunningOrg]:
    """Run an org until the block ends; without ``data`` it is in memory. Port 0: a free one.

    :raises LocalOrgError: it did not start; the message holds its own words.
    """
    with TemporaryDirectory(prefix="local-org-test-") as folder:
        ready_file, log = Path(folder) / "ready.json", Path(folder) / "log"
        options = {
            "--https-port": https_port,
            "--grpc-port": grpc_port,
            "--ready-file": ready_file,
            "--clock-speed": clock_speed,
            "--data": data,
            "--clock": clock.isoformat() if clock else None,
        }
        words = [str(w) for pair in options.items() if pair[1] is not None for w in pair]
        with log.open("wb") as out:
            process = subprocess.Popen(  # noqa: S603 - our own module with our own options
                [sys.executable, "-m", "local_org.cli", "start", *words], stdout=out, stderr=out
            )
        try:
            ready = _wait(process, ready_file, log)
            yield RunningOrg(ready, Control(ready))
        finally:
            process.terminate()
            process.wait(_PATIENCE_SECONDS)


def _wait(process: subprocess.Popen[bytes], ready_file: Path, log: Path) -> Ready:
    """Return what the ready-file tells, once it is there."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not ready_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise LocalOrgError(f"the org did not start: {log.read_text(encoding='utf-8')}")
        time.sleep(_CHECK_SECONDS)
    return Ready.read(ready_file)
