"""Settings come from the environment alone; what is wrong is told in one line that never shows a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from speed_to_lead.errors import UsageError
from speed_to_lead.settings import documented, load_settings

ROOT = Path(__file__).parents[2]
JWT = {
    "INSTANCE_URL": "https://acme.my.salesforce.com",
    "CLIENT_ID": "3MVG9",
    "USERNAME": "sidecar@acme.test",
    "JWT_KEY_FILE": "jwt.key",
}


@pytest.fixture
def environment(monkeypatch):
    def set_all(**settings):
        for name, value in settings.items():
            monkeypatch.setenv(f"SPEED_TO_LEAD_{name}", value)

    return set_all


def test_what_jwt_needs_is_enough(environment):
    environment(**JWT)
    settings = load_settings()
    assert (settings.auth, settings.http_host, settings.replay) == ("jwt", "127.0.0.1", "earliest")


@pytest.mark.parametrize(
    ("auth", "missing"),
    [
        ("jwt", ["INSTANCE_URL", "CLIENT_ID", "USERNAME", "JWT_KEY_FILE"]),
        ("client_credentials", ["INSTANCE_URL", "CLIENT_ID", "CLIENT_SECRET"]),
        ("refresh_token", ["INSTANCE_URL", "CLIENT_ID", "REFRESH_TOKEN"]),
        ("access_token", ["INSTANCE_URL", "ACCESS_TOKEN"]),
        ("sf", ["TARGET_ORG"]),
    ],
)
def test_each_way_to_log_in_tells_what_it_lacks(environment, auth, missing):
    environment(AUTH=auth)
    with pytest.raises(UsageError) as told:
        load_settings()
    names = ", ".join(f"SPEED_TO_LEAD_{name}" for name in missing)
    assert str(told.value) == f"SPEED_TO_LEAD_AUTH={auth} needs {names}"


def test_an_unknown_setting_is_refused_with_the_nearest_known_one(environment):
    environment(**JWT, LEGDER="x")
    with pytest.raises(
        UsageError, match="unknown setting SPEED_TO_LEAD_LEGDER, did you mean SPEED_TO_LEAD_LEDGER"
    ):
        load_settings()


def test_a_plain_http_url_is_refused(environment):
    environment(**JWT | {"INSTANCE_URL": "http://acme.my.salesforce.com"})
    with pytest.raises(UsageError, match="expected https"):
        load_settings()


def test_secrets_are_never_shown(environment):
    environment(**JWT, CLIENT_SECRET="hush", HTTP_PORT="hush")
    with pytest.raises(UsageError) as told:
        load_settings()
    assert "hush" not in str(told.value)
    environment(HTTP_PORT="0")
    assert "hush" not in repr(load_settings())


def test_a_secret_comes_from_its_file(environment, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hush\n", encoding="utf-8")
    environment(**JWT, CLIENT_SECRET_FILE=str(secret))
    assert load_settings().secret("client_secret") == "hush"


def test_a_secret_file_that_is_not_there_is_named(environment):
    environment(**JWT, CLIENT_SECRET_FILE="nowhere")
    with pytest.raises(UsageError, match="cannot read nowhere"):
        load_settings().secret("client_secret")


def test_the_readme_tells_every_setting():
    rows = [f"| `{name}` | {default} | {meaning} |" for name, default, meaning in documented()]
    table = "| setting | default | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    assert table in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_environment_lists_every_setting_switched_off():
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    names = [line[1:].split("=")[0] for line in lines if line.startswith("#SPEED_TO_LEAD_")]
    assert names == [name for name, _, _ in documented()]
    assert all(line.startswith("#") for line in lines)
