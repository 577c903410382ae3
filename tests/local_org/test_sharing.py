"""Whether somebody sees or changes a lead of another follows from the org's default for leads."""

from __future__ import annotations

import pytest

from local_org.errors import OrgError
from local_org.metadata.results import DeployOptions
from tests.local_org.caller import LEAD, Caller, only_error, said
from tests.metadata.deploying import manifest, xml
from tests.metadata.packing import zipped

pytestmark = pytest.mark.documented(
    "Salesforce Help: Organization-Wide Sharing Defaults, Role Hierarchy; Object Reference: "
    "Organization.DefaultLeadAccess"
)

REFUSED = ("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")


@pytest.fixture
def reps(org):
    return [Caller(org, f"rep{n}@local.test") for n in (1, 2)]


MODELS = {"None": "Private", "Read": "Read", "Edit": "ReadWrite"}


def share(org, level):
    """Set the default for leads by a deploy of the object."""
    content = f"<sharingModel>{MODELS[level]}</sharingModel>"
    files = {
        "package.xml": manifest(CustomObject="Lead"),
        "objects/Lead.object": xml("CustomObject", content),
    }
    result = org.deploy(Caller(org).session, zipped(files), DeployOptions())
    assert result.success, result.failures


def seen(caller):
    return {row["Id"] for row in caller.rows("SELECT Id FROM Lead")}


def queue(admin, *members):
    made = admin.create("Group", Name="In", Type="Queue")
    admin.create("QueueSobject", QueueId=made, SobjectType="Lead")
    for each in members:
        admin.create("GroupMember", GroupId=made, UserOrGroupId=each.id)
    return made


def test_a_private_lead_is_seen_by_its_owner_and_who_views_all(org, admin, reps):
    share(org, "None")
    lead = reps[0].create()

    assert [seen(who) for who in (admin, *reps)] == [{lead}, {lead}, set()]


def test_a_private_lead_is_absent_wherever_it_could_be_read(org, reps):
    share(org, "None")
    owner, other = reps
    lead = owner.create()
    task = owner.create("Task", Subject="Call", WhoId=lead)

    assert org.query(other.session, "SELECT COUNT() FROM Lead")["totalSize"] == 0
    assert other.rows("SELECT COUNT(Id) n FROM Lead")[0]["n"] == 0
    assert other.rows("SELECT Id FROM Task WHERE WhoId IN (SELECT Id FROM Lead)") == []
    assert [row["Id"] for row in other.rows("SELECT Id FROM Task")] == [task]
    assert org.retrieve(other.session, "Lead", [lead], ["Id"]) == [None]
    with pytest.raises(OrgError, match="NOT_FOUND: The requested resource does not exist"):
        org.get(other.session, "Lead", lead)


@pytest.mark.parametrize("level", ["None", "Read"])
def test_only_who_owns_a_lead_that_is_not_shared_for_writing_changes_it(org, admin, reps, level):
    owner, other = reps
    lead = owner.create()
    share(org, level)

    assert said(other.not_changed("Lead", lead, Company="x"))[:2] == REFUSED
    owner.change("Lead", lead, Company="x")
    admin.change("Lead", lead, Company="y")


def test_a_lead_that_is_shared_for_reading_is_seen_by_everybody(org, reps):
    share(org, "Read")
    lead = reps[0].create()

    assert seen(reps[1]) == {lead}
    assert reps[1].read("Lead", lead, "Company") == "ACME"


def test_leads_of_a_fresh_org_are_everybodys(reps):
    lead = reps[0].create()
    reps[1].change("Lead", lead, Company="x")

    assert seen(reps[1]) == {lead}


def test_a_record_points_only_at_leads_within_reach(org, reps):
    share(org, "None")
    owner, other = reps
    lead = owner.create()

    error = other.refused("Task", Subject="Call", WhoId=lead)
    assert said(error)[:2] == (
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "insufficient access rights on cross-reference id",
    )
    assert owner.create("Task", Subject="Call", WhoId=lead)


def test_members_of_a_queue_reach_its_leads(org, admin, reps):
    share(org, "None")
    member, other = reps
    lead = admin.create(**LEAD, OwnerId=queue(admin, member))

    assert [seen(who) for who in reps] == [{lead}, set()]
    member.change("Lead", lead, Company="x")
    assert said(other.not_changed("Lead", lead, Company="y"))[:2] == REFUSED


def test_who_stands_above_in_the_hierarchy_reaches_what_those_below_own(org, admin, reps):
    top = admin.create("UserRole", Name="Top")
    middle = admin.create("UserRole", Name="Middle", ParentRoleId=top)
    low = admin.create("UserRole", Name="Low", ParentRoleId=middle)
    for who, role in zip(reps, (top, low), strict=True):
        admin.change("User", who.id, UserRoleId=role)
    share(org, "None")
    above, below = reps[0].create(), reps[1].create()

    assert seen(reps[0]) == {above, below}
    assert seen(reps[1]) == {below}


def test_view_all_records_shows_private_leads_without_letting_them_change(org, admin, reps):
    share(org, "None")
    lead = admin.create()
    granted = admin.create("PermissionSet", Name="P", Label="P")
    flags = {f"Permissions{flag}": True for flag in ("Read", "Edit", "ViewAllRecords")}
    grant = admin.create("ObjectPermissions", ParentId=granted, SobjectType="Lead", **flags)
    admin.create("PermissionSetAssignment", AssigneeId=reps[0].id, PermissionSetId=granted)

    assert seen(reps[0]) == {lead}
    assert said(reps[0].not_changed("Lead", lead, Company="x"))[:2] == REFUSED
    admin.change("ObjectPermissions", grant, PermissionsModifyAllRecords=True)
    reps[0].change("Lead", lead, Company="x")


def test_a_change_of_the_default_holds_at_once(org, reps):
    lead = reps[0].create()
    for level, expected in (("None", set()), ("Read", {lead}), ("None", set())):
        share(org, level)
        assert seen(reps[1]) == expected


def test_who_may_delete_leads_deletes_and_restores_only_those_within_reach(org, admin, reps):
    granted = admin.create("PermissionSet", Name="P", Label="P")
    flags = {f"Permissions{flag}": True for flag in ("Read", "Edit", "Delete")}
    admin.create("ObjectPermissions", ParentId=granted, SobjectType="Lead", **flags)
    admin.create("PermissionSetAssignment", AssigneeId=reps[0].id, PermissionSetId=granted)
    mine, theirs = reps[0].create(), reps[1].create()
    share(org, "Read")

    assert said(only_error(org.delete(reps[0].session, [theirs])))[:2] == REFUSED
    reps[0].delete(mine)
    admin.delete(theirs)
    assert said(only_error(org.undelete(reps[0].session, [theirs])))[:2] == REFUSED
    assert org.undelete(reps[0].session, [mine])[0].success
