"""How a metadata file is written: as the platform retrieves it, so that a diff shows what changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from lxml import etree

from local_org.metadata.markup import children, tag, text
from tests.metadata.source import Finding, Source, readable

HEADER = b'<?xml version="1.0" encoding="UTF-8"?>\n'
INDENT = "    "
BASE_FIRST = ("fullName",)
FLOW_FIRST = ("processMetadataValues", "description", "name", "elementSubtype", "label")
"""Elements that stand before all others: those that a type takes over from its base type."""
FLOW_PLACE = ("locationX", "locationY")
KEYS = {
    "customPermissions": "name",
    "fieldPermissions": "field",
    "objectPermissions": "object",
    "tabSettings": "tab",
    "userPermissions": "name",
}
"""Repeated elements that are a set: the platform writes them by this element."""
_MARKUP = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?]]>|<\?.*?\?>|<[^>]*>", re.DOTALL)


def order(project: Path) -> Iterator[Finding]:
    """Elements stand by name, ``fullName`` first; permissions stand by what they permit."""
    for source in readable(project):
        for parent in source.root.iter("{*}*"):
            listed = [each for each in children(parent) if etree.QName(each).namespace]
            for one, next_ in pairwise(listed):
                if _place(source.kind, parent, next_) < _place(source.kind, parent, one):
                    yield source.finding("order", _misplaced(one, next_), next_)


def _place(kind: str, parent: etree._Element, element: etree._Element) -> tuple[int, str, str]:
    name = tag(element)
    first: tuple[str, ...] = BASE_FIRST
    if kind == "Flow" and parent.getparent() is not None:
        first = (*FLOW_FIRST, *FLOW_PLACE)
    rank = first.index(name) if name in first else len(first)
    return rank, name, text(element, KEYS[name]) or "" if name in KEYS else ""


def _misplaced(one: etree._Element, other: etree._Element) -> str:
    if tag(one) == tag(other):
        key = KEYS[tag(one)]
        return f"{text(other, key)} stands before {text(one, key)}: {tag(one)} are written by {key}"
    return f"Element {tag(other)} stands before {tag(one)}: elements are written by name"


def layout(project: Path) -> Iterator[Finding]:
    """Give the header, four spaces a level, one element a line, and one newline at the end."""
    for source in readable(project):
        if not source.body.startswith(HEADER):
            yield source.finding("format", f"the first line is not {HEADER.decode().strip()}")
        if not source.body.endswith(b">\n"):
            yield source.finding(
                "format", "the file does not end in one newline", len(source.body.splitlines())
            )
        yield from _lines(source)
        yield from _indents(source)


def _lines(source: Source) -> Iterator[Finding]:
    for number, line in enumerate(source.body.split(b"\n"), 1):
        if line.endswith(b"\r"):
            yield source.finding("format", "the line ends in a carriage return", number)
        elif line != line.rstrip():
            yield source.finding("format", "the line ends in blanks", number)


def _indents(source: Source) -> Iterator[Finding]:
    """Yield tags that begin a line at the wrong depth, or that should begin one."""
    content = source.body.decode("utf-8", "replace")
    depth = 0
    opened = False
    for match in _MARKUP.finditer(content):
        markup = match[0]
        if markup.startswith(("<?", "<![")):
            continue
        closing = markup.startswith("</")
        depth -= closing
        before = content[content.rfind("\n", 0, match.start()) + 1 : match.start()]
        leaf = closing and opened
        if not leaf and before != INDENT * depth:
            said = f"expected {markup.split()[0].strip('<>/')} on a line of its own, {4 * depth} in"
            yield source.finding("format", said, content.count("\n", 0, match.start()) + 1)
        if not markup.startswith("<!"):
            opened = not closing and not markup.endswith("/>")
            depth += opened
