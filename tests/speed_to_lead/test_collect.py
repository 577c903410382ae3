"""A batch asks for exactly the records that its changes can have made a difference to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from speed_to_lead.changes import Batch, Change, ChangeKind
from speed_to_lead.ids import ReplayId, contact_id, event_id, lead_id, task_id, user_id
from speed_to_lead.pipeline.collect import Conversion, Handover, Hole, collect
from speed_to_lead.policy import Clock

AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
LEAD = lead_id("00Q000000000001")
TASK = task_id("00T000000000001")
REP = user_id("005000000000001")
MEETING, CONTACT = event_id("00U000000000001"), contact_id("003000000000001")
OURS = "com/salesforce/api/rest/66.0;client=speed-to-lead"


def change(entity, kind, *ids, changed=(), origin="", at=AT, user=REP, **fields):
    return Change(
        entity,
        ids,
        ChangeKind(kind),
        fields,
        frozenset(changed),
        at,
        user,
        origin,
        "t-1",
        ReplayId(b"1"),
    )


def wanted(*changes):
    return collect([Batch("/data/X__chn", ReplayId(b"1"), changes)], "speed-to-lead")


def test_a_new_lead_arrives_with_the_owner_it_was_created_with():
    arrival = wanted(change("Lead", "CREATE", LEAD, OwnerId=REP)).arrivals[LEAD]
    assert (arrival.owner_id, arrival.at, arrival.snapshot) == (REP, AT, False)


def test_a_gap_tells_of_a_new_lead_without_its_owner():
    assert wanted(change("Lead", "GAP_CREATE", LEAD)).arrivals[LEAD].owner_id is None


def test_o12_our_own_hand_over_counts_for_its_time_and_for_nothing_else():
    found = wanted(
        change(
            "Lead",
            "UPDATE",
            LEAD,
            changed=["OwnerId", "First_Response_At__c"],
            origin=OURS,
            OwnerId=REP,
        )
    )
    assert found.handovers == {LEAD: [Handover(REP, AT)]}
    assert not found.stale_leads


def test_a_stamp_that_somebody_else_wrote_makes_what_we_know_stale():
    found = wanted(
        change("Lead", "UPDATE", LEAD, changed=["First_Response_At__c"], origin="x;client=other")
    )
    assert found.stale_leads.keys() == {LEAD}


def test_n20_a_change_of_status_or_of_other_fields_asks_for_nothing():
    found = wanted(
        change("Lead", "UPDATE", LEAD, changed=["Description"]),
        change("Lead", "UPDATE", LEAD, changed=["Status"], Status="Working - Contacted"),
        change("FeedItem", "CREATE", "0D5000000000001AAA"),
        change("Task", "UPDATE", TASK, changed=["Description", "LastModifiedDate"]),
    )
    assert not found


def test_o09_a_gap_asks_for_the_record_as_the_whole_event_does():
    gap, whole = (
        wanted(change("Task", kind, TASK, IsClosed=True)) for kind in ("GAP_CREATE", "CREATE")
    )
    assert gap.tasks == whole.tasks


CLOCK = Clock(start=("Inquiry_At__c", "CreatedDate"), reopening_statuses=("Open",))


@pytest.mark.parametrize(
    ("changed", "fields", "expected"),
    [
        (["Inquiry_At__c"], {"Inquiry_At__c": 1_772_449_200_000}, {AT + timedelta(hours=1)}),
        (["Status"], {"Status": "Open"}, {AT}),
        (["Status"], {"Status": "Working - Contacted"}, set()),
    ],
)
def test_a_form_filled_in_again_and_a_lead_opened_again_are_new_inquiries(
    changed, fields, expected
):
    batch = Batch("", ReplayId(b""), (change("Lead", "UPDATE", LEAD, changed=changed, **fields),))
    assert collect([batch], "speed-to-lead", CLOCK).inquiries.get(LEAD, set()) == expected


def test_a_lead_is_closed_and_opened_by_its_status():
    clock = Clock(closed_statuses=("Closed - Not Converted",))
    for status, closed in (("Closed - Not Converted", AT), ("Open", None)):
        told = change("Lead", "UPDATE", LEAD, changed=["Status"], Status=status)
        found = collect([Batch("", ReplayId(b""), (told,))], "speed-to-lead", clock)
        assert found.closed == {LEAD: closed}


def test_a_conversion_tells_when_by_whom_and_into_what():
    told = change(
        "Lead",
        "UPDATE",
        LEAD,
        changed=["IsConverted"],
        IsConverted=True,
        ConvertedContactId=CONTACT,
    )
    assert wanted(told).converted == {LEAD: Conversion(AT, REP, CONTACT)}


@pytest.mark.parametrize(
    ("kind", "asked"), [("CREATE", True), ("UPDATE", False), ("DELETE", False)]
)
def test_a_meeting_is_asked_for_when_it_is_booked(kind, asked):
    found = wanted(change("Event", kind, MEETING, changed=["StartDateTime"]))
    assert (MEETING in found.meetings) is asked
    assert (MEETING in found.gone_records) is (kind == "DELETE")


def test_who_closed_a_task_and_when_is_kept_from_its_event():
    closed = wanted(change("Task", "UPDATE", TASK, changed=["IsClosed"], IsClosed=True)).closings[
        TASK
    ]
    assert (closed.user, closed.at) == (REP, AT)


def test_an_open_task_has_no_closing():
    assert not wanted(change("Task", "CREATE", TASK, IsClosed=False)).closings


@pytest.mark.parametrize("kind", ["DELETE", "GAP_DELETE"])
def test_a_deleted_task_is_withdrawn_and_not_read(kind):
    found = wanted(change("Task", "CREATE", TASK, IsClosed=True), change("Task", kind, TASK))
    assert found.gone_records.keys() == {TASK}
    assert not found.tasks


def test_an_undeleted_task_is_read_again():
    found = wanted(change("Task", "DELETE", TASK), change("Task", "UNDELETE", TASK))
    assert not found.gone_records
    assert TASK in found.tasks


@pytest.mark.parametrize(
    ("kind", "ids"), [("UPDATE", ("00Q*",)), ("GAP_OVERFLOW", ("000000000000000AAA",))]
)
def test_o11_what_the_org_cannot_name_is_queried_again(kind, ids):
    found = wanted(change("Lead", kind, *ids))
    assert found.holes == [Hole("Lead", AT)]
    assert not found


def test_a_mail_that_is_sent_later_takes_the_time_of_the_sending():
    mail = "02s000000000001AAA"
    later = AT + timedelta(minutes=15)
    found = wanted(
        change("EmailMessage", "CREATE", mail, Status="5"),
        change("EmailMessage", "UPDATE", mail, changed=["Status"], at=later, Status="3"),
    )
    [cause] = found.emails.values()
    assert cause.at == later


def test_a_mail_that_a_query_of_the_past_found_first_has_the_time_of_its_event():
    mail = "02s000000000001AAA"
    window = AT - timedelta(minutes=10)
    found = wanted(
        change("EmailMessage", "SNAPSHOT", mail, at=window),
        change("EmailMessage", "CREATE", mail, Status="3"),
    )
    [cause] = found.emails.values()
    assert (cause.at, cause.snapshot) == (AT, False)


@pytest.mark.parametrize(
    ("changed", "fields", "stale"),
    [
        (["First_Response_Source__c"], {"First_Response_Source__c": "Preexisting"}, True),
        (["First_Response_Source__c"], {"First_Response_Source__c": "Call"}, False),
        (
            ["Response_Clock_Started_At__c"],
            {"Response_Clock_Started_At__c": 1_772_449_200_000},
            True,
        ),
    ],
)
def test_what_rests_on_a_clock_is_looked_at_again_even_under_our_own_name(changed, fields, stale):
    found = wanted(change("Lead", "UPDATE", LEAD, changed=changed, origin=OURS, **fields))
    assert (LEAD in found.stale_leads) is stale
