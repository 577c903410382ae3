"""Jobs and batches of Bulk API 1.0: CSV in, CSV out, kept in memory till the org stops.

A batch is worked through when it arrives. Its rows stand alone, as the platform's do.
Source: facts/real-clients.md 5.6; facts/org-behaviour.md 5.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from local_org.errors import OrgError
from local_org.ids import record_id
from local_org.org import Org, SaveResult, Session
from local_org.schema.model import FieldType, SObject

OPERATIONS: Final = ("insert", "update", "upsert", "delete", "hardDelete", "query", "queryAll")
_QUERIES: Final = ("query", "queryAll")
_NULL: Final = "#N/A"
"""The cell that empties a field; a blank cell leaves it alone."""
_BATCH_ROWS: Final = 10_000
_NOTHING_FOUND: Final = b"Records not found for this query"

Row = dict[str, Any]


@dataclass
class Batch:
    """One batch, finished. ``result`` is CSV."""

    id: str
    created_at: datetime
    failed: bool = False
    message: str = ""
    """Why the whole batch failed; blank when only rows did."""
    processed: int = 0
    rows_failed: int = 0
    result_id: str = ""
    """Name under which a query's rows are fetched."""
    result: bytes = b""

    @property
    def state(self) -> str:
        """``Completed`` or ``Failed``."""
        return "Failed" if self.failed else "Completed"


@dataclass
class Job:
    """One job of one user."""

    id: str
    operation: str
    entity: str
    created_by: str
    created_at: datetime
    version: str
    external_id: str = ""
    concurrency: str = "Parallel"
    state: str = "Open"
    batches: dict[str, Batch] = field(default_factory=dict)

    @property
    def queries(self) -> bool:
        """Whether its batches are SOQL, not rows."""
        return self.operation in _QUERIES


class Jobs:
    """All jobs of one org."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._serial = 0

    def open(self, org: Org, session: Session, version: str, wanted: dict[str, str]) -> Job:
        """Open a job as its ``jobInfo`` asks.

        :raises OrgError: ``InvalidJob`` when it cannot be done.
        """
        operation, entity = wanted.get("operation", ""), wanted.get("object", "")
        if operation not in OPERATIONS:
            raise OrgError("InvalidJob", f"Unknown operation: '{operation}'")
        if wanted.get("contentType", "CSV") != "CSV":
            raise OrgError("InvalidJob", f"Unsupported content type: {wanted['contentType']}")
        known = org.schema.get(entity)
        if known is None:
            raise OrgError("InvalidJob", f"Unable to find object: {entity}")
        external_id = wanted.get("externalIdFieldName", "")
        if operation == "upsert" and known.get(external_id) is None:
            raise OrgError("InvalidJob", f"External ID was not found for {entity}: {external_id}")
        now, concurrency = org.clock.second(), wanted.get("concurrencyMode", "Parallel")
        job = Job(
            self._id("750"), operation, known.name, session.user_id, now, version, external_id,
            concurrency,
        )  # fmt: skip
        self._jobs[job.id[:15]] = job
        return job

    def job(self, job_id: str) -> Job:
        """Return the job.

        :raises OrgError: ``InvalidJob`` when there is none.
        """
        found = self._jobs.get(job_id[:15])
        if found is None:
            raise OrgError("InvalidJob", f"Unable to find job {job_id}")
        return found

    def batch(self, job_id: str, batch_id: str) -> Batch:
        """Return a batch of a job.

        :raises OrgError: ``InvalidBatch`` when there is none.
        """
        found = self.job(job_id).batches.get(batch_id[:15])
        if found is None:
            raise OrgError("InvalidBatch", f"Unable to find batch {batch_id}")
        return found

    def add(self, org: Org, session: Session, job: Job, content: bytes) -> Batch:
        """Work a batch through and keep what came of it.

        :raises OrgError: ``InvalidStateTransition`` for a job that is closed.
        """
        if job.state != "Open":
            raise OrgError("InvalidStateTransition", "Can't add batch: job is not open")
        batch = Batch(self._id("751"), org.clock.second())
        try:
            work = self._query if job.queries else _save
            work(org, session, job, batch, content.decode("utf-8-sig"))
        except (OrgError, ValueError, csv.Error) as error:
            batch.failed = True
            batch.message = error.message if isinstance(error, OrgError) else str(error)
            if isinstance(error, OrgError) and error.code != "InvalidBatch":
                batch.message = f"{error.code}: {error.message}"
            batch.message = f"InvalidBatch : {batch.message}"
        job.batches[batch.id[:15]] = batch
        return batch

    def _query(self, org: Org, session: Session, job: Job, batch: Batch, soql: str) -> None:
        everything = job.operation == "queryAll"
        rows = list(_all_rows(org, session, soql, job.version, everything=everything))
        batch.processed, batch.result_id = len(rows), self._id("752")[:15]
        batch.result = _NOTHING_FOUND
        if rows:
            columns = list(_leaves(org.query_columns(session, soql, version=job.version)))
            instants = [_is_instant(org, org.schema.object(job.entity), c) for c in columns]
            written = (
                [_cell(_at(row, c), instant=i) for c, i in zip(columns, instants, strict=True)]
                for row in rows
            )
            batch.result = _csv(columns, written)

    def _id(self, prefix: str) -> str:
        self._serial += 1
        return record_id(prefix, self._serial)


# -- rows in --------------------------------------------------------------------------------------


def _save(org: Org, session: Session, job: Job, batch: Batch, text: str) -> None:
    rows = list(_rows(text))
    if len(rows) > _BATCH_ROWS:
        raise OrgError("InvalidBatch", f"Records: {len(rows)}; at most {_BATCH_ROWS} are allowed")
    results = _saved(org, session, job, rows)
    batch.processed = len(results)
    batch.rows_failed = sum(not result.success for result in results)
    written = (
        [r.id or "", _cell(r.success), _cell(r.success and r.created), _explained(r)]
        for r in results
    )
    batch.result = _csv(("Id", "Success", "Created", "Error"), written)


def _saved(org: Org, session: Session, job: Job, rows: Sequence[Row]) -> list[SaveResult]:
    match job.operation:
        case "insert":
            return org.insert(session, [(job.entity, row) for row in rows])
        case "update":
            return org.update(session, [(job.entity, *_split(row)) for row in rows])
        case "upsert":
            return org.upsert(session, job.entity, job.external_id, rows)
        case _:
            return org.delete(session, [_split(row)[0] for row in rows])


def _rows(text: str) -> Iterator[Row]:
    """Yield the rows of a CSV by field name; ``Parent.Field`` becomes a nested object.

    :raises OrgError: ``InvalidBatch`` for a row with more cells than the header.
    """
    for cells in csv.DictReader(io.StringIO(text), strict=True):
        row: Row = {}
        for name, cell in cells.items():
            if name is None:
                raise OrgError("InvalidBatch", "a row has more cells than the header")
            if not cell:
                continue
            value = None if cell == _NULL else cell
            parent, dot, key = name.partition(".")
            if dot:
                row.setdefault(parent, {})[key] = value
            else:
                row[name] = value
        yield row


def _split(row: Row) -> tuple[str, Row]:
    """Return a row's id, blank where it has none, and its other fields."""
    rest = {name: value for name, value in row.items() if name.lower() != "id"}
    return next((str(row[name]) for name in row if name.lower() == "id"), ""), rest


def _explained(result: SaveResult) -> str:
    """Word the errors of a row: ``CODE:message:Field Field --``."""
    return "".join(f"{e.code}:{e.message}:{' '.join(e.fields)} --" for e in result.errors)


# -- rows out -------------------------------------------------------------------------------------


def _all_rows(
    org: Org, session: Session, soql: str, version: str, *, everything: bool
) -> Iterator[Row]:
    page = org.query(session, soql, version=version, all_rows=everything)
    yield from page["records"]
    while not page["done"]:
        page = org.query_more(session, page["nextRecordsUrl"].rsplit("/", 1)[-1])
        yield from page["records"]


def _leaves(columns: Iterable[dict[str, Any]], path: str = "") -> Iterator[str]:
    """Yield the dotted names of the columns, parents' columns among them."""
    for column in columns:
        name = path + str(column["columnName"])
        if column["joinColumns"]:
            yield from _leaves(column["joinColumns"], f"{name}.")
        else:
            yield name


def _at(row: Row, path: str) -> Any:
    value: Any = row
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _is_instant(org: Org, sobject: SObject, path: str) -> bool:
    """Whether the column at ``path`` holds date-times."""
    *parents, name = path.split(".")
    for parent in parents:
        lookup = sobject.by_relationship(parent)
        if lookup is None or not lookup.reference_to:
            return False
        sobject = org.schema.object(lookup.reference_to[0])
    found = sobject.get(name)
    return found is not None and found.type is FieldType.DATETIME


def _cell(value: Any, *, instant: bool = False) -> str:
    """Write a value as Bulk CSV does: date-times end in ``Z``, null is blank."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace("+0000", "Z") if instant else str(value)


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
