"""What a process costs: CPU, memory, calls."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from speed_to_lead.demo.processes import script
from tests.journeys.stage import Scene


@dataclass(frozen=True)
class Life:
    """What one life of the sidecar came to."""

    changes: int
    busy_seconds: float
    """Wall time from the beginning of the first batch to the end of the last: decoding is in it."""
    cpu_seconds: float
    peak_megabytes: float
    calls: int

    @property
    def rate(self) -> float:
        """Changes a second while there was something to do."""
        return self.changes / self.busy_seconds


def live(scene: Scene, until_idle: str = "2", **settings: str) -> Life:
    """Let the sidecar run until all is quiet; fails when it does not end well."""
    sidecar = scene.sidecar
    sidecar.starts += 1
    before = sum(1 for _ in sidecar.lines()) if sidecar.log.exists() else 0
    with sidecar.log.open("ab") as out:
        process = subprocess.Popen(
            [script("speed-to-lead"), "run", "--until-idle", until_idle],
            stdout=out,
            stderr=out,
            env={**sidecar.environment(), **settings},
        )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the sidecar ended with {process.returncode}: {tail(sidecar.log)}")
    lines = [
        line for line in list(sidecar.lines())[before:] if line.get("event") == "batch_handled"
    ]
    first, last = lines[0], lines[-1]
    began = datetime.fromisoformat(first["timestamp"]).timestamp() - first["duration_seconds"]
    return Life(
        changes=sum(line["changes"] for line in lines),
        busy_seconds=datetime.fromisoformat(last["timestamp"]).timestamp() - began,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_megabytes=usage.ru_maxrss / 1024,
        calls=sum(line["api_calls"] for line in lines),
    )


def tail(path: Path) -> str:
    """The end of a file."""
    return path.read_text(encoding="utf-8")[-2000:]


def table(title: str, columns: tuple[str, ...], rows: Mapping[str, tuple[str, ...]]) -> None:
    """Print a Markdown table."""
    print(f"\n### {title}\n\n| | {' | '.join(columns)} |\n|---|{'---:|' * len(columns)}")
    for name, values in rows.items():
        print(f"| {name} | {' | '.join(values)} |")
