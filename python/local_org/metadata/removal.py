"""Destructive changes: what deleting a component takes out of the schema and the rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from lxml import etree

from local_org.metadata.markup import Problem, XmlFile, children, tag, text, written
from local_org.metadata.types import children_of
from local_org.metadata.work import Work, require
from local_org.records.conversion_map import own_map
from local_org.schema.custom import OWNER
from local_org.schema.model import METADATA_SUFFIX, FieldType

_GRANTS = frozenset({"fieldPermissions", "objectPermissions"})
_FOLDERS = {"ReportFolder": "Report", "DashboardFolder": "Dashboard"}


class Absent(Exception):
    """The component to delete is not there: a warning, not a failure."""


def remove(work: Work, kind: str, name: str) -> str:
    """Delete one component, and return the id it had.

    :raises Absent: there is none.
    :raises Problem: something still needs it.
    """
    found = work.document(kind, name)
    if found is None:
        raise Absent(f"No {kind} named: {name} found")
    _REMOVERS.get(kind, _nothing)(work, found.name)
    work.store.drop_document(kind, found.name)
    return str(found.meta["id"])


def _nothing(work: Work, name: str) -> None:
    """Nothing but the document is to go."""


def _field(work: Work, name: str) -> None:
    """Delete a field with its values and its grants."""
    entity, _, own = name.partition(".")
    sobject = work.schema.object(entity)
    field = sobject.get(own)
    if field is None or not field.custom:
        raise Problem(f"Cannot delete field: {name}")
    for user in _users_of(work, entity, own):
        raise Problem(f"This custom field is referenced elsewhere in salesforce.com. : {user}")
    path = f"{sobject.name}.{field.name}"
    for source, target, name_there in own_map(work.store):
        mapped = path in (f"Lead.{source}", f"{target}.{name_there}")
        message = f"Cannot delete field: {path} is included in Lead Custom Field Mapping"
        require(not mapped, message)
    _blank(work, sobject.name, field.name)
    work.remove("FieldPermissions", {"Field": path})
    _forget_grants(work, path)
    work.schema.drop_field(entity, own)
    if field.relationship_order is not None and not sobject.is_detail:
        _set_free(work, sobject.name)


def _set_free(work: Work, entity: str) -> None:
    """Give the records of what was a detail until now an owner of their own."""
    work.schema.put_field(entity, OWNER)
    work.tables()
    work.store.connection.execute(f'UPDATE "{entity}" SET "OwnerId" = ?', (work.user_id,))


def _custom_object(work: Work, name: str) -> None:
    """Delete an object of the org's own with its records, its parts and what is granted on it."""
    sobject = work.schema.object(name)
    if not sobject.custom:
        raise Problem(f"Cannot delete standard component: {name}")
    for relation in work.schema.children(sobject.name):
        message = (
            f"This custom object is referenced elsewhere in salesforce.com. : {relation.child}"
        )
        require(relation.child == sobject.name, f"{message}.{relation.field}")
    for kind in children_of("CustomObject"):
        for each in work.store.documents(kind):
            if each.name.partition(".")[0].lower() == sobject.name.lower():
                work.store.drop_document(kind, each.name)
    for each in work.store.documents("CustomMetadata") if sobject.is_metadata else ():
        if each.name.partition(".")[0] + METADATA_SUFFIX == sobject.name:
            work.store.drop_document("CustomMetadata", each.name)
    for entity in ("FieldPermissions", "ObjectPermissions", "QueueSobject", "ListView"):
        work.remove(entity, {"SobjectType": sobject.name})
    _forget_object(work, sobject.name)
    work.schema.drop_object(sobject.name)
    work.tables()


def _forget_object(work: Work, entity: str) -> None:
    """Take an object and its fields out of the permission sets."""
    _forget(work, lambda grant: (text(grant, "object") or _object_of(grant)) == entity)


def _object_of(grant: etree._Element) -> str:
    return (text(grant, "field") or "").partition(".")[0]


def _record(work: Work, name: str) -> None:
    """Delete a record of a custom metadata type."""
    entity, _, own = name.partition(".")
    work.remove(work.schema.object(entity + METADATA_SUFFIX).name, {"DeveloperName": own})


def _blank(work: Work, entity: str, name: str) -> None:
    """Blank the values, lest another field of the same name, deployed at once, inherits them."""
    field = work.store.schema.object(entity).get(name)
    if field is not None and field.stored:
        blank = "0" if field.type is FieldType.BOOLEAN else "NULL"
        work.store.connection.execute(f'UPDATE "{entity}" SET "{name}" = {blank}')


def _forget_grants(work: Work, path: str) -> None:
    """Take a field out of the permission sets, so that they can be retrieved and deployed again."""
    _forget(work, lambda grant: text(grant, "field") == path)


def _forget(work: Work, of_it: Callable[[etree._Element], bool]) -> None:
    """Take the grants that are of something deleted out of the permission sets."""
    sets = (*work.store.documents("PermissionSet"), *work.store.documents("MutingPermissionSet"))
    for each in sets:
        root = XmlFile(each.body).root
        grants = [grant for grant in children(root) if tag(grant) in _GRANTS and of_it(grant)]
        for grant in grants:
            root.remove(grant)
        if grants:
            work.store.put_document(each.kind, each.name, written(root), **each.meta)


def _users_of(work: Work, entity: str, own: str) -> Iterator[str]:
    """Return the rules, formula fields and channel members that name the field."""
    word = re.compile(rf"(?<![\w.$]){re.escape(own)}\b", re.IGNORECASE)
    sobject = work.schema.object(entity)
    for rule in sobject.rules.values():
        if word.search(rule.formula):
            yield f"Validation Rule - {rule.name}"
    for field in sobject.fields.values():
        if field.formula and word.search(field.formula):
            yield f"Custom Field - {field.name}"
    through = re.compile(rf"\.\s*{re.escape(own)}\b", re.IGNORECASE)
    for child in work.schema:
        leads = any(sobject.name in lookup.reference_to for lookup in child.fields.values())
        for field in child.fields.values() if leads else ():
            if field.formula and through.search(field.formula):
                yield f"Custom Field - {child.name}.{field.name}"
    for member in work.store.documents("PlatformEventChannelMember"):
        root = XmlFile(member.body).root
        enriched = {text(each, "name") for each in children(root, "enrichedFields")}
        event = text(root, "selectedEntity") or ""
        if own in enriched and event.removesuffix("ChangeEvent") == sobject.name:
            yield f"Platform Event Channel Member - {member.name}"


def _rule(work: Work, name: str) -> None:
    entity, _, own = name.partition(".")
    work.schema.drop_rule(entity, own)


def _list_view(work: Work, name: str) -> None:
    entity, _, own = name.partition(".")
    work.remove("ListView", {"SobjectType": entity, "DeveloperName": own})


def _permission_set(work: Work, name: str) -> None:
    """Delete a permission set with its grants, unless somebody has it or a group holds it."""
    row = work.find("PermissionSet", {"Name": name, "IsOwnedByProfile": 0})
    if row is not None:
        own = {"PermissionSetId": row["Id"]}
        held = work.find("PermissionSetAssignment", own)
        require(not held, f"The permission set {name} is assigned to users")
        grouped = work.find("PermissionSetGroupComponent", own)
        require(not grouped, f"The permission set {name} is in a permission set group")
        _forget_grants_of(work, row["Id"])
        work.remove("PermissionSet", {"Id": row["Id"]})


def _muting_permission_set(work: Work, name: str) -> None:
    row = work.find("MutingPermissionSet", {"DeveloperName": name})
    if row is not None:
        _forget_grants_of(work, row["Id"])
        work.remove("MutingPermissionSet", {"Id": row["Id"]})


def _forget_grants_of(work: Work, parent: str) -> None:
    """Delete what a permission set grants or mutes, and its place in groups."""
    for entity in ("ObjectPermissions", "FieldPermissions", "SetupEntityAccess"):
        work.remove(entity, {"ParentId": parent})
    work.remove("PermissionSetGroupComponent", {"PermissionSetId": parent})


def _permission_set_group(work: Work, name: str) -> None:
    """Delete a group with what is in it, unless somebody has it."""
    row = work.find("PermissionSetGroup", {"DeveloperName": name})
    if row is not None:
        held = work.find("PermissionSetAssignment", {"PermissionSetGroupId": row["Id"]})
        require(not held, f"The permission set group {name} is assigned to users")
        work.remove("PermissionSetGroupComponent", {"PermissionSetGroupId": row["Id"]})
        work.remove("PermissionSetGroup", {"Id": row["Id"]})


def _custom_permission(work: Work, name: str) -> None:
    """Delete a custom permission with its grants, unless a rule asks for it."""
    word = re.compile(rf"\$Permission\.{re.escape(name)}\b", re.IGNORECASE)
    for sobject in work.schema:
        for rule in sobject.rules.values():
            message = (
                f"This custom permission is referenced elsewhere: Validation Rule - {rule.name}"
            )
            require(not word.search(rule.formula), message)
    row = work.find("CustomPermission", {"DeveloperName": name})
    if row is not None:
        work.remove("SetupEntityAccess", {"SetupEntityId": row["Id"]})
        work.remove("CustomPermission", {"Id": row["Id"]})


def _filed(work: Work, name: str, kind: str, column: str) -> None:
    """Delete a report or dashboard in its folder."""
    folder, _, own = name.rpartition("/")
    row = work.find("Folder", {"DeveloperName": folder, "Type": kind})
    work.remove(kind, {"DeveloperName": own, column: row["Id"] if row else work.user_id})


def _report(work: Work, name: str) -> None:
    for dashboard in work.store.documents("Dashboard"):
        sources = (each.text for each in XmlFile(dashboard.body).root.iter("{*}report"))
        require(name not in sources, f"This report is used by the dashboard {dashboard.name}")
    _filed(work, name, "Report", "OwnerId")


def _dashboard(work: Work, name: str) -> None:
    _filed(work, name, "Dashboard", "FolderId")


def _folder(kind: str) -> Callable[[Work, str], None]:
    def remover(work: Work, name: str) -> None:
        """Delete a folder if it is empty."""
        inside = (each.name for each in work.store.documents(kind))
        empty = not any(each.lower().startswith(f"{name.lower()}/") for each in inside)
        require(empty, f"The folder {name} is not empty")
        work.remove("Folder", {"DeveloperName": name, "Type": kind})

    return remover


def _channel(work: Work, name: str) -> None:
    """Delete a channel, if its members have gone before."""
    for member in work.store.documents("PlatformEventChannelMember"):
        used = text(XmlFile(member.body).root, "eventChannel") == name
        require(not used, f"The channel {name} still has the member {member.name}")


def _group(kind: str) -> Callable[[Work, str], None]:
    def remover(work: Work, name: str) -> None:
        """Delete a group with its members."""
        row = work.find("Group", {"DeveloperName": name, "Type": kind})
        if row is not None:
            work.remove("QueueSobject", {"QueueId": row["Id"]})
            work.remove("GroupMember", {"GroupId": row["Id"]})
            work.remove("Group", {"Id": row["Id"]})

    return remover


def _role(work: Work, name: str) -> None:
    """Delete a role that nobody has and that stands above none."""
    row = work.find("UserRole", {"DeveloperName": name}) or {"Id": None}
    for entity, column in (("User", "UserRoleId"), ("UserRole", "ParentRoleId")):
        used = work.find(entity, {column: row["Id"]})
        require(not used, f"The role {name} is used by a {entity}")
    work.remove("UserRole", {"Id": row["Id"]})


def _record_type(_work: Work, name: str) -> None:
    """Refuse, as every org does."""
    raise Problem(f"Cannot delete record type through API: {name}")


def _standard(_work: Work, name: str) -> None:
    """Refuse: what the org came with stays."""
    raise Problem(f"Cannot delete standard component: {name}")


_REMOVERS: Mapping[str, Callable[[Work, str], None]] = {
    "CustomField": _field,
    "ValidationRule": _rule,
    "ListView": _list_view,
    "PermissionSet": _permission_set,
    "PermissionSetGroup": _permission_set_group,
    "MutingPermissionSet": _muting_permission_set,
    "CustomPermission": _custom_permission,
    "Report": _report,
    "Dashboard": _dashboard,
    "PlatformEventChannel": _channel,
    "CustomObject": _custom_object,
    "CustomMetadata": _record,
    "Profile": _standard,
    "RecordType": _record_type,
    "Role": _role,
    "Group": _group("Regular"),
    "Queue": _group("Queue"),
    **{folder: _folder(kind) for folder, kind in _FOLDERS.items()},
}
