"""A record in the act of being written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_org.errors import OrgError
from local_org.records.blueprint import Blueprint
from local_org.records.results import Unit


@dataclass(slots=True)
class Draft:
    """The row as it will be, what the caller said of it, and the row as it was."""

    blueprint: Blueprint
    unit: Unit
    row: dict[str, Any]
    given: dict[str, Any]
    """Values from the caller, in stored encoding."""
    before: Mapping[str, Any] | None = None
    """None for a new record."""

    @property
    def is_new(self) -> bool:
        """Whether the record is being created."""
        return self.before is None

    def differs(self, name: str) -> bool:
        """Whether a field is set on a new record, or changes on an old one."""
        was = None if self.before is None else self.before[name]
        return bool(self.row[name] != was)


def access_refused(message: str = "insufficient access rights on object id") -> OrgError:
    """403: the user may not do this to the record."""
    return OrgError("INSUFFICIENT_ACCESS_OR_READONLY", message, status=403)


def no_such_record() -> OrgError:
    """404: no record of the object has this id."""
    return OrgError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", status=404)


def record_is_deleted() -> OrgError:
    """404: the record is in the recycle bin."""
    return OrgError("ENTITY_IS_DELETED", "entity is deleted", status=404)


def locked_fields(names: tuple[str, ...]) -> OrgError:
    """Fields that exist for the user, who may not write them."""
    text = (
        f"Unable to create/update fields: {', '.join(names)}. Please check the security settings "
        "of this field and verify that it is read/write for your profile or permission set."
    )
    return OrgError("INVALID_FIELD_FOR_INSERT_UPDATE", text, names)


def cannot_update_converted_lead() -> OrgError:
    """The lead is converted, and so read-only."""
    return OrgError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
