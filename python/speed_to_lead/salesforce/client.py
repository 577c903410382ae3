"""Calls to the org's REST API: authenticated, retried where that helps, counted."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from random import Random
from typing import Any, Self

import httpx

from speed_to_lead.errors import (
    AuthenticationFailed,
    OrgRefused,
    OrgUnavailable,
    PermissionMissing,
    UsageError,
)
from speed_to_lead.model import JSON
from speed_to_lead.salesforce.auth import Token, log_in, unreachable
from speed_to_lead.salesforce.budget import Budget
from speed_to_lead.settings import Settings

ROWS_PER_CALL = 200
_IDS_PER_QUERY = 400
"""A query travels in the URL, which holds 16,384 bytes."""
_ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 0.2
_TIMEOUT_SECONDS = 60.0
_HIDDEN = frozenset(
    {"INVALID_FIELD", "INVALID_TYPE", "NOT_FOUND", "INSUFFICIENT_ACCESS", "API_DISABLED_FOR_ORG"}
)
_LATER = frozenset(
    {"REQUEST_LIMIT_EXCEEDED", "SERVER_UNAVAILABLE", "UNABLE_TO_LOCK_ROW", "QUERY_TIMEOUT"}
)
_RULE = re.compile(r"\b[A-Z]{2,5}-\d{2,4}\b")
"""The code that a rule's message begins with, such as STL-001."""
_BAD_OWNER = frozenset(
    {
        "INACTIVE_OWNER_OR_USER",
        "INVALID_CROSS_REFERENCE_KEY",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "OP_WITH_INVALID_USER_TYPE_EXCEPTION",
        "TRANSFER_REQUIRES_READ",
    }
)
"""What the org says when somebody cannot own a Lead."""
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SaveOutcome:
    """What the org says to one row of a write."""

    success: bool
    code: str | None = None
    message: str | None = None
    fields: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Return the code, the fields and the code of the rule; the org's sentence may name people."""
        rule = _RULE.search(self.message or "")
        named = (*self.fields, *((rule[0],) if rule else ()))
        return f"{self.code} ({', '.join(named)})" if named else str(self.code)

    @property
    def bad_owner(self) -> bool:
        """The owner cannot have the Lead: inactive, gone, or without the rights."""
        return self.code in _BAD_OWNER

    @property
    def refused(self) -> bool:
        """Somebody stamped an earlier instant: guard rules STL-001 and STL-004."""
        said = self.message or ""
        guarded = "STL-001" in said or "STL-004" in said
        return self.code == "FIELD_CUSTOM_VALIDATION_EXCEPTION" and guarded

    @property
    def converted(self) -> bool:
        """The Lead is converted, and read-only to this user."""
        return self.code == "CANNOT_UPDATE_CONVERTED_LEAD"

    @property
    def locked(self) -> bool:
        """Somebody else writes the row just now."""
        return self.code == "UNABLE_TO_LOCK_ROW"


class Salesforce:
    """One org, in the name of one user."""

    def __init__(
        self, settings: Settings, http: httpx.AsyncClient, sleep: Sleep, random: Random
    ) -> None:
        self._settings, self._http = settings, http
        self._sleep, self._random = sleep, random
        self._token: Token | None = None
        self._logging_in = asyncio.Lock()
        self._describes: dict[str, dict[str, Any]] = {}
        self.budget = Budget(settings.daily_calls, settings.spared_calls_percent)
        self.skew = timedelta()
        """By how much the org's clock is ahead of this machine's, to a second or so."""

    @property
    def calls(self) -> int:
        """Return the REST calls spent so far; asking for tokens is not counted."""
        return self.budget.by_kind.total()

    @classmethod
    async def connect(
        cls, settings: Settings, sleep: Sleep = asyncio.sleep, random: Random | None = None
    ) -> Self:
        """Log in.

        :raises AuthenticationFailed: the org refuses the credentials.
        :raises OrgUnavailable: it does not answer.
        """
        http = httpx.AsyncClient(verify=_trust(settings), timeout=_TIMEOUT_SECONDS)
        salesforce = cls(settings, http, sleep, random or Random())  # noqa: S311 - jitter
        try:
            await salesforce.token()
        except BaseException:
            await http.aclose()
            raise
        return salesforce

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def token(self, refresh: bool = False) -> Token:
        """Return the token in use, or a new one; whoever waits for a new one gets the same."""
        stale = self._token
        async with self._logging_in:
            if self._token is None or (refresh and self._token is stale):
                self._token = await log_in(self._settings, self._http)
            return self._token

    def now(self) -> datetime:
        """Return the time by the org's clock, as its last answer told it."""
        return datetime.now(UTC) + self.skew

    # -- reading ----------------------------------------------------------------------------------

    async def versions(self) -> list[str]:
        """Return the versions of the REST API that the org speaks, the oldest first."""
        found = await self._call("other", "GET", "/services/data")
        return [each["version"] for each in found]

    async def limits(self) -> dict[str, dict[str, int]]:
        """Return the org's limits by name, each with ``Max`` and ``Remaining``."""
        found: dict[str, dict[str, int]] = await self._call("other", "GET", self._data("limits"))
        return found

    async def query(
        self, soql: str, *, deleted: bool = False, tooling: bool = False
    ) -> list[dict[str, Any]]:
        """Return the records of a query, all pages; also those in the recycle bin, if asked for.

        ``tooling`` asks the Tooling API, which shows what is set up.

        :raises PermissionMissing: the org hides a field or an object from this user.
        """
        resource = "tooling/query" if tooling else "queryAll" if deleted else "query"
        page = await self._call("query", "GET", self._data(resource), params={"q": soql})
        records: list[dict[str, Any]] = page["records"]
        while not page["done"]:
            page = await self._call("query", "GET", page["nextRecordsUrl"])
            records += page["records"]
        return records

    async def query_ids(
        self, soql: str, ids: Sequence[str], *, deleted: bool = False
    ) -> list[dict[str, Any]]:
        """Return the records of a query over checked ids; ``{}`` in the query is their place."""
        rows: list[dict[str, Any]] = []
        for start in range(0, len(ids), _IDS_PER_QUERY):
            listed = ", ".join(f"'{each}'" for each in ids[start : start + _IDS_PER_QUERY])
            rows += await self.query(soql.format(listed), deleted=deleted)
        return rows

    async def retrieve(
        self, entity: str, ids: Sequence[str], fields: Sequence[str]
    ) -> list[dict[str, Any] | None]:
        """Return records by id, at most 2,000, in the order of the ids; None where there is none."""
        path = self._data(f"composite/sobjects/{entity}")
        found: list[dict[str, Any] | None] = await self._call(
            "retrieve", "POST", path, json={"ids": list(ids), "fields": list(fields)}
        )
        return found

    async def describe(self, entity: str) -> dict[str, Any]:
        """Return an object's describe, read once."""
        if entity not in self._describes:
            path = self._data(f"sobjects/{entity}/describe")
            self._describes[entity] = await self._call("describe", "GET", path)
        return self._describes[entity]

    # -- writing ----------------------------------------------------------------------------------

    async def update(self, entity: str, rows: Sequence[Mapping[str, JSON]]) -> list[SaveOutcome]:
        """Change records, 200 a call; one outcome for each row, in order. No row blocks another.

        Rows that were locked are tried again; repeating a write that was done changes nothing.

        :raises OrgUnavailable: the org did not take the call, or kept a row locked, time and again.
        """
        saved = await self._save(entity, rows)
        pause = _FIRST_PAUSE_SECONDS
        for _ in range(_ATTEMPTS - 1):
            locked = [index for index, outcome in enumerate(saved) if outcome.locked]
            if not locked:
                return saved
            await self._sleep(self._random.uniform(0, pause))
            pause *= 2
            again = await self._save(entity, [rows[index] for index in locked])
            for index, outcome in zip(locked, again, strict=True):
                saved[index] = outcome
        held = sum(outcome.locked for outcome in saved)
        if held:
            raise OrgUnavailable(f"UNABLE_TO_LOCK_ROW: {held} of {len(rows)} rows stay locked")
        return saved

    async def _save(self, entity: str, rows: Sequence[Mapping[str, JSON]]) -> list[SaveOutcome]:
        parts = range(0, len(rows), ROWS_PER_CALL)
        saved = [await self._save_part(entity, rows[i : i + ROWS_PER_CALL]) for i in parts]
        return [outcome for part in saved for outcome in part]

    async def _save_part(
        self, entity: str, rows: Sequence[Mapping[str, JSON]]
    ) -> list[SaveOutcome]:
        """Write up to 200 rows; a call that is refused as a whole is halved till the row is found."""
        records = [{"attributes": {"type": entity}, **_with_id(row)} for row in rows]
        body = {"allOrNone": False, "records": records}
        try:
            results = await self._call(
                "update", "PATCH", self._data("composite/sobjects"), json=body
            )
        except OrgRefused as refused:
            if len(rows) == 1:
                return [SaveOutcome(False, str(refused))]
            half = len(rows) // 2
            return [
                outcome
                for part in (rows[:half], rows[half:])
                for outcome in await self._save_part(entity, part)
            ]
        if len(results) != len(rows):
            raise OrgUnavailable(f"expected {len(rows)} results of a write, got {len(results)}")
        return [_save_outcome(result) for result in results]

    # -- calls ------------------------------------------------------------------------------------

    def _data(self, path: str) -> str:
        return f"/services/data/v{self._settings.api_version}/{path}"

    async def _call(self, kind: str, method: str, path: str, **request: Any) -> Any:
        """Return the JSON of a call; a session that has expired is renewed.

        :raises CallsSpent: no call may be spent now.
        :raises OrgUnavailable: the org does not answer, time and again.
        :raises OrgRefused: it will never take this call.
        """
        pause = _FIRST_PAUSE_SECONDS
        for attempt in range(1, _ATTEMPTS + 1):
            answer = await self._attempt(kind, method, path, **request)
            expired = isinstance(answer, httpx.Response) and answer.status_code == 401
            last = attempt == _ATTEMPTS
            final = last or not expired
            if isinstance(answer, httpx.Response) and final and not _try_later(answer):
                return _read(method, path, answer)
            if last:
                raise _given_up(method, path, answer)
            if expired:
                await self.token(refresh=True)
            if attempt > 1 or not expired:  # a fresh token usually helps at once
                await self._sleep(self._random.uniform(0, pause))
                pause *= 2
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(
        self, kind: str, method: str, path: str, **request: Any
    ) -> httpx.Response | httpx.HTTPError:
        token = await self.token()
        self.budget.spend(kind)
        headers = {
            "Authorization": f"Bearer {token.access_token}",
            "Sforce-Call-Options": f"client={self._settings.client_name}",
        }
        try:
            answer = await self._http.request(
                method, f"{token.instance_url}{path}", headers=headers, **request
            )
        except httpx.HTTPError as error:
            return error
        self.budget.told(answer.headers.get("Sforce-Limit-Info"))
        with suppress(KeyError, ValueError):  # no date, or none that can be read
            self.skew = parsedate_to_datetime(answer.headers["Date"]) - datetime.now(UTC)
        return answer


def _trust(settings: Settings) -> ssl.SSLContext | bool:
    if settings.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise UsageError(
            f"SPEED_TO_LEAD_CA_FILE: cannot use {settings.ca_file}: {error}"
        ) from error


def _with_id(row: Mapping[str, JSON]) -> dict[str, JSON]:
    return {"id" if name == "Id" else name: value for name, value in row.items()}


def _save_outcome(result: Mapping[str, Any]) -> SaveOutcome:
    if result.get("success"):
        return SaveOutcome(success=True)
    error = (result.get("errors") or [{}])[0]
    fields = tuple(map(str, error.get("fields") or ()))
    return SaveOutcome(False, error.get("statusCode"), error.get("message"), fields)


def _errors(answer: httpx.Response) -> list[dict[str, Any]]:
    try:
        body = answer.json()
    except ValueError:
        return []
    return [each for each in body if isinstance(each, dict)] if isinstance(body, list) else []


def _codes(answer: httpx.Response) -> set[str]:
    return {str(each.get("errorCode")) for each in _errors(answer)} if answer.is_error else set()


def _try_later(answer: httpx.Response) -> bool:
    return answer.status_code in (429, 500, 502, 503, 504) or bool(_codes(answer) & _LATER)


def _read(method: str, path: str, answer: httpx.Response) -> Any:
    """Return the JSON of an answer.

    :raises SpeedToLeadError: the org refuses, sorted by who can put it right.
    """
    if answer.is_success:
        return _body(path, answer)
    told = "; ".join(
        f"{e.get('errorCode')}: {_last_line(e.get('message'))}" for e in _errors(answer)
    )
    if answer.status_code == 401:
        raise AuthenticationFailed(f"the org refuses a fresh token: {told or answer.status_code}")
    if _codes(answer) & _HIDDEN or answer.status_code == 403:
        raise PermissionMissing(
            f"the org hides something that the sidecar needs ({told}): deploy the package and assign "
            "the permission set Speed_to_Lead_Sidecar to its user"
        )
    codes = ", ".join(sorted(_codes(answer)))  # never the sentences, which may echo what was sent
    where = f"{method} {path.split('?', maxsplit=1)[0]}"
    raise OrgRefused(f"{where}: {answer.status_code} {codes}".rstrip())


def _body(path: str, answer: httpx.Response) -> Any:
    try:
        return answer.json() if answer.content else None
    except ValueError as error:
        raise OrgUnavailable(f"{path}: expected JSON, got {answer.text[:40]!r}") from error


def _last_line(message: object) -> str:
    """Return the sentence of an error; the lines before it echo the query."""
    return str(message).strip().splitlines()[-1] if message else ""


def _given_up(method: str, path: str, answer: httpx.Response | httpx.HTTPError) -> Exception:
    if isinstance(answer, httpx.HTTPError):
        return unreachable(path, answer)
    told = ", ".join(sorted(_codes(answer)))
    return OrgUnavailable(
        f"{method} {path.split('?', maxsplit=1)[0]}: {answer.status_code} {told}".rstrip()
    )
