"""A wrong query is refused in the org's words: echo, caret, row and column, then what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from local_org.errors import OrgError
from local_org.ids import record_id
from local_org.records.store import Store
from local_org.schema.registry import standard_schema
from local_org.soql.run import execute
from tests.local_org.rows import Everything

pytestmark = pytest.mark.documented("facts/org-behaviour.md 3 and 6, texts quoted in public issues")

CUSTOM_FIELD = (
    " If you are attempting to use a custom field, be sure to append the '__c' after the custom "
    "field name. Please reference your WSDL or the describe call for the appropriate names."
)
CUSTOM_RELATIONSHIP = (
    " If you are attempting to use a custom relationship, be sure to append the '__r' after the "
    "custom relationship name. Please reference your WSDL or the describe call for the appropriate "
    "names."
)
CUSTOM_OBJECT = (
    " If you are attempting to use a custom object, be sure to append the '__c' after the entity "
    "name. Please reference your WSDL or the describe call for the appropriate names."
)


@pytest.fixture(scope="module")
def store():
    return Store(None, standard_schema())


@pytest.fixture
def refusal(store):
    """Return what gives code and message of the refusal of a query."""

    def ask(soql, hidden=()):
        now, user = datetime(2026, 11, 4, tzinfo=UTC), {"Id": record_id("005", 1)}
        with pytest.raises(OrgError) as refused:
            execute(
                store,
                store.schema,
                Everything(*hidden),
                soql,
                now=now,
                user=user,
                version="66.0",
            )
        return refused.value.code, refused.value.message

    return ask


def pointing(line, column, message, row=1):
    """Return a message as the platform lays it out, for a line short enough to be echoed whole."""
    return f"\n{line}\n{' ' * (column - 1)}^\nERROR at Row:{row}:Column:{column}\n{message}"


@pytest.mark.recorded("a real org's answer, quoted in facts/org-behaviour.md 3")
def test_an_unknown_object_is_pointed_at(refusal):
    soql = "SELECT Xyzzy FROM Xyzzy"
    message = f"sObject type 'Xyzzy' is not supported.{CUSTOM_OBJECT}"
    assert refusal(soql) == ("INVALID_TYPE", pointing(soql, 19, message))


def test_an_unknown_field_is_pointed_at_and_its_object_named(refusal):
    soql = "SELECT Id, ApiName FROM Lead"
    message = f"No such column 'ApiName' on entity 'Lead'.{CUSTOM_FIELD}"
    assert refusal(soql) == ("INVALID_FIELD", pointing(soql, 12, message))


def test_a_hidden_field_or_object_is_refused_as_if_it_were_not_there(refusal):
    there = refusal("SELECT Phone FROM Lead", hidden=["Lead.Phone"])
    absent = refusal("SELECT Phonx FROM Lead")
    assert there == (absent[0], absent[1].replace("Phonx", "Phone"))
    assert refusal("SELECT Id FROM Lead", hidden=["Lead"])[0] == "INVALID_TYPE"
    for soql in (
        "SELECT Id FROM Lead WHERE Phone = '1'",
        "SELECT Id FROM Lead ORDER BY Phone",
        "SELECT COUNT(Phone) FROM Lead",
        "SELECT Phone FROM Lead GROUP BY Phone",
        "SELECT ConvertedContact.Lead.Phone FROM Lead",
        "SELECT TYPEOF Who WHEN Lead THEN Phone END FROM Task",
        "SELECT Id FROM Task WHERE WhoId IN (SELECT Id FROM Lead WHERE Phone = '1')",
    ):
        assert refusal(soql, hidden=["Lead.Phone"])[0] == "INVALID_FIELD"


def test_a_relationship_that_is_none_is_pointed_at(refusal):
    soql = "SELECT Id, Nobody.Name FROM Lead"
    message = f"Didn't understand relationship 'Nobody' in field path.{CUSTOM_RELATIONSHIP}"
    assert refusal(soql) == ("INVALID_FIELD", pointing(soql, 12, message))


def test_children_that_are_none_are_pointed_at(refusal):
    soql = "SELECT Id, (SELECT Id FROM Nothings) FROM Lead"
    part = "Didn't understand relationship 'Nothings' in FROM part of query call."
    message = part + CUSTOM_RELATIONSHIP
    assert refusal(soql) == ("INVALID_TYPE", pointing(soql, 28, message))


def test_a_long_line_is_echoed_by_the_words_around_the_error(refusal):
    soql = (
        "SELECT Id, FirstName, LastName, Company, Status, Rating, Nope__c, LeadSource, Industry, "
        "Email, Phone, Website FROM Lead"
    )
    _, message = refusal(soql)
    _, echo, caret, where, _ = message.split("\n")
    assert echo == "LastName, Company, Status, Rating, Nope__c, LeadSource, Industry, Email"
    assert echo[caret.index("^") :].startswith("Nope__c")
    assert where == "ERROR at Row:1:Column:58"


def test_the_row_counts_lines_and_the_line_of_the_error_is_echoed(refusal):
    _, message = refusal("SELECT Id\nFROM Lead\nWHERE Nope = 1")
    assert message.startswith(pointing("WHERE Nope = 1", 7, "No such column", row=3))


def test_a_token_that_cannot_stand_there_is_named(refusal):
    soql = "SELECT Id FROM Lead LIMIT 1 From"
    message = pointing(soql, 29, "unexpected token: 'From'")
    assert refusal(soql) == ("MALFORMED_QUERY", message)


def test_a_text_of_which_nothing_is_a_query_has_no_position(refusal):
    assert refusal("invalid") == ("MALFORMED_QUERY", "unexpected token: 'invalid'")


def test_an_end_that_comes_too_soon_is_named(refusal):
    soql = "SELECT Id FROM"
    message = pointing(soql, 15, "unexpected token: '<EOF>'")
    assert refusal(soql) == ("MALFORMED_QUERY", message)


def test_binds_are_for_apex_only(refusal):
    _, message = refusal("SELECT Id FROM Lead WHERE Name = :n")
    assert message.endswith("\nBind variables only allowed in Apex code")


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("Name = 5", "field 'Name' must be of type string and should be enclosed in quotes"),
        (
            "NumberOfEmployees = '5'",
            "field 'NumberOfEmployees' must be of type int and should not be enclosed in quotes",
        ),
        (
            "IsConverted = 'true'",
            "field 'IsConverted' must be of type boolean and should not be enclosed in quotes",
        ),
        (
            "CreatedDate > 2026-01-01",
            "field 'CreatedDate' must be of type dateTime and should not be enclosed in quotes",
        ),
        (
            "CreatedDate > '2026-01-01T00:00:00Z'",
            "field 'CreatedDate' must be of type dateTime and should not be enclosed in quotes",
        ),
        (
            "ConvertedDate IN (2026-01-01T00:00:00Z)",
            "field 'ConvertedDate' must be of type date and should not be enclosed in quotes",
        ),
    ],
)
def test_a_value_must_be_of_the_type_of_its_field(refusal, where, message):
    code, text = refusal(f"SELECT Id FROM Lead WHERE {where}")
    assert code == "INVALID_FIELD"
    assert text.endswith(f"\nvalue of filter criterion for {message}")


def test_a_value_that_is_no_id_is_refused(refusal):
    code, message = refusal("SELECT Id FROM Lead WHERE OwnerId IN ('zzz')")
    assert code == "INVALID_QUERY_FILTER_OPERATOR"
    assert message.endswith("\ninvalid ID field: zzz")


@pytest.mark.parametrize(
    ("soql", "verb"),
    [
        ("SELECT Id FROM Lead WHERE Description = 'x'", "filtered"),
        ("SELECT Id FROM Lead ORDER BY Description", "sorted"),
        ("SELECT Description FROM Lead GROUP BY Description", "grouped"),
    ],
)
def test_a_long_text_can_not_be_filtered_sorted_or_grouped(refusal, soql, verb):
    code, message = refusal(soql)
    assert code == "INVALID_FIELD"
    assert message.endswith(f"\nfield 'Description' can not be {verb} in a query call")


def test_what_is_selected_beside_an_aggregate_must_be_grouped(refusal):
    expected = ("MALFORMED_QUERY", "Field must be grouped or aggregated: Name")
    assert refusal("SELECT Name, COUNT(Id) FROM Lead") == expected
    assert refusal("SELECT Name, COUNT(Id) FROM Lead GROUP BY Company") == expected


def test_what_an_aggregate_query_is_ordered_by_must_be_grouped(refusal):
    soql = "SELECT Company FROM Lead GROUP BY Company ORDER BY Name"
    message = "Ordered field must be grouped or aggregated: Name"
    assert refusal(soql) == ("MALFORMED_QUERY", message)


def test_a_semi_join_must_point_at_the_same_object(refusal):
    code, message = refusal("SELECT Id FROM Lead WHERE Id IN (SELECT OwnerId FROM Contact)")
    assert code == "MALFORMED_QUERY"
    assert message.endswith(
        "\nThe selected field 'OwnerId' in the subquery and the left operand field in the where "
        "expression in the outer query 'Id' should point to the same object type"
    )


def test_an_offset_goes_up_to_2000(refusal):
    expected = ("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
    assert refusal("SELECT Id FROM Lead OFFSET 2001") == expected


@pytest.mark.inferred(
    "the restriction is documented, its wording is ours; "
    "settled by: tests/contract/test_answers.py, all fields without a limit"
)
@pytest.mark.parametrize("which", ["ALL", "CUSTOM"])
@pytest.mark.parametrize("limit", ["", " LIMIT 201"])
def test_unbounded_field_sets_need_a_limit_of_200(refusal, which, limit):
    code, message = refusal(f"SELECT FIELDS({which}) FROM Lead{limit}")
    assert code == "MALFORMED_QUERY"
    assert message == "The SOQL FIELDS function must have a LIMIT of at most 200"


@pytest.mark.inferred(
    "the code is documented, the text is from memory of the field; "
    "settled by: tests/contract/test_answers.py, a condition nested too deeply"
)
@pytest.mark.parametrize(
    "where",
    ["(" * 3000 + "Name = 'a'" + ")" * 3000, "NOT (" * 500 + "Name = 'a'" + ")" * 500],
    ids=["parentheses", "negations"],
)
def test_a_condition_nested_beyond_reason_is_too_complicated(refusal, where):
    code, message = refusal(f"SELECT Id FROM Lead WHERE {where}")
    assert code == "QUERY_TOO_COMPLICATED"
    assert "filter conditions are too complicated" in message


@pytest.mark.inferred(
    "the rules are documented, the wordings are ours; "
    "settled by: tests/contract/test_answers.py, SOQL_REFUSALS"
)
@pytest.mark.parametrize(
    ("soql", "code", "message"),
    [
        ("SELECT Id, Id FROM Lead", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT Id x FROM Lead", "MALFORMED_QUERY", "only aggregate expressions use field alias"),
        ("SELECT SUM(Name) FROM Lead", "MALFORMED_QUERY", "does not support aggregate operator"),
        ("SELECT COUNT(Id) n, COUNT(Name) n FROM Lead", "MALFORMED_QUERY", "duplicate alias: n"),
        ("SELECT Id FROM Lead WHERE COUNT(Id) > 1", "MALFORMED_QUERY", "can not stand here"),
        ("SELECT Id FROM Lead WHERE Nope(Id) > 1", "MALFORMED_QUERY", "unexpected token: 'Nope'"),
        (
            "SELECT Id FROM Lead WHERE IsConverted > true",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator on",
        ),
        (
            "SELECT Id FROM Lead WHERE AnnualRevenue LIKE '5'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator",
        ),
        (
            "SELECT Id FROM Lead WHERE Name INCLUDES ('a')",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator on",
        ),
        (r"SELECT Id FROM Lead WHERE Name = 'a\q'", "MALFORMED_QUERY", "Illegal character"),
        (
            "SELECT Id FROM Lead WHERE CreatedDate > 2026-13-01T00:00:00Z",
            "MALFORMED_QUERY",
            "Invalid dateTime: 2026-13-01T00:00:00Z",
        ),
        (
            "SELECT HOUR_IN_DAY(Name) h FROM Lead GROUP BY HOUR_IN_DAY(Name)",
            "MALFORMED_QUERY",
            "takes a dateTime field",
        ),
        (
            "SELECT TYPEOF Account WHEN Lead THEN Name END FROM Contact",
            "MALFORMED_QUERY",
            "is not polymorphic",
        ),
        (
            "SELECT TYPEOF Who WHEN Account THEN Name END FROM Task",
            "MALFORMED_QUERY",
            "is no type of relationship Who",
        ),
        (
            "SELECT Id, (SELECT COUNT(Id) FROM Tasks) FROM Lead",
            "MALFORMED_QUERY",
            "only root queries support aggregate expressions",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT Id, AccountId FROM Contact)",
            "MALFORMED_QUERY",
            "a semi-join must select exactly one field",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(refusal, soql, code, message):
    found, text = refusal(soql)
    assert found == code
    assert message in text


@pytest.mark.inferred(
    "the wording is ours; settled by: tests/contract/test_answers.py, a data category of leads"
)
def test_only_articles_have_data_categories(refusal):
    """An object without data categories refuses to be filtered by them."""
    code, message = refusal("SELECT Id FROM Lead WITH DATA CATEGORY a__c AT b__c")
    assert code == "MALFORMED_QUERY"
    assert message.endswith("\nEntity 'Lead' does not support data category filters")
