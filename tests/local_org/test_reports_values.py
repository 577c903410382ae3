"""A report makes the right totals, columns and order of its rows."""

from __future__ import annotations

import pytest

from local_org.schema.model import FieldType
from tests.local_org.caller import custom, extend
from tests.local_org.desk import add, grouped, groups, labels, scoring_desk, shown, totals

pytestmark = pytest.mark.documented("Salesforce Help, Reports; REST Analytics API guide")

BAND = {
    "bucketType": "number",
    "developerName": "BucketField_Band",
    "label": "Band",
    "nullTreatedAsZero": False,
    "otherBucketLabel": None,
    "sourceColumnName": "Lead.Score__c",
    "values": [
        {"label": "Low", "rangeUpperBound": 5},
        {"label": "Middle", "rangeUpperBound": 60},
        {"label": "High", "rangeUpperBound": None},
    ],
}


@pytest.fixture
def desk():
    return scoring_desk()


# -- totals ---------------------------------------------------------------------------------------


def test_every_function_makes_its_total(desk):
    """Sum, average, extremes, median and distinct values leave blanks out; the count does not."""
    add(desk, *({"Score__c": value} for value in (4, 1, 9, 4, None)))
    names = [f"{prefix}!Lead.Score__c" for prefix in ("s", "a", "m", "x", "u", "med")]
    answer = desk.ask(aggregates=[*names, "RowCount"])
    assert totals(answer) == [18, 4.5, 1, 9, 3, 4, 5]
    assert labels(answer) == ["18.00", "4.50", "1.00", "9.00", "3", "4.00", "5"]


@pytest.mark.inferred(
    "the prefix of Median; settled by: `reportMetadata.aggregates` of a report with "
    "aggregateTypes Median on a real org"
)
def test_a_median_is_prefixed_med(desk):
    """The median of an even number of values is the mean of the two in the middle."""
    add(desk, *({"Score__c": value} for value in (10, 1, 2, 5)))
    answer = desk.ask(aggregates=["med!Lead.Score__c"])
    assert totals(answer) == [3.5]
    info = answer["reportExtendedMetadata"]["aggregateColumnInfo"]
    assert info["med!Lead.Score__c"]["label"] == "Median Score"


def test_a_checkbox_sums_to_the_number_of_those_ticked(desk):
    """A boolean column counts 1 or 0."""
    add(desk, {"DoNotCall": True}, {"DoNotCall": False}, {"DoNotCall": True})
    extend(desk.org, fields=[custom("Met__c", FieldType.BOOLEAN)])
    for [lead_id] in desk.org.store.connection.execute(
        'SELECT "Id" FROM "Lead" LIMIT 2'
    ).fetchall():
        desk.org.store.update_row("Lead", lead_id, {"Met__c": 1})
    assert totals(desk.ask(aggregates=["s!Lead.Met__c"])) == [2]


def test_text_can_be_counted_but_not_summed(desk):
    """Unique values of a text are a number; its sum is refused."""
    add(desk, {"Company": "A"}, {"Company": "B"}, {"Company": "A"})
    assert totals(desk.ask(aggregates=["u!COMPANY"])) == [2]
    assert desk.ask_in_vain(aggregates=["s!COMPANY"])[0] == 400


def test_a_deleted_lead_is_in_no_report(desk):
    """What lies in the recycle bin is not counted."""
    first, _ = add(desk, {}, {})
    assert desk.rest("DELETE", f"/sobjects/Lead/{first}").status_code == 204
    assert desk.count() == 1


# -- columns of the report's own ------------------------------------------------------------------


def test_a_number_bucket_takes_its_upper_bound_in(desk):
    """A value falls into the first range whose bound it does not exceed; blank into none."""
    add(desk, *({"Score__c": value} for value in (5, 5.01, 60, 61, None)))
    answer = desk.ask(
        reportFormat="SUMMARY", groupingsDown=[grouped("BucketField_Band")], buckets=[BAND]
    )
    assert groups(answer) == ["-", "Low", "Middle", "High"]
    assert [totals(answer, f"{n}!T")[0] for n in range(4)] == [1, 1, 2, 1]
    each = {"column": "BucketField_Band", "operator": "equals", "value": "Low,High"}
    assert totals(desk.ask(buckets=[BAND], reportFilters=[each])) == [2]


def test_a_picklist_bucket_gathers_values(desk):
    """Values that no bucket lists are the other bucket."""
    add(desk, {"LeadSource": "Web"}, {"LeadSource": "Other"}, {"LeadSource": "Partner Referral"})
    bucket = {
        "bucketType": "picklist",
        "developerName": "BucketField_S",
        "label": "Kind",
        "sourceColumnName": "LEAD_SOURCE",
        "otherBucketLabel": "Rest",
        "values": [{"label": "Ours", "sourceDimensionValues": ["Web", "Other"]}],
    }
    answer = desk.ask(
        reportFormat="SUMMARY", groupingsDown=[grouped("BucketField_S")], buckets=[bucket]
    )
    assert [(g, totals(answer, f"{n}!T")) for n, g in enumerate(groups(answer))] == [
        ("Ours", [2]),
        ("Rest", [1]),
    ]


def test_a_row_level_formula_is_a_column(desk):
    """It can be shown, summed and filtered by."""
    add(desk, {"Score__c": 2, "Limit__c": 10}, {"Score__c": 3, "Limit__c": 4})
    formula = {
        "label": "Room",
        "formula": "Lead.Limit__c - Lead.Score__c",
        "formulaType": "number",
        "decimalPlaces": 1,
    }
    answer = desk.ask(
        details=True,
        detailColumns=["CDF1"],
        aggregates=["s!CDF1"],
        customDetailFormula={"CDF1": formula},
        reportFilters=[{"column": "CDF1", "operator": "greaterThan", "value": "0"}],
    )
    assert shown(answer) == [["8.0"], ["1.0"]]
    assert totals(answer) == [9]


def summary_formula(text, kind="number", **more):
    """Return metadata of one summary formula."""
    formula = {"label": "F", "formula": text, "formulaType": kind, "decimalPlaces": 2}
    return {
        "aggregates": ["FORMULA1", "RowCount"],
        "customSummaryFormula": {"FORMULA1": formula | more},
    }


def test_a_summary_formula_is_made_of_totals(desk):
    """It holds at every level, and has no value where it divides by nought."""
    add(desk, {"Score__c": 2, "LeadSource": "Web"}, {"Score__c": 4, "LeadSource": "Web"}, {})
    metadata = summary_formula(
        "IF(RowCount > 1, Lead.Score__c:SUM / RowCount, 1 / Lead.Score__c:MAX)"
    )
    answer = desk.ask(reportFormat="SUMMARY", groupingsDown=[grouped("LEAD_SOURCE")], **metadata)
    assert totals(answer, "1!T") == [3, 2]
    assert totals(answer, "0!T") == [None, 1]
    assert totals(answer) == [2, 3]


def test_a_percentage_formula_is_told_in_percent(desk):
    """A half is 50 %."""
    add(desk, {"Score__c": 1}, {"Score__c": 0})
    answer = desk.ask(**summary_formula("Lead.Score__c:SUM / RowCount", "percent", decimalPlaces=0))
    assert (totals(answer)[0], labels(answer)[0]) == (50, "50%")


def test_a_formula_can_ask_for_its_parent_and_for_the_group_before(desk):
    """PARENTGROUPVAL gives a share of the whole, PREVGROUPVAL the neighbour's value."""
    add(
        desk,
        {"LeadSource": "Web"},
        {"LeadSource": "Web"},
        {"LeadSource": "Other"},
        {"LeadSource": "Other"},
    )
    summary = {"reportFormat": "SUMMARY", "groupingsDown": [grouped("LEAD_SOURCE")]}
    share = desk.ask(
        **summary, **summary_formula("RowCount / PARENTGROUPVAL(RowCount, GRAND_SUMMARY)")
    )
    assert totals(share, "0!T") == [0.5, 2]
    add(desk, {"LeadSource": "Web"})
    step = desk.ask(**summary, **summary_formula("RowCount - PREVGROUPVAL(RowCount, LEAD_SOURCE)"))
    assert [totals(step, f"{n}!T")[0] for n in range(2)] == [3, -1]


def test_there_is_no_median_in_a_summary_formula(desk):
    """``MED`` and ``MEDIAN`` are no functions of summary formulas."""
    refused = desk.ask_in_vain(**summary_formula("Lead.Score__c:MEDIAN"))
    assert refused == (400, "BAD_REQUEST", "unknown summary function MEDIAN")


# -- order and limits -----------------------------------------------------------------------------


def test_groups_stand_in_order_or_by_a_total(desk):
    """Ascending, descending, or by an aggregate of the group."""
    add(desk, {"Rating": "Warm", "Score__c": 9}, {"Rating": "Cold", "Score__c": 1}, {})

    def order(**sort):
        return groups(
            desk.ask(
                reportFormat="SUMMARY",
                aggregates=["s!Lead.Score__c"],
                groupingsDown=[grouped("RATING", **sort)],
            )
        )

    assert order(sortOrder="Desc") == order()[::-1]
    assert order(sortAggregate="s!Lead.Score__c", sortOrder="Desc") == ["Warm", "Cold", "-"]


@pytest.mark.inferred(
    "the order of picklist groups; settled by: grouping Leads by Rating on a real org"
)
def test_groups_of_a_picklist_stand_in_its_order(desk):
    """Blank first, then Hot before Cold as the picklist has them."""
    add(desk, {"Rating": "Cold"}, {"Rating": "Hot"}, {})
    answer = desk.ask(reportFormat="SUMMARY", groupingsDown=[grouped("RATING")])
    assert groups(answer) == ["-", "Hot", "Cold"]


def test_a_row_limit_takes_the_first_rows_of_the_order(desk):
    """With a limit only these rows are shown and counted."""
    add(desk, *({"Score__c": value} for value in (3, 1, 2)))
    answer = desk.ask(
        details=True,
        detailColumns=["Lead.Score__c"],
        sortBy=[{"sortColumn": "Lead.Score__c", "sortOrder": "Desc"}],
        topRows={"rowLimit": 2, "direction": "Desc"},
    )
    assert shown(answer) == [["3.00"], ["2.00"]]
    assert totals(answer) == [2]


def test_two_thousand_groups_are_told(desk):
    """Of more groups the first 2,000 are told, and ``allData`` is false."""
    desk.create()
    [row] = desk.org.store.select("Lead")
    for n in range(2000):
        desk.org.store.insert_row("Lead", row | {"Id": f"00Q{n:015d}", "Company": f"B{n:04d}"})
    answer = desk.ask(reportFormat="SUMMARY", groupingsDown=[grouped("COMPANY")])
    assert (len(groups(answer)), answer["allData"], totals(answer)) == (2000, False, [2001])
    assert (groups(answer)[0], groups(answer)[-1]) == ("ACME", "B1998")


def test_two_thousand_detail_rows_are_told_and_all_are_counted(desk):
    """Beyond 2,000 rows ``allData`` is false, while totals still count everything."""
    desk.create()
    [row] = desk.org.store.select("Lead")
    for n in range(2000):
        desk.org.store.insert_row("Lead", row | {"Id": f"00Q{n:015d}"})
    answer = desk.ask(details=True, detailColumns=["LAST_NAME"])
    assert (len(shown(answer)), answer["allData"], totals(answer)) == (2000, False, [2001])
    assert desk.ask()["allData"] is True
