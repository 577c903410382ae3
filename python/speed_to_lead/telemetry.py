"""What the sidecar tells of itself: JSON log lines, and metrics in the names that dashboards rely on."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, MutableMapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from speed_to_lead.changes import Batch

FIELDS = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "error",
        "leads",
        "source",
        "topic",
        "topics",
        "code",
        "attempt",
        "pause_seconds",
        "http_port",
        "policy_version",
        "policy_digest",
        "changes",
        "routed",
        "stamped",
        "refused",
        "failed",
        "quarantined",
        "api_calls",
        "lag_seconds",
        "duration_seconds",
        "backfill_since",
        "outbox",
    }
)
"""Everything a log line may hold: ids, numbers and our own words, never a name, an address or a body."""

_RESPONSE_BUCKETS = (60, 300, 900, 3600, 4 * 3600, 24 * 3600, 3 * 24 * 3600, 7 * 24 * 3600)
_ASSIGNMENT_BUCKETS = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)

log: structlog.stdlib.BoundLogger = structlog.get_logger("speed_to_lead")


def configure_logging(level: str) -> None:
    """Write one JSON object a line to standard output, from this level on."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_known_fields,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
    )


def only_known_fields(
    _logger: object, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Let a line pass that holds known fields only.

    :raises ValueError: a field is not in ``FIELDS``; that is a bug, caught by any test that logs it.
    """
    unknown = line.keys() - FIELDS
    if unknown:
        raise ValueError(f"log fields {sorted(unknown)} are not in telemetry.FIELDS")
    return line


class Metrics:
    """All metrics of one sidecar, in a registry of their own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # nobody asks when counting began
        self.registry = registry = CollectorRegistry()
        self._events = Counter(
            "cdc_events", "Change events handled.", ["object", "change_type"], registry=registry
        )
        self._lag = Gauge(
            "cdc_lag_seconds",
            "Time from the commit of the newest change handled to its handling.",
            ["object"],
            registry=registry,
        )
        self._event_errors = Counter(
            "cdc_errors", "Change events set aside.", ["object", "error_type"], registry=registry
        )
        self._decisions = Counter(
            "decisions", "Decisions taken.", ["workload", "outcome"], registry=registry
        )
        self._responses = Histogram(
            "first_response_latency_seconds",
            "Time from the start of a Lead's clock to its first response, when it is stamped.",
            buckets=_RESPONSE_BUCKETS,
            registry=registry,
        )
        self._assignments = Histogram(
            "assignment_latency_seconds",
            "Time from the start of a Lead's clock to its first human owner, when it is stamped.",
            buckets=_ASSIGNMENT_BUCKETS,
            registry=registry,
        )
        self._errors = Counter(
            "errors", "Errors by where they came up.", ["area"], registry=registry
        )
        self._calls = Counter(
            "speed_to_lead_api_calls", "REST calls spent on the org.", registry=registry
        )
        self._durations = Histogram(
            "speed_to_lead_batch_duration_seconds",
            "Time to take a batch to its end.",
            registry=registry,
        )

    def batch(
        self,
        batches: Sequence[Batch],
        outcomes: Iterable[tuple[str, str]],
        calls: int,
        duration_seconds: float,
    ) -> None:
        """Count what a batch came to."""
        now = datetime.now(UTC)
        for each in batches:
            for change in each.changes:
                self._events.labels(change.entity, change.kind.value).inc()
                lag = (now - change.committed_at).total_seconds()
                self._lag.labels(change.entity).set(max(0.0, lag))
            for _ in each.unreadable:
                self._event_errors.labels(_entity(each.topic), "unreadable").inc()
        for workload, outcome in outcomes:
            self._decisions.labels(workload, outcome).inc()
        self._calls.inc(calls)
        if any(each.changes for each in batches):
            self._durations.observe(duration_seconds)

    def responded(self, seconds: float) -> None:
        """Observe one time to first response."""
        self._responses.observe(seconds)

    def assigned(self, seconds: float) -> None:
        """Observe one assignment latency."""
        self._assignments.observe(seconds)

    def error(self, area: str) -> None:
        """Count an error by its area: ``org``, ``policy``, ``replay`` or ``write``."""
        self._errors.labels(area).inc()

    def exposition(self) -> bytes:
        """Return all metrics as Prometheus reads them."""
        return generate_latest(self.registry)


def _entity(topic: str) -> str:
    """Return the entity of a topic, or the channel's own name where it carries many."""
    return topic.removeprefix("/data/").removesuffix("ChangeEvent")
