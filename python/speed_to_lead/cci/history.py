"""Stamps what an org holds already: the sidecar itself, run once over its history and then gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cumulusci.core.exceptions import CumulusCIException, TaskOptionsError
from cumulusci.tasks.salesforce import BaseSalesforceTask

_PREFIX = "SPEED_TO_LEAD_"
_EVERYTHING = "2000-01-01T00:00:00Z"


class StampHistory(BaseSalesforceTask):  # type: ignore[misc]  # cumulusci has no types
    """Runs ``speed-to-lead backfill`` as the user that cci is connected as; safe to repeat.

    That user needs to edit the fields of the package. The token goes to the child process by its
    environment, and the ledger is a temporary one: the org's own stamps are what remains.
    """

    task_options = {  # noqa: RUF012  # cumulusci reads this class attribute
        "since": {
            "description": "ISO 8601; records modified since then are judged (default: all)",
            "required": False,
        },
        "policy": {
            "description": "Policy file (default: datasets/policy.json)",
            "required": False,
        },
    }

    def _init_options(self, kwargs: dict[str, Any]) -> None:
        super()._init_options(kwargs)
        self.options["since"] = str(self.options.get("since") or _EVERYTHING)
        self.options["policy"] = self.options.get("policy") or "datasets/policy.json"
        try:
            datetime.fromisoformat(self.options["since"])
        except ValueError:
            raise TaskOptionsError(
                f"expected since in ISO 8601, got {self.options['since']!r}"
            ) from None

    def _run_task(self) -> None:
        policy = Path(self.project_config.repo_root) / self.options["policy"]
        with TemporaryDirectory(prefix="speed-to-lead-") as directory:
            environment = self._environment(policy, Path(directory))
            told = _speed_to_lead(environment, "backfill", "--since", self.options["since"])
            [done] = [each for each in _lines(told) if each.get("event") == "backfilled"]
            refused = json.loads(_speed_to_lead(environment, "quarantine", "list", "--json"))
        if refused:
            raise CumulusCIException(
                f"{len(refused)} records were set aside; the first: {refused[0]['reason']}"
            )
        self.return_values = {"stamped": done["stamped"]}
        self.logger.info("wrote %d stamps", done["stamped"])

    def _environment(self, policy: Path, directory: Path) -> dict[str, str]:
        """Return the environment of the child: ours without its settings, and those for this run."""
        settings = {
            "INSTANCE_URL": self.org_config.instance_url,
            "AUTH": "access_token",
            "ACCESS_TOKEN": self.org_config.access_token,
            "CA_FILE": os.environ.get("REQUESTS_CA_BUNDLE", ""),
            "API_VERSION": self.project_config.project__package__api_version,
            "POLICY": str(policy),
            "LEDGER": str(directory / "ledger.sqlite3"),
            "FLYWHEEL_DIR": str(directory / "flywheel"),
        }
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(_PREFIX)}
        return inherited | {_PREFIX + name: value for name, value in settings.items() if value}


def _speed_to_lead(environment: dict[str, str], *arguments: str) -> str:
    """Run a command of the sidecar and return what it printed.

    :raises CumulusCIException: it failed; the message is its last line.
    """
    done = subprocess.run(  # noqa: S603 - our own module with our own options
        [sys.executable, "-m", "speed_to_lead", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise CumulusCIException(words[-1] if words else f"speed-to-lead ended: {done.returncode}")
    return done.stdout


def _lines(told: str) -> Iterator[dict[str, Any]]:
    for line in told.splitlines():
        if line.startswith("{"):
            yield json.loads(line)
