"""A decision becomes one record that the flywheel's reader takes as it is, and is written exactly once."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from speed_to_lead.errors import LedgerUnusable
from speed_to_lead.flywheel import FILE, FIRST_TOUCH, JsonLines, decision_id, line, record
from speed_to_lead.ledger import Effects, Ledger
from tests.speed_to_lead.test_ledger import ORG, decision

SCHEMA = json.loads(files("speed_to_lead").joinpath("flywheel.schema.json").read_text("utf-8"))
ROUTED = replace(
    decision(),
    output={
        "route": "Europe",
        "segment": "MM",
        "region": "EMEA",
        "owner_id": "005000000000001AAA",
        "event_id": "t-1",
    },
)
TOUCHED = replace(
    decision("00T000000000001AAA:1772445900", workload=FIRST_TOUCH),
    inputs={"source": "Call", "seconds": 300},
    output={"verdict": "stamp"},
)


def of(made) -> Any:
    """The record of a decision, as plain JSON."""
    return record(made, ORG, "acme-prod")


BOTH = pytest.mark.parametrize("made", [ROUTED, TOUCHED], ids=["route", "first touch"])


@BOTH
def test_a_record_is_what_the_schema_says(made):
    Draft202012Validator(SCHEMA).validate(of(made))


@BOTH
def test_a_record_has_exactly_the_five_keys_that_the_index_takes(made):
    assert set(of(made)) == {
        "timestamp",
        "workload_id",
        "client_id",
        "request",
        "response",
    }


@BOTH
def test_the_arguments_are_those_of_the_one_tool(made):
    told = of(made)
    [tool] = told["request"]["tools"]
    [call] = told["response"]["choices"][0]["message"]["tool_calls"]
    parameters = tool["function"]["parameters"]
    arguments = json.loads(call["function"]["arguments"])
    assert (call["type"], call["function"]["name"]) == ("function", tool["function"]["name"])
    assert set(arguments) == set(parameters["properties"]) == set(parameters["required"])
    assert len(parameters["properties"]) <= 8


@BOTH
def test_what_the_user_says_holds_no_id(made):
    told = of(made)
    [said] = [m["content"] for m in told["request"]["messages"] if m["role"] == "user"]
    assert json.loads(said) == dict(made.inputs)
    assert made.lead_id not in said


@BOTH
def test_metadata_are_few_and_short_texts(made):
    metadata = of(made)["request"]["metadata"]
    assert len(metadata) <= 16
    assert all(isinstance(v, str) and len(v) <= 512 and len(k) <= 64 for k, v in metadata.items())


def test_equal_decisions_give_equal_bytes():
    assert line(ROUTED, ORG, "acme") == line(ROUTED, ORG, "acme")


def test_the_id_of_a_decision_moves_with_each_part_of_the_fact():
    ids = {decision_id("00D", "lead.route", lead, fact) for lead in "ab" for fact in "12"}
    assert len(ids) == 4
    assert all(len(each) == 32 for each in ids)


# -- the file -------------------------------------------------------------------------------------


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger.open(tmp_path / "ledger.sqlite3", ORG)
    yield opened
    opened.close()


def decide(ledger, *facts):
    made = [decision(fact) for fact in facts]
    records = [(each.decision_id, f'{{"fact":"{each.cause_key}"}}\n'.encode()) for each in made]
    ledger.commit(Effects(decisions=made, records=records))


def facts(directory):
    return [json.loads(each)["fact"] for each in (directory / FILE).read_text().splitlines()]


def test_records_are_drained_in_order_and_once(ledger, tmp_path):
    decide(ledger, "1", "2")
    lines = JsonLines(tmp_path, ledger)
    assert (lines.drain(), lines.drain()) == (2, 0)
    decide(ledger, "3")
    lines.drain()
    lines.close()
    assert facts(tmp_path) == ["1", "2", "3"]
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


KILLED = """
import os, signal, sys
from pathlib import Path
from speed_to_lead.flywheel import JsonLines
from speed_to_lead.ids import org_id
from speed_to_lead.ledger import Ledger

class Killed(Ledger):
    def drained(self, through, file, size):
        if through:
            os.kill(os.getpid(), signal.SIGKILL)
        super().drained(through, file, size)

folder = Path(sys.argv[1])
JsonLines(folder, Killed.open(folder / "ledger.sqlite3", org_id("00D000000000001"))).drain()
"""


def test_a_kill_between_the_file_and_the_ledger_writes_no_record_twice(tmp_path):
    first = Ledger.open(tmp_path / "ledger.sqlite3", ORG)
    decide(first, "1", "2")
    first.close()
    died = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert died.returncode == -signal.SIGKILL
    assert facts(tmp_path) == ["1", "2"]
    again = Ledger.open(tmp_path / "ledger.sqlite3", ORG)
    lines = JsonLines(tmp_path, again)
    assert lines.drain() == 2
    lines.close()
    again.close()
    assert facts(tmp_path) == ["1", "2"]


def test_a_folder_that_cannot_be_made_is_told_with_what_to_do(ledger, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    with pytest.raises(LedgerUnusable, match="SPEED_TO_LEAD_FLYWHEEL_DIR"):
        JsonLines(Path(blocked), ledger)
