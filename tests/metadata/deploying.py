"""An administrator of an org in memory, who deploys files and says what came of it."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from local_org.api.app import App
from local_org.api.clients import Clients
from local_org.api.context import Context
from local_org.api.orgs import Orgs
from local_org.clock import Clock
from local_org.metadata.results import (
    ComponentMessage,
    DeployOptions,
    DeployResult,
    RetrieveRequest,
    RetrieveResult,
)
from local_org.org import Org, Session
from tests.metadata.packing import ROOT, converted, zipped

NOW = datetime(2026, 11, 2, 10, tzinfo=UTC)
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
NAMESPACE = "http://soap.sforce.com/2006/04/metadata"


def xml(kind: str, content: str) -> str:
    """Return a metadata file; its content begins on line 3."""
    return f'{HEAD}<{kind} xmlns="{NAMESPACE}">\n{content}\n</{kind}>\n'


def manifest(full_name: str | None = None, **types: str | list[str]) -> str:
    """Return a package.xml; types by name, with one member or several."""
    blocks = [f"<fullName>{full_name}</fullName>"] if full_name else []
    for name, members in types.items():
        listed = [members] if isinstance(members, str) else members
        inner = "".join(f"<members>{member}</members>" for member in listed)
        blocks.append(f"<types>{inner}<name>{name}</name></types>")
    return xml("Package", "\n".join([*blocks, "<version>66.0</version>"]))


class Admin:
    """The System Administrator of a fresh org whose clock stands still."""

    def __init__(self, directory: Path | None = None) -> None:
        self.org = Org.open(directory, Clock(NOW, speed=0))
        self.session = self.session_of("admin@local.test")

    def session_of(self, username: str) -> Session:
        """Return a session of a user by name."""
        user = self.org.user(username)
        assert user is not None
        return self.org.session(self.org.login(user["Id"], "tests"), "soap/66.0")

    def deploy(self, files: Mapping[str, bytes | str], **options: Any) -> DeployResult:
        """Deploy files by name, package.xml among them."""
        return self.org.deploy(self.session, zipped(files), DeployOptions(**options))

    def deploy_package(self, target: Path) -> DeployResult:
        """Deploy the project's own package, converted into ``target``."""
        return self.deploy(converted(ROOT, target))

    def refusal(self, files: Mapping[str, bytes | str], **options: Any) -> ComponentMessage:
        """Deploy, expect exactly one failure, and return it."""
        result = self.deploy(files, **options)
        [failure] = result.failures
        return failure

    def retrieve(self, **types: str | list[str]) -> tuple[RetrieveResult, dict[str, bytes]]:
        """Retrieve by type, and return the result with the files of its zip."""
        asked = {k: (v,) if isinstance(v, str) else tuple(v) for k, v in types.items()}
        result = self.org.retrieve_metadata(self.session, RetrieveRequest(asked))
        return result, unzipped(result.zip_file)

    def rows(self, soql: str) -> list[dict[str, Any]]:
        """Return the records of a query, without their attributes."""
        records = self.org.query(self.session, soql)["records"]
        return [{k: v for k, v in each.items() if k != "attributes"} for each in records]

    def assign(self, permission_set: str, username: str) -> None:
        """Assign a permission set to a user."""
        [found] = self.rows(f"SELECT Id FROM PermissionSet WHERE Name = '{permission_set}'")
        user = self.org.user(username)
        assert user is not None
        values = {"PermissionSetId": found["Id"], "AssigneeId": user["Id"]}
        [result] = self.org.insert(self.session, [("PermissionSetAssignment", values)])
        assert result.success, result.errors


def unzipped(body: bytes) -> dict[str, bytes]:
    """Return the files of a zip by name."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


class Wire:
    """HTTP calls of that administrator, through the whole application."""

    def __init__(self, admin: Admin) -> None:
        url = "https://localhost:8443"
        context = Context(admin.org, Clients(admin.org, url), url, admin.session.token)
        transport = httpx.ASGITransport(App(Orgs(context)))
        self._client = httpx.AsyncClient(transport=transport, base_url=url)
        self.token = admin.session.token

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Call a path with the administrator's token."""
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        return asyncio.run(self._client.request(method, path, headers=headers, **more))

    def soap(self, envelope: str, path: str = "/services/Soap/m/66.0") -> httpx.Response:
        """Post an envelope; ``{token}`` in it is the administrator's."""
        content = envelope.replace("{token}", self.token)
        headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}
        return asyncio.run(self._client.post(path, content=content, headers=headers))
