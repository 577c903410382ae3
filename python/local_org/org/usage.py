"""What was used of the org's limits in the last 24 hours of org time, as ``/limits`` tells it.

API calls, Bulk batches and Bulk 2.0 queries are counted and enforced; the other limits are told.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from local_org.clock import Clock
from local_org.errors import OrgError

CALLS = "DailyApiRequests"
BULK_BATCHES = "DailyBulkApiBatches"
BULK_QUERIES = "DailyBulkV2QueryJobs"
_HOURS = 24
_LIMITS = {
    CALLS: 15_000,
    "ConcurrentAsyncGetReportInstances": 200,
    "ConcurrentSyncReportRuns": 20,
    "DailyAsyncApexExecutions": 250_000,
    BULK_BATCHES: 15_000,
    "DailyBulkApiRequests": 10_000,
    BULK_QUERIES: 10_000,
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
"""A Developer Edition's, unless ``allow`` sets another."""
_REFUSALS = {
    CALLS: OrgError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403),
    BULK_BATCHES: OrgError("ExceededQuota", f"ApiBatchItems Limit exceeded. {BULK_BATCHES}"),
    BULK_QUERIES: OrgError("EXCEEDEDQUOTA", f"ExceededQuota : {BULK_QUERIES} Limit exceeded."),
}
"""What is said when a limit is used up."""


class Usage:
    """Counts uses of limits by the hour."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._most = dict(_LIMITS)
        self._hours: dict[str, dict[int, int]] = {name: {} for name in _REFUSALS}

    def count(self, limit: str = CALLS) -> None:
        """Count one use.

        :raises OrgError: the limit is used up.
        """
        if self.used(limit) >= self._most[limit]:
            raise _REFUSALS[limit]
        hour = self._hour()
        hours = self._hours[limit]
        hours[hour] = hours.get(hour, 0) + 1
        if len(hours) > _HOURS:
            self._hours[limit] = {h: n for h, n in hours.items() if h > hour - _HOURS}

    def used(self, limit: str = CALLS) -> int:
        """Return the uses of the last 24 hours."""
        last = self._hour()
        return sum(n for hour, n in self._hours[limit].items() if last - _HOURS < hour <= last)

    def allow(self, limits: Mapping[str, int]) -> None:
        """Set how many uses a day has, by limit.

        :raises OrgError: ``INVALID_INPUT`` for a limit that is not enforced; then none is set.
        """
        if unknown := next((name for name in limits if name not in _REFUSALS), None):
            known = ", ".join(_REFUSALS)
            raise OrgError("INVALID_INPUT", f"expected limits of {known}, got {unknown}")
        self._most |= limits

    def calls(self) -> tuple[int, int]:
        """Return the API calls of the last 24 hours, and how many are allowed."""
        return self.used(), self._most[CALLS]

    def limits(self) -> dict[str, dict[str, int]]:
        """Return each limit with what remains of it."""
        used = {name: self.used(name) for name in self._hours}
        return {
            name: {"Max": most, "Remaining": max(0, most - used.get(name, 0))}
            for name, most in sorted(self._most.items())
        }

    def _hour(self) -> int:
        return int(self._clock.now().timestamp() // timedelta(hours=1).total_seconds())
