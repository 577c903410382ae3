"""Which topics to hear, asked before anything is subscribed to.

Channels check permissions at delivery, in silence; topics of one entity tell. So those are asked too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import grpc
import grpc.aio

from pubsub_api import pubsub_api_pb2 as pb
from pubsub_api import pubsub_api_pb2_grpc
from speed_to_lead.errors import PermissionMissing, UsageError
from speed_to_lead.pubsub.channel import TokenSource, connect, metadata
from speed_to_lead.pubsub.refusals import Remedy, as_error, permission_words, remedy

ENTITIES = ("Lead", "Task", "EmailMessage")


async def topics_of(
    endpoint: str,
    *,
    ca_file: Path | None,
    token: TokenSource,
    channel: str,
    entities: Sequence[str] = ENTITIES,
    plaintext: bool = False,
) -> tuple[str, ...]:
    """Return the channel if the org has it, else the topics of the single entities.

    :raises PermissionMissing: the user may not hear one of the entities.
    :raises UsageError: neither is there.
    :raises OrgUnavailable: the Pub/Sub API does not answer.
    """
    async with connect(endpoint, ca_file, plaintext=plaintext) as opened:
        stub = pubsub_api_pb2_grpc.PubSubStub(opened)  # type: ignore[no-untyped-call]
        singles = [f"/data/{entity}ChangeEvent" for entity in entities]
        channel_is_there = await _is_there(stub, token, channel)
        there = [topic for topic in singles if await _is_there(stub, token, topic)]
    if channel_is_there:
        return (channel,)
    if len(there) < len(singles):
        missing = ", ".join(topic for topic in singles if topic not in there)
        raise UsageError(
            f"the org has neither {channel} nor {missing}: deploy the package, or select the "
            "entities for Change Data Capture"
        )
    return tuple(singles)


async def _is_there(stub: pubsub_api_pb2_grpc.PubSubStub, token: TokenSource, topic: str) -> bool:
    """Tell whether a topic exists.

    :raises PermissionMissing: it does, and the user may not subscribe to it.
    """
    refreshed = False
    while True:
        try:
            info = await stub.GetTopic(
                pb.TopicRequest(topic_name=topic),
                metadata=await metadata(token, refresh=refreshed),
                timeout=30,
            )
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return False
            if remedy(error) is Remedy.LOG_IN and not refreshed:
                refreshed = True
                continue
            raise as_error(topic, error) from error
        if not info.can_subscribe:
            raise PermissionMissing(permission_words(topic))
        return True
