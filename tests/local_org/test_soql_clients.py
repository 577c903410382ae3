"""The queries that cci, sf and the sidecar send find what they look for in a fresh org."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from local_org.clock import Clock
from local_org.org import Org

pytestmark = pytest.mark.documented("facts/real-clients.md 5.4: queries as the clients send them")

START = datetime(2026, 11, 2, 10, tzinfo=UTC)


class Desk:
    """An org with a caller; rows are written and asked for as a client does."""

    def __init__(self):
        self.org = Org.open(clock=Clock(START, speed=0))
        token = self.org.login(self.user("admin@local.test")["Id"], "test")
        self.session = self.org.session(token, "rest/66.0")

    def user(self, username):
        """Return the row of a user that is there."""
        row = self.org.user(username)
        assert row is not None
        return row

    def insert(self, entity, *rows):
        """Create records; return their ids."""
        done = self.org.insert(self.session, [(entity, row) for row in rows], all_or_none=True)
        assert [result.errors for result in done] == [()] * len(rows)
        return [result.id for result in done]

    def ask(self, soql, **options):
        """Return the records of a query, without attributes."""
        answer = self.org.query(self.session, soql, **options)
        assert answer["totalSize"] == len(answer["records"])
        assert answer["done"]
        return [{k: v for k, v in r.items() if k != "attributes"} for r in answer["records"]]

    def columns(self, soql):
        """Return what ``&columns=true`` answers."""
        return self.org.query_columns(self.session, soql)


@pytest.fixture(scope="module")
def desk():
    made = Desk()
    yield made
    made.org.close()


@pytest.fixture(scope="module")
def lead(desk):
    row = {"LastName": "Robot2", "FirstName": "R", "Company": "Acme", "LeadSource": "Web"}
    (lead,) = desk.insert("Lead", row)
    return lead


@pytest.fixture(scope="module")
def task(desk, lead):
    (task,) = desk.insert("Task", {"WhoId": lead, "Subject": "Call", "Status": "Completed"})
    return task


@pytest.fixture(scope="module")
def permission_set(desk):
    (made,) = desk.insert("PermissionSet", {"Name": "Speed_to_Lead_Admin", "Label": "Admin"})
    return made


def user(desk, username="admin@local.test"):
    return desk.user(username)["Id"]


def test_sf_learns_about_the_org_from_exactly_one_record(desk):
    (found,) = desk.ask(
        "SELECT Name, InstanceName, IsSandbox, TrialExpirationDate, NamespacePrefix, "
        "OrganizationType FROM Organization"
    )
    assert found["OrganizationType"] == "Developer Edition"
    assert found["IsSandbox"] is False
    assert found["TrialExpirationDate"] is None


def test_cci_and_sf_find_a_user_by_name_in_any_spelling(desk):
    expected = [{"Id": user(desk)}]
    assert desk.ask("SELECT Id FROM User WHERE Username='admin@local.test'") == expected
    assert desk.ask("SELECT Id FROM User WHERE UserName = 'ADMIN@LOCAL.TEST'") == expected


def test_cci_asks_for_a_user_with_the_permission_sets_assigned(desk, permission_set):
    soql = (
        "SELECT Id,(SELECT PermissionSetId FROM PermissionSetAssignments) FROM User "
        "WHERE Username = 'rep1@local.test'"
    )
    rep = user(desk, "rep1@local.test")
    (before,) = desk.ask(soql)
    desk.insert("PermissionSetAssignment", {"AssigneeId": rep, "PermissionSetId": permission_set})
    (after,) = desk.ask(soql)

    listed = [row["PermissionSetId"] for row in after["PermissionSetAssignments"]["records"]]
    assert permission_set in listed
    assert after["PermissionSetAssignments"]["done"] is True
    assert before["Id"] == rep
    known = before["PermissionSetAssignments"] or {"records": []}
    assert len(listed) == len(known["records"]) + 1


def test_permission_sets_are_found_by_name(desk, permission_set):
    assert desk.ask("SELECT Id,Name FROM PermissionSet WHERE Name IN ('Speed_to_Lead_Admin')") == [
        {"Id": permission_set, "Name": "Speed_to_Lead_Admin"}
    ]
    found = desk.ask("SELECT Id FROM PermissionSet WHERE Name='Speed_to_Lead_Admin'")
    assert found == [{"Id": permission_set}]


def test_cci_extracts_deletes_and_views_leads(desk, lead):
    assert desk.ask("SELECT Id FROM Lead") == [{"Id": lead}]
    assert desk.ask("SELECT Id FROM Lead ORDER BY CreatedDate DESC LIMIT 1000 FOR VIEW") == [
        {"Id": lead}
    ]
    assert desk.ask("SELECT Id, FirstName, LastName, Company, Status FROM Lead") == [
        {
            "Id": lead,
            "FirstName": "R",
            "LastName": "Robot2",
            "Company": "Acme",
            "Status": "Open - Not Contacted",
        }
    ]
    assert desk.ask("SELECT Id,LastName FROM Lead WHERE LastName = 'Robot2'") == [
        {"Id": lead, "LastName": "Robot2"}
    ]


def test_sf_asks_for_the_columns_of_a_query_it_has_just_sent(desk, lead):
    assert desk.columns("SELECT Id, LastName FROM Lead") == [
        {"columnName": name, "displayName": name, "joinColumns": [], "aggregate": False}
        for name in ("Id", "LastName")
    ]


def test_the_sidecar_finds_the_queues_and_users_that_a_policy_names(desk):
    (queue,) = desk.insert("Group", {"Type": "Queue", "DeveloperName": "Hot", "Name": "Hot"})
    desk.insert("Group", {"Type": "Regular", "DeveloperName": "Cold", "Name": "Cold"})
    assert desk.ask(
        "SELECT Id, DeveloperName FROM Group WHERE Type='Queue' AND DeveloperName IN ('Hot','Cold')"
    ) == [{"Id": queue, "DeveloperName": "Hot"}]
    rep = user(desk, "rep1@local.test")
    assert desk.ask(
        f"SELECT Id, UserType, IsActive, Username, Email FROM User WHERE Id IN ('{rep}')"
    ) == [
        {
            "Id": rep,
            "UserType": "Standard",
            "IsActive": True,
            "Username": "rep1@local.test",
            "Email": desk.user("rep1@local.test")["Email"],
        }
    ]


def test_the_sidecar_polls_leads_by_the_time_of_their_last_change(desk, lead):
    soql = "SELECT Id FROM Lead WHERE SystemModstamp >= {} ORDER BY SystemModstamp, Id"
    assert desk.ask(soql.format("2026-11-02T10:00:00Z")) == [{"Id": lead}]
    assert desk.ask(soql.format("2026-11-02T10:00:01Z")) == []
    assert desk.ask(soql.format("2026-11-02T11:00:00+01:00")) == [{"Id": lead}]


def test_the_sidecar_follows_mail_to_a_lead_by_relation_and_by_activity(desk, lead, task):
    row = {"Subject": "Hello", "Status": "3", "Incoming": False, "ActivityId": task}
    (mail,) = desk.insert("EmailMessage", row)
    relation = {"EmailMessageId": mail, "RelationId": lead, "RelationType": "ToAddress"}
    desk.insert("EmailMessageRelation", relation)
    assert desk.ask(
        "SELECT EmailMessageId, RelationId, RelationType FROM EmailMessageRelation "
        f"WHERE EmailMessageId IN ('{mail}') AND RelationObjectType = 'Lead'"
    ) == [relation]
    soql = f"SELECT Id, ActivityId FROM EmailMessage WHERE ActivityId IN ('{task[:15]}')"
    assert desk.ask(soql) == [{"Id": mail, "ActivityId": task}]


def test_tasks_are_found_by_their_lead(desk, lead, task):
    soql = f"SELECT Id, Who.Type, Owner.Name FROM Task WHERE WhoId = '{lead}' AND IsClosed = true"
    (found,) = [row for row in desk.ask(soql) if row["Id"] == task]
    assert found["Who"]["Type"] == "Lead"


def test_leads_are_counted_as_a_total_or_by_group(desk, lead):
    total = desk.org.query(desk.session, "SELECT COUNT() FROM Lead")
    assert (total["totalSize"], total["records"]) == (1, [])
    assert desk.ask("SELECT LeadSource, COUNT(Id) n FROM Lead GROUP BY LeadSource") == [
        {"LeadSource": "Web", "n": 1}
    ]


def test_what_has_been_deleted_is_found_by_query_all_only(desk):
    (gone,) = desk.insert("Lead", {"LastName": "Gone", "Company": "Acme"})
    desk.org.delete(desk.session, [gone])
    soql = f"SELECT Id FROM Lead WHERE Id = '{gone}'"
    assert desk.ask(soql) == []
    assert desk.ask(soql, all_rows=True) == [{"Id": gone}]
