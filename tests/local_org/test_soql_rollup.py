"""GROUP BY ROLLUP and CUBE answer with every group and its subtotals."""

import pytest

from local_org.errors import OrgError
from tests.local_org.soql_world import ask as ask  # noqa: PLC0414 - a fixture
from tests.local_org.soql_world import org as org  # noqa: PLC0414 - a fixture
from tests.local_org.soql_world import plain

pytestmark = pytest.mark.documented("SOQL and SOSL Reference, GROUP BY ROLLUP, GROUP BY CUBE")


def table(result):
    """Return the rows as tuples."""
    return [tuple(row.values()) for row in plain(result)]


def test_a_rollup_sums_up_from_the_right(ask):
    soql = (
        "SELECT Company, LeadSource, GROUPING(Company) c, GROUPING(LeadSource) s, COUNT(Id) n, "
        "SUM(NumberOfEmployees) FROM Lead GROUP BY ROLLUP(Company, LeadSource)"
    )
    assert table(ask(soql)) == [
        ("Acme", "Web", 0, 0, 1, 10),
        ("Acme", None, 0, 1, 1, 10),
        ("Initech", None, 0, 0, 1, None),
        ("Initech", "Web", 0, 0, 1, 30),
        ("Initech", "Phone Inquiry", 0, 0, 1, 20),
        ("Initech", "Other", 0, 0, 1, 5),
        ("Initech", None, 0, 1, 4, 55),
        (None, None, 1, 1, 5, 65),
    ]


def test_a_cube_sums_up_in_every_direction(ask):
    soql = (
        "SELECT Company, IsConverted, COUNT(Id) n FROM Lead "
        "GROUP BY CUBE(Company, IsConverted) ORDER BY GROUPING(Company), GROUPING(IsConverted), "
        "COUNT(Id) DESC"
    )
    assert table(ask(soql)) == [
        ("Initech", False, 3),
        ("Acme", False, 1),
        ("Initech", True, 1),
        ("Initech", None, 4),
        ("Acme", None, 1),
        (None, False, 4),
        (None, True, 1),
        (None, None, 5),
    ]


def test_having_judges_the_subtotals_too(ask):
    soql = (
        "SELECT Company, COUNT(Id) n FROM Lead GROUP BY ROLLUP(Company) "
        "HAVING COUNT(Id) > 1 ORDER BY COUNT(Id) DESC LIMIT 5"
    )
    assert table(ask(soql)) == [(None, 5), ("Initech", 4)]


def test_having_finds_no_field_in_a_subtotal_that_leaves_it_out(ask):
    soql = (
        "SELECT Company, COUNT(Id) n FROM Lead GROUP BY ROLLUP(Company) HAVING Company = 'Initech'"
    )
    assert table(ask(soql)) == [("Initech", 4)]


def test_having_may_ask_for_the_subtotals_alone(ask):
    """GROUPING tells in HAVING which rows are subtotals, where nothing else is aggregated."""
    soql = (
        "SELECT Company, GROUPING(Company) g FROM Lead GROUP BY ROLLUP(Company) "
        "HAVING GROUPING(Company) = 1"
    )
    assert table(ask(soql)) == [(None, 1)]


def test_date_functions_roll_up(ask):
    soql = (
        "SELECT CALENDAR_MONTH(CreatedDate) m, COUNT(Id) n FROM Lead "
        "GROUP BY ROLLUP(CALENDAR_MONTH(CreatedDate))"
    )
    assert table(ask(soql)) == [(6, 1), (10, 1), (11, 3), (None, 5)]


def test_two_texts_that_are_rolled_up_keep_their_columns(ask):
    soql = "SELECT Company, Status, MAX(Name) last FROM Lead GROUP BY ROLLUP(Company, Status)"
    assert table(ask(soql))[-1] == (None, None, "Eve Zed")


@pytest.mark.inferred(
    "the rules are documented, the wordings are ours; settled by: these queries on a real org"
)
@pytest.mark.parametrize(
    ("soql", "message"),
    [
        (
            "SELECT COUNT(Id) FROM Lead GROUP BY ROLLUP(Company), Status",
            "can not be combined with other groupings",
        ),
        (
            "SELECT COUNT(Id) FROM Lead GROUP BY CUBE(Company, Status, City, Rating)",
            "CUBE takes at most 3 fields",
        ),
        (
            "SELECT GROUPING(City), COUNT(Id) FROM Lead GROUP BY ROLLUP(Company)",
            "Field must be grouped: GROUPING(City)",
        ),
        (
            "SELECT City, COUNT(Id) FROM Lead GROUP BY ROLLUP(Company)",
            "Field must be grouped or aggregated: City",
        ),
    ],
)
def test_what_cannot_be_rolled_up_is_refused(ask, soql, message):
    with pytest.raises(OrgError) as refused:
        ask(soql)
    assert refused.value.code == "MALFORMED_QUERY"
    assert message in refused.value.message


@pytest.mark.inferred(
    "rows of subtotals without records; settled by: this query where no lead has the name"
)
def test_where_nothing_is_found_only_the_grand_total_says_so(ask):
    soql = "SELECT Company, COUNT(Id) n FROM Lead WHERE Name = 'Nobody' GROUP BY ROLLUP(Company)"
    assert table(ask(soql)) == [(None, 0)]
