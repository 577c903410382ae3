"""The org's clock: every time in the org comes from it, and it can run real, stand still or run fast."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """Org time as a line over monotonic time: ``origin + speed * elapsed``. Speed 0 stands still."""

    def __init__(
        self,
        start: datetime | None = None,
        speed: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start at ``start`` (aware; default: the machine's time) and run at ``speed``."""
        self._monotonic = monotonic
        self._origin = (start or datetime.now(UTC)).astimezone(UTC)
        self._since = monotonic()
        self._speed = speed

    @property
    def speed(self) -> float:
        """Org seconds per real second."""
        return self._speed

    def now(self) -> datetime:
        """Org time now: aware, UTC, with microseconds."""
        elapsed = (self._monotonic() - self._since) * self._speed
        return self._origin + timedelta(seconds=elapsed)

    def second(self) -> datetime:
        """Org time floored to the whole second: what the platform stores in date-time fields."""
        return self.now().replace(microsecond=0)

    def set(self, now: datetime) -> None:
        """Jump to ``now``, forwards or backwards; the speed stays."""
        self._origin, self._since = now.astimezone(UTC), self._monotonic()

    def advance(self, step: timedelta) -> None:
        """Jump forwards by ``step``."""
        self.set(self.now() + step)

    def run(self, speed: float) -> None:
        """Run on from now at ``speed`` org seconds per real second; 0 stands still."""
        self.set(self.now())
        self._speed = speed


def millis(moment: datetime) -> int:
    """Epoch milliseconds, as change events and the store hold instants."""
    return int(moment.timestamp() * 1000)


def from_millis(value: int) -> datetime:
    """Read epoch milliseconds back as an aware UTC instant."""
    return datetime.fromtimestamp(value / 1000, UTC)
