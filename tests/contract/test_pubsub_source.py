"""The sidecar's stream hears the local org's own Pub/Sub service, resumes on it, and tells what is amiss."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import grpc.aio
import pytest

from local_org.api.faults import Faults, Order
from local_org.api.pubsub import PubSubService
from pubsub_api import pubsub_api_pb2_grpc
from speed_to_lead.changes import Batch
from speed_to_lead.errors import PermissionMissing, ReplayExpired
from speed_to_lead.ids import ReplayId
from speed_to_lead.pubsub import topics_of
from tests.local_org.caller import only
from tests.local_org.pubsub_client import CHANNEL, HASTY, PATIENT, create_leads, token_of
from tests.local_org.pubsub_client import org as org  # noqa: PLC0414 - a fixture
from tests.speed_to_lead.pubsub_peer import heard, source_of

INSTANCE = "https://localhost:8443"
MONDAY = datetime(2026, 11, 2, 10, tzinfo=UTC)


class Tokens:
    """Tokens of one user of an org, as the REST client gives them."""

    instance_url = INSTANCE

    def __init__(self, org, username="admin@local.test"):
        self.org, self.username = org, username
        self.org_id, self.access_token = org.org_id, token_of(org, username)
        self.renewed = 0

    async def __call__(self, refresh=False):
        if refresh:
            self.renewed += 1
            self.access_token = token_of(self.org, self.username)
        return self


@asynccontextmanager
async def serving(org, settings=PATIENT, faults=None):
    server = grpc.aio.server()
    service = PubSubService(only(org), settings, faults)
    pubsub_api_pb2_grpc.add_PubSubServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with asyncio.timeout(20):
            yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def taken(source, count):
    batches: list[Batch] = []
    while heard(batches) < count:
        batches += await source.next_batches()
    return batches


def ids(batches):
    return [each for batch in batches for change in batch.changes for each in change.ids]


def hear(org, count, *, settings=PATIENT, faults=None, **options):
    async def main():
        options.setdefault("tokens", Tokens(org))
        async with (
            serving(org, settings, faults) as endpoint,
            source_of(endpoint, **options) as source,
        ):
            return await taken(source, count)

    return asyncio.run(main())


def fault(org, kind, times=1):
    faults = Faults()
    faults.order(Order(kind, times=times), org)
    return faults


def test_all_that_is_retained_comes_in_order_with_its_values(org):
    leads = create_leads(org, 250)
    batches = hear(org, 250)
    assert ids(batches) == leads
    first = batches[0].changes[0]
    assert (first.entity, first.kind, first.committed_at) == ("Lead", "CREATE", MONDAY)
    assert first.fields["Name"] == {"LastName": "Lead 0"}


def test_it_goes_on_behind_what_was_stored(org):
    leads = create_leads(org, 30)
    stored = hear(org, 30)[-1].replay_id
    more = create_leads(org, 5)
    again = ids(hear(org, 6, start=stored))
    assert again == [leads[-1], *more]


def test_the_tip_passes_over_what_was_before(org):
    create_leads(org, 3)

    async def main():
        async with (
            serving(org, HASTY) as endpoint,
            source_of(endpoint, first="latest", tokens=Tokens(org)) as source,
        ):
            while not await source.next_batches():
                pass
            leads = create_leads(org, 2)
            return leads, ids(await taken(source, 2))

    leads, found = asyncio.run(main())
    assert found == leads


def test_a_stream_that_is_reset_twice_loses_nothing(org):
    leads = create_leads(org, 250)
    found = ids(hear(org, 250, faults=fault(org, "stream-reset", times=2)))
    assert list(dict.fromkeys(found)) == leads


def test_an_event_cut_in_half_is_set_aside_and_the_others_come(org):
    leads = create_leads(org, 3)
    batches = hear(org, 3, faults=fault(org, "malformed-event"))
    assert ids(batches) == leads[1:]
    [unreadable] = [each for batch in batches for each in batch.unreadable]
    assert unreadable.payload


def test_a_token_that_expired_before_the_schema_was_asked_for_is_renewed(org):
    """An open stream outlives its token; the call for a schema that first appears on it does not."""
    tokens = Tokens(org)

    async def main():
        async with (
            serving(org, HASTY) as endpoint,
            source_of(endpoint, tokens=tokens) as source,
        ):
            while not await source.next_batches():
                pass
            org.expire(tokens.access_token)
            return create_leads(org), ids(await taken(source, 1))

    leads, found = asyncio.run(main())
    assert (found, tokens.renewed) == (leads, 1)


@pytest.mark.parametrize("stored", [b"\xff" * 10, b"\0" * 10], ids=["corrupted", "too old"])
def test_a_position_that_the_org_does_not_have_is_expired(org, stored):
    create_leads(org)
    with pytest.raises(ReplayExpired, match="corrupted"):
        hear(org, 1, start=ReplayId(stored))


def test_a_position_older_than_the_org_retains_is_expired(org):
    create_leads(org, 2)
    stored = hear(org, 2)[-1].replay_id
    org.clock.advance(timedelta(hours=73))
    with pytest.raises(ReplayExpired, match="no longer retains"):
        hear(org, 1, start=stored)


def test_silence_makes_the_position_of_the_last_event_one_that_may_be_stored(org):
    create_leads(org)

    async def main():
        async with (
            serving(org, HASTY) as endpoint,
            source_of(endpoint, tokens=Tokens(org)) as source,
        ):
            [batch] = await taken(source, 1)
            while not (quiet := await source.next_batches()):
                pass
            return batch, quiet[0]

    batch, quiet = asyncio.run(main())
    assert (batch.replay_id, quiet.replay_id) == (b"", batch.changes[0].replay_id)


def test_who_may_not_see_all_records_is_told_before_anything_is_heard(org):
    async def main():
        async with serving(org) as endpoint:
            tokens = Tokens(org, "rep1@local.test")
            await topics_of(endpoint, ca_file=None, token=tokens, channel=CHANNEL, plaintext=True)

    with pytest.raises(PermissionMissing, match="View All Data"):
        asyncio.run(main())


def test_the_channel_is_found(org):
    async def main():
        async with serving(org) as endpoint:
            return await topics_of(
                endpoint, ca_file=None, token=Tokens(org), channel=CHANNEL, plaintext=True
            )

    assert asyncio.run(main()) == (CHANNEL,)
