"""Metrics keep the names that dashboards rely on; log lines hold known fields and nothing personal."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from speed_to_lead.changes import Batch, Change, ChangeKind, Unreadable
from speed_to_lead.ids import ReplayId
from speed_to_lead.telemetry import Metrics, configure_logging, log, only_known_fields

AT = datetime(2026, 3, 2, tzinfo=UTC)
AGREED = {
    "cdc_events": ("change_type", "object"),
    "cdc_lag_seconds": ("object",),
    "cdc_errors": ("error_type", "object"),
    "decisions": ("outcome", "workload"),
    "first_response_latency_seconds": (),
    "assignment_latency_seconds": (),
    "errors": ("area",),
}


def busy():
    """Metrics of a sidecar that has seen everything once."""
    metrics, replay = Metrics(), ReplayId(b"1")
    change = Change("Lead", (), ChangeKind.CREATE, {}, frozenset(), AT, "", "", "t-1", replay)
    unreadable = Unreadable("/data/SpeedToLead__chn", replay, "s", b"", "cut")
    metrics.batch(
        [Batch("t", replay, (change,), (unreadable,))], [("lead.route", "assigned")], 3, 0.1
    )
    metrics.responded(300)
    metrics.assigned(5)
    metrics.error("org")
    return metrics


def families():
    return {f.name: f for f in text_string_to_metric_families(busy().exposition().decode())}


def test_the_agreed_metrics_have_exactly_the_agreed_labels():
    found = {
        name: tuple(sorted({label for s in family.samples for label in s.labels} - {"le"}))
        for name, family in families().items()
        if not name.startswith("speed_to_lead_")
    }
    assert found == AGREED


def test_every_metric_explains_itself():
    assert all(family.documentation.endswith(".") for family in families().values())


def test_counters_end_in_total():
    names = {s.name for f in families().values() if f.type == "counter" for s in f.samples}
    assert all(name.endswith(("_total", "_created")) for name in names)


def test_a_log_line_is_json(capsys):
    try:
        configure_logging("info")
        log.info("batch_handled", changes=3)
        log.debug("not told")
    finally:
        structlog.reset_defaults()
    [line] = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert (told["event"], told["changes"], told["level"]) == ("batch_handled", 3, "info")


def test_a_field_that_nobody_knows_is_a_bug():
    with pytest.raises(ValueError, match="email"):
        only_known_fields(None, "info", {"event": "x", "email": "a@b.c"})
