"""Queues and public groups as rows of ``Group``, which can own records."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from local_org.metadata.markup import Problem, child, children, tag, text
from local_org.metadata.package import Component
from local_org.metadata.work import Work, at_most

_MEMBERS = {
    "user": ("User", "Username", "User"),
    "publicGroup": ("Group", "DeveloperName", "Group"),
}
"""By element: the object that a member is a row of, the column of its name, and its word."""


def group(work: Work, component: Component) -> str:
    """Make a public group a row."""
    return _group(work, component, "Regular")


def queue(work: Work, component: Component) -> str:
    """Make a queue a row, with one more for each object whose records it may own."""
    names = []
    for each in children(component.element, "queueSobject"):
        sobject = work.schema.get(text(each, "sobjectType") or "")
        if sobject is None:
            raise Problem(f"no CustomObject named {text(each, 'sobjectType')} found", each)
        names.append(sobject.name)
    members = [_member(work, place) for place in _named(component)]
    queue_id = _group(work, component, "Queue")
    work.remove("GroupMember", {"GroupId": queue_id})
    for member in members:
        work.put("GroupMember", {"GroupId": queue_id, "UserOrGroupId": member}, {})
    work.remove("QueueSobject", {"QueueId": queue_id})
    for name in names:
        work.put("QueueSobject", {"QueueId": queue_id, "SobjectType": name}, {})
    return queue_id


def _named(component: Component) -> Iterator[etree._Element]:
    """Yield the elements that name users and groups; roles have no group of their own here."""
    for members in children(component.element, "queueMembers"):
        for each in children(members):
            yield from (place for place in children(each) if tag(place) in _MEMBERS)


def _member(work: Work, place: etree._Element) -> str:
    """Return the id of the user or public group that an element names."""
    entity, column, word = _MEMBERS[tag(place)]
    name = (place.text or "").strip()
    found = work.find(entity, {column: name})
    if found is None:
        raise Problem(f"In field: queueMembers - no {word} named {name} found", place)
    return str(found["Id"])


def _group(work: Work, component: Component, kind: str) -> str:
    at_most(child(component.element, "name"), 40, "Name")
    return work.put(
        "Group",
        {"DeveloperName": component.full_name, "Type": kind},
        {"Name": text(component.element, "name")},
    )
