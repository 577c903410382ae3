"""SOQL is read as the API reads it: what it accepts prints back unchanged, the rest is refused."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_org.errors import OrgError
from local_org.soql.nodes import Call, Comparison, FieldItem, Junction, Kind, Literal
from local_org.soql.nodes import Path as FieldPath
from local_org.soql.parser import parse
from local_org.soql.printer import to_soql

HERE = Path(__file__)
IDENTITY = HERE.parents[1] / "fixtures" / "soql_identity.sql"
STATEMENTS = IDENTITY.read_text(encoding="utf-8").splitlines()
CORPUS = HERE.parents[3] / "shared" / "data" / "soql_corpus.jsonl"
AN_ALIAS_CALLED_OFFSET = "SELECT Name FROM Account OFFSET"
"""Valid for one public suite, which reads an alias; an org reads a clause that lacks its number."""
STRINGS = re.compile(r"'(?:[^'\\]|\\.)*'")

pytestmark = pytest.mark.documented("SOQL and SOSL Reference")


def accepted(soql):
    try:
        parse(soql)
    except OrgError:
        return False
    return True


@pytest.mark.parametrize("soql", STATEMENTS)
def test_a_statement_prints_back_as_it_was_written(soql):
    assert to_soql(parse(soql)) == soql


@pytest.mark.parametrize("soql", STATEMENTS)
def test_case_and_space_change_nothing_of_a_statement_but_names_and_values(soql):
    if "'" not in soql:
        spaced = soql.replace(" ", "\n\t ").replace(",", " ,\n")
        assert to_soql(parse(spaced)) == soql
        assert to_soql(parse(soql.lower())).lower() == soql.lower()


def test_a_keyword_is_a_name_where_no_keyword_can_stand():
    query = parse("SELECT group, order.by, limit FROM from WHERE where = 1 ORDER BY order")

    assert query.select == tuple(
        FieldItem(FieldPath(tuple(name.split(".")))) for name in ("group", "order.by", "limit")
    )
    assert query.sources[0].path == FieldPath(("from",))


def test_an_alias_never_swallows_a_clause():
    for clause in ("WHERE a = 1", "LIMIT 1", "ORDER BY a", "GROUP BY a", "FOR VIEW", "ALL ROWS"):
        assert parse(f"SELECT a FROM b {clause}").sources[0].alias is None


def test_functions_keep_their_arguments_and_their_spelling():
    (item,) = parse("SELECT count_Distinct(LeadSource) n FROM Lead").select

    assert item == FieldItem(Call("count_Distinct", (FieldPath(("LeadSource",)),)), "n")


def test_three_conditions_of_one_operator_are_one_junction():
    where = parse("SELECT Id FROM Lead WHERE a = 1 OR b = 2 OR c = 3").where

    assert isinstance(where, Junction)
    assert len(where.conditions) == 3


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT Id FROM Lead WHERE a = 1 OR b = 2 AND c = 3",
        "SELECT Id FROM Lead WHERE a = 1 AND b = 2 OR c = 3",
        "SELECT Id FROM Lead WHERE Name = :name",
        "SELECT Id FROM Lead -- comment",
        "SELECT Id FROM Lead // comment",
        "SELECT Id /* comment */ FROM Lead",
        "SELECT Id FROM Lead;",
        "SELECT * FROM Lead",
        "SELECT Id FROM",
        "SELECT FROM Lead",
        "SELECT Id, FROM Lead",
        "SELECT Id Lead",
        "SELECT Id FROM Lead WHERE",
        "SELECT Id FROM Lead WHERE Name",
        "SELECT Id FROM Lead WHERE Name = 'open",
        'SELECT Id FROM Lead WHERE Name = "double"',
        "SELECT Id FROM Lead WHERE 'a' = Name",
        "SELECT Id FROM Lead WHERE Name IN ()",
        "SELECT Id FROM Lead WHERE Name IN 'a'",
        "SELECT Id FROM Lead WHERE (Name = 'a'",
        "SELECT Id FROM Lead WHERE Name == 'a'",
        "SELECT Id FROM Lead WHERE Name = Company",
        "SELECT Id FROM Lead HAVING COUNT(Id) > 1",
        "SELECT Id FROM Lead LIMIT -1",
        "SELECT Id FROM Lead LIMIT 1.5",
        "SELECT Id FROM Lead LIMIT 1 WHERE Name = 'a'",
        "SELECT Id FROM Lead ORDER BY Name LIMIT 1 ORDER BY Id",
        "SELECT LeadSourceCOUNT(Name) FROM Lead",
        "SELECT COUNT_DISTINCT() FROM Lead",
        "SELECT FIELDS(SOME) FROM Lead",
        "SELECT Id, (SELECT Id FROM Tasks FROM Lead",
        "UPDATE Lead SET Name = 'a'",
        "DELETE FROM Lead",
        "Id FROM Lead",
        "",
        "   ",
    ],
)
def test_what_the_api_does_not_take_is_malformed(soql):
    with pytest.raises(OrgError) as refused:
        parse(soql)
    assert refused.value.code == "MALFORMED_QUERY"


def verdict(case):
    """Return whether the API takes the statement of a case.

    Binds and comments are Apex's alone, whatever the label says. The labels of binds are read off
    the text: four cases bear one without a bind.
    """
    outside = STRINGS.sub("''", case["soql"])
    bound = case.get("apex_bind") and re.search(r":\s*[a-z(]", outside, re.IGNORECASE)
    return case["valid"] and not bound and not case.get("comments")


@pytest.mark.skipif(not CORPUS.exists(), reason="shared/data is not beside the project")
def test_the_public_corpus_is_judged_as_the_api_judges_it():
    """Every valid statement is accepted and prints as the same tree; every invalid one is refused."""
    cases = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    wrong = {case["soql"] for case in cases if accepted(case["soql"]) is not verdict(case)}
    taken = [case["soql"] for case in cases if accepted(case["soql"])]
    assert len(cases) >= 314
    assert wrong == {AN_ALIAS_CALLED_OFFSET}
    assert [soql for soql in taken if parse(to_soql(parse(soql))) != parse(soql)] == []


@given(st.text() | st.sampled_from(STATEMENTS).flatmap(st.permutations).map("".join))
@settings(deadline=None)
def test_any_text_is_either_refused_or_prints_as_the_query_it_is(text):
    if accepted(text):
        assert parse(to_soql(parse(text))) == parse(text)


@given(st.text(st.characters(exclude_characters="'\\", exclude_categories=["Cs"])))
@settings(deadline=None)
def test_whatever_stands_between_quotes_is_a_value(text):
    where = parse(f"SELECT Id FROM Lead WHERE Name = '{text}'").where

    assert where == Comparison(FieldPath(("Name",)), "=", Literal(Kind.STRING, text))


def test_a_statement_is_at_most_100000_characters_long():
    with pytest.raises(OrgError, match="cannot be longer than 100000 characters"):
        parse("SELECT Id FROM Lead WHERE Name = '" + "x" * 100_000 + "'")
