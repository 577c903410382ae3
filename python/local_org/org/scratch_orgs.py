"""A Dev Hub: scratch orgs that come with a ``ScratchOrgInfo``, and go with an ``ActiveScratchOrg``.

Every scratch org is an org of its own beside the hub: own data, schema, users, events, ids.

Source: Salesforce Object Reference, ``ScratchOrgInfo``; facts/real-clients.md 5.12.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from local_org.clock import from_millis, millis
from local_org.ids import id18, record_id
from local_org.org.facade import Org
from local_org.records.changes import ChangeKind, RecordChange
from local_org.records.seed import Founding

_INSTANCE: Final = "LOCAL1S"
"""Has to end in S: else sf looks for the org on the platform first."""
_EDITIONS: Final = {
    "Developer": "Developer Edition",
    "Enterprise": "Enterprise Edition",
    "Group": "Team Edition",
    "Professional": "Professional Edition",
}
_SUFFICES: Final = range(1, 31)
_BETWEEN_FEATURES: Final = re.compile(r"[;,\s]+")
_DEFAULT_DAYS: Final = 7
_MOST: Final = 100
"""Active scratch orgs at a time; a real hub has a limit of its own, by edition."""
_USERNAME_TAKEN: Final = "C-1007"
_BAD_DURATION: Final = "SH-0002"
_TOO_MANY: Final = "LIMIT_EXCEEDED"


class ScratchOrgs:
    """The scratch orgs of one hub. Those of a hub in a directory are kept in its folder ``orgs``."""

    def __init__(
        self,
        hub: Org,
        login_url: str,
        directory: Path | None = None,
        opened: Callable[[Org], None] = lambda _: None,
    ) -> None:
        """Watch the hub; ``opened`` is told of every org before anybody can use it."""
        self._hub, self._login_url, self._opened = hub, login_url, opened
        self._directory = directory / "orgs" if directory else None
        self._open: dict[str, Org] = {}
        self._until: dict[str, datetime] = {}
        for active in hub.store.select("ActiveScratchOrg", '"IsDeleted" = 0'):
            self._until[active["ScratchOrg"]] = _end(active)
        hub.after_commit(self._committed)

    def org(self, org_id: str) -> Org | None:
        """Return the scratch org with this id of 15 or 18 characters, or None."""
        self._expire()
        key = org_id[:15]
        return self._opened_again(key) if key in self._until else None

    def all(self) -> Iterator[Org]:
        """Every scratch org that is active now."""
        self._expire()
        for key in list(self._until):
            yield self._opened_again(key)

    def close(self) -> None:
        """Close every open org; those in memory are gone."""
        while self._open:
            self._open.popitem()[1].close()

    # -- what the hub's records ask for -----------------------------------------------------------

    def _committed(self, changes: Sequence[RecordChange]) -> None:
        for change in changes:
            if change.entity == "ScratchOrgInfo" and change.kind is ChangeKind.CREATE:
                self._sign_up(change.record_id)
            elif change.entity == "ActiveScratchOrg" and change.kind is ChangeKind.DELETE:
                self._remove(str((change.before or {})["ScratchOrg"]))
            elif change.entity == "ScratchOrgInfo" and change.kind is ChangeKind.DELETE:
                self._remove(str((change.before or {}).get("ScratchOrg")))

    def _sign_up(self, info_id: str) -> None:
        """Make the org that a record asks for, and write into the record what became of it."""
        store = self._hub.store
        info = store.row("ScratchOrgInfo", info_id) or {}
        problem = self._problem(info)
        if problem:
            store.update_row("ScratchOrgInfo", info_id, {"Status": "Error", "ErrorCode": problem})
            return
        founding = self._founding(info)
        org = self._found(founding)
        admin = org.user(founding.username) or {}
        told = {
            "Name": f"SO-{founding.number - 1:08d}",
            "Status": "Active",
            "ScratchOrg": org.org_id[:15],
            "LoginUrl": self._login_url,
            "AuthCode": org.grants.code(admin["Id"]),
            "Username": founding.username,
            "Edition": info["Edition"] or "Developer",
            "OrgName": founding.name,
            "DurationDays": _days(info),
            "ExpirationDate": _date(_end(info)),
            "SignupUsername": founding.username,
            "SignupEmail": founding.email,
            "SignupInstance": _INSTANCE,
            "SignupCountry": founding.country,
            "SignupLanguage": founding.language,
            "SignupTrialDays": _days(info),
        }
        with store.transaction():
            store.update_row("ScratchOrgInfo", info_id, told)
            self._activate(info | told)
        self._until[org.org_id[:15]] = _end(info)

    def _problem(self, info: Mapping[str, Any]) -> str | None:
        """Return the error code of a wish that cannot be fulfilled, or None."""
        username = info["Username"]
        if username and any(org.user(username) for org in (self._hub, *self.all())):
            return _USERNAME_TAKEN
        if _days(info) not in _SUFFICES:
            return _BAD_DURATION
        return _TOO_MANY if len(self._until) >= _MOST else None

    def _founding(self, info: Mapping[str, Any]) -> Founding:
        edition = (info["Edition"] or "Developer").removeprefix("Partner ")
        username = info["Username"] or f"test-{secrets.token_hex(6)}@example.com"
        return Founding(
            number=1 + self._hub.store.next_serial("$scratch_org"),
            name=info["OrgName"] or "Company",
            organization_type=_EDITIONS[edition],
            instance=_INSTANCE,
            country=info["Country"] or "US",
            language=info["Language"] or "en_US",
            sandbox=True,
            expires=_end(info),
            username=username,
            email=info["AdminEmail"] or username,
            first_name="User",
            features=frozenset(filter(None, _BETWEEN_FEATURES.split(info["Features"] or ""))),
            staffed=False,
        )

    def _activate(self, info: Mapping[str, Any]) -> None:
        """Add the record of an active org: what its ``ScratchOrgInfo`` tells, under its own id."""
        store = self._hub.store
        blank = store.blank_row("ActiveScratchOrg")
        row = blank | {name: info[name] for name in blank if name in info}
        sobject = store.schema.object("ActiveScratchOrg")
        row |= {"Id": store.next_id(sobject.key_prefix or ""), "ScratchOrgInfoId": info["Id"]}
        store.insert_row("ActiveScratchOrg", row)

    # -- orgs ---------------------------------------------------------------------------------------

    def _found(self, founding: Founding) -> Org:
        key = record_id("00D", founding.number)[:15]
        org = Org.open(self._folder(key), self._hub.clock, founding, dev_hub=False)
        self._opened(org)
        self._open[key] = org
        return org

    def _opened_again(self, key: str) -> Org:
        org = self._open.get(key)
        if org is None:
            org = self._open[key] = Org.open(self._folder(key), self._hub.clock, dev_hub=False)
            self._opened(org)
        return org

    def _folder(self, key: str) -> Path | None:
        """Return the folder of an org; named so that names differ by more than case."""
        return self._directory / id18(key) if self._directory else None

    def _expire(self) -> None:
        """Remove the orgs whose time is over."""
        if not self._until:
            return
        now = self._hub.clock.now()
        for key in [key for key, until in self._until.items() if until <= now]:
            self._remove(key)

    def _remove(self, key: str) -> None:
        """Delete an org with everything in it, and tell so in the hub's records."""
        if self._until.pop(key, None) is None:
            return
        store = self._hub.store
        with store.transaction():
            for active in store.select("ActiveScratchOrg", '"ScratchOrg" = ?', (key,)):
                store.delete_row("ActiveScratchOrg", active["Id"])
            for info in store.select("ScratchOrgInfo", '"ScratchOrg" = ?', (key,)):
                gone = {"Status": "Deleted", "DeletedDate": millis(self._hub.clock.second())}
                store.update_row("ScratchOrgInfo", info["Id"], gone)
        org, folder = self._open.pop(key, None), self._folder(key)
        if org is not None:
            org.close()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _days(info: Mapping[str, Any]) -> int:
    days = info["DurationDays"]
    return _DEFAULT_DAYS if days is None else int(days)


def _date(moment: datetime) -> str:
    return moment.date().isoformat()


def _end(info: Mapping[str, Any]) -> datetime:
    """Return when an org expires: whole days after it was asked for."""
    return from_millis(info["CreatedDate"]) + timedelta(days=_days(info))
