"""CumulusCI tasks of this project: reach the local org, and deploy without Node.

``cumulusci.yml`` names them; the running sidecar never imports this package.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import requests
from cumulusci.core.config import OrgConfig
from cumulusci.core.exceptions import TaskOptionsError
from cumulusci.core.tasks import BaseTask
from cumulusci.tasks.dx_convert_from import DxConvertFrom

from speed_to_lead.cci.source_format import convert

_CLIENT = {"client_id": "speed-to-lead-local", "client_secret": "local"}
"""The local org's own client for administrators; it opens nothing but a local org."""


class ConnectLocalOrg(BaseTask):  # type: ignore[misc]  # cumulusci has no types
    """Writes (or overwrites) the keychain entry of the running local org; safe to repeat."""

    salesforce_task = False
    task_options = {  # noqa: RUF012  # cumulusci reads this class attribute
        "org_name": {"description": "Keychain alias (default: local)", "required": False},
        "instance_url": {
            "description": "Base URL of the local org (default: $LOCAL_ORG_URL)",
            "required": False,
        },
    }

    def _run_task(self) -> None:
        base_url = self.options.get("instance_url") or os.environ.get("LOCAL_ORG_URL")
        if not base_url:
            raise TaskOptionsError(
                'no local org to connect: run `local-org start`, then `eval "$(local-org env)"`, '
                "or pass -o instance_url URL"
            )
        config = {**_token(base_url), **_CLIENT, "refresh_token": "local"}
        name = self.options.get("org_name") or "local"
        org = OrgConfig(config, name, self.project_config.keychain, global_org=False)
        org.load_userinfo()
        org.populate_expiration_date()
        org.save()
        self.return_values = {"org_id": org.org_id, "username": org.username}
        self.logger.info("connected %s: %s %s", org.name, org.username, org.org_id)


class ConvertSource(DxConvertFrom):  # type: ignore[misc]  # cumulusci has no types
    """Converts to Metadata API format: by the Salesforce CLI if it is there, else by ourselves."""

    def _run_task(self) -> None:
        if shutil.which("sf"):
            super()._run_task()
            return
        target = Path(self.options["src_dir"])
        written = convert(Path(self.project_config.repo_root), target)
        self.logger.info(
            "converted %d files to %s (the Salesforce CLI is not on PATH)", len(written), target
        )


def _token(base_url: str) -> dict[str, Any]:
    """Return ``access_token``, ``instance_url`` and the identity URL ``id`` of an administrator."""
    response = requests.post(
        f"{base_url.rstrip('/')}/services/oauth2/token",
        data={"grant_type": "client_credentials", **_CLIENT},
        timeout=10,
    )
    response.raise_for_status()
    token: dict[str, Any] = response.json()
    return token
