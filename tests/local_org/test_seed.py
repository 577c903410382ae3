"""A fresh org has what its clients expect to find: people, profiles, statuses, one organization."""

from __future__ import annotations

import pytest

from tests.local_org.caller import Caller, new_org

pytestmark = pytest.mark.documented(
    "facts/real-clients.md 5.4; org-behaviour.md 10; Object Reference"
)

PEOPLE = ["admin", "sidecar", *(f"rep{number}" for number in range(1, 7))]


@pytest.fixture(scope="module")
def org():
    org = new_org()
    yield org
    org.close()


@pytest.fixture
def admin(org):
    return Caller(org)


@pytest.mark.recorded("the query that sf sends at login: exactly one record")
def test_there_is_one_organization_of_a_developer(org, admin):
    soql = (
        "SELECT Id, Name, InstanceName, IsSandbox, TrialExpirationDate, NamespacePrefix, "
        "OrganizationType FROM Organization"
    )
    [row] = admin.rows(soql)

    assert row["Id"] == org.org_id
    assert len(org.org_id) == 18
    assert org.org_id.startswith("00D")
    assert row["OrganizationType"] == "Developer Edition"
    assert (row["IsSandbox"], row["TrialExpirationDate"], row["NamespacePrefix"]) == (
        False,
        None,
        None,
    )


@pytest.mark.parametrize("name", PEOPLE)
def test_everybody_can_log_in(org, name):
    user = org.user(f"{name}@local.test")

    assert user["IsActive"]
    assert user["UserType"] == "Standard"
    assert user["Alias"] == name
    assert Caller(org, f"{name}@local.test").id == user["Id"]


@pytest.mark.parametrize(
    ("username", "profile"),
    [
        ("admin@local.test", "System Administrator"),
        ("sidecar@local.test", "Minimum Access - API Only Integrations"),
        ("rep1@local.test", "Standard User"),
    ],
)
def test_each_has_the_profile_of_the_role(admin, username, profile):
    [row] = admin.rows(f"SELECT Profile.Name FROM User WHERE Username = '{username}'")

    assert row["Profile"]["Name"] == profile


def test_an_automated_process_user_cannot_log_in(org, admin):
    [row] = admin.rows("SELECT Id, Username FROM User WHERE UserType = 'AutomatedProcess'")

    token = org.login(row["Id"], "x")
    with pytest.raises(Exception, match="API_DISABLED_FOR_ORG"):
        org.session(token)


def test_the_sidecars_user_may_use_the_api_and_nothing_else(org):
    access = org.access(Caller(org, "sidecar@local.test").session)

    assert access.permissions == {"ApiEnabled"}
    for name in ("Lead", "Contact", "Task", "EmailMessage", "Event"):
        assert not access.readable(name)


@pytest.mark.parametrize("entity", ["Lead", "Contact", "Account", "Task", "Event", "EmailMessage"])
def test_a_representative_reads_creates_and_edits_but_does_not_see_all(org, entity):
    access = org.access(Caller(org, "rep1@local.test").session)

    assert access.readable(entity)
    assert access.createable(entity)
    assert access.editable(entity)
    assert not access.view_all(entity)


def test_the_administrator_does_everything_to_every_standard_object_and_field(org, admin):
    access = org.access(admin.session)

    assert {"ModifyAllData", "ModifyMetadata", "ViewAllData", "ManageUsers"} <= access.permissions
    for sobject in org.schema:
        assert access.readable(sobject.name)
        assert access.createable(sobject.name)
        assert all(access.field_readable(sobject.name, name) for name in sobject.fields)


def test_the_statuses_tell_which_of_them_ends_the_work(admin):
    [closed] = admin.rows("SELECT ApiName FROM TaskStatus WHERE IsClosed = true")
    [converted] = admin.rows("SELECT ApiName FROM LeadStatus WHERE IsConverted = true")
    [default] = admin.rows("SELECT MasterLabel FROM LeadStatus WHERE IsDefault = true")
    [high] = admin.rows("SELECT ApiName FROM TaskPriority WHERE IsHighPriority = true")

    assert closed["ApiName"] == "Completed"
    assert converted["ApiName"] == "Closed - Converted"
    assert default["MasterLabel"] == "Open - Not Contacted"
    assert high["ApiName"] == "High"


def test_the_default_business_hours_are_always(admin):
    [row] = admin.rows(
        "SELECT IsActive, MondayStartTime, SundayEndTime FROM BusinessHours WHERE IsDefault = true"
    )

    assert row["IsActive"]
    assert row["MondayStartTime"] == row["SundayEndTime"] == "00:00:00.000Z"


def test_the_permission_sets_of_profiles_are_told_from_the_others(admin):
    owned = admin.rows("SELECT Profile.Name FROM PermissionSet WHERE IsOwnedByProfile = true")

    assert len(owned) == 3
    assert admin.rows("SELECT Id FROM PermissionSet WHERE IsOwnedByProfile = false") == []
