"""Records of custom metadata types: rows that only deploys write.

Source: facts/metadata.md 2.6; Metadata API Developer Guide, "CustomMetadata". "no CustomMetadata
named" is a third-party wording, the others are inferred.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from local_org.errors import OrgError
from local_org.metadata.markup import Problem, child, children, first_or_self, text
from local_org.metadata.package import Component, own_name, owner_of
from local_org.metadata.work import Work, at_most, require
from local_org.records.values import reader
from local_org.schema.model import METADATA_SUFFIX, Field, FieldType, SObject

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_LABEL = 40


def record(work: Work, component: Component) -> str:
    """Make the record a row of its type, exactly as its file says: what it leaves out is blank."""
    element = component.element
    entity = owner_of(component) + METADATA_SUFFIX
    sobject = work.schema.get(entity)
    if sobject is None:
        raise Problem(f"no CustomObject named {entity} found", element)
    label = child(element, "label")
    at_most(label, _LABEL, "Label")
    name = own_name(component)
    blank: dict[str, Any] = {f.name: None for f in sobject.fields.values() if f.custom}
    values = blank | {f.name: 0 for f in sobject.fields.values() if f.type is FieldType.BOOLEAN}
    for each in children(element, "values"):
        field = _field(sobject, each)
        values[field.name] = _value(work, field, each)
    missing = [f.name for f in sobject.fields.values() if f.required and values[f.name] is None]
    require(not missing, f"Required fields are missing: [{', '.join(missing)}]", element)
    told = text(element, "label") or name
    own = {
        "MasterLabel": told,
        "Label": told,
        "Language": "en_US",
        "QualifiedApiName": name,
    }
    return work.put(sobject.name, {"DeveloperName": name}, own | values)


def _field(sobject: SObject, element: etree._Element) -> Field:
    """Return the custom field that a ``values`` names.

    :raises Problem: the type has none of this name.
    """
    name = text(element, "field") or ""
    found = sobject.get(name)
    if found is None or not found.custom:
        place = first_or_self(element, "field")
        raise Problem(f"no CustomField named {sobject.name}.{name} found", place)
    return found


def _value(work: Work, field: Field, element: etree._Element) -> Any:
    """Return the stored form of a value.

    :raises Problem: it is none of the field's type, or names a record that is not there.
    """
    place = child(element, "value")
    if place is None or place.get(f"{{{_XSI}}}nil") == "true" or not place.text:
        return 0 if field.type is FieldType.BOOLEAN else None
    prefix, colon, _ = (place.get(f"{{{_XSI}}}type") or "").rpartition(":")
    known = not colon or prefix in place.nsmap
    require(known, f"Error parsing file: namespace prefix {prefix} is not declared", place)
    if field.type is FieldType.REFERENCE:
        return _named_record(work, field, place)
    try:
        return reader(field)(place.text)
    except OrgError as error:
        raise Problem(error.message, place) from None


def _named_record(work: Work, field: Field, place: etree._Element) -> str:
    """Return the id of the record, of another type, that a metadata relationship names."""
    [target] = field.reference_to
    name = place.text or ""
    found = work.find(target, {"DeveloperName": name})
    if found is None:
        named = f"{target.removesuffix(METADATA_SUFFIX)}.{name}"
        raise Problem(f"In field: {field.name} - no CustomMetadata named {named} found", place)
    return str(found["Id"])
