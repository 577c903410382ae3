"""Platform events are published by REST and gRPC, and reach every subscriber as they were sent."""

import io
import json
from contextlib import suppress
from functools import partial
from typing import Any

import fastavro
import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_org.api.pubsub import PubSubSettings
from local_org.events.platform_events import Unpublishable
from pubsub_api import pubsub_api_pb2 as pb
from tests.local_org.pubsub_client import events_of, fetch, headers, refusal, run
from tests.local_org.test_deploy_objects import HIT, MINUTES, of
from tests.metadata.deploying import Admin

pytestmark = pytest.mark.documented(
    "Platform Events Developer Guide; pubsub_api.proto; facts/pubsub-cdc.md 1.8, 1.9"
)

TOPIC = "/event/Hit__e"
SENT = {"CreatedDate": 1793613600000, "CreatedById": "005000000000001AAA", "Note__c": "Ding"}
HASTY = PubSubSettings(publish_idle_seconds=0.05)


@pytest.fixture
def admin():
    admin = Admin()
    assert admin.deploy(of("Hit__e", HIT)).success
    return admin


@pytest.fixture
def org(admin):
    return admin.org


async def told(stub, org):
    """Return the topic's schema id, and the schema as fastavro has it."""
    topic = await stub.GetTopic(pb.TopicRequest(topic_name=TOPIC), metadata=headers(org))
    asked = pb.SchemaRequest(schema_id=topic.schema_id)
    schema = await stub.GetSchema(asked, metadata=headers(org))
    return topic, fastavro.parse_schema(json.loads(schema.schema_json))


def event(schema_id, schema, key="k", **values):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, SENT | values)
    return pb.ProducerEvent(id=key, schema_id=schema_id, payload=out.getvalue())


def request(*events, topic=TOPIC):
    return pb.PublishRequest(topic_name=topic, events=events)


async def heard(stub, org, count):
    """Return the oldest events of the topic."""
    call = stub.Subscribe(metadata=headers(org))
    await call.write(fetch(TOPIC, count, replay_preset=pb.EARLIEST))
    found = await events_of(call, count)
    call.cancel()
    return found


def decoded(schema, got):
    return fastavro.schemaless_reader(io.BytesIO(got.event.payload), schema, None)


@pytest.mark.inferred(
    "that a required field is not nullable; settled by: GetSchema of such an event"
)
def test_its_schema_says_when_and_by_whom_and_then_its_own_fields(org):
    """GetTopic and GetSchema tell a schema of two system fields and the event's own."""

    async def client(stub):
        return await told(stub, org)

    topic, schema = run(org, client)
    assert (topic.can_publish, topic.can_subscribe) == (True, True)
    assert schema["name"] == "com.sforce.eventbus.Hit__e"
    fields: list[Any] = schema["fields"]
    assert [(each["name"], each["type"]) for each in fields] == [
        ("CreatedDate", "long"),
        ("CreatedById", "string"),
        ("Note__c", "string"),
    ]


def test_what_is_published_arrives_byte_for_byte_under_its_replay_id(org):
    """Subscribers get the payloads as they were sent, under the replay ids of the results."""

    async def client(stub):
        topic, schema = await told(stub, org)
        sent = [event(topic.schema_id, schema, f"k{n}", Note__c=f"Ding {n}") for n in range(3)]
        answer = await stub.Publish(request(*sent), metadata=headers(org))
        return schema, sent, answer, await heard(stub, org, 3)

    schema, sent, answer, got = run(org, client)
    assert [each.correlation_key for each in answer.results] == ["k0", "k1", "k2"]
    assert [each.replay_id for each in answer.results] == [each.replay_id for each in got]
    assert [each.event.payload for each in got] == [each.payload for each in sent]
    assert decoded(schema, got[2]) == SENT | {"Note__c": "Ding 2"}


def test_a_record_created_by_rest_is_published_and_leaves_no_record(admin, org):
    """An insert ends on the same bus, with its creator, and the table stays empty."""
    [result] = org.insert(admin.session, [("Hit__e", {"Note__c": "Dong"})])
    assert result.success

    async def client(stub):
        _, schema = await told(stub, org)
        [got] = await heard(stub, org, 1)
        return decoded(schema, got)

    got = run(org, client)
    assert (got["Note__c"], got["CreatedById"]) == ("Dong", admin.session.user_id)
    assert org.store.select("Hit__e") == []


def test_a_rest_event_without_a_required_field_is_refused(admin, org):
    """The required field of the event is required by REST."""
    [result] = org.insert(admin.session, [("Hit__e", {})])
    assert result.errors[0].code == "REQUIRED_FIELD_MISSING"


@pytest.mark.inferred("the texts of errors; settled by: publishing such events to a real org")
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda e: e.payload[:-2], "The payload is no event under its schema"),
        (
            lambda e: e.payload + b"x",
            "The payload is no event under its schema: expected the end at byte",
        ),
        (lambda _: b"", "The payload is no event under its schema"),
        (lambda _: bytes(1_100_000), "The event exceeds the maximum size of 1048576 bytes"),
    ],
    ids=["cut", "too long", "empty", "too large"],
)
def test_an_event_that_is_none_is_refused_by_itself(org, spoil, reason):
    """A bad payload has an error in its result, and the event behind it is published."""

    async def client(stub):
        topic, schema = await told(stub, org)
        good, bad = (event(topic.schema_id, schema, key) for key in ("good", "bad"))
        bad.payload = spoil(bad)
        return await stub.Publish(request(bad, good), metadata=headers(org))

    refused, done = run(org, client).results
    assert (refused.correlation_key, refused.error.code) == ("bad", pb.ErrorCode.PUBLISH)
    assert refused.error.msg.startswith(reason)
    assert (done.correlation_key, bool(done.replay_id)) == ("good", True)


def test_the_answer_to_a_record_tells_the_uuid_under_which_it_arrives(admin, org):
    """OPERATION_ENQUEUED bears the uuid that subscribers see as the id of the event."""
    [result] = org.insert(admin.session, [("Hit__e", {"Note__c": "Dong"})])
    [told] = result.errors

    async def client(stub):
        [got] = await heard(stub, org, 1)
        return got.event.id

    assert (told.code, told.message) == ("OPERATION_ENQUEUED", run(org, client))


@pytest.mark.inferred("the texts; settled by: publishing such events to a real org")
@pytest.mark.parametrize(
    ("note", "reason"),
    [(None, "Required fields are missing: [Note__c]"), ("x" * 300, "data value too large")],
    ids=["blank", "too long"],
)
def test_a_readable_event_is_held_to_the_definition_of_now(admin, org, note, reason):
    """A field that has become required since, and a text beyond its length, are refused."""
    optional = HIT.replace("<required>true</required>", "")
    assert admin.deploy(of("Hit__e", optional)).success

    async def client(stub):
        topic, schema = await told(stub, org)
        assert admin.deploy(of("Hit__e", HIT)).success
        sent = event(topic.schema_id, schema, Note__c=note)
        return await stub.Publish(request(sent), metadata=headers(org))

    [refused] = run(org, client).results
    assert reason in refused.error.msg


def test_an_event_of_an_older_schema_is_still_taken(admin, org):
    """What was encoded before a deploy arrives under the schema id it was encoded under."""

    async def client(stub):
        topic, schema = await told(stub, org)
        assert admin.deploy(of("Hit__e", HIT + MINUTES)).success
        later, _ = await told(stub, org)
        sent = event(topic.schema_id, schema)
        await stub.Publish(request(sent), metadata=headers(org))
        [got] = await heard(stub, org, 1)
        return topic.schema_id, later.schema_id, got.event.schema_id

    before, after, got = run(org, client)
    assert got == before != after


@pytest.mark.inferred("that nothing gets through; settled by: nothing a real org does")
def test_what_is_taken_of_random_bytes_is_what_the_schema_describes(org):
    """Of spoilt payloads only those pass that the reference reader and writer give back alike."""
    topic = org.bus.topic(TOPIC)
    schema_id = org.bus.topic_schema_id(topic)
    schema = fastavro.parse_schema(json.loads(org.bus.schema_json(schema_id)))
    good = event(schema_id, schema).payload
    taken = []

    @settings(deadline=None, max_examples=300, derandomize=True, database=None)
    @given(
        st.binary(max_size=60)
        | st.tuples(st.integers(0, len(good) - 1), st.binary(max_size=3)).map(
            lambda cut: good[: cut[0]] + cut[1] + good[cut[0] + 1 :]
        )
    )
    def fuzz(data):
        with suppress(Unpublishable):
            taken.append(org.bus.checked(topic, schema_id, "k", data).data)

    fuzz()
    assert taken
    for data in taken:
        value: Any = fastavro.schemaless_reader(io.BytesIO(data), schema, None)
        again = io.BytesIO()
        fastavro.schemaless_writer(again, schema, value)
        assert len(again.getvalue()) <= len(data)


@pytest.mark.inferred("where a wrong schema is told; settled by: publishing so to a real org")
def test_an_event_under_another_schema_is_refused_by_itself(org):
    """A schema id that is not the topic's has an error in its result."""

    async def client(stub):
        _, schema = await told(stub, org)
        return await stub.Publish(request(event("nope", schema)), metadata=headers(org))

    [refused] = run(org, client).results
    assert refused.error.msg == "The schema with the ID nope is no schema of /event/Hit__e"


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (request(), "INVALID_ARGUMENT", "publish.event.count.invalid"),
        (request(topic="/event/Miss__e"), "NOT_FOUND", "topic.not.found"),
        (request(topic="/data/ChangeEvents"), "PERMISSION_DENIED", "topic.meta.permission"),
        (request(topic=""), "INVALID_ARGUMENT", "topic.validation.empty"),
    ],
)
def test_a_request_that_cannot_be_published_is_refused_as_a_whole(org, sent, status, code):
    """Without events, a topic, or the right kind of topic the call ends with its code."""

    async def client(stub):
        await stub.Publish(sent, metadata=headers(org))

    found, said, rpc, _ = refusal(org, client)
    assert (found.name, said, rpc) == (status, code, "Publish")


def test_a_user_without_rights_to_the_event_does_not_publish(org):
    """A user without Create on the event is refused."""
    rep = partial(headers, org, "rep1@local.test")

    async def client(stub):
        await stub.Publish(request(pb.ProducerEvent()), metadata=rep())

    found, code, _, _ = refusal(org, client)
    assert (found, code) == (grpc.StatusCode.PERMISSION_DENIED, "topic.meta.permission")


def test_a_stream_publishes_request_after_request(org):
    """Each request of a publish stream has its response, and may leave the topic out."""

    async def client(stub):
        topic, schema = await told(stub, org)
        call = stub.PublishStream(metadata=headers(org))
        await call.write(request(event(topic.schema_id, schema, "a")))
        first = await call.read()
        await call.write(request(event(topic.schema_id, schema, "b"), topic=""))
        second = await call.read()
        await call.done_writing()
        return first, second, await heard(stub, org, 2)

    first, second, got = run(org, client)
    answers = [*first.results, *second.results]
    assert [each.correlation_key for each in answers] == ["a", "b"]
    assert [each.replay_id for each in answers] == [each.replay_id for each in got]


def test_a_publish_stream_keeps_to_its_topic(org):
    """A later request for another topic ends the stream."""

    async def client(stub):
        topic, schema = await told(stub, org)
        call = stub.PublishStream(metadata=headers(org))
        await call.write(request(event(topic.schema_id, schema)))
        await call.read()
        await call.write(request(event(topic.schema_id, schema), topic="/event/Miss__e"))
        await call.read()

    _, code, rpc, _ = refusal(org, client)
    assert (code, rpc) == ("publish.topic.mismatch", "PublishStream")


def test_a_publish_stream_on_which_nothing_comes_is_ended(org):
    """The stream is swept when no request comes in time."""

    async def client(stub):
        call = stub.PublishStream(metadata=headers(org))
        await call.read()

    _, code, _, message = refusal(org, client, HASTY)
    assert code == "publish.stream.sweeper.timeout"
    assert message.startswith("No publish request came within 0.05 seconds.")
