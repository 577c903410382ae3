"""Users that a suite hires for itself, and what each of them may see and do."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from PartnerApi import SoapRefusal
from robot.api import SkipExecution, logger
from robot.api.deco import keyword, library
from robot.libraries.BuiltIn import BuiltIn
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceError

_LIKE_ME = ("TimeZoneSidKey", "LocaleSidKey", "EmailEncodingKey", "LanguageLocaleKey")
_API_LICENSE = "SalesforceAPIIntegrationPsl"
"""Permission set license without which an API-only user gets no access to Leads."""
_REMEDY = (
    'an administrator can allow it in Setup, User Interface, "Enable SOAP API login()"; '
    "the permission Use Any API Client may be needed too"
)


class Refused(AssertionError):
    """The org refused; the text is its code and its message."""

    ROBOT_SUPPRESS_NAME = True


@library(scope="GLOBAL")
class People:
    """Hires users with names that no other run has, acts as each of them, and lets them go.

    A person is named by the username that *Hire* returns.
    """

    def __init__(self) -> None:
        self._hired: dict[str, str] = {}
        self._sessions: dict[str, Salesforce] = {}

    @keyword
    def hire(self, role: str, profile: str, *permission_sets: str, **fields: str) -> str:
        """Creates a user with a profile and permission sets and returns the username.

        ``role`` is a short word that goes into the name. Other fields of User may be given.

        Example:
        | ${analyst} = | Hire | analyst | Standard User | Speed_to_Lead_Analyst |
        """
        word = f"{role[:4]}{secrets.token_hex(2)}"
        username = f"{role}-{secrets.token_hex(6)}@speed-to-lead.example.com"
        [me] = self._query(f"SELECT {', '.join(_LIKE_ME)} FROM User WHERE Id = '{self._my_id()}'")
        user = self._create(
            "User",
            Username=username,
            Email=f"{role}@example.com",
            LastName=f"Robot {role}",
            Alias=word,
            CommunityNickname=username.partition("@")[0],
            ProfileId=self._id_of("Profile", Name=profile),
            **{name: me[name] for name in _LIKE_ME},
            **fields,
        )
        self._hired[username] = user
        if "API Only" in profile:
            self._license(user)
        for name in permission_sets:
            found = self._id_of("PermissionSet", Name=name)
            self._create("PermissionSetAssignment", AssigneeId=user, PermissionSetId=found)
        return username

    @keyword
    def user_id_of(self, person: str) -> str:
        """Returns the User id of a person."""
        return self._hired[person]

    @keyword
    def log_everybody_in(self) -> None:
        """Gives everybody who was hired a password and a session; skips the suite where that is off.

        A session costs a password, so that it works in orgs where nothing but an administrator's
        token is at hand.
        """
        admin = self._admin()
        for username, user in self._hired.items():
            password = f"{secrets.token_urlsafe(12)}-aA1"
            body = {"NewPassword": password}
            self._tried(admin.restful, f"sobjects/User/{user}/password", method="POST", json=body)
            try:
                session = BuiltIn().get_library_instance("PartnerApi").log_in(username, password)
            except SoapRefusal as refused:
                raise SkipExecution(f"{username} cannot log in: {refused}: {_REMEDY}") from None
            self._sessions[username] = Salesforce(
                instance_url=admin.base_url.partition("/services/")[0],
                session_id=session,
                version=admin.sf_version,
            )

    @keyword
    def let_everybody_go(self) -> None:
        """Makes everybody who was hired inactive: users cannot be deleted."""
        for user in self._hired.values():
            self._tried(self._admin().User.update, user, {"IsActive": False})
        self._hired.clear()
        self._sessions.clear()

    # -- what they do -----------------------------------------------------------------------------

    @keyword
    def read_as(self, person: str, entity: str, record: str, *fields: str) -> dict[str, Any]:
        """Returns fields of a record as the person sees it; fails with the org's words."""
        soql = f"SELECT {', '.join(fields)} FROM {entity} WHERE Id = '{record}'"
        [row] = self._tried(self._sessions[person].query, soql)["records"]
        return dict(row)

    @keyword
    def change_as(self, person: str, entity: str, record: str, **fields: Any) -> None:
        """Changes fields of a record as the person; fails with the org's words."""
        self._tried(getattr(self._sessions[person], entity).update, record, fields)

    @keyword
    def create_as(self, person: str, entity: str, **fields: Any) -> str:
        """Creates a record as the person and returns its id; fails with the org's words."""
        created = self._tried(getattr(self._sessions[person], entity).create, fields)
        return str(created["id"])

    @keyword
    def delete_as(self, person: str, entity: str, record: str) -> None:
        """Deletes a record as the person; fails with the org's words."""
        self._tried(getattr(self._sessions[person], entity).delete, record)

    @keyword
    def run_report_as(self, person: str, report: str) -> dict[str, Any]:
        """Runs a report, given by its id, as the person and returns what the org answers."""
        path = f"analytics/reports/{report}"
        answer: dict[str, Any] = self._tried(self._sessions[person].restful, path)
        return answer

    @keyword
    def fields_seen_by(self, person: str, entity: str) -> list[str]:
        """Returns the names of the fields of an object that exist for the person."""
        return [field["name"] for field in self._fields(person, entity)]

    @keyword
    def fields_edited_by(self, person: str, entity: str) -> list[str]:
        """Returns the names of the fields of an object that the person may change."""
        return [field["name"] for field in self._fields(person, entity) if field["updateable"]]

    # -- the org ----------------------------------------------------------------------------------

    def _fields(self, person: str, entity: str) -> Iterable[Mapping[str, Any]]:
        told: dict[str, Any] = self._tried(getattr(self._sessions[person], entity).describe)
        fields: Iterable[Mapping[str, Any]] = told["fields"]
        return fields

    def _admin(self) -> Salesforce:
        return BuiltIn().get_library_instance("cumulusci.robotframework.CumulusCI").sf

    def _my_id(self) -> str:
        org: Any = BuiltIn().get_library_instance("cumulusci.robotframework.CumulusCI").org
        return str(org.user_id)

    def _query(self, soql: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._tried(self._admin().query_all, soql)["records"]
        return rows

    def _id_of(self, entity: str, **where: str) -> str:
        condition = " AND ".join(f"{name} = '{value}'" for name, value in where.items())
        rows = self._query(f"SELECT Id FROM {entity} WHERE {condition}")
        if not rows:
            raise Refused(f"the org has no {entity} where {condition}")
        return str(rows[0]["Id"])

    def _create(self, entity: str, **values: str) -> str:
        return str(self._tried(getattr(self._admin(), entity).create, values)["id"])

    def _license(self, user: str) -> None:
        """Give an API-only user the licence that a real org wants; the org may have no such thing."""
        known = {each["name"] for each in self._admin().describe()["sobjects"]}
        if "PermissionSetLicense" not in known:
            logger.info("this org knows no permission set licenses")
            return
        license_id = self._id_of("PermissionSetLicense", DeveloperName=_API_LICENSE)
        self._create(
            "PermissionSetLicenseAssign", AssigneeId=user, PermissionSetLicenseId=license_id
        )

    def _tried(self, call: Any, *arguments: Any, **options: Any) -> Any:
        """Make a call; a refusal is told by its code and message alone."""
        try:
            return call(*arguments, **options)
        except SalesforceError as error:
            errors = error.content if isinstance(error.content, list) else []
            told = "; ".join(f"{each.get('errorCode')}: {each.get('message')}" for each in errors)
            raise Refused(told or str(error)) from None
