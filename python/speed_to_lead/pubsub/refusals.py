"""What to do when the Pub/Sub API ends a call: by its error code first, then by the gRPC status.

Source: facts/pubsub-cdc.md 1.6, "Rule for the client".
"""

from __future__ import annotations

from enum import StrEnum

import grpc
import grpc.aio

from speed_to_lead.errors import (
    OrgUnavailable,
    PermissionMissing,
    ReplayExpired,
    SpeedToLeadError,
    UsageError,
)

_NO_TOPIC = "topic.not.found"
_PREFIX = "sfdc.platform.eventbus.grpc."


class Remedy(StrEnum):
    """What helps."""

    AGAIN = "again"
    """Reconnect where we were, after a pause."""
    LOG_IN = "log in"
    """Get a new token, then reconnect."""
    BACKFILL = "backfill"
    """The replay id is of no use any more."""
    PERMISSION = "permission"
    OPERATOR = "operator"


_BY_CODE = {
    "subscription.fetch.replayid.corrupted": Remedy.BACKFILL,
    "subscription.fetch.replayid.validation.failed": Remedy.BACKFILL,
    "service.auth.error": Remedy.LOG_IN,
    "service.auth.refresh.invalid": Remedy.LOG_IN,
    "topic.meta.permission": Remedy.PERMISSION,
    "schema.meta.permission": Remedy.PERMISSION,
    "subscription.topic.cannot.subscribe": Remedy.PERMISSION,
    "service.tenant.license": Remedy.PERMISSION,
    "service.auth.headers.invalid": Remedy.OPERATOR,
    _NO_TOPIC: Remedy.OPERATOR,
}
_BY_STATUS = {
    grpc.StatusCode.UNAUTHENTICATED: Remedy.LOG_IN,
    grpc.StatusCode.NOT_FOUND: Remedy.OPERATOR,
    grpc.StatusCode.PERMISSION_DENIED: Remedy.PERMISSION,
    grpc.StatusCode.INVALID_ARGUMENT: Remedy.OPERATOR,
}


def code_of(error: grpc.aio.AioRpcError) -> str:
    """Return the error code without its prefix, or the status's name where there is none."""
    for key, value in error.trailing_metadata() or ():
        if key == "error-code":
            text = value.decode() if isinstance(value, bytes) else value
            return text.removeprefix(_PREFIX)
    return str(error.code().name)


def remedy(error: grpc.aio.AioRpcError) -> Remedy:
    """Return what helps against it."""
    return _BY_CODE.get(code_of(error)) or _BY_STATUS.get(error.code(), Remedy.AGAIN)


def as_error(topic: str, error: grpc.aio.AioRpcError) -> SpeedToLeadError:
    """Return a refusal as one of our errors, with what to do."""
    what, told = remedy(error), f"{topic}: {code_of(error)}"
    if what is Remedy.BACKFILL:
        return ReplayExpired(f"{told}: the org no longer retains the stored replay id")
    if what is Remedy.PERMISSION:
        return PermissionMissing(f"{told}: {permission_words(topic)}")
    if code_of(error) == _NO_TOPIC:
        return UsageError(
            f"{told}: deploy the package, so that the channel SpeedToLead__chn exists with its members"
        )
    told = f"{told}: {' '.join((error.details() or '').split())}"
    return UsageError(told) if what is Remedy.OPERATOR else OrgUnavailable(told)


def permission_words(topic: str) -> str:
    """Return which permission a topic needs, and where it comes from."""
    return (
        f"hearing {topic} needs View All Data: assign the permission set Speed_to_Lead_Sidecar "
        "to the sidecar's user"
    )
