"""The types of custom fields: how each is described, what it needs, and where it may stand.

Source: facts/metadata.md 2.1; org-behaviour.md 9; wordings are inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from local_org.metadata.custom_objects import check_display_format
from local_org.metadata.markup import child, first_or_self, text
from local_org.metadata.work import require
from local_org.schema.model import FieldType, SObject


@dataclass(frozen=True, slots=True)
class Kind:
    """How a metadata field type is described: its type, its length, and what it can be used for."""

    type: FieldType
    length: int = 0
    must: tuple[str, ...] = ()
    never: tuple[str, ...] = ("length", "precision", "scale")
    groupable: bool = True
    sortable: bool = True
    filterable: bool = True
    aggregatable: bool = True
    formula: bool = False
    """Whether a formula may have this type."""
    longest: int = 0
    required: bool = False
    """Must be given, whatever ``required`` says."""


_NUMBER = ("length",)
_PLAIN = ("precision", "scale")
KINDS: Mapping[str, Kind] = {
    "Text": Kind(FieldType.STRING, must=("length",), never=_PLAIN, formula=True, longest=255),
    "TextArea": Kind(FieldType.TEXTAREA, 255),
    "LongTextArea": Kind(
        FieldType.TEXTAREA,
        must=("length", "visibleLines"),
        never=_PLAIN,
        groupable=False,
        sortable=False,
        filterable=False,
        aggregatable=False,
        longest=131072,
    ),
    "Html": Kind(
        FieldType.TEXTAREA,
        must=("length", "visibleLines"),
        never=_PLAIN,
        groupable=False,
        sortable=False,
        filterable=False,
        aggregatable=False,
        longest=131072,
    ),
    "Email": Kind(FieldType.EMAIL, 80),
    "Phone": Kind(FieldType.PHONE, 40),
    "Url": Kind(FieldType.URL, 255),
    "Picklist": Kind(FieldType.PICKLIST, 255),
    "MultiselectPicklist": Kind(
        FieldType.MULTIPICKLIST, 4099, ("visibleLines",), groupable=False, sortable=False
    ),
    "Number": Kind(
        FieldType.DOUBLE, 0, ("precision", "scale"), _NUMBER, groupable=False, formula=True
    ),
    "Currency": Kind(
        FieldType.CURRENCY, 0, ("precision", "scale"), _NUMBER, groupable=False, formula=True
    ),
    "Percent": Kind(
        FieldType.PERCENT, 0, ("precision", "scale"), _NUMBER, groupable=False, formula=True
    ),
    "Checkbox": Kind(FieldType.BOOLEAN, aggregatable=False, formula=True),
    "Date": Kind(FieldType.DATE, formula=True),
    "DateTime": Kind(FieldType.DATETIME, groupable=False, formula=True),
    "Time": Kind(FieldType.TIME, formula=True),
    "Lookup": Kind(FieldType.REFERENCE, 18, ("referenceTo",)),
    "MasterDetail": Kind(FieldType.REFERENCE, 18, ("referenceTo",), required=True),
    "MetadataRelationship": Kind(FieldType.REFERENCE, 18, ("referenceTo",)),
    "AutoNumber": Kind(FieldType.STRING, 30, ("displayFormat",), groupable=False),
}
_OF_EVENTS = frozenset(
    {"Checkbox", "Date", "DateTime", "LongTextArea", "Number", "Text", "TextArea"}
)
_OF_METADATA = frozenset(
    {
        "Checkbox",
        "Date",
        "DateTime",
        "Email",
        "LongTextArea",
        "MetadataRelationship",
        "Number",
        "Percent",
        "Phone",
        "Picklist",
        "Text",
        "TextArea",
        "Url",
    }
)
"""What a platform event and a custom metadata type may have. Source: their developer guides."""
EXTRA = {"TextArea": "plaintextarea", "LongTextArea": "plaintextarea", "Html": "richtextarea"}
"""Text areas told apart."""


def check_elements(element: etree._Element, word: str, kind: Kind, *, calculated: bool) -> None:
    """Check that the field has the elements its type needs and none that are not its own."""
    if calculated:
        require(kind.formula, f"Formula is not supported for a CustomField of type {word}", element)
    never = ("length", "defaultValue", "valueSet") if calculated else kind.never
    for name in never:
        found = child(element, name)
        message = f"Can not specify '{name}' for a CustomField of type {word}"
        require(found is None, message, found)
    for name in kind.must:
        if calculated and name == "length":
            continue
        message = f"Must specify '{name}' for a CustomField of type {word}"
        require(text(element, name), message, element)
    if text(element, "precision"):
        precision, scale = (int(text(element, n) or 0) for n in ("precision", "scale"))
        place = first_or_self(element, "precision")
        require(0 <= scale <= precision <= 18, "Precision must be between 1 and 18", place)


def check_home(sobject: SObject, element: etree._Element, word: str) -> None:
    """Events and metadata types take only some kinds of fields, other objects all but one."""
    special = _OF_EVENTS if sobject.is_event else _OF_METADATA if sobject.is_metadata else None
    fits = word in special if special else word != "MetadataRelationship"
    message = f"A CustomField of type {word} is not allowed on {sobject.name}"
    require(fits, message, first_or_self(element, "type"))
    if word == "AutoNumber":
        check_display_format(element)
