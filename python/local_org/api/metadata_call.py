"""One call of the Metadata SOAP API: who asks what, and how its envelope is read.

Names of elements may begin with either case: clients differ.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from local_org.api.soap import Envelope
from local_org.org import Org, Session


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request."""

    org: Org
    session: Session
    envelope: Envelope
    version: str

    def argument(self, name: str) -> str:
        """Return an argument, or nothing."""
        return text_of(self.envelope.element, name)

    def arguments(self, name: str) -> list[str]:
        """Return an argument that may repeat."""
        return texts_of(self.envelope.element, name)


class Markup(str):
    """The content of a response element that is written already."""

    __slots__ = ()


def children_of(element: etree._Element | None, *names: str) -> list[etree._Element]:
    """Return the children of these names."""
    wanted = {name[:1].lower() + name[1:] for name in names}
    return [
        each
        for each in (() if element is None else element)
        if (tag := etree.QName(each).localname) and tag[:1].lower() + tag[1:] in wanted
    ]


def child_of(element: etree._Element | None, *names: str) -> etree._Element | None:
    """Return the first child of these names, or None."""
    return next(iter(children_of(element, *names)), None)


def texts_of(element: etree._Element | None, name: str) -> list[str]:
    """Return the texts of the children of this name."""
    return [(each.text or "").strip() for each in children_of(element, name)]


def text_of(element: etree._Element | None, name: str) -> str:
    """Return the text of the first child of this name, or nothing."""
    return next(iter(texts_of(element, name)), "")
