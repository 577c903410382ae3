"""Which handler takes which type of component, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from local_org.metadata import channels, fields, objects, permissions, queues, reports
from local_org.metadata.elements import check
from local_org.metadata.markup import renamed, written
from local_org.metadata.package import Component, is_child, without_children
from local_org.metadata.work import Work


def _keep(work: Work, component: Component) -> str:
    """Keep the component as it is: it is well-formed, and nothing in this org depends on it."""
    return work.new_id(component, "000")


_HANDLERS: Mapping[str, Callable[[Work, Component], str]] = {
    "CustomObject": objects.custom_object,
    "CustomPermission": permissions.custom_permission,
    "Group": queues.group,
    "Queue": queues.queue,
    "CustomField": fields.custom_field,
    "ValidationRule": objects.validation_rule,
    "ListView": objects.list_view,
    "ReportType": reports.report_type,
    "ReportFolder": reports.folder,
    "Report": reports.report,
    "DashboardFolder": reports.folder,
    "Dashboard": reports.dashboard,
    "PlatformEventChannel": channels.channel,
    "PlatformEventChannelMember": channels.channel_member,
    "PermissionSet": permissions.permission_set,
    "PermissionSetGroup": permissions.permission_set_group,
    "Profile": permissions.profile,
}
"""In the order of dependency: what comes later may name what comes before."""
_RANKS = {name: rank for rank, name in enumerate(_HANDLERS)}


def rank(type_name: str) -> int:
    """Return the place of a type in the order of dependency."""
    return _RANKS.get(type_name, len(_RANKS))


def apply(work: Work, component: Component) -> tuple[str, bool, bool]:
    """Check one component, apply it, and store it; return its id, and whether it is new or changed.

    :raises Problem: it is refused.
    """
    check(component.element, component.type_name)
    component_id = _HANDLERS.get(component.type_name, _keep)(work, component)
    old = work.document(component.type_name, component.full_name)
    body = _kept(component)
    created = old is None and component.type_name != "Profile"
    changed = old is None or old.body != body
    work.save(component, body, component_id)
    work.touched.append((component.type_name, component.full_name, component_id, False))
    return component_id, created, changed


def _kept(component: Component) -> bytes:
    """Return a component as retrieve gives it back: its own file as it came, or its part of one."""
    if component.type_name == "CustomObject":
        return written(without_children(component))
    if is_child(component.type_name):
        return written(renamed(component.element, component.type_name))
    return component.source.body
