"""What an org must have before the package goes in: each a check of its own, and all of them at once.

A check answers true when nothing stands in the way, as the checks of a plan ask it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from cumulusci.core.exceptions import CumulusCIException
from cumulusci.tasks.salesforce import BaseSalesforceApiTask
from lxml import etree

_EDITIONS = ("Developer Edition", "Enterprise Edition", "Unlimited Edition", "Performance Edition")
_ENTITIES = 5
"""So many entities may an org without the add-on select for Change Data Capture."""
_FEW_CALLS = 2000
_EVERYBODY_TRANSFERS = ("ReadEditTransfer", "All")
_SHARED = {"None": "Private", "Read": "Public Read Only", "Edit": "Public Read/Write"}
"""What Setup calls the values of ``Organization.DefaultLeadAccess``."""
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True)


class Level(StrEnum):
    """How bad a finding is."""

    GOOD = "ok"
    WARNING = "warning"
    """It works, and something will be missing."""
    ERROR = "ERROR"
    """It does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has found; ``words`` say what to do about it, if anything."""

    level: Level
    words: str


class Check(BaseSalesforceApiTask):  # type: ignore[misc]  # cumulusci has no types
    """One question to the org."""

    @abstractmethod
    def look(self) -> Finding:
        """Return what the org answers."""

    def _run_task(self) -> None:
        finding = self.look()
        self.return_values = finding.level is not Level.ERROR
        self.logger.info("%s: %s", finding.level.value, finding.words)

    def _one(self, soql: str) -> dict[str, Any]:
        row: dict[str, Any] = self.sf.query(soql)["records"][0]
        return row


class CheckEnhancedEmail(Check):
    """Mails are evidence only where Enhanced Email keeps them as records with relations."""

    def look(self) -> Finding:
        """Return whether mails and their links to Leads are records."""
        known = {each["name"] for each in self.sf.describe()["sobjects"]}
        if {"EmailMessage", "EmailMessageRelation"} <= known:
            return Finding(Level.GOOD, "mails and their links are records")
        words = "switch Enhanced Email on in Setup, Enhanced Email: without it no mail is evidence"
        return Finding(Level.ERROR, words)


class CheckCdcBudget(Check):
    """The channel takes three entities of the five that an org may select."""

    def look(self) -> Finding:
        """Return whether our entities and those selected already are few enough together."""
        rows = self.tooling.query("SELECT SelectedEntity FROM PlatformEventChannelMember")[
            "records"
        ]
        others = {row["SelectedEntity"] for row in rows} - self._ours()
        taken = len(others) + len(self._ours())
        told = f"{taken} of {_ENTITIES} entities with ours; others: {', '.join(sorted(others)) or 'none'}"
        if taken <= _ENTITIES:
            return Finding(Level.GOOD, told)
        remedy = "deselect some in Setup, Change Data Capture, or buy the add-on"
        return Finding(Level.ERROR, f"{told}; {remedy}")

    def _ours(self) -> set[str]:
        package = Path(self.project_config.repo_root) / "force-app" / "main" / "default"
        return {
            str(etree.parse(path, _PARSER).getroot().findtext("{*}selectedEntity"))
            for path in package.glob("platformEventChannelMembers/*")
        }


class CheckEdition(Check):
    """Enterprise Edition and up have what the package needs: custom permissions, API, change events."""

    def look(self) -> Finding:
        """Return whether the edition is one of those."""
        edition = str(self._one("SELECT OrganizationType FROM Organization")["OrganizationType"])
        if edition in _EDITIONS:
            return Finding(Level.GOOD, edition)
        return Finding(Level.ERROR, f"{edition}: the package needs Enterprise Edition or better")


class CheckApiAccess(Check):
    """The sidecar lives on API calls: a burst of a thousand leads takes about thirty."""

    def look(self) -> Finding:
        """Return whether calls are left today."""
        calls = self.sf.limits()["DailyApiRequests"]
        told = f"{calls['Remaining']:,} of {calls['Max']:,} API calls are left today"
        if calls["Remaining"] >= _FEW_CALLS:
            return Finding(Level.GOOD, told)
        return Finding(
            Level.WARNING, f"{told}: see in Setup, Company Information, who uses them up"
        )


class CheckEmailCapture(Check):
    """Mails that Einstein Activity Capture keeps outside the org's records are evidence for nobody.

    Who has a licence for it can be seen, and not whether it syncs mails as records.
    """

    def look(self) -> Finding:
        """Return whether somebody may send mails that leave no record."""
        known = {each["name"] for each in self.sf.describe()["sobjects"]}
        if "PermissionSetLicense" not in known:
            return Finding(Level.GOOD, "the org has no licences for Einstein Activity Capture")
        rows = self.sf.query(
            "SELECT UsedLicenses FROM PermissionSetLicense WHERE MasterLabel LIKE '%Activity Capture%'"
        )["records"]
        used = sum(row["UsedLicenses"] or 0 for row in rows)
        if not used:
            return Finding(Level.GOOD, "nobody uses Einstein Activity Capture")
        return Finding(
            Level.WARNING,
            f"{used} users may use Einstein Activity Capture: unless Sync Email as Salesforce Activity is "
            "on in its settings, their mails are no records and these people will look slow",
        )


class CheckLeadSharing(Check):
    """Where Leads are not shared for all to edit and transfer, the sidecar needs more."""

    def look(self) -> Finding:
        """Return whether the sidecar can edit and transfer every Lead."""
        default = self._one("SELECT DefaultLeadAccess FROM Organization")["DefaultLeadAccess"]
        if default in _EVERYBODY_TRANSFERS:
            return Finding(Level.GOOD, "everybody may edit and transfer every Lead")
        return Finding(
            Level.WARNING,
            f"Leads are {_SHARED.get(default, default)}: assign Speed_to_Lead_Sidecar_Private_Sharing to "
            "the sidecar's user too",
        )


CHECKS: tuple[type[Check], ...] = (
    CheckEdition,
    CheckApiAccess,
    CheckEnhancedEmail,
    CheckEmailCapture,
    CheckCdcBudget,
    CheckLeadSharing,
)


class Preflight(BaseSalesforceApiTask):  # type: ignore[misc]  # cumulusci has no types
    """Asks everything, tells it as a list, and fails when the package would not work."""

    def _run_task(self) -> None:
        findings = dict(self._looked())
        for name, finding in findings.items():
            self.logger.info("%-8s %s: %s", finding.level.value, name, finding.words)
        bad = [name for name, finding in findings.items() if finding.level is Level.ERROR]
        self.return_values = {name: finding.level.value for name, finding in findings.items()}
        if bad:
            raise CumulusCIException(f"not ready for the package: {', '.join(bad)}")

    def _looked(self) -> Iterator[tuple[str, Finding]]:
        for check in CHECKS:
            task = check(self.project_config, self.task_config, self.org_config)
            task._init_task()  # noqa: SLF001 - as cumulusci does before it runs a task
            yield check.__name__.removeprefix("Check"), task.look()
