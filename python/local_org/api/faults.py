"""Faults on demand: what a real org does on a bad day, for one call, a share of calls, or a time.

Nothing here happens by itself; ``/local-org/fault`` asks for it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from starlette.requests import Request

from local_org.errors import OrgError, invalid_session
from local_org.events import errors as bus_errors
from local_org.events.bus import Delivery
from local_org.events.compose import Loss
from local_org.org import Org
from local_org.records.changes import ChangeKind

KINDS: Final = {
    "unavailable": "HTTP 503 SERVER_UNAVAILABLE",
    "slow": "HTTP answers come --delay seconds late",
    "request-limit": "HTTP 403 REQUEST_LIMIT_EXCEEDED",
    "expire-session": "the token of a struck HTTP request is over: 401 INVALID_SESSION_ID",
    "lock-row": "UNABLE_TO_LOCK_ROW for a record that is changed, the others of its call go on",
    "duplicate-record": "DUPLICATES_DETECTED for a record that is created, the others of its call go on",
    "stream-reset": "the next event ends its stream with INTERNAL and service.unavailable",
    "stream-expire": "the next event ends its stream with UNAUTHENTICATED and service.auth.error",
    "delivery-limit": "the next event ends its stream with subscription.limit.exceeded",
    "delivery-allocation": "--times events are delivered in 24 hours and no more; without: any",
    "corrupt-replay": "a subscription with a replay id is refused: replayid.corrupted",
    "stream-stall": "streams stay open and say nothing, not even keepalives",
    "malformed-event": "an event arrives cut in half, once; fetched again it is whole",
    "duplicate-event": "an event arrives twice",
    "gap-event": "the next transaction's changes are told as gap events, now",
    "overflow-event": "the next transaction's changes are told as overflow events, now",
    "expire-tokens": "every access token is over, now",
    "expire-events": "no event is retained, now: every replay id from before is expired",
}
_LASTING: Final = frozenset({"stream-stall"})
"""Kinds that are a state, not a stroke: they last till their time is over or they are cleared."""
_REFUSALS: Final = {
    "unavailable": OrgError(
        "SERVER_UNAVAILABLE", "The server is currently unavailable, try again later", status=503
    ),
    "request-limit": OrgError(
        "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403
    ),
}
_ROWS: Final = {
    "change": (
        "lock-row",
        OrgError("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
    ),
    "create": ("duplicate-record", OrgError("DUPLICATES_DETECTED", "Use one of these records?")),
}
"""What happens to a record → the fault that strikes it, and how that is told."""
_ENDS: Final = {
    "stream-reset": bus_errors.unavailable,
    "stream-expire": bus_errors.authentication_failed,
    "delivery-limit": bus_errors.delivery_limit,
}
"""What the next event ends its stream with."""
_LOSSES: Final = {"gap-event": Loss.GAP, "overflow-event": Loss.OVERFLOW}
_STALL_CHECK_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody asked for. Without times, share and seconds it strikes once."""

    kind: str
    times: int | None = None
    """How often it strikes at most."""
    share: float = 1.0
    """The part of the calls it strikes, above 0 and up to 1."""
    seconds: float | None = None
    """How long it lasts, in real time."""
    path: str = ""
    """Strikes only HTTP requests whose path begins so."""
    delay: float = 1.0
    """Seconds that ``slow`` waits."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise OrgError("INVALID_INPUT", f"kind: expected one of {', '.join(KINDS)}")
        positive = (self.times or 1, self.share, self.seconds or 1, self.delay)
        if self.share > 1 or min(positive) <= 0 or 0 in (self.times, self.seconds):
            raise OrgError("INVALID_INPUT", "expected numbers above 0, and a share of at most 1")


@dataclass
class _Standing:
    """An order and what is left of it."""

    order: Order
    left: int | None
    until: float | None


class Faults:
    """The orders that stand. ``now`` is monotonic real time; equal seeds strike the same calls."""

    def __init__(self, now: Callable[[], float] = time.monotonic, seed: int = 0) -> None:
        self._now = now
        self._random = random.Random(seed)  # noqa: S311 - which calls fail is no secret
        self._standing: list[_Standing] = []

    def order(self, wanted: Order, org: Org) -> None:
        """Let a fault stand, or happen if it is one that happens at once."""
        if wanted.kind == "expire-tokens":
            org.expire_all()
        elif wanted.kind == "expire-events":
            org.bus.expire_all()
        elif wanted.kind in _LOSSES:
            org.bus.lose(_LOSSES[wanted.kind], wanted.times or 1)
        elif wanted.kind == "delivery-allocation":
            org.bus.allocation.allow(wanted.times)
        else:
            open_ended = wanted.share < 1 or wanted.seconds is not None or wanted.kind in _LASTING
            left = wanted.times if wanted.times is not None or open_ended else 1
            until = None if wanted.seconds is None else self._now() + wanted.seconds
            self._standing.append(_Standing(wanted, left, until))

    def clear(self) -> None:
        """Forget all orders."""
        self._standing.clear()

    def standing(self) -> list[dict[str, Any]]:
        """Return the orders that still stand, each with the number of strokes it has left."""
        return [asdict(each.order) | {"left": each.left} for each in self._current()]

    async def on_request(self, request: Request, token: str) -> None:
        """Let an HTTP request wait, or refuse it; ``token`` is its access token, if it shows one.

        :raises OrgError: 503, 403 or 401.
        """
        path: str = request.scope["path"]
        slow = self.strike("slow", path)
        if slow is not None:
            await asyncio.sleep(slow.delay)
        for kind, refusal in _REFUSALS.items():
            if self.strike(kind, path):
                raise refusal
        if self.strike("expire-session", path):
            request.state.org.expire(token)
            raise invalid_session()

    def on_row(self, kind: ChangeKind) -> None:
        """Let a record be written.

        :raises OrgError: ``UNABLE_TO_LOCK_ROW`` or ``DUPLICATES_DETECTED``.
        """
        if self._standing:
            fault, refusal = _ROWS["create" if kind is ChangeKind.CREATE else "change"]
            if self.strike(fault):
                raise refusal

    async def on_delivery(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        """Return the events of a response as they go out, when they go out.

        :raises BusError: the stream is reset.
        """
        while self._stalled():  # noqa: ASYNC110 - it ends by time as well as by order
            await asyncio.sleep(_STALL_CHECK_SECONDS)
        if not self._standing:
            return deliveries
        for kind, ending in _ENDS.items():
            if deliveries and self.strike(kind):
                raise ending()
        return [self._spoilt(d) for each in deliveries for d in self._repeated(each)]

    def on_subscribe(self, replay_id: bytes) -> None:
        """Let a subscription begin.

        :raises BusError: its replay id is refused as corrupted.
        """
        if replay_id and self.strike("corrupt-replay"):
            raise bus_errors.replay_id_corrupted()

    def _repeated(self, delivery: Delivery) -> tuple[Delivery, ...]:
        return (delivery, delivery) if self.strike("duplicate-event") else (delivery,)

    def _stalled(self) -> bool:
        return any(each.order.kind == "stream-stall" for each in self._current())

    def _spoilt(self, delivery: Delivery) -> Delivery:
        if not self.strike("malformed-event"):
            return delivery
        return delivery._replace(payload=delivery.payload[: len(delivery.payload) // 2])

    def strike(self, kind: str, path: str = "") -> Order | None:
        """Return the order that strikes this call, or None; a stroke is counted."""
        for each in self._current():
            order = each.order
            if order.kind != kind or not path.startswith(order.path):
                continue
            if order.share < 1 and self._random.random() >= order.share:
                continue
            if each.left is not None:
                each.left -= 1
            return order
        return None

    def _current(self) -> list[_Standing]:
        """Return what stands now; what is used up or over goes."""
        if self._standing:
            now = self._now()
            self._standing = [
                each
                for each in self._standing
                if each.left != 0 and (each.until is None or now < each.until)
            ]
        return self._standing
