"""The REST Analytics API: reports, their instances and types, dashboards, filter operators.

Source: Reports and Dashboards REST API Developer Guide.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.wire import DATA, json_response, no_content, parsed, read_body
from local_org.org.analytics import Analytics
from local_org.org.dashboards import Dashboards
from local_org.reports.operators import filter_operators

_ROOT = f"{DATA}/analytics"
_REPORT = f"{_ROOT}/reports/{{report_id}}"
_DASHBOARD = f"{_ROOT}/dashboards/{{dashboard_id}}"


def _analytics(request: Request) -> Analytics:
    found: Analytics = request.state.org.analytics
    return found


def _flag(request: Request, name: str) -> bool:
    return request.query_params.get(name, "").lower() == "true"


async def _body(request: Request) -> Any:
    """Return the parsed body; None when there is none."""
    body = await read_body(request)
    return parsed(body) if body.strip() else None


# -- reports --------------------------------------------------------------------------------------


async def reports(request: Request) -> Response:
    """GET the reports that the caller looked at last."""
    return json_response(_analytics(request).reports(request.state.session))


async def run(request: Request) -> Response:
    """GET or POST: run a report now; a body may put filters and more in place of the saved ones."""
    body = await _body(request) if request.method == "POST" else None
    details = _flag(request, "includeDetails")
    report_id = request.path_params["report_id"]
    return json_response(
        _analytics(request).run(request.state.session, report_id, body, details=details)
    )


async def query(request: Request) -> Response:
    """POST: run a report that is not saved."""
    body = await _body(request)
    details = _flag(request, "includeDetails")
    return json_response(_analytics(request).query(request.state.session, body, details=details))


async def describe(request: Request) -> Response:
    """GET metadata of a report and of its type."""
    report_id = request.path_params["report_id"]
    return json_response(_analytics(request).describe(request.state.session, report_id))


async def instances(request: Request) -> Response:
    """GET the runs of a report, or POST to start one."""
    report_id, session = request.path_params["report_id"], request.state.session
    if request.method == "POST":
        body, details = await _body(request), _flag(request, "includeDetails")
        return json_response(_analytics(request).start(session, report_id, body, details=details))
    return json_response(_analytics(request).instances(session, report_id))


async def instance(request: Request) -> Response:
    """GET the results of a run, or DELETE them."""
    report_id, instance_id = (request.path_params[n] for n in ("report_id", "instance_id"))
    if request.method == "DELETE":
        _analytics(request).drop_instance(request.state.session, report_id, instance_id)
        return no_content()
    found = _analytics(request).instance(request.state.session, report_id, instance_id)
    return json_response(found)


async def report_types(request: Request) -> Response:
    """GET the report types by category."""
    return json_response(_analytics(request).report_types(request.state.session))


async def report_type(request: Request) -> Response:
    """GET what a report type offers."""
    name = request.path_params["name"]
    return json_response(_analytics(request).report_type(request.state.session, name))


async def operators(request: Request) -> Response:
    """GET the filter operators by type of column."""
    return json_response(filter_operators(for_dashboards=_flag(request, "forDashboards")))


# -- dashboards -----------------------------------------------------------------------------------


def _dashboards(request: Request) -> Dashboards:
    return _analytics(request).dashboards


def _look(request: Request) -> tuple[Any, str, str | None, tuple[str | None, ...]]:
    """Return who looks at which dashboard, as whom, and with which filter options."""
    params = request.query_params
    filters = tuple(params.get(f"filter{n}") for n in (1, 2, 3))
    dashboard_id = request.path_params["dashboard_id"]
    return request.state.session, dashboard_id, params.get("runningUser"), filters


async def dashboards(request: Request) -> Response:
    """GET the dashboards that the caller looked at last."""
    return json_response(_dashboards(request).recent(request.state.session))


async def dashboard(request: Request) -> Response:
    """GET results, PUT to refresh, POST ``componentIds`` for some components."""
    look = _look(request)
    if request.method == "PUT":
        return json_response(_dashboards(request).refresh(*look))
    if request.method == "POST":
        body = await _body(request)
        wanted = body.get("componentIds") if isinstance(body, dict) else None
        ids = [each for each in wanted or [] if isinstance(each, str)]
        return json_response(_dashboards(request).components(*look, ids))
    return json_response(_dashboards(request).results(*look))


async def dashboard_status(request: Request) -> Response:
    """GET when each component was refreshed."""
    return json_response(_dashboards(request).status(*_look(request)))


async def dashboard_describe(request: Request) -> Response:
    """GET metadata alone."""
    session, dashboard_id, _, _ = _look(request)
    return json_response(_dashboards(request).describe(session, dashboard_id))


routes = [
    Route(f"{_ROOT}/reports", reports),
    Route(f"{_ROOT}/reports/query", query, methods=["POST"]),
    Route(_REPORT, run, methods=["GET", "POST"]),
    Route(f"{_REPORT}/describe", describe),
    Route(f"{_REPORT}/instances", instances, methods=["GET", "POST"]),
    Route(f"{_REPORT}/instances/{{instance_id}}", instance, methods=["GET", "DELETE"]),
    Route(f"{_ROOT}/reportTypes", report_types),
    Route(f"{_ROOT}/reportTypes/{{name}}", report_type),
    Route(f"{_ROOT}/report-types", report_types),
    Route(f"{_ROOT}/report-types/{{name}}", report_type),
    Route(f"{_ROOT}/filteroperators", operators),
    Route(f"{_ROOT}/dashboards", dashboards),
    Route(_DASHBOARD, dashboard, methods=["GET", "PUT", "POST"]),
    Route(f"{_DASHBOARD}/status", dashboard_status),
    Route(f"{_DASHBOARD}/describe", dashboard_describe),
]
