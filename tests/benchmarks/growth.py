"""What a batch costs as the ledger grows from a thousand known leads to a million: it must stay flat.

Batches of 500 calls on leads drawn at random are read from the ledger, decided, accounted for and
committed; the org's own work is left out, for it does not depend on our ledger. Draws docs/growth.svg.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

from speed_to_lead.ids import lead_id, task_id
from speed_to_lead.ledger import Effects, Ledger
from speed_to_lead.model import Source, Stamp, Task
from speed_to_lead.pipeline.account import Handled, account
from speed_to_lead.pipeline.decisions import Recorder
from speed_to_lead.pipeline.write import Outcome, Written, parts
from tests.speed_to_lead.building import ORG, POLICY, U1, at, call, decider, facts, lead

SIZES = (1_000, 10_000, 100_000, 1_000_000)
BATCH, BATCHES = 500, 20
ROOT = Path(__file__).parents[2]


def name(number: int) -> str:
    """The id of a lead by its number."""
    return lead_id(f"00Q{number:012}")


def main() -> None:
    """Measure, print and draw."""
    sizes = [size for size in SIZES if size <= int(sys.argv[1] if len(sys.argv) > 1 else SIZES[-1])]
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.open(Path(folder) / "ledger.sqlite3", ORG)
        known = 0
        for size in sizes:
            fill(ledger, known, size)
            known = size
            files = Path(folder).glob("ledger.sqlite3*")
            bytes_each = sum(each.stat().st_size for each in files) / size
            found[size] = (measured(ledger, size), bytes_each)
        ledger.close()
    print("| known leads | CPU for each response | ledger for each lead |\n|---:|---:|---:|")
    for size, (micros, bytes_each) in found.items():
        print(f"| {size:,} | {micros:,.0f} µs | {bytes_each:,.0f} bytes |")
    draw({size: micros for size, (micros, _) in found.items()}, ROOT / "docs" / "growth.svg")


def fill(ledger: Ledger, start: int, end: int) -> None:
    """Let the ledger know leads that were answered."""
    stamp = Stamp(at("10:07"), Source.CALL, U1)
    for first in range(start, end, 5000):
        numbers = range(first, min(first + 5000, end))
        ledger.commit(
            Effects(leads=[lead(id=name(n), stamp=stamp, policy_version="1.2.3") for n in numbers])
        )


def measured(ledger: Ledger, size: int) -> float:
    """The CPU microseconds of one response, the best of several batches."""
    random, best = Random(size), float("inf")
    for batch in range(BATCHES):
        ids = random.sample(range(size), min(BATCH, size))
        calls = [
            replace(
                call("10:05", number=1),
                id=task_id(f"00T{size % 10**6:06}{batch:02}{index:04}"),
                who_id=name(number),
                completed_at=at("10:05") - timedelta(seconds=batch),
            )
            for index, number in enumerate(ids)
        ]
        began = time.process_time()
        handle(ledger, calls)
        best = min(best, (time.process_time() - began) / len(ids))
    return best * 1e6


def handle(ledger: Ledger, calls: list[Task]) -> None:
    """Take a batch to its end, all but the org's part of it."""
    wanted = {lead_id(each.who_id or "") for each in calls}
    given = facts(*calls, leads=())
    given.leads.clear()
    given.leads.update(ledger.leads(wanted))
    verdicts = decider().decide(given)
    written = {
        (each, part): Written(Outcome.DONE)
        for each, verdict in verdicts.leads.items()
        for part in parts(verdict, POLICY.version)
    }
    effects = Effects()
    account(
        Recorder(ORG, POLICY, "bench"),
        verdicts,
        written,
        fresh={},
        effects=effects,
        handled=Handled(),
    )
    ledger.commit(effects)


def draw(found: dict[int, float], path: Path) -> None:
    """Draw cost over size, both axes from their start."""
    import matplotlib as mpl  # noqa: PLC0415 - slow to load, and only wanted here

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "speed-to-lead"
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(6.4, 2.8), layout="constrained")
    axes.plot(list(found), list(found.values()), marker="o", color="#0b5cab")
    axes.set_xscale("log")
    axes.set_ylim(0, max(found.values()) * 1.6)
    axes.set_xlabel("leads that the ledger knows")
    axes.set_ylabel("CPU for one response, µs")
    axes.grid(visible=True, alpha=0.3)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
