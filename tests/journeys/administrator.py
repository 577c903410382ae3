"""An administrator with a checkout of the project and the stock ``cci``, without Node."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from speed_to_lead.demo.actors import Actor, admin, http_client
from speed_to_lead.demo.processes import LocalOrg, local_org, script

ROOT = Path(__file__).parents[2]
RELEASES = ROOT / "tests" / "fixtures" / "releases"
_PATIENCE_SECONDS = 300
_TOLD = 6000


@dataclass
class Administrator:
    """Somebody at a shell in a checkout, who has just run ``local-org env``."""

    org: LocalOrg
    http: httpx.Client
    records: Actor
    """The same person, through the REST API."""
    project: Path
    environment: dict[str, str]

    def cci(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``cci`` to its end, whatever that is."""
        return subprocess.run(
            [script("cci"), *arguments],
            cwd=self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_SECONDS,
        )

    def run(self, kind: str, name: str, *options: str, org: str = "local") -> str:
        """Run a task or flow against an org and return what it told; fails the test if it fails."""
        done = self.cci(kind, "run", name, "--org", org, *options)
        assert done.returncode == 0, f"{done.stdout[-_TOLD:]}\n{done.stderr[-_TOLD:]}"
        return " ".join(done.stdout.split())

    def failure(self, kind: str, name: str, *options: str, org: str = "local") -> str:
        """Run a task or flow that is to fail and return what it told."""
        done = self.cci(kind, "run", name, "--org", org, *options)
        told = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == 1, told[-_TOLD:]
        assert "Traceback" not in told
        return told

    def ids(self, soql: str) -> list[str]:
        """Return the ids that a query finds, in its order."""
        return [record["Id"] for record in self.records.query(soql)]


@contextmanager
def administering(directory: Path, *options: str) -> Iterator[Administrator]:
    """Lend a fresh local org and somebody who administers it with ``cci``."""
    with local_org(directory, *options) as org, http_client(org) as http:
        told = subprocess.run(
            [script("local-org"), "env", "--ready-file", str(directory / "local-org.json")],
            capture_output=True,
            text=True,
            check=True,
        )
        exported = [shlex.split(line)[1].partition("=") for line in told.stdout.splitlines()]
        home = directory / "home"
        (home / ".cumulusci").mkdir(parents=True)
        (home / ".cumulusci" / "cumulus_timestamp").write_text("9999999999")  # no update check
        environment = {
            **{
                k: v
                for k, v in os.environ.items()
                if not k.startswith(("CUMULUSCI", "CCI", "SFDX"))
            },
            **{name: value for name, _, value in exported},
            "HOME": str(home),
            "PATH": _without_sf(),
        }
        yield Administrator(org, http, admin(org, http), _checkout(directory), environment)


def _without_sf() -> str:
    """Return the PATH without the Salesforce CLI: our own converter is used, here as everywhere."""
    binaries = str(Path(script("cci")).parent)
    known = os.environ["PATH"].split(os.pathsep)
    kept = [each for each in known if not (Path(each) / "sf").exists()]
    return os.pathsep.join([binaries, *kept])


def _checkout(directory: Path) -> Path:
    """Copy what ``cci`` needs of the project into a git repository of its own."""
    target = directory / "project"
    target.mkdir()
    for name in ("force-app", "unpackaged", "orgs", "datasets", "robot"):
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, target / name)
    for name in ("cumulusci.yml", "sfdx-project.json"):
        shutil.copy(ROOT / name, target)
    for command in (
        ("init", "-q", "-b", "main"),
        ("remote", "add", "origin", "https://github.com/example/speed-to-lead.git"),
        ("add", "."),
        ("-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "checkout"),
    ):
        subprocess.run(["git", *command], cwd=target, check=True)
    return target


def unpacked(release: str, target: Path) -> Path:
    """Unpack the package of a former release, in Metadata API format."""
    with zipfile.ZipFile(RELEASES / f"{release}.zip") as package:
        package.extractall(target)
    return target
