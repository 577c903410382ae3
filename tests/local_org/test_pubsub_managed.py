"""A managed subscription keeps its client's place in the org, and moves it by commits alone."""

from __future__ import annotations

from datetime import timedelta

import grpc
import pytest

from local_org.api.pubsub import PubSubSettings
from pubsub_api import pubsub_api_pb2 as pb
from tests.local_org.pubsub_client import events_of, headers, refusal, run
from tests.local_org.test_deploy_objects import HIT, of
from tests.metadata.deploying import Admin, manifest, xml

pytestmark = pytest.mark.documented("pubsub_api.proto; facts/pubsub-cdc.md 1.6, 1.9")

CODES = pytest.mark.inferred("the statuses; settled by: the same requests to a real org")
SETTINGS = """<defaultReplay>EARLIEST</defaultReplay><errorRecoveryReplay>{}</errorRecoveryReplay>
<label>Hits</label><state>{}</state><topicName>/event/Hit__e</topicName>"""
QUICK = PubSubSettings(keepalive_seconds=0.05)
HASTY = PubSubSettings(commit_seconds=0.05)


def settings(state, recovery):
    return {
        "package.xml": manifest(ManagedEventSubscription="Hits"),
        "managedEventSubscriptions/Hits.managedEventSubscription": xml(
            "ManagedEventSubscription", SETTINGS.format(recovery, state)
        ),
    }


def settle(admin, state="RUN", recovery="LATEST"):
    """Deploy the subscription."""
    assert admin.deploy(settings(state, recovery)).success


def publish(admin, *notes):
    results = admin.org.insert(admin.session, [("Hit__e", {"Note__c": note}) for note in notes])
    assert all(each.success for each in results)


@pytest.fixture
def admin():
    admin = Admin()
    assert admin.deploy(of("Hit__e", HIT)).success
    settle(admin)
    publish(admin, *"abc")
    return admin


@pytest.fixture
def org(admin):
    return admin.org


def wanted(count=0, **more):
    return pb.ManagedFetchRequest(developer_name="Hits", num_requested=count, **more)


def commit(replay_id, key="c"):
    asked = pb.CommitReplayRequest(commit_request_id=key, replay_id=replay_id)
    return pb.ManagedFetchRequest(commit_replay_id_request=asked)


async def opened(stub, org, count):
    call = stub.ManagedSubscribe(metadata=headers(org))
    await call.write(wanted(count))
    return call


async def reopened(stub, org, count):
    """Return the first events of a new client, once the server knows that the old one is gone."""
    while True:
        call = await opened(stub, org, count)
        try:
            return await events_of(call, count)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.ALREADY_EXISTS:
                raise


def test_it_goes_on_behind_the_last_commit(org):
    """A second client begins with the first event that was not committed, though all were sent."""

    async def client(stub):
        call = await opened(stub, org, 3)
        first = await events_of(call, 3)
        await call.write(commit(first[1].replay_id))
        answer = (await call.read()).commit_response
        call.cancel()
        return first, answer, await reopened(stub, org, 1)

    first, answer, [following] = run(org, client)
    assert (answer.commit_request_id, answer.replay_id) == ("c", first[1].replay_id)
    assert answer.process_time > 0
    assert not answer.HasField("error")
    assert following.replay_id == first[2].replay_id


def test_without_a_commit_it_begins_again_where_it_says(org):
    """What was delivered and not committed is delivered once more."""

    async def client(stub):
        call = await opened(stub, org, 2)
        first = await events_of(call, 2)
        call.cancel()
        return first, await reopened(stub, org, 2)

    first, again = run(org, client)
    assert [each.replay_id for each in first] == [each.replay_id for each in again]


def test_it_is_found_by_its_id_too(admin, org):
    """The 18x id of the component names it as well as its developer name."""
    known = org.store.document("ManagedEventSubscription", "Hits").meta["id"]
    assert known.startswith("18x")

    async def client(stub):
        call = stub.ManagedSubscribe(metadata=headers(org))
        await call.write(pb.ManagedFetchRequest(subscription_id=known, num_requested=3))
        return await events_of(call, 3)

    assert len(run(org, client)) == 3


@pytest.mark.parametrize(("recovery", "count"), [("EARLIEST", 2), ("LATEST", 1)])
def test_a_place_that_has_expired_is_recovered_as_it_says(admin, org, recovery, count):
    """After 72 hours the errorRecoveryReplay counts, not the defaultReplay."""
    settle(admin, recovery=recovery)

    async def committed(stub):
        call = await opened(stub, org, 3)
        await call.write(commit((await events_of(call, 3))[2].replay_id))
        await call.read()

    run(org, committed)
    org.clock.advance(timedelta(hours=73))
    publish(admin, "d")

    async def client(stub):
        call = await opened(stub, org, 5)
        before = (await call.read()).events  # at once, or as a keepalive
        publish(admin, "e")
        return [*before, *await events_of(call, 1)]

    assert len(run(org, client, QUICK)) == count


def test_a_commit_of_no_replay_id_is_told_and_ends_nothing(org):
    """The error is in the commit's own response, and events go on."""

    async def client(stub):
        call = await opened(stub, org, 1)
        await events_of(call, 1)
        await call.write(commit(b"nonsense"))
        answer = (await call.read()).commit_response
        await call.write(wanted(1))
        return answer, await events_of(call, 1)

    answer, events = run(org, client)
    assert answer.error.code == pb.ErrorCode.COMMIT
    assert answer.error.msg.startswith("The Replay ID is invalid or corrupted.")
    assert len(events) == 1


def test_it_has_one_client_at_a_time(org):
    """A second client is refused while the first is served."""

    async def client(stub):
        call = await opened(stub, org, 1)
        await events_of(call, 1)
        await (await opened(stub, org, 1)).read()

    status, code, rpc, _ = refusal(org, client)
    assert (status, code, rpc) == (
        grpc.StatusCode.ALREADY_EXISTS,
        "managed.subscription.already.active",
        "ManagedSubscribe",
    )


@CODES
def test_one_that_is_stopped_serves_nobody(admin, org):
    """State STOP refuses a client."""
    settle(admin, "STOP")

    async def client(stub):
        await (await opened(stub, org, 1)).read()

    status, code, _, _ = refusal(org, client)
    assert (status, code) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "managed.subscription.config.stopped",
    )


@CODES
@pytest.mark.parametrize("how", ["stopped", "deleted"])
def test_stopping_or_deleting_it_ends_its_stream(admin, org, how):
    """The client that is served is told at the next event."""

    async def client(stub):
        call = await opened(stub, org, 5)
        await events_of(call, 3)
        if how == "stopped":
            settle(admin, "STOP")
        else:
            org.delete_metadata(admin.session, "ManagedEventSubscription", ["Hits"])
        publish(admin, "d")
        await call.read()

    _, code, _, _ = refusal(org, client)
    assert code == f"managed.subscription.config.{how}"


@CODES
@pytest.mark.parametrize(
    ("first", "code"),
    [
        (pb.ManagedFetchRequest(), "id.or.developer.name.empty"),
        (pb.ManagedFetchRequest(developer_name="Misses"), "developer.name.not.found"),
        (pb.ManagedFetchRequest(subscription_id="18x000000000009AAA"), "subscription.id.not.found"),
        (wanted(-1), "fetch.request.events.invalid"),
        (
            wanted(1, commit_replay_id_request=pb.CommitReplayRequest(replay_id=b"x")),
            "fetch.request.commit.request.restricted",
        ),
    ],
)
def test_a_first_request_that_makes_no_sense_is_refused(org, first, code):
    """Each mistake has its own code."""

    async def client(stub):
        call = stub.ManagedSubscribe(metadata=headers(org))
        await call.write(first)
        await call.read()

    _, said, _, _ = refusal(org, client)
    assert said == f"managed.subscription.{code}"


@pytest.mark.inferred("the wording; settled by: deploying such a subscription to a real org")
@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (("/event/Hit__e", "/event/Miss__e"), "The topic name /event/Miss__e isn't valid"),
        (("RUN", "WALK"), "'WALK' is not a valid value for the enum 'EventSubscriptionAdminState'"),
    ],
    ids=["no such topic", "no such state"],
)
def test_one_that_makes_no_sense_is_not_deployed(admin, wrong, reason):
    """The topic must exist, and the state be one."""
    files = settings("RUN", "LATEST")
    path = "managedEventSubscriptions/Hits.managedEventSubscription"
    assert admin.refusal(files | {path: files[path].replace(*wrong)}).problem == reason


def test_a_client_that_never_commits_is_ended(org):
    """After the time for commits the stream ends, with the words seen in the field."""

    async def client(stub):
        call = await opened(stub, org, 3)
        await events_of(call, 3)
        await call.write(wanted(1))
        await call.read()

    status, _, _, message = refusal(org, client, HASTY)
    assert status is grpc.StatusCode.DEADLINE_EXCEEDED
    assert message.startswith("No CommitReplayRequests sent in the last 0.05 seconds.")
