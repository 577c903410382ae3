"""What the SOAP protocols of the org share: envelopes in, answers and faults out.

Requests are read by namespace, since prefixes are the client's own affair, and answers are written
without any: some clients look for bare element names.

Source: facts/real-clients.md 6, rules 11 to 15.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import escape

from lxml import etree
from starlette.requests import Request
from starlette.responses import Response

from local_org.api.orgs import enter
from local_org.errors import OrgError
from local_org.org import Org, Session

_SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
FAULT: Final = "urn:fault.partner.soap.sforce.com"
"""Namespace of the faults of the partner and of the metadata API."""
_CLIENT: Final = "Client"
_BAD_SESSION = OrgError(
    "INVALID_SESSION_ID", "Invalid Session ID found in SessionHeader: Illegal Session"
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One request: the first child of the Body decides, whatever ``SOAPAction`` says."""

    operation: str
    element: etree._Element
    token: str
    client: str
    header: Mapping[str, str]
    """Simple elements of the Header by name: ``allOrNone``, ``batchSize`` and the like."""

    @property
    def arguments(self) -> dict[str, str]:
        """The operation's simple arguments by name."""
        children = self.element.iterchildren(tag=etree.Element)
        return {etree.QName(each).localname: each.text or "" for each in children}

    def enter(self, request: Request) -> None:
        """Make the request one to the org whose session it bears."""
        enter(request, request.state.orgs.of_token(self.token))

    def session(self, org: Org, version: str) -> Session:
        """Return the caller.

        :raises OrgError: ``INVALID_SESSION_ID`` in the wording of SOAP.
        """
        try:
            return org.session(self.token, api=f"soap/{version}", client=self.client)
        except OrgError as error:
            raise (_BAD_SESSION if error.code == "INVALID_SESSION_ID" else error) from None


def read_envelope(body: bytes, operations: Collection[str]) -> Envelope:
    """Read an envelope, in which deploys carry texts of many megabytes.

    :raises OrgError: it is no envelope, or asks for an operation that is not served.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise OrgError(_CLIENT, f"XML is not well formed: {error.msg}") from None
    element = root.find(f"{{{_SOAP}}}Body/*")
    if element is None:
        raise OrgError(_CLIENT, "No operation in the Body of the envelope")
    name = etree.QName(element)
    if name.localname not in operations:
        found = f"{{{name.namespace or ''}}}{name.localname}"
        raise OrgError(_CLIENT, f"No operation available for request {found}")
    token = root.findtext(f"{{{_SOAP}}}Header//{{*}}sessionId") or ""
    client = root.findtext(f"{{{_SOAP}}}Header//{{*}}client") or ""
    options = root.iterfind(f"{{{_SOAP}}}Header/*/*")
    header = {etree.QName(each).localname: (each.text or "").strip() for each in options}
    return Envelope(name.localname, element, token.strip(), client.strip(), header)


def elements(name: str, value: Any) -> str:
    """Write a value: None is absent, a sequence repeats the element, a mapping nests.

    >>> elements("result", {"done": True, "id": None, "names": ["a", "b<"]})
    '<result><done>true</done><names>a</names><names>b&lt;</names></result>'
    """
    if value is None:
        return ""
    if isinstance(value, Mapping):
        content = "".join(elements(key, each) for key, each in value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str):
        return "".join(elements(name, each) for each in value)
    else:
        content = str(value).lower() if isinstance(value, bool) else escape(str(value))
    return f"<{name}>{content}</{name}>"


def answer(operation: str, content: str, namespace: str, sf: str) -> Response:
    """Answer an operation; ``namespace`` is the default one of the response element."""
    return _envelope(
        200, f'<{operation}Response xmlns="{namespace}">{content}</{operation}Response>', sf
    )


def fault(error: OrgError, sf: str, kind: str | None = None, more: str = "") -> Response:
    """500 with an unprefixed faultcode; a request that makes no sense is the client's fault.

    ``sf`` is the namespace of error codes; ``kind`` is the element of the detail, if there is one,
    and ``more`` what it holds beside code and message.
    """
    if error.code == _CLIENT:
        code, text, kind = "soapenv:Client", error.message, None
    else:
        code, text = f"sf:{error.code}", f"{error.code}: {error.message}"
    detail = (
        f'<detail><sf:{kind} xsi:type="sf:{kind}">'
        f"<sf:exceptionCode>{error.code}</sf:exceptionCode>"
        f"<sf:exceptionMessage>{escape(error.message)}</sf:exceptionMessage>"
        f"{more}</sf:{kind}></detail>"
    )
    return _envelope(
        500,
        f"<soapenv:Fault><faultcode>{code}</faultcode>"
        f"<faultstring>{escape(text)}</faultstring>{detail if kind else ''}</soapenv:Fault>",
        sf,
    )


def refusal(error: OrgError) -> Response:
    """Refuse a request before it is read, in the words of either SOAP API."""
    told = _BAD_SESSION if error.code == _BAD_SESSION.code else error
    return fault(told, FAULT, "UnexpectedErrorFault")


def _envelope(status: int, content: str, sf: str) -> Response:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<soapenv:Envelope xmlns:soapenv="{_SOAP}" xmlns:sf="{sf}" xmlns:xsi="{_XSI}">'
        f"<soapenv:Body>{content}</soapenv:Body></soapenv:Envelope>"
    )
    return Response(text, status, media_type="text/xml; charset=utf-8")
