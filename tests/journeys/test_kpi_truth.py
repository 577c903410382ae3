"""Every number of the package is true: report, records, ledger and the truth that was drawn agree.

2,000 leads over 30 days, heard live by a sidecar that is killed once; seed 30.
"""

from __future__ import annotations

import pytest

from tests.journeys.kpi_pages import LEADS, SEED, text
from tests.journeys.kpis import REPORTS, ROOT, Month, Table, expected, month, said

PAGE = ROOT / "docs" / "kpis.md"
FOLDER = ROOT / "force-app" / "main" / "default" / "reports" / "SalesOpsKPIs"


@pytest.fixture(scope="module")
def passed(tmp_path_factory):
    with month(tmp_path_factory.mktemp("month"), SEED, LEADS) as passed:
        yield passed


def close(table: Table):
    """Formula fields hold two decimals: so close must numbers of them agree."""
    return {label: [pytest.approx(v, abs=0.011) for v in row] for label, row in table.items()}


def test_every_report_of_the_package_is_recomputed():
    assert set(REPORTS) == {path.name.split(".")[0] for path in FOLDER.glob("*.report-meta.xml")}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_says_what_records_ledger_and_truth_say(passed, name):
    report = passed.report(name)
    assert report["allData"] is True
    aggregates = report["reportMetadata"]["aggregates"]
    found = said(report)
    assert found["Total"][aggregates.index("RowCount")] > LEADS / 10
    places = [passed.of_the_org(), passed.of_the_sidecar()]
    if REPORTS[name].known_to_the_plan:
        places.append(passed.of_the_plan())
    for rows in places:
        assert len(rows) == LEADS
        assert found == close(expected(name, aggregates, rows, passed.now))


@pytest.mark.parametrize("name", [n for n, of in REPORTS.items() if of.known_to_the_plan])
def test_the_page_shows_what_the_report_says(passed, name):
    """Where the machine's speed plays no part; `make kpis` writes the page."""
    assert text(passed.report(name)) in PAGE.read_text(encoding="utf-8")


def test_the_command_of_the_sidecar_prints_the_same_numbers(passed):
    told = passed.scene.json("kpis", "--as-of", passed.now.isoformat())
    everything = told[-1]
    answered = dict(
        zip(
            _aggregates(passed, "Lead_TTFR"), said(passed.report("Lead_TTFR"))["Total"], strict=True
        )
    )
    assert everything["leads"] == LEADS
    assert everything["answered"] == answered["RowCount"]
    assert everything["median"] == pytest.approx(
        answered["med!Lead.Time_to_First_Response__c"], abs=0.01
    )
    assert everything["average"] == pytest.approx(
        answered["a!Lead.Time_to_First_Response__c"], abs=0.01
    )
    sla = said(passed.report("SLA_Attainment"))["Total"]
    assert [everything["met"], everything["due"]] == sla[:1] + sla[-1:]
    waiting = said(passed.report("Leads_Awaiting_Response"))["Total"]
    assert everything["waiting"] == waiting[-1]


def _aggregates(passed: Month, name: str) -> list[str]:
    found: list[str] = passed.report(name)["reportMetadata"]["aggregates"]
    return found


def test_each_component_of_the_dashboard_shows_its_report(passed):
    dashboard = passed.dashboard()
    components = {each["id"]: each for each in dashboard["dashboardMetadata"]["components"]}
    assert len(components) == len(dashboard["componentData"]) > 10
    for data in dashboard["componentData"]:
        shown = components[data["componentId"]]
        assert data["status"]["dataStatus"] == "DATA", shown["header"]
        assert shown["footer"], shown["header"]
        name = data["reportResult"]["reportMetadata"]["developerName"]
        aggregates = data["reportResult"]["reportMetadata"]["aggregates"]
        whole = passed.report(name)
        at = [whole["reportMetadata"]["aggregates"].index(each) for each in aggregates]
        totals = said(whole)["Total"]
        assert said(data["reportResult"])["Total"] == pytest.approx([totals[n] for n in at])


def test_a_lead_that_nobody_answered_is_missed_by_the_median_and_not_by_its_companions(passed):
    """What docs/kpis.md warns of: the answered alone look fast."""
    told = passed.scene.json("kpis", "--as-of", passed.now.isoformat())[-1]
    assert told["answered"] < told["leads"]
    assert told["median"] < told["whole_median"] / 5
