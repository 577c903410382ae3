"""Which of the server's orgs a request is for: its token, its username or its secret tells.

All orgs share one address, as the orgs of an instance share its hosts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from starlette.requests import Request

from local_org.api.bulk_jobs import Jobs
from local_org.api.clients import Clients, subject
from local_org.api.context import Context
from local_org.org import Org
from local_org.org.scratch_orgs import ScratchOrgs


class Orgs:
    """The main org, a Dev Hub, and its scratch orgs. Who names none of them means the main one."""

    def __init__(self, main: Context, directory: Path | None = None) -> None:
        """Open the scratch orgs that the hub still has in this directory."""
        self.main = main
        self._contexts: dict[str, Context] = {}
        self._scratch = ScratchOrgs(main.org, main.base_url, directory, self._admit)
        main.org.before_write(main.faults.on_row)

    def close(self) -> None:
        """Close the scratch orgs; the main org is its opener's."""
        self._scratch.close()

    def with_id(self, org_id: str) -> Org | None:
        """Return the org with this id of 15 or 18 characters, or None."""
        main = self.main.org
        return main if org_id in (main.org_id, main.org_id[:15]) else self._scratch.org(org_id)

    def of_token(self, token: str) -> Context:
        """Return the context of the org whose id stands before the ``!`` of a token."""
        org = self._scratch.org(token.partition("!")[0])
        return self.main if org is None else self._context(org)

    def of_username(self, username: str) -> Context:
        """Return the context of the org that has this user."""
        return next((each for each in self._all() if each.org.user(username)), self.main)

    def of_grant(self, form: Mapping[str, str]) -> Context:
        """Return the context of the org that an OAuth grant is meant for."""
        if "assertion" in form:
            return self.of_username(subject(form["assertion"]))
        if "username" in form:
            return self.of_username(form["username"])
        secret = form.get("code") or form.get("refresh_token")
        if not secret:
            return self.main
        return next((each for each in self._all() if each.org.grants.knows(secret)), self.main)

    def _all(self) -> Iterator[Context]:
        yield self.main
        yield from map(self._context, self._scratch.all())

    def _context(self, org: Org) -> Context:
        context = self._contexts.get(org.org_id)
        if context is None or context.org is not org:
            main = self.main
            clients = Clients(org, main.base_url, main.clients.keys, main.clients.now)
            context = replace(main, org=org, clients=clients, jobs=Jobs(), _schema_seen=None)
            self._contexts[org.org_id] = context
        return context

    def _admit(self, org: Org) -> None:
        """Let the faults that are asked for strike in a scratch org, too."""
        org.before_write(self.main.faults.on_row)


def enter(request: Request, context: Context) -> None:
    """Make it the org that the rest of the request speaks to."""
    request.scope["state"] |= {"context": context, "org": context.org}
