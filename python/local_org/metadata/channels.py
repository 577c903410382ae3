"""Channels of change events and their members. Kept as documents, which the event bus reads.

Source: facts/metadata.md 2.4, 2.8 and 4.
"""

from __future__ import annotations

from local_org.events import filters
from local_org.events.filter_check import check_filter
from local_org.metadata.markup import Problem, XmlFile, children, first_or_self, text
from local_org.metadata.package import Component
from local_org.metadata.work import Work, require

STANDARD_CHANNEL = "ChangeEvents"
MAX_ENTITIES = 5
"""Entities that an org without the add-on may select, over all channels."""
MAX_ENRICHED = 10
_TRACKABLE = frozenset(
    {
        "Account",
        "Campaign",
        "CampaignMember",
        "Case",
        "Contact",
        "EmailMessage",
        "Event",
        "EventRelation",
        "Lead",
        "Opportunity",
        "OpportunityContactRole",
        "Task",
        "TaskRelation",
        "User",
    }
)
_SUFFIX = "ChangeEvent"


def channel(work: Work, component: Component) -> str:
    """Keep a custom channel of change events."""
    name = component.full_name
    require(
        name.endswith("__chn"), "The channel name must end with the suffix __chn", component.element
    )
    kind = first_or_self(component.element, "channelType")
    require(
        kind.text == "data",
        "Platform event channels of type event are not supported by this org",
        kind,
    )
    return work.new_id(component, "0YL")


def channel_member(work: Work, component: Component) -> str:
    """Keep a member: one entity on one channel, with the fields it is enriched with."""
    element = component.element
    _check_name(component)
    place = first_or_self(element, "eventChannel")
    name = text(element, "eventChannel") or ""
    known = name == STANDARD_CHANNEL or work.document("PlatformEventChannel", name)
    require(known, "Unable to find the specified channel", place)
    place = first_or_self(element, "selectedEntity")
    entity = selected_entity(work, text(element, "selectedEntity") or "")
    message = f'{component.full_name} has an invalid event in the "selectedEntity" field'
    require(entity, message, place)
    _check_filter(work, component, entity or "")
    _check_enriched(work, component, entity or "")
    _check_limit(work, component, entity or "")
    return work.new_id(component, "0v8")


def selected_entity(work: Work, event: str) -> str | None:
    """Return the object whose change event this is: ``Lead`` of ``LeadChangeEvent``, or None."""
    name = event.removesuffix("__ChangeEvent") + "__c"
    if not event.endswith("__ChangeEvent"):
        name = event.removesuffix(_SUFFIX) if event.endswith(_SUFFIX) else ""
    found = work.schema.get(name)
    if found is None or not (found.custom or found.name in _TRACKABLE) or found.name != name:
        return None
    return found.name


def _check_name(component: Component) -> None:
    """Refuse a double underscore before the event's name: it reads as a namespace."""
    first, separator, _ = component.full_name.partition("__")
    message = (
        f"Cannot create a new component with the namespace: {first}. Only components in the same "
        "namespace as the organization can be created through the API"
    )
    require(not separator, message, component.element)


def _check_filter(work: Work, component: Component, entity: str) -> None:
    """A filter is an expression over fields of the object that a filter may name."""
    expression = text(component.element, "filterExpression")
    if not expression:
        return
    try:
        check_filter(filters.parse(expression), work.schema.object(entity))
    except filters.FilterError as reason:
        place = first_or_self(component.element, "filterExpression")
        raise Problem(f"The filter expression isn't valid: {reason}", place) from None


def _check_enriched(work: Work, component: Component, entity: str) -> None:
    """Enriched fields exist, are one hop away, and are at most ten."""
    enriched = list(children(component.element, "enrichedFields"))
    for each in enriched:
        name = text(each, "name") or ""
        known = work.schema.object(entity).get(name)
        require(known, f"The selected field, {name}, isn't valid", first_or_self(each, "name"))
    require(
        len(enriched) <= MAX_ENRICHED,
        f"You can select up to {MAX_ENRICHED} enriched fields for a channel member",
        component.element,
    )


def _check_limit(work: Work, component: Component, entity: str) -> None:
    """Refuse more selected entities, this one included, than the org may have."""
    own = component.full_name.lower()
    others = (m for m in work.store.documents(component.type_name) if m.name.lower() != own)
    selected = {
        selected_entity(work, text(XmlFile(member.body).root, "selectedEntity") or "")
        for member in others
    }
    require(
        len(selected | {entity}) <= MAX_ENTITIES,
        f"You have reached the maximum number of {MAX_ENTITIES} selected entities",
        first_or_self(component.element, "selectedEntity"),
    )
