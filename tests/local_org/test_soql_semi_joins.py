"""Semi-joins and anti-joins stand only where the platform lets them stand, and compare only ids."""

import pytest

from tests.local_org.test_soql_errors import refusal as refusal  # noqa: PLC0414 - a fixture
from tests.local_org.test_soql_errors import store as store  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.documented(
    "SOQL and SOSL Reference, Comparison Operators; texts quoted in public issues"
)

NESTED = (
    "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested "
    "WHERE expressions."
)
CONTACTS = "Id IN (SELECT AccountId FROM Contact)"


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (
            f"Name = 'a' OR {CONTACTS}",
            "Semi join sub-selects are not allowed with the 'OR' operator",
        ),
        (f"(Name = 'a' AND {CONTACTS}) AND Industry = null", NESTED),
        (f"Name = 'a' AND (Industry = null OR {CONTACTS})", NESTED),
        (f"(NOT {CONTACTS})", NESTED),
        (
            "Id IN (SELECT AccountId FROM Contact WHERE OwnerId IN (SELECT Id FROM User))",
            "Nesting of semi join sub-selects is not supported",
        ),
        ("Id IN (SELECT AccountId FROM Contact LIMIT 1)", "missing value at 'LIMIT'"),
        ("Id IN (SELECT AccountId FROM Contact ORDER BY Name)", "missing value at 'ORDER'"),
        ("Id IN (SELECT AccountId FROM Contact GROUP BY AccountId)", "missing value at 'GROUP'"),
        ("Id IN (SELECT AccountId FROM Contact OFFSET 1)", "missing value at 'OFFSET'"),
        ("Id IN (SELECT AccountId FROM Contact FOR UPDATE)", "missing value at 'FOR'"),
    ],
)
def test_a_semi_join_stands_alone_among_conditions_that_all_must_hold(refusal, where, message):
    """A semi-join beside an OR, inside a group or inside another is refused."""
    assert refusal(f"SELECT Id FROM Account WHERE {where}") == ("MALFORMED_QUERY", message)


def test_a_third_semi_join_is_one_too_many(refusal):
    """At most two semi-joins or anti-joins stand in one WHERE."""
    anti = "OwnerId NOT IN (SELECT OwnerId FROM Opportunity)"
    soql = f"SELECT Id FROM Account WHERE {CONTACTS} AND {anti} AND {CONTACTS}"
    message = "Maximum 2 semi join sub-selects are allowed"
    assert refusal(soql) == ("EXCEEDED_MAX_SEMIJOIN_SUBSELECTS", message)


@pytest.mark.parametrize("entity", ["Task", "Event"])
def test_activities_can_not_stand_inside_and_are_pointed_at(refusal, entity):
    """The platform does not take activities as the inner object."""
    soql = f"SELECT Id FROM Lead WHERE Id IN (SELECT WhoId FROM {entity})"
    column = soql.index(entity) + 1
    code, message = refusal(soql)
    assert code == "MALFORMED_QUERY"
    assert message.endswith(
        f"\nERROR at Row:1:Column:{column}\n"
        f"Entity '{entity}' is not supported for semi join inner selects"
    )


@pytest.mark.parametrize(
    ("soql", "message"),
    [
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT ParentId FROM Account)",
            "The inner and outer selects should not be on the same object type",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT Name FROM Contact)",
            "semi join sub selects can only query id fields, cannot use: 'Name'",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT Account.ParentId FROM Contact)",
            "semi join sub selects can only query id fields, cannot use: 'Account.ParentId'",
        ),
    ],
)
def test_only_ids_of_another_object_are_compared(refusal, soql, message):
    """The inner object is another one, and its field an id of its own."""
    code, text = refusal(soql)
    assert code == "MALFORMED_QUERY"
    assert text.endswith(f"\n{message}")


@pytest.mark.inferred(
    "the rule is documented, its wording is from memory; "
    "settled by: tests/contract/test_answers.py, a semi-join on a text"
)
def test_the_left_side_is_an_id(refusal):
    """A text can not be compared with the ids that a semi-join selects."""
    code, text = refusal("SELECT Id FROM Account WHERE Name IN (SELECT AccountId FROM Contact)")
    assert code == "MALFORMED_QUERY"
    assert text.endswith(
        "\nThe left operand field in the where expression for outer query should be an id field, "
        "cannot use: 'Name'"
    )
