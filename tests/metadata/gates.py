"""What a package must fulfil before it is deployed; each gate yields ``file: what is wrong``."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from local_org.metadata.elements import check, tables
from local_org.metadata.markup import Problem, XmlFile
from local_org.metadata.results import DeployOptions
from local_org.org import Org
from speed_to_lead.errors import UsageError
from tests.metadata.packing import DEFAULT, converted, zipped

NS = {"m": "http://soap.sforce.com/2006/04/metadata"}
CODE = re.compile(r"([A-Z]{3}-\d{3}): ")


def files(project: Path, pattern: str = "**/*-meta.xml") -> list[Path]:
    """Return the package's files of a pattern, by path."""
    return sorted((project / DEFAULT).glob(pattern))


def root_of(path: Path) -> etree._Element:
    """Return the root element of a well-formed file."""
    return XmlFile(path.read_bytes()).root


def texts(element: etree._Element, path: str) -> list[str]:
    """Return the texts at an XPath in the metadata namespace (``m:``)."""
    return [found.text or "" for found in element.iterfind(path, NS)]


def name(path: Path) -> str:
    """Return the component's name, as its file says it."""
    return path.name.split(".")[0]


def schema(project: Path) -> Iterator[str]:
    """Every element is one that its type may hold, with a value that it may have."""
    for path in files(project):
        source = None
        try:
            source = XmlFile(path.read_bytes())
            kind = etree.QName(source.root).localname
            if kind not in tables().types:
                yield f"{path.name}: {kind} is not a known type"
                continue
            check(source.root, kind)
        except Problem as problem:
            place = problem.position
            if source is not None and problem.element is not None:
                place = source.position(problem.element)
            yield f"{path.name}:{place[0] if place else '?'}: {problem.message}"


def cross_references(project: Path) -> Iterator[str]:
    """Whatever a component names exists in a fresh org or beside it: the org takes the package."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            package = zipped(converted(project, Path(folder) / "src"))
        except UsageError as error:
            yield str(error)
            return
    org = Org.open()
    admin = org.user("admin@local.test")
    assert admin is not None
    session = org.session(org.login(admin["Id"], "tests"), "soap/66.0")
    for failure in org.deploy(session, package, DeployOptions(check_only=True)).failures:
        yield f"{failure.full_name}: {failure.problem}"
    org.close()


def descriptions(project: Path) -> Iterator[str]:
    """Give each field one sentence as description and as help text, each role a description."""
    for path in files(project, "objects/*/fields/*"):
        root = root_of(path)
        said = texts(root, "m:description"), texts(root, "m:inlineHelpText")
        if said[0] != said[1] or len(said[0]) != 1:
            yield f"{path.name}: description and help text must be the same sentence"
        elif not said[0][0].endswith(".") or ". " in said[0][0]:
            yield f"{path.name}: expected one sentence"
    for path in files(project, "permissionsets/*") + files(project, "customPermissions/*"):
        if not "".join(texts(root_of(path), "m:description")).strip():
            yield f"{path.name}: a role needs a description"


def names(project: Path) -> Iterator[str]:
    """Components are named as their files, members of a channel as channel and event."""
    for path in files(project, "objects/*/*/*"):
        if texts(root_of(path), "m:fullName") != [name(path)]:
            yield f"{path.name}: fullName is not the file name"
    for path in files(project, "platformEventChannelMembers/*"):
        root = root_of(path)
        [channel], [event] = texts(root, "m:eventChannel"), texts(root, "m:selectedEntity")
        expected = f"{channel.replace('__', '_')}_{event}"
        if name(path) != expected:
            yield f"{path.name}: expected the name {expected}"


def codes(project: Path) -> Iterator[str]:
    """Each validation rule refuses with a code of its own, by which clients know it."""
    seen: dict[str, str] = {}
    for path in files(project, "objects/*/validationRules/*"):
        found = CODE.match("".join(texts(root_of(path), "m:errorMessage")))
        if found is None:
            yield f"{path.name}: the message must begin with a code such as 'STL-001: '"
        elif seen.setdefault(found[1], path.name) != path.name:
            yield f"{path.name}: code {found[1]} is already that of {seen[found[1]]}"


def grants(project: Path) -> Iterator[str]:
    """Somebody may see each field; nobody edits a formula; Task and Event are granted alike."""
    readable: set[str] = set()
    fields = {
        f"{path.parent.parent.name}.{name(path)}": path
        for path in files(project, "objects/*/fields/*")
    }
    formulas = {field for field, path in fields.items() if texts(root_of(path), "m:formula")}
    for path in files(project, "permissionsets/*"):
        root = root_of(path)
        readable |= set(texts(root, "m:fieldPermissions[m:readable='true']/m:field"))
        editable = set(texts(root, "m:fieldPermissions[m:editable='true']/m:field"))
        yield from (
            f"{path.name}: formula {field} cannot be editable"
            for field in sorted(formulas & editable)
        )
        granted = texts(root, "m:fieldPermissions/m:field")
        task, event = (
            {field.partition(".")[2] for field in granted if field.startswith(f"{activity}.")}
            for activity in ("Task", "Event")
        )
        if task != event:
            yield f"{path.name}: field permissions of Task and Event go together"
    yield from (
        f"{field}: no permission set lets anybody see it" for field in fields.keys() - readable
    )


def project_files(project: Path) -> Iterator[str]:
    """Only force-app is ever deployed, and each scratch org definition says what it is for."""
    settings = json.loads((project / "sfdx-project.json").read_text(encoding="utf-8"))
    if [directory["path"] for directory in settings["packageDirectories"]] != ["force-app"]:
        yield "sfdx-project.json: only force-app is a package directory"
    for path in sorted((project / "orgs").glob("*.json")):
        definition = json.loads(path.read_text(encoding="utf-8"))
        if not definition.get("orgName", "").startswith("Speed to Lead - "):
            yield f"{path.name}: orgName must say what the org is for"
        if definition.get("edition") not in ("Developer", "Enterprise", "Group", "Professional"):
            yield f"{path.name}: unknown edition {definition.get('edition')}"
        yield from (
            f"{path.name}: settings are named …Settings, got {key}"
            for key in definition.get("settings", {})
            if not key.endswith("Settings")
        )


GATES = (schema, cross_references, descriptions, names, codes, grants, project_files)
