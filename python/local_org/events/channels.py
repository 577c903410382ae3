"""Topics: which entities each one carries, read from the deployed channels and their members.

Source: facts/pubsub-cdc.md 2.8 and 2.9. Topic names are case-sensitive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from lxml import etree

from local_org.events import filters
from local_org.events.avro_schema import entity_of, event_name
from local_org.events.platform_events import PREFIX as EVENT_PREFIX
from local_org.schema.access import Access
from local_org.schema.model import EVENT_SUFFIX, Schema

STANDARD_CHANNEL = "ChangeEvents"
_PREFIX = "/data/"
_VIEW_ALL_DATA_ONLY = frozenset({"Task", "Event", "EmailMessage", "TaskRelation", "EventRelation"})


class Component(Protocol):
    """A stored metadata component: its full name and its XML."""

    @property
    def name(self) -> str:
        """The full name, such as ``SpeedToLead__chn``."""
        ...

    @property
    def body(self) -> bytes:
        """The component in Metadata API format."""
        ...


@dataclass(frozen=True, slots=True)
class Member:
    """How one entity's events stand on one channel."""

    enriched: tuple[str, ...] = ()
    """Fields that updates and deletions are enriched with, those of the filter among them."""
    filter: filters.Expression | None = None


WHOLE = Member()
"""Every event as it is."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that exists, with its entities."""

    name: str
    members: Mapping[str, Member]
    entity: str | None = None
    """The one entity of a single-entity topic; None on ``/data/ChangeEvents`` and channels."""

    @property
    def is_published(self) -> bool:
        """Whether users publish to it: it carries a platform event."""
        return self.entity is not None and self.entity.endswith(EVENT_SUFFIX)


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics of the org at one state of its channels."""

    by_name: Mapping[str, Topic] = field(default_factory=dict)
    selected: frozenset[str] = frozenset()
    """Objects that any channel member selects: their changes become events."""


def topics_of(
    channels: Iterable[Component], members: Iterable[Component], schema: Schema
) -> Topics:
    """Return the topics that these components make; members of unknown objects are void."""
    read = (_member(component.body, schema) for component in members)
    known = [each for each in read if each is not None]
    names = {STANDARD_CHANNEL} | {channel.name for channel in channels}
    topics = [
        Topic(_PREFIX + name, {entity: m for channel, entity, m in known if channel == name})
        for name in names
    ]
    selected = frozenset(entity for _, entity, _ in known)
    topics += [Topic(_PREFIX + event_name(e), {e: WHOLE}, e) for e in selected]
    topics += [
        Topic(EVENT_PREFIX + sobject.name, {sobject.name: WHOLE}, sobject.name)
        for sobject in schema
        if sobject.is_event
    ]
    return Topics({topic.name: topic for topic in topics}, selected)


def sees(access: Access, entity: str) -> bool:
    """Whether the user may receive this entity's events.

    For change events it takes View All on the object, or View All Data; for activities and e-mail
    only the latter. Platform events take Read.
    """
    if entity.endswith(EVENT_SUFFIX):
        return access.readable(entity)
    if entity in _VIEW_ALL_DATA_ONLY:
        return "ViewAllData" in access.permissions
    return access.view_all(entity)


def _member(body: bytes, schema: Schema) -> tuple[str, str, Member] | None:
    """Return channel, entity and member of a component; None when it selects no change event."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    root = etree.fromstring(body, parser)
    sobject = schema.get(entity_of(root.findtext("{*}selectedEntity") or "") or "")
    if sobject is None:
        return None
    told = root.findtext("{*}filterExpression")
    expression = filters.parse(told) if told else None
    names = [element.text or "" for element in root.iterfind("{*}enrichedFields/{*}name")]
    if expression is not None:
        names += sorted(filters.entity_fields(expression))
    fields = {name: sobject.get(name) for name in names}
    enriched = dict.fromkeys(found.name if found else name for name, found in fields.items())
    channel = root.findtext("{*}eventChannel") or STANDARD_CHANNEL
    return channel, sobject.name, Member(tuple(enriched), expression)
