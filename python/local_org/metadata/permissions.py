"""Permission sets, profiles, custom permissions and permission set groups as rows of the org.

The rows are what ``records.access`` reads, so a grant takes effect with the deploy.
Source of the refusals: facts/metadata.md 2.3 and 4; real-clients.md 5.9.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import etree

from local_org.metadata.markup import Problem, child, children, first_or_self, flag, text, texts
from local_org.metadata.package import Component
from local_org.metadata.work import Work, at_most, require
from local_org.schema.model import Field

PROFILE_NAMES = {"Admin": "System Administrator", "Standard": "Standard User"}
"""Profiles whose name in metadata is not that of their record."""
_LICENSE = "Salesforce"
"""The licence of a profile whose file names none."""
OBJECT_FLAGS = {
    "allowCreate": "PermissionsCreate",
    "allowRead": "PermissionsRead",
    "allowEdit": "PermissionsEdit",
    "allowDelete": "PermissionsDelete",
    "viewAllRecords": "PermissionsViewAllRecords",
    "modifyAllRecords": "PermissionsModifyAllRecords",
    "viewAllFields": "PermissionsViewAllFields",
}
_ACTIVITIES = {"Task": "Event", "Event": "Task"}
_NEEDS = {
    "allowCreate": ("allowRead",),
    "allowEdit": ("allowRead",),
    "allowDelete": ("allowRead", "allowEdit"),
    "viewAllRecords": ("allowRead",),
    "modifyAllRecords": ("allowRead", "allowEdit", "allowDelete", "viewAllRecords"),
}
_WORDS = {
    "allowCreate": "Create",
    "allowRead": "Read",
    "allowEdit": "Edit",
    "allowDelete": "Delete",
    "viewAllRecords": "View All",
    "modifyAllRecords": "Modify All",
}


def custom_permission(work: Work, component: Component) -> str:
    """Make the custom permission a row that formulas and permission sets can name."""
    at_most(child(component.element, "description"), 255, "Description")
    return work.put(
        "CustomPermission",
        {"DeveloperName": component.full_name},
        {
            "MasterLabel": text(component.element, "label"),
            "Description": text(component.element, "description") or None,
            "IsLicensed": int(flag(component.element, "isLicensed")),
            "Language": "en_US",
        },
    )


def permission_set(work: Work, component: Component) -> str:
    """Make the permission set exactly what its file says: grants it does not name are gone."""
    element = component.element
    at_most(child(element, "label"), 80, "Label")
    at_most(child(element, "description"), 255, "Description")
    _check(work, element, strict=True)
    parent = work.put(
        "PermissionSet",
        {"Name": component.full_name, "IsOwnedByProfile": 0},
        {
            "Label": text(element, "label"),
            "Description": text(element, "description") or None,
            "HasActivationRequired": int(flag(element, "hasActivationRequired")),
            "IsCustom": 1,
            "Type": "Regular",
            **_all_user_permissions(work, element),
        },
    )
    _grant_anew(work, element, parent)
    return parent


def muting_permission_set(work: Work, component: Component) -> str:
    """Make what a group is to be without a row, with rows of grants that say what is muted."""
    element = component.element
    at_most(child(element, "label"), 80, "Label")
    _check(work, element, strict=True)
    parent = work.put(
        "MutingPermissionSet",
        {"DeveloperName": component.full_name},
        {
            "MasterLabel": text(element, "label"),
            "Description": text(element, "description") or None,
            "Language": "en_US",
            **_all_user_permissions(work, element),
        },
    )
    _grant_anew(work, element, parent)
    return parent


def _all_user_permissions(work: Work, element: etree._Element) -> dict[str, int]:
    """Return every column of a system permission: on if the file enables it, else off."""
    return dict.fromkeys(_user_permission_columns(work), 0) | _user_permissions(element)


def profile(work: Work, component: Component) -> str:
    """Merge a profile's file into the profile's own permission set: what it does not name stays.

    A profile that is not there is made, with nothing but what its file grants.
    """
    element = component.element
    _check(work, element, strict=False)
    row = profile_row(work, component.full_name)
    profile_id = row["Id"] if row else _new_profile(work, component)
    key = {"ProfileId": profile_id}
    own = {} if row else {"Name": f"X{profile_id}", "Label": f"X{profile_id}", "Type": "Profile"}
    owner = {} if row else {"IsOwnedByProfile": 1}
    owned = work.put("PermissionSet", key, own | owner | _user_permissions(element))
    _grant(work, element, owned)
    return str(profile_id)


def profile_row(work: Work, full_name: str) -> dict[str, Any] | None:
    """Return the row of a profile by its name in metadata, or None."""
    return work.find("Profile", {"Name": PROFILE_NAMES.get(full_name, full_name)})


def _new_profile(work: Work, component: Component) -> str:
    name = text(component.element, "userLicense") or _LICENSE
    found = work.find("UserLicense", {"Name": name})
    place = first_or_self(component.element, "userLicense")
    require(found, f"In field: userLicense - no UserLicense named {name} found", place)
    own = {
        "UserLicenseId": found["Id"] if found else None,
        "UserType": "Standard",
        "Description": text(component.element, "description") or None,
    }
    return work.put("Profile", {"Name": component.full_name}, own)


def permission_set_group(work: Work, component: Component) -> str:
    """Make the group a row; its members must exist."""
    for each in children(component.element, "permissionSets"):
        name = (each.text or "").strip()
        known = work.find("PermissionSet", {"Name": name, "IsOwnedByProfile": 0})
        require(known, f"In field: permissionSets - no PermissionSet named {name} found", each)
    for each in children(component.element, "mutingPermissionSets"):
        name = (each.text or "").strip()
        muting = work.document("MutingPermissionSet", name)
        message = f"In field: mutingPermissionSets - no MutingPermissionSet named {name} found"
        require(muting, message, each)
    group = work.put(
        "PermissionSetGroup",
        {"DeveloperName": component.full_name},
        {
            "MasterLabel": text(component.element, "label"),
            "Description": text(component.element, "description") or None,
            "Status": "Updated",
            "Language": "en_US",
        },
    )
    _group_members(work, group, component.element)
    return group


def _group_members(work: Work, group: str, element: etree._Element) -> None:
    """Rows that tie the group to its permission sets and to what mutes them."""
    members = [
        work.find("PermissionSet", {"Name": name, "IsOwnedByProfile": 0})
        for name in texts(element, "permissionSets")
    ]
    members += [
        work.find("MutingPermissionSet", {"DeveloperName": name})
        for name in texts(element, "mutingPermissionSets")
    ]
    own = {"PermissionSetGroupId": group}
    ids = [row["Id"] for row in members if row]
    work.remove("PermissionSetGroupComponent", own, but=("PermissionSetId", ids))
    for each in ids:
        work.put("PermissionSetGroupComponent", own | {"PermissionSetId": each}, {})


def _check(work: Work, element: etree._Element, *, strict: bool) -> None:
    """Refuse what cannot be granted, at the element that asks for it."""
    for each in children(element, "fieldPermissions"):
        _check_field(work, each, strict=strict)
    for each in children(element, "objectPermissions"):
        name = text(each, "object") or ""
        require(work.schema.get(name), f"no CustomObject named {name} found", each)
        _check_dependencies(each, name)
    for each in children(element, "customPermissions"):
        name = text(each, "name") or ""
        known = work.document("CustomPermission", name)
        require(known, f"no CustomPermission named {name} found", each)
    if strict:
        _check_activities(work, element)
    columns = _user_permission_columns(work)
    for each in children(element, "userPermissions"):
        name = text(each, "name") or ""
        require(f"Permissions{name}" in columns, f"Unknown user permission: {name}", each)


def _check_field(work: Work, grant: etree._Element, *, strict: bool) -> None:
    """Check that a grant names an existing field that is under field-level security.

    A profile that asks to edit a formula is taken without that: cci's update_admin_profile
    asks so.
    """
    path = text(grant, "field") or ""
    found = field_at(work, path)
    place = first_or_self(grant, "field")
    if found is None or (found.compound and found.compound != "Name"):
        raise Problem(f"no CustomField named {path} found", place)
    require(found.permissionable, f"You cannot deploy to a required field: {path}", place)
    if strict and found.calculated and flag(grant, "editable"):
        raise Problem(f"Field {path} is not editable", first_or_self(grant, "editable"))


def _check_activities(work: Work, element: etree._Element) -> None:
    """Grants on fields that tasks and events share come for both.

    Source: facts/metadata.md 2.3; the wording is inferred.
    """
    granted = {text(each, "field"): each for each in children(element, "fieldPermissions")}
    for path, place in granted.items():
        entity, _, name = (path or "").partition(".")
        twin = f"{_ACTIVITIES.get(entity)}.{name}"
        missing = entity in _ACTIVITIES and twin not in granted and field_at(work, twin)
        message = f"Field permissions of {path} and {twin} must be deployed together"
        require(not missing, message, first_or_self(place, "field"))


def _check_dependencies(grant: etree._Element, entity: str) -> None:
    """Edit needs Read, Delete needs Edit, and so on."""
    for wanted, needed in _NEEDS.items():
        missing = [f"{_WORDS[n]} {entity}" for n in needed if not flag(grant, n)]
        if flag(grant, wanted) and missing:
            depends = ", ".join(missing)
            message = f"Permission {_WORDS[wanted]} {entity} depends on permission(s): {depends}"
            raise Problem(message, first_or_self(grant, wanted))


def field_at(work: Work, path: str) -> Field | None:
    """Return the field that ``Lead.X__c`` names, or None."""
    entity, _, name = path.partition(".")
    sobject = work.schema.get(entity)
    return None if sobject is None else sobject.get(name)


def _grant(work: Work, element: etree._Element, parent: str) -> None:
    """Write the rows of the grants; one that grants nothing is no row."""
    for each in children(element, "objectPermissions"):
        name = work.schema.object(text(each, "object") or "").name
        flags = {column: int(flag(each, word)) for word, column in OBJECT_FLAGS.items()}
        _put_grant(work, "ObjectPermissions", {"ParentId": parent, "SobjectType": name}, flags)
    for each in children(element, "fieldPermissions"):
        _grant_field(work, each, parent)
    for each in children(element, "customPermissions"):
        permission = work.document("CustomPermission", text(each, "name") or "")
        key = {"ParentId": parent, "SetupEntityId": permission.meta["id"] if permission else None}
        if flag(each, "enabled"):
            work.put("SetupEntityAccess", key, {"SetupEntityType": "CustomPermission"})
        else:
            work.remove("SetupEntityAccess", key)


def _grant_anew(work: Work, element: etree._Element, parent: str) -> None:
    """Replace the grants of a permission set by those of its file; what stays keeps its row.

    That rows keep their ids is inferred.
    """
    objects = [
        work.schema.object(name).name for name in _named(element, "objectPermissions", "object")
    ]
    fields = [_spelled(work, path) for path in _named(element, "fieldPermissions", "field")]
    permissions = [
        each.meta["id"]
        for name in _named(element, "customPermissions", "name")
        if (each := work.document("CustomPermission", name))
    ]
    own = {"ParentId": parent}
    work.remove("ObjectPermissions", own, but=("SobjectType", objects))
    work.remove("FieldPermissions", own, but=("Field", fields))
    own |= {"SetupEntityType": "CustomPermission"}
    work.remove("SetupEntityAccess", own, but=("SetupEntityId", permissions))
    _grant(work, element, parent)


def _named(element: etree._Element, grants: str, name: str) -> list[str]:
    return [text(each, name) or "" for each in children(element, grants)]


def _spelled(work: Work, path: str) -> str:
    """Return the path of a field as the schema spells it."""
    sobject = work.schema.object(path.partition(".")[0])
    return f"{sobject.name}.{sobject.fields[path.partition('.')[2].lower()].name}"


def _grant_field(work: Work, grant: etree._Element, parent: str) -> None:
    """One row of FieldPermissions, under the names as the schema spells them."""
    path = text(grant, "field") or ""
    sobject = work.schema.object(path.partition(".")[0])
    found = sobject.fields[path.partition(".")[2].lower()]
    editable = flag(grant, "editable") and not found.calculated
    flags = {
        "PermissionsRead": int(flag(grant, "readable") or editable),
        "PermissionsEdit": int(editable),
    }
    key = {"ParentId": parent, "SobjectType": sobject.name, "Field": f"{sobject.name}.{found.name}"}
    _put_grant(work, "FieldPermissions", key, flags)


def _put_grant(work: Work, entity: str, key: Mapping[str, str], flags: Mapping[str, int]) -> None:
    if any(flags.values()):
        work.put(entity, key, flags)
    else:
        work.remove(entity, key)


def _user_permission_columns(work: Work) -> frozenset[str]:
    """Return the columns of system permissions that this org has."""
    fields = work.schema.object("PermissionSet").stored_fields()
    return frozenset(f.name for f in fields if f.name.startswith("Permissions"))


def _user_permissions(element: etree._Element) -> dict[str, int]:
    """Return the columns that ``userPermissions`` sets."""
    return {
        f"Permissions{text(each, 'name')}": int(flag(each, "enabled"))
        for each in children(element, "userPermissions")
    }
