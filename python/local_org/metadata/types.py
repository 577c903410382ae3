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
    """Its content stands in one file, and what is told of it in another beside it."""
    children: tuple[tuple[str, str], ...] = ()
    supported: bool = True

    def file_name(self, full_name: str) -> str:
        """Return the path of a component's file in a zip."""
        return f"{self.directory}/{full_name}.{self.suffix}"


_OBJECT_CHILDREN = (
    ("fields", "CustomField"),
    ("validationRules", "ValidationRule"),
    ("listViews", "ListView"),
    ("recordTypes", "RecordType"),
    ("compactLayouts", "CompactLayout"),
    ("fieldSets", "FieldSet"),
    ("businessProcesses", "BusinessProcess"),
    ("webLinks", "WebLink"),
    ("indexes", "Index"),
    ("sharingReasons", "SharingReason"),
)
_PLAIN = """
    CustomApplication            applications                app
    CustomMetadata               customMetadata              md
    CustomPermission             customPermissions           customPermission
    CustomTab                    tabs                        tab
    ConnectedApp                 connectedApps               connectedApp
    DuplicateRule                duplicateRules              duplicateRule
    ExternalClientApplication    externalClientApps          eca
    ExtlClntAppConfigurablePolicies extlClntAppPolicies      ecaPlcy
    ExtlClntAppGlobalOauthSettings extlClntAppGlobalOauthSets ecaGlblOauth
    ExtlClntAppOauthConfigurablePolicies extlClntAppOauthPolicies ecaOauthPlcy
    ExtlClntAppOauthSettings     extlClntAppOauthSettings    ecaOauth
    FlexiPage                    flexipages                  flexipage
    Flow                         flows                       flow
    FlowDefinition               flowDefinitions             flowDefinition
    GlobalValueSet               globalValueSets             globalValueSet
    Group                        groups                      group
    Layout                       layouts                     layout
    LeadConvertSettings          LeadConvertSettings         LeadConvertSetting
    ManagedEventSubscription     managedEventSubscriptions   managedEventSubscription
    MutingPermissionSet          mutingpermissionsets        mutingpermissionset
    PathAssistant                pathAssistants              pathAssistant
    PermissionSet                permissionsets              permissionset
    PermissionSetGroup           permissionsetgroups         permissionsetgroup
    PlatformEventChannel         platformEventChannels       platformEventChannel
    PlatformEventChannelMember   platformEventChannelMembers platformEventChannelMember
    Profile                      profiles                    profile
    Queue                        queues                      queue
    QuickAction                  quickActions                quickAction
    RemoteSiteSetting            remoteSiteSettings          remoteSite
    ReportType                   reportTypes                 reportType
    Role                         roles                       role
    Settings                     settings                    settings
"""
"""Type, directory and suffix of those that have nothing but a file."""
_WORDS = _PLAIN.split()
TYPES = {
    each.name: each
    for each in sorted(
        (
            *(
                MetadataType(*words)
                for words in zip(_WORDS[::3], _WORDS[1::3], _WORDS[2::3], strict=True)
            ),
            MetadataType("ApexClass", "classes", "cls", meta_file=True),
            MetadataType("ApexTrigger", "triggers", "trigger", meta_file=True),
            MetadataType("CustomLabels", "labels", "labels", children=(("labels", "CustomLabel"),)),
            MetadataType("CustomObject", "objects", "object", children=_OBJECT_CHILDREN),
            MetadataType("Dashboard", "dashboards", "dashboard", True, "DashboardFolder"),
            MetadataType(
                "InstalledPackage", "installedPackages", "installedPackage", supported=False
            ),
            MetadataType(
                "MatchingRules",
                "matchingRules",
                "matchingRule",
                children=(("matchingRules", "MatchingRule"),),
            ),
            MetadataType("Report", "reports", "report", True, "ReportFolder"),
            MetadataType("StaticResource", "staticresources", "resource", meta_file=True),
        ),
        key=lambda each: each.name,
    )
}
CHILD_TYPES = {
    child: (element, each.name) for each in TYPES.values() for element, child in each.children
}
"""Type of a child: the element it is in its container's file, and the container's type."""
FOLDER_TYPES = {each.folder_type: each for each in TYPES.values() if each.folder_type}
LABELS = "CustomLabels"
"""The one file of all labels, whose names therefore tell no container."""
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
        container = TYPES[CHILD_TYPES[type_name][1]]
        return container.file_name(container_of(type_name, full_name))
    if type_name in FOLDER_TYPES:
        return f"{FOLDER_TYPES[type_name].directory}/{full_name}-meta.xml"
    return TYPES[type_name].file_name(full_name)


def manifest_type(type_name: str) -> str:
    """Return the type under which package.xml lists it: a ReportFolder under ``Report``."""
    return FOLDER_TYPES[type_name].name if type_name in FOLDER_TYPES else type_name


def container_of(type_name: str, full_name: str) -> str:
    """Return the name of what holds a child: ``Lead`` of ``Lead.X__c``."""
    return LABELS if CHILD_TYPES[type_name][1] == LABELS else full_name.partition(".")[0]


def child_name(container: str, own: str) -> str:
    """Return the full name of a child in a container."""
    return own if container == LABELS else f"{container}.{own}"


def children_of(type_name: str) -> tuple[str, ...]:
    """Return the types of the children that components of this type hold."""
    return tuple(child for _, child in TYPES[type_name].children) if type_name in TYPES else ()
