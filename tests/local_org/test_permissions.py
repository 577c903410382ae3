"""What a user may see and do follows from profile, sets and groups, at once and no longer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from local_org.errors import OrgError
from local_org.metadata.results import DeployOptions
from tests.local_org.caller import LEAD, Caller, custom, extend, new_org, only_error, rule
from tests.metadata.deploying import manifest, xml
from tests.metadata.packing import zipped

pytestmark = pytest.mark.documented(
    "Object Reference: PermissionSet, FieldPermissions; facts/metadata.md 3; org-behaviour.md 3"
)

SIDECAR = "sidecar@local.test"
REP = "rep1@local.test"


@pytest.fixture
def org():
    org = new_org()
    extend(org, fields=[custom("Secret__c", length=9, permissionable=True)])
    yield org
    org.close()


@pytest.fixture
def admin(org):
    return Caller(org)


@pytest.fixture
def sidecar(org):
    return Caller(org, SIDECAR)


def permission_set(admin, **permissions):
    return admin.create("PermissionSet", Name="P", Label="P", **permissions)


def grant_object(admin, parent, entity="Lead", *flags):
    values = {f"Permissions{flag}": True for flag in ("Read", *flags)}
    admin.create("ObjectPermissions", ParentId=parent, SobjectType=entity, **values)


def grant_field(admin, parent, field, *, edit=False):
    values = {"PermissionsRead": True, "PermissionsEdit": edit}
    entity = field.partition(".")[0]
    return admin.create(
        "FieldPermissions", ParentId=parent, SobjectType=entity, Field=field, **values
    )


def assign(admin, parent, user_id, **values):
    key = "PermissionSetGroupId" if parent.startswith("0PG") else "PermissionSetId"
    return admin.create("PermissionSetAssignment", AssigneeId=user_id, **{key: parent}, **values)


def access(caller):
    return caller.org.access(caller.session)


# -- objects --------------------------------------------------------------------------------------


def test_an_object_without_grant_does_not_exist(sidecar):
    assert sidecar.refused(**LEAD).code == "INVALID_TYPE"
    with pytest.raises(OrgError, match="NOT_FOUND"):
        sidecar.org.describe(sidecar.session, "Lead", "66.0")
    with pytest.raises(OrgError, match="INVALID_TYPE"):
        sidecar.rows("SELECT Id FROM Lead")


def test_a_grant_holds_from_its_assignment_on(admin, sidecar):
    lead = admin.create()
    granted = permission_set(admin)
    grant_object(admin, granted, "Lead", "Edit")
    assert not access(sidecar).readable("Lead")

    assign(admin, granted, sidecar.id)
    sidecar.change("Lead", lead, Company="New")
    assert sidecar.refused(**LEAD).code == "INSUFFICIENT_ACCESS_OR_READONLY"
    error = only_error(sidecar.org.delete(sidecar.session, [lead]))
    assert (error.code, error.status) == ("INSUFFICIENT_ACCESS_OR_READONLY", 403)


def test_a_grant_ends_with_its_assignment(admin, sidecar):
    granted = permission_set(admin)
    grant_object(admin, granted)
    assignment = assign(admin, granted, sidecar.id)
    assert access(sidecar).readable("Lead")

    admin.delete(assignment)
    assert not access(sidecar).readable("Lead")


def test_a_grant_ends_at_the_expiry_of_its_assignment(org, admin, sidecar):
    granted = permission_set(admin)
    grant_object(admin, granted)
    assign(admin, granted, sidecar.id, ExpirationDate="2026-11-02T11:00:00Z")
    assert access(sidecar).readable("Lead")

    org.clock.advance(timedelta(hours=1))
    assert not access(sidecar).readable("Lead")


def test_a_group_grants_what_its_members_grant(admin, sidecar):
    granted = permission_set(admin)
    grant_object(admin, granted)
    group = admin.create("PermissionSetGroup", DeveloperName="G", MasterLabel="G")
    assign(admin, group, sidecar.id)
    assert not access(sidecar).readable("Lead")

    admin.create("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=granted)
    assert access(sidecar).readable("Lead")


def muted_group(admin, granted, muting):
    group = admin.create("PermissionSetGroup", DeveloperName="G", MasterLabel="G")
    for each in (granted, muting):
        values = {"PermissionSetGroupId": group, "PermissionSetId": each}
        admin.create("PermissionSetGroupComponent", **values)
    return group


def mute(org, muting, entity, **values):
    """Have a muting set hold a grant, as its deploy does."""
    row = {"Id": org.store.next_id("110"), "ParentId": muting, "SobjectType": "Lead", **values}
    org.store.insert_row(entity, row)


def test_a_group_is_without_what_its_muting_set_mutes(org, admin, sidecar):
    granted = permission_set(admin, PermissionsEditTask=True, PermissionsEditEvent=True)
    grant_object(admin, granted, "Lead", "Edit", "Delete")
    for name in ("Phone", "Email", "Title"):
        grant_field(admin, granted, f"Lead.{name}", edit=True)
    values = {"DeveloperName": "M", "MasterLabel": "M", "PermissionsEditTask": True}
    muting = admin.create("MutingPermissionSet", **values)
    mute(org, muting, "ObjectPermissions", PermissionsDelete=1)
    mute(org, muting, "FieldPermissions", Field="Lead.Phone", PermissionsEdit=1)
    mute(org, muting, "FieldPermissions", Field="Lead.Email", PermissionsRead=1)
    assign(admin, muted_group(admin, granted, muting), sidecar.id)

    may = access(sidecar)
    assert {"EditEvent", "EditTask"} & may.permissions == {"EditEvent"}
    assert (may.editable("Lead"), may.deletable("Lead")) == (True, False)
    reads = [may.field_readable("Lead", name) for name in ("Title", "Phone", "Email")]
    edits = [may.field_editable("Lead", name) for name in ("Title", "Phone", "Email")]
    assert (reads, edits) == ([True, True, False], [True, False, False])


def test_what_a_group_mutes_another_set_may_still_grant(admin, sidecar):
    granted = permission_set(admin, PermissionsEditTask=True)
    values = {"DeveloperName": "M", "MasterLabel": "M", "PermissionsEditTask": True}
    muting = admin.create("MutingPermissionSet", **values)
    assign(admin, muted_group(admin, granted, muting), sidecar.id)
    assert "EditTask" not in access(sidecar).permissions

    assign(admin, granted, sidecar.id)
    assert "EditTask" in access(sidecar).permissions


def test_a_change_of_what_is_muted_holds_at_once(admin, sidecar):
    granted = permission_set(admin, PermissionsEditTask=True)
    muting = admin.create("MutingPermissionSet", DeveloperName="M", MasterLabel="M")
    assign(admin, muted_group(admin, granted, muting), sidecar.id)
    assert "EditTask" in access(sidecar).permissions

    admin.change("MutingPermissionSet", muting, PermissionsEditTask=True)
    assert "EditTask" not in access(sidecar).permissions


MUTE = """<label>Mute</label><userPermissions><enabled>true</enabled><name>EditTask</name>
</userPermissions><objectPermissions><allowCreate>false</allowCreate><allowDelete>true</allowDelete>
<allowEdit>true</allowEdit><allowRead>true</allowRead><modifyAllRecords>false</modifyAllRecords>
<object>Lead</object><viewAllRecords>false</viewAllRecords></objectPermissions>"""
GROUP = """<label>Group</label><mutingPermissionSets>Mute</mutingPermissionSets>
<permissionSets>P</permissionSets><status>Updated</status>"""


@pytest.mark.documented("Metadata API Developer Guide: MutingPermissionSet, PermissionSetGroup")
def test_a_deployed_muting_set_mutes_until_it_is_deleted(org, admin, sidecar):
    granted = permission_set(admin, PermissionsEditTask=True)
    grant_object(admin, granted, "Lead", "Edit", "Delete")
    files = {
        "package.xml": manifest(MutingPermissionSet="Mute", PermissionSetGroup="Group"),
        "mutingpermissionsets/Mute.mutingpermissionset": xml("MutingPermissionSet", MUTE),
        "permissionsetgroups/Group.permissionsetgroup": xml("PermissionSetGroup", GROUP),
    }
    result = org.deploy(admin.session, zipped(files), DeployOptions())
    assert result.success, result.failures
    [group] = admin.rows("SELECT Id FROM PermissionSetGroup")
    assign(admin, group["Id"], sidecar.id)
    assert "EditTask" not in access(sidecar).permissions
    assert not access(sidecar).readable("Lead")

    gone = manifest(MutingPermissionSet="Mute")
    files = {"package.xml": manifest(), "destructiveChanges.xml": gone}
    result = org.deploy(admin.session, zipped(files), DeployOptions())
    assert result.success, result.failures
    assert "EditTask" in access(sidecar).permissions
    assert access(sidecar).deletable("Lead")


def test_a_group_that_needs_an_activated_session_grants_nothing(admin, sidecar):
    granted = permission_set(admin, PermissionsEditTask=True)
    values = {"DeveloperName": "G", "MasterLabel": "G", "HasActivationRequired": True}
    group = admin.create("PermissionSetGroup", **values)
    admin.create("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=granted)
    assign(admin, group, sidecar.id)

    assert "EditTask" not in access(sidecar).permissions


def test_a_permission_set_that_needs_an_activated_session_grants_nothing(admin, sidecar):
    granted = permission_set(admin, HasActivationRequired=True)
    grant_object(admin, granted)
    assign(admin, granted, sidecar.id)

    assert not access(sidecar).readable("Lead")


def test_view_all_data_opens_every_object_for_reading_only(admin, sidecar):
    assign(admin, permission_set(admin, PermissionsViewAllData=True), sidecar.id)
    may = access(sidecar)

    assert all(may.readable(name) and may.view_all(name) for name in ("Lead", "Task", "Event"))
    assert not any(may.editable(name) or may.createable(name) for name in ("Lead", "Task"))


def test_view_all_records_opens_one_object(admin, sidecar):
    granted = permission_set(admin)
    grant_object(admin, granted, "Lead", "ViewAllRecords")
    assign(admin, granted, sidecar.id)

    assert access(sidecar).view_all("Lead")
    assert not access(sidecar).view_all("Contact")


@pytest.mark.parametrize(
    ("entity", "permission"),
    [("Task", "EditTask"), ("EmailMessage", "EditTask"), ("Event", "EditEvent")],
)
def test_activities_follow_a_system_permission(admin, sidecar, entity, permission):
    assert not access(sidecar).readable(entity)
    granted = permission_set(admin, **{f"Permissions{permission}": True})
    assign(admin, granted, sidecar.id)

    assert access(sidecar).readable(entity)
    assert access(sidecar).createable(entity)


def test_everybody_reads_users_and_only_managers_write_them(org, sidecar):
    rep = Caller(org, REP)

    assert sidecar.rows("SELECT Username FROM User")
    error = rep.not_changed("User", sidecar.id, Title="x")
    assert error.code == "INSUFFICIENT_ACCESS_OR_READONLY"


def test_permission_sets_are_read_by_those_who_see_the_setup(org, sidecar):
    with pytest.raises(OrgError, match="INVALID_TYPE"):
        sidecar.rows("SELECT Id FROM PermissionSetAssignment")
    assert Caller(org, REP).rows("SELECT Id FROM PermissionSet")


# -- fields ---------------------------------------------------------------------------------------


def test_nobody_sees_a_new_custom_field_until_it_is_granted(org, admin):
    lead = admin.create()
    assert "Secret__c" not in org.get(admin.session, "Lead", lead)
    assert admin.not_changed("Lead", lead, Secret__c="x").message == (
        "No such column 'Secret__c' on sobject of type Lead"
    )
    with pytest.raises(OrgError, match="INVALID_FIELD"):
        admin.read("Lead", lead, "Secret__c")

    granted = permission_set(admin)
    grant_field(admin, granted, "Lead.Secret__c", edit=True)
    assign(admin, granted, admin.id)
    admin.change("Lead", lead, Secret__c="x")
    assert admin.read("Lead", lead, "Secret__c") == "x"


def test_a_field_that_may_only_be_seen_is_locked(org, admin):
    granted = permission_set(admin)
    grant_field(admin, granted, "Lead.Secret__c")
    assign(admin, granted, admin.id)
    error = admin.refused(**LEAD, Secret__c="x")

    assert (error.code, error.fields) == ("INVALID_FIELD_FOR_INSERT_UPDATE", ("Secret__c",))
    assert "check the security settings of this field" in error.message


def test_the_widest_of_several_grants_counts(org, admin):
    for edit in (True, False):
        granted = admin.create("PermissionSet", Name=f"P{edit}", Label="P")
        grant_field(admin, granted, "Lead.Secret__c", edit=edit)
        assign(admin, granted, admin.id)

    assert access(admin).field_editable("Lead", "Secret__c")


def test_a_grant_that_is_changed_or_deleted_holds_at_once(admin):
    granted = permission_set(admin)
    grant = grant_field(admin, granted, "Lead.Secret__c", edit=True)
    assign(admin, granted, admin.id)
    admin.change("FieldPermissions", grant, PermissionsEdit=False)
    assert not access(admin).field_editable("Lead", "Secret__c")

    admin.delete(grant)
    assert not access(admin).field_readable("Lead", "Secret__c")


def test_the_whole_address_guards_its_parts(admin, sidecar):
    granted = permission_set(admin)
    grant_object(admin, granted)
    assign(admin, granted, sidecar.id)
    assert not access(sidecar).field_readable("Lead", "Country")

    grant_field(admin, granted, "Lead.Address")
    assert access(sidecar).field_readable("Lead", "Country")
    assert access(sidecar).field_readable("Lead", "Address")


def test_required_and_audit_fields_are_under_no_security(admin, sidecar):
    granted = permission_set(admin)
    grant_object(admin, granted)
    assign(admin, granted, sidecar.id)

    for name in ("LastName", "Company", "Status", "OwnerId", "CreatedDate"):
        assert access(sidecar).field_readable("Lead", name)


def test_view_all_fields_shows_every_field_of_its_object(admin, sidecar):
    granted = permission_set(admin)
    grant_object(admin, granted, "Lead", "ViewAllFields")
    assign(admin, granted, sidecar.id)

    assert access(sidecar).field_readable("Lead", "Secret__c")
    assert not access(sidecar).field_editable("Lead", "Secret__c")


# -- permissions ----------------------------------------------------------------------------------


def test_a_custom_permission_is_granted_by_setup_entity_access(admin, sidecar):
    permission = admin.create("CustomPermission", DeveloperName="Override", MasterLabel="O")
    granted = permission_set(admin)
    admin.create("SetupEntityAccess", ParentId=granted, SetupEntityId=permission)
    assign(admin, granted, sidecar.id)

    assert access(sidecar).custom_permissions == {"Override"}
    assert access(admin).custom_permissions == frozenset()


def test_a_rule_asks_for_a_custom_permission_of_whoever_writes(org, admin):
    extend(org, rules=[rule("NOT($Permission.Override)")])
    rep = Caller(org, REP)
    custom_permission = admin.org.store.next_id("0CP")
    row = {"Id": custom_permission, "DeveloperName": "Override", "MasterLabel": "Override"}
    org.store.insert_row("CustomPermission", row)
    assert only_error(org.insert(rep.session, [("Lead", LEAD)])).message == "No."

    granted = permission_set(admin)
    admin.create("SetupEntityAccess", ParentId=granted, SetupEntityId=custom_permission)
    assign(admin, granted, rep.id)
    assert rep.create()


def test_a_permission_undone_with_its_transaction_never_holds(org, admin, sidecar):
    granted = permission_set(admin)
    grant_object(admin, granted)

    def undone():
        with org.unit(admin.session):
            assign(admin, granted, sidecar.id)
            assert access(sidecar).readable("Lead")
            raise TimeoutError

    with pytest.raises(TimeoutError):
        undone()
    assert not access(sidecar).readable("Lead")


def test_another_profile_is_another_set_of_permissions(org, admin, sidecar):
    assert "EditTask" not in access(sidecar).permissions
    [profile] = admin.rows("SELECT Id FROM Profile WHERE Name = 'Standard User'")
    admin.change("User", sidecar.id, ProfileId=profile["Id"])

    assert "EditTask" in access(sidecar).permissions


def test_who_may_not_create_sees_it_in_the_describe(org, admin, sidecar):
    granted = permission_set(admin)
    grant_object(admin, granted)
    grant_field(admin, granted, "Lead.Secret__c")
    assign(admin, granted, sidecar.id)
    told = org.describe(sidecar.session, "Lead", "66.0")
    secret = next(field for field in told["fields"] if field["name"] == "Secret__c")

    assert (told["createable"], told["updateable"], told["deletable"]) == (False, False, False)
    assert (secret["createable"], secret["updateable"]) == (False, False)
