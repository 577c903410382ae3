"""A real gRPC client gets from the org's Pub/Sub API what it would get from the platform's."""

import json
from datetime import timedelta

import grpc
import grpc.aio
import pytest

from local_org.api.pubsub import PubSubSettings
from pubsub_api import pubsub_api_pb2 as pb
from tests.local_org import masks
from tests.local_org.pubsub_client import (
    CHANNEL,
    HASTY,
    LEADS,
    create_leads,
    events_of,
    fetch,
    header_of,
    headers,
    refusal,
    run,
    token_of,
)
from tests.local_org.pubsub_client import org as org  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.documented("facts/pubsub-cdc.md 1.3-1.8, 2.8; real-clients.md 5.14")


# -- topics and schemas ---------------------------------------------------------------------------


def test_a_topic_of_one_entity_tells_its_schema(org):
    async def client(stub):
        info = await stub.GetTopic(pb.TopicRequest(topic_name=LEADS), metadata=headers(org))
        schema = await stub.GetSchema(
            pb.SchemaRequest(schema_id=info.schema_id), metadata=headers(org)
        )
        return info, schema

    info, schema = run(org, client)

    assert (info.topic_name, info.can_publish, info.can_subscribe) == (LEADS, False, True)
    assert schema.schema_id == info.schema_id
    assert json.loads(schema.schema_json)["name"] == "LeadChangeEvent"
    assert info.rpc_id != schema.rpc_id


def test_a_channel_tells_no_schema(org):
    async def client(stub):
        return await stub.GetTopic(pb.TopicRequest(topic_name=CHANNEL), metadata=headers(org))

    assert run(org, client).schema_id == ""


def test_a_blank_schema_id_is_refused(org):
    async def client(stub):
        await stub.GetSchema(pb.SchemaRequest(schema_id=""), metadata=headers(org))

    assert refusal(org, client) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "schema.validation.failed",
        "GetSchema",
        "Schema validation failed. The schema ID can't be blank.",
    )


def test_an_unknown_schema_id_is_refused(org):
    async def client(stub):
        await stub.GetSchema(
            pb.SchemaRequest(schema_id="i8wgJwwM-AVcDbFkbRl5Nw"), metadata=headers(org)
        )

    status, code, _, _ = refusal(org, client)
    assert (status, code) == (grpc.StatusCode.INVALID_ARGUMENT, "schema.validation.failed")


@pytest.mark.parametrize("topic", ["/data/ContactChangeEvent", "/data/No__chn", "LeadChangeEvent"])
def test_a_topic_that_is_not_there_is_not_found(org, topic):
    async def client(stub):
        await stub.GetTopic(pb.TopicRequest(topic_name=topic), metadata=headers(org))

    assert refusal(org, client) == (
        grpc.StatusCode.NOT_FOUND,
        "topic.not.found",
        "GetTopic",
        (
            f"The topic information for org CORE/prod/{org.org_id} and topic {topic} not found. "
            "Ensure the topic name is correct and that the topic exists."
        ),
    )


# -- authentication -------------------------------------------------------------------------------


def test_the_tenant_may_have_fifteen_characters(org):
    async def client(stub):
        metadata = headers(org, tenantid=org.org_id[:15])
        return await stub.GetTopic(pb.TopicRequest(topic_name=CHANNEL), metadata=metadata)

    assert run(org, client).can_subscribe


@pytest.mark.parametrize(
    "wrong", [{"accesstoken": "00D!no"}, {"tenantid": "00D000000000009EAA"}], ids=str
)
def test_an_unknown_token_or_tenant_is_unauthenticated(org, wrong):
    async def client(stub):
        await stub.GetTopic(pb.TopicRequest(topic_name=CHANNEL), metadata=headers(org, **wrong))

    assert refusal(org, client) == (
        grpc.StatusCode.UNAUTHENTICATED,
        "service.auth.error",
        "GetTopic",
        "An authentication exception occurred. Provide valid authentication via metadata headers.",
    )


@pytest.mark.parametrize("missing", ["accesstoken", "instanceurl", "tenantid"])
def test_each_header_is_demanded_on_every_call(org, missing):
    async def client(stub):
        call = stub.Subscribe(metadata=headers(org, **{missing: ""}))
        await call.write(fetch())
        await call.read()

    status, code, rpc, _ = refusal(org, client)
    assert (status, code, rpc) == (
        grpc.StatusCode.UNAUTHENTICATED,
        "service.auth.headers.invalid",
        "Subscribe",
    )


def test_an_expired_token_leaves_the_open_stream_alone_and_fails_the_next_call(org):
    token = token_of(org)

    async def client(stub):
        metadata = headers(org, accesstoken=token)
        call = stub.Subscribe(metadata=metadata)
        await call.write(fetch(replay_preset=pb.EARLIEST))
        create_leads(org)
        await events_of(call, 1)
        org.expire(token)
        create_leads(org)
        await events_of(call, 1)
        await stub.GetSchema(pb.SchemaRequest(schema_id="x"), metadata=metadata)

    status, code, _, _ = refusal(org, client)
    assert (status, code) == (grpc.StatusCode.UNAUTHENTICATED, "service.auth.error")


# -- delivery -------------------------------------------------------------------------------------


def test_a_created_lead_arrives_with_its_values(org):
    async def client(stub):
        call = stub.Subscribe(metadata=headers(org))
        await call.write(fetch(count=3, replay_preset=pb.EARLIEST))
        (lead,) = create_leads(org)
        response = await call.read()
        header, body = await header_of(stub, response.events[0], headers(org))
        call.cancel()
        return lead, response, header, body

    lead, response, header, body = run(org, client)

    assert (header["recordIds"], header["changeType"]) == ([lead], "CREATE")
    assert (body["Name"]["LastName"], body["Company"]) == ("Lead 0", "Acme")
    assert body["CreatedDate"] == header["commitTimestamp"] == 1793613600000
    assert response.pending_num_requested == 2
    assert response.latest_replay_id == response.events[0].replay_id
    assert len(response.latest_replay_id) == 10
    assert response.rpc_id


def test_an_update_names_its_changed_fields(org):
    (lead,) = create_leads(org)

    async def client(stub):
        call = stub.Subscribe(metadata=headers(org))
        await call.write(fetch(replay_preset=pb.EARLIEST))
        org.clock.advance(timedelta(minutes=1))
        org.update(org.session(token_of(org)), [("Lead", lead, {"Company": "New"})])
        event = (await events_of(call, 2))[1]
        schema = await stub.GetSchema(
            pb.SchemaRequest(schema_id=event.event.schema_id), metadata=headers(org)
        )
        header, _ = await header_of(stub, event, headers(org))
        call.cancel()
        return masks.names(json.loads(schema.schema_json), header["changedFields"])

    assert run(org, client) == ["Company", "LastModifiedDate"]


def test_latest_is_the_default_and_skips_what_was_before(org):
    create_leads(org, 2)

    async def client(stub):
        call = stub.Subscribe(metadata=headers(org))
        await call.write(fetch())
        empty = await call.read()
        assert not empty.events
        (lead,) = create_leads(org)
        event = (await events_of(call, 1))[0]
        header, _ = await header_of(stub, event, headers(org))
        call.cancel()
        return header["recordIds"] == [lead]

    assert run(org, client, PubSubSettings(keepalive_seconds=0.05))


@pytest.mark.parametrize("length", [8, 10])
def test_custom_delivers_strictly_after_the_replay_id(org, length):
    create_leads(org, 3)

    async def client(stub):
        first = stub.Subscribe(metadata=headers(org))
        await first.write(fetch(replay_preset=pb.EARLIEST))
        events = await events_of(first, 3)
        first.cancel()
        again = stub.Subscribe(metadata=headers(org))
        replay = events[0].replay_id[:length]
        await again.write(fetch(replay_preset=pb.CUSTOM, replay_id=replay))
        rest = await events_of(again, 2)
        again.cancel()
        return [e.replay_id for e in events[1:]] == [e.replay_id for e in rest]

    assert run(org, client)


def test_requests_add_up_to_what_is_owed(org):
    create_leads(org, 50)

    async def client(stub):
        call = stub.Subscribe(metadata=headers(org))
        await call.write(fetch(count=5, replay_preset=pb.EARLIEST))
        await events_of(call, 5)
        await call.write(pb.FetchRequest(num_requested=7))
        response = await call.read()
        end = await call.read()
        return len(response.events), response.pending_num_requested, end is grpc.aio.EOF

    assert run(org, client, PubSubSettings(idle_seconds=0.2)) == (7, 0, True)


def test_no_more_than_100_events_are_ever_owed(org):
    create_leads(org, 150)

    async def client(stub):
        call = stub.Subscribe(metadata=headers(org))
        await call.write(fetch(count=500, replay_preset=pb.EARLIEST))
        first = await call.read()
        return len(first.events), first.pending_num_requested, await call.read() is grpc.aio.EOF

    assert run(org, client, PubSubSettings(idle_seconds=0.2)) == (100, 0, True)


def test_later_replay_options_count_for_nothing(org):
    create_leads(org, 2)

    async def client(stub):
        call = stub.Subscribe(metadata=headers(org))
        await call.write(fetch(count=1, replay_preset=pb.EARLIEST))
        first = await events_of(call, 1)
        await call.write(fetch(count=1, replay_preset=pb.CUSTOM, replay_id=b"nonsense"))
        second = await events_of(call, 1)
        call.cancel()
        return first[0].replay_id != second[0].replay_id

    assert run(org, client)


# -- silence --------------------------------------------------------------------------------------


def test_an_empty_response_tells_a_replay_id_even_if_nothing_was_ever_published(org):
    async def client(stub):
        call = stub.Subscribe(metadata=headers(org))
        await call.write(fetch(count=9))
        response = await call.read()
        call.cancel()
        return response

    response = run(org, client, HASTY)

    assert list(response.events) == []
    assert len(response.latest_replay_id) == 10
    assert response.pending_num_requested == 9


def test_a_stream_that_is_owed_nothing_ends_when_the_client_stays_silent(org):
    create_leads(org)

    async def client(stub):
        call = stub.Subscribe(metadata=headers(org))
        await call.write(fetch(count=1, replay_preset=pb.EARLIEST))
        await call.read()
        return await call.read() is grpc.aio.EOF

    assert run(org, client, HASTY)


# -- refusals of a stream -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (fetch(count=0), "subscription.fetch.requested.events.invalid"),
        (fetch(count=-1), "subscription.fetch.requested.events.invalid"),
        (fetch(replay_preset=pb.CUSTOM), "subscription.fetch.replayid.validation.failed"),
        (
            fetch(replay_preset=pb.CUSTOM, replay_id=b"\x00" * 10),
            "subscription.fetch.replayid.corrupted",
        ),
        (
            fetch(replay_preset=pb.CUSTOM, replay_id=b"\xff" * 8),
            "subscription.fetch.replayid.corrupted",
        ),
        (fetch(topic=""), "topic.validation.empty"),
    ],
    ids=["zero", "negative", "no id", "too old", "beyond the tip", "no topic"],
)
def test_a_bad_first_request_is_an_invalid_argument(org, request_, code):
    async def client(stub):
        call = stub.Subscribe(metadata=headers(org))
        await call.write(request_)
        await call.read()

    status, found, rpc, _ = refusal(org, client)
    assert (status, found, rpc) == (grpc.StatusCode.INVALID_ARGUMENT, code, "Subscribe")


@pytest.mark.parametrize(
    ("later", "code"),
    [
        (fetch(topic=LEADS), "subscription.fetch.topic.mismatch"),
        (fetch(count=0), "subscription.fetch.requested.events.invalid"),
    ],
    ids=["another topic", "zero"],
)
def test_a_bad_later_request_ends_the_stream(org, later, code):
    async def client(stub):
        call = stub.Subscribe(metadata=headers(org))
        await call.write(fetch())
        await call.write(later)
        await call.read()

    assert refusal(org, client)[1] == code


def test_a_replay_id_older_than_72_hours_is_corrupted(org):
    create_leads(org)

    async def client(stub):
        call = stub.Subscribe(metadata=headers(org))
        await call.write(fetch(replay_preset=pb.EARLIEST))
        old = (await events_of(call, 1))[0].replay_id
        call.cancel()
        org.clock.advance(timedelta(hours=73))
        again = stub.Subscribe(metadata=headers(org))
        await again.write(fetch(replay_preset=pb.CUSTOM, replay_id=old))
        await again.read()

    assert refusal(org, client)[1] == "subscription.fetch.replayid.corrupted"


# -- permissions ----------------------------------------------------------------------------------


def test_a_topic_of_one_entity_is_closed_to_who_may_not_see_all_its_records(org):
    async def client(stub):
        metadata = headers(org, "rep1@local.test")
        info = await stub.GetTopic(pb.TopicRequest(topic_name=LEADS), metadata=metadata)
        assert not info.can_subscribe
        call = stub.Subscribe(metadata=metadata)
        await call.write(fetch(topic=LEADS))
        await call.read()

    status, code, _, _ = refusal(org, client)
    assert (status, code) == (
        grpc.StatusCode.PERMISSION_DENIED,
        "subscription.topic.cannot.subscribe",
    )


@pytest.mark.parametrize("topic", [CHANNEL, "/data/ChangeEvents"])
def test_on_a_channel_nothing_arrives_without_the_permission_but_the_place_moves_on(org, topic):
    async def client(stub):
        call = stub.Subscribe(metadata=headers(org, "rep1@local.test"))
        await call.write(fetch(topic=topic))
        before = await call.read()
        create_leads(org)
        after = await call.read()
        call.cancel()
        return before, after

    before, after = run(org, client, HASTY)

    assert list(after.events) == []
    assert after.latest_replay_id != before.latest_replay_id


# -- what the org does not have -------------------------------------------------------------------


def test_change_events_cannot_be_published(org):
    async def client(stub):
        await stub.Publish(pb.PublishRequest(topic_name=LEADS), metadata=headers(org))

    status, code, rpc, _ = refusal(org, client)
    assert (status, code, rpc) == (
        grpc.StatusCode.PERMISSION_DENIED,
        "topic.meta.permission",
        "Publish",
    )


def test_change_events_cannot_be_published_by_a_stream(org):
    async def client(stub):
        call = stub.PublishStream(metadata=headers(org))
        await call.write(pb.PublishRequest(topic_name=CHANNEL))
        await call.read()

    assert refusal(org, client)[:2] == (
        grpc.StatusCode.PERMISSION_DENIED,
        "topic.meta.permission",
    )


def test_a_managed_subscription_that_was_never_made_is_not_found(org):
    async def client(stub):
        call = stub.ManagedSubscribe(metadata=headers(org))
        await call.write(pb.ManagedFetchRequest(developer_name="Managed_X", num_requested=1))
        await call.read()

    status, code, _, _ = refusal(org, client)
    assert (status, code) == (
        grpc.StatusCode.NOT_FOUND,
        "managed.subscription.developer.name.not.found",
    )
