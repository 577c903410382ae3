"""A second user with few rights, to see the package as those see it who only read the numbers."""

from __future__ import annotations

from typing import Any

from cumulusci.core.exceptions import CumulusCIException
from cumulusci.core.utils import process_list_arg
from cumulusci.tasks.salesforce import BaseSalesforceApiTask

_LIKE_ME = ("TimeZoneSidKey", "LocaleSidKey", "EmailEncodingKey", "LanguageLocaleKey")


class CreateTestUser(BaseSalesforceApiTask):  # type: ignore[misc]  # cumulusci has no types
    """Makes the user, or finds the one that an earlier run has made; gives it permission sets."""

    task_options = {  # noqa: RUF012  # cumulusci reads this class attribute
        "alias": {
            "description": "Alias, at most 8 characters (default: stltest)",
            "required": False,
        },
        "profile": {
            "description": "Profiles, the first that the org has is taken "
            "(default: Minimum Access - Salesforce, then Standard User)",
            "required": False,
        },
        "permission_sets": {
            "description": "Permission sets (default: Speed_to_Lead_Analyst)",
            "required": False,
        },
    }

    def _init_options(self, kwargs: dict[str, Any]) -> None:
        super()._init_options(kwargs)
        self.alias = self.options.get("alias") or "stltest"
        self.profiles = process_list_arg(
            self.options.get("profile") or ["Minimum Access - Salesforce", "Standard User"]
        )
        self.permission_sets = process_list_arg(
            self.options.get("permission_sets") or ["Speed_to_Lead_Analyst"]
        )

    def _run_task(self) -> None:
        username = f"{self.alias}@{self.org_config.org_id[:15].lower()}.speed-to-lead.test"
        found = self._rows("SELECT Id FROM User WHERE Username = '{}'", username)
        user = found[0]["Id"] if found else self._hire(username)
        for name in self.permission_sets:
            self._assign(user, name)
        self.return_values = {"username": username, "id": user, "created": not found}
        self.logger.info(
            "%s %s with %s", "found" if found else "made", username, self.permission_sets
        )

    def _hire(self, username: str) -> str:
        me = f"SELECT {', '.join(_LIKE_ME)} FROM User WHERE Username = '{{}}'"
        [like] = self._rows(me, self.org_config.username)
        made = self.sf.User.create(
            {
                "Username": username,
                "Email": "test@example.com",
                "LastName": "Speed to Lead Test",
                "Alias": self.alias,
                "CommunityNickname": username.partition("@")[0] + self.org_config.org_id[-6:],
                "ProfileId": self._profile(),
                **{name: like[name] for name in _LIKE_ME},
            }
        )
        return str(made["id"])

    def _profile(self) -> str:
        for name in self.profiles:
            rows = self._rows("SELECT Id FROM Profile WHERE Name = '{}'", name)
            if rows:
                self.logger.info("profile: %s", name)
                return str(rows[0]["Id"])
        raise CumulusCIException(f"the org has none of these profiles: {', '.join(self.profiles)}")

    def _assign(self, user: str, name: str) -> None:
        rows = self._rows("SELECT Id FROM PermissionSet WHERE Name = '{}'", name)
        if not rows:
            raise CumulusCIException(
                f"the org has no permission set {name}: deploy the package first"
            )
        held = "SELECT Id FROM PermissionSetAssignment WHERE AssigneeId = '{}' AND PermissionSetId = '{}'"
        if not self._rows(held, user, rows[0]["Id"]):
            values = {"AssigneeId": user, "PermissionSetId": rows[0]["Id"]}
            self.sf.PermissionSetAssignment.create(values)

    def _rows(self, soql: str, *values: str) -> list[dict[str, Any]]:
        quoted = (each.replace("\\", "\\\\").replace("'", "\\'") for each in values)
        rows: list[dict[str, Any]] = self.sf.query(soql.format(*quoted))["records"]
        return rows
