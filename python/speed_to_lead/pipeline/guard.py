"""What keeps a wrong policy from reshuffling an org: owners change at a pace, and failing writes stop.

Nothing is given up: what must wait is written later, and a batch that was stopped is repeated whole.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from speed_to_lead.errors import WritesStopped

_MINUTE = 60.0
_WATCHED = 200
"""Rows whose fate is remembered."""
_ENOUGH = 50
"""Rows that must be known before their fate means anything."""
_COOLING_SECONDS = 60.0
_A_TRIFLE = 1e-6
"""So much credit may be missing: arithmetic of floats never ends otherwise."""
Sleep = Callable[[float], Awaitable[None]]


class Guard:
    """Lets owner changes through at a pace, and opens when most writes fail."""

    def __init__(
        self,
        owner_changes_per_minute: int,
        now: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Allow so many changes of owner a minute; 0 allows any number."""
        self._pace, self._now, self._sleep = owner_changes_per_minute, now, sleep
        self._credit, self._refilled_at = float(owner_changes_per_minute), now()
        self._fates: deque[bool] = deque(maxlen=_WATCHED)
        self._open_until = 0.0
        self.paced_seconds = 0.0
        """How long writes have waited for their turn so far."""

    @property
    def is_open(self) -> bool:
        """Whether writing is stopped because most writes fail."""
        return self._now() < self._open_until

    def check(self) -> None:
        """Let a batch write.

        :raises WritesStopped: most writes failed a short while ago.
        """
        if self.is_open:
            raise WritesStopped(f"most writes fail: none for {_COOLING_SECONDS:.0f} s")

    async def owner_changes(self, count: int) -> None:
        """Wait until so many Leads may change hands."""
        if not self._pace:
            return
        while (missing := min(count, self._pace) - self._refilled()) > _A_TRIFLE:
            pause = missing * _MINUTE / self._pace
            self.paced_seconds += pause
            await self._sleep(pause)
        self._credit -= count

    def fates(self, failed: Sequence[bool]) -> None:
        """Take what became of rows, each true where the org did not take it for no reason of ours.

        :raises WritesStopped: more than half of many rows failed; the batch is not to be committed.
        """
        self._fates.extend(failed)
        if len(self._fates) >= _ENOUGH and sum(self._fates) * 2 > len(self._fates):
            share = sum(self._fates) * 100 // len(self._fates)
            self._fates.clear()
            self._open_until = self._now() + _COOLING_SECONDS
            raise WritesStopped(
                f"{share} % of the last writes failed: none for {_COOLING_SECONDS:.0f} s; "
                "`speed-to-lead doctor` tells what the org lacks"
            )

    def _refilled(self) -> float:
        now = self._now()
        gained = (now - self._refilled_at) * self._pace / _MINUTE
        self._credit, self._refilled_at = min(float(self._pace), self._credit + gained), now
        return self._credit
