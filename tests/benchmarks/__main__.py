"""``make bench``: the figures of docs/benchmarks.md, each beside a peer measured in the same run.

Prints a Markdown table; nothing here asserts a time, for machines differ.
"""

from __future__ import annotations

import asyncio
import platform
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from speed_to_lead.demo.actors import API, Actor, http_client, user
from speed_to_lead.demo.plan import MONDAY
from tests.benchmarks.naive import stamp_naively
from tests.journeys.stage import Scene, prepared_org

ROOT = Path(__file__).parents[2]
LEADS = 1000


def main() -> int:
    """Measure both ways over the same kind of history and print the table."""
    leads = int(sys.argv[1]) if len(sys.argv) > 1 else LEADS
    sidecar, naive = measure_sidecar(leads), asyncio.run(measure_naive(leads))
    print(f"Python {platform.python_version()}, {leads} leads, {leads} responses; one run\n")
    print("| | the sidecar | one GET and one PATCH per event | ratio |")
    print("|---|---:|---:|---:|")
    for name, ours, theirs, better in (
        (
            "change events per second, end to end",
            sidecar.rate,
            naive.rate,
            sidecar.rate / naive.rate,
        ),
        (
            "API calls per 1,000 responses",
            sidecar.calls_per_thousand,
            naive.calls_per_thousand,
            naive.calls_per_thousand / sidecar.calls_per_thousand,
        ),
    ):
        print(f"| {name} | {ours:,.0f} | {theirs:,.0f} | {better:,.1f} x |")
    print(f"\nstamps: {sidecar.stamped} and {naive.stamped} of {leads}")
    return 0 if sidecar.stamped == naive.stamped == leads else 1


class Figures:
    """What one way of stamping the history cost."""

    def __init__(self, events: int, seconds: float, calls: int, leads: int, stamped: int) -> None:
        self.rate = events / seconds
        self.calls_per_thousand = calls * 1000 / leads
        self.stamped = stamped


def measure_sidecar(leads: int) -> Figures:
    """Let the sidecar stamp a history of leads and answers, as fast as it can."""
    with tempfile.TemporaryDirectory() as name, _org(Path(name)) as (scene, directory):
        make_history(scene, leads)
        scene.catch_up()
        batches = [line for line in scene.sidecar.lines() if line.get("event") == "batch_handled"]
        assert directory.exists()
        return Figures(
            events=sum(line["changes"] for line in batches),
            seconds=sum(line["duration_seconds"] for line in batches),
            calls=sum(line["api_calls"] for line in batches),
            leads=leads,
            stamped=count_stamped(scene),
        )


async def measure_naive(leads: int) -> Figures:
    """Let the naive client stamp an equal history."""
    with tempfile.TemporaryDirectory() as name, _org(Path(name)) as (scene, _directory):
        make_history(scene, leads)
        client = user(scene.org, scene.http, scene.org.sidecar_username)
        outcome = await stamp_naively(scene.org, client.headers["Authorization"].split()[1])
        return Figures(outcome.events, outcome.seconds, outcome.calls, leads, count_stamped(scene))


class _org:  # noqa: N801 - a context manager that reads as one
    """A deployed org with its scene."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __enter__(self) -> tuple[Scene, Path]:
        options = ("--clock", MONDAY.isoformat(), "--clock-speed", "0")
        self._running = prepared_org(ROOT, self._directory, *options)
        org = self._running.__enter__()
        self._http = http_client(org)
        return Scene.build(org, self._http, self._directory), self._directory

    def __exit__(self, *error: object) -> None:
        self._http.close()
        self._running.__exit__(None, None, None)


def make_history(scene: Scene, leads: int) -> None:
    """Create leads, and five minutes later a closed call on each, 200 rows a call."""
    admin, rep = scene.cast.admin, scene.cast.reps[0]
    ids: list[str] = []
    for start in range(0, leads, 200):
        ids += _create(
            scene.cast.system,
            [
                {
                    "attributes": {"type": "Lead"},
                    "LastName": f"L{n}",
                    "Company": "C",
                    "Country": "Germany",
                }
                for n in range(start, min(start + 200, leads))
            ],
        )
    admin.set_clock(MONDAY + timedelta(minutes=5))
    for start in range(0, leads, 200):
        _create(
            rep,
            [
                {
                    "attributes": {"type": "Task"},
                    "WhoId": lead,
                    "Subject": "Call",
                    "TaskSubtype": "Call",
                    "Status": "Completed",
                }
                for lead in ids[start : start + 200]
            ],
        )


def _create(actor: Actor, records: list[dict[str, object]]) -> list[str]:
    saved = actor.call("POST", f"{API}/composite/sobjects", {"allOrNone": True, "records": records})
    return [row["id"] for row in saved]


def count_stamped(scene: Scene) -> int:
    """Count the leads that say when they were answered."""
    return len(scene.cast.admin.query("SELECT Id FROM Lead WHERE First_Response_At__c != null"))


if __name__ == "__main__":
    sys.exit(main())
