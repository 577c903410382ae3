"""Queues and public groups as rows of ``Group``, which can own records."""

from __future__ import annotations

from local_org.metadata.markup import Problem, child, children, text
from local_org.metadata.package import Component
from local_org.metadata.work import Work, at_most


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
    queue_id = _group(work, component, "Queue")
    work.remove("QueueSobject", {"QueueId": queue_id})
    for name in names:
        work.put("QueueSobject", {"QueueId": queue_id, "SobjectType": name}, {})
    return queue_id


def _group(work: Work, component: Component, kind: str) -> str:
    at_most(child(component.element, "name"), 40, "Name")
    return work.put(
        "Group",
        {"DeveloperName": component.full_name, "Type": kind},
        {"Name": text(component.element, "name")},
    )
