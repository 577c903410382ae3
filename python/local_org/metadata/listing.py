"""Which components the org holds, and which types of components it knows.

Source: facts/real-clients.md 5.9, M10 and M11.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from local_org.errors import OrgError
from local_org.metadata.elements import Rule, tables
from local_org.metadata.profiles import profile_documents
from local_org.metadata.results import FileProperties
from local_org.metadata.types import TYPES, MetadataType, file_of, known
from local_org.records.store import Document, Store

__all__ = [
    "FileProperties",
    "describe_metadata",
    "describe_value_type",
    "list_metadata",
    "properties_of",
]


def describe_metadata() -> tuple[MetadataType, ...]:
    """Return every type that can be deployed, in the order of their names."""
    return tuple(kind for kind in TYPES.values() if kind.supported)


def describe_value_type(type_name: str) -> dict[str, Any]:
    """Return the elements a type may hold, and theirs, as ``describeValueType`` tells them.

    :raises OrgError: ``INVALID_TYPE`` for a type of which this org knows no elements.
    """
    if type_name not in tables().types:
        raise OrgError("INVALID_TYPE", f"Unknown type name '{type_name}' specified")
    return {
        "apiCreatable": True,
        "apiDeletable": True,
        "apiReadable": True,
        "apiUpdatable": True,
        "valueTypeFields": _value_fields(type_name, ()),
    }


def _value_fields(type_name: str, within: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the fields of a type; one that holds itself is told once."""
    rules = tables().types[type_name]
    return [_value_field(name, rule, (*within, type_name)) for name, rule in rules.items()]


def _value_field(name: str, rule: Rule, within: tuple[str, ...]) -> dict[str, Any]:
    kind, values = rule.kind, tables().enums.get(rule.kind, frozenset())
    nested = kind in tables().types and kind not in within
    return {
        "fields": _value_fields(kind, within) if nested else [],
        "isForeignKey": False,
        "isNameField": name == "fullName",
        "maxOccurs": "unbounded" if rule.repeated else "1",
        "minOccurs": int(rule.required),
        "name": name,
        "picklistValues": [
            {"active": True, "defaultValue": False, "label": value, "value": value}
            for value in sorted(values)
        ],
        "soapType": "anyType" if kind == "any" else kind,
        "valueRequired": rule.required,
    }


def list_metadata(store: Store, queries: Sequence[tuple[str, str | None]]) -> list[FileProperties]:
    """Return the components of each (type, folder); only reports and dashboards have folders.

    :raises OrgError: ``INVALID_TYPE`` for a type that does not exist.
    """
    return [
        properties_of(store, each, file_of(each.kind, each.name))
        for kind, folder in queries
        for each in _documents(store, kind, folder)
    ]


def properties_of(store: Store, document: Document, file_name: str) -> FileProperties:
    """Return who made and who last changed a component, and when."""
    meta = document.meta
    return FileProperties(
        type=document.kind,
        full_name=document.name,
        file_name=file_name,
        id=str(meta.get("id", "")),
        created_by=str(meta.get("created_by", "")),
        created_by_name=_name(store, meta.get("created_by")),
        created_date=str(meta.get("created_date", "")),
        modified_by=str(meta.get("modified_by", "")),
        modified_by_name=_name(store, meta.get("modified_by")),
        modified_date=str(meta.get("modified_date", "")),
    )


def _documents(store: Store, kind: str, folder: str | None) -> Iterable[Document]:
    if not known(kind):
        raise OrgError("INVALID_TYPE", f"Unknown type name '{kind}' specified")
    if kind == "Profile":
        return profile_documents(store, store.schema)
    found = store.documents(kind)
    if kind == "CustomObject":
        own = {document.name: document for document in found}
        names = [sobject.name for sobject in store.schema]
        return [own.get(name) or Document(kind, name, b"") for name in names]
    if folder is not None and kind in TYPES and TYPES[kind].in_folder:
        return [d for d in found if d.name.lower().startswith(f"{folder.lower()}/")]
    return found


def _name(store: Store, user_id: object) -> str:
    user = store.row("User", str(user_id)) if user_id else None
    return str(user["Name"]) if user else ""
