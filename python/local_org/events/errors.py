"""Errors of the event bus, in the codes and wordings of the Pub/Sub API (facts 1.6)."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "sfdc.platform.eventbus.grpc."


@dataclass(eq=False)
class BusError(Exception):
    """One refusal of the event bus.

    ``code`` is the suffix behind ``sfdc.platform.eventbus.grpc.``; ``status`` is the name of the
    gRPC status that goes with it.
    """

    code: str
    message: str
    status: str = "INVALID_ARGUMENT"

    @property
    def full_code(self) -> str:
        """The value of the trailer ``error-code``."""
        return PREFIX + self.code

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def replay_id_missing() -> BusError:
    """Refuse CUSTOM without a replay id."""
    return BusError(
        "subscription.fetch.replayid.validation.failed",
        "The Replay ID validation failed. Ensure that the Replay ID is valid.",
    )


def replay_id_corrupted() -> BusError:
    """Refuse a replay id that is malformed, unknown, or older than the org retains (72 h)."""
    return BusError(
        "subscription.fetch.replayid.corrupted",
        "The Replay ID is invalid or corrupted. Ensure that the Replay ID is valid and within the "
        "retention window.",
    )


def too_few_requested() -> BusError:
    """Refuse a fetch request for no event at all, or for less."""
    return BusError(
        "subscription.fetch.requested.events.invalid",
        "The requested number of events in a fetch request must be greater than zero",
    )


def topic_mismatch(first: str, later: str) -> BusError:
    """Refuse a later fetch request of a stream that names another topic."""
    return BusError(
        "subscription.fetch.topic.mismatch",
        f"The topic {later} of this fetch request differs from the topic {first} of the first one.",
    )


def topic_empty() -> BusError:
    """Refuse a call that names no topic."""
    return BusError("topic.validation.empty", "The topic name can't be blank.")


def topic_not_found(org_id: str, topic: str) -> BusError:
    """Refuse a topic that does not exist, or whose entity no channel member selects."""
    return BusError(
        "topic.not.found",
        f"The topic information for org CORE/prod/{org_id} and topic {topic} not found. "
        "Ensure the topic name is correct and that the topic exists.",
        "NOT_FOUND",
    )


def cannot_subscribe(topic: str) -> BusError:
    """Refuse a user who may not see every record of the topic's one entity."""
    return BusError(
        "subscription.topic.cannot.subscribe",
        f"You don't have permission to subscribe to the topic {topic}.",
        "PERMISSION_DENIED",
    )


def cannot_publish(topic: str) -> BusError:
    """Refuse a publisher: of change events, which the org alone publishes, or without the right."""
    return BusError(
        "topic.meta.permission",
        f"You don't have permission to publish to the topic {topic}.",
        "PERMISSION_DENIED",
    )


def nothing_to_publish() -> BusError:
    """Refuse a publish request without events."""
    return BusError(
        "publish.event.count.invalid", "The publish request must hold at least one event."
    )


def publish_topic_mismatch(first: str, later: str) -> BusError:
    """Refuse a later request of a publish stream that names another topic."""
    return BusError(
        "publish.topic.mismatch",
        f"The topic {later} of this publish request differs from the topic {first} of the first.",
    )


def publish_idle(seconds: float) -> BusError:
    """End a publish stream on which nothing comes."""
    return BusError(
        "publish.stream.sweeper.timeout",
        f"No publish request came within {seconds:g} seconds. Closing the stream.",
        "DEADLINE_EXCEEDED",
    )


def schema_id_blank() -> BusError:
    """Refuse GetSchema without an id, as after GetTopic on a multi-entity topic."""
    return BusError(
        "schema.validation.failed", "Schema validation failed. The schema ID can't be blank."
    )


def schema_unknown(schema_id: str) -> BusError:
    """Refuse the id of a schema that the org has never had."""
    return BusError(
        "schema.validation.failed",
        f"Schema validation failed. The schema with the ID {schema_id} doesn't exist.",
    )


def authentication_failed() -> BusError:
    """Refuse a token that is unknown or expired, or another org's tenant id."""
    return BusError(
        "service.auth.error",
        "An authentication exception occurred. Provide valid authentication via metadata headers.",
        "UNAUTHENTICATED",
    )


def headers_invalid(missing: str) -> BusError:
    """Refuse a call without a metadata key that every call must bear."""
    return BusError(
        "service.auth.headers.invalid",
        f"The authentication metadata headers are invalid. The header {missing} is missing.",
        "UNAUTHENTICATED",
    )


def delivery_limit() -> BusError:
    """End a stream whose org has delivered all the events that it may in 24 hours."""
    return BusError(
        "subscription.limit.exceeded",
        "You have exceeded the event delivery limit for your org.",
        "RESOURCE_EXHAUSTED",
    )


def unavailable() -> BusError:
    """End a call that the service cannot serve."""
    return BusError(
        "service.unavailable", "The service is unavailable. Try again later.", "INTERNAL"
    )


def unreadable(rpc: str) -> BusError:
    """Refuse bytes that are no message of the call."""
    return BusError(_UNREADABLE[rpc], f"The request is no message of {rpc}.")


_UNREADABLE = {
    "GetTopic": "topic.validation.empty",
    "GetSchema": "schema.validation.failed",
    "Publish": "publish.topic.validation.empty",
    "PublishStream": "publish.topic.validation.empty",
    "Subscribe": "subscription.fetch.request.invalid",
    "ManagedSubscribe": "managed.subscription.fetch.request.invalid",
}
"""What the platform would miss first in a message of which nothing can be read."""


def request_invalid(preset: int) -> BusError:
    """Refuse a replay preset that does not exist."""
    return BusError(
        "subscription.fetch.request.invalid", f"The replay preset {preset} is not valid."
    )


def managed_unnamed() -> BusError:
    """Refuse ManagedSubscribe without an id and without a developer name."""
    return BusError(
        "managed.subscription.id.or.developer.name.empty",
        "The subscription ID or the developer name must be provided.",
    )


def managed_not_found(subscription_id: str, developer_name: str) -> BusError:
    """Refuse a ``ManagedEventSubscription`` that the org does not have."""
    kind = "subscription.id" if subscription_id else "developer.name"
    return BusError(
        f"managed.subscription.{kind}.not.found",
        f"The managed subscription {subscription_id or developer_name} was not found.",
        "NOT_FOUND",
    )


def managed_stopped(name: str) -> BusError:
    """Refuse a managed subscription whose state is not RUN."""
    return BusError(
        "managed.subscription.config.stopped",
        f"The managed subscription {name} is stopped.",
        "FAILED_PRECONDITION",
    )


def managed_deleted(name: str) -> BusError:
    """End the stream of a managed subscription that is no longer there."""
    return BusError(
        "managed.subscription.config.deleted",
        f"The managed subscription {name} was deleted.",
        "FAILED_PRECONDITION",
    )


def managed_active(name: str) -> BusError:
    """Refuse a second client of a managed subscription."""
    return BusError(
        "managed.subscription.already.active",
        f"The managed subscription {name} already has an active client.",
        "ALREADY_EXISTS",
    )


def managed_request_invalid(what: str, reason: str) -> BusError:
    """Refuse a request of a managed stream."""
    return BusError(f"managed.subscription.fetch.request.{what}", reason)


def managed_uncommitted(seconds: float) -> BusError:
    """End a managed stream whose client commits nothing."""
    return BusError(
        "managed.subscription.fetch.request.invalid",
        f"No CommitReplayRequests sent in the last {seconds:g} seconds. Closing managed "
        "subscription.",
        "DEADLINE_EXCEEDED",
    )
