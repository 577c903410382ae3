"""What the platform does of its own accord to records of some objects before they are saved.

Source: Object Reference of each object; facts/org-behaviour.md 10. What is our reading says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local_org.clock import from_millis
from local_org.errors import OrgError
from local_org.records.draft import Draft, access_refused, cannot_update_converted_lead
from local_org.records.store import Store

_MINUTE_MS = 60_000
_DRAFT, _SENT, _NEW, _READ = "5", "3", "0", "1"
RELATED = {"003": "Contact", "00Q": "Lead", "005": "User"}
"""Key prefix → object of those who can be at an end of an e-mail."""


class Special:
    """The behaviour that is not the same for every object."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._before: dict[str, Callable[[Draft], None]] = {
            "Case": self._case,
            "EmailMessage": self._email,
            "EmailMessageRelation": self._email_relation,
            "Event": _event,
            "Group": _group,
            "Lead": _lead,
            "PermissionSet": _permission_set,
            "PermissionSetAssignment": self._assignment,
            "SetupEntityAccess": _entity_access,
            "Task": self._task,
            "User": self._user,
        }

    def before(self, draft: Draft) -> None:
        """Complete a record that is about to be judged, or refuse it.

        :raises OrgError: the platform forbids it, whatever the rules say.
        """
        act = self._before.get(draft.blueprint.name)
        if act is not None:
            act(draft)

    def _one(self, sql: str, *values: Any) -> Any:
        found = self._store.connection.execute(sql, values).fetchone()
        return None if found is None else found[0]

    # -- activities -------------------------------------------------------------------------------

    def _task(self, draft: Draft) -> None:
        """Let Closed follow the status; closing sets the time of completion."""
        row = draft.row
        duration = row["CallDurationInSeconds"]
        if duration is not None and duration < 0:
            text = f"Call Duration: value outside of valid range on numeric field: {duration}"
            raise OrgError("NUMBER_OUTSIDE_VALID_RANGE", text, ("CallDurationInSeconds",))
        if draft.differs("Status"):
            sql = 'SELECT "IsClosed" FROM "TaskStatus" WHERE "ApiName" = ?'
            row["IsClosed"] = self._one(sql, row["Status"]) or 0
            was = draft.before["IsClosed"] if draft.before else 0
            if row["IsClosed"] != was:
                row["CompletedDateTime"] = draft.unit.stamp if row["IsClosed"] else None
        if draft.differs("Priority"):
            sql = 'SELECT "IsHighPriority" FROM "TaskPriority" WHERE "ApiName" = ?'
            row["IsHighPriority"] = self._one(sql, row["Priority"]) or 0
        if draft.differs("WhoId") or draft.differs("WhatId"):
            row["AccountId"] = self._account_of(row["WhatId"], row["WhoId"])

    def _account_of(self, what_id: str | None, who_id: str | None) -> str | None:
        """Return the account an activity belongs to: the one it is about, or the contact's."""
        if what_id is not None and what_id.startswith("001"):
            return what_id
        source = {"006": "Opportunity", "500": "Case"}.get((what_id or "")[:3])
        if source is not None:
            found = self._one(f'SELECT "AccountId" FROM "{source}" WHERE "Id" = ?', what_id)
        elif who_id is not None and who_id.startswith("003"):
            found = self._one('SELECT "AccountId" FROM "Contact" WHERE "Id" = ?', who_id)
        else:
            found = None
        return None if found is None else str(found)

    # -- e-mail -----------------------------------------------------------------------------------

    def _email(self, draft: Draft) -> None:
        """Let a draft change until it is sent; afterwards hardly anything may.

        Which status a message has that is given none, and that ActivityId is taken from any client,
        is our reading.
        """
        row = draft.row
        if draft.before is not None and draft.before["Status"] != _DRAFT:
            _check_sent(draft)
        if row["Status"] is None:
            row["Status"] = _NEW if row["Incoming"] else _SENT
        if row["MessageDate"] is None and row["Status"] != _DRAFT:
            row["MessageDate"] = draft.unit.stamp
        row["Name"] = row["Subject"][:255] if row["Subject"] else None

    def _email_relation(self, draft: Draft) -> None:
        row = draft.row
        kind = RELATED.get((row["RelationId"] or "")[:3])
        row["RelationObjectType"] = kind
        if kind is not None and row["RelationAddress"] is None:
            sql = f'SELECT "Email" FROM "{kind}" WHERE "Id" = ?'
            row["RelationAddress"] = self._one(sql, row["RelationId"])

    # -- cases ------------------------------------------------------------------------------------

    def _case(self, draft: Draft) -> None:
        """Give a new case its number; ``Closed`` is the one closed status of a new org."""
        row = draft.row
        if draft.is_new:
            row["CaseNumber"] = f"{1000 + self._store.next_serial('CaseNumber'):08d}"
        closed = int(row["Status"] == "Closed")
        if closed != row["IsClosed"]:
            row["IsClosed"], row["ClosedDate"] = closed, draft.unit.stamp if closed else None

    # -- people and their permissions -------------------------------------------------------------

    def _user(self, draft: Draft) -> None:
        """Give a user the type of the profile, and no two one username."""
        row = draft.row
        if draft.is_new:
            if "IsActive" not in draft.given:
                row["IsActive"] = 1
            row["CommunityNickname"] = row["CommunityNickname"] or row["Alias"]
        if draft.differs("ProfileId"):
            sql = 'SELECT "UserType" FROM "Profile" WHERE "Id" = ?'
            row["UserType"] = self._one(sql, row["ProfileId"])
        sql = 'SELECT 1 FROM "User" WHERE "Username" = ? AND "Id" IS NOT ?'
        if draft.differs("Username") and self._one(sql, row["Username"], row["Id"]):
            text = "Duplicate Username. Another user has already selected this username."
            raise OrgError("DUPLICATE_USERNAME", text, ("Username",))

    def _assignment(self, draft: Draft) -> None:
        """Allow one assignment for each user and set; a revoked one is not active."""
        row = draft.row
        row["IsActive"] = int(not row["IsRevoked"])
        if not draft.is_new:
            return
        target = "PermissionSetGroupId" if row["PermissionSetGroupId"] else "PermissionSetId"
        if row[target] is None:
            text = "Required fields are missing: [PermissionSetId]"
            raise OrgError("REQUIRED_FIELD_MISSING", text, ("PermissionSetId",))
        sql = (
            f'SELECT "Id" FROM "PermissionSetAssignment" WHERE "AssigneeId" = ? AND "{target}" = ?'
        )
        found = self._one(sql, row["AssigneeId"], row[target])
        if found is not None:
            text = f"duplicate value found: {target} duplicates value on record with id: {found}"
            raise OrgError("DUPLICATE_VALUE", text, ("AssigneeId", target))


def _lead(draft: Draft) -> None:
    """Keep a converted lead as it is; a new owner has not read the lead yet (our reading)."""
    row, unit = draft.row, draft.unit
    allowed = "AllowViewEditConvertedLeads" in unit.access.permissions
    if draft.before is not None and draft.before["IsConverted"] and not allowed:
        raise cannot_update_converted_lead()
    if draft.differs("OwnerId"):
        if "IsUnreadByOwner" not in draft.given:
            row["IsUnreadByOwner"] = int(row["OwnerId"] != unit.user_id)
        if not draft.is_new:
            row["LastTransferDate"] = unit.at.date().isoformat()


def _event(draft: Draft) -> None:
    """Derive start, end, duration and date of an event from each other."""
    row, given = draft.row, draft.given
    start = given.get("StartDateTime") or given.get("ActivityDateTime") or row["StartDateTime"]
    if start is None:
        row["EndDate"] = row["ActivityDate"]
        return
    end = given.get("EndDateTime")
    if end is None and row["DurationInMinutes"] is not None:
        end = start + row["DurationInMinutes"] * _MINUTE_MS
    end = row["EndDateTime"] if end is None else end
    if end is not None and end < start:
        text = "Event duration cannot be negative."
        raise OrgError("FIELD_INTEGRITY_EXCEPTION", text, ("DurationInMinutes",))
    row["StartDateTime"] = row["ActivityDateTime"] = start
    row["ActivityDate"] = from_millis(start).date().isoformat()
    if end is not None:
        row["EndDateTime"], row["DurationInMinutes"] = end, (end - start) // _MINUTE_MS
        row["EndDate"] = from_millis(end).date().isoformat()


def _check_sent(draft: Draft) -> None:
    """Refuse changes of a message that is no draft, but for visibility, custom fields, reading."""
    if "CanUpdateEmailMessage" in draft.unit.access.permissions:
        return
    was = draft.before["Status"] if draft.before else None
    for name in draft.given:
        field = draft.blueprint.columns[name.lower()].field
        read = name == "Status" and (was, draft.row["Status"]) == (_NEW, _READ)
        if draft.differs(name) and not (field.custom or name == "IsExternallyVisible" or read):
            raise access_refused()


def _group(draft: Draft) -> None:
    """Give a group its type and a developer name."""
    row = draft.row
    row["Type"] = row["Type"] or "Regular"
    if row["DeveloperName"] is None and row["Name"]:
        row["DeveloperName"] = "".join(c if c.isalnum() else "_" for c in row["Name"])


def _permission_set(draft: Draft) -> None:
    if draft.is_new:
        draft.row["IsCustom"] = 1


def _entity_access(draft: Draft) -> None:
    if (draft.row["SetupEntityId"] or "").startswith("0CP"):
        draft.row["SetupEntityType"] = "CustomPermission"
