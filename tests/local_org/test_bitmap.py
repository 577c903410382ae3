"""The field bitmaps of change events read and write as the platform's do, whatever their length."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_org.events import bitmap
from tests.local_org import masks

pytestmark = pytest.mark.documented("facts/pubsub-cdc.md 2.4 and golden vectors B1-B7, E1-E5")

ADDRESS_MEMBERS = ("Street", "City", "State", "PostalCode", "Country")


def nullable(name: str, *branches: Any) -> dict[str, Any]:
    return {"name": name, "type": ["null", *branches]}


def record(name: str, members: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [nullable(m, "string") for m in members]}


def event_schema(size: int, special: dict[int, dict[str, Any]]) -> dict[str, Any]:
    plain = [nullable(f"Field{n}", "string") for n in range(size)]
    return {"fields": [special.get(n, plain[n]) for n in range(size)]}


ACCOUNT_2026 = event_schema(
    86,
    {
        1: nullable("Name", "string", record("Switchable_PersonName", ("FirstName", "LastName"))),
        4: nullable("BillingAddress", record("Address", ADDRESS_MEMBERS)),
        6: nullable("ShippingAddress", "Address"),
        23: nullable("LastModifiedDate", "long"),
    },
)


def test_a_nested_entry_names_a_member_of_a_record_defined_elsewhere():
    names = masks.names(ACCOUNT_2026, ["0x800000", "6-0x01"])

    assert names == ["LastModifiedDate", "ShippingAddress.Street"]


def test_a_top_level_bit_names_a_field_of_three_branches():
    assert masks.names(ACCOUNT_2026, ["0x800002"]) == ["Name", "LastModifiedDate"]


def test_a_member_of_a_three_branch_union_is_found():
    assert masks.names(ACCOUNT_2026, ["1-0x02"]) == ["Name.LastName"]


def test_the_documented_pair_of_masks_reads_as_documented():
    assert masks.decode(["0x400000", "4-0x01"]) == [(22, None), (4, 0)]


def test_the_documented_lead_conversion_names_its_seven_fields():
    assert [n for n, _ in masks.decode(["0x08F81000"])] == [12, 19, 20, 21, 22, 23, 27]


def test_several_nested_entries_stand_in_one_list():
    top = [(n, None) for n in (5, 6, 7, 10, 24, 26, 29, 30)]

    assert masks.decode(["0x650004E0", "4-0x10", "7-0x06"]) == [*top, (4, 4), (7, 1), (7, 2)]


def test_odd_digit_counts_and_lower_case_are_read():
    expected = [(6, None), (7, None), (8, None), (1, 1)]

    assert masks.decode(["0x1C0", "1-0x2"]) == expected
    assert masks.decode(["0x1c0", "1-0x2"]) == expected


def test_an_empty_list_names_nothing():
    assert masks.decode([]) == []
    assert bitmap.encode([]) == []


def test_a_list_may_hold_nested_entries_only():
    assert masks.names(ACCOUNT_2026, ["6-0x03"]) == [
        "ShippingAddress.Street",
        "ShippingAddress.City",
    ]


def test_bits_beyond_the_schema_are_passed_over():
    assert masks.names(event_schema(3, {}), ["0x0E", "1-0x01", "2-0xFF"]) == ["Field1", "Field2"]


def top(*bits: int) -> list[bitmap.Slot]:
    return [(bit, None) for bit in bits]


@pytest.mark.parametrize(
    ("slots", "entries"),
    [
        (top(12, 19, 20, 21, 22, 23, 27), ["0x08F81000"]),
        (top(12, 17, 27), ["0x08021000"]),
        (top(27, 42, 43), ["0x0C0008000000"]),
        (top(1, 23), ["0x800002"]),
        ([(4, 0)], ["4-0x01"]),
        ([(7, 1), (12, None), (4, 0)], ["0x1000", "4-0x01", "7-0x02"]),
    ],
)
def test_masks_are_upper_case_whole_bytes_with_the_top_level_first(slots, entries):
    assert bitmap.encode(slots) == entries


@given(
    st.sets(
        st.tuples(st.integers(0, 300), st.none())
        | st.tuples(st.integers(0, 300), st.integers(0, 70))
    )
)
def test_decoding_returns_exactly_what_was_encoded(slots):
    assert set(masks.decode(bitmap.encode(slots))) == slots
