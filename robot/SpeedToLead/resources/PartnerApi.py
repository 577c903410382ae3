"""Calls that only the Partner SOAP API has, on whatever org the suites run against."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

import requests
from lxml import etree
from robot.api.deco import keyword, library
from robot.libraries.BuiltIn import BuiltIn

_VERSION = "64.0"
"""The last version whose ``login()`` exists. Source: SOAP API Developer Guide, "login()"."""
_ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:urn="urn:partner.soap.sforce.com" xmlns:obj="urn:sobject.partner.soap.sforce.com"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<soapenv:Header>{header}</soapenv:Header><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"""
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True)
_SECONDS = 60


class SoapRefusal(AssertionError):
    """The org answered with a fault, or did not do what was asked; the text is the org's own."""

    ROBOT_SUPPRESS_NAME = True


@library(scope="GLOBAL")
class PartnerApi:
    """Merges and converts Leads, logs users in, tells the time of the org.

    Works by the session that CumulusCI has with the org; certificates come from the environment
    (``REQUESTS_CA_BUNDLE``), as for CumulusCI itself.
    """

    @keyword
    def merge_leads(self, survivor: str, *others: str) -> None:
        """Merges one or two Leads into the survivor, which keeps its own values.

        Example:
        | Merge Leads | ${survivor} | ${other} |
        """
        losers = "".join(
            f"<urn:recordToMergeIds>{escape(each)}</urn:recordToMergeIds>" for each in others
        )
        master = f"<obj:type>Lead</obj:type><obj:Id>{escape(survivor)}</obj:Id>"
        self._done(
            f'<urn:merge><urn:request><urn:masterRecord xsi:type="obj:sObject">{master}'
            f"</urn:masterRecord>{losers}</urn:request></urn:merge>"
        )

    @keyword
    def convert_lead(self, lead: str, status: str) -> dict[str, str]:
        """Converts a Lead to a new Account and Contact, without an Opportunity.

        ``status`` is one that the org calls converted. Returns the ids as ``account`` and ``contact``.
        """
        result = self._done(
            f"<urn:convertLead><urn:leadConverts><urn:convertedStatus>{escape(status)}"
            "</urn:convertedStatus><urn:doNotCreateOpportunity>true</urn:doNotCreateOpportunity>"
            f"<urn:leadId>{escape(lead)}</urn:leadId>"
            "<urn:overwriteLeadSource>false</urn:overwriteLeadSource>"
            "<urn:sendNotificationEmail>false</urn:sendNotificationEmail>"
            "</urn:leadConverts></urn:convertLead>"
        )
        return {each: _text(result, f"{each}Id") for each in ("account", "contact")}

    @keyword
    def org_time(self) -> str:
        """Returns the org's own time in whole seconds, as its REST API writes times."""
        moment = _text(self._call("<urn:getServerTimestamp/>"), "timestamp")
        return f"{moment[:19]}.000+0000"

    @keyword
    def log_in(self, username: str, password: str) -> str:
        """Logs a user in by name and password and returns the id of the session.

        Fails with the org's words; newer orgs allow it only when an administrator has switched on
        "Enable SOAP API login()" in Setup, User Interface.
        """
        names = f"<urn:username>{escape(username)}</urn:username>"
        secret = f"<urn:password>{escape(password)}</urn:password>"
        login = f"<urn:login>{names}{secret}</urn:login>"
        return _text(self._call(login, in_session=False), "sessionId")

    # -- the wire ---------------------------------------------------------------------------------

    def _done(self, body: str) -> etree._Element:
        """Return the result of a call that must succeed."""
        result = self._call(body)
        if _text(result, "success") != "true":
            raise SoapRefusal(f"{_text(result, 'statusCode')}: {_text(result, 'message')}")
        return result

    def _call(self, body: str, *, in_session: bool = True) -> etree._Element:
        org: Any = BuiltIn().get_library_instance("cumulusci.robotframework.CumulusCI").org
        header = f"<urn:sessionId>{escape(org.access_token)}</urn:sessionId>" if in_session else ""
        if header:
            header = f"<urn:SessionHeader>{header}</urn:SessionHeader>"
        answer = requests.post(
            f"{org.instance_url.rstrip('/')}/services/Soap/u/{_VERSION}",
            data=_ENVELOPE.format(header=header, body=body).encode(),
            headers={"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'},
            timeout=_SECONDS,
        )
        root = etree.fromstring(answer.content, _PARSER)
        if root.find(".//{*}Fault") is not None:
            raise SoapRefusal(_text(root, "faultstring"))
        return root


def _text(root: etree._Element, name: str) -> str:
    """Return the text of the first element of this name; blank when there is none."""
    return (root.findtext(f".//{{*}}{name}") or "").strip()
