"""Events delivered in the last 24 hours of org time, to all subscribers together.

Source: facts/pubsub-cdc.md 2.8. They are counted always, and limited only where a limit is set.
"""

from __future__ import annotations

from datetime import timedelta

from local_org.clock import Clock

DAILY = 10_000
"""A Developer Edition's allocation."""
_HOURS = 24


class Allocation:
    """Counts deliveries by the hour; ``limit`` is None where there is none."""

    def __init__(self, clock: Clock, limit: int | None = None) -> None:
        self._clock = clock
        self._hours: dict[int, int] = {}
        self.limit = limit

    def spend(self, deliveries: int) -> None:
        """Count deliveries."""
        hour = self._hour()
        self._hours[hour] = self._hours.get(hour, 0) + deliveries
        if len(self._hours) > _HOURS:
            self._hours = {h: n for h, n in self._hours.items() if h > hour - _HOURS}

    def spent(self) -> int:
        """Return the deliveries of the last 24 hours."""
        last = self._hour()
        return sum(n for hour, n in self._hours.items() if last - _HOURS < hour <= last)

    def told(self) -> dict[str, int]:
        """Return what ``/limits`` tells of it."""
        most = DAILY if self.limit is None else self.limit
        return {"Max": most, "Remaining": max(0, most - self.spent())}

    def left(self) -> int | None:
        """Return how many deliveries the limit still allows, or None without a limit."""
        return None if self.limit is None else max(0, self.limit - self.spent())

    def allow(self, more: int | None) -> None:
        """Limit what is delivered to this many events from now on, or no longer."""
        self.limit = None if more is None else self.spent() + more

    def _hour(self) -> int:
        return int(self._clock.now().timestamp() // timedelta(hours=1).total_seconds())
