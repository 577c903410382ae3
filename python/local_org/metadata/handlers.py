"""Which handler takes which type of component, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from local_org.metadata import (
    channels,
    client_apps,
    custom_metadata,
    custom_objects,
    fields,
    managed_subscriptions,
    objects,
    permissions,
    queues,
    reports,
    stored,
)
from local_org.metadata.elements import check
from local_org.metadata.markup import renamed, written
from local_org.metadata.package import Component, is_child, without_children
from local_org.metadata.types import children_of
from local_org.metadata.work import Work

_HANDLERS: Mapping[str, Callable[[Work, Component], str]] = {
    "GlobalValueSet": stored.stored,
    "CustomObject": custom_objects.custom_object,
    "CustomPermission": permissions.custom_permission,
    "Role": stored.role,
    "Group": queues.group,
    "Queue": queues.queue,
    "CustomField": fields.custom_field,
    "CustomMetadata": custom_metadata.record,
    "ValidationRule": objects.validation_rule,
    "ListView": objects.list_view,
    "RecordType": stored.record_type,
    "CustomTab": stored.custom_tab,
    "ReportType": reports.report_type,
    "ReportFolder": reports.folder,
    "Report": reports.report,
    "DashboardFolder": reports.folder,
    "Dashboard": reports.dashboard,
    "PlatformEventChannel": channels.channel,
    "PlatformEventChannelMember": channels.channel_member,
    "ManagedEventSubscription": managed_subscriptions.managed_subscription,
    "PermissionSet": permissions.permission_set,
    "MutingPermissionSet": permissions.muting_permission_set,
    "PermissionSetGroup": permissions.permission_set_group,
    "Profile": permissions.profile,
    "ExternalClientApplication": stored.stored,
    **dict.fromkeys(sorted(client_apps.HOLDERS), client_apps.client_app),
}
"""In the order of dependency: what comes later may name what comes before."""
READS_TABLES = frozenset({"CustomMetadata"})
"""Types whose handlers write rows of objects that the same deploy may have made."""
_RANKS = {name: rank for rank, name in enumerate(_HANDLERS)}


def rank(type_name: str) -> int:
    """Return the place of a type in the order of dependency."""
    return _RANKS.get(type_name, len(_RANKS))


def is_only_kept(type_name: str) -> bool:
    """Whether components of this type are nothing but what is stored of them."""
    return _HANDLERS.get(type_name, stored.stored) is stored.stored


def apply(work: Work, component: Component) -> tuple[str, bool, bool]:
    """Check one component, apply it, and store it; return its id, and whether it is new or changed.

    :raises Problem: it is refused.
    """
    check(component.element, component.type_name, component.full_name)
    created = _is_new(work, component)
    component_id = _HANDLERS.get(component.type_name, stored.stored)(work, component)
    old = work.document(component.type_name, component.full_name)
    body = _kept(component, component_id)
    changed = old is None or old.body != body
    work.save(component, body, component_id)
    work.touched.append((component.type_name, component.full_name, component_id, False))
    return component_id, created, changed


def _is_new(work: Work, component: Component) -> bool:
    """Tell whether the org has nothing of this name; profiles it came with are no documents."""
    if component.type_name == "Profile" and permissions.profile_row(work, component.full_name):
        return False
    return work.document(component.type_name, component.full_name) is None


def _kept(component: Component, component_id: str) -> bytes:
    """Return a component as retrieve gives it back: its own file as it came, or its part of one."""
    if component.type_name in client_apps.HOLDERS:
        return client_apps.kept(component, component_id)
    if component.content is not None:
        return component.content
    if children_of(component.type_name):
        return written(without_children(component))
    if is_child(component.type_name):
        return written(renamed(component.element, component.type_name))
    return component.source.body
