"""The store keeps rows and documents in transactions, follows the schema, and forgets nothing."""

from __future__ import annotations

import pytest

from local_org.ids import record_id
from local_org.records.store import Store
from local_org.schema.model import FieldType
from local_org.schema.registry import standard_schema
from tests.local_org.caller import custom

pytestmark = pytest.mark.documented("design: storage is SQLite, in memory or in one file")

ID = record_id("00Q", 1)


@pytest.fixture
def store():
    store = Store(None, standard_schema())
    yield store
    store.close()


def test_a_row_comes_back_as_it_went_in(store):
    store.insert_row("Lead", {"Id": ID, "LastName": "Doe", "Latitude": 1.5})
    row = store.row("Lead", ID)

    assert (row["LastName"], row["Latitude"], row["Company"]) == ("Doe", 1.5, None)
    assert row["IsConverted"] == 0
    assert store.rows("Lead", [ID, record_id("00Q", 2)]) == {ID: row}
    assert store.row("Lead", record_id("00Q", 2)) is None


def test_a_transaction_that_raises_is_undone_and_a_nested_one_alone(store):
    def fail():
        with store.transaction():
            store.insert_row("Lead", {"Id": record_id("00Q", 2)})
            store.put_document("kind", "name", b"x")
            raise TimeoutError

    with store.transaction():
        store.insert_row("Lead", {"Id": ID})
        with pytest.raises(TimeoutError):
            fail()

    assert [row["Id"] for row in store.select("Lead")] == [ID]
    assert store.document("kind", "name") is None


def test_numbers_rise_from_one_for_each_name(store):
    assert [store.next_serial("a"), store.next_serial("a"), store.next_serial("b")] == [1, 2, 1]
    assert store.next_id("00Q") == ID


def test_documents_are_found_in_any_case_and_replaced(store):
    store.put_document("CustomField", "Lead.A__c", b"1", by="x")
    store.put_document("customfield", "LEAD.a__C", b"2")

    [document] = store.documents("CustomField")
    assert (document.body, document.meta) == (b"2", {})
    store.drop_document("CustomField", "lead.a__c")
    assert store.documents("CustomField") == []


def test_a_dropped_field_takes_its_values_with_it(store):
    schema = store.schema
    schema.put_field("Lead", custom("A__c", length=9))
    store.sync(schema)
    store.insert_row("Lead", {"Id": ID, "A__c": "x"})
    schema.drop_field("Lead", "A__c")
    store.sync(schema)
    schema.put_field("Lead", custom("A__c", length=9))
    store.sync(schema)

    assert store.row("Lead", ID)["A__c"] is None


def test_a_field_that_changes_its_type_keeps_what_the_new_type_can_hold(store):
    schema = store.schema
    schema.put_field("Lead", custom("A__c", length=9))
    store.sync(schema)
    store.insert_row("Lead", {"Id": ID, "A__c": "12"})
    schema.put_field("Lead", custom("A__c", FieldType.DOUBLE, precision=9))
    store.sync(schema)

    assert store.row("Lead", ID)["A__c"] == 12.0


def test_a_file_remembers_rows_documents_numbers_and_the_schema(tmp_path):
    path = tmp_path / "org.sqlite3"
    first = Store(path, standard_schema())
    changed = first.schema.copy()
    changed.put_field("Lead", custom("A__c", length=9))
    first.sync(changed)
    first.insert_row("Lead", {"Id": first.next_id("00Q"), "A__c": "x"})
    first.put_document("kind", "name", b"body", by="me")
    first.close()
    again = Store(path, standard_schema())

    assert again.rows("Lead", [ID])[ID]["A__c"] == "x"
    assert again.schema.object("Lead").fields["a__c"].length == 9
    assert [document.meta for document in again.documents("kind")] == [{"by": "me"}]
    assert again.next_id("00Q") == record_id("00Q", 2)
    again.close()


@pytest.mark.parametrize(
    ("write", "moves"),
    [
        (lambda s: s.insert_row("PermissionSet", {"Id": record_id("0PS", 1)}), True),
        (lambda s: s.insert_row("PermissionSetGroupComponent", {"Id": record_id("0PM", 1)}), True),
        (lambda s: s.insert_row("FieldPermissions", {"Id": record_id("01k", 1)}), True),
        (lambda s: s.insert_row("Lead", {"Id": ID}), False),
    ],
)
def test_the_permission_epoch_moves_with_what_decides_about_permissions(store, write, moves):
    before = store.permission_epoch
    write(store)

    assert (store.permission_epoch != before) is moves
