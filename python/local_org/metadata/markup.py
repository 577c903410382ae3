"""Metadata XML: safe to read, and every element can tell where in its file it stands.

No entity is resolved, no document type is accepted, nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy

from lxml import etree

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
_DEFAULT: dict[str | None, str] = {None: NAMESPACE}
_MARKUP = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?]]>|<\?.*?\?>"
    r"|<(?P<close>/)?(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>",
    re.DOTALL,
)


class Problem(Exception):
    """One thing that is wrong with one component, in the platform's words.

    ``element`` is what is to blame, if it is a place in the file; ``position`` is line and column,
    from 1, of what could not even be parsed.
    """

    def __init__(
        self,
        message: str,
        element: etree._Element | None = None,
        position: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.element = element
        self.position = position


class XmlFile:
    """One XML file of a package."""

    def __init__(self, body: bytes) -> None:
        """Read ``body``.

        :raises Problem: it is not well-formed, or brings a document type of its own.
        """
        self.body = body
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        try:
            self.root = etree.fromstring(body, parser)
        except etree.XMLSyntaxError as error:
            line, column = error.position
            raise Problem(f"Error parsing file: {error.msg}", position=(line, column)) from error
        self._info = self.root.getroottree().docinfo
        if self._info.doctype:  # type: ignore[union-attr]  # unknown to the stubs
            raise Problem("Error parsing file: DOCTYPE is not allowed", position=(1, 1))

    def position(self, element: etree._Element) -> tuple[int, int]:
        """Return line and column, from 1, of the element's start tag."""
        order = next(n for n, each in enumerate(self.root.iter("{*}*")) if each is element)
        text = self.body.decode(self._info.encoding or "utf-8", "replace")
        starts = (m.start() for m in _MARKUP.finditer(text) if _is_start(m))
        at = next(start for n, start in enumerate(starts) if n == order)
        line_start = text.rfind("\n", 0, at) + 1
        return text.count("\n", 0, at) + 1, at - line_start + 1


def _is_start(match: re.Match[str]) -> bool:
    return match["close"] is None and match[0][1] not in "!?"


def tag(element: etree._Element) -> str:
    """Return the element's name without its namespace."""
    return etree.QName(element).localname


def children(element: etree._Element, name: str | None = None) -> Iterator[etree._Element]:
    """Return the child elements, all or those of one name; comments are no elements."""
    return (e for e in element if isinstance(e.tag, str) and (name is None or tag(e) == name))


def child(element: etree._Element, name: str) -> etree._Element | None:
    """Return the first child of this name, or None."""
    return next(children(element, name), None)


def first_or_self(element: etree._Element, name: str) -> etree._Element:
    """Return the first child of this name, or the element itself: a place to blame."""
    found = child(element, name)
    return element if found is None else found


def text(element: etree._Element, path: str) -> str | None:
    """Return the text at a path of names; None when an element is absent, not when it is empty."""
    found: etree._Element | None = element
    for name in path.split("/"):
        if found is None:
            return None
        found = child(found, name)
    return None if found is None else (found.text or "").strip()


def texts(element: etree._Element, name: str) -> list[str]:
    """Return the texts of all children of this name."""
    return [(each.text or "").strip() for each in children(element, name)]


def flag(element: etree._Element, path: str, default: bool = False) -> bool:
    """Return the boolean at a path of names."""
    found = text(element, path)
    return default if found is None else found in ("true", "1")


def new(name: str) -> etree._Element:
    """Return an empty element in the metadata namespace, which is its default one."""
    return etree.Element(f"{{{NAMESPACE}}}{name}", nsmap=_DEFAULT)  # type: ignore[arg-type]


def add(parent: etree._Element, name: str, value: object = None) -> etree._Element:
    """Append a child with this text; booleans are written in XML's way."""
    made = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    if value is not None:
        made.text = str(value).lower() if isinstance(value, bool) else str(value)
    return made


def renamed(element: etree._Element, name: str) -> etree._Element:
    """Return a copy of the element under another name: ``fields`` as a ``CustomField``."""
    made = new(name)
    made.text = element.text
    made.extend(deepcopy(each) for each in element)
    return made


def written(element: etree._Element) -> bytes:
    """Return the element as a file: declared UTF-8, indented by four, ending in a newline."""
    twin = deepcopy(element)
    twin.tail = None
    etree.indent(twin, "    ")
    etree.cleanup_namespaces(twin)
    body = etree.tostring(twin, encoding="UTF-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body + b"\n"
