"""What ships for those who run the sidecar: alerts that fire when they must, a unit, an image recipe."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.speed_to_lead.promql import Engine, Series, names_in
from tests.speed_to_lead.test_telemetry import AGREED, OURS

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "python" / "speed_to_lead" / "operations"
RUNBOOK = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
[GROUP] = yaml.safe_load((SHIPPED / "alerts.yml").read_text(encoding="utf-8"))["groups"]
RULES = {rule["alert"]: rule for rule in GROUP["rules"]}
CASES = yaml.safe_load((SHIPPED / "alerts.test.yml").read_text(encoding="utf-8"))["tests"]
_SUFFIXES = re.compile(r"_(total|bucket|sum|count)$")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_an_alert_fires_when_its_case_says_so(case):
    engine = Engine([Series.read(each["series"], each["values"]) for each in case["input_series"]])
    for asked in case["alert_rule_test"]:
        minute = int(asked["eval_time"].removesuffix("m"))
        rule = RULES[asked["alertname"]]
        assert engine.fires(rule, minute) is bool(asked["exp_alerts"])


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_silent():
    fired: dict[str, set[bool]] = {}
    for case in CASES:
        for asked in case["alert_rule_test"]:
            fired.setdefault(asked["alertname"], set()).add(bool(asked["exp_alerts"]))
    assert fired == {alert: {True, False} for alert in RULES}


def test_every_metric_and_label_of_an_expression_is_one_that_the_sidecar_shows():
    known = {_SUFFIXES.sub("", name): set(labels) for name, labels in AGREED.items()}
    known |= {f"speed_to_lead_{_SUFFIXES.sub('', n)}": set(labels) for n, labels in OURS.items()}
    known["up"] = {"job"}
    for rule in RULES.values():
        for metric, labels in names_in(rule["expr"]):
            assert labels <= known[_SUFFIXES.sub("", metric)], rule["alert"]


def test_every_alert_has_one_chapter_in_the_runbook_and_every_chapter_an_alert():
    chapters = re.findall(r"^### (SpeedToLead\w+)$", RUNBOOK, re.MULTILINE)
    assert chapters == list(RULES)
    for name, rule in RULES.items():
        assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{name.lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"].endswith(".")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on PATH")
@pytest.mark.parametrize(
    "arguments", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts.test.yml")]
)
def test_promtool_agrees(arguments):
    done = subprocess.run(
        ["promtool", *arguments], cwd=SHIPPED, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Unit(configparser.ConfigParser):
    """Keeps the case of names."""

    def optionxform(self, optionstr):
        return optionstr


def unit():
    parser = Unit(interpolation=None, strict=False)
    parser.read(SHIPPED / "speed-to-lead.service", encoding="utf-8")
    return parser


def test_the_unit_stops_gently_and_never_restarts_what_only_an_operator_can_mend():
    service = unit()["Service"]
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == "64"
    assert service["KillSignal"] == "SIGTERM"
    assert int(service["TimeoutStopSec"]) >= 5
    assert service["ExecReload"].endswith("-HUP $MAINPID")


def test_the_unit_may_do_nothing_but_its_work():
    service = unit()["Service"]
    assert service["ProtectSystem"] == "strict"
    for name in ("DynamicUser", "NoNewPrivileges", "PrivateTmp", "ProtectHome", "PrivateDevices"):
        assert service[name] == "yes", name
    assert service["CapabilityBoundingSet"] == ""


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_reads_the_unit(tmp_path):
    text = (SHIPPED / "speed-to-lead.service").read_text(encoding="utf-8")
    path = tmp_path / "speed-to-lead.service"
    path.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    done = subprocess.run(
        ["systemd-analyze", "verify", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_image_runs_as_nobody_and_installs_only_what_is_locked():
    recipe = (SHIPPED / "Containerfile").read_text(encoding="utf-8")
    steps = [line for line in recipe.splitlines() if re.match(r"[A-Z]+ ", line)]
    assert sum(step.startswith("FROM ") for step in steps) == 2
    assert all(":latest" not in step for step in steps)
    assert "--require-hashes" in recipe
    [user] = [step.split()[1] for step in steps if step.startswith("USER ")]
    assert user.split(":")[0].isdigit()
    assert int(user.split(":")[0]) > 0
    assert 'ENTRYPOINT ["speed-to-lead"]' in steps
    assert not re.search(r"(?i)secret|token|password", recipe)
