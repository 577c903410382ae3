"""PK chunking of Bulk API 1.0 queries: a batch for each range of record ids.

The batch that was sent stays, ``NotProcessed``; the batches of its chunks follow it in the job.
Source: the Bulk API guide, "PK Chunking Header".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from local_org.api.bulk_results import Found
from local_org.api.bulk_rows import QUERIES, Order
from local_org.api.query import all_records
from local_org.errors import OrgError
from local_org.ids import is_id
from local_org.org import Org, Session
from local_org.soql.nodes import Query, Subquery
from local_org.soql.parser import parse

HEADER: Final = "sforce-enable-pkchunking"
_USUAL_ROWS: Final = 100_000
_MOST_ROWS: Final = 250_000
_STANDARD: Final = frozenset(
    {
        "Account",
        "Campaign",
        "CampaignMember",
        "Case",
        "Contact",
        "EmailMessage",
        "Event",
        "EventRelation",
        "Lead",
        "Opportunity",
        "OpportunityContactRole",
        "Task",
        "User",
        "UserRole",
    }
)
"""Standard objects of this org whose queries the platform chunks; it does custom ones, too."""


@dataclass(frozen=True, slots=True)
class Chunking:
    """How the queries of a job are divided."""

    rows: int = _USUAL_ROWS
    """Rows of the object, deleted ones included, between the bounds of a chunk."""
    start: str = ""
    """The id that the first chunk starts with, in 15 characters; blank for the first there is."""


def read_chunking(headers: Mapping[str, str], order: Order) -> Chunking | None:
    """Return how the header asks to chunk; None where it does not, or the job writes.

    :raises OrgError: ``InvalidJob`` for an object that is not chunked, or a header that is wrong.
    """
    told = headers.get(HEADER, "").strip().rstrip(";")
    if not told or told.lower() == "false" or order.operation not in QUERIES:
        return None
    if order.entity not in _STANDARD and not order.entity.endswith("__c"):
        raise OrgError("InvalidJob", f"PK chunking is not supported for {order.entity}")
    chunking = Chunking()
    for part in told.split(";"):
        name, _, value = (each.strip() for each in part.partition("="))
        chunking = _with(chunking, name.lower(), value)
    return chunking


def _with(chunking: Chunking, name: str, value: str) -> Chunking:
    match name:
        case "true" if not value:
            return chunking
        case "chunksize" if value.isascii() and value.isdecimal() and 0 < int(value) <= _MOST_ROWS:
            return replace(chunking, rows=int(value))
        case "startrow" if is_id(value):
            return replace(chunking, start=value[:15])
    raise OrgError(
        "InvalidJob",
        f"Invalid PK chunking header: expected TRUE, FALSE, chunkSize from 1 to {_MOST_ROWS} or "
        f"startRow with an id, got {name} {value}".rstrip(),
    )


def check_chunkable(soql: str) -> None:
    """Refuse a query that has more than fields and conditions.

    :raises OrgError: ``InvalidBatch``; as SOQL has it for what is no query.
    """
    query = parse(soql)
    found = next((name for name, has in _clauses(query) if has), None)
    if found:
        raise OrgError("InvalidBatch", f"PK chunking is not supported for a query with {found}")


def _clauses(query: Query) -> Iterator[tuple[str, bool]]:
    yield "a subquery", any(isinstance(item, Subquery) for item in query.select)
    yield "GROUP BY", bool(query.group_by)
    yield "ORDER BY", bool(query.order_by)
    yield "LIMIT", query.limit is not None
    yield "OFFSET", query.offset is not None


def chunks(org: Org, session: Session, chunking: Chunking, found: Found) -> list[Found]:
    """Divide the rows of a query by the ids of its object's records; at least one chunk."""
    soql = f"SELECT Id FROM {found.entity} ORDER BY Id"
    ids = sorted(row["Id"][:15] for row in all_records(org, session, soql, all_rows=True))
    ids = [each for each in ids if each >= chunking.start]
    bounds = ids[:: chunking.rows] or [chunking.start]
    parts: list[list[dict[str, object]]] = [[] for _ in bounds]
    for record in found.records:
        at = bisect_right(bounds, _id_of(record)) - 1
        if at >= 0:
            parts[at].append(record)
    return [replace(found, records=tuple(part)) for part in parts]


def _id_of(record: Mapping[str, object]) -> str:
    """Return the id of a row, in 15 characters.

    :raises OrgError: ``InvalidBatch`` for the row of an aggregate, which has none.
    """
    attributes = record["attributes"]
    url = attributes.get("url") if isinstance(attributes, dict) else None
    if url is None:
        raise OrgError("InvalidBatch", "PK chunking is not supported for a query with aggregates")
    return str(url).rsplit("/", 1)[-1][:15]
