"""Jobs and batches of Bulk API 1.0, kept in memory for seven days of org time.

A batch is worked through when it arrives. Its rows stand alone, as the platform's do.
Source: facts/real-clients.md 5.6; facts/org-behaviour.md 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from local_org.api.bulk1_chunks import Chunking, check_chunkable, chunks, read_chunking
from local_org.api.bulk2_jobs import MOST_HELD_BYTES, Jobs2, make_room
from local_org.api.bulk_results import FOUND_WRITERS, RESULT_WRITERS, Found, run_query
from local_org.api.bulk_rows import QUERIES, ROW_READERS, Order, save, soql_text, write_order
from local_org.errors import OrgError
from local_org.ids import record_id
from local_org.org import Org, Session
from local_org.org.usage import BULK_BATCHES

_BATCH_ROWS: Final = 10_000
_MODES: Final = {"Parallel": "Parallel", "Serial": "Serial", "0": "Parallel", "1": "Serial"}
"""``concurrencyMode`` by name, or by number as simple-salesforce gives it."""


@dataclass
class Batch:
    """One batch, finished."""

    id: str
    created_at: datetime
    request: bytes
    state: str = "Completed"
    """``Completed``, ``Failed``, or ``NotProcessed`` where the batches of its chunks stand for it."""
    message: str = ""
    """Why the whole batch failed; blank when only rows did."""
    processed: int = 0
    rows_failed: int = 0
    result_id: str = ""
    """Name under which a query's rows are fetched."""
    result: bytes = b""
    """In the content type of the job."""


@dataclass
class Job:
    """One job of one user."""

    id: str
    order: Order
    created_by: str
    created_at: datetime
    version: str
    content_type: str = "CSV"
    concurrency: str = "Parallel"
    chunking: Chunking | None = None
    state: str = "Open"
    batches: dict[str, Batch] = field(default_factory=dict)

    @property
    def held(self) -> int:
        """Bytes that are kept for it."""
        return sum(len(batch.request) + len(batch.result) for batch in self.batches.values())

    @property
    def finished(self) -> bool:
        """Whether no batch can be added any more."""
        return self.state != "Open"

    @property
    def queries(self) -> bool:
        """Whether its batches are SOQL, not rows."""
        return self.order.operation in QUERIES

    def batch(self, batch_id: str) -> Batch:
        """Return a batch.

        :raises OrgError: ``InvalidBatch`` when there is none.
        """
        found = self.batches.get(batch_id[:15])
        if found is None:
            raise OrgError("InvalidBatch", f"Unable to find batch {batch_id}")
        return found


class Jobs:
    """All jobs of one org; those of Bulk API 2.0 are ``v2``."""

    def __init__(self, most_held: int = MOST_HELD_BYTES) -> None:
        self._jobs: dict[str, Job] = {}
        self._serial, self._most_held = 0, most_held
        self.v2 = Jobs2(lambda: self._id("750"), most_held)

    def open(
        self,
        org: Org,
        session: Session,
        version: str,
        wanted: Mapping[str, Any],
        headers: Mapping[str, str],
    ) -> Job:
        """Open a job as its ``jobInfo`` and the headers ask.

        :raises OrgError: ``InvalidJob`` when it cannot be done.
        """
        content_type = str(wanted.get("contentType") or "XML")
        if content_type not in ROW_READERS:
            raise OrgError("InvalidJob", f"Unsupported content type: {content_type}")
        mode = str(wanted.get("concurrencyMode", "Parallel"))
        if mode not in _MODES:
            raise OrgError("InvalidJob", f"Unsupported concurrency mode: {mode}")
        order = _order(org, session, dict(wanted))
        job = Job(
            self._id("750"),
            order,
            session.user_id,
            org.clock.second(),
            version,
            content_type,
            _MODES[mode],
            read_chunking(headers, order),
        )
        self._make_room(org)
        self._jobs[job.id[:15]] = job
        return job

    def job(self, session: Session, job_id: str) -> Job:
        """Return a job of the caller's.

        :raises OrgError: ``InvalidJob`` when there is none.
        """
        found = self._jobs.get(job_id[:15])
        if found is None or found.created_by != session.user_id:
            raise OrgError("InvalidJob", f"Unable to find job {job_id}")
        return found

    def all(self, session: Session) -> list[Job]:
        """Return the caller's jobs, oldest first."""
        return [job for job in self._jobs.values() if job.created_by == session.user_id]

    def add(self, org: Org, session: Session, job: Job, content: bytes) -> Batch:
        """Work a batch through and keep what came of it.

        :raises OrgError: ``InvalidStateTransition`` for a job that is closed.
        """
        if job.state != "Open":
            raise OrgError("InvalidStateTransition", "Can't add batch: job is not open")
        self._make_room(org)
        org.count_use(BULK_BATCHES)
        batch = Batch(self._id("751"), org.clock.second(), content)
        further: list[Batch] = []
        try:
            if job.queries:
                further = self._query(org, session, job, batch)
            else:
                _save(org, session, job, batch)
        except OrgError as error:
            batch.state = "Failed"
            told = error.message if error.code == "InvalidBatch" else str(error)
            batch.message = f"InvalidBatch : {told}"
        job.batches |= {each.id[:15]: each for each in (batch, *further)}
        return batch

    def _query(self, org: Org, session: Session, job: Job, batch: Batch) -> list[Batch]:
        """Run the query of a batch; return the batches of its chunks, where it is chunked."""
        soql = soql_text(batch.request)
        if job.chunking:
            check_chunkable(soql)
        everything, flat = job.order.operation == "queryAll", job.content_type == "CSV"
        found = run_query(org, session, soql, job.version, everything=everything, flat=flat)
        if not job.chunking:
            self._keep(org, job, batch, found)
            return []
        further = []
        for part in chunks(org, session, job.chunking, found):
            org.count_use(BULK_BATCHES)
            chunk = Batch(self._id("751"), batch.created_at, batch.request)
            self._keep(org, job, chunk, part)
            further.append(chunk)
        batch.state = "NotProcessed"
        return further

    def _keep(self, org: Org, job: Job, batch: Batch, found: Found) -> None:
        batch.processed, batch.result_id = len(found.records), self._id("752")[:15]
        batch.result = FOUND_WRITERS[job.content_type](org, found)

    def _make_room(self, org: Org) -> None:
        if not make_room(self._jobs, org.clock.second(), self._most_held):
            text = "Bulk jobs hold too much data: close or abort some of them"
            raise OrgError("ExceededQuota", text)

    def _id(self, prefix: str) -> str:
        self._serial += 1
        return record_id(prefix, self._serial)


def _order(org: Org, session: Session, wanted: dict[str, Any]) -> Order:
    operation, entity = str(wanted.get("operation", "")), str(wanted.get("object", ""))
    if operation not in QUERIES:
        return write_order(org, session, wanted)
    known = org.schema.get(entity)
    if known is None:
        raise OrgError("InvalidJob", f"Unable to find object: {entity}")
    return Order(operation, known.name)


def _save(org: Org, session: Session, job: Job, batch: Batch) -> None:
    rows = ROW_READERS[job.content_type](org, job.order, batch.request)
    if len(rows) > _BATCH_ROWS:
        text = (
            f"Exceeded number of records: {len(rows)}. "
            f"Number of records should be less than or equal to {_BATCH_ROWS}"
        )
        raise OrgError("InvalidBatch", text)
    results = save(org, session, job.order, rows)
    batch.processed = len(results)
    batch.rows_failed = sum(not result.success for result in results)
    batch.result = RESULT_WRITERS[job.content_type](results)
