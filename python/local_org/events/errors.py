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
    """Refuse a publisher: change events are published by the org alone."""
    return BusError(
        "topic.meta.permission",
        f"You can't publish to the topic {topic}: change events are published by the org.",
        "PERMISSION_DENIED",
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
