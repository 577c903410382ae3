"""One call of the Partner SOAP API: who asks, for what, with which options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lxml import etree
from starlette.requests import Request

from local_org.api.clients import Clients
from local_org.api.soap import Envelope
from local_org.errors import OrgError
from local_org.org import Org, Session

MOST_RECORDS: Final = 200
"""Records that one call takes. Source: SOAP API Developer Guide, of each call."""
_XSI_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"


@dataclass(frozen=True, slots=True)
class Call:
    """One request with its envelope."""

    request: Request
    envelope: Envelope

    @property
    def org(self) -> Org:
        """The org that is asked."""
        org: Org = self.request.state.org
        return org

    @property
    def clients(self) -> Clients:
        """The register of the org's clients."""
        clients: Clients = self.request.state.context.clients
        return clients

    @property
    def version(self) -> str:
        """The API version in the path."""
        version: str = self.request.path_params["version"]
        return version

    @property
    def session(self) -> Session:
        """The caller."""
        return self.envelope.session(self.org, self.version)

    def admit(self) -> None:
        """Let pass whoever is logged in.

        :raises OrgError: ``INVALID_SESSION_ID`` for anybody else.
        """
        self.envelope.session(self.org, self.version)

    @property
    def all_or_none(self) -> bool:
        """Whether ``AllOrNoneHeader`` wants one bad record to undo the others."""
        return truth(self.envelope.header.get("allOrNone"))

    def text(self, name: str) -> str:
        """Return a simple argument, blank where it is not given."""
        return self.envelope.arguments.get(name, "").strip()

    def texts(self, name: str) -> list[str]:
        """Return a simple argument that may be given several times.

        :raises OrgError: ``EXCEEDED_ID_LIMIT``.
        """
        return [(each.text or "").strip() for each in self.each(name)]

    def each(self, name: str) -> list[etree._Element]:
        """Return the elements of an argument.

        :raises OrgError: ``EXCEEDED_ID_LIMIT`` when they are more than a call takes.
        """
        found = [e for e in self.envelope.element.iterfind(f"{{*}}{name}") if not is_nil(e)]
        if len(found) > MOST_RECORDS:
            text = f"record limit reached. cannot submit more than {MOST_RECORDS} records into this call"
            raise OrgError("EXCEEDED_ID_LIMIT", text)
        return found


Operation = Callable[[Call], str]
"""Does a call and returns the content of its response element."""


def truth(text: str | None, *, default: bool = False) -> bool:
    """Read an ``xsd:boolean``."""
    return default if not text else text.strip().lower() in ("true", "1")


def is_nil(element: etree._Element) -> bool:
    """Whether the element says that it has no value."""
    return truth(element.get(_XSI_NIL))
