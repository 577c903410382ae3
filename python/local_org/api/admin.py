"""The org's own controls, outside ``/services``: readiness, clock, faults, limits, stop.

All but the first need the admin token.
"""

from __future__ import annotations

import hmac
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.faults import KINDS, Order
from local_org.api.wire import json_object, json_response
from local_org.clock import Clock
from local_org.errors import OrgError, invalid_session

_FIRST_YEAR, _LAST_YEAR = 1970, 2900
"""Times that every protocol of the org can write, whatever the clock is told."""
_LONGEST_STEP_SECONDS = 1e10
_FASTEST = 1e6
"""Org seconds per real second: eleven days."""
_MOST = 1e9


async def ready(request: Request) -> Response:
    """GET, open to anybody: the org answers."""
    return json_response({"ready": True, "org_id": request.state.org.org_id})


async def show_clock(request: Request) -> Response:
    """GET the org's time and speed."""
    _admit(request)
    return _told(request.state.org.clock)


async def change_clock(request: Request) -> Response:
    """POST any of ``set`` (ISO 8601), ``advance`` (seconds) and ``speed``, taken in this order."""
    _admit(request)
    clock: Clock = request.state.org.clock
    wanted = await json_object(request)
    unknown = set(wanted) - {"set", "advance", "speed"}
    if unknown or not wanted:
        raise OrgError("INVALID_INPUT", "expected one or more of set, advance, speed")
    moment = _moment(wanted["set"]) if "set" in wanted else None
    step = _number(wanted, "advance", _LONGEST_STEP_SECONDS) if "advance" in wanted else 0.0
    speed = _number(wanted, "speed", _FASTEST) if "speed" in wanted else None
    then = (moment or clock.now()) + timedelta(seconds=step)
    if not _FIRST_YEAR <= then.year <= _LAST_YEAR:
        text = f"expected a time in the years {_FIRST_YEAR} to {_LAST_YEAR}, got {then.year}"
        raise OrgError("INVALID_INPUT", text)
    if moment is not None:
        clock.set(moment)
    if step:
        clock.advance(timedelta(seconds=step))
    if speed is not None:
        clock.run(speed)
    request.state.org.bus.wake()  # a keepalive may be due by now
    return _told(clock)


async def show_faults(request: Request) -> Response:
    """GET the kinds of fault there are, and the orders that stand."""
    _admit(request)
    return json_response({"kinds": KINDS, "standing": request.state.context.faults.standing()})


async def order_fault(request: Request) -> Response:
    """POST an order: ``kind``, and what else ``Order`` takes."""
    _admit(request)
    wanted = await json_object(request)
    order = _order(wanted)
    request.state.context.faults.order(order, request.state.org)
    return await show_faults(request)


async def clear_faults(request: Request) -> Response:
    """DELETE all orders."""
    _admit(request)
    request.state.context.faults.clear()
    return await show_faults(request)


async def show_limits(request: Request) -> Response:
    """GET the org's limits and what remains of them; it counts as no call."""
    _admit(request)
    return json_response(request.state.org.limits())


async def change_limits(request: Request) -> Response:
    """POST limits by name: how many uses a day has from now on."""
    _admit(request)
    wanted = await json_object(request)
    request.state.org.allow({name: int(_number(wanted, name)) for name in wanted})
    return await show_limits(request)


async def stop(request: Request) -> Response:
    """POST to end the process, as SIGTERM does."""
    _admit(request)
    request.state.context.stop()
    return json_response({"stopping": True})


def _order(wanted: dict[str, Any]) -> Order:
    unknown = set(wanted) - {each.name for each in fields(Order)}
    if unknown or "kind" not in wanted:
        raise OrgError("INVALID_INPUT", "expected kind, times, share, seconds, path or delay")
    given = {name: value for name, value in wanted.items() if value is not None}
    return Order(
        str(given["kind"]),
        times=int(_number(given, "times")) if "times" in given else None,
        share=_number(given, "share") if "share" in given else 1.0,
        seconds=_number(given, "seconds") if "seconds" in given else None,
        path=str(given.get("path", "")),
        delay=_number(given, "delay") if "delay" in given else 1.0,
    )


def _told(clock: Clock) -> Response:
    now = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json_response({"now": now, "speed": clock.speed})


def _admit(request: Request) -> None:
    """Let the holder of the admin token pass.

    :raises OrgError: 401 for anybody else.
    """
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode(), request.state.context.admin_token.encode()):
        raise invalid_session()


def _moment(text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise OrgError("INVALID_INPUT", f"set: expected ISO 8601, got '{text}'") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(wanted: dict[str, object], name: str, most: float = _MOST) -> float:
    value = wanted[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise OrgError("INVALID_INPUT", f"{name}: expected a number from 0 to {most:g}")
    return float(value)


routes = [
    Route("/local-org/ready", ready),
    Route("/local-org/clock", show_clock),
    Route("/local-org/clock", change_clock, methods=["POST"]),
    Route("/local-org/fault", show_faults),
    Route("/local-org/fault", order_fault, methods=["POST"]),
    Route("/local-org/fault", clear_faults, methods=["DELETE"]),
    Route("/local-org/limits", show_limits),
    Route("/local-org/limits", change_limits, methods=["POST"]),
    Route("/local-org/stop", stop, methods=["POST"]),
]
