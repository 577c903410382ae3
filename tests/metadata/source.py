"""The project's metadata files as a gate reads them, and what a gate has to say about one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lxml import etree

from local_org.metadata.markup import Problem, XmlFile, children, tag, text
from speed_to_lead.cci.source_format import CHILDREN
from tests.metadata.packing import DEFAULT

PACKAGE = "force-app"
BUNDLES = "unpackaged"


@dataclass(frozen=True, order=True, slots=True)
class Finding:
    """One fault: where it is, by which rule, and what is wrong. ``path`` is below the project."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule} {self.message}"


class Source:
    """One metadata file of a project."""

    def __init__(self, project: Path, path: Path) -> None:
        self.path = path
        self.name = path.name.split(".")[0]
        """The component's name, as its file says it."""
        self.shown = path.relative_to(project).as_posix()
        self.body = path.read_bytes()

    @cached_property
    def xml(self) -> XmlFile:
        """The file, parsed.

        :raises Problem: it is not well-formed.
        """
        return XmlFile(self.body)

    @property
    def root(self) -> etree._Element:
        """Its root element."""
        return self.xml.root

    @property
    def kind(self) -> str:
        """Its metadata type, as its root element says it."""
        return tag(self.root)

    @property
    def owner(self) -> str:
        """The object whose part it is: ``Lead`` of ``objects/Lead/fields/X__c``."""
        return self.path.parent.parent.name

    def text(self, path: str) -> str:
        """Return the text at a path of names, empty when there is none."""
        return text(self.root, path) or ""

    def each(self, name: str) -> Iterator[etree._Element]:
        """Return every element of this name, at any depth, in the order of the file."""
        return self.root.iter(f"{{*}}{name}")

    def finding(
        self, rule: str, message: str, at: etree._Element | str | int | None = None
    ) -> Finding:
        """Return a finding at an element, at the first one of a name, or at a line; else line 1."""
        if isinstance(at, str):
            at = next(self.each(at), None)
        line = self.xml.position(at)[0] if isinstance(at, etree._Element) else at or 1
        return Finding(self.shown, line, rule, message)


class Part(Source):
    """One field, rule or view inside the file of its object, as the Metadata API writes it."""

    def __init__(self, project: Path, whole: Source, element: etree._Element, kind: str) -> None:
        super().__init__(project, whole.path)
        self.xml = whole.xml
        self.name = text(element, "fullName") or ""
        self._element = element
        self._kind = kind

    @property
    def root(self) -> etree._Element:
        """Its element."""
        return self._element

    @property
    def kind(self) -> str:
        """Its metadata type."""
        return self._kind

    @property
    def owner(self) -> str:
        """The object in whose file it stands."""
        return self.path.name.split(".")[0]

    def finding(
        self, rule: str, message: str, at: etree._Element | str | int | None = None
    ) -> Finding:
        """Return a finding at an element or line, else where the part begins."""
        if isinstance(at, str):
            at = next(self.each(at), None)
        return super().finding(rule, message, self._element if at is None else at)


def sources(project: Path) -> list[Source]:
    """Return every metadata file of the package and of the bundles beside it, by path."""
    return [
        source
        for tree in (PACKAGE, BUNDLES)
        for path in sorted((project / tree).rglob("*"))
        if path.is_file() and (source := Source(project, path)).body.lstrip().startswith(b"<")
    ]


def readable(project: Path, *kinds: str) -> list[Source]:
    """Return the well-formed files, but for manifests; ``xml`` names the others.

    Of given types it returns the components: also those that stand in the file of their object.
    """
    found: list[Source] = []
    for source in sources(project):
        try:
            kind = source.kind
        except Problem:
            continue
        if kind in kinds if kinds else kind != "Package":
            found.append(source)
        if kinds and kind == "CustomObject":
            found += [
                Part(project, source, element, part)
                for name, part in CHILDREN.items()
                for element in children(source.root, name)
                if part in kinds
            ]
    return found


def packaged(project: Path, pattern: str) -> list[Source]:
    """Return the package's files of a pattern below ``main/default``, by path."""
    return [Source(project, path) for path in sorted((project / DEFAULT).glob(pattern))]
