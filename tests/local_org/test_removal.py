"""What is in use stays: a destructive deploy is refused until nobody holds what it deletes."""

from __future__ import annotations

import pytest

from tests.metadata.deploying import Admin, manifest, xml

pytestmark = pytest.mark.documented(
    "Salesforce Help 000386289: permission sets cannot be deleted if assigned to users"
)
GRANT = "<label>Some</label><userPermissions><enabled>true</enabled><name>ApiEnabled</name></userPermissions>"
FILES = {
    "package.xml": manifest(PermissionSet="Some", PermissionSetGroup="Quiet"),
    "permissionsets/Some.permissionset": xml("PermissionSet", GRANT),
    "permissionsetgroups/Quiet.permissionsetgroup": xml(
        "PermissionSetGroup", "<label>Quiet</label><permissionSets>Some</permissionSets>"
    ),
}


@pytest.fixture
def admin():
    admin = Admin()
    result = admin.deploy(FILES)
    assert result.success, result.failures
    return admin


def destroy(**types):
    return {"package.xml": manifest(), "destructiveChanges.xml": manifest(**types)}


def hold(admin, entity, name, lookup):
    """Assign a set or a group to a representative and return the assignment's id."""
    [found] = admin.rows(f"SELECT Id FROM {entity} WHERE {name}")
    user = admin.org.user("rep1@local.test")["Id"]
    values = {lookup: found["Id"], "AssigneeId": user}
    [result] = admin.org.insert(admin.session, [("PermissionSetAssignment", values)])
    assert result.success, result.errors
    return result.id


def test_a_permission_set_goes_only_when_nobody_has_it(admin):
    """Refused as long as it is assigned, and its holder keeps it; afterwards it goes."""
    held = hold(admin, "PermissionSet", "Name = 'Some'", "PermissionSetId")
    both = destroy(PermissionSet="Some", PermissionSetGroup="Quiet")
    failure = admin.refusal(both)
    assert failure.problem == "The permission set Some is assigned to users"
    assert admin.rows(f"SELECT Id FROM PermissionSetAssignment WHERE Id = '{held}'")
    admin.org.delete(admin.session, [held])
    result = admin.deploy(both)
    assert result.success, result.failures
    assert admin.rows("SELECT Id FROM PermissionSet WHERE Name = 'Some'") == []


@pytest.mark.inferred("settled by: a destructive deploy that names a permission set in a group")
def test_a_permission_set_that_a_group_holds_stays(admin):
    failure = admin.refusal(destroy(PermissionSet="Some"))
    assert failure.problem == "The permission set Some is in a permission set group"
    assert admin.deploy(destroy(PermissionSet="Some", PermissionSetGroup="Quiet")).success


@pytest.mark.inferred("settled by: a destructive deploy of a permission set group that a user has")
def test_a_group_goes_only_when_nobody_has_it(admin):
    held = hold(admin, "PermissionSetGroup", "DeveloperName = 'Quiet'", "PermissionSetGroupId")
    failure = admin.refusal(destroy(PermissionSetGroup="Quiet"))
    assert failure.problem == "The permission set group Quiet is assigned to users"
    admin.org.delete(admin.session, [held])
    assert admin.deploy(destroy(PermissionSetGroup="Quiet")).success


FIELD = "<fields><fullName>Own__c</fullName><label>Own</label><length>9</length><type>Text</type></fields>"
MAP = """<allowOwnerChange>true</allowOwnerChange><objectMapping><inputObject>Lead</inputObject>
{}<outputObject>Contact</outputObject></objectMapping>
<opportunityCreationOptions>VisibleOptional</opportunityCreationOptions>"""
MAPPED = "<mappingFields><inputField>Own__c</inputField><outputField>Own__c</outputField></mappingFields>"


def settings(mapping):
    return {
        "package.xml": manifest(LeadConvertSettings="LeadConvertSettings"),
        "LeadConvertSettings/LeadConvertSettings.LeadConvertSetting": xml(
            "LeadConvertSettings", MAP.format(mapping)
        ),
    }


@pytest.mark.documented(
    "Salesforce Help, Guidelines for Mapping Custom Lead Fields: to delete a field, first remove its mapping"
)
@pytest.mark.parametrize("field", ["Lead.Own__c", "Contact.Own__c"])
def test_a_field_that_lead_conversion_maps_goes_only_when_its_mapping_has_gone(admin, field):
    fields = {
        "package.xml": manifest(CustomField=["Lead.Own__c", "Contact.Own__c"]),
        "objects/Lead.object": xml("CustomObject", FIELD),
        "objects/Contact.object": xml("CustomObject", FIELD),
    }
    assert admin.deploy(fields).success
    assert admin.deploy(settings(MAPPED)).success
    failure = admin.refusal(destroy(CustomField=field))
    assert failure.problem == (
        f"Cannot delete field: {field} is included in Lead Custom Field Mapping"
    )
    assert admin.deploy(settings("")).success
    assert admin.deploy(destroy(CustomField=field)).success
