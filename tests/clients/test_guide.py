"""The guide of the local org works: its commands, copied in order into one shell, do what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from speed_to_lead.demo.processes import script
from tests.clients.conftest import ROOT, checkout

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(not shutil.which("sf"), reason="the Salesforce CLI is not on PATH"),
]
GUIDE = ROOT / "docs" / "local-org.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
START = "local-org start &"


@pytest.fixture
def said(tmp_path):
    """What a new user's shell says to all blocks of the guide; ports are free ones."""
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    assert START in blocks[0]
    script_text = "\n".join(blocks).replace(START, "local-org start --https-port 0 --grpc-port 0 &")
    home = tmp_path / "home"
    (home / ".cumulusci").mkdir(parents=True)
    (home / ".cumulusci" / "cumulus_timestamp").write_text("9999999999")  # no update check
    path = f"{Path(script('cci')).parent}{os.pathsep}{os.environ['PATH']}"
    project = checkout(tmp_path)
    log = tmp_path / "said"
    with log.open("wb") as out:  # a pipe would wait for everything that was started behind it
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script_text],
            cwd=project,
            env=os.environ | {"HOME": str(home), "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        )
    told = log.read_text(encoding="utf-8")
    assert done.returncode == 0, told[-5000:]
    return told


def test_every_command_of_the_guide_does_what_the_guide_says(said):
    assert "ready: https://localhost:" in said
    assert re.search(r"Doe\s.*ACME", said)
    assert "Completed flow 'dev_org' on org local successfully!" in said
    assert re.search(r"^Web 1$", said, re.MULTILINE)
    assert re.search(r"^[0-9a-f]{20} CREATE \['00Q", said, re.MULTILINE)
    assert '"errorCode":"SERVER_UNAVAILABLE"' in said
    assert "Completed flow 'ci_feature' on org feature successfully!" in said
