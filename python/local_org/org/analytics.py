"""Reports of one org, as the REST Analytics API runs them: at once, or as instances to come back for.

Source: Reports and Dashboards REST API Developer Guide.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import orjson

from local_org.clock import Clock
from local_org.org.dashboards import Dashboards
from local_org.org.reporting import Json, Reporting
from local_org.org.sessions import Session
from local_org.records.permissions import Permissions
from local_org.records.store import Document, Store
from local_org.reports.checking import check
from local_org.reports.conditions import shown_days
from local_org.reports.definition import Definition
from local_org.reports.describe import default_report, type_list, type_metadata
from local_org.reports.errors import unavailable
from local_org.reports.extended import extended_metadata
from local_org.reports.report_metadata import to_json
from local_org.reports.request import overridden
from local_org.reports.run import prepare

_INSTANCE, _RESULTS = "$reportInstance", "$reportResults"
"""Kinds of documents: the handles of runs, and their results, which are read only when asked for."""
_MOST_INSTANCES = 1200
"""Handles kept; the platform starts no more than these in an hour."""
_KEPT = timedelta(hours=24)


class Analytics:
    """Reports, their instances and types; ``dashboards`` are beside them."""

    def __init__(self, store: Store, permissions: Permissions, clock: Clock) -> None:
        self._reporting = Reporting(store, permissions, clock)
        self._store, self._clock = store, clock
        self.dashboards = Dashboards(self._reporting)

    # -- reports ----------------------------------------------------------------------------------

    def reports(self, session: Session) -> list[Json]:
        """Return up to 200 reports that the caller looked at last."""
        self._reporting.admit(session)
        return [
            {
                "describeUrl": f"{url}/describe",
                "id": report_id,
                "instancesUrl": f"{url}/instances",
                "name": row["Name"],
                "url": url,
            }
            for report_id in self._reporting.viewed("Report", session.user_id)
            if (row := self._store.row("Report", report_id))
            and (url := self._url(session, report_id))
        ]

    def run(self, session: Session, report_id: str, body: Any, *, details: bool) -> Json:
        """Run a report, with what ``reportMetadata`` of the body puts in its place.

        :raises OrgError: 400, 403, 404, 501.
        """
        of = self._asked(session, report_id, body)
        attributes = self._attributes(session, of)
        made = self._reporting.run(session.user_id, of, details=details, attributes=attributes)
        self._reporting.view("Report", session.user_id, str(of.id))
        return made

    def query(self, session: Session, body: Any, *, details: bool) -> Json:
        """Run a report that is not saved.

        :raises OrgError: 400, 403, 501.
        """
        self._reporting.admit(session)
        of = overridden(None, body)
        self._check(of)
        return self._reporting.run(
            session.user_id, of, details=details, attributes=self._attributes(session, of)
        )

    def describe(self, session: Session, report_id: str) -> Json:
        """Return metadata of a report and of its type.

        :raises OrgError: 403, 404.
        """
        of = self._asked(session, report_id, None)
        self._reporting.view("Report", session.user_id, str(of.id))
        return {"attributes": self._attributes(session, of)} | self._described(session, of)

    def _asked(self, session: Session, report_id: str, body: Any) -> Definition:
        self._reporting.admit(session)
        of = overridden(self._reporting.report(session.user_id, report_id), body)
        if body:
            self._check(of)
        return of

    def _check(self, of: Definition) -> None:
        check(self._store.schema, self._reporting.report_type(of.report_type), of)

    def _described(self, session: Session, of: Definition) -> Json:
        context = self._reporting.context(session.user_id)
        report_type = self._reporting.report_type(of.report_type)
        ready = prepare(context, report_type, of, self._clock.now())
        days = shown_days(of.date_filter, context.calendar)
        return {
            "reportExtendedMetadata": extended_metadata(ready.definition, ready.catalogue),
            "reportMetadata": to_json(ready.definition, report_type.label, days),
            "reportTypeMetadata": type_metadata(context, report_type),
        }

    def _url(self, session: Session, report_id: str) -> str:
        return f"/services/data/v{session.version}/analytics/reports/{report_id}"

    def _attributes(self, session: Session, of: Definition) -> Json:
        url = self._url(session, of.id) if of.id else None
        return {
            "describeUrl": url and f"{url}/describe",
            "instancesUrl": url and f"{url}/instances",
            "reportId": of.id,
            "reportName": of.name,
            "type": "Report",
        }

    # -- report types -----------------------------------------------------------------------------

    def report_types(self, session: Session) -> list[Json]:
        """Return the report types by category."""
        self._reporting.admit(session)
        return type_list(self._reporting.report_types(), session.version)

    def report_type(self, session: Session, name: str) -> Json:
        """Return what a report type offers.

        :raises OrgError: 403: one of its objects is not for the caller; 404: there is none.
        """
        self._reporting.admit(session)
        found = next((t for t in self._reporting.report_types() if t.name == name), None)
        if found is None:
            raise unavailable()
        url = f"/services/data/v{session.version}/analytics/reportTypes/{name}"
        attributes = {"describeUrl": url, "label": found.label, "type": name}
        return {"attributes": attributes} | self._described(session, default_report(found))

    # -- instances --------------------------------------------------------------------------------

    def start(self, session: Session, report_id: str, body: Any, *, details: bool) -> Json:
        """Run a report and keep its results for 24 hours; return the handle, still ``New``.

        :raises OrgError: 400, 403, 404, 501: the run is refused at once.
        """
        results = self.run(session, report_id, body, details=details)
        now = self._clock.now()
        instance_id = self._store.next_id("0LG")
        meta = {
            "report": results["attributes"]["reportId"],
            "owner": session.user_id,
            "details": details,
            "at": now.timestamp(),
        }
        with self._store.transaction():
            self._forget(now)
            self._store.put_document(_INSTANCE, instance_id, b"", **meta)
            self._store.put_document(_RESULTS, instance_id, orjson.dumps(results))
        return self._handle(session, instance_id, meta) | {"completionDate": None, "status": "New"}

    def instances(self, session: Session, report_id: str) -> list[Json]:
        """Return the runs of a report that the caller started, the last one first.

        :raises OrgError: 403, 404.
        """
        of = self._asked(session, report_id, None)
        found = [
            self._handle(session, each.name, each.meta)
            for each in self._store.documents(_INSTANCE)
            if each.meta["report"] == of.id and each.meta["owner"] == session.user_id
        ]
        return found[::-1]

    def instance(self, session: Session, report_id: str, instance_id: str) -> Json:
        """Return the results of a run as they were.

        :raises OrgError: 403, 404: none of this report, another user's, or older than 24 hours.
        """
        found = self._instance(session, report_id, instance_id)
        kept = self._store.document(_RESULTS, found.name)
        if kept is None:
            raise unavailable()
        results: Json = orjson.loads(kept.body)
        handle = self._handle(session, found.name, found.meta)
        results["attributes"] = {
            "completionDate": handle["completionDate"],
            "id": found.name,
            "ownerId": handle["ownerId"],
            "queryable": False,
            "reportId": found.meta["report"],
            "reportName": results["attributes"]["reportName"],
            "requestDate": handle["requestDate"],
            "status": handle["status"],
            "type": "ReportInstance",
        }
        return results

    def drop_instance(self, session: Session, report_id: str, instance_id: str) -> None:
        """Forget a run.

        :raises OrgError: 403, 404.
        """
        found = self._instance(session, report_id, instance_id)
        self._drop(found.name)

    def _instance(self, session: Session, report_id: str, instance_id: str) -> Document:
        of = self._asked(session, report_id, None)
        self._forget(self._clock.now())
        for each in self._store.documents(_INSTANCE):
            mine = each.meta["owner"] == session.user_id and each.meta["report"] == of.id
            if mine and each.name[:15] == instance_id[:15]:
                return each
        raise unavailable()

    def _forget(self, now: datetime) -> None:
        """Drop the runs that are older than 24 hours, and the oldest when there are too many."""
        handles = sorted(self._store.documents(_INSTANCE), key=lambda each: each.meta["at"])
        spare = len(handles) - _MOST_INSTANCES + 1
        for n, each in enumerate(handles):
            if n < spare or now.timestamp() - each.meta["at"] >= _KEPT.total_seconds():
                self._drop(each.name)

    def _drop(self, instance_id: str) -> None:
        for kind in (_INSTANCE, _RESULTS):
            self._store.drop_document(kind, instance_id)

    def _handle(self, session: Session, instance_id: str, meta: Any) -> Json:
        at = f"{datetime.fromtimestamp(meta['at'], self._clock.now().tzinfo):%Y-%m-%dT%H:%M:%SZ}"
        return {
            "completionDate": at,
            "hasDetailRows": meta["details"],
            "id": instance_id,
            "ownerId": meta["owner"],
            "queryable": False,
            "requestDate": at,
            "status": "Success",
            "url": f"{self._url(session, meta['report'])}/instances/{instance_id}",
        }
