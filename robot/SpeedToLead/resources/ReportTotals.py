"""Compares what the package's reports say with what the records say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from kpis import FIELDS, REPORTS, WEEK, Lead, Report, total
from robot.api import logger
from robot.api.deco import keyword, library
from robot.libraries.BuiltIn import BuiltIn

_POPULATION = f"SELECT {', '.join(FIELDS)} FROM Lead WHERE CreatedDate = LAST_N_DAYS:30"
_ROUNDING = 0.011
"""Fields keep two decimals, formulas of reports one: see ``_SHARES``."""
_SHARES = 0.051
_ATTEMPTS = 10
_BLANK = "-"
Path = tuple[str, ...]
Totals = Mapping[Path, Mapping[str, float | None]]


@library(scope="GLOBAL")
class ReportTotals:
    """Runs reports through the Analytics API and recomputes them from SOQL rows of the same Leads."""

    @keyword
    def every_report_is_defined(self, *reports: str) -> None:
        """Fails if a report of the org has no definition here, or a definition has no report."""
        undefined, missing = sorted({*reports} - {*REPORTS}), sorted({*REPORTS} - {*reports})
        if undefined or missing:
            raise AssertionError(f"reports without a definition: {undefined}; missing: {missing}")

    @keyword
    def report_equals_the_records(self, name: str, report_id: str) -> int:
        """Fails unless all totals of a report are those of the records; returns how many Leads it counts.

        Grand total, every group, every level. The Leads are read before and after the report runs,
        and all is done again when somebody changed one meanwhile. What depends on the time must
        lie between what it is before and what it is after.
        """
        for _ in range(_ATTEMPTS):
            before, leads = self._now(), self._leads()
            answer = self._sf().restful(f"analytics/reports/{report_id}")
            after = self._now() + timedelta(seconds=1)
            if leads == self._leads():
                return self._compare(name, answer, leads, (before, after))
        raise AssertionError(f"the Leads never stood still for {_ATTEMPTS} runs of {name}")

    def _compare(
        self,
        name: str,
        answer: Mapping[str, Any],
        leads: Sequence[Lead],
        span: tuple[datetime, ...],
    ) -> int:
        if not answer["allData"]:
            raise AssertionError(f"{name} is not complete")
        definition, said = REPORTS[name], _said(answer)
        aggregates = answer["reportMetadata"]["aggregates"]
        weeks = _Weeks(answer, self._zone())
        first, last = (_expected(definition, aggregates, leads, now, weeks) for now in span)
        wrong = list(_differences(said, first, last))
        if wrong:
            raise AssertionError(f"{name} differs from the records:\n" + "\n".join(wrong))
        logger.info(
            f"{name}: {len(said)} groups with {len(aggregates)} totals each are as the records say"
        )
        return int(said[()]["RowCount"] or 0)

    # -- the org ----------------------------------------------------------------------------------

    def _sf(self) -> Any:
        return BuiltIn().get_library_instance("cumulusci.robotframework.CumulusCI").sf

    def _now(self) -> datetime:
        text: str = BuiltIn().get_library_instance("PartnerApi").org_time()
        return datetime.fromisoformat(text)

    def _leads(self) -> list[Lead]:
        rows = self._sf().query_all(f"{_POPULATION} ORDER BY Id")["records"]
        return [Lead.of(row) for row in rows]

    def _zone(self) -> ZoneInfo:
        """Return the time zone in which the user's days and weeks begin."""
        org: Any = BuiltIn().get_library_instance("cumulusci.robotframework.CumulusCI").org
        where = f"SELECT TimeZoneSidKey FROM User WHERE Id = '{org.user_id}'"
        return ZoneInfo(self._sf().query(where)["records"][0]["TimeZoneSidKey"])


class _Weeks:
    """The weeks that a report shows, each known by its first day."""

    def __init__(self, answer: Mapping[str, Any], zone: ZoneInfo) -> None:
        self._zone = zone
        levels = answer["reportMetadata"]["groupingsDown"]
        weekly = bool(levels) and levels[0]["dateGranularity"] == "Week"
        groups = answer["groupingsDown"]["groupings"] if weekly else ()
        self._labels = {date.fromisoformat(group["value"]): group["label"] for group in groups}

    def label_of(self, lead: Lead) -> str:
        """Return the label of the week in which a Lead was created."""
        day = lead.created_at.astimezone(self._zone).date()
        within = (first for first in self._labels if first <= day < first + timedelta(days=7))
        found = next(within, None)
        return f"no week with {day}" if found is None else str(self._labels[found])


def _said(answer: Mapping[str, Any]) -> Totals:
    """Return the totals of a report: of the whole under ``()``, of each group under its labels."""
    names = answer["reportMetadata"]["aggregates"]

    def totals(key: str) -> dict[str, float | None]:
        cells = answer["factMap"][f"{key}!T"]["aggregates"]
        return {name: cell["value"] for name, cell in zip(names, cells, strict=True)}

    def walk(groups: Sequence[Mapping[str, Any]], above: Path) -> Iterator[tuple[Path, str]]:
        for group in groups:
            path = (*above, group["label"])
            yield path, group["key"]
            yield from walk(group["groupings"], path)

    keys = dict(walk(answer["groupingsDown"]["groupings"], ()))
    return {(): totals("T")} | {path: totals(key) for path, key in keys.items()}


def _expected(
    report: Report, aggregates: Sequence[str], leads: Sequence[Lead], now: datetime, weeks: _Weeks
) -> Totals:
    """Return the totals that the records come to at an instant, as ``_said`` does."""
    grouped: dict[Path, list[Lead]] = defaultdict(list)
    grouped[()] = []
    for lead in leads:
        if report.counts(lead, now):
            path = tuple(
                weeks.label_of(lead) if level is WEEK else level(lead, now) or _BLANK
                for level in report.groups
            )
            for depth in range(len(path) + 1):
                grouped[path[:depth]].append(lead)
    return {
        path: {name: total(report, name, members, now) for name in aggregates}
        for path, members in grouped.items()
    }


def _differences(said: Totals, first: Totals, last: Totals) -> Iterator[str]:
    """Tell where a report is neither what the records say, nor between what they say then and then."""
    for path in sorted({*said, *first, *last}):
        where = " / ".join(path) or "grand total"
        if path not in said:
            if path in first and path in last:
                yield f"{where}: not in the report, should have {first[path]}"
            continue
        if path not in first and path not in last:
            yield f"{where}: in the report, but no Lead belongs to it"
            continue
        for name, value in said[path].items():
            bounds = [each[path][name] for each in (first, last) if path in each]
            if not _between(name, value, bounds):
                yield f"{where}: {name} is {value}, should be {' to '.join(map(str, bounds))}"


def _between(name: str, value: float | None, bounds: Sequence[float | None]) -> bool:
    if value is None:
        return None in bounds
    numbers = [bound for bound in bounds if bound is not None]
    tolerance = _SHARES if name.startswith("FORMULA") else _ROUNDING
    return bool(numbers) and min(numbers) - tolerance <= value <= max(numbers) + tolerance
