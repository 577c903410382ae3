"""A report answers in the shapes of the REST Analytics API."""

from __future__ import annotations

from datetime import timedelta

import pytest

from local_org.schema.model import FieldType
from tests.local_org.caller import custom, extend
from tests.local_org.desk import Desk, grouped, groups, labels, shown, totals

GUIDE = "Reports and Dashboards REST API Developer Guide"
pytestmark = pytest.mark.documented(GUIDE)

BODY = """<columns><field>LAST_NAME</field></columns>
<columns><aggregateTypes>Sum</aggregateTypes><aggregateTypes>Average</aggregateTypes>
<field>Lead.Score__c</field></columns>
<description>Scores by source.</description>
<format>Summary</format>
<groupingsDown><field>LEAD_SOURCE</field><sortOrder>Asc</sortOrder></groupingsDown>
<name>Scores</name>
<reportType>LeadList</reportType>
<scope>org</scope>
<timeFrameFilter><dateColumn>CREATED_DATE</dateColumn><interval>INTERVAL_LAST30</interval>
</timeFrameFilter>"""


@pytest.fixture
def desk():
    desk = Desk()
    score = custom("Score__c", FieldType.DOUBLE, precision=10, scale=2)
    extend(desk.org, fields=[score])
    for name, source, points in (("Ada", "Web", 4), ("Bob", "Web", 7.5), ("Cyd", None, None)):
        desk.create(LastName=name, Company="ACME", LeadSource=source, Score__c=points)
    return desk


@pytest.fixture
def report(desk):
    return desk.put("Report", BODY, "Scores")


def test_a_table_stands_under_the_grand_total(desk):
    """A tabular report has one key, and cells in the order of its columns."""
    answer = desk.ask(details=True, detailColumns=["LAST_NAME", "COMPANY", "Lead.Score__c"])
    assert list(answer["factMap"]) == ["T!T"]
    assert shown(answer) == [["Ada", "ACME", "4.00"], ["Bob", "ACME", "7.50"], ["Cyd", "ACME", "-"]]
    assert (answer["allData"], answer["hasDetailRows"]) == (True, True)
    assert answer["groupingsDown"] == {"groupings": []}


def test_a_summary_has_a_key_for_every_group(desk, report):
    """Each group of a saved summary report has its totals, and the whole has its own."""
    answer = desk.results(report)
    assert groups(answer) == ["-", "Web"]
    assert groups(answer, "key") == ["0", "1"]
    assert groups(answer, "value") == [None, "Web"]
    assert totals(answer, "1!T") == [11.5, 5.75, 2]
    assert totals(answer, "0!T") == [0, None, 1]
    assert labels(answer) == ["11.50", "5.75", "3"]
    assert answer["reportMetadata"]["aggregates"] == [
        "s!Lead.Score__c",
        "a!Lead.Score__c",
        "RowCount",
    ]


def test_groups_of_groups_are_numbered_within_their_group(desk):
    """The second level of a summary report counts from nought in each group."""
    answer = desk.ask(
        reportFormat="SUMMARY", groupingsDown=[grouped("LEAD_SOURCE"), grouped("LAST_NAME")]
    )
    assert groups(answer) == [("-", ["Cyd"]), ("Web", ["Ada", "Bob"])]
    assert set(answer["factMap"]) == {"T!T", "0!T", "0_0!T", "1!T", "1_0!T", "1_1!T"}


def test_a_matrix_has_a_key_for_every_pair_of_groups(desk):
    """Row and column groups meet in a cell, with totals on both sides."""
    answer = desk.ask(
        reportFormat="MATRIX",
        groupingsDown=[grouped("LEAD_SOURCE")],
        groupingsAcross=[grouped("LAST_NAME")],
    )
    assert groups(answer, side="groupingsAcross") == ["Ada", "Bob", "Cyd"]
    assert totals(answer, "1!0") == [1]
    assert totals(answer, "0!0") == [0]
    assert totals(answer, "1!T") == [2]
    assert totals(answer, "T!2") == [1]
    assert len(answer["factMap"]) == 3 * 4


def test_details_stand_only_in_the_innermost_groups(desk, report):
    """With details every key has rows, empty ones in totals; without details none has."""
    answer = desk.results(report, details=True)
    assert shown(answer, "1!T") == [["Ada", "4.00"], ["Bob", "7.50"]]
    assert answer["factMap"]["T!T"]["rows"] == []
    bare = desk.results(report)
    assert set(bare["factMap"]["1!T"]) == {"aggregates"}
    assert bare["hasDetailRows"] is False


def test_a_name_links_to_its_record_and_an_owner_to_the_user(desk):
    """Cells of names and lookups bear an id as value and a name as label."""
    answer = desk.ask(details=True, detailColumns=["LAST_NAME", "OWNER"])
    [ada] = desk.query("SELECT Id FROM Lead WHERE LastName = 'Ada'")
    assert shown(answer)[0] == ["Ada", "Admin User"]
    assert shown(answer, part="value")[0] == [ada["Id"], desk.user_id]


def test_a_creation_date_is_shown_as_its_day_and_another_instant_in_full(desk):
    """Standard types show CREATED_DATE as a day; a custom date-time has its time, in UTC as value."""
    extend(desk.org, fields=[custom("At__c", FieldType.DATETIME)])
    desk.create(LastName="Dan", Company="X", At__c="2026-11-02T20:05:00.000Z")
    answer = desk.ask(
        details=True,
        detailColumns=["CREATED_DATE", "Lead.At__c"],
        reportFilters=[{"column": "COMPANY", "operator": "equals", "value": "X"}],
    )
    assert shown(answer) == [["11/2/2026", "11/2/2026, 8:05 PM"]]
    assert shown(answer, part="value") == [["2026-11-02", "2026-11-02T20:05:00Z"]]


def test_money_bears_its_amount_and_its_currency(desk):
    """A currency cell is an object, its total a number, and both are read in dollars."""
    desk.create("Account", Name="ACME", AnnualRevenue=16000)
    answer = desk.ask(
        report_type="AccountList",
        details=True,
        detailColumns=["ACCOUNT.NAME", "SALES"],
        aggregates=["s!SALES", "RowCount"],
    )
    assert shown(answer, part="value")[0][1] == {"amount": 16000, "currency": None}
    assert shown(answer)[0][1] == "$16,000.00"
    assert labels(answer) == ["$16,000.00", "1"]


def test_the_answer_tells_the_report_it_ran(desk, report):
    """Report metadata, labels and types come with the results."""
    answer = desk.results(report)
    url = f"/services/data/v66.0/analytics/reports/{report}"
    assert answer["attributes"] == {
        "describeUrl": f"{url}/describe",
        "instancesUrl": f"{url}/instances",
        "reportId": report,
        "reportName": "Scores",
        "type": "Report",
    }
    metadata = answer["reportMetadata"]
    assert metadata["reportFormat"] == "SUMMARY"
    assert metadata["reportType"] == {"label": "Leads", "type": "LeadList"}
    assert metadata["description"] == "Scores by source."
    assert metadata["standardDateFilter"] == {
        "column": "CREATED_DATE",
        "durationValue": "LAST_N_DAYS:30",
        "endDate": "2026-11-02",
        "startDate": "2026-10-03",
    }
    extended = answer["reportExtendedMetadata"]
    assert extended["aggregateColumnInfo"]["a!Lead.Score__c"] == {
        "acrossGroupingContext": None,
        "dataType": "double",
        "downGroupingContext": None,
        "label": "Average Score",
    }
    assert extended["groupingColumnInfo"]["LEAD_SOURCE"] == {
        "dataType": "picklist",
        "groupingLevel": 0,
        "label": "Lead Source",
    }
    assert extended["detailColumnInfo"]["LAST_NAME"]["label"] == "Last Name"


def test_a_post_puts_filters_in_place_of_the_saved_ones(desk, report):
    """Metadata of a POST holds for one run and is not saved."""
    only = [{"column": "LAST_NAME", "operator": "equals", "value": "Ada"}]
    assert totals(desk.results(report, reportFilters=only)) == [4, 4, 1]
    assert totals(desk.results(report))[-1] == 3


def test_an_instance_keeps_the_results_of_its_run(desk, report):
    """An asynchronous run gives a handle, whose results stay as they were for 24 hours."""
    handle = desk.analytics("POST", f"/reports/{report}/instances")
    url = f"/services/data/v66.0/analytics/reports/{report}/instances/{handle['id']}"
    assert handle == {
        "completionDate": None,
        "hasDetailRows": False,
        "id": handle["id"],
        "ownerId": desk.user_id,
        "queryable": False,
        "requestDate": "2026-11-02T10:00:00Z",
        "status": "New",
        "url": url,
    }
    desk.create(LastName="Dan", Company="ACME")
    found = desk.analytics("GET", f"/reports/{report}/instances/{handle['id']}")
    assert totals(found)[-1] == 3
    assert found["attributes"]["type"] == "ReportInstance"
    assert found["attributes"]["status"] == "Success"
    [listed] = desk.analytics("GET", f"/reports/{report}/instances")
    assert (listed["id"], listed["status"]) == (handle["id"], "Success")


def test_an_instance_is_gone_after_a_day(desk, report):
    """Results are kept for 24 hours and not longer."""
    handle = desk.analytics("POST", f"/reports/{report}/instances")
    path = f"/reports/{report}/instances/{handle['id']}"
    desk.org.clock.advance(timedelta(hours=24))
    assert desk.refused("GET", path)[0] == 404


def test_an_instance_can_be_deleted(desk, report):
    """DELETE answers 204, and the results are not there any more."""
    handle = desk.analytics("POST", f"/reports/{report}/instances")
    path = f"/reports/{report}/instances/{handle['id']}"
    assert desk.rest("DELETE", f"/analytics{path}").status_code == 204
    assert desk.refused("GET", path)[0] == 404


def test_the_list_of_reports_is_of_those_looked_at(desk, report):
    """The report list begins empty, and names the last report run first."""
    assert desk.analytics("GET", "/reports") == []
    other = desk.put("Report", BODY, "Other")
    for each in (report, other):
        desk.results(each)
    listed = desk.analytics("GET", "/reports")
    url = f"/services/data/v66.0/analytics/reports/{other}"
    assert [each["id"] for each in listed] == [other, report]
    assert listed[0] == {
        "describeUrl": f"{url}/describe",
        "id": other,
        "instancesUrl": f"{url}/instances",
        "name": "Scores",
        "url": url,
    }


def test_describe_tells_the_columns_of_the_type(desk, report):
    """A report's describe brings its metadata, labels, and what its type offers."""
    answer = desk.analytics("GET", f"/reports/{report}/describe")
    [general] = answer["reportTypeMetadata"]["categories"]
    column = general["columns"]["LEAD_SOURCE"]
    assert (column["label"], column["dataType"]) == ("Lead Source", "picklist")
    assert {"label": "Web", "name": "Web"} in column["filterValues"]
    assert general["columns"]["Lead.Score__c"]["isCustom"] is True
    assert answer["reportMetadata"]["id"] == report
    assert "factMap" not in answer


def test_a_report_type_tells_scopes_and_time_frames(desk):
    """LeadList has the scope org, and its time frames know their days."""
    answer = desk.analytics("GET", "/reportTypes/LeadList")
    offered = answer["reportTypeMetadata"]
    assert offered["scopeInfo"]["defaultValue"] == "org"
    durations = {
        each["value"]: each
        for group in offered["standardDateFilterDurationGroups"]
        for each in group["standardDateFilterDurations"]
    }
    assert durations["THIS_FISCAL_QUARTER"] == {
        "endDate": "2026-12-31",
        "label": "Current FQ",
        "startDate": "2026-10-01",
        "value": "THIS_FISCAL_QUARTER",
    }
    assert answer == desk.analytics("GET", "/report-types/LeadList")


def test_report_types_are_listed_by_category(desk):
    """The list of report types names LeadList under Leads, with where to describe it."""
    listed = {each["label"]: each["reportTypes"] for each in desk.analytics("GET", "/reportTypes")}
    assert listed["Leads"] == [
        {
            "describeUrl": "/services/data/v66.0/analytics/reportTypes/LeadList",
            "label": "Leads",
            "type": "LeadList",
        }
    ]


def test_filter_operators_are_told_by_type(desk):
    """A boolean is filtered by equality alone; dashboards know between."""
    operators = desk.analytics("GET", "/filteroperators")
    assert operators["boolean"] == [
        {"label": "equals", "name": "equals"},
        {"label": "not equal to", "name": "notEqual"},
    ]
    names = [each["name"] for each in operators["multipicklist"]]
    assert names == ["equals", "notEqual", "includes", "excludes"]
    wide = desk.analytics("GET", "/filteroperators", params={"forDashboards": "true"})
    assert {"label": "between", "name": "between"} in wide["date"]
