"""Deploys the app by which the sidecar logs in, with a certificate that is never part of the project."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cumulusci.core.exceptions import TaskOptionsError
from cumulusci.core.source_transforms.transforms import SourceTransformList
from cumulusci.salesforce_api.metadata import ApiRetrieveUnpackaged
from cumulusci.tasks.salesforce import Deploy
from lxml import etree

_PLACE = "%%%CERTIFICATE%%%"
_BITS = 2048
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True)
_NO_KEY = (
    "the org does not show the consumer key: copy it from Setup, External Client App Manager (or App "
    "Manager), Speed to Lead, OAuth Settings"
)


class DeployAuth(Deploy):  # type: ignore[misc]  # cumulusci has no types
    """Deploys a bundle with an app for the JWT bearer flow; safe to repeat, with another certificate too.

    The certificate stands in for the private key that the sidecar signs with; it goes into the deploy
    in memory. In the end the settings of the sidecar are told, the consumer key among them.
    """

    task_options = {  # noqa: RUF012  # cumulusci reads this class attribute
        **Deploy.task_options,
        "certificate": {
            "description": "File with the certificate of the sidecar's key, in PEM",
            "required": True,
        },
    }

    def _init_options(self, kwargs: dict[str, Any]) -> None:
        super()._init_options(kwargs)
        pem = certificate(Path(self.options["certificate"]).expanduser())
        patterns = [{"find": _PLACE, "replace": pem}]
        replacing = {"transform": "find_replace", "options": {"patterns": patterns}}
        self.transforms = SourceTransformList.parse_obj([replacing]).as_transforms()

    def _run_task(self) -> None:
        super()._run_task()
        if self.check_only:
            return
        key = next(self._consumer_keys(), None)
        self.return_values = {"consumer_key": key}
        if key is None:
            self.logger.warning(_NO_KEY)
        for line in (
            "SPEED_TO_LEAD_AUTH=jwt",
            f"SPEED_TO_LEAD_INSTANCE_URL={self.org_config.instance_url}",
            f"SPEED_TO_LEAD_CLIENT_ID={key or '(the consumer key)'}",
            "SPEED_TO_LEAD_USERNAME=(a user with the permission set Speed_to_Lead_Sidecar)",
            "SPEED_TO_LEAD_JWT_KEY_FILE=(the private key of this certificate)",
        ):
            click.echo(line)  # a log would break a long key over lines

    def _consumer_keys(self) -> Iterator[str]:
        """Yield the consumer key of the app, where the org shows it."""
        path = Path(self.project_config.repo_root) / self.options["path"]
        manifest = (path / "package.xml").read_text(encoding="utf-8")
        version = self.project_config.project__package__api_version
        files = ApiRetrieveUnpackaged(self, manifest, version)()
        for name in files.namelist():
            if name.endswith((".ecaGlblOauth", ".connectedApp")):
                root = etree.fromstring(files.read(name), _PARSER)
                yield from (each.text for each in root.iter("{*}consumerKey") if each.text)


def certificate(path: Path) -> str:
    """Return the certificate in a file, as PEM and nothing else.

    :raises TaskOptionsError: it is none, or none that the org and the sidecar could use.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TaskOptionsError(f"certificate: {path} cannot be read: {error.strerror}") from None
    if b"PRIVATE KEY" in content:
        raise TaskOptionsError(
            f"certificate: {path} holds a private key, which stays with the sidecar: make a "
            "certificate of it with `openssl req -new -x509 -key KEY -out CERTIFICATE -days 730`"
        )
    try:
        found = x509.load_pem_x509_certificate(content)
    except ValueError:
        raise TaskOptionsError(f"certificate: {path} is no certificate in PEM") from None
    key = found.public_key()
    if not isinstance(key, RSAPublicKey) or key.key_size < _BITS:
        raise TaskOptionsError(f"certificate: {path} must be of an RSA key of {_BITS} bits or more")
    if found.not_valid_after_utc <= datetime.now(UTC):
        raise TaskOptionsError(
            f"certificate: {path} expired on {found.not_valid_after_utc:%Y-%m-%d}"
        )
    return found.public_bytes(Encoding.PEM).decode().strip()
