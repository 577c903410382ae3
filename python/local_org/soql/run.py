"""Run a query: parse, check, compile, read. Records come back as REST shows them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from local_org.clock import from_millis
from local_org.errors import OrgError
from local_org.records.store import Store
from local_org.schema.access import Access
from local_org.schema.model import Schema
from local_org.soql.compile import compile_query
from local_org.soql.dates import Calendar
from local_org.soql.faults import Faults
from local_org.soql.parser import parse
from local_org.soql.plan import Plan
from local_org.soql.rows import Json
from local_org.soql.scope import Statement
from local_org.soql.terms import LOCAL

_DEFAULT_ZONE = "America/New_York"
_LIMITS = ("stack overflow", "too large", "too many", "at most")
"""Words of SQLite's complaints about the size of a statement."""


@dataclass
class Result:
    """The answer to a query."""

    total: int
    entity: str
    records: list[Json] = field(default_factory=list)
    columns: list[Json] = field(default_factory=list)
    """``columnMetadata`` of ``?columns=true``."""


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _offset(zone: str, moment: datetime) -> timedelta:
    return moment.astimezone(_zone(zone)).utcoffset() or timedelta()


def _local(instant: int | None, zone: str) -> int | None:
    if instant is None:
        return None
    return instant + int(_offset(zone, from_millis(instant)).total_seconds() * 1000)


def _teach(connection: sqlite3.Connection) -> None:
    """Register the function behind convertTimezone, once per connection."""
    known = "SELECT 1 FROM pragma_function_list WHERE name = ?"
    if connection.execute(known, (LOCAL,)).fetchone() is None:
        connection.create_function(LOCAL, 2, _local, deterministic=True)


def _fiscal_month(store: Store, schema: Schema) -> int:
    organization = schema.get("Organization")
    if organization is None or organization.get("FiscalYearStartMonth") is None:
        return 1
    sql = 'SELECT "FiscalYearStartMonth" FROM "Organization" LIMIT 1'
    row = store.connection.execute(sql).fetchone()
    return int(row[0]) if row and row[0] else 1


def _calendar(store: Store, schema: Schema, now: datetime, user: Mapping[str, Any]) -> Calendar:
    zone = user.get("TimeZoneSidKey") or _DEFAULT_ZONE
    locale = user.get("LocaleSidKey") or "en_US"
    return Calendar.at(now.astimezone(UTC), zone, locale, _fiscal_month(store, schema))


def execute(
    store: Store,
    schema: Schema,
    access: Access,
    soql: str,
    *,
    now: datetime,
    user: Mapping[str, Any],
    version: str,
    all_rows: bool = False,
    base: str = "sobjects",
) -> Result:
    """Answer a query in a user's name: what the user may not read does not exist.

    ``user`` is the user's row (Id, TimeZoneSidKey, LocaleSidKey); ``base`` is the resource that
    record URLs name (``tooling/sobjects`` in the Tooling API). Deleted rows are left out unless
    ``all_rows``.

    :raises OrgError: as ``parse`` and ``compile_query`` raise it; nothing is read then.
    """
    calendar = _calendar(store, schema, now, user)
    statement = Statement(
        store, schema, access, Faults(soql), calendar, user, version, all_rows, base
    )
    with _within_limits():
        return _answer(store.connection, compile_query(statement, parse(soql)))


def _answer(connection: sqlite3.Connection, plan: Plan) -> Result:
    if LOCAL in plan.sql:
        _teach(connection)
    rows = plan.rows(connection)
    if plan.counts:
        return Result(rows[0][0], plan.entity, [], plan.columns)
    return Result(len(rows), plan.entity, plan.records(connection, rows), plan.columns)


@contextmanager
def _within_limits() -> Iterator[None]:
    """Refuse what nests or lists more than Python or SQLite can take."""
    try:
        yield
    except RecursionError:
        raise _too_complicated() from None
    except sqlite3.OperationalError as error:
        if any(limit in str(error) for limit in _LIMITS):
            raise _too_complicated() from error
        raise


def _too_complicated() -> OrgError:
    return OrgError(
        "QUERY_TOO_COMPLICATED",
        "Query is either selecting too many fields or the filter conditions are too complicated.",
    )
