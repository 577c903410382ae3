"""The org acting of its own accord in a user's name: nothing is hidden from it."""

from __future__ import annotations

from dataclasses import dataclass

from local_org.schema.access import Access


@dataclass(frozen=True, slots=True)
class SystemAccess:
    """Every object and field, with the system permissions of the user it acts for."""

    acting_for: Access

    @property
    def user_id(self) -> str:
        """The user who is told as the writer."""
        return self.acting_for.user_id

    @property
    def permissions(self) -> frozenset[str]:
        """System permissions of the user, by name without prefix."""
        return self.acting_for.permissions

    @property
    def custom_permissions(self) -> frozenset[str]:
        """Developer names of the custom permissions of the user."""
        return self.acting_for.custom_permissions

    def readable(self, _entity: str) -> bool:
        """Every object exists."""
        return True

    def field_readable(self, _entity: str, _field: str) -> bool:
        """Every field exists."""
        return True

    createable = editable = deletable = view_all = reads_every = edits_every = readable
    field_editable = field_readable
