"""What reports and dashboards of one org share: who asks, and where definitions are kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from local_org.clock import Clock, millis
from local_org.ids import id18, is_id
from local_org.metadata.markup import XmlFile
from local_org.metadata.report_definitions import definition
from local_org.metadata.report_definitions import report_type as custom_type
from local_org.org.folder_access import FolderAccess
from local_org.org.sessions import Session
from local_org.records.permissions import Permissions
from local_org.records.store import Document, Store
from local_org.reports.definition import Definition
from local_org.reports.errors import NO_RUN_REPORTS, OBSOLETE, forbidden, unavailable
from local_org.reports.report_types import ReportType, standard_types
from local_org.reports.run import run
from local_org.reports.source import FORBIDDEN, Context
from local_org.soql.run import calendar_of

Json = dict[str, Any]
_MOST_VIEWED = 200
_VIEWED = "$viewed"


class Reporting:
    """Finds and runs definitions in the name of a user."""

    def __init__(self, store: Store, permissions: Permissions, clock: Clock) -> None:
        self.store, self.clock = store, clock
        self._permissions = permissions
        self.folders = FolderAccess(store, permissions)

    # -- who asks ---------------------------------------------------------------------------------

    def admit(self, session: Session) -> None:
        """Let in who may run reports.

        :raises OrgError: 403: Run Reports is not granted.
        """
        if "RunReports" not in self._permissions.of(session.user_id).permissions:
            raise forbidden(NO_RUN_REPORTS)

    def context(self, user_id: str) -> Context:
        """Return for whom and when a report runs."""
        user = self.store.row("User", user_id) or {}
        calendar = calendar_of(self.store, self.store.schema, self.clock.now(), user)
        access = self._permissions.of(user_id)
        return Context(self.store, self.store.schema, access, calendar, user)

    # -- definitions ------------------------------------------------------------------------------

    def document(self, kind: str, component_id: str) -> Document:
        """Return the XML of a report or dashboard by its id.

        :raises OrgError: 404.
        """
        wanted = id18(component_id) if is_id(component_id) else ""
        for each in self.store.documents(kind):
            if each.meta["id"] == wanted:
                return each
        raise unavailable()

    def report(self, user_id: str, report_id: str) -> Definition:
        """Return a saved report that the user may see.

        :raises OrgError: 404: there is none; 403: its folder is not shared with the user.
        """
        document = self.document("Report", report_id)
        row = self.store.row("Report", document.meta["id"])
        if row is None:
            raise unavailable()
        if not self.folders.allows(user_id, row["OwnerId"], "Report"):
            raise forbidden(FORBIDDEN)
        return replace(
            definition(XmlFile(document.body).root),
            id=row["Id"],
            developer_name=row["DeveloperName"],
            folder_id=row["OwnerId"],
        )

    def report_type(self, name: str) -> ReportType:
        """Return a report type by the name reports call it by.

        :raises OrgError: 403: it has gone, or this org does not model it.
        """
        found = standard_types().get(name)
        body = self.store.document("ReportType", name.removesuffix("__c"))
        if found is None and body is not None and name.endswith("__c"):
            found = custom_type(body.name, XmlFile(body.body).root)
        if found is None:
            raise forbidden(OBSOLETE)
        return found

    def report_types(self) -> Iterator[ReportType]:
        """All report types, the standard ones first."""
        yield from standard_types().values()
        for each in self.store.documents("ReportType"):
            yield custom_type(each.name, XmlFile(each.body).root)

    def run(
        self, user_id: str, of: Definition, *, details: bool, attributes: Json | None = None
    ) -> Json:
        """Run a definition in the name of a user.

        :raises OrgError: 400, 403, 501: it cannot be run.
        """
        report_type = self.report_type(of.report_type)
        now = self.clock.now()
        return run(
            self.context(user_id), report_type, of, now, details=details, attributes=attributes
        )

    # -- what was looked at -----------------------------------------------------------------------

    def viewed(self, kind: str, user_id: str) -> list[str]:
        """Return the ids that the user looked at, the last one first."""
        found = self.store.document(_VIEWED, f"{kind} {user_id}")
        return found.body.decode().split() if found else []

    def view(self, kind: str, user_id: str, component_id: str) -> None:
        """Remember that the user looked at it, and when it was run."""
        others = [each for each in self.viewed(kind, user_id) if each != component_id]
        ids = [component_id, *others][:_MOST_VIEWED]
        at = millis(self.clock.second())
        row = {"LastViewedDate": at, "LastReferencedDate": at}
        if kind == "Report":
            row["LastRunDate"] = at
        with self.store.transaction():
            self.store.put_document(_VIEWED, f"{kind} {user_id}", " ".join(ids).encode())
            self.store.update_row(kind, component_id, row)
