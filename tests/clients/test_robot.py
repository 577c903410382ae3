"""CumulusCI's Robot keywords about records work on the local org, unmodified."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytestmark = [pytest.mark.clients]

SUITE = Path(__file__).with_name("records.robot")


def test_every_keyword_about_records_does_what_it_says(shell):
    shutil.copy(SUITE, shell.project / SUITE.name)
    shell.cci("task", "run", "connect_local_org")
    run = ("task", "run", "robot", "--org", "local", "--suites", SUITE.name)
    done = shell.cci(*run, "--options", "outputdir:results/records")
    assert "6 tests, 6 passed, 0 failed" in done.stdout
