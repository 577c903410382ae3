"""What may be spent on an org: a day's REST calls, of which others need some too.

Source: REST API Developer Guide, "Limit Info Header": ``Sforce-Limit-Info: api-usage=18/15000``.
"""

from __future__ import annotations

import re
import time
from collections import Counter, deque
from collections.abc import Callable

from speed_to_lead.errors import CallsSpent

_USAGE = re.compile(r"api-usage=(\d+)/(\d+)").search
_DAY_SECONDS = 86_400.0
_SLOT_SECONDS = 600.0
_PROBE_SECONDS = 300.0
"""How often one call is let through while the org has none to spare: its answer tells the usage."""


class Budget:
    """Counts the calls of this process over 24 hours, and knows what the org says of all clients'."""

    def __init__(
        self, daily_calls: int, spared_percent: int, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Allow so many calls in 24 hours (0: any number), and leave a share of the org's to others."""
        self._allowed, self._spared, self._now = daily_calls, spared_percent, now
        self._slots: deque[tuple[float, int]] = deque()
        self._probed_at = -_PROBE_SECONDS
        self.by_kind: Counter[str] = Counter()
        """Calls so far, by what they were for."""
        self.usage: tuple[int, int] | None = None
        """Calls that all clients have spent today, and how many the org allows."""

    def spend(self, kind: str) -> None:
        """Take one call.

        :raises CallsSpent: there is none left; nothing was taken.
        """
        if self._allowed and self.spent() >= self._allowed:
            raise CallsSpent(
                f"all {self._allowed} calls of SPEED_TO_LEAD_DAILY_CALLS are spent: waiting"
            )
        if self._is_short() and self._now() - self._probed_at < _PROBE_SECONDS:
            used, limit = self.usage or (0, 0)
            raise CallsSpent(
                f"{used} of the org's {limit} calls are spent, and {self._spared} % are left to others "
                "(SPEED_TO_LEAD_SPARED_CALLS_PERCENT): waiting"
            )
        self._probed_at = self._now() if self._is_short() else -_PROBE_SECONDS
        self.by_kind[kind] += 1
        slot = self._now() // _SLOT_SECONDS * _SLOT_SECONDS
        last = self._slots.pop()[1] if self._slots and self._slots[-1][0] == slot else 0
        self._slots.append((slot, last + 1))

    def told(self, header: str | None) -> None:
        """Take the limit header of an answer."""
        found = _USAGE(header or "")
        if found:
            self.usage = int(found[1]), int(found[2])

    def spent(self) -> int:
        """Return how many calls were spent in the last 24 hours, to ten minutes."""
        while self._slots and self._slots[0][0] <= self._now() - _DAY_SECONDS:
            self._slots.popleft()
        return sum(count for _, count in self._slots)

    def left(self) -> int | None:
        """Return how many calls may still be spent now; ``None`` where nothing limits them."""
        own = [self._allowed - self.spent()] if self._allowed else []
        if self.usage is not None:
            used, limit = self.usage
            own.append(limit * (100 - self._spared) // 100 - used)
        return max(0, min(own)) if own else None

    def _is_short(self) -> bool:
        if self.usage is None:
            return False
        used, limit = self.usage
        return used * 100 >= limit * (100 - self._spared)
