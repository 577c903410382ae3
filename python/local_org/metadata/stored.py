"""Components that are kept as they came: nothing in this org runs or shows them.

They are refused all the same when they name what is not there. Flows and Apex are among them: they
are stored, listed and retrieved, and never run. Source: Metadata API Developer Guide; "In field: … -
no … named … found" is a third-party wording.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from local_org.metadata.markup import Problem, children, first_or_self, flag, tag, text
from local_org.metadata.package import Component, own_name, owner_of
from local_org.metadata.work import Work, require
from local_org.schema.model import SObject

_COMPLETE = frozenset({"Account", "Case", "Contact", "Event", "Lead", "Opportunity", "Task"})
"""Standard objects of which this org has every field; of others it judges custom fields only."""
_COMMA = re.compile(r"\s*,\s*")
_STANDARD = "standard-"
"""Begins the names of tabs and applications that every org has."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """What a type's components are numbered by, and what in them names something else."""

    prefix: str
    entity: str = ""
    """Where the object is told that it belongs to: ``.`` or ``-`` ends it in the full name, else it
    is the path of an element; blank, it belongs to none."""
    fields: tuple[str, ...] = ()
    """Paths of elements that name a field of that object."""
    names: tuple[tuple[str, str], ...] = ()
    """Paths of elements that name a component, and its type."""


_APP = (("externalClientApplication", "ExternalClientApplication"),)
_ROLES = (("commaSeparatedPermissionSet", "PermissionSet"),)
_STORED: Mapping[str, _Stored] = {
    "ApexClass": _Stored("01p"),
    "ApexTrigger": _Stored("01q"),
    "BusinessProcess": _Stored("019", "."),
    "CompactLayout": _Stored("0AH", ".", ("fields",)),
    "ConnectedApp": _Stored("0H4", names=(("permissionSetName", "PermissionSet"),)),
    "CustomApplication": _Stored("02u", names=(("tabs", "CustomTab"),)),
    "CustomLabel": _Stored("101"),
    "DuplicateRule": _Stored("0Bm", "."),
    "ExternalClientApplication": _Stored("0xI"),
    "ExtlClntAppConfigurablePolicies": _Stored("0xM", names=_APP),
    "ExtlClntAppGlobalOauthSettings": _Stored("0xK", names=_APP),
    "ExtlClntAppOauthConfigurablePolicies": _Stored("0xN", names=_APP + _ROLES),
    "ExtlClntAppOauthSettings": _Stored("0xJ", names=_APP),
    "FieldSet": _Stored("0IX", ".", ("availableFields/field", "displayedFields/field")),
    "FlexiPage": _Stored("0M0", "sobjectType"),
    "Flow": _Stored("301", "start/object"),
    "FlowDefinition": _Stored("300"),
    "GlobalValueSet": _Stored("0Nt"),
    "Layout": _Stored(
        "00h", "-", ("layoutSections/layoutColumns/layoutItems/field", "miniLayout/fields")
    ),
    "MatchingRule": _Stored("0JD", ".", ("matchingRuleItems/fieldName",)),
    "PathAssistant": _Stored("0cx", "entityName", ("fieldName", "pathAssistantSteps/fieldNames")),
    "QuickAction": _Stored(
        "09D",
        "targetObject",
        ("quickActionLayout/quickActionLayoutColumns/quickActionLayoutItems/field",),
    ),
    "RemoteSiteSetting": _Stored("0rp"),
    "StaticResource": _Stored("081"),
    "WebLink": _Stored("00b", "."),
}
"""Types that are not listed belong to no object and are numbered from ``000``."""


def stored(work: Work, component: Component) -> str:
    """Let a component pass that names only what exists."""
    kind = _STORED.get(component.type_name, _Stored("000"))
    element = component.element
    sobject = _entity(work, component, kind)
    for path in kind.fields if sobject else ():
        for place in places(element, path.split("/")):
            _check_field(sobject, place)
    for path, named in kind.names:
        for place in places(element, path.split("/")):
            for name in filter(None, _COMMA.split((place.text or "").strip())):
                known = name.startswith(_STANDARD) or work.document(named, name)
                require(known, f"In field: {tag(place)} - no {named} named {name} found", place)
    for mapping in children(element, "objectMapping"):
        _check_mapping(work, component, mapping)
    return work.new_id(component, kind.prefix)


def custom_tab(work: Work, component: Component) -> str:
    """Keep a tab; one of a custom object bears its name."""
    if flag(component.element, "customObject"):
        name = component.full_name
        place = first_or_self(component.element, "customObject")
        message = f"In field: customObject - no CustomObject named {name} found"
        require(work.schema.get(name), message, place)
    return work.new_id(component, "01r")


def record_type(work: Work, component: Component) -> str:
    """Make a record type a row that records can name."""
    sobject = _object_of(work, component, owner_of(component), component.element)
    for place in places(component.element, ["picklistValues", "picklist"]):
        _check_field(sobject, place)
    return work.put(
        "RecordType",
        {"SobjectType": sobject.name, "DeveloperName": own_name(component)},
        {
            "Name": text(component.element, "label"),
            "Description": text(component.element, "description") or None,
            "IsActive": int(flag(component.element, "active")),
        },
    )


def role(work: Work, component: Component) -> str:
    """Make a role a row that users can have."""
    above = text(component.element, "parentRole") or None
    parent = work.find("UserRole", {"DeveloperName": above}) if above else None
    place = first_or_self(component.element, "parentRole")
    require(parent or not above, f"In field: parentRole - no Role named {above} found", place)
    return work.put(
        "UserRole",
        {"DeveloperName": component.full_name},
        {
            "Name": text(component.element, "name"),
            "ParentRoleId": parent["Id"] if parent else None,
            "RollupDescription": text(component.element, "description") or None,
        },
    )


def places(element: etree._Element, path: list[str]) -> Iterator[etree._Element]:
    """Yield every element at a path of names."""
    for each in children(element, path[0]):
        if len(path) == 1:
            yield each
        else:
            yield from places(each, path[1:])


def _entity(work: Work, component: Component, kind: _Stored) -> SObject | None:
    """Return the object that a component belongs to, or None when it need not have one."""
    if kind.entity in {".", "-"}:
        name = component.full_name.partition(kind.entity)[0]
        return _object_of(work, component, name, component.element)
    place = next(places(component.element, kind.entity.split("/")), None)
    if place is None or not place.text:
        return None
    return _object_of(work, component, place.text.strip(), place)


def _check_mapping(work: Work, component: Component, mapping: etree._Element) -> None:
    """Let a mapping of ``LeadConvertSettings`` pass when both objects have its fields."""
    for side in ("input", "output"):
        place = first_or_self(mapping, f"{side}Object")
        sobject = _object_of(work, component, (place.text or "").strip(), place)
        for field in places(mapping, ["mappingFields", f"{side}Field"]):
            _check_field(sobject, field)


def _object_of(work: Work, component: Component, name: str, place: etree._Element) -> SObject:
    found = work.schema.get(name)
    if found is None:
        raise Problem(f"no CustomObject named {name} found for {component.full_name}", place)
    return found


def _check_field(sobject: SObject | None, place: etree._Element) -> None:
    """Let the name of a field pass that the object has."""
    name = (place.text or "").strip()
    if sobject is None or not name or sobject.get(name) is not None:
        return
    judged = sobject.custom or sobject.name in _COMPLETE or name.endswith("__c")
    message = f"In field: {tag(place)} - no CustomField named {sobject.name}.{name} found"
    require(not judged, message, place)
