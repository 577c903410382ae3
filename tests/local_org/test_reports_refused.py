"""A report that cannot be run is refused in the words of the REST Analytics API."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.local_org.desk import Desk, described

pytestmark = pytest.mark.documented(
    'Reports and Dashboards REST API Developer Guide, "Report Error Codes"'
)


@pytest.fixture(scope="module")
def desk():
    return Desk()


@pytest.fixture(scope="module")
def report(desk):
    table = (
        "<columns><field>COMPANY</field></columns><format>Tabular</format><name>R</name>"
        "<reportType>LeadList</reportType>"
    )
    return desk.put("Report", table)


@pytest.mark.parametrize("path", ["", "/describe", "/instances"])
@pytest.mark.parametrize("report_id", ["00O000000000999AAA", "nonsense"])
def test_a_report_that_is_not_there_is_unavailable(desk, path, report_id):
    """404 with the documented words, whatever the id looks like."""
    assert desk.refused("GET", f"/reports/{report_id}{path}") == (
        404,
        "NOT_FOUND",
        "The data you’re trying to access is unavailable.",
    )


@pytest.mark.parametrize("body", [{}, [], {"reportMetadata": None}, "x", {"reportMetadata": []}])
def test_a_query_without_metadata_is_refused(desk, body):
    """400 with the documented words."""
    assert desk.refused("POST", "/reports/query", json=body) == (
        400,
        "BAD_REQUEST",
        "The request is invalid because there is no metadata. Specify metadata in the request body.",
    )


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        (
            {"reportFilters": [{"column": "NOPE", "operator": "equals", "value": "1"}]},
            "Specify a valid filterable column because NOPE is invalid.",
        ),
        (
            {"reportFilters": [{"column": "COMPANY", "operator": "likes", "value": "1"}]},
            "Specify a valid condition because likes is invalid.",
        ),
        (
            {"reportFilters": [{"column": "CONVERTED", "operator": "contains", "value": "1"}]},
            "Specify a valid condition because contains is invalid.",
        ),
        (
            {"reportFilters": [{"column": "CREATED_DATE", "operator": "equals", "value": "soon"}]},
            (
                "Filter the date in the correct format. Accepted formats are yyyy-MM-dd'T'HH:mm:ss'Z' "
                "and yyyy-MM-dd."
            ),
        ),
        (
            {
                "reportFilters": [
                    {
                        "column": "CREATED_DATE",
                        "operator": "equals",
                        "value": "LAST_N_DAYS:99999999",
                    }
                ]
            },
            "The date formula is too large. Specify a reasonable value.",
        ),
        (
            {"standardDateFilter": {"column": "CREATED_DATE", "durationValue": "SOME_DAY"}},
            "The duration SOME_DAY specified for the standard date filter is invalid.",
        ),
        (
            {"standardDateFilter": {"column": "COMPANY", "durationValue": "TODAY"}},
            "The column COMPANY cannot be a standard date filter because it is not a date column.",
        ),
        (
            {
                "standardDateFilter": {
                    "column": "CREATED_DATE",
                    "durationValue": "CUSTOM",
                    "startDate": "2026-13-01",
                }
            },
            (
                "The specified start date of CREATED_DATE specified for the standard date filter is "
                "invalid."
            ),
        ),
        (
            {"sortBy": [{"sortColumn": "COMPANY", "sortOrder": "Asc"}]},
            "The sort column name must be from a selected column.",
        ),
        ({"reportFilters": None}, "The request is invalid because there are no filters."),
        (
            {"detailColumns": [f"Lead.F{n}__c" for n in range(2)]},
            "The column Lead.F0__c is invalid.",
        ),
    ],
)
def test_what_is_wrong_with_a_report_is_told(desk, metadata, words):
    """Each mistake is 400 with its own message."""
    status, code, message = desk.ask_in_vain(**metadata)
    assert (status, code) == (400, "BAD_REQUEST")
    assert message.startswith(words)


def test_a_joined_report_is_an_unsupported_format(desk):
    """501 for MULTI_BLOCK, in the words of the guide."""
    status, _, message = desk.ask_in_vain(reportFormat="MULTI_BLOCK")
    assert status == 501
    assert message == "You’re requesting data for an unsupported report format."


def test_reports_are_run_with_the_run_reports_permission(desk, report):
    """403 with the documented words for somebody without Run Reports."""
    desk.as_user("sidecar@local.test")
    status, code, message = desk.refused("GET", f"/reports/{report}")
    desk.as_user("admin@local.test")
    assert (status, code) == (403, "FORBIDDEN")
    assert message.startswith("You don’t have permission to run reports.")


def test_a_method_that_a_resource_lacks_is_405(desk, report):
    """Reports are saved by deploys here: PATCH is not there."""
    assert desk.rest("PATCH", f"/analytics/reports/{report}", json={}).status_code == 405


@pytest.mark.parametrize("name", ['B"(1) OR "x', "B\x00", "", "B" * 99])
def test_a_bucket_is_called_by_an_api_name(desk, name):
    """Its name comes near the database, so it is held to letters, digits and underscores."""
    bucket = {
        "bucketType": "text",
        "developerName": name,
        "label": "B",
        "sourceColumnName": "COMPANY",
        "values": [],
    }
    refused = desk.ask_in_vain(buckets=[bucket], detailColumns=[name])
    assert refused == (400, "BAD_REQUEST", f"The column {name} is invalid.")


COLUMN = st.sampled_from(
    ("COMPANY", "OWNER", "CREATED_DATE", "CONVERTED", "CDF1", "BucketField_B", "NOPE", "", "a!b")
)
VALUE = st.sampled_from(
    ("", "1", "Web,x", "TODAY", "NEXT_N_YEARS:9000", "9999-12-31", '"', "\\", "%")
)
FORMULA = st.sampled_from(
    ("RowCount / 0", "COMPANY:SUM", "PREVGROUPVAL(RowCount, COMPANY, 9)", "total0__c", "((", "CDF1")
)
JUNK = st.none() | st.integers() | st.text(max_size=3) | st.lists(st.none(), max_size=1)
OPERATOR = st.sampled_from(("equals", "notEqual", "lessThan", "contains", "includes", "within"))
CRITERION = st.fixed_dictionaries({"column": COLUMN, "operator": OPERATOR, "value": VALUE | JUNK})
GROUPING = st.fixed_dictionaries(
    {"name": COLUMN, "dateGranularity": st.sampled_from(("None", "Week", "FiscalYear", "Nope"))}
)
OWN = {"label": st.just("F"), "formula": FORMULA, "decimalPlaces": st.sampled_from((0, 2, 99))}
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "reportFormat": st.sampled_from(("TABULAR", "SUMMARY", "MATRIX", "MULTI_BLOCK")) | JUNK,
        "detailColumns": st.lists(COLUMN, max_size=2) | JUNK,
        "aggregates": st.lists(st.sampled_from(("u!OWNER", "s!CDF1", "FORMULA1", "RowCount")))
        | JUNK,
        "groupingsDown": st.lists(GROUPING, max_size=2) | JUNK,
        "groupingsAcross": st.lists(GROUPING, max_size=2),
        "reportFilters": st.lists(CRITERION, max_size=2) | JUNK,
        "reportBooleanFilter": st.sampled_from(("1", "1 OR 2", "(((", "NOT NOT 1")) | JUNK,
        "standardDateFilter": st.fixed_dictionaries({"column": COLUMN, "startDate": VALUE}) | JUNK,
        "customDetailFormula": st.fixed_dictionaries(
            {"CDF1": st.fixed_dictionaries(OWN | {"formulaType": st.sampled_from(("text", "x"))})}
        ),
        "customSummaryFormula": st.fixed_dictionaries(
            {"FORMULA1": st.fixed_dictionaries(OWN | {"formulaType": st.just("percent")})}
        ),
        "topRows": st.fixed_dictionaries({"rowLimit": st.integers() | JUNK}) | JUNK,
    },
)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(metadata=METADATA)
def test_no_metadata_makes_the_org_stumble(desk, metadata):
    """Whatever is asked is answered or refused: never a 500."""
    body = {"reportMetadata": described("LeadList", metadata)}
    answer = desk.rest("POST", "/analytics/reports/query", json=body)
    assert answer.status_code in (200, 400, 501), answer.text
