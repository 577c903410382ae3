"""The Avro schema of a change event is a real org's: every mask depends on its order."""

import json

import fastavro
import pytest

from local_org.events.avro_schema import (
    change_event_schema,
    entity_of,
    event_name,
    schema_id,
    schema_json,
)
from local_org.schema.model import Field, FieldType, SObject
from local_org.schema.registry import standard_schema

pytestmark = pytest.mark.documented("facts/pubsub-cdc.md 2.1, 2.2, 2.3 and golden vector L2")

LEAD_FIELDS = """
ChangeEventHeader Name Title Company Address Phone MobilePhone Fax Email Website Description
LeadSource Status Industry Rating AnnualRevenue NumberOfEmployees OwnerId HasOptedOutOfEmail
IsConverted ConvertedDate ConvertedAccountId ConvertedContactId ConvertedOpportunityId
IsUnreadByOwner CreatedDate CreatedById LastModifiedDate LastModifiedById DoNotCall HasOptedOutOfFax
LastTransferDate Jigsaw JigsawContactId CleanStatus CompanyDunsNumber DandbCompanyId
EmailBouncedReason EmailBouncedDate IndividualId Pronouns GenderIdentity
"""
LEAD = LEAD_FIELDS.split()


@pytest.fixture
def schema():
    return standard_schema()


def custom(name, kind, number, **more):
    return Field(name, kind, name, custom=True, field_id=f"00N00000000000{number}EAA", **more)


def by_name(avro):
    return {field["name"]: field for field in avro["fields"]}


def members(avro, name):
    record = next(b for b in by_name(avro)[name]["type"] if isinstance(b, dict))
    return [(m["name"], m["type"][1]) for m in record["fields"]]


def test_lead_has_the_header_and_the_documented_41_fields_in_order(schema):
    avro = change_event_schema(schema.object("Lead"))

    assert [field["name"] for field in avro["fields"]] == LEAD
    assert (avro["name"], avro["namespace"]) == ("LeadChangeEvent", "com.sforce.eventbus")


def test_the_header_has_twelve_members_no_default_and_no_union(schema):
    header = change_event_schema(schema.object("Task"))["fields"][0]

    assert header["doc"] == "Data:ComplexValueType"
    assert "default" not in header
    assert [member["name"] for member in header["type"]["fields"]] == [
        "entityName",
        "recordIds",
        "changeType",
        "changeOrigin",
        "transactionKey",
        "sequenceNumber",
        "commitTimestamp",
        "commitNumber",
        "commitUser",
        "nulledFields",
        "diffFields",
        "changedFields",
    ]
    assert header["type"]["fields"][2]["type"]["symbols"][-1] == "SNAPSHOT"


@pytest.mark.parametrize("entity", ["Lead", "Task", "EmailMessage", "Contact", "Account", "User"])
def test_every_field_but_the_header_is_null_first_and_defaults_to_null(schema, entity):
    avro = change_event_schema(schema.object(entity))

    assert fastavro.parse_schema(avro)
    assert all(f["type"][0] == "null" and f["default"] is None for f in avro["fields"][1:])
    assert "logicalType" not in schema_json(avro)


@pytest.mark.parametrize("entity", ["Lead", "Task", "EmailMessage", "Contact", "Account", "Event"])
def test_ids_system_stamps_and_derived_fields_are_absent(schema, entity):
    fields = by_name(change_event_schema(schema.object(entity)))

    assert not fields.keys() & {"Id", "IsDeleted", "SystemModstamp", "LastActivityDate", "PhotoUrl"}


def test_custom_fields_follow_in_the_order_they_were_deployed(schema):
    schema.put_field("Lead", custom("Second__c", FieldType.BOOLEAN, 2))
    schema.put_field("Lead", custom("First__c", FieldType.DATETIME, 1))
    avro = change_event_schema(schema.object("Lead"))

    assert [field["name"] for field in avro["fields"]] == [*LEAD, "Second__c", "First__c"]


def test_the_doc_of_a_custom_field_ends_in_its_id(schema):
    schema.put_field("Lead", custom("First__c", FieldType.DATETIME, 1))
    field = by_name(change_event_schema(schema.object("Lead")))["First__c"]

    assert field == {
        "name": "First__c",
        "type": ["null", "long"],
        "doc": "Data:DateTime:00N000000000001",
        "default": None,
    }


def test_formula_fields_have_no_entry(schema):
    formula = custom("Minutes__c", FieldType.DOUBLE, 1, formula="NumberOfEmployees * 2")
    schema.put_field("Lead", formula)

    assert "Minutes__c" not in by_name(change_event_schema(schema.object("Lead")))


@pytest.mark.parametrize(
    ("field", "avro_type", "doc"),
    [
        (Field("F__c", FieldType.STRING, "F"), "string", "Data:Text"),
        (Field("F__c", FieldType.PHONE, "F"), "string", "Data:Phone"),
        (Field("F__c", FieldType.EMAIL, "F"), "string", "Data:Email"),
        (Field("F__c", FieldType.URL, "F"), "string", "Data:Url"),
        (Field("F__c", FieldType.PICKLIST, "F"), "string", "Data:DynamicEnum"),
        (
            Field("F__c", FieldType.PICKLIST, "F", restricted_picklist=True),
            "string",
            "Data:StaticEnum",
        ),
        (Field("F__c", FieldType.MULTIPICKLIST, "F"), "string", "Data:MultiEnum"),
        (Field("F__c", FieldType.TEXTAREA, "F", length=32768), "string", "Data:StringPlusClob"),
        (Field("F__c", FieldType.ENCRYPTED, "F"), "string", "Data:EncryptedText"),
        (Field("F__c", FieldType.REFERENCE, "F"), "string", "ForeignKey:EntityId"),
        (Field("F__c", FieldType.BOOLEAN, "F"), "boolean", "Data:Boolean"),
        (Field("F__c", FieldType.INT, "F"), "int", "Data:Integer"),
        (Field("F__c", FieldType.DOUBLE, "F"), "double", "Data:Double"),
        (Field("F__c", FieldType.CURRENCY, "F"), "double", "Data:Currency"),
        (Field("F__c", FieldType.PERCENT, "F"), "double", "Data:Percent"),
        (Field("F__c", FieldType.DATE, "F"), "long", "Data:DateOnly"),
        (Field("F__c", FieldType.DATETIME, "F"), "long", "Data:DateTime"),
        (Field("F__c", FieldType.TIME, "F"), "long", "Data:TimeOnly"),
    ],
)
def test_each_field_type_has_its_avro_type_and_doc(field, avro_type, doc):
    sobject = SObject("Visit__c", "Visit", "Visits", "a00", {"f__c": field})
    found = by_name(change_event_schema(sobject))["F__c"]

    assert (found["type"], found["doc"]) == (["null", avro_type], doc)


def test_created_date_has_a_doc_of_its_own(schema):
    assert by_name(change_event_schema(schema.object("Task")))["CreatedDate"]["doc"] == (
        "CreatedDate:DateTime"
    )


def test_the_name_of_a_lead_is_a_record_of_two_branches(schema):
    avro = change_event_schema(schema.object("Lead"))

    assert len(by_name(avro)["Name"]["type"]) == 2
    assert members(avro, "Name") == [
        ("Salutation", "string"),
        ("FirstName", "string"),
        ("LastName", "string"),
    ]


def test_the_name_of_an_account_has_three_branches(schema):
    union = by_name(change_event_schema(schema.object("Account")))["Name"]["type"]

    assert union[:2] == ["null", "string"]
    assert union[2]["name"] == "Switchable_PersonName"


def test_an_address_is_written_out_once_and_then_named(schema):
    avro = change_event_schema(schema.object("Account"))

    assert members(avro, "BillingAddress") == [
        ("Street", "string"),
        ("City", "string"),
        ("State", "string"),
        ("PostalCode", "string"),
        ("Country", "string"),
        ("Latitude", "double"),
        ("Longitude", "double"),
        ("GeocodeAccuracy", "string"),
    ]
    assert by_name(avro)["ShippingAddress"]["type"] == ["null", "Address"]
    assert not by_name(avro).keys() & {"BillingStreet", "ShippingCity"}


def test_a_custom_object_names_its_event_without_the_c():
    assert (event_name("Visit__c"), entity_of("Visit__ChangeEvent")) == (
        "Visit__ChangeEvent",
        "Visit__c",
    )


def test_a_schema_id_is_22_characters_and_the_same_in_every_org(schema):
    text = schema_json(change_event_schema(schema.object("Lead")))
    twin = schema_json(change_event_schema(standard_schema().object("Lead")))

    assert len(schema_id(text)) == 22
    assert schema_id(text) == schema_id(twin)


def test_a_schema_id_changes_when_a_field_is_added(schema):
    before = schema_id(schema_json(change_event_schema(schema.object("Lead"))))
    schema.put_field("Lead", custom("First__c", FieldType.DATETIME, 1))

    assert schema_id(schema_json(change_event_schema(schema.object("Lead")))) != before


def test_a_schema_holds_nothing_but_names_types_docs_and_defaults(schema):
    help_text = custom("First__c", FieldType.STRING, 1, help_text="Ask Jane", description="By Joe")
    schema.put_field("Lead", help_text)
    avro = json.loads(schema_json(change_event_schema(schema.object("Lead"))))

    assert {key for field in avro["fields"] for key in field} == {"name", "type", "doc", "default"}
    assert "J" not in by_name(avro)["First__c"]["doc"]
