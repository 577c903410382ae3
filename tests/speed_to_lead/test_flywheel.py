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

from speed_to_lead.errors import LedgerUnusable, UsageError
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


FULL = """
import resource, sys
from pathlib import Path
from speed_to_lead.errors import LedgerUnusable
from speed_to_lead.flywheel import JsonLines
from speed_to_lead.ids import org_id
from speed_to_lead.ledger import Ledger

folder = Path(sys.argv[1])
ledger = Ledger.open(folder / "ledger.sqlite3", org_id("00D000000000001"))
lines = JsonLines(folder, ledger)
limit = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (20, limit))
try:
    lines.drain()
except LedgerUnusable as told:
    print(told)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
print(lines.drain(), lines.drain())
"""


def test_what_a_full_disk_keeps_out_is_written_once_when_there_is_room(tmp_path):
    first = Ledger.open(tmp_path / "ledger.sqlite3", ORG)
    decide(first, "1", "2", "3")
    first.close()
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    told, drained = done.stdout.splitlines()
    assert "free some space" in told
    assert (drained, facts(tmp_path)) == ("3 0", ["1", "2", "3"])


def test_a_ledger_that_fails_to_note_what_was_written_does_not_double_it(ledger, tmp_path):
    decide(ledger, "1", "2")
    lines = JsonLines(tmp_path, ledger)
    ledger._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(LedgerUnusable):
        lines.drain()
    ledger._connection.execute("PRAGMA query_only = OFF")
    assert lines.drain() == 2
    lines.close()
    assert facts(tmp_path) == ["1", "2"]


def test_what_another_ledger_wrote_is_appended_to_and_never_cut(ledger, tmp_path):
    (tmp_path / FILE).write_text('{"fact":"0"}\n', encoding="utf-8")
    decide(ledger, "1")
    lines = JsonLines(tmp_path, ledger)
    lines.drain()
    lines.close()
    assert facts(tmp_path) == ["0", "1"]


def test_a_file_that_was_moved_away_is_begun_anew(ledger, tmp_path):
    for fact in "12":
        decide(ledger, fact)
        lines = JsonLines(tmp_path, ledger)
        lines.drain()
        lines.close()
        (tmp_path / FILE).rename(tmp_path / f"{fact}.jsonl")
    assert (tmp_path / "1.jsonl").read_text() == '{"fact":"1"}\n'
    assert (tmp_path / "2.jsonl").read_text() == '{"fact":"2"}\n'


def test_records_that_an_older_ledger_knows_nothing_of_are_not_cut_off(ledger, tmp_path):
    decide(ledger, "1")
    lines = JsonLines(tmp_path, ledger)
    lines.drain()
    lines.close()
    with (tmp_path / FILE).open("a", encoding="utf-8") as file:
        file.write('{"fact":"2"}\n')
    with pytest.raises(UsageError, match="has an older ledger been restored"):
        JsonLines(tmp_path, ledger)
    assert facts(tmp_path) == ["1", "2"]


def test_two_sidecars_never_write_one_file(ledger, tmp_path):
    lines = JsonLines(tmp_path, ledger)
    with pytest.raises(LedgerUnusable, match="another sidecar writes"):
        JsonLines(tmp_path, ledger)
    lines.close()


def test_a_folder_that_cannot_be_made_is_told_with_what_to_do(ledger, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    with pytest.raises(LedgerUnusable, match="SPEED_TO_LEAD_FLYWHEEL_DIR"):
        JsonLines(Path(blocked), ledger)
