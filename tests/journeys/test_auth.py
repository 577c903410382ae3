"""The app that an administrator deploys lets the sidecar in by its own key, and nobody else."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest

from speed_to_lead.demo.actors import API
from speed_to_lead.demo.processes import script
from tests.journeys.administrator import administering

DAYS = "30"


@pytest.fixture(scope="module")
def admin(tmp_path_factory):
    with administering(tmp_path_factory.mktemp("auth")) as admin:
        admin.run("flow", "deploy_unmanaged")
        admin.run("task", "assign_sidecar_access")
        yield admin


def key_pair(directory, name):
    """Make a private key and its certificate as docs/install.md says."""
    key, certificate = directory / f"{name}.key", directory / f"{name}.crt"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    subject = ("-subj", "/CN=sidecar", "-days", DAYS)
    made = ["openssl", "req", "-new", "-x509", "-key", key, "-out", certificate, *subject]
    subprocess.run(made, check=True, capture_output=True)
    return key, certificate


def login(admin, client_id, key, username):
    """Let the doctor log in; return what it says of that."""
    done = subprocess.run(
        [script("speed-to-lead"), "doctor", "--json"],
        env={
            **os.environ,
            **admin.environment,
            "SPEED_TO_LEAD_AUTH": "jwt",
            "SPEED_TO_LEAD_CLIENT_ID": client_id,
            "SPEED_TO_LEAD_USERNAME": username,
            "SPEED_TO_LEAD_JWT_KEY_FILE": str(key),
            "SPEED_TO_LEAD_POLICY": str(admin.project / "datasets" / "policy.json"),
        },
        capture_output=True,
        text=True,
        check=False,
        cwd=admin.project,
    )
    [told] = [each for each in json.loads(done.stdout) if each["check"] == "login"]
    return told["ok"], told["finding"]


@pytest.mark.parametrize("task", ["deploy_auth", "deploy_auth_connected_app"])
def test_only_the_approved_user_with_the_key_of_the_app_gets_in(admin, tmp_path, task):
    key, certificate = key_pair(tmp_path, "sidecar")
    other, _ = key_pair(tmp_path, "other")
    told = admin.run("task", task, "--certificate", str(certificate))
    [client_id] = re.findall(r"SPEED_TO_LEAD_CLIENT_ID=\s*(\w+)", told)
    assert certificate.read_text().splitlines()[1] not in told
    assert login(admin, client_id, key, "sidecar@local.test")[0] is True
    ok, words = login(admin, client_id, other, "sidecar@local.test")
    assert (ok, "check the private key" in words) == (False, True)
    ok, words = login(admin, client_id, key, "rep1@local.test")
    assert (ok, "hasn't approved this consumer" in words) == (False, True)


def test_another_certificate_takes_the_place_of_the_first_and_the_client_id_stays(admin, tmp_path):
    old, first = key_pair(tmp_path, "first")
    new, second = key_pair(tmp_path, "second")
    ids = [
        re.findall(
            r"CLIENT_ID=\s*(\w+)", admin.run("task", "deploy_auth", "--certificate", str(each))
        )
        for each in (first, second)
    ]
    assert ids[0] == ids[1]
    assert login(admin, ids[0][0], old, "sidecar@local.test")[0] is False
    assert login(admin, ids[0][0], new, "sidecar@local.test")[0] is True


def test_nothing_of_a_key_is_left_in_the_checkout_and_a_key_is_not_deployed(admin, tmp_path):
    key, _ = key_pair(tmp_path, "sidecar")
    told = admin.failure("task", "deploy_auth", "--certificate", str(key))
    assert "holds a private key, which stays with the sidecar" in told
    kept = subprocess.run(
        ["git", "status", "--short", "unpackaged"],
        cwd=admin.project,
        capture_output=True,
        check=True,
    )
    assert kept.stdout == b""
    assert admin.records.call("GET", f"{API}/limits")
