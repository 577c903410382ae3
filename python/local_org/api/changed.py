"""The records of one object changed or deleted in a period, for ``updated`` and ``deleted``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from local_org.api.query import all_records
from local_org.errors import OrgError, not_found
from local_org.org import Org, Session
from local_org.schema.model import SObject

_RECYCLE_BIN = timedelta(days=15)


@dataclass(frozen=True, slots=True)
class Changed:
    """Rows of Id and SystemModstamp, and the period they answer for."""

    rows: list[dict[str, Any]]
    available_since: str
    covered_until: str


def changed_between(
    org: Org, session: Session, sobject: SObject, start: str, end: str, *, deleted: bool
) -> Changed:
    """Return what changed from ``start`` (inclusive) to ``end`` (exclusive).

    :raises OrgError: ``INVALID_REPLICATION_DATE`` for times that are none or in the wrong order;
        404 for an object without modification times.
    """
    if not sobject.replicateable:
        raise not_found()
    since, until = _instant(start), _instant(end)
    if since >= until:
        raise OrgError("INVALID_REPLICATION_DATE", "startDate must be before endDate")
    period = f"SystemModstamp >= {_soql(since)} AND SystemModstamp < {_soql(until)}"
    alive = f" AND IsDeleted = {str(deleted).lower()}" if sobject.get("IsDeleted") else ""
    if deleted and not alive:
        rows = []
    else:
        soql = f"SELECT Id, SystemModstamp FROM {sobject.name} WHERE {period}{alive}"
        rows = list(all_records(org, session, soql, all_rows=deleted))
    now = org.clock.second()
    return Changed(rows, _json(now - _RECYCLE_BIN), _json(min(until, now)))


def _instant(text: str) -> datetime:
    """Read ISO 8601; a ``+`` that arrives unescaped in a URL has become a blank."""
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise OrgError("INVALID_REPLICATION_DATE", f"Invalid date: {text}") from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _soql(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _json(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
