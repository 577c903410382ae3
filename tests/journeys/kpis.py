"""The same numbers from four places: the org's reports, its records, the sidecar's ledger, the truth.

A month of leads is played to an org while the sidecar runs; then each report of the package is run, and
what it says is computed again from rows that come from somewhere else.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from speed_to_lead.demo.actors import API, http_client
from speed_to_lead.demo.cast import TEAMS
from speed_to_lead.demo.native import run_report
from speed_to_lead.demo.outcome import SOQL, instant, measured
from speed_to_lead.demo.plan import MONDAY, Plan, draw_plan
from speed_to_lead.demo.play import Stage
from speed_to_lead.kpi import Measured, minutes
from speed_to_lead.ledger import Ledger
from speed_to_lead.model import Source
from tests.journeys.stage import Scene, prepared_org, wait_for

ROOT = Path(__file__).parents[2]
DAYS = 29
"""Leads come on so many days; with the one on which we look, a report's last 30 days hold them all."""
_BANDS = ((5, "1: up to 5 min"), (60, "2: up to 1 h"), (1440, "3: up to 1 day"))
_BLANK = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """One lead, wherever it was found, with what reports group by."""

    lead: Measured
    created: datetime
    """In the time zone of who runs the reports: their days and weeks are that user's."""
    lead_source: str
    segment: str | None
    owner: str | None = None
    team: str | None = None

    def waited(self, as_of: datetime) -> float | None:
        """Return ``Minutes_Waiting__c``."""
        still = self.lead.answered is None and not self.lead.converted
        return minutes(as_of - self.lead.started) if still else None


@dataclass
class Month:
    """A month that has passed."""

    scene: Scene
    plan: Plan
    lead_ids: Mapping[int, str]
    teams: Mapping[str, str]
    """Department of each user, by id."""
    names: Mapping[str, str]
    """Name of each owner, by id."""
    zone: ZoneInfo
    """The administrator's."""

    @property
    def now(self) -> datetime:
        """The instant at which the reports are run."""
        return self.plan.end

    def report(self, name: str) -> dict[str, Any]:
        """Run a report of the package as the administrator."""
        return run_report(self.scene.cast.admin, name)

    def dashboard(self) -> dict[str, Any]:
        """Refresh the dashboard of the package and return it."""
        admin = self.scene.cast.admin
        [found] = admin.query("SELECT Id FROM Dashboard WHERE DeveloperName = 'Sales_Ops_KPIs'")
        admin.call("PUT", f"{API}/analytics/dashboards/{found['Id']}")
        answer: dict[str, Any] = admin.call("GET", f"{API}/analytics/dashboards/{found['Id']}")
        return answer

    # -- rows from three places -------------------------------------------------------------------

    def of_the_org(self) -> list[Row]:
        """Return the leads as a query of the records gives them."""
        records = self.scene.cast.admin.query(SOQL.replace("Id,", "Id, Owner.Name,", 1))
        return [
            Row(
                lead=measured(record),
                created=instant(record["CreatedDate"]).astimezone(self.zone),
                lead_source=record["LeadSource"],
                segment=record["Response_Segment__c"],
                owner=record["Owner"]["Name"],
                team=self.teams.get(record["First_Response_User__c"]),
            )
            for record in records
        ]

    def of_the_sidecar(self) -> list[Row]:
        """Return the leads as the ledger of the sidecar has them."""
        ledger = Ledger.read(self.scene.sidecar.directory / "ledger.sqlite3")
        try:
            leads = ledger.every_lead()
        finally:
            ledger.close()
        return [
            Row(
                lead=Measured.of(lead, deleted),
                created=lead.created_at.astimezone(self.zone),
                lead_source=lead.source or "",
                segment=_segment(lead.employees),
                owner=self.names[lead.owner_id],
                team=self.teams.get(lead.stamp.user or "") if lead.stamp else None,
            )
            for lead, deleted in leads
        ]

    def of_the_plan(self) -> list[Row]:
        """Return the leads as they were drawn, before any software saw them."""
        rows = []
        for planned in self.plan.leads:
            truth = self.plan.truth.get(planned.index)
            segment = _segment(planned.employees)
            lead = Measured(
                started=planned.at,
                answered=None if truth is None else truth.at,
                source=None if truth is None else Source(truth.source),
                due=planned.at + timedelta(minutes={"SMB": 240, "MM": 120, "ENT": 60}[segment]),
                assigned=None,
            )
            team = TEAMS[truth.actor % len(TEAMS)] if truth else None
            created = planned.at.astimezone(self.zone)
            rows.append(Row(lead, created, planned.source, segment, team=team))
        return rows


def _segment(employees: int | None) -> str:
    """The demo's policy, said again."""
    if employees is None or employees <= 200:
        return "SMB"
    return "MM" if employees <= 2000 else "ENT"


@contextmanager
def month(directory: Path, seed: int, leads: int) -> Iterator[Month]:
    """Let a month pass in a fresh org, with a sidecar that is killed once in the middle."""
    plan = draw_plan(seed, leads, DAYS)
    options = ("--clock", MONDAY.isoformat(), "--clock-speed", "0")
    with prepared_org(ROOT, directory, *options) as org, http_client(org) as http:
        scene = Scene.build(org, http, directory)
        stage = Stage(scene.cast, plan)
        scene.sidecar.start()
        paced = MONDAY
        for done, action in enumerate(stage.play(), start=1):
            if done == len(plan.actions) // 2:
                scene.sidecar.kill()
                scene.sidecar.start("--until-idle", "3")
            if action.at - paced > timedelta(days=1):
                wait_for(partial(_heard, scene, paced), f"the sidecar to hear {paced}")
                paced = action.at
        code = scene.sidecar.wait(180)
        assert code == 0, scene.sidecar.log.read_text(encoding="utf-8")[-4000:]
        admin = scene.cast.admin
        users = admin.query("SELECT Id, Name, Username, Department, TimeZoneSidKey FROM User")
        [zone] = [u["TimeZoneSidKey"] for u in users if u["Username"] == org.admin_username]
        queues = admin.query("SELECT Id, Name FROM Group WHERE Type = 'Queue'")
        yield Month(
            scene,
            plan,
            stage.lead_ids,
            {user["Id"]: user["Department"] for user in users},
            {each["Id"]: each["Name"] for each in [*users, *queues]},
            ZoneInfo(zone),
        )


def _heard(scene: Scene, until: datetime) -> bool | None:
    """Events are kept for three days of the org's clock: a sidecar that far behind would lose some."""
    path = scene.sidecar.directory / "ledger.sqlite3"
    if not path.exists():
        return None
    ledger = Ledger.read(path)
    try:
        positions = [each.committed_at for each in ledger.checkpoints()]
    finally:
        ledger.close()
    return any(at is not None and at >= until - timedelta(hours=12) for at in positions) or None


# -- what a report should say ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Expected:
    """Who is in a report, and by what it groups them; formulas by their developer name."""

    holds: Callable[[Row, datetime], bool]
    group: Callable[[Row, datetime], str | None]
    formulas: Mapping[str, Callable[[Sequence[Row], datetime], float]] | None = None
    known_to_the_plan: bool = True
    """Whether the truth that was drawn can tell it: not where the sidecar's own acts count."""


def _answered(row: Row, _: datetime) -> bool:
    return row.lead.is_answer


def _week(row: Row, _: datetime) -> str:
    day = row.created.date()
    first = day - timedelta(days=(day.weekday() + 1) % 7)
    return f"{_us(first)} - {_us(first + timedelta(days=6))}"


def _us(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def _age(row: Row, as_of: datetime) -> str:
    waited = row.waited(as_of) or 0
    return next((label for limit, label in _BANDS if waited <= limit), "4: over 1 day")


def _mean(rows: Iterable[Row], of: Callable[[Measured], float | None]) -> float:
    return statistics.fmean(value for row in rows if (value := of(row.lead)) is not None)


def _ttfr(lead: Measured) -> float | None:
    return lead.minutes


def _human(lead: Measured) -> float | None:
    return lead.human_minutes


def _share(rows: Sequence[Row], of: Callable[[Row], bool | None]) -> float:
    return sum(bool(of(row)) for row in rows) / len(rows) * 100


REPORTS: dict[str, Expected] = {
    "Lead_TTFR": Expected(_answered, _week),
    "Lead_TTFR_By_Owner": Expected(_answered, lambda row, _: row.owner, known_to_the_plan=False),
    "Lead_TTFR_By_Segment": Expected(_answered, lambda row, _: row.segment),
    "Lead_TTFR_By_Team": Expected(_answered, lambda row, _: row.team),
    "Leads_Awaiting_Response": Expected(lambda row, now: row.waited(now) is not None, _age),
    "Routing_and_People": Expected(
        _answered,
        _week,
        {
            "FORMULA1": lambda rows, _: _mean(rows, _ttfr) - _mean(rows, _human),
            "FORMULA2": lambda rows, _: _mean(rows, _human) / _mean(rows, _ttfr) * 100,
        },
        known_to_the_plan=False,
    ),
    "SLA_Attainment": Expected(
        lambda row, now: row.lead.met(now) is not None,
        _week,
        {"FORMULA1": lambda rows, now: _share(rows, lambda row: row.lead.met(now))},
    ),
    "Answered_Share": Expected(
        lambda row, _: row.lead.source is not Source.PREEXISTING,
        _week,
        {"FORMULA1": lambda rows, _: _share(rows, lambda row: row.lead.is_answer)},
    ),
    "Evidence_by_Kind": Expected(
        lambda row, _: row.lead.answered is not None,
        lambda row, _: row.lead.source and row.lead.source.value,
    ),
}
"""By developer name; a test sees that this is every report of the package."""
_COLUMNS: dict[str, Callable[[Row, datetime], float | None]] = {
    "Time_to_First_Response__c": lambda row, _: row.lead.minutes,
    "Human_Latency_Minutes__c": lambda row, _: row.lead.human_minutes,
    "Assignment_Latency_Minutes__c": lambda row, _: _assignment(row.lead),
    "Minutes_Waiting__c": lambda row, now: row.waited(now),
    "Met_Response_SLA__c": lambda row, now: row.lead.met(now),
    "Answered__c": lambda row, _: row.lead.is_answer,
}
_TOTALS: dict[str, Callable[[Sequence[float]], float]] = {
    "a": statistics.fmean,
    "med": statistics.median,
    "s": sum,
    "x": max,
}


def _assignment(lead: Measured) -> float | None:
    return None if lead.assigned is None else max(0.0, minutes(lead.assigned - lead.started))


Table = dict[str, list[float | None]]
"""The totals of each group, by its label; ``Total`` is the grand total."""


def expected(name: str, aggregates: Sequence[str], rows: Sequence[Row], as_of: datetime) -> Table:
    """Return what a report should say of these rows, for the aggregates that it has."""
    about = REPORTS[name]
    chosen = [row for row in rows if about.holds(row, as_of)]
    groups: dict[str, list[Row]] = {}
    for row in chosen:
        groups.setdefault(about.group(row, as_of) or _BLANK, []).append(row)
    return {
        label: [_total(about, each, of, as_of) for each in aggregates]
        for label, of in [*groups.items(), ("Total", chosen)]
    }


def _total(about: Expected, aggregate: str, rows: Sequence[Row], as_of: datetime) -> float | None:
    if aggregate == "RowCount":
        return len(rows)
    if about.formulas and aggregate in about.formulas:
        return about.formulas[aggregate](rows, as_of)
    function, _, column = aggregate.partition("!")
    field = column.replace("$", ".").rpartition(".")[2]
    values = [value for row in rows if (value := _COLUMNS[field](row, as_of)) is not None]
    return _TOTALS[function](values) if values else None


def said(report: Mapping[str, Any]) -> Table:
    """Return what a report says: the totals of its outermost groups, and of all."""
    facts = report["factMap"]
    table: Table = {
        group["label"]: _values(facts[f"{group['key']}!T"])
        for group in report["groupingsDown"]["groupings"]
    }
    return {**table, "Total": _values(facts["T!T"])}


def _values(fact: Mapping[str, Any]) -> list[float | None]:
    return [cell["value"] for cell in fact["aggregates"]]
