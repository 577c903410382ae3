"""A path can lead from a record to its parents, up to five of them, or to its children."""

import pytest

from tests.local_org.web import API, Web

pytestmark = pytest.mark.documented(
    'REST reference, "sObject Relationships", "Traverse Relationships with Friendly URLs"'
)
NOT_FOUND = (404, "NOT_FOUND", "The requested resource does not exist")


@pytest.fixture
def web():
    return Web()


@pytest.fixture
def account(web):
    return web.create("Account", Name="ACME")


@pytest.fixture
def contact(web, account):
    return f"/sobjects/Contact/{web.create('Contact', LastName='Doe', AccountId=account)}"


def test_a_parent_is_read_by_the_name_of_its_relationship(web, contact, account):
    """In any case, with all its fields or those that are asked for."""
    told = web.rest("GET", f"{contact}/account?fields=Name").json()
    assert told == {
        "attributes": {"type": "Account", "url": f"{API}/sobjects/Account/{account}"},
        "Id": account,
        "Name": "ACME",
    }
    assert web.rest("GET", f"{contact}/Account").json()["CreatedById"] == web.user_id


def test_parents_of_parents_are_read(web, contact):
    """One step for each relationship; an owner may be a user or a queue."""
    told = web.rest("GET", f"{contact}/Account/Owner/Profile?fields=Name").json()
    assert told["attributes"]["type"] == "Profile"
    assert told["Name"] == "System Administrator"


def test_children_are_read_as_a_query_gives_them(web, contact, account):
    """An object without children has none, and says so with 200."""
    children = f"/sobjects/Account/{account}"
    told = web.rest("GET", f"{children}/Contacts?fields=LastName").json()
    assert (told["totalSize"], told["done"]) == (1, True)
    assert told["records"][0]["LastName"] == "Doe"
    assert told["records"][0]["attributes"]["url"] == f"{API}{contact}"
    empty = {"totalSize": 0, "done": True, "records": []}
    assert web.rest("GET", f"{children}/Opportunities").json() == empty


def test_a_parent_is_changed_and_deleted_by_the_way_to_it(web, contact):
    """Nothing is answered, and the child stays."""
    assert web.rest("PATCH", f"{contact}/Account", json={"Name": "Globex"}).status_code == 204
    assert web.rest("GET", f"{contact}/Account").json()["Name"] == "Globex"
    owner = f"{contact}/Owner"
    assert web.rest("PATCH", owner, json={"Nope__c": 1}).json()[0]["errorCode"] == "INVALID_FIELD"
    lead = f"/sobjects/Task/{web.create('Task', WhoId=web.create(), Subject='Call')}"
    assert web.rest("DELETE", f"{lead}/Who").status_code == 204
    assert web.query("SELECT Id FROM Lead") == []


@pytest.mark.parametrize(
    "way",
    ["ReportsTo", "Nope", "Contacts/Account", "Account/Contacts/Owner", "/".join(["Owner"] * 6)],
)
def test_a_way_that_leads_nowhere_is_not_found(web, contact, way):
    """No parent, no such relationship, a step beyond children, or too many steps."""
    assert web.refusal("GET", f"{API}{contact}/{way}") == NOT_FOUND


def test_a_field_that_is_not_there_refuses_the_reader(web, contact):
    """As it does for a record by its id."""
    told = web.refusal("GET", f"{API}{contact}/Account?fields=Nope")
    assert told == (400, "INVALID_FIELD", "No such column 'Nope' on sobject of type Account")


def test_nobody_finds_a_way_to_what_he_may_not_read(web, contact):
    """Who may not see the record that the path begins with, sees nothing along it."""
    web.rest("DELETE", contact)
    assert web.refusal("GET", f"{API}{contact}/Account") == NOT_FOUND


def test_children_are_not_changed_together(web, contact, account):
    """They have ids of their own for that."""
    path = f"{API}/sobjects/Account/{account}/Contacts"
    assert web.refusal("DELETE", path)[:2] == (405, "METHOD_NOT_ALLOWED")
    assert web.rest("GET", contact).status_code == 200


def test_relationships_are_followed_from_version_36_on(web, contact):
    """Before it no path leads beyond a record."""
    for version, status in (("35.0", 404), ("36.0", 200)):
        path = f"/services/data/v{version}{contact}/Account"
        assert web.call("GET", path).status_code == status
