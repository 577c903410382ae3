"""Change events as a real org writes them, by fastavro: schemas of the documented shape and their payloads.

Source: facts/pubsub-cdc.md 2.1, 2.2, 2.3 and 6.
"""

from __future__ import annotations

import io
import json
from copy import deepcopy
from typing import Any

import fastavro

KINDS = (
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
TEXTS = {"type": "array", "items": "string"}
HEADER = {
    "entityName": "Lead",
    "recordIds": ["00Q000000000001EAA"],
    "changeType": "UPDATE",
    "changeOrigin": "com/salesforce/api/rest/66.0;client=speed-to-lead",
    "transactionKey": "00003adb-6942-447e-6033-9e8fe741230f",
    "sequenceNumber": 1,
    "commitTimestamp": 1771300995000,
    "commitNumber": 12279648331300,
    "commitUser": "005000000000001AAA",
    "nulledFields": [],
    "diffFields": [],
    "changedFields": [],
}
LEAD_FIELDS = [
    "Name",
    "Title",
    "Company",
    "Address",
    "Phone",
    "MobilePhone",
    "Fax",
    "Email",
    "Website",
    "Description",
    "LeadSource",
    "Status",
    "Industry",
    "Rating",
    "AnnualRevenue",
    "NumberOfEmployees",
    "OwnerId",
    "HasOptedOutOfEmail",
    "IsConverted",
    "ConvertedDate",
    "ConvertedAccountId",
    "ConvertedContactId",
    "ConvertedOpportunityId",
    "IsUnreadByOwner",
    "CreatedDate",
    "CreatedById",
    "LastModifiedDate",
    "LastModifiedById",
    "DoNotCall",
    "HasOptedOutOfFax",
    "LastTransferDate",
    "Jigsaw",
    "JigsawContactId",
    "CleanStatus",
    "CompanyDunsNumber",
    "DandbCompanyId",
    "EmailBouncedReason",
    "EmailBouncedDate",
    "IndividualId",
    "Pronouns",
    "GenderIdentity",
]
"""The 41 fields of a plain Developer Edition org, in order; the header is field 0."""
_OTHER_TYPES = {
    "AnnualRevenue": "double",
    "NumberOfEmployees": "int",
    **dict.fromkeys(
        (
            "HasOptedOutOfEmail",
            "IsConverted",
            "IsUnreadByOwner",
            "DoNotCall",
            "HasOptedOutOfFax",
        ),
        "boolean",
    ),
    **dict.fromkeys(
        (
            "ConvertedDate",
            "CreatedDate",
            "LastModifiedDate",
            "LastTransferDate",
            "EmailBouncedDate",
        ),
        "long",
    ),
}


def header_type() -> dict[str, Any]:
    """The type of ``ChangeEventHeader``, with exactly its twelve members."""
    types: dict[str, Any] = {
        "recordIds": TEXTS,
        "changeType": {"type": "enum", "name": "ChangeType", "symbols": list(KINDS)},
        "sequenceNumber": "int",
        "commitTimestamp": "long",
        "commitNumber": "long",
        **dict.fromkeys(("nulledFields", "diffFields", "changedFields"), TEXTS),
    }
    members = [{"name": name, "type": types.get(name, "string")} for name in HEADER]
    return {"type": "record", "name": "ChangeEventHeader", "fields": members}


def record(name: str, **members: Any) -> dict[str, Any]:
    """A compound: every member is a union whose branch 0 is null."""
    return {"type": "record", "name": name, "fields": [optional(*each) for each in members.items()]}


def optional(name: str, *branches: Any) -> dict[str, Any]:
    """A field of the event: null, or one of these."""
    return {"name": name, "type": ["null", *branches], "doc": "Data:Text", "default": None}


def schema(*fields: dict[str, Any], entity: str = "Lead") -> dict[str, Any]:
    """The schema of an entity's change event; ``fields`` follow the header."""
    header = {"name": "ChangeEventHeader", "type": header_type(), "doc": "Data:ComplexValueType"}
    return {
        "name": f"{entity}ChangeEvent",
        "type": "record",
        "namespace": "com.sforce.eventbus",
        "fields": [header, *fields],
    }


def lead_schema(*customs: dict[str, Any]) -> dict[str, Any]:
    """LeadChangeEvent of a plain org, then custom fields."""
    person = record("PersonName", Salutation="string", FirstName="string", LastName="string")
    address = record(
        "Address",
        **dict.fromkeys(("Street", "City", "State", "PostalCode", "Country"), "string"),
        Latitude="double",
        Longitude="double",
        GeocodeAccuracy="string",
    )
    compounds: dict[str, Any] = {"Name": person, "Address": address}
    types = {name: compounds.get(name) or _OTHER_TYPES.get(name, "string") for name in LEAD_FIELDS}
    return schema(*(optional(*each) for each in types.items()), *customs)


def event(header: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """The value of an event: ``HEADER`` with these changes, and the fields that are set."""
    return {"ChangeEventHeader": HEADER | (header or {}), **fields}


def payload(avro_schema: dict[str, Any], value: dict[str, Any]) -> bytes:
    """The event as it travels; fields that are not named are null."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(deepcopy(avro_schema)), value)
    return out.getvalue()


def by_fastavro(avro_schema: dict[str, Any], data: bytes) -> dict[str, Any]:
    """What the reference reads: every field, nulls included."""
    read: Any = fastavro.schemaless_reader(
        io.BytesIO(data), fastavro.parse_schema(deepcopy(avro_schema)), None
    )
    return dict(read)


def without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    """The same without fields and members that are null."""
    return {
        name: without_nulls(each) if isinstance(each, dict) else each
        for name, each in value.items()
        if each is not None
    }


def text(avro_schema: dict[str, Any]) -> str:
    """The schema as GetSchema gives it."""
    return json.dumps(avro_schema)
