"""The zip of a deploy: its manifests and its components, wherever its root may be.

Rules 17 and 18 of facts/real-clients.md section 6. A zip is untrusted: the number of entries and
the size of each are bounded, and a name that leaves the zip is refused.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field

from lxml import etree

from local_org.metadata.markup import Problem, XmlFile, add, children, new, tag, text, texts
from local_org.metadata.types import (
    CHILD_TYPES,
    TYPES,
    MetadataType,
    by_directory,
    child_name,
)

MAX_ENTRIES = 10_000
MAX_BYTES = 400 * 1024 * 1024
"""Uncompressed size of one package. Source: Metadata API limits, 10,000 files and about 400 MB."""
_META = "-meta.xml"
_DESTRUCTIVE = ("destructiveChangesPre.xml", "destructiveChanges.xml")
_DESTRUCTIVE_AFTER = "destructiveChangesPost.xml"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a package.xml or destructiveChanges.xml names, in its order; folders without slash."""

    types: tuple[tuple[str, tuple[str, ...]], ...] = ()
    full_name: str | None = None
    version: str | None = None

    def members(self) -> Iterator[tuple[str, str]]:
        """Every named (type, member)."""
        return ((name, member) for name, members in self.types for member in members)


@dataclass(frozen=True, slots=True)
class Component:
    """One component of a package. ``element`` stands in ``source``; the type is its own."""

    type_name: str
    full_name: str
    file_name: str
    element: etree._Element
    source: XmlFile
    content: bytes | None = None
    """What stands in a file of its own, where ``source`` only tells of it."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package as read: its manifests, its files by name below its root, and that root."""

    manifest: Manifest
    files: dict[str, bytes]
    root: str = ""
    before: tuple[tuple[str, Manifest], ...] = ()
    """Destructive manifests to obey first, by file name."""
    after: tuple[tuple[str, Manifest], ...] = field(default=())


def read_package(body: bytes) -> Package:
    """Read a zip.

    :raises Problem: it is no zip, breaks a bound, or holds no package.xml.
    """
    files = _unzip(body)
    root = _root(files)
    if root is None:
        raise Problem("No package.xml found")
    own = {name.removeprefix(root): body for name, body in files.items() if name.startswith(root)}
    manifest = read_manifest(own.pop("package.xml"))
    before = tuple((n, read_manifest(own.pop(n))) for n in _DESTRUCTIVE if n in own)
    after = tuple((n, read_manifest(own.pop(n))) for n in (_DESTRUCTIVE_AFTER,) if n in own)
    return Package(manifest, own, root, before, after)


def _unzip(body: bytes) -> dict[str, bytes]:
    """Return the files of a zip by name, directories left out."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(body))
    except zipfile.BadZipFile as error:
        raise Problem("The zip file is not valid") from error
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > MAX_ENTRIES or sum(e.file_size for e in entries) > MAX_BYTES:
            raise Problem("Maximum size of request reached. Maximum size of request is 400 MB")
        for entry in entries:
            if entry.filename.startswith("/") or ".." in entry.filename.split("/"):
                raise Problem(f"Invalid file name in zip: {entry.filename}")
        try:
            return {entry.filename: archive.read(entry) for entry in entries}
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise Problem("The zip file is not valid") from error


def _root(files: Iterable[str]) -> str | None:
    """Return the folder of the topmost package.xml, with its slash; None when there is none."""
    folders = [name.removesuffix("package.xml") for name in files if _is_manifest(name)]
    return min(folders, key=lambda folder: folder.count("/"), default=None)


def _is_manifest(name: str) -> bool:
    folder, _, base = name.rpartition("/")
    return base == "package.xml" and "/" not in folder


def read_manifest(body: bytes) -> Manifest:
    """Read a package.xml.

    :raises Problem: it is not well-formed, or not a ``Package``.
    """
    root = XmlFile(body).root
    if tag(root) != "Package":
        raise Problem(f"Element {tag(root)} invalid at this location in type Package", root)
    types = tuple(
        (text(block, "name") or "", tuple(m.rstrip("/") for m in texts(block, "members")))
        for block in children(root, "types")
    )
    return Manifest(types, text(root, "fullName") or None, text(root, "version"))


def write_manifest(
    types: dict[str, list[str]], version: str, full_name: str | None
) -> etree._Element:
    """Compose a package.xml; types and members in the order of their names."""
    root = new("Package")
    if full_name:
        add(root, "fullName", full_name)
    for name in sorted(types):
        block = add(root, "types")
        for member in sorted(types[name]):
            add(block, "members", member)
        add(block, "name", name)
    add(root, "version", version)
    return root


def components_in(file_name: str, files: Mapping[str, bytes]) -> list[Component]:
    """Read the components of one file; none when its directory belongs to no type we know.

    :raises Problem: the file is not well-formed, or the one that tells of it is not there.
    """
    directory, _, rest = file_name.partition("/")
    kind = by_directory(directory)
    if kind is None or not rest:
        return []
    if _is_folder(kind, rest):
        source = XmlFile(files[file_name])
        name = rest.removesuffix(_META)
        return [Component(kind.folder_type or "", name, file_name, source.root, source)]
    if not kind.supported or not rest.endswith(f".{kind.suffix}"):
        return []
    name = rest.removesuffix(f".{kind.suffix}")
    if kind.meta_file:
        beside = file_name + _META
        if beside not in files:
            raise Problem(f"{beside} was not found in the zipped directory")
        source = XmlFile(files[beside])
        return [Component(kind.name, name, file_name, source.root, source, files[file_name])]
    return _components(kind, name, file_name, XmlFile(files[file_name]))


def _is_folder(kind: MetadataType, rest: str) -> bool:
    """Tell whether a file below the type's directory tells of a folder."""
    return (
        kind.folder_type is not None
        and rest.endswith(_META)
        and not rest.endswith(f".{kind.suffix}{_META}")
    )


def _components(kind: MetadataType, name: str, file_name: str, source: XmlFile) -> list[Component]:
    """Return the component of a file, then the children decomposed from it."""
    found = [Component(kind.name, name, file_name, source.root, source)]
    for element_name, child_type in kind.children:
        for element in children(source.root, element_name):
            own = child_name(name, text(element, "fullName") or "")
            found.append(Component(child_type, own, file_name, element, source))
    return found


def unsupported_in(
    package: Package, kind: str, members: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """Yield (full name, file name) of the named components whose type this org does not support."""
    if kind not in TYPES or TYPES[kind].supported:
        return
    for file_name in package.files:
        name = full_name_of(file_name)[1]
        ours = file_name == TYPES[kind].file_name(name)
        if ours and ("*" in members or name in members):
            yield name, file_name


def full_name_of(file_name: str) -> tuple[str, str]:
    """Return the (type, full name) that a file's path tells, for a failure to read it."""
    directory, _, rest = file_name.partition("/")
    kind = by_directory(directory)
    if kind is None:
        return "", file_name
    return kind.name, rest.removesuffix(f".{kind.suffix}")


def owner_of(component: Component) -> str:
    """Return the object a child component belongs to: ``Lead`` of ``Lead.X__c``."""
    return component.full_name.split(".", 1)[0]


def own_name(component: Component) -> str:
    """Return the name of a child component within its object: ``X__c`` of ``Lead.X__c``."""
    return component.full_name.split(".", 1)[-1]


def without_children(component: Component) -> etree._Element:
    """Return a container's own settings: its element without the children that are components."""
    own = new(component.type_name)
    kept = dict(TYPES[component.type_name].children)
    own.extend(copy(e) for e in children(component.element) if tag(e) not in kept)
    return own


def is_child(type_name: str) -> bool:
    """Whether components of this type stand inside another one's file."""
    return type_name in CHILD_TYPES
