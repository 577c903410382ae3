"""How a journey is staged: deploy over the wire, cast the users, start and watch the sidecar."""

from __future__ import annotations

import io
import json
import ssl
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from speed_to_lead.cci.source_format import convert
from speed_to_lead.demo import POLICY
from speed_to_lead.demo.actors import API, user
from speed_to_lead.demo.cast import hire
from speed_to_lead.demo.play import Cast
from speed_to_lead.demo.processes import LocalOrg, Sidecar, local_org, script

PATIENCE = 60.0
T = TypeVar("T")


@contextmanager
def prepared_org(project: Path, directory: Path, *options: str) -> Iterator[LocalOrg]:
    """A fresh local org with the package of ``project`` deployed over the Metadata API's REST form."""
    with local_org(directory, *options) as org:
        deploy(org, archive(project, directory / "src"))
        yield org


def archive(project: Path, target: Path) -> bytes:
    """The package in Metadata API format, zipped."""
    convert(project, target)
    paths = sorted(path for path in target.rglob("*") if path.is_file())
    return zipped({str(p.relative_to(target)): p.read_text(encoding="utf-8") for p in paths})


def zipped(files: Mapping[str, str]) -> bytes:
    """A zip of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archived:
        for name, content in files.items():
            archived.writestr(name, content)
    return buffer.getvalue()


def deploy(org: LocalOrg, package: bytes) -> dict[str, Any]:
    """Deploy a zip and return the finished result; fails the test when the deploy failed."""
    result = try_deploy(org, package)
    assert result["status"] == "Succeeded", json.dumps(result["details"]["componentFailures"])
    return result


def try_deploy(org: LocalOrg, package: bytes) -> dict[str, Any]:
    """Deploy a zip and return the finished result, whatever it is."""
    options = {"deployOptions": {"rollbackOnError": True, "singlePackage": True}}
    headers = {"Authorization": f"Bearer {org.access_token}"}
    with httpx.Client(base_url=org.instance_url, verify=org_tls(org), headers=headers) as http:
        started = http.post(
            f"{API}/metadata/deployRequest",
            files={
                "json": (None, json.dumps(options), "application/json"),
                "file": ("package.zip", package, "application/zip"),
            },
        )
        assert started.status_code == 201, started.text
        path = f"{API}/metadata/deployRequest/{started.json()['id']}?includeDetails=true"
        return wait_for(lambda: _finished(http.get(path).json()["deployResult"]), "the deploy")


def _finished(result: dict[str, Any]) -> dict[str, Any] | None:
    return result if result["done"] else None


def org_tls(org: LocalOrg) -> ssl.SSLContext:
    """A context that trusts the org's own certificate authority."""
    return ssl.create_default_context(cafile=org.ca_bundle)


def wait_for(probe: Callable[[], T | None], what: str, patience: float = PATIENCE) -> T:
    """Ask until the answer is not None; fail the test when it never comes."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if (answer := probe()) is not None:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"waited {patience:.0f} s in vain for {what}")


@dataclass
class Scene:
    """A deployed org, its cast, and a sidecar beside it."""

    org: LocalOrg
    http: httpx.Client
    cast: Cast
    sidecar: Sidecar

    @classmethod
    def build(cls, org: LocalOrg, http: httpx.Client, directory: Path) -> Scene:
        """Hire the cast and give the two users their permission sets."""
        cast = hire(org, http)
        for username, role in (
            (org.sidecar_username, "Speed_to_Lead_Sidecar"),
            (org.admin_username, "Speed_to_Lead_Analyst"),
        ):
            assign(cast, username, role)
        sidecar = Sidecar(directory, org.sidecar_settings(), POLICY)
        return cls(org, http, cast, sidecar)

    # -- the org ----------------------------------------------------------------------------------

    def lead(self, lead_id: str) -> dict[str, Any]:
        """Return the Lead as the administrator sees it now."""
        record: dict[str, Any] = self.cast.admin.call("GET", f"{API}/sobjects/Lead/{lead_id}")
        return record

    def fault(self, kind: str, **order: Any) -> None:
        """Make the org misbehave."""
        self.cast.admin.call("POST", "/local-org/fault", {"kind": kind, **order})

    def revoke(self, username: str) -> None:
        """Take every permission set from a user."""
        found = self.cast.admin.query(
            "SELECT Id FROM PermissionSetAssignment WHERE PermissionSet.IsOwnedByProfile = false "
            f"AND Assignee.Username = '{username}'"
        )
        for each in found:
            path = f"{API}/sobjects/PermissionSetAssignment/{each['Id']}"
            self.cast.admin.call("DELETE", path)

    def log_in_again(self) -> None:
        """Get the administrator a new token, after all have been taken away."""
        self.cast.admin = user(self.org, self.http, self.org.admin_username)

    # -- the sidecar ------------------------------------------------------------------------------

    def catch_up(self) -> None:
        """Let the sidecar run until nothing more comes, and expect it to end well."""
        self.sidecar.start("--until-idle", "1.5")
        code = self.sidecar.wait()
        assert code == 0, self.sidecar.log.read_text(encoding="utf-8")[-4000:]

    def listening(self) -> None:
        """Wait until the sidecar that was started last listens."""
        wait_for(self._listens, "the sidecar to listen")

    def _listens(self) -> bool | None:
        assert self.sidecar.running, self.sidecar.log.read_text(encoding="utf-8")[-4000:]
        return len(self.told("started")) >= self.sidecar.starts or None

    def told(self, event: str) -> list[dict[str, Any]]:
        """Return the sidecar's log lines about an event, of all its lives."""
        return [line for line in self.sidecar.lines() if line.get("event") == event]

    def command(
        self,
        *arguments: str,
        through: Sequence[str] = (),
        **settings: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the sidecar to its end, with settings of its own, through another one."""
        return subprocess.run(
            [*through, script("speed-to-lead"), *arguments],
            env={**self.sidecar.environment(), **settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    def json(self, *arguments: str) -> Any:
        """Return what a command prints as JSON."""
        done = self.command(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def flywheel(self, workload: str) -> list[dict[str, Any]]:
        """Return the flywheel records of a workload."""
        lines = (self.sidecar.directory / "flywheel" / "decisions.jsonl").read_text("utf-8")
        records = [json.loads(line) for line in lines.splitlines()]
        return [record for record in records if record["workload_id"] == workload]


def assign(cast: Cast, username: str, role: str) -> None:
    """Assign a permission set of the package to a user."""
    [found] = cast.admin.query(f"SELECT Id FROM User WHERE Username = '{username}'")
    [permission_set] = cast.admin.query(f"SELECT Id FROM PermissionSet WHERE Name = '{role}'")
    cast.admin.create(
        "PermissionSetAssignment", AssigneeId=found["Id"], PermissionSetId=permission_set["Id"]
    )
