"""Source format to Metadata API format, without Node: what ``sf project convert source`` writes.

A source tree keeps one file per field and rule; the Metadata API takes one file per object and a
``package.xml`` that names every component. A test holds both converters to byte-identical trees.
"""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from lxml import etree

from speed_to_lead.errors import UsageError

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_INDENT = "    "
_QUOTES = {'"': "&quot;", "'": "&apos;"}
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
_META = "-meta.xml"

TYPES = {
    "customPermission": "CustomPermission",
    "dashboard": "Dashboard",
    "flow": "Flow",
    "layout": "Layout",
    "md": "CustomMetadata",
    "object": "CustomObject",
    "permissionset": "PermissionSet",
    "permissionsetgroup": "PermissionSetGroup",
    "platformEventChannel": "PlatformEventChannel",
    "platformEventChannelMember": "PlatformEventChannelMember",
    "queue": "Queue",
    "report": "Report",
    "reportType": "ReportType",
    "settings": "Settings",
}
"""Metadata type of each file suffix that needs nothing but a new name."""

FOLDERS = {"reportFolder": "Report", "dashboardFolder": "Dashboard"}
"""Folder files: listed under the type of what they hold, with a trailing slash."""

CHILDREN = {
    "compactLayouts": "CompactLayout",
    "fields": "CustomField",
    "listViews": "ListView",
    "recordTypes": "RecordType",
    "validationRules": "ValidationRule",
}
"""What an object's folder is decomposed into: the element in the object file, and its type."""


@dataclass(frozen=True, slots=True)
class _Component:
    type: str
    name: str


def convert(project: Path, target: Path) -> list[Path]:
    """Write every package directory of the project into ``target``; return the files written.

    ``target`` is emptied first.

    :raises UsageError: a file is not well-formed, or its suffix belongs to no type known here.
    """
    settings = json.loads((project / "sfdx-project.json").read_text(encoding="utf-8"))
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    components: list[_Component] = []
    written: list[Path] = []
    for directory in settings["packageDirectories"]:
        for root in sorted((project / directory["path"]).glob("**/default")):
            for component, out in _convert_root(root, target):
                components.append(component)
                written.append(out)
    manifest = target / "package.xml"
    manifest.write_text(_manifest(components, settings["sourceApiVersion"]), encoding="utf-8")
    return [*dict.fromkeys(written), manifest]


def _convert_root(root: Path, target: Path) -> Iterator[tuple[_Component, Path]]:
    for source in sorted(root.rglob(f"*{_META}")):
        relative = source.relative_to(root)
        if relative.parts[0] != "objects":
            yield _copy(source, relative, target)
    for folder in sorted(path for path in (root / "objects").glob("*") if path.is_dir()):
        out = target / "objects" / f"{folder.name}.object"
        for component in _compose(folder, out):
            yield component, out


def _copy(source: Path, relative: Path, target: Path) -> tuple[_Component, Path]:
    stem, _, suffix = relative.name.removesuffix(_META).rpartition(".")
    if suffix in FOLDERS:
        out = target / relative.with_name(f"{stem}{_META}")
        component = _Component(FOLDERS[suffix], f"{stem}/")
    elif suffix in TYPES:
        out = target / relative.with_name(f"{stem}.{suffix}")
        component = _Component(TYPES[suffix], "/".join((*relative.parts[1:-1], stem)))
    else:
        raise UsageError(f"{source}: no metadata type has files named *.{suffix}{_META}")
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, out)
    return component, out


def _compose(folder: Path, out: Path) -> Iterator[_Component]:
    own = folder / f"{folder.name}.object{_META}"
    body: dict[str, list[etree._Element]] = defaultdict(list)
    if own.exists():
        yield _Component("CustomObject", folder.name)
        for element in _root(own):
            body[etree.QName(element).localname].append(element)
    for element_name, type_name in CHILDREN.items():
        for source in sorted((folder / element_name).glob(f"*{_META}")):
            body[element_name].append(_root(source))
            yield _Component(type_name, f"{folder.name}.{source.name.split('.')[0]}")
    lines = [f'{_HEAD}<CustomObject xmlns="{NAMESPACE}">']
    for name in sorted(body):
        lines += [_element(element, name, 1) for element in body[name]]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join([*lines, "</CustomObject>", ""]), encoding="utf-8")


def _root(path: Path) -> etree._Element:
    try:
        return etree.parse(str(path), _PARSER).getroot()
    except etree.XMLSyntaxError as error:
        raise UsageError(f"{path}:{error.lineno}: not well-formed: {error.msg}") from error


def _element(element: etree._Element, name: str, depth: int) -> str:
    pad = _INDENT * depth
    children = list(element)
    if not children:
        text = escape(element.text or "", _QUOTES)
        return f"{pad}<{name}>{text}</{name}>" if text else f"{pad}<{name}/>"
    inner = [_element(child, etree.QName(child).localname, depth + 1) for child in children]
    return "\n".join([f"{pad}<{name}>", *inner, f"{pad}</{name}>"])


def _manifest(components: list[_Component], version: str) -> str:
    members: dict[str, set[str]] = defaultdict(set)
    for component in components:
        members[component.type].add(component.name)
    lines = [f'{_HEAD}<Package xmlns="{NAMESPACE}">']
    for type_name in sorted(members):
        lines.append(f"{_INDENT}<types>")
        lines += [f"{_INDENT * 2}<members>{name}</members>" for name in sorted(members[type_name])]
        lines += [f"{_INDENT * 2}<name>{type_name}</name>", f"{_INDENT}</types>"]
    return "\n".join([*lines, f"{_INDENT}<version>{version}</version>", "</Package>", ""])
