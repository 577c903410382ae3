"""The event bus keeps every selected change in commit order and shows each user only his share."""

import asyncio
from datetime import timedelta

import pytest

from local_org.events.bus import Bus, replay_id
from local_org.events.errors import BusError
from local_org.events.subscription import Replay, Subscription
from local_org.records.changes import ChangeKind, RecordChange
from local_org.records.store import Store
from local_org.schema.model import Field, FieldType, SObject
from tests.local_org.bus_log import (
    ALL,
    CHANNEL,
    Rights,
    add_channel,
    commit,
    created,
    decoded,
    events,
    ids,
    read,
    select,
    updated,
)
from tests.local_org.bus_log import bus as bus  # noqa: PLC0414 - a fixture
from tests.local_org.bus_log import clock as clock  # noqa: PLC0414 - a fixture
from tests.local_org.bus_log import schema as schema  # noqa: PLC0414 - a fixture
from tests.local_org.bus_log import store as store  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.documented("facts/pubsub-cdc.md 1.4, 1.5, 2.5-2.9 and vectors R1-R4")


def test_one_event_per_record_of_a_transaction_counted_from_one(bus, clock):
    commit(bus, clock, created(1), created(2), created(3))
    headers = [event["header"] for event in events(bus)]

    assert [h["sequenceNumber"] for h in headers] == [1, 2, 3]
    assert {h["transactionKey"] for h in headers} == {"00003adb-6942-447e-6033-9e8fe741230f"}
    assert {h["commitNumber"] for h in headers} == {12279648331300}
    assert {h["changeOrigin"] for h in headers} == {"com/salesforce/api/rest/66.0;client=test"}
    assert {h["commitUser"] for h in headers} == {"005000000000001AAA"}


def test_sequence_numbers_have_a_hole_where_an_object_is_not_selected(bus, clock):
    commit(bus, clock, created(1), created(2, "Contact"), created(3))

    assert [e["header"]["sequenceNumber"] for e in events(bus)] == [1, 3]


def test_the_commit_timestamp_is_a_whole_second(bus, clock):
    commit(bus, clock, created(1))

    assert events(bus)[0]["header"]["commitTimestamp"] == 1771300995000


def test_an_entity_that_no_member_selects_makes_no_event(bus, clock, store):
    commit(bus, clock, created(1, "Contact"))
    select(store, "SpeedToLead__chn", "Contact")
    bus.channels_changed()

    assert events(bus) == []


def test_an_update_tells_its_changed_fields_only(bus, clock):
    commit(bus, clock, updated(1, Status="Working", Rating=None, SystemModstamp=1))
    event = events(bus)[0]

    assert event["header"]["names"] == ["Status", "Rating"]
    assert event["Status"] == "Working"
    assert "Rating" not in event


def test_a_rolled_back_transaction_leaves_no_event(bus, clock, store):
    def fail():
        with store.transaction():
            commit(bus, clock, created(1))
            raise TimeoutError

    with pytest.raises(TimeoutError):
        fail()
    commit(bus, clock, created(2))

    assert ids(bus) == ["00Q000000000002"]


def test_events_and_their_schemas_outlive_a_restart(tmp_path, schema, clock):
    path = tmp_path / "org.sqlite"
    store = Store(path, schema)
    add_channel(store, "SpeedToLead__chn")
    select(store, "SpeedToLead__chn", "Lead")
    first = Bus(store, schema, clock)
    commit(first, clock, created(1))
    position = read(first).deliveries[0].position
    store.connection.close()
    schema.put_field("Lead", Field("New__c", FieldType.STRING, "New", custom=True))
    again = Bus(Store(path, schema), schema, clock)

    assert ids(again) == ["00Q000000000001"]
    assert again.position(replay_id(position)) == position


def test_an_event_keeps_the_schema_it_was_written_under(bus, clock, schema):
    commit(bus, clock, created(1))
    schema.put_field("Lead", Field("New__c", FieldType.STRING, "New", custom=True))
    commit(bus, clock, created(2, New__c="x"))
    before, after = read(bus).deliveries

    assert before.schema_id != after.schema_id
    assert "New__c" not in decoded(bus, before)
    assert decoded(bus, after)["New__c"] == "x"
    assert bus.topic_schema_id(bus.topic("/data/LeadChangeEvent")) == after.schema_id


def test_a_value_of_a_field_deleted_since_is_not_delivered(bus, clock, schema):
    schema.put_field("Lead", Field("Old__c", FieldType.STRING, "Old", custom=True))
    commit(bus, clock, created(1, Old__c="x"))
    schema.drop_field("Lead", "Old__c")

    assert "Old__c" not in events(bus)[0]


# -- topics ---------------------------------------------------------------------------------------


def test_a_member_of_any_channel_makes_the_topic_of_its_entity_exist(bus):
    assert bus.topic("/data/LeadChangeEvent").entity == "Lead"
    assert bus.topic("/data/ContactChangeEvent") is None


def test_topic_names_are_case_sensitive(bus):
    assert bus.topic("/data/leadchangeevent") is None
    assert bus.topic("/data/speedtolead__chn") is None


def test_the_standard_channel_always_exists_and_carries_its_own_members_only(bus, clock, store):
    select(store, "ChangeEvents", "Contact")
    bus.channels_changed()
    commit(bus, clock, created(1), created(2, "Contact"))

    assert ids(bus, topic="/data/ChangeEvents") == ["003000000000002"]
    assert ids(bus, topic="/data/ContactChangeEvent") == ["003000000000002"]
    assert ids(bus) == ["00Q000000000001"]


def test_a_topic_of_many_entities_has_a_blank_schema_id(bus):
    assert bus.topic_schema_id(bus.topic(CHANNEL)) == ""
    assert bus.topic_schema_id(bus.topic("/data/ChangeEvents")) == ""
    assert len(bus.topic_schema_id(bus.topic("/data/LeadChangeEvent"))) == 22


def test_a_channel_that_is_deployed_later_is_known_once_the_bus_is_told(bus, store):
    assert bus.topic("/data/Other__chn") is None
    add_channel(store, "Other__chn")
    bus.channels_changed()

    assert bus.topic("/data/Other__chn") is not None


# -- what a user may see --------------------------------------------------------------------------


def test_a_lead_takes_view_all_on_leads_and_a_task_takes_view_all_data(bus, clock):
    commit(bus, clock, created(1), created(2, "Task"))
    leads_only = Rights(frozenset(), frozenset({"Lead", "Task"}))

    assert ids(bus, access=leads_only) == ["00Q000000000001"]
    assert ids(bus, access=ALL) == ["00Q000000000001", "00T000000000002"]


def test_events_that_may_not_be_seen_are_passed_over_in_silence(bus, clock):
    commit(bus, clock, created(1))
    batch = read(bus, access=Rights(frozenset()))

    assert batch.deliveries == []
    assert batch.through == bus.tip()


def test_a_field_that_may_not_be_read_is_null_and_unmentioned(bus, clock):
    commit(bus, clock, updated(1, Status="Working", Company="Acme", Street="1 Main St"))
    blind = Rights(blind_to=frozenset({"Lead.Company", "Lead.Address"}))
    event = events(bus, access=blind)[0]

    assert event["header"]["names"] == ["Status"]
    assert event.keys() == {"header", "Status"}


def test_two_users_never_share_a_payload_that_differs(bus, clock):
    commit(bus, clock, created(1, Company="Acme"))
    blind = Rights(blind_to=frozenset({"Lead.Company"}))

    assert [e.get("Company") for e in events(bus, access=ALL)] == ["Acme"]
    assert [e.get("Company") for e in events(bus, access=blind)] == [None]
    assert [e.get("Company") for e in events(bus, access=ALL)] == ["Acme"]


# -- enrichment -----------------------------------------------------------------------------------


@pytest.fixture
def enriched(store, bus):
    select(store, "SpeedToLead__chn", "Lead", enriched=("OwnerId", "Status", "Name"))
    bus.channels_changed()
    store.connection.execute(
        'INSERT INTO "Lead" ("Id", "OwnerId", "Status", "LastName", "Company") '
        "VALUES ('00Q000000000001AAA', '005000000000001AAA', 'Qualified', 'Doe', 'Acme')"
    )
    return bus


def test_an_update_is_enriched_with_values_as_they_are_at_delivery(enriched, clock, store):
    commit(enriched, clock, updated(1, Rating="Hot"))

    assert events(enriched)[0]["OwnerId"] == "005000000000001AAA"
    store.connection.execute('UPDATE "Lead" SET "OwnerId" = ?', ("005000000000002AAA",))
    event = events(enriched)[0]
    assert event["OwnerId"] == "005000000000002AAA"
    assert event["Name"]["LastName"] == "Doe"
    assert event["header"]["names"] == ["Rating"]
    assert "Company" not in event


def test_a_changed_field_keeps_the_value_of_its_event(enriched, clock):
    commit(enriched, clock, updated(1, Status="Working"))

    assert events(enriched)[0]["Status"] == "Working"


def test_a_creation_is_not_enriched(enriched, clock):
    commit(enriched, clock, created(1))

    assert "OwnerId" not in events(enriched)[0]


def test_only_the_channel_of_the_member_is_enriched(enriched, clock):
    commit(enriched, clock, updated(1, Rating="Hot"))

    assert "OwnerId" not in events(enriched, topic="/data/LeadChangeEvent")[0]


def test_a_deletion_is_enriched(enriched, clock):
    record_id = "00Q000000000001AAA"
    gone = RecordChange("Lead", record_id, ChangeKind.DELETE, {"Id": record_id}, None, frozenset())
    commit(enriched, clock, gone)
    event = events(enriched)[0]

    assert event["OwnerId"] == "005000000000001AAA"
    assert event["header"]["names"] == []


def test_enrichment_fits_the_schema_of_each_event_however_it_has_changed(
    enriched, clock, schema, store
):
    commit(enriched, clock, updated(1, Rating="Hot"))
    schema.put_field("Lead", Field("New__c", FieldType.STRING, "New", custom=True))
    store.sync(schema)
    store.connection.execute('UPDATE "Lead" SET "New__c" = ?', ("x",))
    select(store, "SpeedToLead__chn", "Lead", enriched=("OwnerId", "New__c"))
    enriched.channels_changed()
    commit(enriched, clock, updated(1, Rating="Cold"))

    before, after = events(enriched)
    assert ("New__c" in before, after["New__c"]) == (False, "x")
    assert before["OwnerId"] == after["OwnerId"] == "005000000000001AAA"


def test_a_field_that_may_not_be_read_is_not_shown_by_enrichment(enriched, clock):
    commit(enriched, clock, updated(1, Rating="Hot"))
    blind = Rights(blind_to=frozenset({"Lead.OwnerId"}))

    (event,) = events(enriched, access=blind)
    assert "OwnerId" not in event
    assert event["Status"] == "Qualified"


def test_an_open_stream_follows_the_members_of_its_channel(bus, store, clock):
    stream = Subscription(bus, bus.topic(CHANNEL), Replay.LATEST, b"")
    stream.request("", 10)
    select(store, "SpeedToLead__chn", "Contact")
    bus.channels_changed()
    commit(bus, clock, created(1, "Contact"))

    assert len(stream.next_batch(ALL).deliveries) == 1


def test_a_stream_goes_on_when_an_object_of_its_topic_is_deleted(bus, store, clock, schema):
    schema.put_object(SObject("Visit__c", "Visit", "Visits", "a00", custom=True))
    select(store, "SpeedToLead__chn", "Visit__")
    bus.channels_changed()
    stream = Subscription(bus, bus.topic("/data/Visit__ChangeEvent"), Replay.EARLIEST, b"")
    stream.request("", 10)
    record_id = "a00000000000001AAA"
    row = {"Id": record_id}
    commit(
        bus,
        clock,
        RecordChange("Visit__c", record_id, ChangeKind.CREATE, None, row, frozenset(row)),
    )
    schema.drop_object("Visit__c")

    assert stream.next_batch(ALL).deliveries == []


# -- positions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hexadecimal", "position"),
    [
        ("00000000001790500000", 1544272),
        ("0000000000a748390000", 10963001),
        ("000000000056197f0000", 5642623),
    ],
)
def test_a_replay_id_is_eight_bytes_big_endian_and_two_zero_bytes(hexadecimal, position):
    assert replay_id(position).hex() == hexadecimal


def test_replay_ids_of_eight_and_ten_bytes_are_accepted(bus, clock):
    commit(bus, clock, created(1), created(2))
    position = read(bus).deliveries[0].position

    assert bus.position(replay_id(position)) == position
    assert bus.position(replay_id(position)[:8]) == position
    assert ids(bus, after=position) == ["00Q000000000002"]


def test_an_empty_replay_id_fails_validation(bus):
    with pytest.raises(BusError) as refused:
        bus.position(b"")

    assert refused.value.full_code == (
        "sfdc.platform.eventbus.grpc.subscription.fetch.replayid.validation.failed"
    )


def test_replay_ids_of_other_lengths_beyond_the_tip_or_before_all_are_corrupted(bus, clock):
    commit(bus, clock, created(1))
    tip = bus.tip()
    wrong = [
        replay_id(tip)[:9],
        replay_id(tip) + b"\x00",
        replay_id(tip)[:8] + b"\x00\x01",
        replay_id(tip + 1),
        replay_id(bus.before_earliest()),
        b"\xff" * 10,
    ]

    for replay in wrong:
        with pytest.raises(BusError) as refused:
            bus.position(replay)
        assert refused.value.full_code == (
            "sfdc.platform.eventbus.grpc.subscription.fetch.replayid.corrupted"
        )


def test_events_are_retained_for_72_hours_of_the_orgs_clock(bus, clock):
    commit(bus, clock, created(1))
    position = read(bus).deliveries[0].position
    clock.advance(timedelta(hours=71))
    commit(bus, clock, created(2))
    assert ids(bus) == ["00Q000000000001", "00Q000000000002"]

    clock.advance(timedelta(hours=1, seconds=1))

    assert ids(bus) == ["00Q000000000002"]
    with pytest.raises(BusError, match="corrupted"):
        bus.position(replay_id(position))

    clock.advance(timedelta(hours=72))

    assert ids(bus) == []
    assert bus.position(replay_id(bus.tip())) == bus.tip()


def test_the_ids_of_keepalives_stay_within_the_retention_on_a_quiet_topic(bus, clock):
    commit(bus, clock, created(1))
    clock.advance(timedelta(hours=71))
    position = bus.keepalive()
    clock.advance(timedelta(hours=71))

    assert bus.position(replay_id(position)) == position


def test_a_bus_that_never_published_has_a_position_too(bus):
    assert bus.position(replay_id(bus.tip())) == bus.tip()
    assert read(bus).through == bus.tip()


def test_a_read_stops_at_its_limit_and_goes_on_behind_it(bus, clock):
    commit(bus, clock, *(created(n) for n in range(1, 6)))
    first = read(bus, limit=2)
    rest = read(bus, after=first.through)

    assert first.through == first.deliveries[-1].position
    assert len(rest.deliveries) == 3
    assert rest.through == bus.tip()


def test_a_read_stops_short_of_three_megabytes(bus, clock):
    commit(bus, clock, *(created(n, Description="x" * 1_000_000) for n in range(1, 6)))
    first = read(bus)

    assert len(first.deliveries) == 3
    assert len(read(bus, after=first.through).deliveries) == 2


# -- waking ---------------------------------------------------------------------------------------


def test_a_sleeping_subscriber_is_woken_by_synchronous_code(bus):
    async def woken():
        with bus.wakeups() as wake:
            asyncio.get_running_loop().call_soon(bus.wake)
            async with asyncio.timeout(1):
                await wake.wait()
        return wake.is_set()

    assert asyncio.run(woken())
