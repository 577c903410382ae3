"""A request may say on what condition it is meant: unless seen already, unless changed since."""

from datetime import timedelta

import pytest

from tests.local_org.caller import custom, extend
from tests.local_org.web import API, Web

pytestmark = pytest.mark.documented('REST reference, "Conditional Request Headers"')

THEN = "Mon, 02 Nov 2026 10:00:00 GMT"
BEFORE = "Mon, 02 Nov 2026 09:59:59 GMT"
FAILED = (412, "PRECONDITION_FAILED", "The record is not as the request expects it")


@pytest.fixture
def web():
    return Web()


@pytest.fixture
def lead(web):
    return f"/sobjects/Lead/{web.create()}"


@pytest.fixture
def account(web):
    return f"/sobjects/Account/{web.create('Account', Name='ACME')}"


def get(web, path, **headers):
    """GET with conditions; return the answer."""
    return web.rest("GET", path, headers=named(headers))


def change(web, path, **headers):
    """PATCH with conditions; return status, or status, code and message."""
    values = {"Phone": "1"}
    if web.rest("PATCH", path, json=values, headers=named(headers)).status_code == 204:
        return 204
    return web.refusal("PATCH", API + path, json=values, headers=named(headers))


def named(headers):
    return {name.replace("_", "-"): value for name, value in headers.items()}


def tag(web, path):
    return get(web, path).headers["etag"]


def test_a_record_that_was_not_changed_since_is_not_told_again(web, lead):
    """The date is that of its last change, and a second more of it is enough."""
    assert get(web, lead).headers["last-modified"] == THEN
    known = get(web, lead, If_Modified_Since=THEN)
    assert (known.status_code, known.content) == (304, b"")
    assert get(web, lead, If_Modified_Since=BEFORE).status_code == 200
    web.org.clock.advance(timedelta(seconds=1))
    assert change(web, lead) == 204
    assert get(web, lead, If_Modified_Since=THEN).json()["Phone"] == "1"


def test_a_record_that_was_changed_since_is_not_changed_again(web, lead):
    """Whoever looked at it before the change of somebody else is told so."""
    assert change(web, lead, If_Unmodified_Since=THEN) == 204
    web.org.clock.advance(timedelta(seconds=1))
    assert change(web, lead) == 204
    assert change(web, lead, If_Unmodified_Since=THEN) == FAILED
    assert web.refusal("GET", API + lead, headers={"If-Unmodified-Since": THEN}) == FAILED


def test_accounts_have_tags_that_follow_their_content(web, account, lead):
    """Only accounts have them, and a change gives them another."""
    assert "etag" not in get(web, lead).headers
    first = tag(web, account)
    assert get(web, account, If_None_Match=f'"x", {first}').status_code == 304
    assert get(web, account, If_None_Match='"x"').status_code == 200
    assert change(web, account, If_Match=first) == 204
    assert tag(web, account) != first
    assert change(web, account, If_Match=first) == FAILED
    assert web.refusal("GET", API + account, headers={"If-Match": first}) == FAILED


def test_tags_that_compression_has_marked_are_known(web, account):
    """Clients send them back as they came."""
    marked = tag(web, account)[:-1] + '-gzip"'
    assert get(web, account, If_None_Match=marked).status_code == 304


def test_a_star_stands_for_any_tag(web, account):
    """``If-None-Match: *`` is for what must not exist yet."""
    assert change(web, account, If_Match="*") == 204
    assert change(web, account, If_None_Match="*") == FAILED


def test_conditions_of_tags_are_for_accounts_only(web, lead):
    """Where there are no tags, conditions of them are left aside."""
    assert change(web, lead, If_Match='"x"') == 204
    assert change(web, lead, If_None_Match="*") == 204


@pytest.mark.inferred(
    "the reference names the status only; "
    "settled by: tests/contract/test_rest_answers.py, a condition that cannot be read"
)
@pytest.mark.parametrize(
    ("name", "value"),
    [("If-Match", "x"), ("If-None-Match", '"a" "b"'), ("If-Unmodified-Since", "yesterday")],
)
def test_a_condition_that_cannot_be_read_refuses_a_change(web, account, name, value):
    """A reader gets his answer all the same."""
    message = f"Invalid value for header {name.lower()}: {value}"
    refused = change(web, account, **{name: value})
    assert refused == (400, "INVALID_HEADER_VALUE", message)
    assert "Phone" not in get(web, f"{account}?fields=Name").json()


def test_a_date_that_cannot_be_read_hides_nothing(web, lead):
    """``If-Modified-Since`` must not answer 304 by mistake."""
    for date in ("yesterday", "Mon, 02 Nov 2026 10:00:00 -0000", ""):
        assert get(web, lead, If_Modified_Since=date).status_code == 200


def test_a_condition_tells_nothing_of_a_record_that_is_not_there(web, lead):
    """It is not found, whatever the condition."""
    web.rest("DELETE", lead)
    assert change(web, lead, If_Unmodified_Since=BEFORE)[:2] == (404, "NOT_FOUND")


@pytest.mark.recorded("data/recorded.jsonl 178: describes carry ETag and Last-Modified")
def test_describes_have_tags_that_follow_the_schema(web):
    """A new field gives the describe of its object another tag."""
    path = "/sobjects/Lead/describe"
    first = tag(web, path)
    assert get(web, path, If_None_Match=first).status_code == 304
    extend(web.org, fields=[custom("New__c", length=10)])
    assert get(web, path, If_None_Match=first).status_code == 200
