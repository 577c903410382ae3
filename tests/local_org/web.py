"""An org and whoever calls it over HTTP, without a network: the application answers in-process."""

from __future__ import annotations

import asyncio
from functools import cache

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa

from local_org.api.app import App
from local_org.api.clients import Clients
from local_org.api.context import Context
from local_org.api.orgs import Orgs
from tests.local_org.caller import NOW, new_org

BASE = "https://localhost:8443"
API = "/services/data/v66.0"
ADMIN_TOKEN = "the admin's"


@cache
def jwt_key():
    """Return the key pair that the org trusts."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Web:
    """An org whose clock stands still; calls are the admin's unless ``as_user`` has changed that."""

    def __init__(self, directory=None):
        self.org = new_org(directory)
        clients = Clients(self.org, BASE, [jwt_key().public_key()], now=NOW.timestamp)
        self.stopped: list[bool] = []
        self.context = Context(
            self.org, clients, BASE, ADMIN_TOKEN, stop=lambda: self.stopped.append(True)
        )
        self.orgs = Orgs(self.context, directory)
        self.app = App(self.orgs)
        self.as_user("admin@local.test")

    def as_user(self, username):
        """Let the calls to come be those of a user; return the token."""
        self.user_id = self.org.user(username)["Id"]
        self.token = self.org.login(self.user_id, "tests")
        return self.token

    def call(self, method, path, **request):
        """Send a request and return the answer."""
        headers = {"Authorization": f"Bearer {self.token}"} | request.pop("headers", {})

        async def send():
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
                return await client.request(method, path, headers=headers, **request)

        return asyncio.run(send())

    def rest(self, method, path, **request):
        """Send a request below the REST root of version 66.0."""
        return self.call(method, API + path, **request)

    def create(self, entity="Lead", /, **values):
        """Create a record and return its id."""
        values = values or {"LastName": "Doe", "Company": "ACME"}
        answer = self.rest("POST", f"/sobjects/{entity}", json=values)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def query(self, soql):
        """Return the records of a query."""
        return self.rest("GET", "/query", params={"q": soql}).json()["records"]

    def refusal(self, method, path, **request):
        """Return status, code and message of a REST call that is refused with one error."""
        answer = self.call(method, path, **request)
        [error] = answer.json()
        return answer.status_code, error["errorCode"], error["message"]
