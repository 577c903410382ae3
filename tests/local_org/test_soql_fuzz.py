"""Whatever is sent as SOQL, the org answers it or refuses it in its own words; it never breaks."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from local_org.errors import OrgError
from local_org.ids import record_id
from local_org.records.store import Store
from local_org.schema.registry import standard_schema
from local_org.soql.run import execute
from tests.local_org.rows import Everything, put

pytestmark = pytest.mark.documented("SOQL and SOSL Reference; REST API, errors of queries")

FIXTURE = Path(__file__).parents[1] / "fixtures" / "soql_identity.sql"
WORDS = re.compile(r"'(?:[^'\\]|\\.)*'|\w+|\s+|.", re.DOTALL)
STATEMENTS = [WORDS.findall(line) for line in FIXTURE.read_text(encoding="utf-8").splitlines()]
SPLINTERS = (
    *("'é'", r"'\u00e9'", r"'\ud800'", r"'\uzz'", r"'\q'", "'", "\\", "\x00", "\ud800", ";", "*"),
    *("9" * 400, "1e999", "-1e400", "25:99:99Z", "0000-00-00", "9999-12-31", "0001-01-01T00:00:00Z"),
    *("9999-12-31T23:59:59-14:00", "LAST_N_DAYS:99999999999", "NEXT_N_YEARS:8000", "N_DAYS_AGO:0"),
    *("LAST_N_FISCAL_QUARTERS:99999", "(", ")", ",", ".", "NOT", "NULL", "LIMIT", "OFFSET", "FOR"),
    *("COUNT()", "COUNT(Id)", "MAX(Status)", "FIELDS(ALL)", "GROUPING(Id)", "ROLLUP(Status)"),
    *("HOUR_IN_DAY(convertTimezone(CreatedDate))", "convertTimezone(CreatedDate)", "TYPEOF"),
    *("DISTANCE(Address, GEOLOCATION(1e400, 2), 'mi')", "toLabel(Status)", "FORMAT(Address)"),
    *("Address", "Description", "Owner.Name", "Who.Type", "Owner.Owner.Name", "(SELECT Id FROM Tasks)"),
)  # fmt: skip
CODES = {
    "MALFORMED_QUERY",
    "INVALID_FIELD",
    "INVALID_TYPE",
    "INVALID_QUERY_FILTER_OPERATOR",
    "INVALID_TYPE_FOR_OPERATION",
    "NUMBER_OUTSIDE_VALID_RANGE",
    "QUERY_TOO_COMPLICATED",
    "EXCEEDED_MAX_SEMIJOIN_SUBSELECTS",
}
bounded = settings(
    derandomize=True, deadline=None, phases=[Phase.explicit, Phase.generate], max_examples=400
)


@pytest.fixture(scope="module")
def answered():
    """Return what gives the code of a refusal, or None where the query is answered."""
    store = Store(None, standard_schema())
    put(store, "Lead", Id=record_id("00Q", 1), LastName="é", Name="é", Company="a", IsConverted=0)
    now = datetime(2026, 11, 4, tzinfo=UTC)
    user = {"Id": record_id("005", 1)}

    def ask(soql):
        try:
            execute(store, store.schema, Everything(), soql, now=now, user=user, version="66.0")
        except OrgError as refused:
            refused.message.encode("utf-8")
            return refused.code
        return None

    yield ask
    store.close()


@st.composite
def broken(draw):
    """Return a statement of the fixture with words cut out, put in, or taken from another one."""
    words = list(draw(st.sampled_from(STATEMENTS)))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(words)))
        other = draw(st.sampled_from(STATEMENTS))
        start = draw(st.integers(0, len(other) - 1))
        splinter = draw(st.sampled_from(SPLINTERS))
        words[place : place + draw(st.integers(0, 2))] = draw(
            st.sampled_from([[splinter, " "], other[start : start + 3], other[start:], []])
        )
    return "".join(words)


@bounded
@given(soql=st.text())
def test_any_text_is_refused_in_the_words_of_the_org(answered, soql):
    """Text that is no query is malformed."""
    assert answered(soql) == "MALFORMED_QUERY"


@bounded
@given(soql=st.one_of(broken(), broken()))
def test_a_broken_query_is_answered_or_refused(answered, soql):
    """A query with anything put in or cut out never fails in another way."""
    assert answered(soql) in CODES | {None}


LEADS = "SELECT Id FROM Lead WHERE "


@pytest.mark.parametrize(
    "soql",
    [
        f"{LEADS}NumberOfEmployees IN ({','.join('1' * 49_000)})",
        f"{LEADS}CreatedDate IN ({','.join(f'N_DAYS_AGO:{2 * n}' for n in range(6000))})",
        LEADS + " OR ".join(f"Owner.Name='a{n}'" for n in range(4000)),
        LEADS + " OR ".join(f"(CreatedDate>N_DAYS_AGO:{n} AND OwnerId=null)" for n in range(1800)),
        f"{LEADS}Name LIKE '{'%a' * 45_000}'",
        f"{LEADS}{'NOT ' * 20_000}Name = 'a'",
        f"SELECT {','.join('(SELECT Id FROM Tasks)' for _ in range(4000))} FROM Lead",
        f"SELECT {'Owner.' * 14_000}Name FROM Lead",
        f"SELECT Id FROM Lead ORDER BY {','.join('Name' for _ in range(15_000))}",
        f"SELECT Id FROM Lead LIMIT {'9' * 90_000}",
    ],
    ids=lambda soql: soql[7:60],
)
def test_a_query_as_long_as_a_query_can_be_is_answered_or_refused(answered, soql):
    """No list, path or condition of 100,000 characters takes the org's breath."""
    assert answered(soql) in CODES | {None}
