"""How the Pub/Sub service is put on a server: no request, however broken, is left without an answer.

The generated code lets bytes that are no message end a call with an exception of its own; here they
come to the service as ``UNREADABLE``, which refuses them as it refuses anything else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Final, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message

from local_org.events import errors
from pubsub_api import pubsub_api_pb2 as pb

SERVICE: Final = "eventbus.v1.PubSub"
UNREADABLE: Final = object()
_UNARY: Final[dict[str, type[Message]]] = {
    "GetTopic": pb.TopicRequest,
    "GetSchema": pb.SchemaRequest,
    "Publish": pb.PublishRequest,
}
_STREAMS: Final[dict[str, type[Message]]] = {
    "Subscribe": pb.FetchRequest,
    "PublishStream": pb.PublishRequest,
    "ManagedSubscribe": pb.ManagedFetchRequest,
}
_Request = TypeVar("_Request")


def serve(service: object, server: grpc.aio.Server) -> None:
    """Answer the calls of a server by the methods of the service that bear their names."""
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            getattr(service, name), _reader(message), _written
        )
        for name, message in _UNARY.items()
    } | {
        name: grpc.stream_stream_rpc_method_handler(
            getattr(service, name), _reader(message), _written
        )
        for name, message in _STREAMS.items()
    }
    generic = grpc.method_handlers_generic_handler(SERVICE, handlers)
    server.add_generic_rpc_handlers((generic,))


def _written(message: Message) -> bytes:
    return message.SerializeToString()


def _reader(message: type[Message]) -> Callable[[bytes], Any]:
    def read(data: bytes) -> Any:
        try:
            return message.FromString(data)
        except DecodeError:
            return UNREADABLE

    return read


async def readable(requests: AsyncIterator[_Request], rpc: str) -> AsyncIterator[_Request]:
    """Yield the requests of a stream.

    :raises BusError: one is no message of the call.
    """
    async for request in requests:
        check(request, rpc)
        yield request


def check(request: object, rpc: str) -> None:
    """Let a request pass.

    :raises BusError: it is no message of the call.
    """
    if request is UNREADABLE:
        raise errors.unreadable(rpc)
