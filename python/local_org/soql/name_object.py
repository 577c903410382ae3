"""The object ``Name``: what a polymorphic parent shows, whichever object it is of.

Source: Object Reference, "Name".
"""

from __future__ import annotations

from local_org.schema.model import Field, FieldType, SObject


def _name_field(name: str, kind: FieldType, to: str | None = None) -> Field:
    relationship = name.removesuffix("Id") if to else None
    targets = (to,) if to else ()
    return Field(name, kind, name, reference_to=targets, relationship_name=relationship)


NAME = SObject(
    "Name",
    "Name",
    "Names",
    None,
    {
        f.name.lower(): f
        for f in (
            _name_field("Id", FieldType.ID),
            _name_field("Name", FieldType.STRING),
            _name_field("LastName", FieldType.STRING),
            _name_field("FirstName", FieldType.STRING),
            _name_field("Type", FieldType.PICKLIST),
            _name_field("Alias", FieldType.STRING),
            _name_field("UserRoleId", FieldType.REFERENCE, "UserRole"),
            _name_field("RecordTypeId", FieldType.REFERENCE, "RecordType"),
            _name_field("IsActive", FieldType.BOOLEAN),
            _name_field("ProfileId", FieldType.REFERENCE, "Profile"),
            _name_field("Title", FieldType.STRING),
            _name_field("Email", FieldType.EMAIL),
            _name_field("Phone", FieldType.PHONE),
            _name_field("NameOrAlias", FieldType.STRING),
            _name_field("Username", FieldType.STRING),
        )
    },
)
"""What every target of a polymorphic lookup has in common; ``Type`` tells the target's object."""
