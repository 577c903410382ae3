"""A change event decodes to what fastavro reads; whatever is cut, long or wrong is unreadable, never else."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speed_to_lead.avro import Decoder
from speed_to_lead.errors import EventUnreadable
from tests.speed_to_lead import change_events as made

INT, LONG = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
VALUES = {
    "string": st.text(max_size=80),
    "int": INT,
    "long": LONG,
    "double": st.floats(allow_nan=False),
    "boolean": st.booleans(),
}
LEAD = made.lead_schema(made.optional("First_Response_At__c", "long"))


@st.composite
def events(draw):
    """A schema of the change-event shape, and a value of it."""
    kinds = draw(st.lists(st.sampled_from([*VALUES, "record"]), max_size=12))
    fields, value = [], {}
    for number, kind in enumerate(kinds):
        name = f"F{number}"
        if kind == "record":
            fields.append(made.optional(name, made.record(f"R{number}", A="string", B="double")))
            content: st.SearchStrategy[Any] = st.fixed_dictionaries(
                {}, optional={"A": VALUES["string"], "B": VALUES["double"]}
            )
        else:
            fields.append(made.optional(name, kind))
            content = VALUES[kind]
        if draw(st.booleans()):
            value[name] = draw(content)
    header = {
        "recordIds": draw(st.lists(st.text(max_size=20), max_size=3)),
        "changeType": draw(st.sampled_from(made.KINDS)),
        "commitTimestamp": draw(LONG),
        "sequenceNumber": draw(INT),
    }
    return made.schema(*fields), made.event(header, **value)


@given(events())
def test_the_sparse_way_gives_what_fastavro_gives(drawn):
    schema, value = drawn
    decoder, data = Decoder(json.dumps(schema)), made.payload(schema, value)
    assert decoder.sparse
    decoded, header = decoder.decode(data), value["ChangeEventHeader"]
    expected = made.by_fastavro(schema, data)
    expected.pop("ChangeEventHeader")
    assert decoded.fields == made.without_nulls(expected)
    assert (decoded.ids, decoded.kind) == (tuple(header["recordIds"]), header["changeType"])
    assert decoded.committed_ms == header["commitTimestamp"]
    assert decoded.sequence == header["sequenceNumber"]


@given(events(), st.data())
def test_a_cut_event_is_unreadable_and_nothing_else(drawn, data):
    schema, value = drawn
    payload = made.payload(schema, value)
    end = data.draw(st.integers(0, len(payload) - 1))
    with pytest.raises(EventUnreadable):
        Decoder(json.dumps(schema)).decode(payload[:end])


@given(events(), st.binary(min_size=1, max_size=3))
def test_bytes_behind_an_event_make_it_unreadable(drawn, more):
    schema, value = drawn
    with pytest.raises(EventUnreadable):
        Decoder(json.dumps(schema)).decode(made.payload(schema, value) + more)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_unreadable_but_never_a_bug(data):
    decoder = Decoder(json.dumps(LEAD))
    with suppress(EventUnreadable):
        decoder.decode(data)


SMALL = made.schema(
    made.optional("A", "string"), made.optional("B", "boolean"), made.optional("C", "long")
)
AS_SMALL = made.payload(SMALL, made.event())[:-3]
"""The header of an event of three fields, none of which follows yet."""


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\x04\x00\x00\x00", id="a branch that the union lacks"),
        pytest.param(b"\x01\x00\x00\x00", id="a negative branch"),
        pytest.param(b"\x82\x00\x02a\x00\x00", id="a branch in two bytes"),
        pytest.param(b"\x02\x01\x00\x00", id="a negative length"),
        pytest.param(b"\x02\x09abcd\x00\x00", id="a negative length that would fit"),
        pytest.param(b"\x02\x04\xff\xfe\x00\x00", id="no UTF-8"),
        pytest.param(b"\x00\x02\x02\x00", id="a boolean of two"),
        pytest.param(b"\x00\x00\x02" + b"\x80" * 10 + b"\x01", id="a number of eleven bytes"),
        pytest.param(b"\x00\x00\x02" + b"\xff" * 9 + b"\x02", id="a number of 65 bits"),
        pytest.param(b"\x00\x00\x00\x00", id="a field too many"),
        pytest.param(b"\x00\x00", id="a field too few"),
    ],
)
def test_what_the_schema_does_not_allow_is_unreadable(body):
    with pytest.raises(EventUnreadable):
        Decoder(json.dumps(SMALL)).decode(AS_SMALL + body)


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 0, -1, 63, 64, -64, -65])
def test_a_number_of_64_bits_is_read_whole(number):
    data = made.payload(SMALL, made.event(C=number))
    assert Decoder(json.dumps(SMALL)).decode(data).fields == {"C": number}


def test_a_kind_that_the_schema_does_not_have_is_unreadable():
    data = made.payload(SMALL, made.event({"changeType": "SNAPSHOT"}))
    kind = data.index(b"\x00\x12") + 1
    for wrong in (b"\x14", b"\x01"):
        with pytest.raises(EventUnreadable):
            Decoder(json.dumps(SMALL)).decode(data[:kind] + wrong + data[kind + 1 :])


@given(st.data())
def test_a_changed_byte_gives_what_the_reference_reads_or_nothing(data):
    """A flipped byte may make another event, but never one that the reference reads otherwise."""
    value = made.event(A="text", B=True, C=1771300995000)
    payload = bytearray(made.payload(SMALL, value))
    position = data.draw(st.integers(0, len(payload) - 1))
    payload[position] = data.draw(st.integers(0, 255))
    with suppress(EventUnreadable):
        decoded = Decoder(json.dumps(SMALL)).decode(bytes(payload))
        expected = made.by_fastavro(SMALL, bytes(payload))
        header = expected.pop("ChangeEventHeader")
        assert decoded.fields == made.without_nulls(expected)
        assert (decoded.entity, decoded.kind, decoded.user, decoded.commit_number) == (
            header["entityName"],
            header["changeType"],
            header["commitUser"],
            header["commitNumber"],
        )


def test_an_array_in_blocks_that_tell_their_size_is_read():
    ids = b"\x03\x08\x02a\x02b\x02\x02c\x00"
    plain = made.payload(SMALL, made.event({"recordIds": []}, A="x"))
    entity = len(b"\x08Lead")
    data = plain[:entity] + ids + plain[entity + 1 :]
    assert Decoder(json.dumps(SMALL)).decode(data).ids == ("a", "b", "c")
    assert made.by_fastavro(SMALL, data)["ChangeEventHeader"]["recordIds"] == ["a", "b", "c"]


USERS = made.schema(
    made.optional("Username", "string"),
    {"name": "UserPreferences", "type": made.TEXTS, "default": []},
    entity="User",
)


@given(st.none() | st.text(), st.lists(st.text(), max_size=3), st.data())
def test_the_other_way_gives_the_same_and_is_as_strict(username, preferences, data):
    decoder = Decoder(json.dumps(USERS))
    fields = made.without_nulls({"Username": username, "UserPreferences": preferences})
    payload = made.payload(USERS, made.event(**fields))
    assert not decoder.sparse
    assert decoder.decode(payload).fields == fields
    with pytest.raises(EventUnreadable):
        decoder.decode(payload[: data.draw(st.integers(0, len(payload) - 1))])


def test_a_schema_of_another_shape_goes_by_fastavro():
    preferences = {"name": "UserPreferences", "type": made.TEXTS, "default": []}
    schema = made.schema(made.optional("Username", "string"), preferences, entity="User")
    decoder = Decoder(json.dumps(schema))
    data = made.payload(schema, made.event(Username="a", UserPreferences=["b"]))
    assert not decoder.sparse
    assert decoder.decode(data).fields == {"Username": "a", "UserPreferences": ["b"]}
    with pytest.raises(EventUnreadable):
        decoder.decode(data + b"\0")


def test_what_is_no_schema_is_unreadable():
    for text in ("", "{}", "[]", '{"fields": 1}', '{"fields": [{}]}', "[" * 100_000):
        with pytest.raises(EventUnreadable):
            Decoder(text)


# -- bitmaps --------------------------------------------------------------------------------------

WIDE = made.lead_schema(*(made.optional(f"C{n}__c", "string") for n in range(60)))


@pytest.mark.parametrize(
    ("entries", "names"),
    [
        pytest.param([], set(), id="B7"),
        pytest.param(
            ["0x08F81000"],
            {
                "Status",
                "IsConverted",
                "ConvertedDate",
                "ConvertedAccountId",
                "ConvertedContactId",
                "ConvertedOpportunityId",
                "LastModifiedDate",
            },
            id="B4",
        ),
        pytest.param(["0x08021000"], {"Status", "OwnerId", "LastModifiedDate"}, id="E2"),
        pytest.param(["0x0C0008000000"], {"LastModifiedDate", "C0__c", "C1__c"}, id="E3"),
        pytest.param(["4-0x01"], {"Address", "Address.Street"}, id="E5, nested alone"),
        pytest.param(["0x1000", "1-0x4"], {"Status", "Name", "Name.LastName"}, id="odd digits"),
        pytest.param(
            ["0x08021000".lower()], {"Status", "OwnerId", "LastModifiedDate"}, id="lower case"
        ),
        pytest.param([f"0x{1 << 100:X}"], {"C58__c"}, id="beyond 64 bits"),
        pytest.param([f"0x{1 << 500:X}"], set(), id="beyond the schema"),
    ],
)
def test_a_bitmap_names_the_fields_that_changed(entries, names):
    data = made.payload(WIDE, made.event({"changedFields": entries}))
    assert Decoder(json.dumps(WIDE)).decode(data).changed == names


@pytest.mark.parametrize(
    "entry", ["0xXYZ", "0x", "", "12", "x-0x1", "-0x1", "-5-0x1", "1_0-0x1", " 0x1", "0x1-0x1"]
)
@pytest.mark.parametrize("bitmap", ["changedFields", "nulledFields", "diffFields"])
def test_a_bitmap_that_is_none_makes_the_event_unreadable(entry, bitmap):
    data = made.payload(LEAD, made.event({bitmap: [entry]}))
    with pytest.raises(EventUnreadable):
        Decoder(json.dumps(LEAD)).decode(data)


def test_components_are_named_through_a_reference_and_past_a_plain_branch():
    """B1 and B6: an address defined by another field, and a name of three branches."""
    address = made.record("Address", Street="string", City="string")
    name = made.record("Switchable_PersonName", FirstName="string", LastName="string")
    schema = made.schema(
        made.optional("Name", "string", name),
        made.optional("BillingAddress", address),
        made.optional("ShippingAddress", "com.sforce.eventbus.Address"),
        entity="Account",
    )
    bits = {"changedFields": ["0x08", "1-0x2", "3-0x01"]}
    fields = {"Name": {"FirstName": "Jo"}, "ShippingAddress": {"Street": "1 Main"}}
    event = Decoder(json.dumps(schema)).decode(made.payload(schema, made.event(bits, **fields)))
    assert event.fields == fields
    assert event.changed == {
        "ShippingAddress",
        "ShippingAddress.Street",
        "Name",
        "Name.LastName",
    }


def test_the_golden_payload_decodes_to_its_value():
    person = made.record("PersonName", Salutation="string", FirstName="string", LastName="string")
    schema = made.schema(
        made.optional("Name", person),
        made.optional("Company", "string"),
        made.optional("Status", "string"),
        made.optional("AnnualRevenue", "double"),
        made.optional("NumberOfEmployees", "int"),
        made.optional("IsConverted", "boolean"),
        made.optional("LastModifiedDate", "long"),
        made.optional("OwnerId", "string"),
    )
    event = Decoder(json.dumps(schema)).decode(bytes.fromhex(GOLDEN))
    assert (event.entity, event.kind, event.ids) == ("Lead", "UPDATE", ("00Q000000000001EAA",))
    assert event.nulled == {"Company"}
    assert event.changed == {
        "Company",
        "Status",
        "LastModifiedDate",
        "OwnerId",
        "Name",
        "Name.LastName",
    }
    assert event.fields == {
        "Name": {"LastName": "Doe"},
        "Status": "Working",
        "LastModifiedDate": 1771300995000,
        "OwnerId": "00G000000000001EAA",
    }


GOLDEN = (
    "084c6561640224303051303030303030303030303031454141000262636f6d2f73616c6573666f7263652f6170692f"
    "726573742f36362e303b636c69656e743d73706565642d746f2d6c6561640c303030302d3102f0fea19c8d67c8989d"
    "c1e2ca05243030353030303030303030303030314141410208307830340000040c3078303138430c312d3078303400"
    "0200000206446f6500020e576f726b696e6700000002f0fea19c8d670224303047303030303030303030303031454141"
)
