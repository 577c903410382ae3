"""Takes the package out of an org again, without a trace: first the access, then the metadata.

What is deleted is what the converted source names, so a component added to the package is removed
by the same code. Only what the org has is named in a deploy, and users always go one deploy before
what they use: that holds whether or not the platform sorts the deletions of one manifest itself.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.sax.saxutils import escape

from cumulusci.core.exceptions import CumulusCIException
from cumulusci.core.utils import process_bool_arg, process_list_arg
from cumulusci.salesforce_api.metadata import (
    ApiDeploy,
    ApiListMetadata,
    ApiListMetadataTypes,
    ApiRetrieveUnpackaged,
)
from cumulusci.salesforce_api.package_zip import BasePackageZipBuilder, DestructiveChangesZipBuilder
from cumulusci.tasks.salesforce import BaseSalesforceApiTask
from cumulusci.tasks.salesforce.BaseSalesforceMetadataApiTask import BaseSalesforceMetadataApiTask
from lxml import etree

from speed_to_lead.cci.source_format import NAMESPACE, convert
from speed_to_lead.errors import UsageError

_NS = {"m": NAMESPACE}
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
_ROWS_PER_CALL = 200
_MAP = "LeadConvertSettings"
_FOLDERS = {"Report": "ReportFolder", "Dashboard": "DashboardFolder"}
_RANKS = {
    "Dashboard": 0,
    "PermissionSetGroup": 0,
    "PlatformEventChannelMember": 0,
    "ManagedEventSubscription": 0,
    "ListView": 0,
    "CompactLayout": 0,
    "ValidationRule": 0,
    "ExtlClntAppConfigurablePolicies": 0,
    "ExtlClntAppOauthConfigurablePolicies": 0,
    "ExtlClntAppGlobalOauthSettings": 0,
    "ExtlClntAppOauthSettings": 0,
    "Report": 1,
    "MutingPermissionSet": 1,
    "PlatformEventChannel": 1,
    "ConnectedApp": 1,
    "ExternalClientApplication": 1,
    "PermissionSet": 2,
    "ReportType": 2,
    "Queue": 2,
    "CustomPermission": 3,
    "CustomField": 3,
    "CustomObject": 3,
    "ReportFolder": 3,
    "DashboardFolder": 3,
}
"""Type → the deploy that deletes it. Formula fields come before the fields they read."""
_LEFT = {
    _MAP: "it is the org's own; task unmap_conversion takes our fields out of it",
    "Settings": "a setting has a value and cannot be deleted",
    "Profile": "a profile of the org is changed, not made",
}
"""Types that no destructive manifest may name, and why nothing of ours stays behind in them."""


@dataclass(frozen=True, order=True, slots=True)
class Component:
    """One component as a manifest names it; a folder has its own type, and no slash at its end."""

    type: str
    name: str


def named_in(directory: Path) -> list[Component]:
    """Return what the ``package.xml`` of a directory in Metadata API format names.

    Standard objects are the org's own: what we add to them has names of its own.

    :raises UsageError: there is no such manifest.
    """
    manifest = directory / "package.xml"
    if not manifest.exists():
        raise UsageError(f"{manifest} is not there: run dx_convert_from first")
    found = []
    for block in _root(manifest).findall("m:types", _NS):
        kind = block.findtext("m:name", "", _NS)
        for member in block.findall("m:members", _NS):
            name = member.text or ""
            if kind == "CustomObject" and "__" not in name:
                continue
            is_folder = kind in _FOLDERS and "/" not in name.rstrip("/")
            found.append(Component(_FOLDERS[kind] if is_folder else kind, name.rstrip("/")))
    return found


def waves(components: Iterable[Component], formulas: Mapping[str, str]) -> list[list[Component]]:
    """Sort components into deploys, users before what they use; empty deploys are left out.

    ``formulas`` holds the formula of each formula field by its full name.
    """
    components = list(components)
    fields = {each.name for each in components if each.type == "CustomField"}
    deploys: dict[int, list[Component]] = defaultdict(list)
    for each in components:
        later = _depth(each.name, fields, formulas) if each.type == "CustomField" else 0
        deploys[_RANKS[each.type] + later].append(each)
    return [sorted(deploys[rank]) for rank in sorted(deploys)]


def _depth(name: str, fields: set[str], formulas: Mapping[str, str]) -> int:
    """Return how many formula fields stand above a field, one reading the other.

    >>> above = {"Lead.B__c": "A__c * 2", "Lead.C__c": "B__c + A__c"}
    >>> [_depth(f"Lead.{x}__c", {"Lead.A__c", *above}, above) for x in "ABC"]
    [2, 1, 0]
    """
    word = re.compile(rf"\b{re.escape(name.partition('.')[2])}\b", re.IGNORECASE)
    readers = (each for each in fields - {name} if word.search(formulas.get(each, "")))
    return max((1 + _depth(each, fields - {name}, formulas) for each in readers), default=0)


def formulas_in(directory: Path) -> dict[str, str]:
    """Return the formula of each formula field of a directory in Metadata API format."""
    return {
        f"{path.stem}.{field.findtext('m:fullName', '', _NS)}": formula
        for path in directory.glob("objects/*.object")
        for field in _root(path).findall("m:fields", _NS)
        if (formula := field.findtext("m:formula", "", _NS))
    }


def manifest_of(components: Iterable[Component], version: str) -> str:
    """Return a destructive manifest; folders are listed under the type of what they hold."""
    types = {folder: kind for kind, folder in _FOLDERS.items()}
    members: dict[str, list[str]] = defaultdict(list)
    for each in components:
        members[types.get(each.type, each.type)].append(each.name)
    return _manifest(members, version)


def _manifest(members: Mapping[str, Sequence[str]], version: str) -> str:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<Package xmlns="{NAMESPACE}">']
    for kind in sorted(members):
        lines += ["    <types>"]
        lines += [f"        <members>{escape(name)}</members>" for name in members[kind]]
        lines += [f"        <name>{kind}</name>", "    </types>"]
    return "\n".join([*lines, f"    <version>{version}</version>", "</Package>", ""])


def _root(path: Path) -> etree._Element:
    return etree.parse(str(path), _PARSER).getroot()


@contextmanager
def _directories(options: Mapping[str, Any], root: Path) -> Iterator[list[Path]]:
    """Lend the package that the options name and its bundles, in Metadata API format."""
    bundles = [each for pattern in options["bundles"] for each in sorted(root.glob(pattern))]
    with TemporaryDirectory(prefix="speed-to-lead-") as scratch:
        places = enumerate(each for each in bundles if each.is_dir())
        found = [_metadata_format(each, Path(scratch, str(number))) for number, each in places]
        yield [root / options["path"], *found]


def _metadata_format(bundle: Path, scratch: Path) -> Path:
    """Return a bundle as it is, or converted if it is in source format."""
    if (bundle / "package.xml").exists():
        return bundle
    shutil.copytree(bundle, scratch / "source" / "default")
    project = {"packageDirectories": [{"path": "source"}], "sourceApiVersion": "66.0"}
    (scratch / "sfdx-project.json").write_text(json.dumps(project), encoding="utf-8")
    convert(scratch, scratch / "converted")
    return scratch / "converted"


_OPTIONS = {
    "path": {"description": "Package in Metadata API format (default: src)", "required": False},
    "bundles": {
        "description": "Patterns of bundles that may have been deployed beside it, in either format, "
        "separated by commas (default: unpackaged/*/*, and none where a path is given)",
        "required": False,
    },
}


class UnassignAccess(BaseSalesforceApiTask):  # type: ignore[misc]  # cumulusci has no types
    """Takes the permission sets and groups of the package from everybody who has them.

    An org refuses to delete a permission set that is assigned. Source: Salesforce Help 000386289.
    """

    task_options = _OPTIONS

    def _init_options(self, kwargs: dict[str, Any]) -> None:
        super()._init_options(kwargs)
        _default(self.options)

    def _run_task(self) -> None:
        with _directories(self.options, Path(self.project_config.repo_root)) as directories:
            named = [component for each in directories for component in named_in(each)]
        ids: list[str] = []
        for kind, path in (
            ("PermissionSet", "PermissionSet.Name"),
            ("PermissionSetGroup", "PermissionSetGroup.DeveloperName"),
        ):
            names = sorted({each.name for each in named if each.type == kind})
            ids += self._assignments(path, names) if names else []
        for start in range(0, len(ids), _ROWS_PER_CALL):
            self._delete(ids[start : start + _ROWS_PER_CALL])
        self.logger.info("unassigned %d permission sets and groups from their users", len(ids))
        self.return_values = {"unassigned": len(ids)}

    def _assignments(self, path: str, names: Sequence[str]) -> list[str]:
        listed = ", ".join(f"'{name}'" for name in names)
        soql = f"SELECT Id FROM PermissionSetAssignment WHERE {path} IN ({listed})"
        return [record["Id"] for record in self.sf.query_all(soql)["records"]]

    def _delete(self, ids: Sequence[str]) -> None:
        results = self.sf.restful(
            "composite/sobjects", {"ids": ",".join(ids), "allOrNone": "true"}, method="DELETE"
        )
        errors = [each["errors"][0]["message"] for each in results if not each["success"]]
        if errors:
            raise CumulusCIException(f"cannot unassign a permission set: {errors[0]}")


class UnmapConversion(BaseSalesforceMetadataApiTask):  # type: ignore[misc]  # cumulusci has no types
    """Takes the package's fields out of the org's map of lead conversion, and leaves all others in it.

    An org refuses to delete a field that is mapped. Source: Salesforce Help, "Guidelines for Mapping
    Custom Lead Fields for Lead Conversion". That a deployed map replaces the org's is inferred.
    """

    task_options = _OPTIONS

    def _init_options(self, kwargs: dict[str, Any]) -> None:
        super()._init_options(kwargs)
        _default(self.options)

    def _run_task(self) -> None:
        with _directories(self.options, Path(self.project_config.repo_root)) as directories:
            named = [component for each in directories for component in named_in(each)]
        version = self.project_config.project__package__api_version
        manifest = _manifest({_MAP: [_MAP]}, version)
        files = ApiRetrieveUnpackaged(self, manifest, version)()
        name = f"{_MAP}/{_MAP}.LeadConvertSetting"
        if name not in files.namelist():
            return
        settings = etree.fromstring(files.read(name), _PARSER)
        dropped = drop_mappings(settings, {c.name for c in named if c.type == "CustomField"})
        if dropped:
            package = _Zip({"package.xml": manifest, name: etree.tostring(settings).decode()})
            ApiDeploy(self, package(), purge_on_delete=False)()
        self.logger.info("took %d mappings out of the lead conversion", len(dropped))
        self.return_values = {"unmapped": dropped}


def drop_mappings(settings: etree._Element, fields: set[str]) -> list[str]:
    """Take every mapping from or to one of these fields out; return what was taken, source first."""
    dropped = []
    for mapping in settings.findall("m:objectMapping", _NS):
        ends = [mapping.findtext(f"m:{end}Object", "", _NS) for end in ("input", "output")]
        for each in mapping.findall("m:mappingFields", _NS):
            names = [each.findtext(f"m:{end}Field", "", _NS) for end in ("input", "output")]
            paths = [f"{entity}.{name}" for entity, name in zip(ends, names, strict=True)]
            if fields.intersection(paths):
                mapping.remove(each)
                dropped.append(" to ".join(paths))
        if mapping.find("m:mappingFields", _NS) is None:
            settings.remove(mapping)
    return dropped


class _Zip(BasePackageZipBuilder):  # type: ignore[misc]  # cumulusci has no types
    """A package of files given by name."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._open_zip()
        for name, content in files.items():
            self._write_file(name, content)


class RemoveMetadata(BaseSalesforceMetadataApiTask):  # type: ignore[misc]  # cumulusci has no types
    """Deletes what the package and its bundles brought, as far as the org has it; safe to repeat.

    Nothing is deleted while one of the package's folders holds something that is not the
    package's. Each deploy is all or nothing; after a failure the task takes up where it stopped.
    """

    task_options = {  # noqa: RUF012  # cumulusci reads this class attribute
        **_OPTIONS,
        "purge_on_delete": {
            "description": "Skip the recycle bin, where the org allows that: in sandboxes, scratch "
            "orgs and Developer Edition (default: True)",
            "required": False,
        },
        "dry_run": {"description": "Only tell what would be deleted", "required": False},
    }

    def _init_options(self, kwargs: dict[str, Any]) -> None:
        super()._init_options(kwargs)
        _default(self.options)
        self._purge = process_bool_arg(self.options.get("purge_on_delete", True))
        self._dry = process_bool_arg(self.options.get("dry_run", False))

    def _run_task(self) -> None:
        with _directories(self.options, Path(self.project_config.repo_root)) as directories:
            named = {each for directory in directories for each in named_in(directory)}
            formulas = {k: v for each in directories for k, v in formulas_in(each).items()}
        for each in sorted(named):
            if each.type not in _RANKS:
                why = _LEFT.get(each.type, "this task does not know how such a thing is deleted")
                self.logger.warning("left as it is: %s %s (%s)", each.type, each.name, why)
        present = self._present({each for each in named if each.type in _RANKS})
        for deploy in waves(present, formulas):
            for each in deploy:
                words = "would delete" if self._dry else "deleting"
                self.logger.info("%s %s %s", words, each.type, each.name)
            if not self._dry:
                self._deploy(deploy)
        self.return_values = {"deleted": 0 if self._dry else len(present)}

    def _present(self, named: set[Component]) -> set[Component]:
        """Return what of it the org has.

        :raises CumulusCIException: a folder of the package holds something of somebody else's.
        """
        there: set[Component] = set()
        known = {*ApiListMetadataTypes(self)(), *_FOLDERS.values()}
        for kind in sorted(({each.type for each in named} & known) - _FOLDERS.keys()):
            there |= {Component(kind, name) for name in self._names(kind)}
        for folder in sorted(each for each in named & there if each.type in _FOLDERS.values()):
            kind = folder.type.removesuffix("Folder")
            inside = {Component(kind, name) for name in self._names(kind, folder.name)}
            strangers = sorted(each.name for each in inside - named)
            if strangers:
                raise CumulusCIException(
                    f"the folder {folder.name} holds what is not of the package: "
                    f"{', '.join(strangers)}; move it to another folder first. Nothing was deleted."
                )
            there |= inside
        return named & there

    def _names(self, kind: str, folder: str | None = None) -> Iterator[str]:
        listed = ApiListMetadata(self, kind, folder=folder)()
        return (each["fullName"] for each in listed[kind])

    def _deploy(self, components: Sequence[Component]) -> None:
        version = self.project_config.project__package__api_version
        package = DestructiveChangesZipBuilder(manifest_of(components, version), version)
        ApiDeploy(self, package(), purge_on_delete=self._purge)()


def _default(options: dict[str, Any]) -> None:
    everything = not options.get("path")
    options["path"] = options.get("path") or "src"
    bundles = process_list_arg(options.get("bundles"))
    options["bundles"] = bundles or (["unpackaged/*/*"] if everything else [])
