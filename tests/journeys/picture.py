"""Everything that can be seen of an org from outside: its metadata, its descriptions, its rows.

Two pictures of one org are equal when nothing that anybody could find has changed in between.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

import httpx
from lxml import etree

from speed_to_lead.demo.actors import API, Actor
from speed_to_lead.demo.processes import LocalOrg

_META = "http://soap.sforce.com/2006/04/metadata"
_ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="{ns}">
<soapenv:Header><SessionHeader><sessionId>{token}</sessionId></SessionHeader></soapenv:Header>
<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"""
_TOOLING = ("CustomField", "ValidationRule", "PlatformEventChannel", "PlatformEventChannelMember")
Picture = dict[str, dict[str, Any]]
"""Part of the org → name of a thing → what is seen of it."""


def picture(
    org: LocalOrg, http: httpx.Client, admin: Actor, *, without: Collection[str] = ()
) -> Picture:
    """Return what the administrator can see: ``metadata``, ``describe``, ``tooling`` and ``rows``.

    Fields named in ``without`` are left out of the rows.
    """
    names = [each["name"] for each in admin.call("GET", f"{API}/sobjects")["sobjects"]]
    describes = {name: admin.call("GET", f"{API}/sobjects/{name}/describe") for name in names}
    listed = _Listing(org, http).components()
    return {
        "metadata": {f"{kind} {name}": record_id for kind, name, record_id in listed},
        "describe": describes,
        "tooling": {name: _tooling(admin, name) for name in _TOOLING},
        "rows": {name: _rows(admin, each, without) for name, each in describes.items()},
    }


def differences(before: Picture, after: Picture) -> list[str]:
    """Return, for each part, the things that are not what they were; empty for equal pictures."""
    return [
        f"{part}: {name}: {_short(before[part].get(name))} became {_short(after[part].get(name))}"
        for part in before
        for name in sorted(before[part].keys() | after[part].keys())
        if before[part].get(name) != after[part].get(name)
    ]


def _short(thing: Any) -> str:
    return json.dumps(thing)[:300]


def _rows(admin: Actor, describe: dict[str, Any], without: Collection[str]) -> dict[str, Any]:
    """Return every row with every field, by its id."""
    assert describe["queryable"], f"{describe['name']} cannot be looked at"
    fields = [field["name"] for field in describe["fields"] if field["name"] not in without]
    found = admin.query(f"SELECT {', '.join(fields)} FROM {describe['name']}")
    return {each["Id"]: {n: v for n, v in each.items() if n != "attributes"} for each in found}


def _tooling(admin: Actor, entity: str) -> list[str]:
    page = admin.call("GET", f"{API}/tooling/query", q=f"SELECT Id FROM {entity}")
    assert page["done"], f"more {entity} than one page"
    return sorted(each["Id"] for each in page["records"])


class _Listing:
    """``describeMetadata`` and ``listMetadata`` as any client of the Metadata API sends them."""

    def __init__(self, org: LocalOrg, http: httpx.Client) -> None:
        self._org, self._http = org, http

    def components(self) -> Iterator[tuple[str, str, str]]:
        """Yield type, full name and id of every component of every type the org knows."""
        described = self._call(
            "<describeMetadata><asOfVersion>66.0</asOfVersion></describeMetadata>"
        )
        for kind in described.iterfind(f".//{{{_META}}}metadataObjects"):
            name = kind.findtext(f"{{{_META}}}xmlName", "")
            yield from self._of(name)
            for child in kind.iterfind(f"{{{_META}}}childXmlNames"):
                yield from self._of(child.text or "")
            if kind.findtext(f"{{{_META}}}inFolder") == "true":
                for folder in list(self._of(f"{name}Folder")):
                    yield folder
                    yield from self._of(name, folder[1])

    def _of(self, kind: str, folder: str = "") -> Iterator[tuple[str, str, str]]:
        where = f"<folder>{folder}</folder>" if folder else ""
        answer = self._call(
            f"<listMetadata><queries>{where}<type>{kind}</type></queries>"
            "<asOfVersion>66.0</asOfVersion></listMetadata>"
        )
        for each in answer.iterfind(f".//{{{_META}}}result"):
            name = each.findtext(f"{{{_META}}}fullName", "")
            yield (kind, name, each.findtext(f"{{{_META}}}id", ""))

    def _call(self, body: str) -> etree._Element:
        answer = self._http.post(
            f"{self._org.instance_url}/services/Soap/m/66.0",
            content=_ENVELOPE.format(ns=_META, token=self._org.access_token, body=body),
            headers={"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'},
        )
        assert answer.is_success, answer.text
        return etree.fromstring(answer.content)
