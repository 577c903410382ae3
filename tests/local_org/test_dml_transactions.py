"""Calls are transactions: rows stand alone or together, go, come back, and tell the bus."""

from __future__ import annotations

import pytest

from local_org.ids import id18
from local_org.records.changes import ChangeKind
from local_org.schema.model import FieldType
from tests.local_org.caller import LEAD, Caller, custom, extend, listed, only_error

pytestmark = pytest.mark.documented(
    "REST API Developer Guide: sObject Collections, Upsert; facts/org-behaviour.md 1; "
    "pubsub-cdc.md 2.5, 2.6"
)

BAD = {"LastName": "Doe"}
ROLLED_BACK = "ALL_OR_NONE_OPERATION_ROLLED_BACK"


@pytest.fixture
def keyed(org):
    """Give Lead an external id that need not be unique."""
    extend(org, fields=[custom("Key__c", length=20, external_id=True, id_lookup=True)])


def codes(results):
    return [result.errors[0].code if result.errors else "" for result in results]


def kinds(commit):
    return [(change.entity, change.kind) for change in commit.changes]


# -- rows alone, rows together --------------------------------------------------------------------


def test_without_all_or_none_good_rows_stay_and_results_come_in_order(org, admin):
    results = org.insert(admin.session, [("Lead", LEAD), ("Lead", BAD), ("Lead", LEAD)])

    assert codes(results) == ["", "REQUIRED_FIELD_MISSING", ""]
    stored = {row["Id"] for row in admin.rows("SELECT Id FROM Lead")}
    assert stored == {results[0].id, results[2].id}


def test_with_all_or_none_one_bad_row_undoes_all(org, admin, commits):
    rows = [("Lead", LEAD), ("Lead", BAD), ("Account", {"Name": "ACME"})]
    results = org.insert(admin.session, rows, all_or_none=True)

    assert codes(results) == [ROLLED_BACK, "REQUIRED_FIELD_MISSING", ROLLED_BACK]
    assert [result.id for result in results] == [None] * 3
    assert admin.rows("SELECT Id FROM Lead") == []
    assert commits == []


def test_an_update_of_all_or_none_leaves_every_record_as_it_was(org, admin):
    lead = admin.create()
    rows = [("Lead", lead, {"Company": "New"}), ("Lead", lead, {"LastName": ""})]
    results = org.update(admin.session, rows, all_or_none=True)

    assert codes(results) == [ROLLED_BACK, "REQUIRED_FIELD_MISSING"]
    assert admin.read("Lead", lead, "Company") == "ACME"


def test_a_unit_of_several_calls_is_one_transaction(org, admin, commits):
    with org.unit(admin.session):
        lead = admin.create()
        admin.change("Lead", lead, Company="New")
        admin.create("Task", WhoId=lead)

    [commit] = commits
    assert kinds(commit) == [("Lead", ChangeKind.CREATE), ("Task", ChangeKind.CREATE)]
    assert commit.changes[0].after["Company"] == "New"


def test_a_unit_that_raises_leaves_nothing(org, admin, commits):
    def fail():
        with org.unit(admin.session):
            admin.create()
            raise TimeoutError

    with pytest.raises(TimeoutError):
        fail()

    assert admin.rows("SELECT Id FROM Lead") == []
    assert commits == []
    assert admin.create()


# -- upsert ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("keyed")
def test_an_upsert_creates_what_its_key_does_not_find_and_changes_what_it_does(org, admin):
    first = org.upsert(admin.session, "lead", "key__c", [LEAD | {"Key__c": "a"}])
    rows = [{"Key__c": "A", "Company": "New"}, LEAD | {"Key__c": "b"}]
    second = org.upsert(admin.session, "Lead", "Key__c", rows)

    assert [r.created for r in (*first, *second)] == [True, False, True]
    assert second[0].id == first[0].id
    assert admin.read("Lead", first[0].id, "Company") == "New"


@pytest.mark.usefixtures("keyed")
def test_a_key_that_several_records_have_is_no_key(org, admin):
    ids = [admin.create(**LEAD, Key__c="a") for _ in range(2)]
    error = only_error(org.upsert(admin.session, "Lead", "Key__c", [LEAD | {"Key__c": "a"}]))

    assert (error.code, error.status) == ("DUPLICATE_EXTERNAL_ID", 300)
    assert all(record_id in error.message for record_id in ids)


@pytest.mark.usefixtures("keyed")
def test_a_key_named_twice_in_one_call_is_refused_in_both_rows(org, admin):
    rows = [LEAD | {"Key__c": "a"}, LEAD | {"Key__c": "A"}, LEAD]
    results = org.upsert(admin.session, "Lead", "Key__c", rows)

    assert codes(results) == ["DUPLICATE_VALUE", "DUPLICATE_VALUE", "MISSING_ARGUMENT"]


def test_an_upsert_by_id_changes_or_creates(org, admin):
    lead = admin.create()
    rows = [{"Id": lead, "Company": "New"}, dict(LEAD)]
    changed, created = org.upsert(admin.session, "Lead", "Id", rows)

    assert (changed.id, changed.created, created.created) == (lead, False, True)


def test_an_upsert_needs_an_external_id(org, admin):
    refused = pytest.raises(Exception, match="INVALID_FIELD")
    with refused:
        org.upsert(admin.session, "Lead", "Company", [LEAD])
    with refused:
        org.upsert(admin.session, "Lead", "Nope__c", [LEAD])


# -- deleting -------------------------------------------------------------------------------------


def test_a_deleted_record_lies_in_the_recycle_bin(org, admin):
    lead = admin.create()
    admin.delete(lead)

    assert admin.rows("SELECT Id FROM Lead") == []
    assert admin.rows("SELECT Id FROM Lead WHERE IsDeleted = true", all_rows=True)
    assert org.retrieve(admin.session, "Lead", [lead], ["Id"]) == [None]
    assert only_error(org.delete(admin.session, [lead])).code == "ENTITY_IS_DELETED"


def test_what_does_not_exist_cannot_be_deleted(org, admin):
    results = org.delete(admin.session, ["00Q00000000zzzz", "x", "zzz00000000zzzz"])

    assert codes(results) == [
        "INVALID_CROSS_REFERENCE_KEY",
        "MALFORMED_ID",
        "INVALID_CROSS_REFERENCE_KEY",
    ]


def test_activities_go_and_come_back_with_their_lead(org, admin, commits):
    lead = admin.create()
    task, gone = admin.create("Task", WhoId=lead), admin.create("Task", WhoId=lead)
    admin.delete(gone)
    admin.delete(lead)
    assert admin.rows("SELECT Id FROM Task") == []
    assert kinds(commits[-1]) == [("Task", ChangeKind.DELETE), ("Lead", ChangeKind.DELETE)]

    assert all(result.success for result in org.undelete(admin.session, [lead]))
    assert [row["Id"] for row in admin.rows("SELECT Id FROM Task")] == [task]
    assert kinds(commits[-1]) == [("Lead", ChangeKind.UNDELETE), ("Task", ChangeKind.UNDELETE)]


def test_only_what_lies_in_the_bin_comes_back(org, admin):
    lead = admin.create()
    group = admin.create("Group", Name="G", Type="Regular")
    admin.delete(group)

    assert only_error(org.undelete(admin.session, [lead])).code == "UNDELETE_FAILED"
    assert only_error(org.undelete(admin.session, [group])).code == "INVALID_CROSS_REFERENCE_KEY"


def test_a_child_may_forbid_the_deletion_of_its_parent(org, admin):
    account = admin.create("Account", Name="ACME")
    contact = admin.create("Contact", LastName="Doe", AccountId=account)
    case = admin.create("Case", ContactId=contact)
    error = only_error(org.delete(admin.session, [account]))

    assert error.code == "DELETE_FAILED"
    assert case in error.message
    assert admin.read("Contact", contact, "IsDeleted") is False


@pytest.mark.inferred(
    "a cleared lookup is not restored with its parent here; settled by: delete and undelete the "
    "parent of a custom lookup"
)
def test_a_custom_lookup_is_cleared_when_its_parent_goes(org, admin, commits):
    lookup = custom(
        "Account__c", FieldType.REFERENCE, reference_to=("Account",), relationship_name="Account__r"
    )
    extend(org, fields=[lookup])
    account = admin.create("Account", Name="ACME")
    lead = admin.create(**LEAD, Account__c=account)
    admin.delete(account)

    assert admin.read("Lead", lead, "Account__c") is None
    assert kinds(commits[-1]) == [("Lead", ChangeKind.UPDATE), ("Account", ChangeKind.DELETE)]


def test_one_refused_deletion_of_all_or_none_undoes_the_others(org, admin):
    lead = admin.create()
    results = org.delete(admin.session, [lead, "00Q00000000zzzz"], all_or_none=True)

    assert codes(results) == [ROLLED_BACK, "INVALID_CROSS_REFERENCE_KEY"]
    assert admin.read("Lead", lead, "IsDeleted") is False


# -- what the bus is told -------------------------------------------------------------------------


def test_a_call_is_one_commit_with_one_key_and_a_rising_number(org, admin, commits):
    org.insert(admin.session, [("Lead", LEAD), ("Lead", LEAD)])
    admin.create()

    assert [len(commit.changes) for commit in commits] == [2, 1]
    assert commits[0].number < commits[1].number
    assert commits[0].transaction_key != commits[1].transaction_key
    assert [len(part) for part in commits[0].transaction_key.split("-")] == [8, 4, 4, 4, 12]


def test_a_commit_tells_who_wrote_when_and_by_what(org, commits):
    caller = Caller(org, "rep1@local.test", client="first")
    token = caller.session.token
    org.insert(org.session(token), [("Lead", LEAD)])
    org.insert(org.session(token, "bulkapi/66.0", "second"), [("Lead", LEAD)])

    assert [commit.origin for commit in commits] == [
        "com/salesforce/api/rest/66.0;client=first",
        "com/salesforce/api/bulkapi/66.0;client=second",
    ]
    assert {commit.user_id for commit in commits} == {caller.id}
    assert commits[0].at == org.clock.second()


def test_an_update_tells_the_fields_whose_value_differs(org, admin, commits):
    lead = admin.create(**LEAD, Title="CTO")
    org.clock.run(0)
    admin.change("Lead", lead, Title="CTO", Company="New")
    [change] = commits[-1].changes

    assert change.changed == {"Company"}
    assert (change.before["Company"], change.after["Company"]) == ("ACME", "New")


def test_a_rewrite_in_the_same_second_tells_nothing(admin, commits):
    lead = admin.create()
    admin.change("Lead", lead, **LEAD)

    assert len(commits) == 1


def test_changes_of_one_record_in_one_transaction_collapse(org, admin, commits):
    lead = admin.create()
    org.update(admin.session, [("Lead", lead, {"Title": "A"}), ("Lead", lead, {"Title": "B"})])
    with org.unit(admin.session):
        admin.delete(admin.create())

    assert len(commits) == 2
    [change] = commits[-1].changes
    assert (change.before["Title"], change.after["Title"]) == (None, "B")


def test_setup_objects_make_no_events(org, admin):
    member = (
        '<PlatformEventChannelMember xmlns="http://soap.sforce.com/2006/04/metadata">'
        "<eventChannel>ChangeEvents</eventChannel><selectedEntity>LeadChangeEvent</selectedEntity>"
        "</PlatformEventChannelMember>"
    )
    org.store.put_document("PlatformEventChannelMember", "Lead", member.encode())
    org.bus.channels_changed()
    before = org.bus.tip()
    admin.create("PermissionSet", Name="P", Label="P")
    assert org.bus.tip() == before

    admin.create()
    topic = org.bus.topic("/data/ChangeEvents")
    read = org.bus.read(topic, before, 10, org.access(admin.session))
    assert len(read.deliveries) == 1


def test_a_refused_row_leaves_no_event_of_itself(org, admin, commits):
    values = listed("A")
    extend(
        org, fields=[custom("P__c", FieldType.PICKLIST, picklist=values, restricted_picklist=True)]
    )
    org.insert(admin.session, [("Lead", LEAD | {"P__c": "B"})])

    assert commits == []


def test_ids_are_given_in_their_long_form(admin):
    lead = admin.create()

    assert lead == id18(lead[:15])
