"""``speed-to-lead demo``: the whole path on one machine, from a deploy to checked numbers.

A local org starts with a clock of its own, the real ``cci`` deploys the package to it, some seeded days
of leads arrives and is answered, the sidecar routes and stamps them as a process of its own and is
killed once in the middle; in the end every stamp is compared with what really happened.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from speed_to_lead.demo.actors import admin, http_client
from speed_to_lead.demo.cast import hire
from speed_to_lead.demo.native import native
from speed_to_lead.demo.outcome import SOQL, Mismatch, check, table
from speed_to_lead.demo.plan import MONDAY, Plan, Truth, draw_plan
from speed_to_lead.demo.play import Stage
from speed_to_lead.demo.processes import LocalOrg, Sidecar, local_org, run, script
from speed_to_lead.errors import OrgUnavailable, UsageError

POLICY = Path(__file__).with_name("policy.json")
_IDLE = "3"
"""Seconds without an event after which the sidecar of the demo ends by itself."""


def demo(seed: int = 7, leads: int = 200, days: int = 7, project: Path | None = None) -> int:
    """Run the demo; return 0 when every stamp is right, and 1 when one is wrong.

    :raises UsageError: the current directory is not a checkout with the package in it.
    """
    project = project or Path.cwd()
    if not (project / "cumulusci.yml").exists():
        raise UsageError(
            f"{project} has no cumulusci.yml: run the demo in a checkout of the project"
        )
    directory = Path(tempfile.mkdtemp(prefix="speed-to-lead-demo-"))
    console = Console()
    options = ("--clock", MONDAY.isoformat(), "--clock-speed", "0")
    with local_org(directory, *options) as org, http_client(org) as http:
        wrong = _Demo(project, directory, org, http, console).play(draw_plan(seed, leads, days))
    if wrong:
        console.print(f"logs and ledger: {directory}", highlight=False)
        return 1
    shutil.rmtree(directory, ignore_errors=True)
    return 0


class _Demo:
    """One run of the demo against one org."""

    def __init__(
        self, project: Path, directory: Path, org: LocalOrg, http: httpx.Client, console: Console
    ) -> None:
        self.project, self.directory, self.org, self.http = project, directory, org, http
        self.console = console
        self.admin = admin(org, http)
        self.sidecar = Sidecar(directory, org.sidecar_settings(), POLICY)

    def play(self, plan: Plan) -> list[Mismatch]:
        """Deploy, let the days pass, and return the leads whose stamp is wrong."""
        columns = (
            TextColumn("{task.description:<34}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console, disable=not self.console.is_terminal) as bar:
            deploy = bar.add_task("cci deploys the package", total=1)
            self._deploy()
            bar.advance(deploy)
            stage = Stage(hire(self.org, self.http), plan)
            self._pass_the_days(stage, bar)
        return self._tell(stage)

    def _deploy(self) -> None:
        home = self.directory / "home"
        home.mkdir(exist_ok=True)
        environment = {
            **self.org.client_settings(),
            "HOME": str(home),
            "CUMULUSCI_KEY": "0123456789abcdef",
            "CUMULUSCI_AUTO_DETECT": "0",
        }
        log = self.directory / "cci.log"
        for command in (
            ("task", "run", "connect_local_org"),
            ("flow", "run", "dev_org", "--org", "local"),
            ("task", "run", "assign_sidecar_access", "--org", "local"),
        ):
            with log.open("ab") as out:
                code = run([script("cci"), *command], environment, out, self.project)
            if code:
                self.console.print(log.read_text(encoding="utf-8")[-4000:], markup=False)
                raise OrgUnavailable(f"cci {' '.join(command)} failed with {code}")

    def _pass_the_days(self, stage: Stage, bar: Progress) -> None:
        total = len(stage.plan.actions)
        days = bar.add_task("days of leads pass", total=total)
        self.sidecar.start()
        for done, _action in enumerate(stage.play(), start=1):
            bar.update(days, completed=done)
            if done == total // 2:
                self.sidecar.kill()
                bar.console.print("sidecar killed (SIGKILL) and started again", highlight=False)
                self.sidecar.start("--until-idle", _IDLE)
        drain = bar.add_task("the sidecar catches up", total=1)
        if code := self.sidecar.wait(120):
            raise OrgUnavailable(f"the sidecar ended with {code}: see {self.sidecar.log}")
        bar.advance(drain)

    def _tell(self, stage: Stage) -> list[Mismatch]:
        records = self.admin.query(SOQL)
        truth: dict[str, Truth | None] = {
            lead_id: stage.plan.truth.get(index) for index, lead_id in stage.lead_ids.items()
        }
        wrong = check(records, truth, stage.cast.rep_ids)
        self.console.print(table(records, stage.plan.end))
        self.console.print(native(self.admin, "Lead_TTFR"))
        calls, answered = api_calls(self.sidecar), sum(t is not None for t in truth.values())
        self.console.print(
            f"API calls spent by the sidecar: {calls} for {len(truth)} leads routed "
            f"and {answered} answered",
            highlight=False,
        )
        for mismatch in wrong:
            self.console.print(
                f"{mismatch.lead_id}: expected {mismatch.expected}, found {mismatch.found}",
                style="red",
                highlight=False,
            )
        right = len(truth) - len(wrong)
        self.console.print(
            f"stamps checked against the generator's truth: {right}/{len(truth)}", highlight=False
        )
        return wrong


def api_calls(sidecar: Sidecar) -> int:
    """Return the REST calls of all runs of a sidecar, as far as its log tells them."""
    return sum(_calls(line) for line in sidecar.lines())


def _calls(line: Mapping[str, Any]) -> int:
    return int(line.get("api_calls", 0)) if line.get("event") == "batch_handled" else 0
