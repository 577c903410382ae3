"""What the sidecar tells of itself: JSON log lines, and metrics in the names that dashboards rely on."""

from __future__ import annotations

import logging
import sys
from collections import Counter as Counts
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
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
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from speed_to_lead.changes import Batch, TopicState

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
AREAS = ("org", "policy", "refused", "replay", "write")
"""Where errors come up."""
_SIZE_BUCKETS = (1, 3, 10, 30, 100, 300, 1000, 3000)
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


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand at one moment."""

    api_calls: Mapping[str, int]
    """REST calls so far, by what they were for."""
    api_calls_left: int | None
    """``None`` where nothing limits them yet."""
    org_usage: tuple[int, int] | None
    """Calls that all clients of the org have spent today, and how many it allows."""
    topics: Mapping[str, TopicState]
    replay_age_seconds: Mapping[str, float]
    """By topic: how old the newest change is that was handled; what is retained for 72 hours."""
    ready: bool
    polling: bool
    writes_stopped: bool
    writes_paced_seconds: float
    quarantine: int
    outbox: int
    pending: int
    ledger_bytes: int


class _Standings(Collector):
    """Asks how things stand, at each scrape."""

    def __init__(self, ask: Callable[[], Standing]) -> None:
        self._ask = ask

    def describe(self) -> list[Metric]:
        """Return nothing: what is asked for may not be there yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield everything as it is now."""
        now = self._ask()
        calls = CounterMetricFamily(
            "speed_to_lead_api_calls", "REST calls spent on the org.", labels=["kind"]
        )
        for kind, count in now.api_calls.items():
            calls.add_metric([kind], count)
        yield calls
        reconnects = CounterMetricFamily(
            "speed_to_lead_reconnects", "Streams reopened, by code.", labels=["topic", "code"]
        )
        for name, state in now.topics.items():
            for code, count in state.reconnects.items():
                reconnects.add_metric([name, code], count)
        yield reconnects
        ages = GaugeMetricFamily(
            "speed_to_lead_replay_age_seconds",
            "Age of the newest change handled; the org retains 72 hours.",
            labels=["topic"],
        )
        for name, age in now.replay_age_seconds.items():
            ages.add_metric([name], age)
        yield ages
        yield CounterMetricFamily(
            "speed_to_lead_writes_paced_seconds",
            "Time that owner changes have waited for their turn.",
            now.writes_paced_seconds,
        )
        used, limit = now.org_usage or (None, None)
        for name, words, value in (
            ("api_calls_left", "REST calls that may still be spent today.", now.api_calls_left),
            ("org_api_calls_used", "REST calls of all clients of the org today.", used),
            ("org_api_calls_limit", "REST calls that the org allows in a day.", limit),
            ("ready", "Whether it may take traffic.", now.ready),
            ("polling", "Whether polling takes the place of the streams.", now.polling),
            ("writes_stopped", "Whether writing is stopped: most writes fail.", now.writes_stopped),
            ("quarantine_entries", "What was set aside and waits for somebody.", now.quarantine),
            ("outbox_records", "Decisions that are not in the flywheel yet.", now.outbox),
            ("pending_mails", "Mails whose link is looked for again.", now.pending),
            ("ledger_bytes", "Size of the ledger's file.", now.ledger_bytes),
        ):
            if value is not None:
                yield GaugeMetricFamily(f"speed_to_lead_{name}", words, float(value))


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
        for area in AREAS:  # a counter that begins with its first error has not grown by it
            self._errors.labels(area)
        self._refused = Counter(
            "speed_to_lead_stamps_refused",
            "Writes that the org's guard refused because somebody was earlier.",
            registry=registry,
        )
        self._sizes = Histogram(
            "speed_to_lead_batch_changes",
            "Changes in a batch.",
            buckets=_SIZE_BUCKETS,
            registry=registry,
        )
        self._durations = Histogram(
            "speed_to_lead_batch_duration_seconds",
            "Time to take a batch to its end.",
            registry=registry,
        )

    def stands(self, ask: Callable[[], Standing]) -> None:
        """Tell at each scrape how things stand then."""
        self.registry.register(_Standings(ask))

    def batch(
        self,
        batches: Sequence[Batch],
        outcomes: Iterable[tuple[str, str]],
        duration_seconds: float,
    ) -> None:
        """Count what a batch came to."""
        now = datetime.now(UTC)
        kinds = Counts((c.entity, c.kind.value) for each in batches for c in each.changes)
        for (entity, kind), count in kinds.items():
            self._events.labels(entity, kind).inc(count)
        newest = {c.entity: c.committed_at for each in batches for c in each.changes}
        for entity, at in newest.items():
            self._lag.labels(entity).set(max(0.0, (now - at).total_seconds()))
        for each in batches:
            for _ in each.unreadable:
                self._event_errors.labels(_entity(each.topic), "unreadable").inc()
        for workload, outcome in outcomes:
            self._decisions.labels(workload, outcome).inc()
        changes = sum(len(each.changes) for each in batches)
        if changes:
            self._sizes.observe(changes)
            self._durations.observe(duration_seconds)

    def responded(self, seconds: float) -> None:
        """Observe one time to first response."""
        self._responses.observe(seconds)

    def assigned(self, seconds: float) -> None:
        """Observe one assignment latency."""
        self._assignments.observe(seconds)

    def refused(self, count: int) -> None:
        """Count writes that the org's guard refused."""
        self._refused.inc(count)

    def error(self, area: str) -> None:
        """Count an error by its area, one of ``AREAS``."""
        self._errors.labels(area).inc()

    def exposition(self) -> bytes:
        """Return all metrics as Prometheus reads them."""
        return generate_latest(self.registry)


def _entity(topic: str) -> str:
    """Return the entity of a topic, or the channel's own name where it carries many."""
    return topic.removeprefix("/data/").removesuffix("ChangeEvent")
