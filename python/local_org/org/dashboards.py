"""Dashboards of one org: their components over their reports, as of the last refresh.

Source: REST Analytics API, "Get Dashboard Results", "Refresh a Dashboard", "Get Dashboard Status".
A dashboard that was never refreshed is refreshed by the first look at it, which is inferred.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from local_org.errors import OrgError
from local_org.metadata.dashboards import IDS, dashboard_of
from local_org.org.reporting import Json, Reporting
from local_org.org.sessions import Session
from local_org.reports.dashboards import Component, Dashboard, chosen, cut, dashboard_metadata
from local_org.reports.definition import Filter
from local_org.reports.errors import bad_request, forbidden, unavailable
from local_org.reports.source import FORBIDDEN

_MOST_KEPT = 64
Filters = Sequence[str | None]
Results = tuple[str, list[Json]]
"""When a dashboard was refreshed, and the data of its components."""


@dataclass(frozen=True, slots=True)
class _Look:
    """A dashboard as one user looks at it: as whom, and with which filters."""

    dashboard: Dashboard
    user_id: str
    filters: tuple[str | None, ...]
    digest: str

    @property
    def key(self) -> tuple[str, ...]:
        """What results are kept under; a dashboard that was deployed anew begins anew."""
        return (self.dashboard.id, self.user_id, self.digest, *map(str, self.filters))


class Dashboards:
    """Runs and describes dashboards; results stay until they are refreshed."""

    def __init__(self, reporting: Reporting) -> None:
        self._reporting = reporting
        self._store = reporting.store
        self._kept: OrderedDict[tuple[str, ...], Results] = OrderedDict()

    def recent(self, session: Session) -> list[Json]:
        """Return the dashboards that the caller looked at last."""
        self._reporting.admit(session)
        return [
            {
                "id": dashboard_id,
                "name": row["Title"],
                "statusUrl": f"{url}/status",
                "url": url,
            }
            for dashboard_id in self._reporting.viewed("Dashboard", session.user_id)
            if (row := self._store.row("Dashboard", dashboard_id))
            and (url := _url(session, dashboard_id))
        ]

    def results(
        self, session: Session, dashboard_id: str, running_user: str | None, filters: Filters
    ) -> Json:
        """Return metadata, data and status of every component.

        :raises OrgError: 400, 403, 404.
        """
        look = self._look(session, dashboard_id, running_user, filters)
        _, data = self._kept_or_run(look)
        self._reporting.view("Dashboard", session.user_id, look.dashboard.id)
        return {"componentData": data, "dashboardMetadata": self._metadata(session, look)}

    def components(
        self,
        session: Session,
        dashboard_id: str,
        running_user: str | None,
        filters: Filters,
        component_ids: Sequence[str],
    ) -> Json:
        """Return data of some components, or of all when none is named.

        :raises OrgError: 400, 403, 404.
        """
        answer = self.results(session, dashboard_id, running_user, filters)
        wanted = {each[:15] for each in component_ids}
        if wanted:
            answer["componentData"] = [
                each for each in answer["componentData"] if each["componentId"][:15] in wanted
            ]
        return answer

    def describe(self, session: Session, dashboard_id: str) -> Json:
        """Return metadata alone.

        :raises OrgError: 403, 404.
        """
        return self._metadata(session, self._look(session, dashboard_id, None, ()))

    def refresh(
        self, session: Session, dashboard_id: str, running_user: str | None, filters: Filters
    ) -> Json:
        """Run every component anew; return where to ask how it goes.

        :raises OrgError: 400, 403, 404.
        """
        look = self._look(session, dashboard_id, running_user, filters)
        self._kept.pop(look.key, None)
        self._kept_or_run(look)
        return {"statusUrl": f"{_url(session, look.dashboard.id)}/status"}

    def status(
        self, session: Session, dashboard_id: str, running_user: str | None, filters: Filters
    ) -> Json:
        """Return when each component was refreshed, and whether it still is.

        :raises OrgError: 400, 403, 404.
        """
        look = self._look(session, dashboard_id, running_user, filters)
        known = self._kept.get(look.key)
        return {
            "componentStatus": [
                {
                    "componentId": each.id,
                    "refreshDate": known[0] if known else None,
                    "refreshStatus": "IDLE",
                }
                for each in look.dashboard.components
            ]
        }

    # -- looking ----------------------------------------------------------------------------------

    def _look(
        self, session: Session, dashboard_id: str, running_user: str | None, filters: Filters
    ) -> _Look:
        self._reporting.admit(session)
        document = self._reporting.document("Dashboard", dashboard_id)
        row = self._store.row("Dashboard", document.meta["id"])
        if row is None:
            raise unavailable()
        if not self._reporting.folders.allows(session.user_id, row["FolderId"], "Dashboard"):
            raise forbidden(FORBIDDEN)
        ids = self._store.document(IDS, document.name)
        of = dashboard_of(document.body, ids.body if ids else None, row)
        digest = hashlib.sha256(document.body).hexdigest()
        user_id = session.user_id if of.kind != "SpecifiedUser" else row["RunningUserId"]
        if running_user is not None:
            user_id = self._other_user(of, session, running_user)
        return _Look(of, user_id, tuple(filters), digest)

    def _other_user(self, of: Dashboard, session: Session, running_user: str) -> str:
        """Return the running user asked for: oneself, or in a team dashboard somebody else.

        :raises OrgError: 400: there is no such user; 403: the caller may not choose.
        """
        row = next(iter(self._store.rows("User", [running_user]).values()), None)
        if row is None:
            raise bad_request(f"The running user {running_user} is invalid.")
        if of.kind != "MyTeamUser" and row["Id"] != session.user_id:
            raise forbidden(FORBIDDEN)
        return str(row["Id"])

    def _metadata(self, session: Session, look: _Look) -> Json:
        user = self._store.row("User", look.user_id) or {}
        report_ids = {
            name: str(found.meta["id"])
            for name in {c.report for c in look.dashboard.components if c.report}
            if (found := self._store.document("Report", name))
        }
        return dashboard_metadata(
            look.dashboard,
            report_ids,
            (look.user_id, str(user.get("Name"))),
            f"{_url(session, look.dashboard.id)}/status",
            look.filters,
        )

    # -- running ----------------------------------------------------------------------------------

    def _kept_or_run(self, look: _Look) -> Results:
        known = self._kept.get(look.key)
        if known is None:
            moment = self._reporting.clock.second()
            at = f"{moment:%Y-%m-%dT%H:%M:%S}.000+0000"
            data = [self._component(look, each, at) for each in look.dashboard.components]
            known = self._kept[look.key] = (at, data)
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return known

    def _component(self, look: _Look, of: Component, at: str) -> Json:
        """Run one component; what is wrong with it is told in its status, not of the whole."""
        extra = chosen(look.dashboard, of, look.filters)
        try:
            result = self._run(look.user_id, of, extra) if of.report else None
        except OrgError as error:
            return _data(of, None, at, "ERROR", error)
        return _data(of, result, at, "DATA" if result else "NODATA")

    def _run(self, user_id: str, of: Component, extra: Sequence[Filter]) -> Json:
        document = self._store.document("Report", of.report or "")
        if document is None:
            raise unavailable()
        shown = cut(self._reporting.report(user_id, document.meta["id"]), of, extra)
        return self._reporting.run(user_id, shown, details=shown.details)


def _data(
    of: Component, result: Json | None, at: str, status: str, error: OrgError | None = None
) -> Json:
    return {
        "componentId": of.id,
        "reportResult": result,
        "status": {
            "dataStatus": status,
            "errorCode": error.code if error else None,
            "errorMessage": error.message if error else None,
            "errorSeverity": "Error" if error else None,
            "refreshDate": at,
            "refreshStatus": "IDLE",
        },
    }


def _url(session: Session, dashboard_id: str) -> str:
    return f"/services/data/v{session.version}/analytics/dashboards/{dashboard_id}"
