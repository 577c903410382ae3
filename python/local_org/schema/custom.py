"""Objects that a deploy makes: their own fields as every org gives them, before any custom field.

Source: Object Reference, "System Fields" and "Custom Metadata Type__mdt"; Platform Events Developer
Guide, "Standard Fields"; facts/org-behaviour.md on event schemas.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from local_org.schema.model import Field, FieldType, SObject

NAME_LENGTH: Final = 80
OWNER: Final = Field(
    "OwnerId",
    FieldType.REFERENCE,
    "Owner ID",
    length=18,
    nillable=False,
    defaulted_on_create=True,
    reference_to=("Group", "User"),
    relationship_name="Owner",
    name_pointing=True,
)
"""Who owns a record. A detail has none: it belongs to its master's owner."""


def _system(name: str, kind: FieldType, label: str, **more: Any) -> Field:
    """Return a field that the org itself writes."""
    made = {"nillable": False, "createable": False, "updateable": False} | more
    return Field(name, kind, label, **made)


def _user(name: str, label: str) -> Field:
    return _system(
        name,
        FieldType.REFERENCE,
        label,
        length=18,
        reference_to=("User",),
        relationship_name=name.removesuffix("Id"),
        defaulted_on_create=True,
    )


def _instant(name: str, label: str) -> Field:
    return _system(name, FieldType.DATETIME, label, groupable=False, defaulted_on_create=True)


_ID = _system("Id", FieldType.ID, "Record ID", length=18, id_lookup=True, defaulted_on_create=True)
_CREATED = (_instant("CreatedDate", "Created Date"), _user("CreatedById", "Created By ID"))
_MODSTAMP = _instant("SystemModstamp", "System Modstamp")
_MODIFIED = (
    _instant("LastModifiedDate", "Last Modified Date"),
    _user("LastModifiedById", "Last Modified By ID"),
    _MODSTAMP,
)
_DELETED = _system(
    "IsDeleted", FieldType.BOOLEAN, "Deleted", defaulted_on_create=True, aggregatable=False
)


def name_field(label: str, display_format: str | None) -> Field:
    """Return the Name of a custom object: a text to be given, or a number that the org gives."""
    plain = Field(
        "Name", FieldType.STRING, label, length=NAME_LENGTH, name_field=True, id_lookup=True
    )
    if display_format is None:
        return plain
    return replace(
        plain,
        display_format=display_format,
        nillable=False,
        createable=False,
        updateable=False,
        defaulted_on_create=True,
    )


def custom_object_fields(name: Field, *, owned: bool) -> tuple[Field, ...]:
    """Return the fields of an ``__c`` object."""
    owner = (OWNER,) if owned else ()
    return (_ID, *owner, _DELETED, name, *_CREATED, *_MODIFIED)


def custom_setting_fields() -> tuple[Field, ...]:
    """Return the fields of a custom setting: a row for the org, a profile or a user, or by name."""
    owner = Field(
        "SetupOwnerId",
        FieldType.REFERENCE,
        "Location",
        length=18,
        reference_to=("Organization", "Profile", "User"),
        relationship_name="SetupOwner",
        name_pointing=True,
        id_lookup=True,
        unique=True,
    )
    name = Field("Name", FieldType.STRING, "Name", length=38, name_field=True, id_lookup=True)
    return (_ID, _DELETED, name, owner, *_CREATED, *_MODIFIED)


def metadata_type_fields() -> tuple[Field, ...]:
    """Return the fields of an ``__mdt`` type; all are written by deploys only."""
    return (
        _ID,
        _system("DeveloperName", FieldType.STRING, "Custom Metadata Record Name", length=40),
        _system(
            "MasterLabel", FieldType.STRING, "Label", length=40, nillable=False, name_field=True
        ),
        _system("Language", FieldType.PICKLIST, "Master Language", length=40),
        _system("NamespacePrefix", FieldType.STRING, "Namespace Prefix", length=15, nillable=True),
        _system("Label", FieldType.STRING, "Label", length=40),
        _system("QualifiedApiName", FieldType.STRING, "Qualified API Name", length=70),
        _MODSTAMP,
    )


def event_fields() -> tuple[Field, ...]:
    """Return the fields of an ``__e`` event, in the order of its describe; the bus fills them."""
    return (
        _system("ReplayId", FieldType.STRING, "Replay ID", length=1000, nillable=True),
        *_CREATED,
        _system("EventUuid", FieldType.STRING, "Event UUID", length=36, nillable=True),
    )


def with_own_fields(made: SObject, own: Iterable[Field], old: SObject | None) -> SObject:
    """Give an object its own fields, then the custom fields and the rules it had before."""
    made.fields = {field.name.lower(): field for field in own}
    if old is not None:
        made.fields |= {key: field for key, field in old.fields.items() if field.custom}
        made.rules = dict(old.rules)
    return made
