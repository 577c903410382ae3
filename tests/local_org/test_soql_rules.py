"""Between the clauses of a query there are rules: what may be totalled, nested, skipped, limited."""

from datetime import UTC, datetime, timedelta

import pytest

from local_org.errors import OrgError
from local_org.ids import record_id
from tests.local_org.rows import put
from tests.local_org.soql_world import ask as ask  # noqa: PLC0414 - a fixture
from tests.local_org.soql_world import org as org  # noqa: PLC0414 - a fixture
from tests.local_org.soql_world import plain
from tests.local_org.test_soql_errors import refusal as refusal  # noqa: PLC0414 - a fixture
from tests.local_org.test_soql_errors import store as store  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.documented("SOQL and SOSL Reference; texts quoted in public issues")

OVERALL = "Non-grouped query that uses overall aggregate functions cannot also use"


# -- totals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("clause", ["LIMIT", "OFFSET"])
def test_the_one_row_of_an_overall_total_can_not_be_cut_short(refusal, clause):
    """LIMIT and OFFSET need groups to count."""
    soql = f"SELECT MAX(CreatedDate) FROM Lead {clause} 1"
    assert refusal(soql) == ("MALFORMED_QUERY", f"{OVERALL} {clause}")


def test_groups_can_be_cut_short(ask):
    """LIMIT and OFFSET count the groups."""
    soql = (
        "SELECT Company, COUNT(Id) n FROM Lead GROUP BY Company ORDER BY Company LIMIT 1 OFFSET 1"
    )
    assert plain(ask(soql)) == [{"Company": "Initech", "n": 4}]


def test_count_without_a_field_has_no_order(refusal):
    """COUNT() answers with a number, which no field can order."""
    expected = ("MALFORMED_QUERY", "Ordered field must be grouped or aggregated: Name")
    assert refusal("SELECT COUNT() FROM Lead ORDER BY Name") == expected


@pytest.mark.parametrize(
    ("field", "operator"),
    [("IsConverted", "MAX"), ("IsConverted", "COUNT"), ("Name", "AVG"), ("Description", "COUNT")],
)
def test_some_fields_have_no_totals(refusal, field, operator):
    """What describe calls not aggregatable is refused, and sums of what is no number."""
    code, text = refusal(f"SELECT {operator}({field}) FROM Lead")
    assert code == "MALFORMED_QUERY"
    assert text.endswith(f"\nfield {field} does not support aggregate operator {operator}")


def test_an_aggregate_takes_no_function(refusal):
    """Only date functions take a function, and only convertTimezone."""
    code, text = refusal("SELECT COUNT(CALENDAR_YEAR(CreatedDate)) FROM Lead")
    assert code == "MALFORMED_QUERY"
    assert text.endswith(
        "\nnested functional syntax can only be used in the following manner: "
        "date_function(convertTimezone(columnName)): COUNT"
    )


@pytest.mark.inferred(
    "quoted by one emulator's tests; "
    "settled by: tests/contract/test_answers.py, a field both grouped and aggregated"
)
def test_what_is_grouped_is_not_aggregated_as_well(refusal):
    """A group has one value of what it is grouped by."""
    expected = ("MALFORMED_QUERY", "Grouped field should not be aggregated: Company")
    assert refusal("SELECT Company, COUNT(Company) FROM Lead GROUP BY Company") == expected


def test_more_than_2000_groups_need_a_limit(ask, org):
    """Totals come on one page: a real org has no cursor for them."""
    store, _ = org
    store.connection.execute("SAVEPOINT groups")
    for n in range(2001):
        put(store, "Account", Id=record_id("001", 1000 + n), Name=f"A{n}")
    soql = "SELECT Name, COUNT(Id) FROM Account GROUP BY Name"
    with pytest.raises(OrgError) as refused:
        ask(soql)
    assert len(ask(f"{soql} LIMIT 2000").records) == 2000
    store.connection.execute("ROLLBACK TO groups")
    store.connection.execute("RELEASE groups")
    assert refused.value.code == "EXCEEDED_ID_LIMIT"
    assert refused.value.message == (
        "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a "
        "single batch"
    )


@pytest.mark.inferred(
    "the rule is documented, its wording is ours; "
    "settled by: tests/contract/test_answers.py, a part of a date as a field"
)
def test_a_part_of_a_date_is_selected_only_where_it_is_grouped(refusal):
    """Date functions group and filter; they are no fields of a record."""
    soql = "SELECT Id, CALENDAR_YEAR(CreatedDate) FROM Lead"
    message = "Field must be grouped or aggregated: CALENDAR_YEAR(CreatedDate)"
    assert refusal(soql) == ("MALFORMED_QUERY", message)


def test_a_day_of_the_user_has_as_many_hours_as_its_clock_shows(org, ask):
    """On 1 November 2026 clocks in New York go back: the day has 25 hours."""
    store, _ = org
    store.connection.execute("SAVEPOINT hours")
    for n, hour in enumerate((3, 4, 28, 29)):
        moment = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=hour)
        put(store, "Account", Id=record_id("001", 60 + n), Name=str(hour), CreatedDate=moment)
    soql = "SELECT Name FROM Account WHERE CreatedDate = N_DAYS_AGO:3 ORDER BY CreatedDate"
    found = [row["Name"] for row in ask(soql).records]
    store.connection.execute("ROLLBACK TO hours")
    store.connection.execute("RELEASE hours")
    assert found == ["4", "28"]


# -- child queries --------------------------------------------------------------------------------


def nested(levels):
    """Return a query with so many levels of child queries below its root."""
    soql = "SELECT Id FROM ChildAccounts"
    for _ in range(levels - 1):
        soql = f"SELECT Id, ({soql}) FROM ChildAccounts"
    return f"SELECT Id, ({soql}) FROM Account"


def test_children_of_children_go_four_levels_down(ask):
    """Five objects stand one below the other, the root among them."""
    assert len(ask(nested(4)).records) == 2


@pytest.mark.parametrize(
    ("version", "levels", "told"), [("66.0", 5, "4 levels"), ("57.0", 2, "1 level")]
)
def test_children_too_far_from_the_root_are_refused(ask, version, levels, told):
    """Before version 58 there was one level only."""
    with pytest.raises(OrgError) as refused:
        ask(nested(levels), version=version)
    assert refused.value.code == "MALFORMED_QUERY"
    assert refused.value.message.endswith(
        f"\nSOQL statement cannot query aggregate relationships more than {told} away from the root "
        "entity object."
    )


@pytest.mark.inferred(
    "the rule is documented, its wording is ours; "
    "settled by: tests/contract/test_answers.py, children skipped below many parents"
)
def test_children_are_skipped_only_where_there_is_one_parent(ask):
    """OFFSET in a child query needs LIMIT 1 in its parent's."""
    child = "SELECT Subject FROM Tasks ORDER BY CreatedDate OFFSET 1"
    soql = f"SELECT Name, ({child}) FROM Lead WHERE LastName = 'Byron'"
    (lead,) = ask(f"{soql} LIMIT 1").records
    assert [task["Subject"] for task in lead["Tasks"]["records"]] == ["Call"]
    with pytest.raises(OrgError, match="when its parent query has LIMIT 1"):
        ask(soql)


@pytest.mark.inferred("the number is documented, the answer is ours; settled by: this query")
def test_a_query_has_at_most_20_child_queries(refusal):
    """The twenty-first child query is one too many."""
    children = ", ".join("(SELECT Id FROM Tasks)" for _ in range(21))
    assert refusal(f"SELECT {children} FROM Lead")[0] == "QUERY_TOO_COMPLICATED"


def test_a_path_goes_five_parents_up_and_no_further(ask, refusal):
    """Five steps are read; the sixth is refused."""
    up = "Owner.Manager.Manager.Manager.Manager"
    soql = "SELECT {}.Name FROM Contact"
    assert plain(ask(soql.format(up)))[0]["Owner"]["Manager"] is None
    code, _ = refusal(soql.format(f"{up}.Manager"))
    assert code == "MALFORMED_QUERY"


# -- scopes ---------------------------------------------------------------------------------------


def test_the_team_of_a_user_are_those_in_the_roles_below(org, ask):
    """The scope team shows one's own records and those of everybody below."""
    store, _ = org
    rep1, rep2 = record_id("005", 1), record_id("005", 2)
    boss, below = record_id("00E", 1), record_id("00E", 2)
    assert ask("SELECT COUNT() FROM Lead USING SCOPE team").total == 2
    store.connection.execute("SAVEPOINT roles")
    put(store, "UserRole", Id=boss, Name="Boss")
    put(store, "UserRole", Id=below, Name="Rep", ParentRoleId=boss)
    store.update_row("User", rep1, {"UserRoleId": boss})
    store.update_row("User", rep2, {"UserRoleId": below})
    found = ask("SELECT COUNT() FROM Lead USING SCOPE Team").total
    store.connection.execute("ROLLBACK TO roles")
    store.connection.execute("RELEASE roles")
    assert found == 3


@pytest.mark.inferred("without rules nothing is left out; settled by: this query on a real org")
def test_scoping_rules_that_are_not_there_leave_nothing_out(ask):
    """The scope scopingRule lets everything pass in an org without such rules."""
    assert ask("SELECT COUNT() FROM Lead USING SCOPE scopingRule").total == 5


@pytest.mark.inferred(
    "the rule is documented, the wordings are ours; "
    "settled by: tests/contract/test_answers.py, a scope that there is not, a scope of other objects"
)
@pytest.mark.parametrize(
    ("soql", "message"),
    [
        ("SELECT Id FROM Lead USING SCOPE yours", "unexpected token: 'yours'"),
        (
            "SELECT Id FROM Lead USING SCOPE delegated",
            "Lead does not support the scope 'delegated'",
        ),
        ("SELECT Id FROM Profile USING SCOPE mine", "Profile does not support the scope 'mine'"),
        (
            "SELECT Id FROM Opportunity USING SCOPE queue_owned",
            "Opportunity does not support the scope 'queue_owned'",
        ),
    ],
)
def test_a_scope_that_the_object_does_not_have_is_refused(refusal, soql, message):
    """Each object has scopes of its own."""
    code, text = refusal(soql)
    assert code == "MALFORMED_QUERY"
    assert text.endswith(f"\n{message}")


# -- distance -------------------------------------------------------------------------------------


@pytest.fixture
def placed(org, ask):
    """Return what asks while the leads Byron and Zed stand in London and in Paris."""
    store, _ = org
    store.connection.execute("SAVEPOINT places")
    store.update_row("Lead", record_id("00Q", 1), {"Latitude": 51.5074, "Longitude": -0.1278})
    store.update_row("Lead", record_id("00Q", 5), {"Latitude": 48.8566, "Longitude": 2.3522})
    yield ask
    store.connection.execute("ROLLBACK TO places")
    store.connection.execute("RELEASE places")


def test_the_distance_from_a_point_is_selected_filtered_and_sorted_by(placed):
    """London and Paris are 343.6 km, or 213.5 miles, apart; a lead without a place is nowhere."""
    london = "DISTANCE(Address, GEOLOCATION(51.5074, -0.1278), '{}')"
    km, miles = london.format("km"), london.format("mi")
    soql = f"SELECT LastName, {km}, {miles} far FROM Lead WHERE {miles} < 1000 ORDER BY {km} DESC"
    paris, here = plain(placed(soql))
    assert paris["LastName"] == "Zed"
    assert paris["expr0"] == pytest.approx(343.556, abs=0.01)
    assert paris["far"] == pytest.approx(213.476, abs=0.01)
    assert here == {"LastName": "Byron", "expr0": 0.0, "far": 0.0}
    assert placed(f"SELECT COUNT() FROM Lead WHERE {km} > 100").total == 1


@pytest.mark.inferred(
    "the rules are documented, the wordings are ours; "
    "settled by: tests/contract/test_answers.py, a distance that is to be exact"
)
@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("DISTANCE(Name, GEOLOCATION(1, 2), 'mi') < 5", "Name is not a location"),
        ("DISTANCE(Address, GEOLOCATION(91, 2), 'mi') < 5", "expected a latitude from -90 to 90"),
        ("DISTANCE(Address, GEOLOCATION(1, 2), 'mi') = 5", "only be compared by < and >"),
        ("DISTANCE(Address, GEOLOCATION(1, 2), 'mi') IN (5)", "only be compared by < and >"),
        ("DISTANCE(Address, GEOLOCATION(1, 2), 'ft') < 5", "'mi' or 'km'"),
        ("DISTANCE(GEOLOCATION(1, 2), Address, 'mi') < 5", "DISTANCE takes a field"),
    ],
)
def test_a_distance_is_from_a_place_to_a_point_on_earth(refusal, condition, message):
    """Only locations have distances, and only less and more than."""
    code, text = refusal(f"SELECT Id FROM Lead WHERE {condition}")
    assert code == "MALFORMED_QUERY"
    assert message in text


# -- text of all alphabets ------------------------------------------------------------------------


@pytest.fixture
def lettered(org, ask):
    """Return what asks for the names of accounts while there are such of several alphabets."""
    store, _ = org
    store.connection.execute("SAVEPOINT letters")
    for n, name in enumerate(("Ärger", "ÄRGER", "ΟΔΟΣ", "zebra", "Straße")):
        put(store, "Account", Id=record_id("001", 50 + n), Name=name)
    yield lambda rest: [row["Name"] for row in ask(f"SELECT Name FROM Account {rest}").records]
    store.connection.execute("ROLLBACK TO letters")
    store.connection.execute("RELEASE letters")


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Name = 'ärger'", ["Ärger", "ÄRGER"]),
        ("Name != 'ärger' AND Name LIKE '%rger'", []),
        ("Name IN ('ärGER', 'ZEBRA')", ["Ärger", "ÄRGER", "zebra"]),
        ("Name LIKE 'ä%'", ["Ärger", "ÄRGER"]),
        ("Name LIKE '_RGER'", ["Ärger", "ÄRGER"]),
        ("Name = 'οδος'", ["ΟΔΟΣ"]),
        ("Name LIKE 'οδο_'", ["ΟΔΟΣ"]),
        ("Name LIKE 'STRAßE'", ["Straße"]),
        ("Name = 'strasse'", []),
    ],
)
def test_letters_of_all_alphabets_are_compared_in_any_case(lettered, where, found):
    """Equality, lists and patterns make no difference between Ä and ä, Σ and ς."""
    assert lettered(f"WHERE {where} ORDER BY Id") == found


def test_letters_of_all_alphabets_are_grouped_in_any_case(lettered, ask):
    """Two spellings that differ in case only are one group and one distinct value."""
    soql = "SELECT COUNT(Id) n FROM Account WHERE Name LIKE '%rger' GROUP BY Name"
    assert plain(ask(soql)) == [{"n": 2}]
    (row,) = ask("SELECT COUNT_DISTINCT(Name) n FROM Account WHERE Name LIKE '%rger'").records
    assert row["n"] == 1


# -- fiscal years ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("by_start", "year"), [(0, 2027), (1, 2026)])
def test_a_fiscal_year_is_named_by_its_end_or_as_the_org_says_by_its_start(
    org, ask, by_start, year
):
    """Where the year begins in October, November 2026 is in the first quarter of that year."""
    store, _ = org
    store.connection.execute("SAVEPOINT fiscal")
    put(
        store,
        "Organization",
        Id=record_id("00D", 1),
        FiscalYearStartMonth=10,
        UsesStartDateAsFiscalYearName=by_start,
    )
    soql = (
        "SELECT FISCAL_YEAR(CreatedDate) y, FISCAL_QUARTER(CreatedDate) q, "
        "FISCAL_MONTH(CreatedDate) m FROM Lead WHERE CreatedDate = THIS_FISCAL_YEAR AND "
        "LastName = 'Byron' GROUP BY FISCAL_YEAR(CreatedDate), FISCAL_QUARTER(CreatedDate), "
        "FISCAL_MONTH(CreatedDate)"
    )
    rows = plain(ask(soql))
    store.connection.execute("ROLLBACK TO fiscal")
    store.connection.execute("RELEASE fiscal")
    assert rows == [{"y": year, "q": 1, "m": 2}]
