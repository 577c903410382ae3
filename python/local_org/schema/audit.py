"""Who may say, when a record is created, when and by whom it was created and last modified.

Source: Salesforce Help 000386065, "Create Audit Fields".
"""

from __future__ import annotations

from typing import Final

from local_org.schema.access import Access
from local_org.schema.model import SObject

_FIELDS: Final = frozenset({"CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate"})
_OBJECTS: Final = frozenset(
    {
        "Account",
        "CampaignMember",
        "Case",
        "Contact",
        "EmailMessage",
        "Event",
        "Lead",
        "Opportunity",
        "Task",
    }
)
"""The objects that the source names, as far as they exist here; custom objects come beside them."""


def audit_settable(sobject: SObject, field: str, access: Access) -> bool:
    """Tell whether this user may set the audit field of a new record of the object."""
    supported = sobject.custom or sobject.name in _OBJECTS
    return supported and field in _FIELDS and "CreateAuditFields" in access.permissions
