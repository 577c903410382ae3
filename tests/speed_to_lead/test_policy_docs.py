"""What docs/policy.md shows below a command is what the command prints."""

from __future__ import annotations

import re
import shlex

import pytest
from typer.testing import CliRunner

from speed_to_lead.cli import app
from tests.speed_to_lead.policies import DEMO, ROOT

SHOWN = re.findall(
    r"^```sh\n(speed-to-lead policy .*)\n```\n\n```text\n(.*?)^```",
    (ROOT / "docs" / "policy.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)


def test_the_document_shows_what_show_and_test_print():
    assert [command.split()[2] for command, _ in SHOWN] == ["show", "test"]


@pytest.mark.parametrize(("command", "output"), SHOWN, ids=lambda text: text.splitlines()[0])
def test_a_command_prints_what_the_document_shows(command, output):
    words = [str(DEMO) if word == "policy.json" else word for word in shlex.split(command)]
    printed = CliRunner().invoke(app, words[1:])
    assert printed.exit_code == 0
    assert printed.output == output
