"""API calls of the last 24 hours of org time, and the limits that ``/limits`` tells.

They are told, never enforced: a limit that bites is asked for as a fault.
"""

from __future__ import annotations

from datetime import timedelta

from local_org.clock import Clock

DAILY_API_REQUESTS = 15_000
"""A Developer Edition's allowance."""
_HOURS = 24
_OTHERS = {
    "ConcurrentAsyncGetReportInstances": 200,
    "ConcurrentSyncReportRuns": 20,
    "DailyAsyncApexExecutions": 250_000,
    "DailyBulkApiBatches": 15_000,
    "DailyBulkApiRequests": 10_000,
    "DailyBulkV2QueryJobs": 10_000,
    "DailyDeliveredPlatformEvents": 10_000,
    "DailyDurableStreamingApiEvents": 10_000,
    "DailyStreamingApiEvents": 10_000,
    "DataStorageMB": 5,
    "FileStorageMB": 20,
    "HourlyAsyncReportRuns": 1_200,
    "HourlyDashboardRefreshes": 200,
    "HourlySyncReportRuns": 500,
    "HourlyTimeBasedWorkflow": 50,
    "MassEmail": 10,
    "SingleEmail": 15,
}


class Usage:
    """Counts calls by the hour."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._hours: dict[int, int] = {}

    def count(self) -> None:
        """Count one call."""
        hour = self._hour()
        self._hours[hour] = self._hours.get(hour, 0) + 1
        if len(self._hours) > _HOURS:
            self._hours = {h: n for h, n in self._hours.items() if h > hour - _HOURS}

    def calls(self) -> int:
        """Return the calls of the last 24 hours."""
        last = self._hour()
        return sum(n for hour, n in self._hours.items() if last - _HOURS < hour <= last)

    def limits(self) -> dict[str, dict[str, int]]:
        """Return each limit with what remains of it."""
        left = max(0, DAILY_API_REQUESTS - self.calls())
        told = {name: {"Max": most, "Remaining": most} for name, most in _OTHERS.items()}
        told["DailyApiRequests"] = {"Max": DAILY_API_REQUESTS, "Remaining": left}
        return dict(sorted(told.items()))

    def _hour(self) -> int:
        return int(self._clock.now().timestamp() // timedelta(hours=1).total_seconds())
