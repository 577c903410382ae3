"""Topics: which entities each one carries, read from the deployed channels and their members.

Source: facts/pubsub-cdc.md 2.8 and 2.9. Topic names are case-sensitive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from lxml import etree

from local_org.events.avro_schema import entity_of, event_name
from local_org.schema.access import Access
from local_org.schema.model import Schema

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
class Topic:
    """A topic that exists: its entities, each with the fields it is enriched with there."""

    name: str
    enriched: Mapping[str, tuple[str, ...]]
    entity: str | None = None
    """The one entity of a single-entity topic; None on ``/data/ChangeEvents`` and channels."""


@dataclass(frozen=True, slots=True)
class _Member:
    channel: str
    entity: str
    enriched: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics of the org at one state of its channels."""

    by_name: Mapping[str, Topic] = field(default_factory=dict)
    selected: frozenset[str] = frozenset()
    """Entities that any channel member selects: their changes become events."""


def topics_of(
    channels: Iterable[Component], members: Iterable[Component], schema: Schema
) -> Topics:
    """Return the topics that these components make; members of unknown objects are void."""
    read = [_member(component.body) for component in members]
    known = [m for m in read if m is not None and schema.get(m.entity) is not None]
    names = {STANDARD_CHANNEL} | {channel.name for channel in channels}
    topics = [
        Topic(_PREFIX + name, {m.entity: m.enriched for m in known if m.channel == name})
        for name in names
    ]
    selected = frozenset(member.entity for member in known)
    topics += [Topic(_PREFIX + event_name(entity), {entity: ()}, entity) for entity in selected]
    return Topics({topic.name: topic for topic in topics}, selected)


def sees(access: Access, entity: str) -> bool:
    """Whether the user may receive this entity's change events.

    It takes View All on the object, or View All Data; for activities and e-mail only the latter.
    """
    if entity in _VIEW_ALL_DATA_ONLY:
        return "ViewAllData" in access.permissions
    return access.view_all(entity)


def _member(body: bytes) -> _Member | None:
    """Read one ``PlatformEventChannelMember``; None when it selects no change event."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    root = etree.fromstring(body, parser)
    entity = entity_of(root.findtext("{*}selectedEntity") or "")
    if entity is None:
        return None
    enriched = tuple(element.text or "" for element in root.iterfind("{*}enrichedFields/{*}name"))
    return _Member(root.findtext("{*}eventChannel") or STANDARD_CHANNEL, entity, enriched)
