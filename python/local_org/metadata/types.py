"""The metadata types of this org: where their files stand in a zip, and how they are listed.

Source: the metadata registry of the sf CLI, as told in facts/metadata.md section 2 and 2.12.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MetadataType:
    """One type with files of its own; ``children`` are elements in its file and their types."""

    name: str
    directory: str
    suffix: str
    in_folder: bool = False
    folder_type: str | None = None
    meta_file: bool = False
    children: tuple[tuple[str, str], ...] = ()
    supported: bool = True

    def file_name(self, full_name: str) -> str:
        """Return the path of a component's file in a zip."""
        return f"{self.directory}/{full_name}.{self.suffix}"


OBJECT_CHILDREN = (
    ("fields", "CustomField"),
    ("validationRules", "ValidationRule"),
    ("listViews", "ListView"),
)
_CHILD_NAMES = (
    "BusinessProcess",
    "CompactLayout",
    "FieldSet",
    "Index",
    "RecordType",
    "SharingReason",
    "WebLink",
)
"""Children that stay inside their object's file here; describeMetadata names them all the same."""

TYPES = {
    each.name: each
    for each in (
        MetadataType("ApexClass", "classes", "cls", meta_file=True, supported=False),
        MetadataType("ApexTrigger", "triggers", "trigger", meta_file=True, supported=False),
        MetadataType("CustomApplication", "applications", "app"),
        MetadataType("CustomMetadata", "customMetadata", "md", supported=False),
        MetadataType("CustomObject", "objects", "object", children=OBJECT_CHILDREN),
        MetadataType("CustomPermission", "customPermissions", "customPermission"),
        MetadataType("CustomTab", "tabs", "tab"),
        MetadataType("Dashboard", "dashboards", "dashboard", True, "DashboardFolder"),
        MetadataType("Flow", "flows", "flow", supported=False),
        MetadataType("Group", "groups", "group"),
        MetadataType("InstalledPackage", "installedPackages", "installedPackage", supported=False),
        MetadataType("PermissionSet", "permissionsets", "permissionset"),
        MetadataType("PermissionSetGroup", "permissionsetgroups", "permissionsetgroup"),
        MetadataType("PlatformEventChannel", "platformEventChannels", "platformEventChannel"),
        MetadataType(
            "PlatformEventChannelMember",
            "platformEventChannelMembers",
            "platformEventChannelMember",
        ),
        MetadataType("Profile", "profiles", "profile"),
        MetadataType("Queue", "queues", "queue"),
        MetadataType("Report", "reports", "report", True, "ReportFolder"),
        MetadataType("ReportType", "reportTypes", "reportType"),
        MetadataType("Settings", "settings", "settings"),
    )
}
CHILD_TYPES = {child: (element, "CustomObject") for element, child in OBJECT_CHILDREN}
FOLDER_TYPES = {each.folder_type: each for each in TYPES.values() if each.folder_type}
_BY_DIRECTORY = {each.directory: each for each in TYPES.values()}


def by_directory(directory: str) -> MetadataType | None:
    """Return the type whose files stand in this directory, or None."""
    return _BY_DIRECTORY.get(directory)


def known(name: str) -> bool:
    """Whether package.xml may name this type."""
    return name in TYPES or name in CHILD_TYPES or name in FOLDER_TYPES


def file_of(type_name: str, full_name: str) -> str:
    """Return the path, in a zip, of the file that holds this component."""
    if type_name in CHILD_TYPES:
        return TYPES["CustomObject"].file_name(full_name.split(".", 1)[0])
    if type_name in FOLDER_TYPES:
        return f"{FOLDER_TYPES[type_name].directory}/{full_name}-meta.xml"
    return TYPES[type_name].file_name(full_name)


def manifest_type(type_name: str) -> str:
    """Return the type under which package.xml lists it: a ReportFolder under ``Report``."""
    return FOLDER_TYPES[type_name].name if type_name in FOLDER_TYPES else type_name


def described_children(kind: MetadataType) -> tuple[str, ...]:
    """Return the names of child types that describeMetadata tells."""
    own = tuple(child for _, child in kind.children)
    return tuple(sorted(own + _CHILD_NAMES)) if own else ()
