"""External client apps and connected apps: whose certificate signs in whom.

The org gives an app its consumer key when it is deployed without one, and shows it when the app is
retrieved. Source: Metadata API Developer Guide, "ConnectedApp", "ExtlClntAppGlobalOauthSettings",
"ExtlClntAppOauthConfigurablePolicies".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography import x509
from lxml import etree

from local_org.metadata.markup import XmlFile, child, children, text, written
from local_org.metadata.package import Component
from local_org.metadata.stored import stored
from local_org.metadata.work import Work, require
from local_org.records.store import Store

CONNECTED_APP, OAUTH, POLICIES = (
    "ConnectedApp",
    "ExtlClntAppGlobalOauthSettings",
    "ExtlClntAppOauthConfigurablePolicies",
)
HOLDERS = frozenset({CONNECTED_APP, OAUTH})
"""Types that hold a consumer key and a certificate."""
_PRE_AUTHORIZED = "AdminApprovedPreAuthorized"


@dataclass(frozen=True, slots=True)
class ClientApp:
    """One app that may ask for tokens by signed assertions."""

    consumer_key: str
    certificate: bytes
    permission_sets: tuple[str, ...]
    """Whoever holds one of them may use it; without any nobody has approved it."""


def client_app(work: Work, component: Component) -> str:
    """Let an app pass whose certificate can be read."""
    holder = _holder(component.element)
    place = None if holder is None else child(holder, "certificate")
    if place is not None:
        require(_readable(place.text), "The certificate is not valid", place)
    return stored(work, component)


def kept(component: Component, component_id: str) -> bytes:
    """Return an app as retrieve gives it back, with the consumer key that the org gave it."""
    root = XmlFile(component.source.body).root
    holder = _holder(root)
    if holder is None or text(holder, "consumerKey"):
        return component.source.body
    key = etree.SubElement(holder, etree.QName(etree.QName(root).namespace, "consumerKey"))
    key.text = f"3MVG9{hashlib.sha256(component_id.encode()).hexdigest()}"
    return written(root)


def client_apps(store: Store) -> Iterator[ClientApp]:
    """Yield every app of an org that has a certificate."""
    policies = [XmlFile(each.body).root for each in store.documents(POLICIES)]
    for kind in sorted(HOLDERS):
        for document in store.documents(kind):
            root = XmlFile(document.body).root
            holder = _holder(root)
            pem = None if holder is None else text(holder, "certificate")
            if holder is None or not _readable(pem):
                continue
            roles = _roles(root, policies)
            yield ClientApp(text(holder, "consumerKey") or "", (pem or "").encode(), roles)


def _roles(root: etree._Element, policies: list[etree._Element]) -> tuple[str, ...]:
    """Return the permission sets whose holders an administrator has approved in advance."""
    if etree.QName(root).localname == CONNECTED_APP:
        approved = text(root, "oauthConfig/isAdminApproved") == "true"
        return tuple(e.text or "" for e in children(root, "permissionSetName") if approved)
    app = text(root, "externalClientApplication")
    return tuple(
        name.strip()
        for policy in policies
        if text(policy, "externalClientApplication") == app
        and text(policy, "permittedUsersPolicyType") == _PRE_AUTHORIZED
        for name in (text(policy, "commaSeparatedPermissionSet") or "").split(",")
    )


def holds_one_of(store: Store, user_id: str, permission_sets: tuple[str, ...]) -> bool:
    """Tell whether a user is assigned one of these permission sets, directly or by a group."""
    marks = ", ".join("?" * len(permission_sets))
    found = store.connection.execute(
        "SELECT 1 FROM PermissionSetAssignment a LEFT JOIN PermissionSetGroupComponent c "
        "ON c.PermissionSetGroupId = a.PermissionSetGroupId JOIN PermissionSet p "
        "ON p.Id IN (a.PermissionSetId, c.PermissionSetId) "
        f"WHERE a.AssigneeId = ? AND p.Name IN ({marks}) LIMIT 1",
        (user_id, *permission_sets),
    ).fetchone()
    return found is not None


def _holder(root: etree._Element) -> etree._Element | None:
    """Return the element that holds key and certificate: the settings, or a connected app's part."""
    if etree.QName(root).localname == CONNECTED_APP:
        return child(root, "oauthConfig")
    return root


def _readable(pem: str | None) -> bool:
    try:
        x509.load_pem_x509_certificate((pem or "").encode())
    except ValueError:
        return False
    return True
