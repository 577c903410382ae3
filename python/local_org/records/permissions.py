"""What each user may see and do: profile, permission sets and groups, read from the org's own rows.

Objects that no ``ObjectPermissions`` govern follow system permissions, as on the platform; which
ones these are for each object is partly our reading. Leads are shared as the org's default says;
all other records are public read/write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from local_org.clock import Clock, millis
from local_org.records.granting import Grants, granted_to
from local_org.records.sharing import PRIVATE, READ_ONLY, sharing_defaults
from local_org.records.store import Store
from local_org.schema.model import Field, Schema, SObject

GOVERNED = frozenset({"Account", "Campaign", "Case", "Contact", "Lead", "Opportunity"})
"""Standard objects under ``ObjectPermissions``; every custom object is, too."""
_SETUP_READERS = frozenset(
    {"ViewSetup", "AssignPermissionSets", "ManageUsers", "ManageProfilesPermissionsets"}
)


@dataclass(frozen=True, slots=True)
class _Rule:
    """Which system permissions open an object that no ``ObjectPermissions`` govern."""

    write: frozenset[str]
    read: frozenset[str] | None = None
    """None: everybody reads it."""


def _rules() -> dict[str, _Rule]:
    tasks = _Rule(frozenset({"EditTask"}), frozenset({"EditTask", "ViewAllActivities"}))
    events = _Rule(frozenset({"EditEvent"}), frozenset({"EditEvent", "ViewAllActivities"}))
    people = _Rule(frozenset({"ManageUsers", "ManageInternalUsers"}))
    grants = _Rule(frozenset({"ManageProfilesPermissionsets"}), _SETUP_READERS)
    rules = {"Task": tasks, "EmailMessage": tasks, "EmailMessageRelation": tasks, "Event": events}
    rules |= dict.fromkeys(("User", "Group", "GroupMember", "QueueSobject"), people)
    rules |= dict.fromkeys(
        (
            "PermissionSet",
            "PermissionSetGroup",
            "PermissionSetGroupComponent",
            "MutingPermissionSet",
            "ObjectPermissions",
            "FieldPermissions",
            "SetupEntityAccess",
            "CustomPermission",
        ),
        grants,
    )
    assigners = frozenset({"AssignPermissionSets", "ManageUsers"})
    hub = _Rule(frozenset({"ModifyAllData"}), frozenset({"ViewAllData", "ModifyAllData"}))
    rules |= dict.fromkeys(("ScratchOrgInfo", "ActiveScratchOrg"), hub)
    rules["PermissionSetAssignment"] = _Rule(assigners, _SETUP_READERS)
    return rules


_RULES: Mapping[str, _Rule] = MappingProxyType(_rules())
_SETUP = _Rule(frozenset({"CustomizeApplication"}))
_FOLLOWS = {"CampaignMember": "Campaign", "OpportunityContactRole": "Opportunity"}
"""Objects that go with their parent."""


class UserAccess:
    """The permissions of one user at one state of the org; answers are remembered."""

    def __init__(
        self, user_id: str, schema: Schema, grants: Grants, defaults: Mapping[str, str]
    ) -> None:
        """``defaults`` is what everybody may do with records of an object, beside their owners."""
        self.user_id = user_id
        self._defaults = defaults
        self.permissions = grants.permissions
        self.custom_permissions = grants.custom_permissions
        self._schema = schema
        self._grants = grants
        self._readable: dict[tuple[str, str], bool] = {}
        self._editable: dict[tuple[str, str], bool] = {}
        self._objects: dict[tuple[str, str], bool] = {}

    def readable(self, entity: str) -> bool:
        """Whether the object exists for this user."""
        return self._may(entity, "Read")

    def createable(self, entity: str) -> bool:
        """Whether records of the object may be created."""
        return self._may(entity, "Create")

    def editable(self, entity: str) -> bool:
        """Whether records of the object may be changed."""
        return self._may(entity, "Edit")

    def deletable(self, entity: str) -> bool:
        """Whether records of the object may be deleted."""
        return self._may(entity, "Delete")

    def view_all(self, entity: str) -> bool:
        """Whether every record may be read: View All Data, or View All Records on the object."""
        if {"ViewAllData", "ModifyAllData"} & self.permissions:
            return True
        granted = self._grants.objects.get(entity, frozenset())
        return bool({"ViewAllRecords", "ModifyAllRecords"} & granted)

    def reads_every(self, entity: str) -> bool:
        """Whether every record may be read, by sharing or by permission."""
        return self._defaults.get(entity) != PRIVATE or self.view_all(entity)

    def edits_every(self, entity: str) -> bool:
        """Whether every record may be changed, by sharing or by permission."""
        if self._defaults.get(entity) not in (PRIVATE, READ_ONLY):
            return True
        granted = self._grants.objects.get(entity, ())
        return "ModifyAllData" in self.permissions or "ModifyAllRecords" in granted

    def field_readable(self, entity: str, field: str) -> bool:
        """Whether the field exists for this user; always so for fields not under security."""
        known = self._readable.get((entity, field))
        if known is None:
            known = self._readable[entity, field] = self._sees(entity, field)
        return known

    def field_editable(self, entity: str, field: str) -> bool:
        """Whether field-level security lets this user write the field."""
        known = self._editable.get((entity, field))
        if known is None:
            known = self._editable[entity, field] = self._edits(entity, field)
        return known

    def _may(self, entity: str, what: str) -> bool:
        known = self._objects.get((entity, what))
        if known is None:
            sobject = self._schema.get(entity)
            known = sobject is not None and self._allows(sobject, what)
            self._objects[entity, what] = known
        return known

    def _allows(self, sobject: SObject, what: str) -> bool:
        name = _FOLLOWS.get(sobject.name, sobject.name)
        if what == "Read" and "ViewAllData" in self.permissions:
            return True
        if "ModifyAllData" in self.permissions or what in self._grants.objects.get(name, ()):
            return True
        if name in GOVERNED or sobject.custom:
            return False
        rule = _RULES.get(name, _SETUP)
        if what == "Read" and rule.read is None:
            return True
        return bool(
            ((rule.read or rule.write) if what == "Read" else rule.write) & self.permissions
        )

    def _guard(self, entity: str, name: str) -> tuple[SObject, Field | None] | None:
        """Return the field whose security counts: the whole guards a part of an address."""
        sobject = self._schema.get(entity)
        found = sobject.get(name) if sobject else None
        if sobject is None or found is None:
            return None
        whole = sobject.get(found.compound) if found.compound else None
        guard = whole if whole is not None and whole.permissionable else found
        return sobject, guard if guard.permissionable else None

    def _sees(self, entity: str, name: str) -> bool:
        guarded = self._guard(entity, name)
        if guarded is None:
            return False
        sobject, guard = guarded
        if guard is None or "ViewAllFields" in self._grants.objects.get(sobject.name, ()):
            return True
        return bool(self._grants.fields.get(f"{sobject.name}.{guard.name}"))

    def _edits(self, entity: str, name: str) -> bool:
        guarded = self._guard(entity, name)
        if guarded is None:
            return False
        sobject, guard = guarded
        if guard is None:
            return True
        return "Edit" in self._grants.fields.get(f"{sobject.name}.{guard.name}", ())


@dataclass(frozen=True, slots=True)
class _Known:
    """An access, and how long it holds."""

    epoch: int
    schema: Schema
    version: int
    until: int | None
    access: UserAccess


class Permissions:
    """Access of every user, remembered until a grant, the schema or an expiry changes it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def of(self, user_id: str) -> UserAccess:
        """Return what the user may see and do now."""
        store = self._store
        known = self._known.get(user_id)
        if (
            known is not None
            and known.epoch == store.permission_epoch
            and known.schema is store.schema
            and known.version == store.schema.version
            and (known.until is None or millis(self._clock.now()) < known.until)
        ):
            return known.access
        return self._load(user_id)

    def _load(self, user_id: str) -> UserAccess:
        store = self._store
        grants, until = granted_to(store, user_id, millis(self._clock.now()))
        access = UserAccess(user_id, store.schema, grants, sharing_defaults(store))
        self._known[user_id] = _Known(
            store.permission_epoch, store.schema, store.schema.version, until, access
        )
        return access
