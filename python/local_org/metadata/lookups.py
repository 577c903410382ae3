"""Lookups and master-details: what a field that points at another object makes of both.

Source: facts/metadata.md 2.1; Metadata API Developer Guide, "CustomField"; wordings are inferred.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from local_org.metadata.markup import Problem, first_or_self, text
from local_org.metadata.work import Work, require

_MOST_MASTERS = 2


def lookup(work: Work, element: etree._Element, entity: str) -> dict[str, Any]:
    """Return the parent of a lookup, and the names under which each side reads the other."""
    target = work.schema.get(text(element, "referenceTo") or "")
    place = first_or_self(element, "referenceTo")
    if target is None:
        raise Problem(
            f"referenceTo value of '{place.text}' does not resolve to a valid sObject type", place
        )
    word = text(element, "type")
    fits = not target.is_event and target.is_metadata == (word == "MetadataRelationship")
    require(fits, f"{target.name} cannot be referred to by a {word} field", place)
    own = (text(element, "fullName") or "").removesuffix("__c")
    children_name = text(element, "relationshipName")
    for relation in work.schema.children(target.name):
        taken = relation.name == f"{children_name}__r" and (relation.child, relation.field) != (
            entity,
            f"{own}__c",
        )
        require(not taken, f"Duplicate relationship name: {children_name}", element)
    constraint = text(element, "deleteConstraint")
    made = {
        "reference_to": (target.name,),
        "relationship_name": f"{own}__r",
        "child_relationship_name": f"{children_name}__r" if children_name else None,
        "cascade_delete": constraint == "Cascade",
        "restricted_delete": constraint == "Restrict",
    }
    return made | _master(work, element, entity) if word == "MasterDetail" else made


def _master(work: Work, element: etree._Element, entity: str) -> dict[str, Any]:
    """Return what makes a lookup a master-detail: details go with their master.

    :raises Problem: the object cannot be a detail, or is one of two masters already.
    """
    sobject, own = work.schema.object(entity), text(element, "fullName")
    require(sobject.custom, f"{entity} cannot be the detail of a master-detail", element)
    masters = [f for f in sobject.fields.values() if f.relationship_order is not None]
    known = next((f.relationship_order for f in masters if f.name == own), None)
    message = f"{entity} already has {_MOST_MASTERS} master-detail relationships"
    require(known is not None or len(masters) < _MOST_MASTERS, message, element)
    stored = work.store.schema.get(entity)
    fresh = known is not None or stored is None or not work.find(entity, {})
    message = "Cannot create a master-detail relationship on an object that has records"
    require(fresh, message, element)
    order = len(masters) if known is None else known
    return {"cascade_delete": True, "restricted_delete": False, "relationship_order": order}
