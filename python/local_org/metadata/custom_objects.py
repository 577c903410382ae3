"""Custom objects, custom metadata types and platform events: the objects that deploys make.

Source: facts/metadata.md 2.6; Metadata API Developer Guide, "CustomObject". "Must specify a
non-empty label" and "fullName must end with" are third-party wordings, the others are inferred.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lxml import etree

from local_org.metadata.elements import check
from local_org.metadata.markup import Problem, child, first_or_self, text
from local_org.metadata.package import Component
from local_org.metadata.work import Work, at_most, require
from local_org.records.sharing import DEFAULTS
from local_org.schema.custom import (
    custom_object_fields,
    custom_setting_fields,
    event_fields,
    metadata_type_fields,
    name_field,
    with_own_fields,
)
from local_org.schema.model import EVENT_SUFFIX, METADATA_SUFFIX, SObject

_SUFFIXES = ("__c", "__kav", "__x", "__b", "__e", "__p", "__mdt", "__dll", "__dlm")
DISPLAY_FORMAT = re.compile(r"(?:[^{}]|\{(?:YYYY|YY|MM|DD)\})*\{0{1,10}\}[^{}]*")
"""An auto number: text, parts of the date, one number padded with zeros."""
_OBJECT_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")
_LONGEST_NAME = 40
_LEVELS = {
    "Private": "None",
    "Read": "Read",
    "ReadWrite": "Edit",
    "ReadWriteTransfer": "ReadEditTransfer",
}
"""``sharingModel`` → the value of the organization's field for the object."""
_LABEL, _DESCRIPTION = 40, 1000


@dataclass(frozen=True, slots=True)
class _Kind:
    """What an object of one suffix needs, and how it is made."""

    key_letter: str
    """The first character of its key prefix; the other two count the objects of its kind."""
    make: Callable[[SObject, etree._Element, SObject | None], SObject]
    """Completes the object from its file and what it was before."""
    needs: tuple[str, ...] = ("pluralLabel",)
    never: tuple[str, ...] = ()


def custom_object(work: Work, component: Component) -> str:
    """Make or change an object of the org's own, or keep the settings of a standard one."""
    element, name = component.element, component.full_name
    found = work.schema.get(name)
    if found is not None and not found.custom:
        _share(work, found, element)
        return work.new_id(component, "01I")
    kind = _kind_of(name, element)
    _check(element, name, kind)
    made = SObject(
        name=found.name if found else name,
        label=text(element, "label") or "",
        label_plural=text(element, "pluralLabel") or "",
        key_prefix=found.key_prefix if found else _key_prefix(work, kind),
        custom=True,
    )
    work.schema.put_object(kind.make(made, element, found))
    _start_counting(work, element, made)
    return work.new_id(component, "01I")


def _share(work: Work, sobject: SObject, element: etree._Element) -> None:
    """Take the org-wide default of a standard object whose records are shared by one."""
    column, level = DEFAULTS.get(sobject.name), _LEVELS.get(text(element, "sharingModel") or "")
    organization = work.find("Organization", {})
    if column and level and organization:
        work.put("Organization", {"Id": organization["Id"]}, {column: level})


def _kind_of(name: str, element: etree._Element) -> _Kind:
    """Return what objects of this suffix are.

    :raises Problem: no custom object is named so, or this org has none of the kind.
    """
    own, _, suffix = name.partition("__")
    message = f"fullName must end with: {' or '.join(_SUFFIXES)}"
    require(f"__{suffix}" in _SUFFIXES, message, element)
    fits = _OBJECT_NAME.fullmatch(own) and len(own) <= _LONGEST_NAME
    require(fits, f"{name}: invalid object name", element)
    kind = _KINDS.get(f"__{suffix}")
    if child(element, "customSettingsType") is not None:
        require(suffix == "c", f"{name}: a custom setting must end with __c", element)
        return _SETTING
    if kind is None:
        raise Problem(f"Creating the object {name} is not supported by this org", element)
    return kind


def _check(element: etree._Element, name: str, kind: _Kind) -> None:
    label = text(element, "label")
    require(label, "Must specify a non-empty label for the CustomObject", element)
    for needed in kind.needs:
        message = f"Must specify '{needed}' for the CustomObject {name}"
        require(text(element, needed) is not None, message, element)
    for never in kind.never:
        place = child(element, never)
        require(place is None, f"Can not specify '{never}' for the CustomObject {name}", place)
    at_most(child(element, "label"), _LABEL, "Label")
    at_most(child(element, "pluralLabel"), _LABEL, "Plural Label")
    at_most(child(element, "description"), _DESCRIPTION, "Description")
    named = child(element, "nameField")
    if named is not None:
        _check_name_field(named)


def _check_name_field(element: etree._Element) -> None:
    """Let a Text or an AutoNumber pass; the latter says how it is written."""
    check(element, "CustomField")
    require(text(element, "label"), "Must specify a non-empty label for the nameField", element)
    kind = text(element, "type")
    message = "The nameField must be of type Text or AutoNumber"
    require(kind in ("Text", "AutoNumber"), message, first_or_self(element, "type"))
    if kind == "AutoNumber":
        check_display_format(element)


def check_display_format(element: etree._Element) -> None:
    """Let an auto number pass that has one place for its number.

    :raises Problem: it has none.
    """
    shown = text(element, "displayFormat")
    message = "Must specify 'displayFormat' for a CustomField of type AutoNumber"
    require(shown, message, element)
    place = first_or_self(element, "displayFormat")
    require(DISPLAY_FORMAT.fullmatch(shown or ""), f"Invalid display format: {shown}", place)


def _start_counting(work: Work, element: etree._Element, made: SObject) -> None:
    """Have the first record numbered as ``startingNumber`` says."""
    named = child(element, "nameField")
    field = made.get("Name")
    if named is not None and field is not None and field.auto_number:
        work.start_counting(made.name, field.name, int(text(named, "startingNumber") or 1))


def _key_prefix(work: Work, kind: _Kind) -> str:
    """Return the next free prefix: ``a00``, ``a01`` … for custom objects."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    high, low = divmod(work.store.next_serial(f"$prefix {kind.key_letter}") - 1, len(digits))
    return kind.key_letter + digits[high] + digits[low]


def _of_records(made: SObject, element: etree._Element, old: SObject | None) -> SObject:
    """Return an ``__c`` object."""
    numbered = text(element, "nameField/type") == "AutoNumber"
    shown = text(element, "nameField/displayFormat") if numbered else None
    name = name_field(text(element, "nameField/label") or "", shown)
    made.undeletable = made.triggerable = made.layoutable = True
    owned = old is None or not old.is_detail
    return with_own_fields(made, custom_object_fields(name, owned=owned), old)


def _of_settings(made: SObject, _element: etree._Element, old: SObject | None) -> SObject:
    """Return a custom setting."""
    made.custom_setting = True
    return with_own_fields(made, custom_setting_fields(), old)


def _of_metadata(made: SObject, _element: etree._Element, old: SObject | None) -> SObject:
    """Return an ``__mdt`` type."""
    made.createable = made.updateable = made.deletable = made.replicateable = False
    return with_own_fields(made, metadata_type_fields(), old)


def _of_events(made: SObject, _element: etree._Element, old: SObject | None) -> SObject:
    """Return an ``__e`` event."""
    made.updateable = made.deletable = made.queryable = made.replicateable = False
    made.triggerable = True
    return with_own_fields(made, event_fields(), old)


_SETTING = _Kind(
    "a", _of_settings, needs=("customSettingsType",), never=("nameField", "sharingModel")
)
_KINDS: Mapping[str, _Kind] = {
    "__c": _Kind(
        "a", _of_records, ("pluralLabel", "nameField", "deploymentStatus", "sharingModel")
    ),
    METADATA_SUFFIX: _Kind("m", _of_metadata, never=("nameField", "sharingModel")),
    EVENT_SUFFIX: _Kind("e", _of_events, ("pluralLabel", "deploymentStatus"), ("nameField",)),
}
