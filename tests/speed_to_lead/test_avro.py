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
    for text in ("", "{}", "[]", '{"fields": 1}'):
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


def test_a_bitmap_that_is_none_makes_the_event_unreadable():
    data = made.payload(LEAD, made.event({"changedFields": ["0xXYZ"]}))
    with pytest.raises(EventUnreadable):
        Decoder(json.dumps(LEAD)).decode(data)


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
