"""A report counts the rows of its days, its criteria, its scope, and no others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.local_org.desk import add, created, grouped, groups, scoring_desk, shown, totals
from tests.metadata.deploying import manifest, xml

pytestmark = pytest.mark.documented("Salesforce Help, Reports; REST Analytics API guide")


@pytest.fixture
def desk():
    return scoring_desk()


def zone(desk, name):
    """Let the administrator live in this time zone."""
    desk.org.store.update_row("User", desk.user_id, {"TimeZoneSidKey": name})


# -- dates ----------------------------------------------------------------------------------------

MOMENTS = [datetime(2026, 10, 31, 23, 30, tzinfo=UTC), datetime(2026, 11, 2, 9, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("granularity", "expected"),
    [
        ("Day", [("10/31/2026", "2026-10-31"), ("11/2/2026", "2026-11-02")]),
        ("Month", [("October 2026", "2026-10-01"), ("November 2026", "2026-11-01")]),
    ],
)
def test_dates_are_grouped_by_their_period(desk, granularity, expected):
    """A period is labelled as people write it, and its value is its first day."""
    created(desk, *MOMENTS)
    answer = desk.ask(reportFormat="SUMMARY", groupingsDown=[grouped("CREATED_DATE", granularity)])
    assert list(zip(groups(answer), groups(answer, "value"), strict=True)) == expected


@pytest.mark.inferred(
    "labels and values of weeks, quarters, years and parts of dates; settled by: one summary report "
    "for each dateGranularity on a real org"
)
@pytest.mark.parametrize(
    ("granularity", "expected"),
    [
        (
            "Week",
            [("10/25/2026 - 10/31/2026", "2026-10-25"), ("11/1/2026 - 11/7/2026", "2026-11-01")],
        ),
        ("Quarter", [("Q4 CY2026", "2026-10-01")]),
        ("Year", [("CY2026", "2026-01-01")]),
        ("FiscalQuarter", [("Q3 FY2027", "2026-10-01")]),
        ("FiscalYear", [("FY2027", "2026-04-01")]),
        ("MonthInYear", [("October", "10"), ("November", "11")]),
        ("DayInMonth", [("2", "2"), ("31", "31")]),
    ],
)
def test_other_periods_have_labels_of_their_own(desk, granularity, expected):
    """Weeks begin on Sunday in the United States; the fiscal year here begins in April."""
    created(desk, *MOMENTS)
    organization = desk.org.org_id
    desk.org.store.update_row("Organization", organization, {"FiscalYearStartMonth": 4})
    answer = desk.ask(reportFormat="SUMMARY", groupingsDown=[grouped("CREATED_DATE", granularity)])
    assert list(zip(groups(answer), groups(answer, "value"), strict=True)) == expected


def test_days_are_those_of_the_running_users_time_zone(desk):
    """Half past eleven at night in Greenwich is another day in Tokyo."""
    created(desk, MOMENTS[0])
    summary = {"reportFormat": "SUMMARY", "groupingsDown": [grouped("CREATED_DATE", "Day")]}
    assert groups(desk.ask(**summary)) == ["10/31/2026"]
    zone(desk, "Asia/Tokyo")
    assert groups(desk.ask(**summary)) == ["11/1/2026"]
    zone(desk, "America/Los_Angeles")
    on = ("CREATED_DATE", "equals", "2026-10-31")
    assert desk.count(on) == 1


@pytest.mark.parametrize(
    ("duration", "inside", "outside"),
    [
        ("TODAY", timedelta(hours=-9), timedelta(hours=-11)),
        ("LAST_N_DAYS:7", timedelta(days=-7, hours=-9), timedelta(days=-7, hours=-11)),
        ("LAST_MONTH", timedelta(days=-3), timedelta(hours=-1)),
        ("THIS_QUARTER", timedelta(days=-30), timedelta(days=-60)),
        ("LAST_MONTH,THIS_MONTH", timedelta(days=-20), timedelta(days=-40)),
    ],
)
def test_a_time_frame_counts_its_days(desk, duration, inside, outside):
    """The standard date filter takes the rows of its days and no others."""
    created(desk, desk.org.clock.now() + inside, desk.org.clock.now() + outside)
    frame = {"column": "CREATED_DATE", "durationValue": duration}
    answer = desk.ask(details=True, detailColumns=["LAST_NAME"], standardDateFilter=frame)
    assert shown(answer) == [["L0"]]


def test_a_custom_time_frame_counts_both_its_ends(desk):
    """Start and end days are counted in; either may be open."""
    created(desk, *(datetime(2026, 10, day, 12, tzinfo=UTC) for day in (1, 2, 3, 4)))
    frame = {"column": "CREATED_DATE", "durationValue": "CUSTOM"}

    def count(**ends):
        return totals(desk.ask(standardDateFilter=frame | ends))[-1]

    assert count(startDate="2026-10-02", endDate="2026-10-03") == 2
    assert count(startDate="2026-10-02") == 3
    assert count() == 4


# -- criteria -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [
        (("COMPANY", "equals", "acme"), 2),
        (("COMPANY", "equals", "acme,Initech"), 3),
        (("COMPANY", "equals", '"Smith, John & Co"'), 1),
        (("COMPANY", "notEqual", "ACME"), 2),
        (("COMPANY", "contains", "mit,ini"), 2),
        (("COMPANY", "notContain", "mit"), 3),
        (("COMPANY", "startsWith", "%"), 0),
        (("COMPANY", "startsWith", "init"), 1),
        (("COMPANY", "startsWith", "CME"), 0),
        (("COMPANY", "greaterThan", "B"), 2),
        (("LEAD_SOURCE", "equals", ""), 3),
        (("LEAD_SOURCE", "notEqual", ""), 1),
        (("LEAD_SOURCE", "notEqual", "Web"), 3),
        (("Lead.Score__c", "greaterThan", "1,000"), 1),
        (("Lead.Score__c", "lessOrEqual", "2"), 2),
        (("Lead.Score__c", "equals", "1,2"), 2),
        (("Lead.Score__c", "notEqual", "1"), 3),
        (("Lead.Skills__c", "includes", "Ada"), 2),
        (("Lead.Skills__c", "includes", "Ada;Basic"), 1),
        (("Lead.Skills__c", "excludes", "C,Basic"), 2),
        (("CONVERTED", "equals", "False"), 4),
        (("CONVERTED", "notEqual", "0"), 0),
        (("OWNER", "equals", "admin user"), 4),
        (("OWNER", "startsWith", "Admin"), 4),
        (("OWNER", "equals", "Nobody"), 0),
        (("Lead.Due__c", "equals", "2026-11-02"), 1),
        (("Lead.Due__c", "equals", "11/2/2026"), 1),
        (("Lead.Due__c", "equals", "TODAY"), 1),
        (("Lead.Due__c", "greaterThan", "TODAY"), 1),
        (("Lead.Due__c", "greaterOrEqual", "this week"), 2),
        (("Lead.Due__c", "lessThan", "2026-11-02"), 0),
        (("Lead.At__c", "greaterOrEqual", "2026-11-02T08:00:00Z"), 1),
        (("Lead.At__c", "greaterThan", "2026-11-02T08:00:00Z"), 0),
        (("Lead.At__c", "lessOrEqual", "2026-11-02"), 1),
        (("Lead.At__c", "lessOrEqual", "11/2/2026 8:00 AM"), 1),
        (("Lead.At__c", "greaterOrEqual", "11/2/2026, 12:00 PM"), 0),
        (("Lead.At__c", "equals", ""), 3),
    ],
)
def test_a_criterion_takes_the_rows_it_says(desk, criterion, expected):
    """Letters count in any case, a list is any of its values, nothing is blank."""
    add(
        desk,
        {"Score__c": 1, "LeadSource": "Web", "Skills__c": "Ada;Basic", "Due__c": "2026-11-02"},
        {"Score__c": 2, "Company": "Initech", "Skills__c": "C", "Due__c": "2026-11-03"},
        {"Score__c": 2000, "Company": "Smith, John & Co", "Skills__c": "Ada"},
        {"At__c": "2026-11-02T08:00:00.000Z"},
    )
    assert desk.count(criterion) == expected


def test_two_columns_can_be_compared(desk):
    """A field-to-field filter compares the row's own values."""
    add(desk, {"Score__c": 1, "Limit__c": 2}, {"Score__c": 3, "Limit__c": 2}, {"Score__c": 2})
    each = {"column": "Lead.Score__c", "operator": "lessThan", "filterType": "fieldToField"}
    answer = desk.ask(reportFilters=[each | {"value": "Lead.Limit__c"}])
    assert totals(answer) == [1]


@pytest.mark.parametrize(
    ("logic", "expected"),
    [
        ("1 AND 2", 1),
        ("1 OR 2", 3),
        ("(1 OR 2) AND 3", 2),
        ("NOT 1 AND 2 AND 3", 0),
        ("1 and not 3 or 2", 2),
    ],
)
def test_filter_logic_puts_criteria_together(desk, logic, expected):
    """AND binds before OR, NOT before both, and a blank value is simply not it."""
    add(
        desk,
        {"LeadSource": "Web", "Rating": "Hot", "Score__c": 9},
        {"LeadSource": "Web", "Score__c": 9},
        {"Rating": "Hot", "Score__c": 1},
    )
    criteria = [
        ("LEAD_SOURCE", "equals", "Web"),
        ("RATING", "equals", "Hot"),
        ("Lead.Score__c", "greaterThan", "5"),
    ][: 2 if "3" not in logic else 3]
    assert desk.count(*criteria, logic=logic) == expected


@pytest.mark.parametrize("logic", ["1 AND", "1 AND 2", "(1", "1)", "1 XOR 1", "1 1", "NOT", "()"])
@pytest.mark.inferred("the wording; settled by: deploying a report with this booleanFilter")
def test_logic_that_is_none_is_refused(desk, logic):
    """Logic must name each criterion, and be whole."""
    each = {"column": "COMPANY", "operator": "equals", "value": "x"}
    refused = desk.ask_in_vain(reportFilters=[each], reportBooleanFilter=logic)
    assert refused == (400, "BAD_REQUEST", f"The filter logic {logic} is invalid.")


def test_a_scope_takes_mine_or_those_of_queues(desk):
    """My leads, the leads of users, the leads of queues, and all of them."""
    queue = "<name>Q</name><queueSobject><sobjectType>Lead</sobjectType></queueSobject>"
    files = {"package.xml": manifest(Queue="Q"), "queues/Q.queue": xml("Queue", queue)}
    assert desk.deploy(files).success
    [group] = desk.query("SELECT Id FROM Group WHERE DeveloperName = 'Q'")
    other = desk.org.user("rep1@local.test")["Id"]
    add(desk, {}, {"OwnerId": group["Id"]}, {"OwnerId": other})
    counts = {s: desk.count(scope=s) for s in ("org", "user", "queue", "allusers")}
    assert counts == {"org": 3, "user": 1, "queue": 1, "allusers": 2}


def test_my_teams_leads_are_mine_and_those_of_the_roles_below(desk):
    """A manager sees the leads of roles below, not those of a neighbour or a superior."""
    store, names = desk.org.store, ("admin", "rep1", "rep2")
    roles = [desk.create("UserRole", Name=name, DeveloperName=name) for name in names]
    store.update_row("UserRole", roles[1], {"ParentRoleId": roles[0]})
    for name, role in zip(names, roles, strict=True):
        user_id = desk.org.user(f"{name}@local.test")["Id"]
        store.update_row("User", user_id, {"UserRoleId": role})
        add(desk, {"OwnerId": user_id})
    assert desk.count(scope="team") == 2
    desk.as_user("rep1@local.test")
    assert desk.count(scope="team") == 1


@pytest.mark.inferred(
    "the names in a cross filter; settled by: retrieving a Lead report with a cross filter on activities"
)
def test_a_cross_filter_asks_for_related_records(desk):
    """Leads with a closed task, and leads without any activity."""
    first, second, _ = add(desk, {}, {}, {})
    desk.create("Task", WhoId=first, Subject="Call", Status="Completed")
    desk.create("Task", WhoId=second, Subject="Call", Status="Not Started")
    cross = {
        "primaryEntityField": "LEAD_ID",
        "relatedEntity": "Activity",
        "relatedEntityJoinField": "WhoId",
        "includesObject": True,
        "criteria": [{"column": "Status", "operator": "equals", "value": "Completed"}],
    }
    assert totals(desk.ask(crossFilters=[cross])) == [1]
    without = cross | {"includesObject": False, "criteria": []}
    assert totals(desk.ask(crossFilters=[without])) == [1]
