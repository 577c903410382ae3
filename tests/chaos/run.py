"""One chaotic history: sidecars live and die under load and faults, and in the end all must be right."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from speed_to_lead.demo.plan import MONDAY
from speed_to_lead.demo.processes import Sidecar, script
from speed_to_lead.explain import SAME, explained
from speed_to_lead.ids import lead_id
from speed_to_lead.ledger import Ledger
from speed_to_lead.policy import load_policy
from tests.chaos import faults
from tests.chaos.load import MARK, Load
from tests.chaos.oracle import Answer, Oracle
from tests.journeys.listening import events_of
from tests.journeys.stage import Scene

_QUICK = {
    "SPEED_TO_LEAD_FAILOVER_SECONDS": "0.5",
    "SPEED_TO_LEAD_POLL_SECONDS": "0.5",
    "SPEED_TO_LEAD_RECONCILE_SECONDS": "0.5",
    "SPEED_TO_LEAD_OWNER_CHANGES_PER_MINUTE": "0",
}
_GOOD_ENDS = {0, 75, -signal.SIGKILL, -signal.SIGTERM}
"""Exit codes that a fault may lead to: none, try again later (a full disk), and our own signals."""
_CATCH_UP_SECONDS = 240
_LEAVE_SECONDS = 10
"""What a sidecar that was told to stop may take; it promises five, and this machine is busy."""


@dataclass(frozen=True)
class Plan:
    """How much of what; together with the seed it gives the same choices again."""

    seed: int
    kills: int
    actions: int
    sidecars: int = 2
    merges: bool = True
    faults: bool = True


@dataclass
class Outcome:
    """What a run came to."""

    plan: Plan
    kills: int = 0
    terms: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    actions: int = 0
    events: int = 0
    leads: int = 0
    stamps: int = 0
    either: int = 0
    """Leads that may say one of several things, since evidence was taken away."""
    decisions: int = 0
    quarantined: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Any other invariant that does not hold, in words."""

    @property
    def is_good(self) -> bool:
        """Whether everything is as it must be."""
        return not (self.wrong or self.lost or self.doubled or self.broken)


@dataclass
class Crew:
    """The sidecars, each with a folder of its own."""

    members: list[Sidecar]
    random: Random
    outcome: Outcome
    numbers: Iterator[int]
    anew: set[Path] = field(default_factory=set)
    """Folders whose ledger was begun anew, so that the past must be filled in."""

    def live(self, member: Sidecar, hazard: str | None) -> None:
        """Start one; what has been done to its folder or its clock is part of the hazard."""
        folder = member.directory
        (folder / "flywheel").mkdir(exist_ok=True)
        extra = {"PYTHONFAULTHANDLER": "1"}
        through: tuple[str, ...] = ()
        if hazard == "clock-skew":
            extra |= {
                "CHAOS_SKEW": str(self.random.choice([-45, 50])),
                "PYTHONPATH": f"{folder / 'skew'}:{os.environ.get('PYTHONPATH', '')}",
            }
        elif hazard == "full-disk":
            size = sum(path.stat().st_size for path in faults.ledger_files(folder)) // 1024
            through = ("bash", "-c", f'ulimit -f {max(64, size + 8)}; exec "$@"', "full-disk")
        elif hazard == "old-ledger":
            hazard = hazard if faults.restore_copy(folder, next(self.numbers)) else None
        elif hazard == "cut-ledger":
            hazard = hazard if faults.cut(folder) else None
        if hazard:
            self.outcome.struck[hazard] += 1
        member.starts += 1
        with (folder / f"log-{member.starts}.log").open("wb") as out:
            member._process = subprocess.Popen(
                [*through, script("speed-to-lead"), "run"],
                stdout=out,
                stderr=out,
                env={**member.environment(), **extra},
            )

    def die(self, member: Sidecar, *, softly: bool) -> None:
        """End one, by SIGTERM or SIGKILL; a damaged ledger is moved away."""
        process = member._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM if softly else signal.SIGKILL)
            if softly:
                self.outcome.terms += 1
            else:
                self.outcome.kills += 1
        try:
            code = process.wait(_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)  # Python's fault handler tells where it is
            process.wait()
            self.outcome.broken.append(f"did not leave: {self.last_words(member)[-3000:]}")
            return
        self.mend(member, code)

    def mend(self, member: Sidecar, code: int) -> None:
        """Do what an operator would do after an end that asks for one."""
        said = self.last_words(member)
        if "is damaged" in said:
            faults.start_anew(member.directory, next(self.numbers))
            self.anew.add(member.directory)
        elif code == 64 and "an older ledger been restored" in said:
            number = next(self.numbers)
            (member.directory / "flywheel").rename(member.directory / f"flywheel-{number}")
        elif code not in _GOOD_ENDS:
            self.outcome.broken.append(f"ended with {code}: {said[-300:]}")

    def last_words(self, member: Sidecar) -> str:
        """Return the end of the log of a sidecar's last life."""
        log = member.directory / f"log-{member.starts}.log"
        return log.read_text(encoding="utf-8")[-4000:] if log.exists() else ""

    def catch_up(self, scene: Scene) -> None:
        """Let each run until all is quiet, and try again what it has set aside."""
        for member in self.members:
            for _ in range(3):  # a damaged ledger or an old one is mended first
                member.starts += 1
                with (member.directory / f"log-{member.starts}.log").open("wb") as out:
                    code = subprocess.run(
                        [script("speed-to-lead"), "run", "--until-idle", "2.5"],
                        stdout=out,
                        stderr=out,
                        env=member.environment(),
                        check=False,
                        timeout=_CATCH_UP_SECONDS,
                    ).returncode
                if code == 0:
                    break
                self.mend(member, code)
            scene.sidecar = member
            if member.directory in self.anew:
                scene.command("backfill", "--since", f"{MONDAY:%Y-%m-%dT%H:%M:%SZ}")
            self.outcome.quarantined += len(scene.json("quarantine", "list"))
            scene.command("quarantine", "retry")


def run(
    scene: Scene, folder: Path, plan: Plan, tell: Callable[[Outcome], None] = lambda _: None
) -> Outcome:
    """Play a chaotic history in a prepared org; ``tell`` hears of the progress."""
    outcome, random = Outcome(plan), Random(plan.seed)
    load = Load(scene, Random(f"{plan.seed}-load"), merges=plan.merges)
    crew = _crew(scene, folder, plan, outcome)
    try:
        _live(scene, crew, load, random, tell)
    finally:
        for member in crew.members:
            member.kill()
    scene.cast.admin.call("DELETE", "/local-org/fault")
    load.play(max(0, plan.actions - load.actions))
    outcome.actions = load.actions
    crew.catch_up(scene)
    _judge(scene, load, crew, outcome)
    return outcome


def _live(
    scene: Scene, crew: Crew, load: Load, random: Random, tell: Callable[[Outcome], None]
) -> None:
    """Let the sidecars live and die until there were enough kills."""
    outcome, plan = crew.outcome, crew.outcome.plan
    per_round = max(1, plan.actions * plan.sidecars // max(1, plan.kills))
    while outcome.kills < plan.kills:
        if plan.faults:
            _strike(scene, random, outcome)
        failure = _playing(load, per_round)
        for member in crew.members:
            hazard = faults.draw(random, 0.1, faults.OF_THE_MACHINE) if plan.faults else None
            crew.live(member, hazard)
        time.sleep(random.uniform(0.5, 1.3))
        failure.join()
        for member in crew.members:
            crew.die(member, softly=random.random() < 0.2)
            if random.random() < 0.1:
                faults.keep_copy(member.directory)
        tell(outcome)


def _crew(scene: Scene, folder: Path, plan: Plan, outcome: Outcome) -> Crew:
    members = []
    for number in range(plan.sidecars):
        own = folder / f"sidecar-{number}"
        (own / "skew").mkdir(parents=True)
        (own / "skew" / "sitecustomize.py").write_text(faults.SKEW, encoding="utf-8")
        settings = {**scene.sidecar.settings, **_QUICK}
        members.append(replace(scene.sidecar, directory=own, settings=settings, starts=0))
    return Crew(members, Random(f"{plan.seed}-crew"), outcome, iter(range(10**6)))


def _strike(scene: Scene, random: Random, outcome: Outcome) -> None:
    """Order a fault of the org, or none."""
    kind = faults.draw(random, 0.8, tuple(faults.OF_THE_ORG))
    if kind is not None:
        scene.fault(kind, **faults.OF_THE_ORG[kind])
        outcome.struck[kind] += 1


class _playing(threading.Thread):  # noqa: N801 - reads as what it does
    """Plays a part of the load beside the sidecars."""

    def __init__(self, load: Load, count: int) -> None:
        super().__init__(daemon=True)
        self._load, self._count = load, count
        self._failure: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._load.play(self._count)
        except BaseException as error:  # noqa: BLE001 - told by the harness's own thread
            self._failure = error

    def join(self, timeout: float | None = None) -> None:
        super().join(timeout)
        if self._failure is not None:
            raise self._failure


# -- the eight invariants -------------------------------------------------------------------------


def _judge(scene: Scene, load: Load, crew: Crew, outcome: Outcome) -> None:
    oracle = Oracle(scene.cast.admin, scene.cast.rep_ids)
    outcome.leads = len(oracle.standing())
    for lead in oracle.standing():
        answer = oracle.answer(lead, load.converted.get(lead), load.stamped_by_another.get(lead))
        _stamp(oracle, lead, answer, outcome)
        _whole(oracle, lead, outcome)
        if oracle.leads[lead]["Policy_Version__c"] is None and lead not in load.converted:
            outcome.broken.append(f"{lead} is not routed")
    _never_raised(scene, outcome)
    for member in crew.members:
        scene.sidecar = member
        _decisions(member, outcome)
        _re_executed(member, oracle, outcome)
        _nothing_personal(member, outcome)


def _stamp(oracle: Oracle, lead: str, answer: Answer, outcome: Outcome) -> None:
    """1, 4: the earliest wins, and none is lost."""
    said = oracle.said(lead)
    outcome.stamps += said is not None
    outcome.either += bool(answer.also)
    if said == answer.exact or said in answer.also:
        return
    told = f"{lead} says {said}, expected {answer.exact}"
    (outcome.lost if said is None else outcome.wrong).append(told)


def _whole(oracle: Oracle, lead: str, outcome: Outcome) -> None:
    """3: instant and source together, and the formula says their difference."""
    row = oracle.leads[lead]
    at, source = row["First_Response_At__c"], row["First_Response_Source__c"]
    if (at is None) is not (source is None):
        outcome.broken.append(f"{lead} is not whole: {at} and {source}")
    if at is None or source == "Preexisting":
        return
    started = oracle.started(lead)
    told = row["Response_Clock_Started_At__c"] or row["CreatedDate"]
    if f"{started:%Y-%m-%dT%H:%M:%S}.000+0000" != told:
        outcome.wrong.append(f"{lead} started at {told}, expected {started}")


def _never_raised(scene: Scene, outcome: Outcome) -> None:
    """2: no event tells of a stamp that moved later, or went."""
    known: dict[str, int] = {}
    events = asyncio.run(events_of(scene.org, "/data/LeadChangeEvent"))
    outcome.events += len(events)
    for event in events:
        at = event.fields.get("First_Response_At__c")
        if "First_Response_At__c" not in event.changed:
            continue
        for lead in event.ids:
            if at is None or at > known.get(lead, at):
                outcome.broken.append(f"the stamp of {lead} rose to {at}")
            known[lead] = at


def _decisions(member: Sidecar, outcome: Outcome) -> None:
    """No decision twice: each record of one flywheel file has an id of its own."""
    for folder in member.directory.glob("flywheel*"):
        path = folder / "decisions.jsonl"
        if not path.exists():
            continue
        records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        ids = Counter(each["request"]["metadata"]["decision_id"] for each in records)
        outcome.decisions += len(records)
        outcome.doubled += [f"{path}: {each}" for each, count in ids.items() if count > 1]
        routed = Counter(
            each["request"]["metadata"]["lead_id"]
            for each in records
            if each["workload_id"] == "lead.route"
        )
        outcome.doubled += [f"{path}: {each} routed" for each, n in routed.items() if n > 1]


def _re_executed(member: Sidecar, oracle: Oracle, outcome: Outcome) -> None:
    """5: every decision gives the same again."""
    ledger, policy = Ledger.read(member.directory / "ledger.sqlite3"), load_policy(member.policy)
    try:
        known = ledger.leads(map(lead_id, oracle.standing()))
        for each in known.values():
            told = explained(ledger, each, policy)
            if told.again not in (SAME, "not routed") or "bug" in told.stamp_again:
                outcome.broken.append(f"{each.lead.id}: {told.again}; {told.stamp_again}")
        if ledger.integrity():
            outcome.broken.append(f"{member.directory}: the ledger is damaged")
    finally:
        ledger.close()


def _nothing_personal(member: Sidecar, outcome: Outcome) -> None:
    """7: no log and no record holds anything that people typed."""
    for path in [*member.directory.glob("*.log"), *member.directory.glob("flywheel*/*.jsonl")]:
        if MARK.encode() in path.read_bytes():
            outcome.broken.append(f"{path} holds personal data")
