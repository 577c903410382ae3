"""The settings of the sidecar: the only reader of its environment. Secrets come from there or from files."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from speed_to_lead.errors import UsageError

PREFIX = "SPEED_TO_LEAD_"
_LEAST_RETENTION_DAYS = 31
"""A Lead may be answered, and asked again, for so long."""
_url = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]+)?/?").fullmatch


class Settings(BaseSettings):
    """Everything that can be set. The README's table is made from it."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid"
    )

    instance_url: str = Field(
        "", description="The org's My Domain URL, `https://…`. Required, except with `AUTH=sf`."
    )
    login_url: str = Field(
        "", description="Where tokens are asked for, if not at the instance URL."
    )
    auth: Literal["jwt", "client_credentials", "refresh_token", "access_token", "sf"] = Field(
        "jwt",
        description="How to log in: `jwt`, `client_credentials`, `refresh_token`, `access_token` or `sf`.",
    )
    client_id: str = Field(
        "", description="Consumer key of the External Client App or Connected App."
    )
    client_secret: SecretStr = Field(SecretStr(""), description="Consumer secret.")
    client_secret_file: Path | None = Field(
        None, description="File that holds the consumer secret."
    )
    username: str = Field("", description="The integration user, for `jwt`.")
    jwt_key_file: Path | None = Field(
        None, description="File that holds the private key in PEM, for `jwt`."
    )
    refresh_token: SecretStr = Field(SecretStr(""), description="Refresh token.")
    refresh_token_file: Path | None = Field(None, description="File that holds the refresh token.")
    access_token: SecretStr = Field(SecretStr(""), description="Access token; cannot be renewed.")
    access_token_file: Path | None = Field(None, description="File that holds the access token.")
    target_org: str = Field("", description="Alias or username in the Salesforce CLI, for `sf`.")
    ca_file: Path | None = Field(
        None, description="Certificate authorities to trust instead of the public ones, in PEM."
    )
    api_version: str = Field("66.0", pattern=r"^\d+\.0$", description="Version of the REST API.")
    pubsub_endpoint: str = Field(
        "api.pubsub.salesforce.com:7443",
        pattern=r"^\S+:\d+$",
        description="Host and port of the Pub/Sub API.",
    )
    channel: str = Field(
        "/data/SpeedToLead__chn",
        description="Channel to hear; the topics of each entity where it is not there.",
    )
    source: Literal["auto", "pubsub", "polling"] = Field(
        "auto",
        description="How to hear: `auto` (streams; polling while they are away), `pubsub`, `polling`.",
    )
    failover_seconds: float = Field(
        60, gt=0, description="How long streams may fail before polling begins, with `auto`."
    )
    poll_seconds: float = Field(
        60, gt=0, description="How often to poll while polling takes the place of the streams."
    )
    reconcile_seconds: float = Field(
        300, gt=0, description="How often to poll meetings, of which no stream tells."
    )
    replay: Literal["earliest", "latest"] = Field(
        "earliest",
        description="Where to begin without a checkpoint: `earliest` (up to 72 h back) or `latest`.",
    )
    daily_calls: int = Field(
        0, ge=0, description="Most REST calls in 24 hours; 0 sets no limit of our own."
    )
    spared_calls_percent: int = Field(
        5,
        ge=0,
        le=99,
        description="Share of the org's daily REST calls that is left to others.",
    )
    owner_changes_per_minute: int = Field(
        600, ge=0, description="Most Leads that change hands in a minute; 0 sets no limit."
    )
    dry_run: bool = Field(
        False, description="Decide and record, but write nothing to the org; needs its own ledger."
    )
    client_name: str = Field(
        "speed-to-lead",
        pattern=r"^[\w.-]+$",
        description="Name of this client in the org's change events.",
    )
    policy: Path = Field(Path("policy.json"), description="The policy.")
    ledger: Path = Field(Path("speed-to-lead.sqlite3"), description="The ledger, one SQLite file.")
    retention_days: int = Field(
        0,
        ge=0,
        description="Days after which a Lead that nothing touched leaves the ledger; 0 keeps all, "
        "at least 31.",
    )
    standby: bool = Field(
        False, description="Wait while another sidecar has the ledger, and take over when it ends."
    )
    flywheel_dir: Path = Field(
        Path("flywheel"), description="Folder of the decision records (JSON Lines)."
    )
    flywheel_client_id: str = Field(
        "speed-to-lead",
        pattern=r"^[a-z0-9._-]+$",
        description="Name of this deployment in decision records.",
    )
    http_host: str = Field(
        "127.0.0.1", description="Address of `/metrics`, `/healthz` and `/readyz`."
    )
    http_port: int = Field(
        9464, ge=0, le=65535, description="Port of the same; 0 picks a free one."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="`debug`, `info`, `warning` or `error`."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        """Tell what the chosen way to log in lacks."""
        needed = {
            "jwt": ("instance_url", "client_id", "username", "jwt_key_file"),
            "client_credentials": ("instance_url", "client_id", "client_secret"),
            "refresh_token": ("instance_url", "client_id", "refresh_token"),
            "access_token": ("instance_url", "access_token"),
            "sf": ("target_org",),
        }[self.auth]
        missing = [PREFIX + name.upper() for name in needed if not self._given(name)]
        if missing:
            raise ValueError(f"{PREFIX}AUTH={self.auth} needs {', '.join(missing)}")
        for name, url in (("INSTANCE_URL", self.instance_url), ("LOGIN_URL", self.login_url)):
            if url and not _url(url):
                raise ValueError(f"{PREFIX}{name}: expected https://HOST, got {url!r}")
        if 0 < self.retention_days < _LEAST_RETENTION_DAYS:
            raise ValueError(
                f"{PREFIX}RETENTION_DAYS: expected 0 or at least {_LEAST_RETENTION_DAYS}, "
                f"got {self.retention_days}"
            )
        return self

    def _given(self, name: str) -> bool:
        value = getattr(self, name)
        if isinstance(value, SecretStr):
            return bool(value.get_secret_value() or getattr(self, f"{name}_file"))
        return bool(value)

    def secret(self, name: Literal["client_secret", "refresh_token", "access_token"]) -> str:
        """Return a secret, from its variable or from its file.

        :raises UsageError: the file cannot be read.
        """
        value: SecretStr = getattr(self, name)
        path: Path | None = getattr(self, f"{name}_file")
        return value.get_secret_value() if path is None else read_secret(path)


def read_secret(path: Path) -> str:
    """Return what a secret's file holds, without the newline at its end.

    :raises UsageError: it cannot be read, or is empty.
    """
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(f"cannot read {path}: {reason}") from error
    if not secret:
        raise UsageError(f"cannot read {path}: it is empty")
    return secret


def load_settings() -> Settings:
    """Read the environment.

    :raises UsageError: one line for each finding: unknown, missing or wrong settings.
    """
    findings = list(_unknown())
    if findings:
        raise UsageError("; ".join(findings))
    try:
        return Settings()
    except ValidationError as error:
        raise UsageError("; ".join(_finding(each) for each in error.errors())) from None


def _unknown() -> list[str]:
    """Tell of variables that bear our prefix and are no setting."""
    names = {PREFIX + name.upper() for name in Settings.model_fields}
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in names)
    return [f"unknown setting {name}{_nearest(name, names)}" for name in unknown]


def _nearest(name: str, names: set[str]) -> str:
    close = get_close_matches(name, names, n=1)
    return f", did you mean {close[0]}?" if close else ": see the table in the README"


def _finding(error: Any) -> str:
    """Return one finding; never the value, which may be a secret."""
    if not error["loc"]:
        return str(error["msg"]).removeprefix("Value error, ")
    return f"{PREFIX}{str(error['loc'][0]).upper()}: {error['msg']}"


def documented() -> list[tuple[str, str, str]]:
    """Return name, default and meaning of every setting, for the README."""
    return [
        (PREFIX + name.upper(), _default(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def _default(value: object) -> str:
    if value is None or value == "" or isinstance(value, SecretStr):
        return ""
    return f"`{value}`"
