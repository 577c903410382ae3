"""Run a query: parse, check, compile, read. Records come back as REST shows them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from weakref import WeakSet

from local_org.errors import OrgError
from local_org.records.store import Store
from local_org.schema.access import Access
from local_org.schema.model import Schema
from local_org.soql.compile import compile_query
from local_org.soql.date_parts import LOCAL, local
from local_org.soql.dates import Calendar
from local_org.soql.distance import DISTANCE, distance_km
from local_org.soql.faults import Faults, too_complicated
from local_org.soql.folding import FOLD, folded_value
from local_org.soql.parser import parse
from local_org.soql.plan import Plan
from local_org.soql.rows import Json
from local_org.soql.scope import Statement

_DEFAULT_ZONE = "America/New_York"
_MOST_TOTALS = 2000
_LIMITS = ("too complex", "stack overflow", "too large", "too many", "at most")
"""Words of SQLite's complaints about the size of a statement."""
_TAUGHT: WeakSet[Store] = WeakSet()


@dataclass
class Result:
    """The answer to a query."""

    total: int
    entity: str
    records: list[Json] = field(default_factory=list)
    columns: list[Json] = field(default_factory=list)
    """``columnMetadata`` of ``?columns=true``."""


def _teach(store: Store) -> None:
    """Register the functions that compiled queries call, once per store."""
    if store not in _TAUGHT:
        store.connection.create_function(LOCAL, 2, local, deterministic=True)
        store.connection.create_function(DISTANCE, 4, distance_km, deterministic=True)
        store.connection.create_function(FOLD, 1, folded_value, deterministic=True)
        _TAUGHT.add(store)


def _fiscal(store: Store, schema: Schema) -> tuple[int, bool]:
    """Return the first month of the org's fiscal year, and whether the year is named by its start."""
    organization = schema.get("Organization")
    if organization is None or organization.get("FiscalYearStartMonth") is None:
        return 1, False
    named = organization.get("UsesStartDateAsFiscalYearName") is not None
    by_start = '"UsesStartDateAsFiscalYearName"' if named else "0"
    sql = f'SELECT "FiscalYearStartMonth", {by_start} FROM "Organization"'
    row = store.connection.execute(sql).fetchone() or (None, None)
    return int(row[0] or 1), bool(row[1])


def calendar_of(store: Store, schema: Schema, now: datetime, user: Mapping[str, Any]) -> Calendar:
    """Return the calendar of a user: zone and locale are the user's, the fiscal year is the org's."""
    zone = user.get("TimeZoneSidKey") or _DEFAULT_ZONE
    locale = user.get("LocaleSidKey") or "en_US"
    month, by_start = _fiscal(store, schema)
    return Calendar.at(now.astimezone(UTC), zone, locale, month, by_start=by_start)


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
    calendar = calendar_of(store, schema, now, user)
    statement = Statement(
        store, schema, access, Faults(soql), calendar, user, version, all_rows, base
    )
    _teach(store)
    with _within_limits():
        return _answer(store.connection, compile_query(statement, parse(soql)))


def _answer(connection: sqlite3.Connection, plan: Plan) -> Result:
    rows = plan.rows(connection)
    if plan.counts:
        return Result(rows[0][0], plan.entity, [], plan.columns)
    if plan.totals and len(rows) > _MOST_TOTALS:
        raise OrgError(
            "EXCEEDED_ID_LIMIT",
            "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a "
            "single batch",
        )
    return Result(len(rows), plan.entity, plan.records(connection, rows), plan.columns)


@contextmanager
def _within_limits() -> Iterator[None]:
    """Refuse what nests or lists more than Python or SQLite can take."""
    try:
        yield
    except RecursionError:
        raise too_complicated() from None
    except sqlite3.OperationalError as error:
        if any(limit in str(error) for limit in _LIMITS):
            raise too_complicated() from error
        raise
