"""One gRPC channel to the Pub/Sub API, and the metadata that every call bears."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import grpc
import grpc.aio

from speed_to_lead.errors import UsageError

_MEGABYTE = 1024 * 1024
_OPTIONS = (
    ("grpc.max_receive_message_length", 16 * _MEGABYTE),
    ("grpc.keepalive_time_ms", 300_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.max_reconnect_backoff_ms", 30_000),
)


class Token(Protocol):
    """What the Pub/Sub API must be told with every call."""

    @property
    def access_token(self) -> str:
        """The session."""
        ...

    @property
    def instance_url(self) -> str:
        """The org's My Domain URL."""
        ...

    @property
    def org_id(self) -> str:
        """The tenant, 18 characters."""
        ...


TokenSource = Callable[[bool], Awaitable[Token]]
"""Returns the token in use, or a new one when its argument is true."""


def connect(endpoint: str, ca_file: Path | None, *, plaintext: bool = False) -> grpc.aio.Channel:
    """Return a channel with verified TLS; without it only where a test says so.

    :raises UsageError: the file of certificate authorities cannot be read.
    """
    if plaintext:
        return grpc.aio.insecure_channel(endpoint, _OPTIONS)
    try:
        roots = None if ca_file is None else ca_file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"SPEED_TO_LEAD_CA_FILE: cannot read {ca_file}: {error.strerror}"
        ) from error
    return grpc.aio.secure_channel(endpoint, grpc.ssl_channel_credentials(roots), _OPTIONS)


async def metadata(token: TokenSource, *, refresh: bool = False) -> tuple[tuple[str, str], ...]:
    """Return the headers of a call."""
    known = await token(refresh)
    return (
        ("accesstoken", known.access_token),
        ("instanceurl", known.instance_url),
        ("tenantid", known.org_id),
    )
