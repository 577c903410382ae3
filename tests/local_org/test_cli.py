"""Commands say in one line what is wrong and what to do, and end with the code that sorts it."""

import json
import os
import shlex
import subprocess
import sys

import pytest

from local_org.testing import running_org

pytestmark = pytest.mark.documented("design 4: commands and exit codes")


@pytest.fixture(scope="module")
def org():
    with running_org(clock_speed=0) as org:
        yield org


@pytest.fixture
def local_org(tmp_path):
    """Return what runs a command with a home of its own: exit code, output, errors."""
    environment = os.environ | {"XDG_STATE_HOME": str(tmp_path / "state")}

    def run(*words):
        done = subprocess.run(
            [sys.executable, "-m", "local_org.cli", *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def at_org(local_org, org, tmp_path):
    """Return what runs a command against the running org, and returns its output."""
    ready_file = tmp_path / "ready.json"
    org.ready.write(ready_file)

    def run(verb, *words):
        code, out, errors = local_org(verb, *words, "--ready-file", str(ready_file))
        assert (code, errors) == (0, "")
        return out

    return run


@pytest.mark.parametrize("verb", ["env", "stop", "clock", "fault"])
def test_without_an_org_commands_end_with_69(local_org, tmp_path, verb):
    path = tmp_path / "state" / "local-org" / "ready.json"
    words = f"local-org: no local org is running ({path} is not there): run `local-org start`\n"
    assert local_org(verb) == (69, "", words)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["start", "--https-port", "many"], "Invalid value for '--https-port'"),
        (["start", "--clock", "noon"], "--clock: expected ISO 8601, got 'noon'"),
        (["explode"], "No such command 'explode'"),
        (["start", "--data", "/proc/nowhere"], "cannot write to /proc/nowhere"),
        (
            ["start", "--https-port", "0", "--grpc-port", "0", "--ready-file", "/proc/r"],
            "--ready-file",
        ),
        (["reset", "--data", "/nowhere"], "/nowhere is no folder of a local org"),
    ],
)
def test_wrong_use_ends_with_64_and_one_line(local_org, words, hint):
    code, out, errors = local_org(*words)
    assert (code, out) == (64, "")
    assert hint in errors
    assert errors.count("\n") == 1


def test_a_ready_file_of_something_else_is_named(local_org, tmp_path):
    path = tmp_path / "ready.json"
    path.write_text("{}")
    code, _, errors = local_org("env", "--ready-file", str(path))
    assert code == 69
    assert str(path) in errors


def test_a_file_of_an_org_that_has_gone_says_so(local_org, tmp_path):
    path = tmp_path / "ready.json"
    with running_org() as gone:
        gone.ready.write(path)
    code, _, errors = local_org("clock", "--ready-file", str(path))
    assert code == 69
    assert f"the local org at {gone.ready.instance_url} has gone" in errors
    assert errors.count("\n") == 1


def test_env_prints_exports_that_a_shell_takes(at_org, org):
    exports = at_org("env")
    shell = subprocess.run(
        ["bash", "-c", f"set -eu; {exports}\nenv -0"], capture_output=True, text=True, check=True
    )
    told = dict(line.split("=", 1) for line in shell.stdout.split("\0") if "=" in line)
    ready = org.ready
    assert told["REQUESTS_CA_BUNDLE"] == ready.ca_bundle
    assert told["NODE_EXTRA_CA_CERTS"] == ready.ca_file
    assert told["LOCAL_ORG_URL"] == told["SF_ORG_INSTANCE_URL"] == ready.instance_url
    assert json.loads(told["CUMULUSCI_ORG_local"]) == {
        "access_token": ready.access_token,
        "refresh_token": "local",
        "instance_url": ready.instance_url,
        "id": f"{ready.instance_url}/id/{ready.org_id}/{ready.admin_user_id}",
        "username": "admin@local.test",
        "client_id": "speed-to-lead-local",
        "client_secret": "local",
    }
    sidecar = {
        name.removeprefix("SPEED_TO_LEAD_"): value
        for name, value in told.items()
        if name.startswith("SPEED_TO_LEAD_") and f"export {name}=" in exports
    }
    assert sidecar == {
        "INSTANCE_URL": ready.instance_url,
        "PUBSUB_ENDPOINT": ready.grpc_endpoint,
        "CA_FILE": ready.ca_bundle,
        "AUTH": "jwt",
        "CLIENT_ID": ready.client_id,
        "USERNAME": "sidecar@local.test",
        "JWT_KEY_FILE": ready.jwt_key_file,
    }


def test_the_exports_quote_what_a_shell_would_read(org):
    for line in org.ready.exports().splitlines():
        assert len(shlex.split(line)) == 2


def test_clock_tells_and_changes_the_time(at_org):
    assert at_org("clock", "--set", "2026-03-02T09:00:00Z") == "2026-03-02T09:00:00.000Z speed 0\n"
    assert at_org("clock", "--advance", "3600") == "2026-03-02T10:00:00.000Z speed 0\n"
    assert json.loads(at_org("clock", "--json")) == {
        "now": "2026-03-02T10:00:00.000Z",
        "speed": 0,
    }


def test_faults_are_listed_ordered_and_cleared(at_org):
    assert "lock-row" in at_org("fault")
    at_org("fault", "lock-row", "--times", "3")
    [standing] = json.loads(at_org("fault", "--json"))["standing"]
    assert (standing["kind"], standing["left"]) == ("lock-row", 3)
    assert "standing" not in at_org("fault", "--clear")


def test_stop_waits_until_the_org_has_ended(local_org, tmp_path):
    ready_file = tmp_path / "ready.json"
    with running_org() as org:
        org.ready.write(ready_file)
        assert local_org("stop", "--ready-file", str(ready_file)) == (0, "", "")
        assert local_org("clock", "--ready-file", str(ready_file))[0] == 69


def test_reset_makes_the_next_start_a_fresh_org(local_org, tmp_path):
    folder = tmp_path / "org"
    with running_org(data=folder) as org:
        first = org.ready
        code, _, errors = local_org("reset", "--data", str(folder))
        assert (code, errors) == (
            75,
            f"local-org: another local org runs on {folder}: stop it first\n",
        )
    assert (folder / "org.sqlite3").exists()
    assert local_org("reset", "--data", str(folder)) == (0, "", "")
    assert not (folder / "org.sqlite3").exists()
    with running_org(data=folder) as org:
        assert org.ready.ca_file == first.ca_file
