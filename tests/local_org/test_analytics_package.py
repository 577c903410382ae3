"""Our own package's report and a dashboard over it run, and say what the records say."""

from __future__ import annotations

import statistics
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local_org.clock import millis
from tests.local_org.desk import Desk, totals
from tests.metadata.deploying import manifest, xml
from tests.metadata.packing import ROOT, converted

pytestmark = pytest.mark.documented("facts/ttfr.md 15, Native reports; facts/metadata.md 2.7")

TTFR = "Lead.Time_to_First_Response__c"
KINDS = ("Call", "Email", None, "Conversion", "Call", None, "Meeting")
ANSWERS = {"Call", "Email", "Meeting"}
DASHBOARD = """<backgroundEndColor>#FFFFFF</backgroundEndColor>
<backgroundFadeDirection>Diagonal</backgroundFadeDirection>
<backgroundStartColor>#FFFFFF</backgroundStartColor><dashboardGridLayout><dashboardGridComponents>
<colSpan>3</colSpan><columnIndex>0</columnIndex><dashboardComponent>
<autoselectColumnsFromReport>false</autoselectColumnsFromReport><chartAxisRange>Auto</chartAxisRange>
<chartSummary><aggregate>Median</aggregate><axisBinding>y</axisBinding>
<column>Lead.Time_to_First_Response__c</column></chartSummary><componentType>Metric</componentType>
<decimalPrecision>1</decimalPrecision><displayUnits>Auto</displayUnits>
<header>Median minutes to first response</header><report>SalesOpsKPIs/Lead_TTFR</report>
<showRange>false</showRange></dashboardComponent><rowIndex>0</rowIndex><rowSpan>4</rowSpan>
</dashboardGridComponents><numberOfColumns>12</numberOfColumns><rowHeight>36</rowHeight>
</dashboardGridLayout><dashboardType>LoggedInUser</dashboardType><isGridLayout>true</isGridLayout>
<textColor>#000000</textColor><title>Speed to Lead</title><titleColor>#000000</titleColor>
<titleSize>12</titleSize>"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    desk = Desk()
    result = desk.deploy(converted(ROOT, Path(tmp_path_factory.mktemp("package")) / "src"))
    assert result.success, result.failures
    [found] = desk.query("SELECT Id FROM PermissionSet WHERE Name = 'Speed_to_Lead_Analyst'")
    desk.create("PermissionSetAssignment", PermissionSetId=found["Id"], AssigneeId=desk.user_id)
    return desk


@pytest.fixture(scope="module")
def waits(desk):
    """Create leads of the last 40 days; return day, lead source and minutes of those answered."""
    answered = []
    for n in range(84):
        created = datetime(2026, 11, 2, 9, tzinfo=UTC) - timedelta(hours=12 * n)
        kind, minutes = KINDS[n % len(KINDS)], (n * 37 % 91) * 2.5
        source = ("Web", "Chat")[n % 2]
        lead_id = desk.create(LastName="Doe", Company="ACME", LeadSource=source)
        values = {
            "CreatedDate": millis(created),
            "First_Response_At__c": millis(created + timedelta(minutes=minutes)) if kind else None,
            "First_Response_Source__c": kind,
        }
        desk.org.store.update_row("Lead", lead_id, values)
        if kind in ANSWERS and created.date() >= datetime(2026, 10, 3, tzinfo=UTC).date():
            answered.append((created.date(), source, minutes))
    return answered


@pytest.fixture(scope="module")
def report(desk):
    [row] = desk.query("SELECT Id FROM Report WHERE DeveloperName = 'Lead_TTFR'")
    return row["Id"]


def test_lead_ttfr_says_what_the_stamps_say(desk, report, waits):
    """Average, median and count of the whole, of each week, and of each source in a week."""
    answer = desk.results(report)
    assert answer["reportMetadata"]["aggregates"] == [f"a!{TTFR}", f"med!{TTFR}", "RowCount"]
    assert answer["allData"] is True

    def expected(chosen):
        minutes = [m for _, _, m in chosen]
        return [
            pytest.approx(statistics.fmean(minutes)),
            pytest.approx(statistics.median(minutes)),
            len(minutes),
        ]

    assert totals(answer) == expected(waits)
    weeks = sorted({_sunday(day) for day, _, _ in waits})
    found = answer["groupingsDown"]["groupings"]
    assert [each["label"].split(" - ")[0] for each in found] == [_us(week) for week in weeks]
    for week, each in zip(weeks, found, strict=True):
        of_week = [w for w in waits if _sunday(w[0]) == week]
        assert totals(answer, f"{each['key']}!T") == expected(of_week)
        for one in each["groupings"]:
            of_source = [w for w in of_week if w[1] == one["value"]]
            assert totals(answer, f"{one['key']}!T") == expected(of_source)


def _sunday(day):
    return day - timedelta(days=(day.weekday() + 1) % 7)


def _us(day):
    return f"{day.month}/{day.day}/{day.year}"


def test_lead_ttfr_equals_a_query(desk, report, waits):
    """The report's count and average are those of SOQL over the same leads."""
    [row] = desk.query(
        "SELECT COUNT(Id) n, AVG(Time_to_First_Response__c) mean FROM Lead "
        "WHERE First_Response_Source__c IN ('Call', 'Email', 'Meeting', 'Other') "
        "AND CreatedDate = LAST_N_DAYS:30"
    )
    average, _, count = totals(desk.results(report))
    assert (count, average) == (row["n"], pytest.approx(row["mean"]))
    assert count == len(waits)


def test_lead_ttfr_shows_the_bands_of_its_rows(desk, report, waits):
    """The bucket column sorts each row's minutes into its band."""
    answer = desk.results(report, details=True)
    columns = answer["reportMetadata"]["detailColumns"]
    minutes, band = columns.index(TTFR), columns.index("BucketField_TTFR")
    cells = [
        (row["dataCells"][minutes]["value"], row["dataCells"][band]["label"])
        for fact in answer["factMap"].values()
        for row in fact["rows"]
    ]
    assert len(cells) == len(waits)
    for value, label in cells:
        assert label == (
            "Within 5 min" if value <= 5 else "5 to 60 min" if value <= 60 else "Over 1 h"
        )


def test_a_dashboard_shows_the_median_of_lead_ttfr(desk, report, waits):
    """The metric of a LoggedInUser dashboard is the report's median."""
    files = {
        "package.xml": manifest(Dashboard=["SalesOpsKPIs", "SalesOpsKPIs/Speed"]),
        "dashboards/SalesOpsKPIs-meta.xml": xml("DashboardFolder", "<name>Sales Ops KPIs</name>"),
        "dashboards/SalesOpsKPIs/Speed.dashboard": xml("Dashboard", DASHBOARD),
    }
    assert desk.deploy(files).success
    [row] = desk.query("SELECT Id FROM Dashboard WHERE DeveloperName = 'Speed'")
    answer = desk.analytics("GET", f"/dashboards/{row['Id']}")
    [data] = answer["componentData"]
    assert totals(data["reportResult"]) == [
        pytest.approx(statistics.median(m for _, _, m in waits))
    ]
    assert data["status"]["dataStatus"] == "DATA"
    assert answer["dashboardMetadata"]["components"][0]["reportId"] == report


def test_a_user_without_the_fields_is_refused_the_report(desk, report):
    """The report filters by a stamped field: without it no number is shown rather than a wrong one."""
    desk.as_user("rep1@local.test")
    try:
        status, code, _ = desk.refused("GET", f"/reports/{report}")
    finally:
        desk.as_user("admin@local.test")
    assert (status, code) == (400, "BAD_REQUEST")
