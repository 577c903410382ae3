"""The stream loses nothing: it resumes where it was, whatever ended it, and tells what it cannot mend."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from pubsub_api import pubsub_api_pb2 as pb
from speed_to_lead.errors import OrgUnavailable, PermissionMissing, ReplayExpired, UsageError
from speed_to_lead.pubsub import topics_of
from tests.speed_to_lead import change_events as made
from tests.speed_to_lead.pubsub_peer import (
    TOPIC,
    Peer,
    Token,
    Tokens,
    ends,
    event,
    falls_silent,
    hear,
    heard,
    numbers,
    refuse,
    replay,
    serving,
    source_of,
)


def test_every_event_comes_once_and_in_order_on_a_credit_of_at_most_a_hundred():
    peer = Peer(map(event, range(1, 251)))
    batches, _ = hear(peer, 250)
    assert numbers(batches) == list(range(1, 251))
    assert peer.fetches[0].num_requested == 100


def test_it_begins_behind_the_stored_position():
    peer = Peer(map(event, range(1, 21)))
    batches, _ = hear(peer, 10, start=replay(10))
    assert numbers(batches) == list(range(11, 21))
    assert peer.fetches[0].replay_preset == pb.CUSTOM


@pytest.mark.parametrize(("first", "preset"), [("earliest", pb.EARLIEST), ("latest", pb.LATEST)])
def test_without_a_position_it_begins_where_the_settings_say(first, preset):
    peer = Peer(map(event, range(1, 3)))
    hear(peer, 2, first=first)
    assert peer.fetches[0].replay_preset == preset


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("INTERNAL", "service.unavailable"),
        ("UNAVAILABLE", "topic.api.unavailable"),
        ("RESOURCE_EXHAUSTED", "subscription.limit.exceeded"),
        ("UNKNOWN", "never.heard.of"),
    ],
)
def test_a_stream_that_the_org_ends_is_resumed(status, code):
    peer = Peer(map(event, range(1, 6)), [ends(status, code)] * 2)
    batches, source = hear(peer, 5)
    assert numbers(batches) == [1, 2, 3, 4, 5]
    assert source.topics[TOPIC].reconnects == {code: 2}


def test_what_was_handed_over_is_not_asked_for_again_after_a_break():
    async def breaks(requests, context):
        part = [event(1), event(2)]
        await context.write(pb.FetchResponse(events=part, latest_replay_id=replay(2)))
        await anext(requests)
        await context.write(pb.FetchResponse(latest_replay_id=replay(2)))
        await anext(requests)
        await refuse(context, "INTERNAL", "service.unavailable")

    peer = Peer(map(event, range(1, 6)), [breaks])
    batches, _ = hear(peer, 5)
    assert numbers(batches) == [1, 2, 3, 4, 5]


def test_an_expired_token_is_renewed():
    tokens = Tokens()
    peer = Peer([event(1)], [ends("UNAUTHENTICATED", "service.auth.error")])
    batches, _ = hear(peer, 1, tokens=tokens)
    assert (numbers(batches), tokens.renewed) == ([1], 1)


def test_an_org_that_gives_no_token_for_a_while_is_waited_for():
    class Away(Tokens):
        async def __call__(self, refresh=False):
            if refresh and not self.renewed:
                self.renewed = 1
                raise OrgUnavailable("away")
            return Token()

    peer = Peer([event(1)], [ends("UNAUTHENTICATED", "service.auth.error")])
    batches, source = hear(peer, 1, tokens=Away())
    assert numbers(batches) == [1]
    assert source.topics[TOPIC].reconnects == {"service.auth.error": 1, "org.unavailable": 1}


def test_a_stream_that_is_silent_for_too_long_is_left_and_resumed():
    peer = Peer([event(1)], [falls_silent])
    batches, source = hear(peer, 1, silence_seconds=0.05)
    assert numbers(batches) == [1]
    assert source.topics[TOPIC].reconnects == {"silent": 1}


def test_events_wait_for_a_schema_that_cannot_be_had_yet():
    peer = Peer(map(event, (1, 2)))
    peer.schema_failures = 3
    batches, _ = hear(peer, 2)
    assert numbers(batches) == [1, 2]
    assert all(not batch.unreadable for batch in batches)


def test_an_unreadable_event_is_set_aside_with_its_bytes_and_the_stream_goes_on():
    peer = Peer([event(1), event(2, b"\x08Lead"), event(3)])
    batches, _ = hear(peer, 3)
    [unreadable] = [each for batch in batches for each in batch.unreadable]
    assert numbers(batches) == [1, 3]
    assert (unreadable.payload, unreadable.replay_id) == (b"\x08Lead", replay(2))


@pytest.mark.parametrize(
    ("status", "code", "error", "words"),
    [
        (
            "INVALID_ARGUMENT",
            "subscription.fetch.replayid.corrupted",
            ReplayExpired,
            "no longer retains",
        ),
        (
            "PERMISSION_DENIED",
            "subscription.topic.cannot.subscribe",
            PermissionMissing,
            "View All Data",
        ),
        ("NOT_FOUND", "topic.not.found", UsageError, "deploy the package"),
    ],
)
def test_what_only_somebody_else_can_mend_is_told(status, code, error, words):
    with pytest.raises(error, match=words):
        hear(Peer([event(1)], [ends(status, code)] * 9), 1)


# -- credit ---------------------------------------------------------------------------------------


def test_no_more_is_asked_for_than_a_hundred_even_while_a_request_is_under_way():
    """The answers tell nothing of the requests that the org has not seen when it writes them."""
    asked = []

    def part(n, owed):
        events = [event(25 * n + each) for each in range(1, 26)]
        last = events[-1].replay_id
        return pb.FetchResponse(events=events, latest_replay_id=last, pending_num_requested=owed)

    async def hasty(requests, context):
        asked.append(100)
        for n, owed in ((0, 75), (1, 50), (2, 25)):
            await context.write(part(n, owed))
        while sum(asked) < 175:
            asked.append((await anext(requests)).num_requested)
        await context.write(part(3, 75))
        await asyncio.Event().wait()

    hear(Peer(script=[hasty]), 100)
    assert asked == [100, 25, 25, 25]


def test_a_consumer_that_does_not_come_is_not_heaped_with_events():
    peer = Peer(map(event, range(1, 3001)))

    async def main():
        async with serving(peer) as endpoint, source_of(endpoint) as source:
            while source._room.is_set():  # noqa: ASYNC110 - nothing tells that the queue is full
                await asyncio.sleep(0)
            for _ in range(1000):  # it has every chance to take more
                await asyncio.sleep(0)
            held = peer.given
            taken = await source.next_batches()
            while heard(taken) < 3000:
                taken += await source.next_batches()
            return held, numbers(taken)

    held, taken = asyncio.run(main())
    assert held <= 1200
    assert taken == list(range(1, 3001))


def test_a_stream_that_ends_while_its_events_wait_for_room_is_resumed():
    async def ends_at_once(_requests, context):
        part = [event(1), event(2)]
        await context.write(pb.FetchResponse(events=part, latest_replay_id=replay(9)))
        await peer.schema_wanted.wait()
        await refuse(context, "INTERNAL", "service.unavailable")

    peer = Peer(map(event, range(1, 13)), [ends_at_once])
    peer.schema_failures = 2
    batches, _ = hear(peer, 5)
    assert numbers(batches) == [1, 2, 10, 11, 12]


# -- what must not end in silence -----------------------------------------------------------------


def test_an_org_that_is_away_for_hours_is_still_waited_for():
    peer = Peer([event(1)], [ends("UNAVAILABLE", "service.unavailable")] * 1100)
    batches, source = hear(peer, 1)
    assert numbers(batches) == [1]
    assert source.topics[TOPIC].reconnects == {"service.unavailable": 1100}


def test_pauses_grow_to_half_a_minute_and_begin_anew_when_something_was_heard():
    async def keepalive(requests, context):
        await context.write(pb.FetchResponse(latest_replay_id=replay(1), pending_num_requested=100))
        await refuse(context, "INTERNAL", "service.unavailable")

    away = ends("UNAVAILABLE", "service.unavailable")
    pauses = []

    class Longest(Random):
        def uniform(self, a, b):
            pauses.append(b)
            return a

    hear(Peer([event(2)], [*[away] * 9, keepalive]), 1, random=Longest())
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0, 0.5]


def test_a_bug_in_the_stream_is_told_with_its_traceback():
    async def broken(_refresh):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        hear(Peer([event(1)]), 1, tokens=broken)


@pytest.mark.parametrize(
    "header", [{"commitTimestamp": 2**62}, {"changeType": "RENAME"}], ids=["time", "kind"]
)
def test_a_header_that_makes_no_sense_sets_its_event_aside(header):
    schema = made.lead_schema()
    symbols = schema["fields"][0]["type"]["fields"][2]["type"]["symbols"]
    symbols.append("RENAME")
    peer = Peer([event(1), event(2, made.payload(schema, made.event(header))), event(3)])
    peer.schema = schema
    batches, _ = hear(peer, 3)
    assert numbers(batches) == [1, 3]


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        ("PERMISSION_DENIED", "schema.meta.permission", PermissionMissing),
        ("UNAUTHENTICATED", "service.auth.headers.invalid", UsageError),
    ],
)
def test_a_schema_that_an_operator_must_grant_costs_no_event(status, code, error):
    peer = Peer([event(1)])
    peer.schema_refusal = (status, code)
    with pytest.raises(error, match=code):
        hear(peer, 1)


def test_a_schema_that_nobody_knows_sets_its_events_aside_and_is_asked_for_once():
    peer = Peer([event(1), event(2)])
    peer.schema_refusal = ("INVALID_ARGUMENT", "schema.validation.failed")
    batches, _ = hear(peer, 2)
    reasons = {each.reason for batch in batches for each in batch.unreadable}
    assert reasons == {"schema s: schema.validation.failed"}
    assert peer.schemas_asked == 1


def test_an_expired_position_is_tried_once_and_never_in_a_loop():
    corrupted = ends("INVALID_ARGUMENT", "subscription.fetch.replayid.corrupted")
    peer = Peer([event(1)], [corrupted] * 9)
    with pytest.raises(ReplayExpired):
        hear(peer, 1, start=replay(7))
    assert [fetch.replay_id for fetch in peer.fetches] == [replay(7)]


# -- topics ---------------------------------------------------------------------------------------


def topics(known):
    async def main():
        peer = Peer()
        peer.topics = known
        async with serving(peer) as endpoint:
            return await topics_of(
                endpoint, ca_file=None, token=Tokens(), channel=TOPIC, plaintext=True
            )

    return asyncio.run(main())


SINGLES = tuple(f"/data/{entity}ChangeEvent" for entity in ("Lead", "Task", "EmailMessage"))


def test_the_channel_is_heard_where_it_is():
    assert topics({TOPIC: True}) == (TOPIC,)


def test_without_the_channel_the_entities_are_heard_one_by_one():
    assert topics(dict.fromkeys(SINGLES, True)) == SINGLES


def test_a_permission_that_a_channel_would_hide_is_told_by_its_entity():
    with pytest.raises(PermissionMissing, match="Speed_to_Lead_Sidecar"):
        topics({TOPIC: True, SINGLES[1]: False})


def test_an_org_without_change_data_capture_is_told_what_to_deploy():
    with pytest.raises(UsageError, match="deploy the package"):
        topics({})


def test_an_endpoint_that_nobody_serves_is_unavailable():
    async def main():
        await topics_of("127.0.0.1:1", ca_file=None, token=Tokens(), channel=TOPIC, plaintext=True)

    with pytest.raises(OrgUnavailable):
        asyncio.run(main())
