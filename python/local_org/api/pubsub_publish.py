"""``Publish`` and ``PublishStream``: a result for each event, in the order of the events.

Source: facts/pubsub-cdc.md 1.1, 1.8.
"""

from __future__ import annotations

from local_org.api.pubsub_delivery import Call
from local_org.events import errors
from local_org.events.bus import Payload, replay_id
from local_org.events.channels import Topic
from local_org.events.platform_events import Unpublishable
from pubsub_api import pubsub_api_pb2 as pb


def may_publish(topic: Topic, call: Call) -> bool:
    """Whether the topic carries a platform event that the user may create."""
    return topic.is_published and call.org.access(call.session).createable(topic.entity or "")


def publish(call: Call, topic: Topic, request: pb.PublishRequest) -> pb.PublishResponse:
    """Append all events of a request that can be published, in one transaction.

    :raises BusError: none of them can, for the topic or for want of events.
    """
    if not may_publish(topic, call):
        raise errors.cannot_publish(topic.name)
    if not request.events:
        raise errors.nothing_to_publish()
    bus = call.org.bus
    checked = [_checked(call, topic, event) for event in request.events]
    accepted = [each for each in checked if isinstance(each, Payload)]
    positions = iter(bus.accept(accepted, call.session.user_id))
    results = [
        pb.PublishResult(replay_id=replay_id(next(positions)), correlation_key=each.event_id)
        if isinstance(each, Payload)
        else each
        for each in checked
    ]
    return pb.PublishResponse(
        results=results, schema_id=bus.topic_schema_id(topic), rpc_id=call.rpc_id
    )


def _checked(call: Call, topic: Topic, event: pb.ProducerEvent) -> Payload | pb.PublishResult:
    """Return an event that can be published, or the result that tells why it cannot."""
    try:
        return call.org.bus.checked(topic, event.schema_id, event.id, event.payload)
    except Unpublishable as refused:
        error = pb.Error(code=pb.ErrorCode.PUBLISH, msg=str(refused))
        return pb.PublishResult(correlation_key=event.id, error=error)
