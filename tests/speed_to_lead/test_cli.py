"""The exit code tells who can put it right: 0 done, 64 the operator; known errors take one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from speed_to_lead.demo import POLICY

SCRIPT = str(Path(sys.executable).with_name("speed-to-lead"))


def run(*arguments, **settings):
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("SPEED_TO_LEAD_")}
    return subprocess.run(
        [SCRIPT, *arguments],
        env={**inherited, **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_valid_policy_ends_with_0():
    done = run("policy", "check", str(POLICY))
    assert (done.returncode, done.stdout) == (0, f"{POLICY}: valid\n")


def test_every_finding_on_a_policy_is_a_line_and_the_end_is_64(tmp_path):
    policy = tmp_path / "policy.json"
    document = json.loads(POLICY.read_text(encoding="utf-8"))
    document["sla"] = {}
    policy.write_text(json.dumps(document), encoding="utf-8")
    done = run("policy", "check", str(policy))
    assert done.returncode == 64
    assert len(done.stdout.splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("policy", "show", "nowhere.json"), "nowhere.json"),
        (("explain", "003000000000001AAA", "--policy", str(POLICY)), "expected a Lead id"),
        (("quarantine", "list", "--ledger", "nowhere.sqlite3"), "there is no ledger"),
        (("run",), "SPEED_TO_LEAD_INSTANCE_URL"),
        (("frobnicate",), "frobnicate"),
        (("policy", "test", str(POLICY), "--employees", "-1"), "employees"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)
def test_what_the_operator_can_put_right_is_one_line_and_64(arguments, words):
    done = run(*arguments)
    assert done.returncode == 64
    [line] = done.stderr.strip().splitlines()
    assert line.startswith("speed-to-lead: ")
    assert words in line


def test_a_policy_tells_as_json_where_a_lead_would_go():
    done = run("policy", "test", str(POLICY), "--country", "germany", "--json")
    assert json.loads(done.stdout)["owner"] == {"user": "rep3@local.test"}
