"""A local org as a user starts one, and the environment that ``local-org env`` prints for it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from speed_to_lead.demo.processes import LocalOrg, local_org, script

ROOT = Path(__file__).parents[2]


@dataclass
class Shell:
    """A user's shell in a checkout: a home of its own, and the exports of ``local-org env``."""

    org: LocalOrg
    project: Path
    environment: dict[str, str]

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command and return what it said; fails the test unless it ends well."""
        done = subprocess.run(
            command,
            cwd=self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            pytest.fail(
                f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return done

    def cci(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the stock CumulusCI."""
        return self.run(script("cci"), *arguments, check=check)

    def sf(self, *arguments: str, check: bool = True) -> Any:
        """Run the stock Salesforce CLI and return its JSON."""
        done = self.run("sf", *arguments, "--json", check=check)
        return json.loads(done.stdout)

    def log_in(self, alias: str, *options: str) -> None:
        """Log the Salesforce CLI in as the administrator, by JWT."""
        self.sf(
            "org", "login", "jwt",
            "--username", self.org.admin_username,
            "--jwt-key-file", self.org.jwt_key_file,
            "--client-id", self.org.client_id,
            "--instance-url", self.org.instance_url,
            "--alias", alias,
            *options,
        )  # fmt: skip


def checkout(directory: Path) -> Path:
    """A clone of the project as it lies here, so that tests may break it and cci may write in it."""
    target = directory / "project"
    target.mkdir()
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    for command in (
        ("init", "-q", "-b", "main"),
        ("remote", "add", "origin", "https://github.com/example/speed-to-lead.git"),
        ("add", "."),
        ("-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "checkout"),
    ):
        subprocess.run(["git", *command], cwd=target, check=True)
    return target


@pytest.fixture
def shell(tmp_path):
    """A running org, a checkout, and the shell of somebody who has just run ``local-org env``."""
    with local_org(tmp_path) as org:
        exports = subprocess.run(
            [script("local-org"), "env", "--ready-file", str(tmp_path / "local-org.json")],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        lines = subprocess.run(
            ["bash", "-c", f"set -a; {exports}\nenv -0"], capture_output=True, text=True, check=True
        ).stdout
        environment = dict(line.split("=", 1) for line in lines.split("\0") if "=" in line)
        home = tmp_path / "home"
        (home / ".cumulusci").mkdir(parents=True)
        (home / ".cumulusci" / "cumulus_timestamp").write_text("9999999999")  # no update check
        binaries = Path(script("cci")).parent
        environment |= {"HOME": str(home), "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}
        yield Shell(org, checkout(tmp_path), environment)
