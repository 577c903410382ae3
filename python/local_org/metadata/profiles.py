"""Profiles as metadata: what retrieve and listings make of a profile's rows.

A profile's file tells only of what is retrieved beside it: the fields of the objects in the same
request, granted or not. Source: facts/real-clients.md 5.9, M4.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from lxml import etree

from local_org.clock import from_millis
from local_org.metadata.markup import add, new, written
from local_org.metadata.permissions import OBJECT_FLAGS, PROFILE_NAMES
from local_org.metadata.results import stamp
from local_org.records.store import Document, Store
from local_org.schema.model import Schema

_API_NAMES = {name: api_name for api_name, name in PROFILE_NAMES.items()}
_PREFIX = "Permissions"


def profile_documents(
    store: Store, schema: Schema, objects: Collection[str] = ()
) -> list[Document]:
    """Return every profile as a component, with its grants on these objects, by name."""
    rows = store.select("Profile", '"Name" IS NOT NULL ORDER BY "Name"')
    return [_document(store, schema, row, objects) for row in rows]


def _document(
    store: Store, schema: Schema, profile: Mapping[str, Any], objects: Collection[str]
) -> Document:
    name = _API_NAMES.get(profile["Name"], profile["Name"])
    meta = {
        "id": profile["Id"],
        "created_by": profile["CreatedById"],
        "created_date": _moment(profile["CreatedDate"]),
        "modified_by": profile["LastModifiedById"],
        "modified_date": _moment(profile["LastModifiedDate"]),
    }
    return Document("Profile", name, written(_element(store, schema, profile, objects)), meta)


def _element(
    store: Store, schema: Schema, profile: Mapping[str, Any], objects: Collection[str]
) -> etree._Element:
    root = new("Profile")
    add(root, "custom", value=False)
    owned = store.select("PermissionSet", '"ProfileId" IS ?', (profile["Id"],))
    parent = owned[0] if owned else {"Id": None}
    for name in sorted(objects):
        _fields(store, schema, root, parent["Id"], name)
    for name in sorted(objects):
        _object(store, root, parent["Id"], name)
    licence = store.row("UserLicense", str(profile["UserLicenseId"]))
    if licence is not None:
        add(root, "userLicense", licence["Name"])
    for name in _granted(parent):
        permission = add(root, "userPermissions")
        add(permission, "enabled", value=True)
        add(permission, "name", name)
    return root


def _fields(
    store: Store, schema: Schema, root: etree._Element, parent: str | None, entity: str
) -> None:
    """Tell of every field of the object that is under security, the hidden ones too."""
    where = '"ParentId" IS ? AND "SobjectType" = ?'
    grants = {
        row["Field"]: row for row in store.select("FieldPermissions", where, (parent, entity))
    }
    for field in sorted(schema.object(entity).fields.values(), key=lambda field: field.name):
        if not field.permissionable or (field.compound and field.compound != "Name"):
            continue
        grant = grants.get(f"{entity}.{field.name}", {})
        told = add(root, "fieldPermissions")
        add(told, "editable", bool(grant.get("PermissionsEdit")))
        add(told, "field", f"{entity}.{field.name}")
        add(told, "readable", bool(grant.get("PermissionsRead")))


def _object(store: Store, root: etree._Element, parent: str | None, entity: str) -> None:
    where = '"ParentId" IS ? AND "SobjectType" = ?'
    for row in store.select("ObjectPermissions", where, (parent, entity)):
        told = add(root, "objectPermissions")
        words = {word: bool(row[column]) for word, column in OBJECT_FLAGS.items() if column in row}
        for word, value in sorted([*words.items(), ("object", entity)]):
            add(told, word, value)


def _granted(parent: Mapping[str, Any]) -> Iterator[str]:
    """Names of the system permissions that a profile's own permission set holds."""
    for column in sorted(parent):
        if column.startswith(_PREFIX) and parent[column]:
            yield column.removeprefix(_PREFIX)


def _moment(millis: int | None) -> str:
    return "" if millis is None else stamp(from_millis(millis))
