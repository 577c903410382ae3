"""Users, queues and who is who under a policy: asked once, kept within bounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from speed_to_lead.errors import InvalidId, UsageError
from speed_to_lead.ids import OwnerId, UserId, owner_id, user_id
from speed_to_lead.model import User
from speed_to_lead.policy import OwnerRef, Policy
from speed_to_lead.salesforce.client import Salesforce

_CACHED = 20_000
"""How many users, and how many addresses, are remembered."""
_NOBODY = User(UserId(""), "", is_active=False, automation=False, trusted_logger=False)


class People:
    """The users and queues of one org, under one policy."""

    def __init__(self, salesforce: Salesforce, policy: Policy) -> None:
        self._salesforce, self._policy = salesforce, policy
        self._users: dict[UserId, User] = {}
        self._by_address: dict[str, UserId | None] = {}

    async def users(self, ids: Iterable[UserId]) -> dict[UserId, User]:
        """Return Users, from memory where they are known."""
        wanted = set(ids)
        unknown = [each for each in wanted if each not in self._users]
        if unknown:
            if len(self._users) > _CACHED:
                self._users.clear()
                unknown = list(wanted)
            rows = await self._salesforce.query_ids(
                "SELECT Id, Username, Department, UserType, IsActive FROM User WHERE Id IN ({})",
                unknown,
            )
            self._users |= {user_id(row["Id"]): self._user(row) for row in rows}
        return {each: self._users[each] for each in wanted if each in self._users}

    def _user(self, row: Mapping[str, Any]) -> User:
        names = {row["Id"], row["Id"][:15], row["Username"]}
        response = self._policy.response
        return User(
            id=user_id(row["Id"]),
            user_type=row["UserType"] or "",
            is_active=row["IsActive"],
            automation=not names.isdisjoint(response.automation_users),
            trusted_logger=not names.isdisjoint(response.trusted_loggers),
            username=row["Username"],
            team=row["Department"],
            scheduler=not names.isdisjoint(response.scheduler_users),
        )

    async def sender(self, address: str | None, writer: UserId | None) -> UserId | None:
        """Return the one User whose address a mail bears, where a trusted logger wrote it down."""
        address = (address or "").lower()
        if not address or writer is None or not self._policy.response.trusted_loggers:
            return None
        if not (await self.users([writer])).get(writer, _NOBODY).trusted_logger:
            return None
        if address not in self._by_address:
            found = await self._salesforce.query(
                f"SELECT Id FROM User WHERE Email = {literal(address)} LIMIT 2"
            )
            if len(self._by_address) > _CACHED:
                self._by_address.clear()
            self._by_address[address] = user_id(found[0]["Id"]) if len(found) == 1 else None
        return self._by_address[address]

    async def owners(self) -> dict[OwnerRef, OwnerId]:
        """Return the ids of all owners that the policy names.

        :raises UsageError: the org has no such queue or active user; each is named.
        """
        named = self._policy.owners()
        queues = await self._named(
            "SELECT Id, DeveloperName FROM Group WHERE Type = 'Queue' AND DeveloperName IN ({})",
            [ref.queue for ref in named if ref.queue],
            "DeveloperName",
        )
        users = await self._named(
            "SELECT Id, Username FROM User WHERE IsActive = true AND Username IN ({})",
            [ref.user for ref in named if ref.user],
            "Username",
        )
        found = {
            ref: owner
            for ref in named
            if (
                owner := queues.get((ref.queue or "").lower())
                or users.get((ref.user or "").lower())
            )
        }
        missing = sorted(str(ref) for ref in named if ref not in found and not ref.keep)
        if missing:
            raise UsageError(
                f"the org has no {', no '.join(missing)}: create it, or change the policy"
            )
        return found

    async def unknown(self, names: Iterable[str]) -> list[str]:
        """Return those usernames and User ids that no user of the org has, active or not."""
        wanted = {name.lower() for name in names}
        if not wanted:
            return []
        listed = ", ".join(map(literal, sorted(wanted)))
        ids = [name for name in names if name.startswith("005") and "@" not in name]
        by_id = f" OR Id IN ({', '.join(map(literal, ids))})" if ids else ""
        rows = await self._salesforce.query(
            f"SELECT Id, Username FROM User WHERE Username IN ({listed}){by_id}"
        )
        found = {row["Username"].lower() for row in rows}
        found |= {form.lower() for row in rows for form in (row["Id"], row["Id"][:15])}
        return sorted(wanted - found)

    async def _named(self, soql: str, names: Sequence[str], field: str) -> dict[str, OwnerId]:
        if not names:
            return {}
        rows = await self._salesforce.query(soql.format(", ".join(map(literal, names))))
        return {row[field].lower(): owner_id(row["Id"]) for row in rows}


def user_or_none(text: str | None) -> UserId | None:
    """Return a User id, or None where it is none: a queue, or nothing."""
    try:
        return user_id(text or "")
    except InvalidId:
        return None


def literal(text: str) -> str:
    r"""Return a text as a SOQL string.

    >>> print(literal("O'Hara"))
    'O\'Hara'
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
