"""Metrics keep the names that dashboards rely on; log lines hold known fields and nothing personal."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from speed_to_lead.changes import Batch, Change, ChangeKind, TopicState, Unreadable
from speed_to_lead.ids import ReplayId
from speed_to_lead.telemetry import (
    AREAS,
    Metrics,
    Standing,
    configure_logging,
    log,
    only_known_fields,
)

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


STANDING = Standing(
    api_calls={"query": 3, "update": 1},
    api_calls_left=14_000,
    org_usage=(1000, 15_000),
    topics={"/data/X__chn": TopicState("/data/X__chn", reconnects={"silent": 2})},
    replay_age_seconds={"/data/X__chn": 12.0},
    ready=True,
    polling=False,
    writes_stopped=False,
    writes_paced_seconds=1.5,
    quarantine=1,
    outbox=2,
    pending=3,
    ledger_bytes=4096,
)
OURS = {
    "api_calls_total": ("kind",),
    "api_calls_left": (),
    "org_api_calls_used": (),
    "org_api_calls_limit": (),
    "batch_changes": (),
    "batch_duration_seconds": (),
    "replay_age_seconds": ("topic",),
    "reconnects_total": ("code", "topic"),
    "ready": (),
    "polling": (),
    "writes_stopped": (),
    "writes_paced_seconds_total": (),
    "stamps_refused_total": (),
    "quarantine_entries": (),
    "outbox_records": (),
    "pending_mails": (),
    "ledger_bytes": (),
}
"""Metrics under our own prefix, each with its labels."""
_UNITS = ("milliseconds", "minutes", "hours", "days", "kilobytes", "megabytes", "percent")


def busy():
    """Metrics of a sidecar that has seen everything once."""
    metrics, replay = Metrics(), ReplayId(b"1")
    change = Change("Lead", (), ChangeKind.CREATE, {}, frozenset(), AT, "", "", "t-1", replay)
    unreadable = Unreadable("/data/SpeedToLead__chn", replay, "s", b"", "cut")
    metrics.batch([Batch("t", replay, (change,), (unreadable,))], [("lead.route", "assigned")], 0.1)
    metrics.refused(1)
    metrics.stands(lambda: STANDING)
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


def named(family):
    """A family's name as it is exposed."""
    return family.name + ("_total" if family.type == "counter" else "")


def test_our_own_metrics_have_exactly_the_documented_labels():
    prefix = "speed_to_lead_"
    found = {
        named(family).removeprefix(prefix): tuple(
            sorted({label for s in family.samples for label in s.labels} - {"le"})
        )
        for name, family in families().items()
        if name.startswith(prefix)
    }
    assert found == OURS


def test_names_keep_what_promtool_asks_for():
    """Base units, no type in a name, no upper case, a total for counters only; the same as its linter."""
    for family in families().values():
        name = named(family)
        assert re.fullmatch(r"[a-z_][a-z0-9_]*", name)
        assert not name.endswith(_UNITS)
        assert not {"gauge", "counter", "histogram", "summary"} & set(name.split("_"))
        assert name.endswith("_total") is (family.type == "counter")


def test_every_area_of_errors_is_shown_from_the_start_so_that_the_first_error_is_growth():
    told = Metrics().exposition().decode()
    for area in AREAS:
        assert f'errors_total{{area="{area}"}} 0.0' in told


def test_where_nothing_limits_calls_yet_no_number_is_made_up():
    metrics = Metrics()
    metrics.stands(lambda: replace(STANDING, api_calls_left=None, org_usage=None))
    told = metrics.exposition().decode()
    assert "api_calls_left" not in told
    assert "org_api_calls" not in told


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on PATH")
def test_promtool_finds_nothing():
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=busy().exposition(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


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
