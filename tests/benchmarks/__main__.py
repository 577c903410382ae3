"""``make bench``: the figures of docs/benchmarks.md, each beside a peer measured in the same run.

Prints a Markdown table; nothing here asserts a time, for machines differ.
"""

from __future__ import annotations

import asyncio
import platform
import sys
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from speed_to_lead.demo.actors import API, Actor, http_client, user
from speed_to_lead.demo.plan import MONDAY
from tests.benchmarks import decode, growth
from tests.benchmarks.latency import latencies
from tests.benchmarks.measure import live, table
from tests.benchmarks.naive import stamp_naively
from tests.journeys.stage import Scene, prepared_org

ROOT = Path(__file__).parents[2]
LEADS = 1000
UNPACED = {"SPEED_TO_LEAD_OWNER_CHANGES_PER_MINUTE": "0"}
"""Owner changes as fast as they come: what is measured is the sidecar, not its brake."""


def main() -> int:
    """Measure everything and print the tables; the exit code tells whether all stamps were there."""
    leads = int(sys.argv[1]) if len(sys.argv) > 1 else LEADS
    print(f"Python {platform.python_version()}, {leads} leads, {leads} responses; one run")
    print("\n### Decoding\n")
    decode.main()
    good = end_to_end(leads)
    good &= on_known_leads(leads)
    quiet_stream()
    print("\n### Growth\n")
    sys.argv[1:] = []
    growth.main()
    return 0 if good else 1


def end_to_end(leads: int) -> bool:
    """A history of new leads and their answers, taken as fast as it goes, beside the naive client."""
    with tempfile.TemporaryDirectory() as name, _org(Path(name)) as (scene, _):
        make_history(scene, leads)
        ours, stamped = live(scene, **UNPACED), count_stamped(scene)
        scene.cast.admin.call("POST", "/local-org/clock", {"advance": 60})
        touch_nothing_of_ours(scene, leads)
        idle = live(scene, **UNPACED)
    naive = asyncio.run(measure_naive(leads))
    table(
        "End to end: new leads, routed and stamped",
        ("the sidecar", "one GET and one PATCH per event", "ratio"),
        {
            "change events per second": (
                f"{ours.rate:,.0f}",
                f"{naive.rate:,.0f}",
                f"{ours.rate / naive.rate:,.1f} x",
            ),
            "API calls per 1,000 leads": (
                f"{ours.calls * 1000 / leads:,.0f}",
                f"{naive.calls_per_thousand:,.0f}",
                f"{naive.calls_per_thousand * leads / 1000 / ours.calls:,.1f} x",
            ),
            "CPU seconds per 100,000 events": (
                f"{ours.cpu_seconds * 1e5 / ours.changes:,.1f}",
                "",
                "",
            ),
            "peak memory, MB": (f"{ours.peak_megabytes:,.0f}", "", ""),
            "changes that need nothing, per second": (f"{idle.rate:,.0f}", "", ""),
            "stamps": (f"{stamped:,}", f"{naive.stamped:,}", ""),
        },
    )
    return stamped == naive.stamped == leads


def on_known_leads(leads: int) -> bool:
    """First responses in one burst, on leads that were routed before."""
    with tempfile.TemporaryDirectory() as name, _org(Path(name)) as (scene, _):
        ids = make_leads(scene, leads)
        live(scene, **UNPACED)
        scene.cast.admin.set_clock(MONDAY + timedelta(minutes=5))
        answer(scene, ids)
        burst = live(scene, **UNPACED)
        stamped = count_stamped(scene)
    table(
        "A burst of first responses on known leads",
        ("measured", "bar"),
        {
            "API calls per 1,000 responses": (f"{burst.calls * 1000 / leads:,.1f}", "12"),
            "change events per second": (f"{burst.rate:,.0f}", "5,000"),
        },
    )
    return stamped == leads


def quiet_stream() -> None:
    """From the commit of a call to the commit of its stamp."""
    with tempfile.TemporaryDirectory() as name, _org(Path(name)) as (scene, _):
        spent = [1000 * each for each in latencies(scene, 200)]
    table(
        "From commit to stamp on a quiet stream, 200 responses",
        ("measured", "bar"),
        {
            "p50": (f"{spent[len(spent) // 2]:,.0f} ms", "50 ms"),
            "p90": (f"{spent[len(spent) * 9 // 10]:,.0f} ms", ""),
            "p99": (f"{spent[len(spent) * 99 // 100]:,.0f} ms", "250 ms"),
        },
    )


class Figures:
    """What the naive way of stamping the history cost."""

    def __init__(self, events: int, seconds: float, calls: int, leads: int, stamped: int) -> None:
        self.rate = events / seconds
        self.calls_per_thousand = calls * 1000 / leads
        self.stamped = stamped


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
    ids = make_leads(scene, leads)
    scene.cast.admin.set_clock(MONDAY + timedelta(minutes=5))
    answer(scene, ids)


def make_leads(scene: Scene, leads: int) -> list[str]:
    """Create leads, 200 rows a call."""
    ids: list[str] = []
    for start in range(0, leads, 200):
        named: dict[str, object] = {
            "attributes": {"type": "Lead"},
            "Company": "C",
            "Country": "Germany",
        }
        rows = [{**named, "LastName": f"L{n}"} for n in range(start, min(start + 200, leads))]
        ids += _create(scene.cast.system, rows)
    return ids


def answer(scene: Scene, ids: Sequence[str]) -> None:
    """Log a closed call on each lead, 200 rows a call."""
    call: dict[str, object] = {"Subject": "Call", "TaskSubtype": "Call", "Status": "Completed"}
    for start in range(0, len(ids), 200):
        rows = [
            {"attributes": {"type": "Task"}, "WhoId": lead, **call}
            for lead in ids[start : start + 200]
        ]
        _create(scene.cast.reps[0], rows)


def touch_nothing_of_ours(scene: Scene, leads: int) -> None:
    """Change fields that no number depends on, ten times a lead."""
    ids = [row["Id"] for row in scene.cast.admin.query("SELECT Id FROM Lead")][:leads]
    for turn in range(10):
        for start in range(0, len(ids), 200):
            rows = [
                {"attributes": {"type": "Lead"}, "id": lead, "Title": f"T{turn}"}
                for lead in ids[start : start + 200]
            ]
            scene.cast.admin.call(
                "PATCH", f"{API}/composite/sobjects", {"allOrNone": False, "records": rows}
            )


def _create(actor: Actor, records: list[dict[str, object]]) -> list[str]:
    saved = actor.call("POST", f"{API}/composite/sobjects", {"allOrNone": True, "records": records})
    return [row["id"] for row in saved]


def count_stamped(scene: Scene) -> int:
    """Count the leads that say when they were answered."""
    return len(scene.cast.admin.query("SELECT Id FROM Lead WHERE First_Response_At__c != null"))


if __name__ == "__main__":
    sys.exit(main())
