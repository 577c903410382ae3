"""``python -m tests.benchmarks.replay``: a million recorded events into an empty ledger, beside an oracle.

A local org in a process of its own records a seeded history through its API: leads, calls, mails that were
sent and received, to-dos, calls of automation, hand-overs, responses that are logged late. Then a
sidecar with an empty ledger hears all of it from the oldest event, and every Lead must say what the
chaos run's oracle finds in the records alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.progress import Progress

from speed_to_lead.demo.actors import API, Actor, http_client
from speed_to_lead.demo.plan import MONDAY
from tests.benchmarks.measure import Life, live
from tests.chaos.oracle import Oracle
from tests.journeys.deeds import text
from tests.journeys.stage import Scene, prepared_org

ROOT = Path(__file__).parents[2]
PER_LEAD = 3.95
"""Events that a lead brings about: its own, its activities', and those of what the sidecar writes."""
Touch = tuple[Actor, str, dict[str, Any]]
"""Who does something, in which object, and what is written."""
COUNTRIES = ("Germany", "United States", "Brazil", "Australia", None)


def main() -> int:
    """Record, replay, compare and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.replay", description=__doc__)
    parser.add_argument("events", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--seed", type=int, default=11)
    wanted = parser.parse_args()
    options = ("--clock", MONDAY.isoformat(), "--clock-speed", "0")
    with (
        tempfile.TemporaryDirectory() as name,
        prepared_org(ROOT, Path(name), *options) as org,
        http_client(org) as http,
        Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress,
    ):
        scene = Scene.build(org, http, Path(name))
        scene.cast.admin.call("POST", "/local-org/limits", {"DailyApiRequests": 10**9})
        leads = round(wanted.events / PER_LEAD / 200) * 200
        began = time.monotonic()
        task = progress.add_task("recording", total=leads)
        record(
            scene, Random(wanted.seed), leads, lambda done: progress.update(task, completed=done)
        )
        recorded = time.monotonic() - began
        progress.update(progress.add_task("replaying", total=None))
        life = live(scene, "10", SPEED_TO_LEAD_OWNER_CHANGES_PER_MINUTE="0")
        return shown(scene, life, wanted.seed, recorded)


def record(scene: Scene, random: Random, leads: int, tell: Any) -> None:
    """Let a history happen, 200 leads at a time, each a minute after the one before."""
    with ThreadPoolExecutor(2) as pool:
        for start in range(0, leads, 200):
            now = MONDAY + timedelta(minutes=start // 200)
            scene.cast.admin.set_clock(now)
            ids = create(scene.cast.system, [new_lead(random, start + n) for n in range(200)])
            scene.cast.admin.set_clock(now + timedelta(seconds=random.randrange(12, 50)))
            touches = [touch for lead in ids for touch in touches_of(scene, random, lead, now)]
            random.shuffle(touches)
            jobs = []
            for actor in {id(actor): actor for actor, _, _ in touches}.values():
                for kind in ("Task", "EmailMessage"):
                    rows = [row for who, of, row in touches if who is actor and of == kind]
                    jobs.append(pool.submit(play, actor, kind, rows))
            for job in jobs:
                job.result()
            hand_over(scene, random, ids)
            tell(start + 200)


def new_lead(random: Random, number: int) -> dict[str, Any]:
    """A lead of some kind."""
    return {
        "attributes": {"type": "Lead"},
        "LastName": f"L{number}",
        "Company": "C",
        "Country": random.choice(COUNTRIES),
        "NumberOfEmployees": random.choice([None, 20, 500, 5000]),
    }


def touches_of(scene: Scene, random: Random, lead: str, now: Any) -> list[Touch]:
    """What is done to one lead: by whom, in which object, and what is written."""
    found: list[Touch] = []
    for _ in range(random.choices([0, 1, 2, 3], [20, 50, 20, 10])[0]):
        actor = random.choice(scene.cast.reps)
        kind = random.choices(
            ["call", "mail", "old", "inbound", "todo", "bot"], [40, 25, 8, 10, 10, 7]
        )[0]
        call = {
            "Subject": "S",
            "TaskSubtype": "Call",
            "CallType": "Outbound",
            "Status": "Completed",
        }
        if kind in ("call", "bot"):
            row: dict[str, Any] = {"WhoId": lead, **call}
            found.append((scene.cast.system if kind == "bot" else actor, "Task", row))
        elif kind == "todo":
            row = {"WhoId": lead, "Subject": "S", "TaskSubtype": "Task", "Status": "Completed"}
            found.append((actor, "Task", row))
        else:
            sent = now + timedelta(seconds=random.randrange(0, 10) if kind == "old" else 11)
            incoming = kind == "inbound"
            row = {
                "Incoming": incoming,
                "Status": "0" if incoming else "3",
                "MessageDate": text(sent),
                "_lead": lead,
            }
            found.append((actor, "EmailMessage", row))
    return found


def play(actor: Actor, kind: str, rows: list[dict[str, Any]]) -> None:
    """Write rows of one object, and the relations of mails."""
    if not rows:
        return
    leads = [row.pop("_lead", None) for row in rows]
    made = create(actor, [{"attributes": {"type": kind}, **row} for row in rows])
    if kind == "EmailMessage":
        relation = {"attributes": {"type": "EmailMessageRelation"}, "RelationType": "ToAddress"}
        create(
            actor,
            [
                {**relation, "EmailMessageId": mail, "RelationId": lead}
                for mail, lead in zip(made, leads, strict=True)
            ],
        )


def hand_over(scene: Scene, random: Random, ids: list[str]) -> None:
    """Give some leads to somebody else, as an administrator would."""
    some = random.sample(ids, 10)
    rows = [
        {"attributes": {"type": "Lead"}, "id": lead, "OwnerId": random.choice(scene.cast.rep_ids)}
        for lead in some
    ]
    body = {"allOrNone": True, "records": rows}
    scene.cast.admin.call("PATCH", f"{API}/composite/sobjects", body)


def create(actor: Actor, rows: list[dict[str, Any]]) -> list[str]:
    """Create records, 200 a call, and return their ids."""
    ids: list[str] = []
    for start in range(0, len(rows), 200):
        body = {"allOrNone": True, "records": rows[start : start + 200]}
        ids += [row["id"] for row in actor.call("POST", f"{API}/composite/sobjects", body)]
    return ids


def shown(scene: Scene, life: Life, seed: int, recorded: float) -> int:
    """Compare every stamp with the oracle's and print the figures."""
    oracle = Oracle(scene.cast.admin, scene.cast.rep_ids)
    leads = oracle.standing()
    wrong = [lead for lead in leads if oracle.said(lead) != oracle.answer(lead, None, None).exact]
    unrouted = [lead for lead in leads if oracle.leads[lead]["Policy_Version__c"] is None]
    files = scene.sidecar.directory.glob("ledger.sqlite3*")
    rows = {
        "events handled": f"{life.changes:,}",
        "leads, stamps": f"{len(leads):,}, {sum(oracle.said(lead) is not None for lead in leads):,}",
        "stamps unlike the oracle's": f"{len(wrong)}",
        "leads not routed": f"{len(unrouted)}",
        "seconds in batches": f"{life.busy_seconds:,.0f}",
        "events per second": f"{life.rate:,.0f}",
        "CPU seconds per 100,000 events": f"{life.cpu_seconds * 1e5 / life.changes:,.1f}",
        "API calls per 1,000 leads": f"{life.calls * 1000 / len(leads):,.0f}",
        "peak memory": f"{life.peak_megabytes:,.0f} MB",
        "ledger": f"{sum(each.stat().st_size for each in files) / 2**20:,.0f} MB",
    }
    print(f"seed {seed}; recorded in {recorded:,.0f} s\n\n| replay | |\n|---|---:|")
    for name, value in rows.items():
        print(f"| {name} | {value} |")
    for lead in wrong[:10]:
        print(f"{lead} says {oracle.said(lead)}, expected {oracle.answer(lead, None, None).exact}")
    return 1 if wrong or unrouted else 0


if __name__ == "__main__":
    sys.exit(main())
