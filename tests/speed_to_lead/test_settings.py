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


@pytest.mark.parametrize("name", ["INSTANCE_URL", "LOGIN_URL"])
@pytest.mark.parametrize(
    "url", ["http://acme.my.salesforce.com", "acme.my.salesforce.com", "https://a b", "https://"]
)
def test_what_is_no_https_url_of_a_host_is_refused(environment, name, url):
    environment(**JWT | {name: url})
    with pytest.raises(UsageError, match=f"SPEED_TO_LEAD_{name}: expected https://HOST"):
        load_settings()


def test_an_empty_variable_is_none(environment):
    environment(**JWT, CA_FILE="", HTTP_PORT="")
    settings = load_settings()
    assert (settings.ca_file, settings.http_port) == (None, 9464)


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


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "No such file"), (b"\n", "it is empty"), (b"\xff", "it is no text")],
    ids=["missing", "empty", "binary"],
)
def test_a_secret_file_that_holds_none_is_named(environment, tmp_path, content, words):
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    environment(**JWT, CLIENT_SECRET_FILE=str(path))
    with pytest.raises(UsageError, match=f"cannot read {path}: {words}"):
        load_settings().secret("client_secret")


@pytest.mark.parametrize(
    ("name", "value"),
    [("HTTP_PORT", "99999"), ("API_VERSION", "66"), ("REPLAY", "now"), ("PUBSUB_ENDPOINT", "host")],
)
def test_a_wrong_value_is_told_by_the_name_of_its_setting(environment, name, value):
    environment(**JWT, **{name: value})
    with pytest.raises(UsageError, match=f"^SPEED_TO_LEAD_{name}: [^\n]+$"):
        load_settings()


def test_the_readme_tells_every_setting():
    rows = [f"| `{name}` | {default} | {meaning} |" for name, default, meaning in documented()]
    table = "| setting | default | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    assert table in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_environment_lists_every_setting_switched_off():
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    names = [line[1:].split("=")[0] for line in lines if line.startswith("#SPEED_TO_LEAD_")]
    assert names == [name for name, _, _ in documented()]
    assert all(line.startswith("#") for line in lines)
