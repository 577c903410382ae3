"""A fresh org: its organization, profiles, users, statuses and business hours.

As a new Developer Edition has them, but for its language, zone and names, which are ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local_org.clock import Clock, millis
from local_org.ids import record_id
from local_org.records.permissions import GOVERNED
from local_org.records.store import Store
from local_org.schema.model import FieldType, Schema

ADMIN = "System Administrator"
STANDARD = "Standard User"
INTEGRATION = "Minimum Access - API Only Integrations"
FEATURE = "$feature"
"""Kind of the documents that name what the org was made with."""
REPRESENTATIVES = 6
_ZONE = "GMT"
_ALL = ("Read", "Create", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords")
_WITHHELD = frozenset(
    {
        "AllowViewEditConvertedLeads",
        "ApiUserOnly",
        "BulkApiHardDelete",
        "CanUpdateEmailMessage",
        "UpdateWithInactiveOwner",
    }
)
"""System permissions that even an administrator must be given."""
_STANDARD_PERMISSIONS = frozenset(
    {
        "ApiEnabled",
        "ConvertLeads",
        "EditEvent",
        "EditMyReports",
        "EditTask",
        "EmailSingle",
        "ExportReport",
        "ImportLeads",
        "LightningExperienceUser",
        "RunReports",
        "ViewHelpLink",
        "ViewPublicDashboards",
        "ViewPublicReports",
        "ViewSetup",
    }
)
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


@dataclass(frozen=True, slots=True)
class Founding:
    """How an org begins. The default is the org that ``local-org start`` makes: a Dev Hub."""

    number: int = 1
    """Serial number of the org; no two orgs of one server, nor their records, share ids."""
    name: str = "Speed to Lead Local Org"
    organization_type: str = "Developer Edition"
    instance: str = "LOCAL"
    country: str = "US"
    language: str = "en_US"
    sandbox: bool = False
    expires: datetime | None = None
    """When its trial is over."""
    username: str = "admin@local.test"
    email: str = "admin@local.test"
    first_name: str = "Admin"
    features: frozenset[str] = frozenset({"EnableSetPasswordInApi"})
    """Of a scratch org definition; those that mean nothing here are kept all the same."""
    staffed: bool = True
    """Has the sidecar's user and representatives beside its administrator."""


def seed(store: Store, clock: Clock, founding: Founding | None = None) -> str:
    """Fill an empty org; return its id. Call it in a transaction."""
    founding = founding or Founding()
    store.found(founding.number)
    return _Seed(store, millis(clock.second()), founding).everything()


class _Seed:
    """One seeding: every row is made by the administrator, at one time."""

    def __init__(self, store: Store, at: int, founding: Founding) -> None:
        self._store = store
        self._founding = founding
        self._schema: Schema = store.schema
        self._at = at
        self._admin_id = store.next_id("005")

    def everything(self) -> str:
        org_id = self._organization()
        for feature in self._founding.features:
            self._store.put_document(FEATURE, feature, b"")
        profiles = self._profiles()
        self._users(profiles, org_id)
        self._statuses()
        day = {f"{name}{edge}Time": "00:00:00.000Z" for name in _DAYS for edge in ("Start", "End")}
        self._put(
            "BusinessHours", Name="Default", IsActive=1, IsDefault=1, TimeZoneSidKey=_ZONE, **day
        )
        return org_id

    def _put(self, entity: str, **values: Any) -> str:
        """Add a row with its audit fields and literal defaults; return its id."""
        sobject = self._schema.object(entity)
        row = self._store.blank_row(entity)
        for field in sobject.stored_fields():
            if isinstance(field.default, str) and field.type is not FieldType.BOOLEAN:
                row[field.name] = field.default
            elif field.name in ("CreatedDate", "LastModifiedDate", "SystemModstamp"):
                row[field.name] = self._at
            elif field.name in ("CreatedById", "LastModifiedById"):
                row[field.name] = self._admin_id
        row |= values
        row["Id"] = row["Id"] or self._store.next_id(sobject.key_prefix or "000")
        self._store.insert_row(entity, row)
        return str(row["Id"])

    def _organization(self) -> str:
        founding = self._founding
        return self._put(
            "Organization",
            Id=record_id("00D", founding.number),
            Name=founding.name,
            OrganizationType=founding.organization_type,
            InstanceName=founding.instance,
            IsSandbox=int(founding.sandbox),
            TrialExpirationDate=millis(founding.expires) if founding.expires else None,
            Country=founding.country,
            DefaultLocaleSidKey=founding.language,
            LanguageLocaleKey=founding.language,
            TimeZoneSidKey=_ZONE,
            FiscalYearStartMonth=1,
            DefaultAccountAccess="Edit",
            DefaultContactAccess="ControlledByParent",
            DefaultOpportunityAccess="Edit",
            DefaultLeadAccess="ReadEditTransfer",
            DefaultCaseAccess="ReadEditTransfer",
            DefaultCampaignAccess="All",
            DefaultPricebookAccess="Use",
        )

    # -- profiles ---------------------------------------------------------------------------------

    def _profiles(self) -> dict[str, str]:
        license_id = self._license("Salesforce", "SFDC", 12)
        integration = self._license("Salesforce Integration", "SFDC_INTEGRATION", 5)
        columns = (f.name for f in self._schema.object("PermissionSet").stored_fields())
        every = {c.removeprefix("Permissions") for c in columns if c.startswith("Permissions")}
        business = ("Read", "Create", "Edit")
        return {
            ADMIN: self._profile(ADMIN, license_id, every - _WITHHELD, _ALL, "Edit"),
            STANDARD: self._profile(STANDARD, license_id, _STANDARD_PERMISSIONS, business, "Edit"),
            INTEGRATION: self._profile(INTEGRATION, integration, {"ApiEnabled"}, (), ""),
        }

    def _license(self, name: str, key: str, total: int) -> str:
        return self._put(
            "UserLicense",
            Name=name,
            MasterLabel=name,
            LicenseDefinitionKey=key,
            TotalLicenses=total,
            UsedLicenses=1,
            Status="Active",
        )

    def _profile(
        self,
        name: str,
        license_id: str,
        permissions: Iterable[str],
        objects: tuple[str, ...],
        fields: str,
    ) -> str:
        """Make a profile and the permission set it owns, which holds its grants."""
        profile_id = self._put("Profile", Name=name, UserLicenseId=license_id, UserType="Standard")
        owned = self._put(
            "PermissionSet",
            Name=f"X{profile_id}",
            Label=f"X{profile_id}",
            ProfileId=profile_id,
            LicenseId=license_id,
            IsOwnedByProfile=1,
            Type="Profile",
            **{f"Permissions{each}": 1 for each in permissions},
        )
        for entity in sorted(GOVERNED) if objects else ():
            flags = {f"Permissions{each}": 1 for each in objects}
            self._put("ObjectPermissions", ParentId=owned, SobjectType=entity, **flags)
        if fields:
            self._grant_standard_fields(owned)
        return profile_id

    def _grant_standard_fields(self, owned: str) -> None:
        """Grant every standard field under security, as standard profiles have them."""
        for sobject in self._schema:
            for field in sobject.fields.values():
                if field.permissionable and not field.custom and field.compound is None:
                    self._put(
                        "FieldPermissions",
                        ParentId=owned,
                        SobjectType=sobject.name,
                        Field=f"{sobject.name}.{field.name}",
                        PermissionsRead=1,
                        PermissionsEdit=int(not field.calculated),
                    )

    # -- users ------------------------------------------------------------------------------------

    def _users(self, profiles: dict[str, str], org_id: str) -> None:
        founding = self._founding
        address = {"Username": founding.username, "Email": founding.email}
        admin = profiles[ADMIN]
        self._user("admin", founding.first_name, "User", admin, Id=self._admin_id, **address)
        if founding.staffed:
            self._user("sidecar", "Speed to Lead", "Sidecar", profiles[INTEGRATION])
            for number in range(1, REPRESENTATIVES + 1):
                self._user(f"rep{number}", "Rep", str(number), profiles[STANDARD])
        automated = f"autoproc@{org_id[:15].lower()}"
        self._user(
            "autoproc",
            "Automated",
            "Process",
            None,
            Username=automated,
            UserType="AutomatedProcess",
        )

    def _user(self, alias: str, first: str, last: str, profile_id: str | None, **more: Any) -> None:
        username = f"{alias}@local.test"
        values = {
            "Username": username,
            "Email": username,
            "Alias": alias,
            "CommunityNickname": alias,
            "FirstName": first,
            "LastName": last,
            "Name": f"{first} {last}",
            "ProfileId": profile_id,
            "UserType": "Standard",
            "IsActive": 1,
            "TimeZoneSidKey": _ZONE,
            "LocaleSidKey": "en_US",
            "LanguageLocaleKey": "en_US",
            "EmailEncodingKey": "UTF-8",
        }
        self._put("User", **values | more)

    # -- statuses ---------------------------------------------------------------------------------

    def _statuses(self) -> None:
        """Rows behind the picklists whose values mean something to the org."""
        self._values("LeadStatus", "Lead", "Status", "IsConverted", "Closed - Converted")
        self._values("TaskStatus", "Task", "Status", "IsClosed", "Completed")
        self._values("TaskPriority", "Task", "Priority", "IsHighPriority", "High")

    def _values(self, table: str, entity: str, name: str, flag: str, flagged: str) -> None:
        field = self._schema.object(entity).fields[name.lower()]
        for order, entry in enumerate(field.picklist, 1):
            values = {flag: int(entry.value == flagged), "IsDefault": int(entry.default)}
            self._put(
                table, MasterLabel=entry.label, ApiName=entry.value, SortOrder=order, **values
            )
