"""Tooling API: queries and describes of its own objects, and the anonymous Apex that needs no Apex.

No Apex runs in this org. Source: facts/real-clients.md 5.8.
"""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.wire import DATA, json_object, json_response, parameter
from local_org.metadata.tooling import Everything
from local_org.metadata.tooling_schema import tooling_object, tooling_schema
from local_org.org import Org
from local_org.schema.describe import describe as described
from local_org.schema.describe import describe_global as described_globally

_ABORT_JOBS = re.compile(
    r"for\s*\(\s*CronTrigger\s+(?P<job>\w+)\s*:\s*\[\s*SELECT\s+Id\s+FROM\s+CronTrigger\b[^\]]*\]\s*\)"
    r"\s*\{\s*System\.abortJob\(\s*(?P=job)\.Id\s*\);\s*\}",
    re.IGNORECASE,
)
"""Aborts scheduled jobs. The org has none, so having done nothing is having done it."""


async def query(request: Request) -> Response:
    """GET the answer of a query over the Tooling API's objects."""
    org: Org = request.state.org
    soql, version = parameter(request, "q"), request.path_params["version"]
    return json_response(org.tooling_query(request.state.session, soql, version=version))


async def describe_global(request: Request) -> Response:
    """GET the objects of the Tooling API."""
    version = request.path_params["version"]
    return json_response(described_globally(tooling_schema(), Everything(), version))


async def describe(request: Request) -> Response:
    """GET the describe of one of them."""
    sobject = tooling_object(request.path_params["sobject"])
    version = request.path_params["version"]
    return json_response(described(tooling_schema(), sobject, Everything(), version))


async def execute_anonymous(request: Request) -> Response:
    """GET the outcome of anonymous Apex: done where nothing was to do, else a compile error."""
    body = parameter(request, "anonymousBody").strip()
    if not body or _ABORT_JOBS.fullmatch(body):
        return json_response(_outcome(None))
    return json_response(_outcome("Apex is not supported by this org"))


async def run_tests(request: Request) -> Response:
    """POST a run of tests; the answer is the id of its job, a bare string."""
    org: Org = request.state.org
    return json_response(org.run_tests(request.state.session, await json_object(request)))


async def run_tests_now(request: Request) -> Response:
    """POST a run of tests, and answer what came of it."""
    org: Org = request.state.org
    return json_response(org.run_tests_now(request.state.session, await json_object(request)))


def _outcome(problem: str | None) -> dict[str, Any]:
    place = -1 if problem is None else 1
    return {
        "line": place,
        "column": place,
        "compiled": problem is None,
        "success": problem is None,
        "compileProblem": problem,
        "exceptionStackTrace": None,
        "exceptionMessage": None,
    }


_TOOLING = f"{DATA}/tooling"
routes = [
    Route(f"{_TOOLING}/query", query),
    Route(f"{_TOOLING}/executeAnonymous", execute_anonymous),
    Route(f"{_TOOLING}/runTestsAsynchronous", run_tests, methods=["POST"]),
    Route(f"{_TOOLING}/runTestsSynchronous", run_tests_now, methods=["POST"]),
    Route(f"{_TOOLING}/sobjects", describe_global),
    Route(f"{_TOOLING}/sobjects/{{sobject}}/describe", describe),
]
