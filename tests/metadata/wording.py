"""What a component says of itself in Setup: descriptions, help, classification, lengths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from local_org.metadata.elements import tables
from local_org.metadata.markup import children, tag
from tests.metadata.source import Finding, readable

UNTOLD = {"CustomMetadata", "Settings"}
"""Types whose description is shown to nobody."""
CLASSES = {"Public", "Internal", "Confidential", "Restricted", "MissionCritical"}
LENGTHS = {
    "CustomField": {"description": 1000, "inlineHelpText": 510, "label": 40},
    "CustomPermission": {"description": 255, "label": 80},
    "Dashboard": {"description": 255, "title": 80},
    "DashboardFolder": {"name": 80},
    "ListView": {"label": 40},
    "PermissionSet": {"description": 255, "label": 80},
    "PermissionSetGroup": {"description": 255, "label": 80},
    "Queue": {"name": 40},
    "Report": {"description": 255, "name": 40},
    "ReportFolder": {"name": 80},
    "ReportType": {"description": 255, "label": 50},
    "ValidationRule": {"description": 255, "errorMessage": 255},
}
"""Longest texts by type. A deploy refuses most of them too, of the package but not of a bundle."""
SHOWN = {"errorMessage": "Error Message", "inlineHelpText": "Help Text", "name": "Name"}


def told() -> list[str]:
    """Return the types whose components have a description."""
    types = tables().types.items()
    return [kind for kind, rules in types if "description" in rules and kind not in UNTOLD]


def descriptions(project: Path) -> Iterator[Finding]:
    """Give each component whose type has a description one."""
    for source in readable(project, *told()):
        standard = source.kind == "CustomObject" and "__" not in source.name
        if not standard and not source.text("description"):
            yield source.finding("description", f"this {source.kind} has no description")


def help_texts(project: Path) -> Iterator[Finding]:
    """Give each field one sentence, as description and as help text."""
    for source in readable(project, "CustomField"):
        said, helped = source.text("description"), source.text("inlineHelpText")
        if said != helped:
            message = "description and inlineHelpText must be the same sentence"
            yield source.finding("help-text", message, "inlineHelpText")
        if not said.endswith(".") or ". " in said:
            yield source.finding("help-text", "expected one sentence", "description")


def classifications(project: Path) -> Iterator[Finding]:
    """Classify each field; one that points to a person also names whose law protects it."""
    for source in readable(project, "CustomField"):
        if source.owner.endswith("__mdt"):
            continue
        given = source.text("securityClassification")
        if given not in CLASSES:
            message = f"securityClassification is {given or 'missing'!r}"
            yield source.finding("classification", message, "securityClassification")
        if source.text("referenceTo") == "User" and not source.text("complianceGroup"):
            message = "a field that names a person needs a complianceGroup"
            yield source.finding("classification", message, "referenceTo")


def lengths(project: Path) -> Iterator[Finding]:
    """Keep each text within what the platform keeps."""
    for source in readable(project, *LENGTHS):
        for element in children(source.root):
            most = LENGTHS[source.kind].get(tag(element))
            value = (element.text or "").strip()
            if most is not None and len(value) > most:
                yield source.finding(
                    "length", too_large(source.kind, tag(element), value, most), element
                )


def too_large(kind: str, name: str, value: str, most: int) -> str:
    """Return what the platform says of a text that is too long, so that it is told once."""
    shown = f"{kind} Name" if (kind, name) == ("Report", "name") else SHOWN.get(name)
    return f"{shown or name.capitalize()}: data value too large: {value} (max length={most})"
