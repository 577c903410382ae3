"""Avro schemas of change events, per object, as a real org words them.

A schema lists every field the object's change events can hold, whoever asks: field-level security
blanks values, never the schema. So it holds nothing but names, types and ids of custom fields.
Source: facts/pubsub-cdc.md 2.1 to 2.3.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from local_org.events.standard_fields import DOCUMENTED
from local_org.schema.model import Field, FieldType, SObject

NAMESPACE = "com.sforce.eventbus"
SUFFIX = "ChangeEvent"

CHANGE_TYPES = (
    "CREATE",
    "UPDATE",
    "DELETE",
    "UNDELETE",
    "GAP_CREATE",
    "GAP_UPDATE",
    "GAP_DELETE",
    "GAP_UNDELETE",
    "GAP_OVERFLOW",
    "SNAPSHOT",
)

_STRINGS: dict[str, Any] = {"type": "array", "items": "string"}
_HEADER_MEMBERS: tuple[tuple[str, Any], ...] = (
    ("entityName", "string"),
    ("recordIds", _STRINGS),
    ("changeType", {"type": "enum", "name": "ChangeType", "symbols": list(CHANGE_TYPES)}),
    ("changeOrigin", "string"),
    ("transactionKey", "string"),
    ("sequenceNumber", "int"),
    ("commitTimestamp", "long"),
    ("commitNumber", "long"),
    ("commitUser", "string"),
    ("nulledFields", _STRINGS),
    ("diffFields", _STRINGS),
    ("changedFields", _STRINGS),
)

AVRO_TYPES = {
    "Boolean": "boolean",
    "Integer": "int",
    "Double": "double",
    "Currency": "double",
    "Percent": "double",
    "DateTime": "long",
    "CreatedDate": "long",
    "DateOnly": "long",
    "TimeOnly": "long",
}
"""Avro type by kind; every other kind is a string."""

_DOCS = {
    "CreatedDate": "CreatedDate:DateTime",
    "EntityId": "ForeignKey:EntityId",
}
"""Docs that are not ``Data:<kind>``."""

_KINDS = {
    FieldType.PHONE: "Phone",
    FieldType.EMAIL: "Email",
    FieldType.URL: "Url",
    FieldType.MULTIPICKLIST: "MultiEnum",
    FieldType.ENCRYPTED: "EncryptedText",
    FieldType.REFERENCE: "EntityId",
    FieldType.BOOLEAN: "Boolean",
    FieldType.INT: "Integer",
    FieldType.LONG: "Double",
    FieldType.DOUBLE: "Double",
    FieldType.CURRENCY: "Currency",
    FieldType.PERCENT: "Percent",
    FieldType.DATE: "DateOnly",
    FieldType.DATETIME: "DateTime",
    FieldType.TIME: "TimeOnly",
    FieldType.ADDRESS: "Address",
    FieldType.LOCATION: "Location",
}

_ABSENT = frozenset(
    {
        "Id",
        "IsDeleted",
        "SystemModstamp",
        "LastActivityDate",
        "LastViewedDate",
        "LastReferencedDate",
        "PhotoUrl",
        "MasterRecordId",
    }
)
"""System and derived fields that no change event bears."""

_PERSON_NAME = ("Salutation", "FirstName", "LastName", "MiddleName", "Suffix", "InformalName")
_ADDRESS = (
    "Street",
    "City",
    "State",
    "PostalCode",
    "Country",
    "StateCode",
    "CountryCode",
    "Latitude",
    "Longitude",
    "GeocodeAccuracy",
)
_OPTIONAL_MEMBERS = frozenset({"MiddleName", "Suffix", "InformalName", "StateCode", "CountryCode"})
_MEMBER_KINDS = {
    "Salutation": "DynamicEnum",
    "Latitude": "Double",
    "Longitude": "Double",
    "GeocodeAccuracy": "StaticEnum",
    "StateCode": "DynamicEnum",
    "CountryCode": "DynamicEnum",
}


def event_name(entity: str) -> str:
    """Return the name of an object's change event.

    >>> event_name("Lead"), event_name("Visit__c")
    ('LeadChangeEvent', 'Visit__ChangeEvent')
    """
    return (entity[:-1] if entity.endswith("__c") else entity) + SUFFIX


def entity_of(name: str) -> str | None:
    """Return the object whose change event has this name, or None when it is no change event's.

    >>> entity_of("LeadChangeEvent"), entity_of("Visit__ChangeEvent"), entity_of("ChangeEvents")
    ('Lead', 'Visit__c', None)
    """
    entity = name.removesuffix(SUFFIX)
    if entity in (name, ""):
        return None
    return entity + "c" if entity.endswith("__") else entity


def column_of(parent: str, member: str) -> str:
    """Return the object's field behind one member of a compound field of its event.

    >>> column_of("Name", "LastName"), column_of("Address", "City")
    ('LastName', 'City')
    >>> column_of("BillingAddress", "City")
    'BillingCity'
    >>> column_of("Site__c", "Latitude")
    'Site__Latitude__s'
    """
    if parent.endswith("__c"):
        return f"{parent[:-1]}{member}__s"
    return member if parent == "Name" else parent.removesuffix("Address") + member


def change_event_schema(sobject: SObject) -> dict[str, Any]:
    """Return the Avro schema of the object's change events: header, standard, custom fields."""
    fields = [_header()]
    defined: set[str] = set()
    for name, kind, field_id in _body(sobject):
        doc = _DOCS.get(kind, f"Data:{kind}") + (f":{field_id[:15]}" if field_id else "")
        branches = _branches(sobject, name, kind, defined)
        fields.append(nullable(name, branches, doc))
    return {
        "type": "record",
        "name": event_name(sobject.name),
        "namespace": NAMESPACE,
        "fields": fields,
    }


def schema_json(schema: Mapping[str, Any]) -> str:
    """Return the schema as the text that GetSchema answers with."""
    return json.dumps(schema, separators=(",", ":"))


def schema_id(text: str) -> str:
    """Return the id of a schema: 16 digest bytes of its JSON in 22 characters of URL-safe base64.

    The same schema has the same id in every org; it changes when a field is added or changed.
    """
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _header() -> dict[str, Any]:
    members = [{"name": name, "type": avro_type} for name, avro_type in _HEADER_MEMBERS]
    return {
        "name": "ChangeEventHeader",
        "type": {"type": "record", "name": "ChangeEventHeader", "fields": members},
        "doc": "Data:ComplexValueType",
    }


def nullable(name: str, branches: Iterable[Any], doc: str) -> dict[str, Any]:
    """Return a field that is null unless it is one of the branches."""
    return {"name": name, "type": ["null", *branches], "doc": doc, "default": None}


def _body(sobject: SObject) -> Iterator[tuple[str, str, str | None]]:
    """Name, kind and field id of each field, in the order of the event."""
    if sobject.name in DOCUMENTED:
        for name, kind in DOCUMENTED[sobject.name]:
            if not name.endswith("?") or sobject.get(name[:-1]) is not None:
                yield name.removesuffix("?"), kind, None
    else:
        yield from ((f.name, kind_of(sobject, f), None) for f in _carried(sobject, custom=False))
    for field in _carried(sobject, custom=True):
        yield field.name, kind_of(sobject, field), field.field_id or ""


def _carried(sobject: SObject, *, custom: bool) -> Iterator[Field]:
    """Fields with an entry of their own: no parts of compounds, no formulas, nothing derived."""
    for field in sobject.fields.values():
        carried = field.custom == custom and not field.calculated and field.compound is None
        if carried and field.name not in _ABSENT and field.type is not FieldType.BASE64:
            yield field


def kind_of(sobject: SObject, field: Field) -> str:
    """Return the word for a field's type that its doc holds."""
    if field.name == "CreatedDate":
        return "CreatedDate"
    if field.name == "Name" and sobject.name == "Account":
        return "Switchable_PersonName"
    if field.name == "Name" and sobject.get("LastName") is not None:
        return "PersonName"
    if field.type is FieldType.PICKLIST:
        return "StaticEnum" if field.restricted_picklist else "DynamicEnum"
    if field.type is FieldType.TEXTAREA and field.length > 255:
        return "HtmlStringPlusClob" if field.extra_type == "richtextarea" else "StringPlusClob"
    return _KINDS.get(field.type, "Text")


def _branches(sobject: SObject, name: str, kind: str, defined: set[str]) -> list[Any]:
    """Branches behind ``null``: a record is written out where it is first used, then named."""
    if kind not in ("PersonName", "Switchable_PersonName", "Address", "Location"):
        return [AVRO_TYPES.get(kind, "string")]
    plain = ["string"] if kind == "Switchable_PersonName" else []
    if kind in defined:
        return [*plain, kind]
    defined.add(kind)
    members = [
        nullable(member, [AVRO_TYPES.get(member_kind, "string")], f"Data:{member_kind}")
        for member in _members(sobject, name, kind)
        for member_kind in (_MEMBER_KINDS.get(member, "Text"),)
    ]
    return [*plain, {"type": "record", "name": kind, "fields": members}]


def _members(sobject: SObject, parent: str, kind: str) -> Iterator[str]:
    if kind == "Location":
        yield from ("Latitude", "Longitude")
        return
    for member in _ADDRESS if kind == "Address" else _PERSON_NAME:
        column = column_of(parent, member)
        if member not in _OPTIONAL_MEMBERS or sobject.get(column) is not None:
            yield member
