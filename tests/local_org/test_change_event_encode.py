"""A change is written byte for byte as a real org does, and shows nothing the user may not read."""

import io
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_org.events.avro_schema import change_event_schema
from local_org.events.encode import ChangeEventEncoder
from local_org.events.head import Transaction
from local_org.schema.model import Field, FieldType, SObject
from tests.local_org import masks

pytestmark = pytest.mark.documented("facts/pubsub-cdc.md 2.5, 2.6 and golden vectors H1, P1")

P1 = bytes.fromhex(
    "084c6561640224303051303030303030303030303031454141000262636f6d2f73616c6573666f7263652f6170"
    "692f726573742f36362e303b636c69656e743d73706565642d746f2d6c6561640c303030302d3102f0fea19c8d"
    "67c8989dc1e2ca05243030353030303030303030303030314141410208307830340000040c3078303138430c31"
    "2d30783034000200000206446f6500020e576f726b696e6700000002f0fea19c8d670224303047303030303030"
    "303030303031454141"
)


def text_field(name: str, **more: Any) -> Field:
    return Field(name, FieldType.STRING, name, **more)


def small_lead() -> SObject:
    """Make the object of P1: eight fields, unlike the Lead of a real org."""
    fields = [
        text_field("Name", name_field=True),
        text_field("Salutation", compound="Name"),
        text_field("FirstName", compound="Name"),
        text_field("LastName", compound="Name"),
        text_field("Company"),
        Field("Status", FieldType.PICKLIST, "Status"),
        Field("AnnualRevenue", FieldType.CURRENCY, "Annual Revenue"),
        Field("NumberOfEmployees", FieldType.INT, "Employees"),
        Field("IsConverted", FieldType.BOOLEAN, "Converted"),
        Field("LastModifiedDate", FieldType.DATETIME, "Last Modified Date"),
        Field("OwnerId", FieldType.REFERENCE, "Owner", reference_to=("User",)),
    ]
    return SObject("SmallLead", "Lead", "Leads", "00Q", {f.name.lower(): f for f in fields})


TRANSACTION: dict[str, Any] = {
    "committed_ms": 1771300995000,
    "number": 12279648331300,
    "key": "0000-1",
    "user_id": "005000000000001AAA",
    "origin": "com/salesforce/api/rest/66.0;client=speed-to-lead",
}


def payload_of(schema, kind, body, hidden=(), enriched=None, **more):
    """Return an event as one subscriber gets it: stored, and cut where it must be."""
    encoder = ChangeEventEncoder(schema)
    tail = encoder.tail(kind, body)
    if hidden or enriched:
        more_fields = encoder.encoded(enriched or {})
        tail = encoder.joined(encoder.parts(tail), encoder.slots(hidden), more_fields)
    entity, ids = more.pop("entity", "Lead"), more.pop("ids", ["00Q000000000001EAA"])
    return Transaction(**(TRANSACTION | more)).head(entity, ids, kind, 1) + tail


UPDATE = {
    "LastName": "Doe",
    "Company": None,
    "Status": "Working",
    "LastModifiedDate": 1771300995000,
    "OwnerId": "00G000000000001EAA",
}


@pytest.fixture
def schema():
    return change_event_schema(small_lead())


def read(schema, payload):
    found: Any = fastavro.schemaless_reader(
        io.BytesIO(payload), fastavro.parse_schema(schema), None
    )
    return found["ChangeEventHeader"], {
        name: value
        for name, value in found.items()
        if value is not None and name != "ChangeEventHeader"
    }


def test_an_update_is_written_byte_for_byte_as_in_p1(schema):
    assert payload_of(schema, "UPDATE", UPDATE) == P1


def test_an_update_holds_the_changed_fields_and_says_which_were_emptied(schema):
    header, body = read(schema, payload_of(schema, "UPDATE", UPDATE))

    assert masks.names(schema, header["nulledFields"]) == ["Company"]
    assert masks.names(schema, header["changedFields"]) == [
        "Company",
        "Status",
        "LastModifiedDate",
        "OwnerId",
        "Name.LastName",
    ]
    assert body == {
        "Name": {"Salutation": None, "FirstName": None, "LastName": "Doe"},
        "Status": "Working",
        "LastModifiedDate": 1771300995000,
        "OwnerId": "00G000000000001EAA",
    }


@pytest.mark.parametrize("kind", ["CREATE", "UNDELETE"])
def test_a_creation_holds_all_populated_fields_and_no_mask(schema, kind):
    populated = {"LastName": "Doe", "Company": "Acme", "IsConverted": 0, "AnnualRevenue": 5.0}

    header, body = read(schema, payload_of(schema, kind, populated))

    assert (header["changedFields"], header["nulledFields"]) == ([], [])
    assert body["Company"] == "Acme"
    assert body["IsConverted"] is False
    assert body["AnnualRevenue"] == 5.0
    assert body["Name"]["LastName"] == "Doe"


def test_a_deletion_holds_the_header_alone(schema):
    header, body = read(schema, payload_of(schema, "DELETE", {}))

    assert header["changeType"] == "DELETE"
    assert header["recordIds"] == ["00Q000000000001EAA"]
    assert body == {}


def test_a_hidden_field_is_null_and_in_no_mask(schema):
    hidden = frozenset({"Company", "Status", "LastName"})

    payload = payload_of(schema, "UPDATE", UPDATE, hidden)
    header, body = read(schema, payload)

    assert body == {"LastModifiedDate": 1771300995000, "OwnerId": "00G000000000001EAA"}
    assert masks.names(schema, header["changedFields"]) == ["LastModifiedDate", "OwnerId"]
    assert header["nulledFields"] == []


def test_an_enriched_field_is_filled_in_and_in_no_mask(schema):
    enriched = {"OwnerId": "005000000000002AAA", "Status": "Stale", "Company": "Refilled"}

    changed = {"Status": "Working", "Company": None}
    header, body = read(schema, payload_of(schema, "UPDATE", changed, (), enriched))

    assert body == {"OwnerId": "005000000000002AAA", "Status": "Working"}
    assert masks.names(schema, header["changedFields"]) == ["Company", "Status"]


def test_a_hidden_field_is_not_shown_by_enrichment(schema):
    enriched = {"Status": "New", "OwnerId": "005000000000002AAA"}
    payload = payload_of(schema, "DELETE", {}, {"Status"}, enriched)

    assert read(schema, payload)[1] == {"OwnerId": "005000000000002AAA"}


def test_a_compound_is_enriched_by_all_its_parts(schema):
    encoder = ChangeEventEncoder(schema)

    assert encoder.columns_of("Name") == {"Salutation", "FirstName", "LastName"}
    assert encoder.columns_of("Status") == {"Status"}
    assert encoder.columns_of("Time_to_First_Response__c") == frozenset()


def test_the_header_holds_the_captured_values_of_an_account_update():
    """H1: all of its values, under a schema in which B1 means what it meant in that org."""
    fillers = [f"Standard{n}" for n in range(7, 23)]
    names = ["Name", "Type", "ParentId", "BillingAddress", "Phone", "ShippingAddress", *fillers]
    kinds = {"BillingAddress": FieldType.ADDRESS, "ShippingAddress": FieldType.ADDRESS}
    fields = [Field(n, kinds.get(n, FieldType.STRING), n) for n in names]
    fields.append(Field("LastModifiedDate", FieldType.DATETIME, "Last Modified Date"))
    account = SObject("Account", "Account", "Accounts", "001", {f.name.lower(): f for f in fields})
    schema = change_event_schema(account)
    payload = payload_of(
        schema,
        "UPDATE",
        {"ShippingStreet": "1 Main St", "LastModifiedDate": 1771300995000},
        entity="Account",
        ids=["001Dp00000JJkkHIAT"],
        origin="com/salesforce/api/soap/66.0;client=SfdcInternalAPI/",
        key="00003adb-6942-447e-6033-9e8fe741230f",
        user_id="005Dp000000PpjsIAC",
        committed_ms=1771300995731,
    )

    header, body = read(schema, payload)

    assert header == {
        "entityName": "Account",
        "recordIds": ["001Dp00000JJkkHIAT"],
        "changeType": "UPDATE",
        "changeOrigin": "com/salesforce/api/soap/66.0;client=SfdcInternalAPI/",
        "transactionKey": "00003adb-6942-447e-6033-9e8fe741230f",
        "sequenceNumber": 1,
        "commitTimestamp": 1771300995000,
        "commitNumber": 12279648331300,
        "commitUser": "005Dp000000PpjsIAC",
        "nulledFields": [],
        "diffFields": [],
        "changedFields": ["0x800000", "6-0x01"],
    }
    assert body["ShippingAddress"]["Street"] == "1 Main St"
    assert body["LastModifiedDate"] == 1771300995000


def test_dates_and_times_are_milliseconds():
    fields = [
        Field("ActivityDate", FieldType.DATE, "Due Date"),
        Field("Opens__c", FieldType.TIME, "Opens", custom=True, field_id="00N000000000001EAA"),
    ]
    sobject = SObject("Visit__c", "Visit", "Visits", "a00", {f.name.lower(): f for f in fields})
    schema = change_event_schema(sobject)
    values = {"ActivityDate": "2026-02-17", "Opens__c": "09:30:00.000Z"}

    _, body = read(schema, payload_of(schema, "CREATE", values))

    assert body == {"ActivityDate": 1771286400000, "Opens__c": 34_200_000}


VALUES = {
    "Salutation": st.text(max_size=20),
    "FirstName": st.text(max_size=200),
    "LastName": st.text(max_size=70),
    "Company": st.text(),
    "Status": st.text(),
    "AnnualRevenue": st.floats(allow_nan=False),
    "NumberOfEmployees": st.integers(-(2**31), 2**31 - 1),
    "IsConverted": st.sampled_from([0, 1]),
    "LastModifiedDate": st.integers(-(2**62), 2**62),
    "OwnerId": st.just("005000000000001AAA"),
}


@settings(deadline=None)
@given(
    st.sampled_from(["CREATE", "UPDATE", "DELETE", "UNDELETE"]),
    st.fixed_dictionaries({}, optional={n: st.none() | v for n, v in VALUES.items()}),
)
def test_every_payload_is_what_fastavro_writes_of_the_same_values(kind, values):
    schema = change_event_schema(small_lead())
    payload = payload_of(schema, kind, values)
    parsed = fastavro.parse_schema(schema)
    event: Any = fastavro.schemaless_reader(io.BytesIO(payload), parsed, None)
    name = event["Name"] or {}
    again = io.BytesIO()
    fastavro.schemaless_writer(again, parsed, event)

    assert again.getvalue() == payload
    for column, value in values.items():
        assert (name if column in name else event).get(column) == value


@settings(deadline=None)
@given(
    st.sampled_from(["CREATE", "UPDATE"]),
    st.fixed_dictionaries({}, optional={n: st.none() | v for n, v in VALUES.items()}),
    st.sets(st.sampled_from(sorted(VALUES))),
    st.fixed_dictionaries({}, optional=VALUES),
)
def test_a_cut_event_is_what_would_have_been_written_without_the_hidden_fields(
    kind, values, hidden, enriched
):
    """Cutting stored bytes and writing only what is visible give the same bytes."""
    schema = change_event_schema(small_lead())
    encoder = ChangeEventEncoder(schema)
    seen = {column: value for column, value in values.items() if column not in hidden}
    more = {c: v for c, v in enriched.items() if c not in hidden}
    silent = {c: v for c, v in more.items() if values.get(c) is None}
    if kind == "UPDATE":
        silent = {c: v for c, v in silent.items() if c not in values}
    written = encoder.parts(encoder.tail(kind, seen))
    expected = encoder.joined(written, (), encoder.encoded(silent))

    stored = encoder.parts(encoder.tail(kind, values))
    cut = encoder.joined(stored, encoder.slots(hidden), encoder.encoded(enriched))

    assert cut == expected
    if not silent:
        assert cut == encoder.tail(kind, seen)
