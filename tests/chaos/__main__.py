"""``make chaos``: kill the sidecars again and again under load and faults, and check every invariant.

A seed gives the same load, the same faults and the same ends again; only when they strike is the
machine's own doing. The exit code tells whether everything was right.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from random import SystemRandom

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from speed_to_lead.demo.actors import http_client
from speed_to_lead.demo.plan import MONDAY
from tests.chaos.run import Outcome, Plan, run
from tests.journeys.stage import Scene, prepared_org

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Run one seed after the other and print what each came to."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument(
        "--seed", type=int, action="append", help="repeat for several; default: random"
    )
    parser.add_argument("--kills", type=int, default=500, help="SIGKILLs for each seed")
    parser.add_argument("--actions", type=int, default=2000, help="things done in the org")
    parser.add_argument("--sidecars", type=int, default=2)
    wanted = parser.parse_args()
    outcomes = []
    for seed in wanted.seed or [SystemRandom().randrange(2**32)]:
        plan = Plan(seed, wanted.kills, wanted.actions, wanted.sidecars)
        began = time.monotonic()
        outcomes.append(played(plan))
        shown(outcomes[-1], time.monotonic() - began)
    return 0 if all(each.is_good for each in outcomes) else 1


def played(plan: Plan) -> Outcome:
    """Run a plan in an org of its own."""
    options = ("--clock", MONDAY.isoformat(), "--clock-speed", "0")
    with (
        tempfile.TemporaryDirectory() as name,
        prepared_org(ROOT, Path(name), *options) as org,
        http_client(org) as http,
        Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress,
    ):
        scene = Scene.build(org, http, Path(name))
        task = progress.add_task(f"seed {plan.seed}", total=plan.kills)
        return run(scene, Path(name), plan, lambda now: progress.update(task, completed=now.kills))


def shown(outcome: Outcome, seconds: float) -> None:
    """Print what a run came to."""
    table = Table(title=f"seed {outcome.plan.seed}, {seconds:.0f} s", box=None, show_header=False)
    faults = ", ".join(f"{name} {count}" for name, count in sorted(outcome.struck.items()))
    for name, value in (
        (
            "SIGKILLs, SIGTERMs",
            f"{outcome.kills}, {outcome.terms}, of {outcome.plan.sidecars} sidecars",
        ),
        ("faults", faults),
        ("done in the org", f"{outcome.actions:,}"),
        ("Lead events", f"{outcome.events:,}"),
        ("leads, stamps", f"{outcome.leads:,}, {outcome.stamps:,}"),
        ("with withdrawn evidence", f"{outcome.either}"),
        ("decisions recorded", f"{outcome.decisions:,}"),
        ("set aside, then tried again", f"{outcome.quarantined}"),
        ("wrong stamps", f"{len(outcome.wrong)}"),
        ("lost", f"{len(outcome.lost)}"),
        ("doubled", f"{len(outcome.doubled)}"),
        ("other invariants broken", f"{len(outcome.broken)}"),
    ):
        table.add_row(name, value)
    Console(width=120).print(table)
    for words in (*outcome.wrong, *outcome.lost, *outcome.doubled, *outcome.broken):
        print(words)


if __name__ == "__main__":
    sys.exit(main())
