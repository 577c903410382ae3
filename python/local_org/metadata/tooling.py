"""Objects of the Tooling API: rows composed from components and source tracking, for one query.

They are no objects of the org: REST does not know them. ``metadata`` does not know SOQL, so its
caller brings what runs over them. Source: facts/real-clients.md 5.8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from local_org.clock import millis
from local_org.errors import not_found
from local_org.metadata.tracking import source_members
from local_org.records.store import Document, Store
from local_org.schema.access import Access
from local_org.schema.model import Field, FieldType, Schema, SObject

Answer = TypeVar("Answer")
_AUDIT = "CreatedDate:datetime CreatedById:id LastModifiedDate:datetime LastModifiedById:id"
_COMPONENT = f"Id:id DeveloperName:string NamespacePrefix:string ManageableState:string {_AUDIT}"
_APEX = f"Id:id Name:string NamespacePrefix:string ApiVersion:double Status:string {_AUDIT}"
_MEMBER = (
    "Id:id MemberIdOrName:string MemberType:string MemberName:string IsNameObsolete:boolean "
    "IsNewMember:boolean RevisionCounter:long RevisionNum:long ChangedBy:string "
    "LastModifiedDate:datetime"
)
_RULE = (
    "Id:id ValidationName:string Active:boolean Description:string ErrorMessage:string "
    f"ErrorDisplayField:string NamespacePrefix:string ManageableState:string {_AUDIT}"
)
_OBJECTS = {
    "ApexClass": ("01p", _APEX),
    "ApexTrigger": ("01q", f"{_APEX} TableEnumOrId:string"),
    "CustomField": ("00N", f"{_COMPONENT} TableEnumOrId:string"),
    "CustomObject": ("01I", _COMPONENT),
    "SourceMember": ("0MZ", _MEMBER),
    "ValidationRule": ("03d", _RULE),
}
"""Key prefix, and fields as ``name:type``. There is no Apex in this org: its objects are empty."""


class Everything:
    """May read every object here and change none: who may call the Tooling API sees all of it."""

    user_id = ""
    permissions: frozenset[str] = frozenset()
    custom_permissions: frozenset[str] = frozenset()

    def readable(self, _entity: str) -> bool:
        """Whether the object exists: always."""
        return True

    view_all = readable

    def createable(self, _entity: str) -> bool:
        """Whether records may be created: never."""
        return False

    editable = deletable = createable

    def field_readable(self, _entity: str, _field: str) -> bool:
        """Whether the field exists: always."""
        return True

    def field_editable(self, _entity: str, _field: str) -> bool:
        """Whether the field may be written: never."""
        return False


def tooling_query(
    store: Store, schema: Schema, run: Callable[[Store, Schema, Access], Answer]
) -> Answer:
    """Return what ``run`` answers over a store of tooling rows as they are now.

    That store is gone afterwards. ``run`` reads it with the schema and access it is given.
    """
    with closing(Store(None, tooling_schema())) as tooling:
        for entity, row in _rows(store, schema):
            tooling.insert_row(entity, row)
        return run(tooling, tooling.schema, Everything())


def tooling_object(name: str) -> SObject:
    """Return a tooling object, for its describe.

    :raises OrgError: 404 when the Tooling API of this org has none of this name.
    """
    found = tooling_schema().get(name)
    if found is None:
        raise not_found()
    return found


def tooling_schema() -> Schema:
    """Return the tooling objects as a fresh, independent schema."""
    return Schema(_objects()).copy()


@cache
def _objects() -> tuple[SObject, ...]:
    return tuple(_object(name, prefix, fields) for name, (prefix, fields) in _OBJECTS.items())


def _object(name: str, prefix: str, fields: str) -> SObject:
    made = (_field(*each.split(":")) for each in fields.split())
    return SObject(
        name=name,
        label=name,
        label_plural=name,
        key_prefix=prefix,
        fields={field.name.lower(): field for field in made},
        createable=False,
        updateable=False,
        deletable=False,
        replicateable=False,
    )


def _field(name: str, kind: str) -> Field:
    field_type = FieldType(kind) if name == "Id" or kind != "id" else FieldType.REFERENCE
    return Field(
        name=name,
        type=field_type,
        label=name,
        length=255 if field_type is FieldType.STRING else 0,
        nillable=name != "Id",
        createable=False,
        updateable=False,
        reference_to=("User",) if field_type is FieldType.REFERENCE else (),
    )


def _rows(store: Store, schema: Schema) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for member in source_members(store):
        yield (
            "SourceMember",
            {
                "Id": member.id,
                "MemberIdOrName": member.member_id,
                "MemberType": member.member_type,
                "MemberName": member.member_name,
                "IsNameObsolete": int(member.obsolete),
                "IsNewMember": int(member.new),
                "RevisionCounter": member.revision,
                "RevisionNum": member.revision,
                "ChangedBy": member.changed_by,
                "LastModifiedDate": _millis(member.modified_date),
            },
        )
    for document in store.documents("CustomField"):
        entity, _, name = document.name.partition(".")
        own = {"DeveloperName": name.removesuffix("__c"), "TableEnumOrId": entity}
        yield "CustomField", _component(document, own)
    for document in store.documents("ValidationRule"):
        entity, _, name = document.name.partition(".")
        rule = schema.object(entity).rules[name.lower()]
        told = {
            "ValidationName": name,
            "Active": int(rule.active),
            "Description": rule.description,
            "ErrorMessage": rule.message,
            "ErrorDisplayField": rule.display_field,
        }
        yield "ValidationRule", _component(document, told)


def _component(document: Document, own: Mapping[str, Any]) -> dict[str, Any]:
    meta = document.meta
    return {
        **own,
        "Id": meta["id"],
        "ManageableState": "unmanaged",
        "CreatedById": meta["created_by"],
        "CreatedDate": _millis(meta["created_date"]),
        "LastModifiedById": meta["modified_by"],
        "LastModifiedDate": _millis(meta["modified_date"]),
    }


def _millis(moment: str) -> int:
    """Read back what ``results.stamp`` wrote."""
    return millis(datetime.fromisoformat(moment))
