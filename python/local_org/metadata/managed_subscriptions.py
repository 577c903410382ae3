"""Managed event subscriptions: the topic a client listens to, and where it begins.

Source: facts/pubsub-cdc.md 1.9. Kept as documents, which ``ManagedSubscribe`` reads.
"""

from __future__ import annotations

from local_org.events.channels import topics_of
from local_org.metadata.markup import first_or_self, text
from local_org.metadata.package import Component
from local_org.metadata.work import Work, at_most, require

MOST = 200
"""Subscriptions of one org."""
_LABEL = 80


def managed_subscription(work: Work, component: Component) -> str:
    """Keep a subscription to a topic that the org has."""
    element = component.element
    at_most(first_or_self(element, "label"), _LABEL, "Label")
    name, place = text(element, "topicName") or "", first_or_self(element, "topicName")
    topics = topics_of(
        work.store.documents("PlatformEventChannel"),
        work.store.documents("PlatformEventChannelMember"),
        work.schema,
    )
    require(name in topics.by_name, f"The topic name {name} isn't valid", place)
    _check_limit(work, component)
    return work.new_id(component, "18x")


def _check_limit(work: Work, component: Component) -> None:
    own = component.full_name.lower()
    others = [m for m in work.store.documents(component.type_name) if m.name.lower() != own]
    message = f"You have reached the maximum number of {MOST} managed event subscriptions"
    require(len(others) < MOST, message, component.element)
