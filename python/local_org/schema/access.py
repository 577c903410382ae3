"""What a user may see and do, as ``describe`` and everything above it asks; ``records`` answers."""

from __future__ import annotations

from typing import Protocol


class Access(Protocol):
    """The permissions of one user: profile and permission sets together, never less than either."""

    @property
    def user_id(self) -> str:
        """The 18-character id of the user."""
        ...

    @property
    def permissions(self) -> frozenset[str]:
        """System permissions by name without prefix, such as ``ApiEnabled``."""
        ...

    @property
    def custom_permissions(self) -> frozenset[str]:
        """Developer names of the custom permissions granted."""
        ...

    def readable(self, entity: str) -> bool:
        """Whether the object exists for this user."""
        ...

    def createable(self, entity: str) -> bool:
        """Whether records of the object may be created."""
        ...

    def editable(self, entity: str) -> bool:
        """Whether records of the object may be changed."""
        ...

    def deletable(self, entity: str) -> bool:
        """Whether records of the object may be deleted."""
        ...

    def view_all(self, entity: str) -> bool:
        """Whether every record may be read: View All Data, or View All Records on the object."""
        ...

    def reads_every(self, entity: str) -> bool:
        """Whether every record may be read, by sharing or by permission."""
        ...

    def edits_every(self, entity: str) -> bool:
        """Whether every record may be changed, by sharing or by permission."""
        ...

    def field_readable(self, entity: str, field: str) -> bool:
        """Whether the field exists for this user; always so for fields not under security."""
        ...

    def field_editable(self, entity: str, field: str) -> bool:
        """Whether field-level security lets this user write the field."""
        ...
