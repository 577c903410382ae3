"""What deploys made of the standard schema: a document per object that is no longer standard.

A document says how its object differs from the schema the org began with, so a reopened org takes
over what newer standard tables bring.
"""

from __future__ import annotations

from dataclasses import fields as dataclass_fields
from typing import Any

import orjson

from local_org.records.documents import Documents
from local_org.schema.model import (
    Field,
    FieldType,
    PicklistValue,
    Schema,
    SObject,
    ValidationRule,
)

KIND = "schema"
_TRAITS = tuple(
    f.name for f in dataclass_fields(SObject) if f.name not in ("name", "fields", "rules")
)
_NOTHING = SObject("", "", "", None)


def keep_schema(documents: Documents, standard: Schema, schema: Schema) -> None:
    """Store how ``schema`` differs from ``standard``. Call it in the transaction of the change."""
    kept = {document.name: document.body for document in documents.documents(KIND)}
    for sobject in schema:
        body = _difference(standard.get(sobject.name), sobject)
        if body is not None and kept.get(sobject.name) != body:
            documents.put_document(KIND, sobject.name, body)
        elif body is None and sobject.name in kept:
            documents.drop_document(KIND, sobject.name)
    for name in kept:
        if schema.get(name) is None:
            documents.drop_document(KIND, name)


def restore_schema(documents: Documents, schema: Schema) -> None:
    """Bring ``schema``, fresh from the standard tables, to where ``keep_schema`` left it."""
    for document in documents.documents(KIND):
        _apply(schema, document.name, orjson.loads(document.body))


def _difference(standard: SObject | None, sobject: SObject) -> bytes | None:
    base = standard or _NOTHING
    if standard is not None and sobject == standard:
        return None
    traits = {
        name: getattr(sobject, name)
        for name in _TRAITS
        if getattr(sobject, name) != getattr(base, name)
    }
    changed = [f for key, f in sobject.fields.items() if base.fields.get(key) != f]
    dropped = [key for key in base.fields if key not in sobject.fields]
    return orjson.dumps(
        {
            "traits": traits,
            "fields": changed,
            "dropped": dropped,
            "rules": list(sobject.rules.values()),
        },
        option=orjson.OPT_SORT_KEYS,
    )


def _apply(schema: Schema, name: str, body: dict[str, Any]) -> None:
    sobject = schema.get(name) or SObject(name, "", "", None)
    for trait, value in body["traits"].items():
        setattr(sobject, trait, value)
    schema.put_object(sobject)
    for field in body["fields"]:
        schema.put_field(name, _field(field))
    for dropped in body["dropped"]:
        schema.drop_field(name, dropped)
    sobject.rules = {}
    for rule in body["rules"]:
        schema.put_rule(name, ValidationRule(**rule))


def _field(plain: dict[str, Any]) -> Field:
    return Field(
        **{
            **plain,
            "type": FieldType(plain["type"]),
            "reference_to": tuple(plain["reference_to"]),
            "picklist": tuple(PicklistValue(**value) for value in plain["picklist"]),
        }
    )
