"""Who may see a folder of reports or dashboards: the folder's share is the access.

Source: facts/metadata.md 2.2. Public folders are for those who may view public reports; a folder
that nobody shares is its maker's and the administrators'. How shares combine is inferred.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from local_org.metadata.markup import XmlFile, children, text
from local_org.records.permissions import Permissions
from local_org.records.store import Store

_PUBLIC = frozenset({"Public", "PublicInternal"})
_KINDS = {
    "Report": ("ReportFolder", "ViewPublicReports", "ManageReportsInPubFolders"),
    "Dashboard": ("DashboardFolder", "ViewPublicDashboards", "ManageDashbdsInPubFolders"),
}
_ABOVE = frozenset({"ViewAllData", "ModifyAllData"})


class FolderAccess:
    """Answers for the folders of one org."""

    def __init__(self, store: Store, permissions: Permissions) -> None:
        self._store = store
        self._permissions = permissions

    def allows(self, user_id: str, folder_id: str | None, kind: str) -> bool:
        """Whether the user may see what stands in the folder; ``kind`` is Report or Dashboard."""
        folder = self._store.row("Folder", folder_id) if folder_id else None
        if folder is None:
            return True
        document_kind, viewer, manager = _KINDS[kind]
        granted = self._permissions.of(user_id).permissions
        if granted & (_ABOVE | {manager}) or folder["CreatedById"] == user_id:
            return True
        if folder["AccessType"] in _PUBLIC and viewer in granted:
            return True
        document = self._store.document(document_kind, folder["DeveloperName"])
        if document is None:
            return False
        user = self._store.row("User", user_id) or {}
        shares = children(XmlFile(document.body).root, "folderShares")
        return any(
            self._reaches(user, text(share, "sharedToType"), text(share, "sharedTo") or "")
            for share in shares
        )

    def _reaches(self, user: Mapping[str, Any], kind: str | None, name: str) -> bool:
        """Whether a share reaches the user: everybody, a group, a role and those below, a person."""
        if kind == "Organization" or (kind == "Group" and name == "AllInternalUsers"):
            return True
        if kind == "User":
            return str(user["Username"]).lower() == name.lower()
        if kind == "Group":
            sql = (
                'SELECT 1 FROM "GroupMember" m JOIN "Group" g ON g."Id" = m."GroupId" '
                'WHERE g."DeveloperName" = ? AND m."UserOrGroupId" = ?'
            )
            return self._store.connection.execute(sql, (name, user["Id"])).fetchone() is not None
        roles = list(self._roles(user.get("UserRoleId")))
        if kind == "Role":
            return roles[:1] == [name]
        return (kind or "").startswith("RoleAndSubordinates") and name in roles

    def _roles(self, role_id: str | None) -> Iterator[str]:
        """Developer names of a role and of those above it."""
        seen: set[str] = set()
        while role_id and role_id not in seen:
            seen.add(role_id)
            row = self._store.row("UserRole", role_id) or {}
            yield row.get("DeveloperName") or ""
            role_id = row.get("ParentRoleId")
