"""Searches by SOSL and by parameters find what is written, as far as the caller may see it."""

import pytest

from tests.local_org.web import Web

pytestmark = pytest.mark.documented("the SOSL reference; the REST reference, Search")

PARAMETERIZED = "/parameterizedSearch"


@pytest.fixture
def web():
    web = Web()
    for last, company, email in (
        ("Doe", "Acme Widgets", "jane.doe@example.com"),
        ("Roe", "Acme", "roe@example.org"),
        ("Poe", "Globex", "poe@example.com"),
    ):
        web.create("Lead", LastName=last, Company=company, Email=email, Phone="(555) 123-4567")
    web.create("Contact", LastName="Acme")
    return web


def found(web, sosl):
    """Return the records that SOSL finds."""
    answer = web.rest("GET", "/search/", params={"q": sosl})
    assert answer.status_code == 200, answer.text
    return answer.json()["searchRecords"]


def leads(web, term, scope="ALL"):
    """Return the last names of the leads in which a term is found."""
    records = found(
        web, f"FIND {{{term}}} IN {scope} FIELDS RETURNING Lead(LastName ORDER BY LastName)"
    )
    return [record["LastName"] for record in records]


def refusal(web, method, path, **request):
    return web.refusal(method, f"/services/data/v66.0{path}", **request)


def test_every_object_is_searched_unless_some_are_named(web):
    records = found(web, "FIND {acme}")
    assert sorted(record["attributes"]["type"] for record in records) == ["Contact", "Lead", "Lead"]
    assert set(records[0]) == {"attributes", "Id"}


@pytest.mark.parametrize(
    ("term", "names"),
    [
        ("ACME", ["Doe", "Roe"]),
        ("acm", []),
        ("acm*", ["Doe", "Roe"]),
        ("a?me", ["Doe", "Roe"]),
        ("acme widgets", ["Doe"]),
        ("acme AND NOT widgets", ["Roe"]),
        ("widgets OR globex", ["Doe", "Poe"]),
        ("(widgets OR globex) AND poe", ["Poe"]),
        ('"acme widgets"', ["Doe"]),
        ('"widgets acme"', []),
        ("jane.doe@example.com", ["Doe"]),
        (r"\(555\) 123\-4567", ["Doe", "Poe", "Roe"]),
    ],
)
def test_terms_fit_whole_words_in_any_case(web, term, names):
    assert leads(web, term) == names


@pytest.mark.parametrize(
    ("term", "scope", "names"),
    [
        ("example", "EMAIL", ["Doe", "Poe", "Roe"]),
        ("example", "NAME", []),
        ("doe", "NAME", ["Doe"]),
        ("4567", "PHONE", ["Doe", "Poe", "Roe"]),
        ("4567", "EMAIL", []),
    ],
)
def test_a_scope_narrows_the_fields(web, term, scope, names):
    assert leads(web, term, scope) == names


def test_objects_have_conditions_order_and_limits_of_their_own(web):
    records = found(
        web,
        "FIND {acme} RETURNING Lead(LastName, Owner.Name WHERE (Company != 'Acme') "
        "ORDER BY LastName LIMIT 1), Contact(Id, LastName)",
    )
    assert [(r["attributes"]["type"], r["LastName"]) for r in records] == [
        ("Lead", "Doe"),
        ("Contact", "Acme"),
    ]
    assert records[0]["Owner"]["Name"] == "Admin User"


def test_a_limit_ends_the_whole_search(web):
    assert len(found(web, "FIND {acme} RETURNING Lead, Contact LIMIT 2")) == 2


def test_parameters_ask_for_the_same(web):
    params = {"q": "acme", "sobject": "Lead", "Lead.fields": "LastName", "Lead.limit": "1"}
    [record] = web.rest("GET", PARAMETERIZED, params=params).json()["searchRecords"]
    assert record["LastName"] in ("Doe", "Roe")
    body = {
        "q": "acme",
        "in": "ALL",
        "fields": ["Id", "LastName"],
        "sobjects": [{"name": "Lead", "where": "Company = 'Acme'"}],
        "overallLimit": 5,
    }
    [record] = web.rest("POST", PARAMETERIZED, json=body).json()["searchRecords"]
    assert record["LastName"] == "Roe"


def test_what_the_caller_may_not_see_is_not_found(web):
    web.as_user("sidecar@local.test")
    assert found(web, "FIND {acme}") == []
    status, code, message = refusal(
        web, "GET", "/search", params={"q": "FIND {acme} RETURNING Lead"}
    )
    assert (status, code) == (400, "INVALID_TYPE")
    assert message.startswith("sObject type 'Lead' is not supported.")


@pytest.mark.parametrize(
    ("sosl", "message"),
    [
        ("acme", "No search term found. The search term must be enclosed in braces."),
        ("FIND {a}", "search term must be longer than one character: a"),
        ("FIND {**}", "search term must be longer than one character: **"),
    ],
)
@pytest.mark.inferred(
    "wordings from clients' logs; settled by: tests/contract/test_rest_answers.py, a search without braces"
)
def test_a_search_without_a_term_is_refused(web, sosl, message):
    expected = (400, "MALFORMED_SEARCH", message)
    assert refusal(web, "GET", "/search", params={"q": sosl}) == expected


@pytest.mark.parametrize(
    ("sosl", "column", "token"),
    [
        ("FIND {name} IN ALL TYPE RETURNING Lead", 19, "TYPE"),
        ("FIND {name} IN WIDE FIELDS", 15, "WIDE"),
        ("FIND {name} WITH NETWORK = 'x'", 12, "WITH"),
        ("FIND {name} RETURNING Lead(Id LIMIT 1 WHERE Name = 'x')", 27, "Id"),
        ("FIND {name} RETURNING Lead(Id", 29, "<EOF>"),
    ],
)
@pytest.mark.inferred(
    "wording from clients' logs; settled by: tests/contract/test_rest_answers.py, a search of types"
)
def test_a_search_that_is_wrong_is_refused_with_its_place(web, sosl, column, token):
    place = f"{' ' * (column - 1)}^\nERROR at Row:1:Column:{column}"
    expected = f"\n{sosl}\n{place}\nMalformed search token: {token}"
    answer = refusal(web, "GET", "/search", params={"q": sosl})
    assert answer == (400, "MALFORMED_SEARCH", expected)


@pytest.mark.parametrize(
    "term",
    [
        "acme AND",
        "(acme",
        "acme)",
        "NOT acme",
        "((((((((((((((((((((((acme))))))))))))))))))))))",
        "--__--" * 3000,
    ],
)
@pytest.mark.inferred("wordings are ours; settled by: a search for each of these terms")
def test_a_term_that_is_wrong_is_refused(web, term):
    status, code, message = refusal(
        web, "POST", PARAMETERIZED, json={"q": term, "sobjects": [{"name": "Lead"}]}
    )
    assert (status, code) == (400, "MALFORMED_SEARCH")
    assert "search term" in message


def test_quotes_in_a_term_end_no_condition(web):
    web.create("Lead", LastName="O'Hara", Company="C")
    assert leads(web, "o'hara") == ["O'Hara"]
