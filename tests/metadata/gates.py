"""What a package must fulfil before it is deployed; each gate yields ``path:line: rule message``.

``python -m tests.metadata`` prints what they find. Messages about what the platform would refuse are
in its words; the others are rules of this house.

=================  ===================================================================================
``xml``            the file is well-formed
``schema``         an element that its type cannot hold, a doubled or missing one, a value of no kind
``deploy``         a check-only deploy to a fresh org is refused: names, columns, formulas, lengths;
                   so is a bundle's, after the package unless it stands in ``unpackaged/pre``
``model``          Salesforce's own types of this release refuse it (``make test-clients``)
``description``    a component whose type has a description has none
``help-text``      a field's description is not its help text, or not one sentence
``classification`` a field without security classification, a person's without compliance group
``length``         a text longer than the platform keeps
``order``          elements stand in another order than the platform writes
``format``         header, indentation, line ends
``name``           a component is not named as its file, a channel member not for channel and event
``code``           a validation rule whose message has no code of its own
``grant``          a field that nobody may see, a formula that somebody may edit, a group too mighty
``footer``         a dashboard component that says nowhere what it counts
``running-user``   a dashboard that shows everybody what one user may see
``colours``        green at the bad end
``trend``          a chart over time that runs against its report
``project``        sfdx-project.json or a scratch org definition
=================  ===================================================================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from local_org.metadata.elements import check, tables
from local_org.metadata.markup import Problem, children, flag, text
from local_org.metadata.types import TYPES
from tests.metadata import analytics, style, wording
from tests.metadata.deployed import bundles, cross_references
from tests.metadata.source import Finding, Source, readable, sources

CODE = re.compile(r"([A-Z]{3}-\d{3}): ")
RULES = re.findall(r"^``([a-z-]+)`` ", __doc__ or "", re.MULTILINE)
MIGHTY = ("ModifyAllData", "ViewAllData")
ACTIVITIES = ("Task", "Event")


def schema(project: Path) -> Iterator[Finding]:
    """Every element is one that its type may hold, with a value that it may have."""
    for source in sources(project):
        try:
            kind = source.kind
        except Problem as problem:
            line = problem.position[0] if problem.position else 1
            yield source.finding("xml", problem.message, line)
            continue
        settings = kind.removesuffix("Settings")
        named = settings in tables().enums["SettingsName"]
        if kind not in tables().types and kind not in TYPES and kind != "Package" and not named:
            yield source.finding("schema", f"{kind} is not a known type")
            continue
        try:
            check(source.root, kind)
        except Problem as problem:
            yield source.finding("schema", problem.message, problem.element)


def names(project: Path) -> Iterator[Finding]:
    """Components are named as their files, members of a channel as channel and event."""
    for source in readable(project):
        own = source.text("fullName")
        if own and own != source.name:
            yield source.finding("name", f"fullName {own} is not the file name", "fullName")
    for source in readable(project, "PlatformEventChannelMember"):
        channel, event = source.text("eventChannel"), source.text("selectedEntity")
        expected = f"{channel.replace('__', '_')}_{event}"
        if source.name != expected:
            yield source.finding("name", f"expected the name {expected}", "selectedEntity")


def codes(project: Path) -> Iterator[Finding]:
    """Each validation rule refuses with a code of its own, by which clients know it."""
    seen: dict[str, str] = {}
    for source in readable(project, "ValidationRule"):
        found = CODE.match(source.text("errorMessage"))
        if found is None:
            message = "the message must begin with a code such as 'STL-001: '"
            yield source.finding("code", message, "errorMessage")
        elif seen.setdefault(found[1], source.name) != source.name:
            message = f"code {found[1]} is already that of {seen[found[1]]}"
            yield source.finding("code", message, "errorMessage")


def grants(project: Path) -> Iterator[Finding]:
    """Somebody may see each field; nobody edits a formula; Task and Event are granted alike."""
    fields = {
        f"{source.owner}.{source.name}": source
        for source in readable(project, "CustomField")
        if not source.owner.endswith("__mdt")
    }
    formulas = {field for field, source in fields.items() if source.text("formula")}
    roles = readable(project, "PermissionSet")
    readable_fields: set[str | None] = set()
    for source in roles:
        granted = list(children(source.root, "fieldPermissions"))
        readable_fields |= {text(each, "field") for each in granted if flag(each, "readable")}
        yield from (
            source.finding("grant", f"formula {text(each, 'field')} cannot be editable", each)
            for each in granted
            if flag(each, "editable") and text(each, "field") in formulas
        )
        yield from _lone_activities(source, granted)
    for field in sorted(fields.keys() - readable_fields):
        if fields[field].text("required") != "true":
            yield fields[field].finding("grant", f"no permission set lets anybody see {field}")
    yield from _mighty_groups(project, roles)


def _lone_activities(source: Source, granted: list[etree._Element]) -> Iterator[Finding]:
    named = {text(each, "field") or "": each for each in granted}
    for field, element in named.items():
        activity, _, own = field.partition(".")
        if activity not in ACTIVITIES:
            continue
        [other] = (twin for twin in ACTIVITIES if twin != activity)
        if f"{other}.{own}" not in named:
            message = f"{field} without {other}.{own}: Task and Event go together"
            yield source.finding("grant", message, element)


def _mighty_groups(project: Path, roles: list[Source]) -> Iterator[Finding]:
    """A role that sees or changes everything is given by name, never inside a group."""
    mighty = {
        source.name
        for source in roles
        for each in children(source.root, "userPermissions")
        if text(each, "name") in MIGHTY and flag(each, "enabled")
    }
    for source in readable(project, "PermissionSetGroup"):
        for each in children(source.root, "permissionSets"):
            if (each.text or "").strip() in mighty:
                yield source.finding("grant", f"{each.text} does not belong in a group", each)
        if source.text("status"):
            yield source.finding("grant", "status is the platform's to say, leave it out", "status")


def project_files(project: Path) -> Iterator[Finding]:
    """Only force-app is ever deployed, and each scratch org definition says what it is for."""
    settings = project / "sfdx-project.json"
    paths = [each["path"] for each in json.loads(settings.read_text("utf-8"))["packageDirectories"]]
    if paths != ["force-app"]:
        yield _of_json(project, settings, "packageDirectories", "only force-app is deployed")
    for path in sorted((project / "orgs").glob("*.json")):
        definition = json.loads(path.read_text(encoding="utf-8"))
        if not definition.get("orgName", "").startswith("Speed to Lead - "):
            yield _of_json(project, path, "orgName", "orgName must say what the org is for")
        if definition.get("edition") not in ("Developer", "Enterprise", "Group", "Professional"):
            message = f"unknown edition {definition.get('edition')}"
            yield _of_json(project, path, "edition", message)
        yield from (
            _of_json(project, path, key, f"settings are named …Settings, got {key}")
            for key in definition.get("settings", {})
            if not key.endswith("Settings")
        )


def _of_json(project: Path, path: Path, key: str, message: str) -> Finding:
    """Return a finding at the line of a key."""
    lines = path.read_text(encoding="utf-8").splitlines()
    line = next((n for n, each in enumerate(lines, 1) if f'"{key}"' in each), 1)
    return Finding(path.relative_to(project).as_posix(), line, "project", message)


GATES = (
    schema,
    cross_references,
    bundles,
    wording.descriptions,
    wording.help_texts,
    wording.classifications,
    wording.lengths,
    style.order,
    style.layout,
    names,
    codes,
    grants,
    analytics.footers,
    analytics.viewers,
    analytics.colours,
    analytics.trends,
    project_files,
)


def findings(project: Path) -> list[Finding]:
    """Return what all gates say, by place; what two say of one line in the same words, once."""
    found = sorted({finding for gate in GATES for finding in gate(project)})
    said = {(each.path, each.line, each.message) for each in found if each.rule != "deploy"}
    broken = {each.path for each in found if each.rule == "xml"}
    return [
        each
        for each in found
        if each.rule != "deploy"
        or (
            each.path not in broken
            and (each.path, each.line, each.message.partition(": ")[2]) not in said
        )
    ]
