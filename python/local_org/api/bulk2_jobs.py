"""Jobs of Bulk API 2.0, kept in memory for seven days of org time: loads of CSV, and queries.

A load is worked through when its upload is complete, a query when it is asked; the answer to
either still says ``UploadComplete``, and whoever asks again finds it done.
Source: facts/real-clients.md 5.7; facts/org-behaviour.md 5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

from local_org.api.bulk_results import Found, cell, csv_bytes, explained, run_query
from local_org.api.bulk_rows import Order, Table, check_header, read_table, save, write_order
from local_org.errors import OrgError, not_found
from local_org.org import Org, SaveResult, Session
from local_org.org.usage import BULK_BATCHES, BULK_QUERIES

DELIMITERS: Final = {
    "BACKQUOTE": "`",
    "CARET": "^",
    "COMMA": ",",
    "PIPE": "|",
    "SEMICOLON": ";",
    "TAB": "\t",
}
LINE_ENDINGS: Final = {"LF": "\n", "CRLF": "\r\n"}
_KEPT: Final = timedelta(days=7)
MOST_HELD_BYTES: Final = 256 * 1024 * 1024
"""What the jobs of one API of one org may hold in memory, by the bytes that were sent or found."""
_RECORD_BYTES: Final = 500
"""What a found record is taken to hold."""
_FINISHED: Final = frozenset({"JobComplete", "Aborted", "Failed"})
_EMPTY: Final = Table((), ())
_J = TypeVar("_J", bound="Job2")
_K = TypeVar("_K", bound="_Kept")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the CSV of a job is written: names of the API."""

    delimiter: str = "COMMA"
    line_ending: str = "LF"

    def write(self, header: Sequence[str], lines: Sequence[Sequence[str]]) -> bytes:
        """Write a table."""
        return csv_bytes(header, lines, DELIMITERS[self.delimiter], LINE_ENDINGS[self.line_ending])


@dataclass(kw_only=True)
class Job2:
    """One job of one user."""

    id: str
    order: Order
    dialect: Dialect
    created_by: str
    created_at: datetime
    modified_at: datetime
    version: str
    state: str
    error: str = ""
    """Why the whole job failed."""
    held: int = 0
    """Bytes that are kept for it."""

    @property
    def finished(self) -> bool:
        """Whether nothing will come of it any more."""
        return self.state in _FINISHED


@dataclass(kw_only=True)
class Load(Job2):
    """A job that writes the rows it is given."""

    state: str = "Open"
    content: bytes | None = None
    table: Table = _EMPTY
    results: Sequence[SaveResult] = ()

    @property
    def failed(self) -> int:
        """Number of rows that were refused."""
        return sum(not result.success for result in self.results)

    def upload(self, content: bytes) -> None:
        """Take the rows, which come once.

        :raises OrgError: ``INVALIDJOBSTATE`` when the job is not open or has them already.
        """
        if self.state != "Open":
            raise _wrong_state(f"expected the job in state Open to take data, it is {self.state}")
        if self.content is not None:
            raise _wrong_state("the data of this job has been uploaded already; open another job")
        self.content, self.held = content, len(content)

    def work(self, org: Org, session: Session) -> None:
        """Save the rows, or fail as a whole."""
        org.count_use(BULK_BATCHES)
        content, self.content = self.content or b"", None
        try:
            _check_line_ending(content, self.dialect)
            self.table = read_table(content, DELIMITERS[self.dialect.delimiter])
            check_header(org, self.order, self.table)
            self.results = save(org, session, self.order, list(self.table.rows()))
            self.state = "JobComplete"
        except OrgError as error:
            self.state, self.error = "Failed", f"{error.code} : {error.message}"

    def succeeded_csv(self) -> bytes:
        """Return the rows that were written, each with its id and whether it is new."""
        told = [
            (result.id or "", cell(result.created), *line)
            for result, line in zip(self.results, self.table.lines, strict=False)
            if result.success
        ]
        return self.dialect.write(("sf__Id", "sf__Created", *self.table.header), told)

    def failed_csv(self) -> bytes:
        """Return the rows that were refused, each with the reason."""
        told = [
            (self._given_id(line), explained(result), *line)
            for result, line in zip(self.results, self.table.lines, strict=False)
            if not result.success
        ]
        return self.dialect.write(("sf__Id", "sf__Error", *self.table.header), told)

    def unprocessed_csv(self) -> bytes:
        """Return the rows that were not tried: all or none."""
        return self.dialect.write(self.table.header, self.table.lines[len(self.results) :])

    def _given_id(self, line: Sequence[str]) -> str:
        pairs = zip(self.table.header, line, strict=False)
        return next((each for name, each in pairs if name.lower() == "id"), "")


@dataclass(kw_only=True)
class Extract(Job2):
    """A job that has run a query."""

    found: Found

    def page(self, start: int, most: int) -> tuple[bytes, int, int | None]:
        """Return rows from ``start`` as CSV, their number, and where the next page starts."""
        lines = list(self.found.lines(start, start + most))
        end = start + len(lines)
        more = end if end < len(self.found.records) else None
        return self.dialect.write(self.found.columns, lines), len(lines), more


class _Kept(Protocol):
    """What is kept for a while."""

    created_at: datetime

    @property
    def held(self) -> int:
        """Bytes that are kept for it."""
        ...

    @property
    def finished(self) -> bool:
        """Whether nothing will come of it any more."""
        ...


def make_room(jobs: MutableMapping[str, _K], now: datetime, most_held: int) -> bool:
    """Drop the jobs that are older than the platform keeps them, and the oldest that are too much.

    Return whether there is room now: jobs that are not finished are never dropped for others.
    """
    for job_id in [each for each, job in jobs.items() if job.created_at < now - _KEPT]:
        del jobs[job_id]
    over = sum(job.held for job in jobs.values()) - most_held
    for job_id, job in list(jobs.items()):
        if over <= 0:
            return True
        if job.finished:
            over -= job.held
            del jobs[job_id]
    return over <= 0


class Jobs2:
    """All jobs of one org, loads and queries."""

    def __init__(self, next_id: Callable[[], str], most_held: int) -> None:
        self._next_id, self._most_held = next_id, most_held
        self._jobs: dict[str, Job2] = {}

    def open_load(
        self, org: Org, session: Session, version: str, wanted: Mapping[str, Any]
    ) -> Load:
        """Open a job that will write rows.

        :raises OrgError: ``INVALIDJOB`` when it cannot be done; ``LIMIT_EXCEEDED``: no room is left.
        """
        content_type = wanted.get("contentType") or "CSV"
        if content_type != "CSV":
            raise OrgError(
                "INVALIDJOB", f"InvalidJob : expected contentType CSV, got {content_type}"
            )
        try:
            order = write_order(org, session, dict(wanted))
        except OrgError as error:
            raise _in_rest_words(error) from None
        now = org.clock.second()
        job = Load(
            id=self._next_id(),
            order=order,
            dialect=_dialect(wanted),
            created_by=session.user_id,
            created_at=now,
            modified_at=now,
            version=version,
        )
        return self._kept(job, now)

    def run_query(
        self, org: Org, session: Session, version: str, wanted: Mapping[str, Any]
    ) -> Extract:
        """Run a query; its rows wait in the job.

        :raises OrgError: as SOQL has it; ``INVALIDJOB`` for an operation that is no query.
        """
        operation = wanted.get("operation")
        if operation not in ("query", "queryAll"):
            raise OrgError("INVALIDJOB", f"InvalidJob : Unknown operation: '{operation}'")
        soql = wanted.get("query")
        if not isinstance(soql, str) or not soql.strip():
            raise OrgError("INVALIDJOB", "InvalidJob : expected SOQL in 'query'")
        dialect = _dialect(wanted)
        org.count_use(BULK_QUERIES)
        everything = operation == "queryAll"
        try:
            found = run_query(org, session, soql, version, everything=everything)
        except OrgError as error:
            raise _in_rest_words(error) from None
        now = org.clock.second()
        job = Extract(
            id=self._next_id(),
            order=Order(operation, found.entity),
            dialect=dialect,
            created_by=session.user_id,
            created_at=now,
            modified_at=now,
            version=version,
            state="JobComplete",
            found=found,
            held=len(found.records) * _RECORD_BYTES,
        )
        return self._kept(job, now)

    def _kept(self, job: _J, now: datetime) -> _J:
        if not make_room(self._jobs, now, self._most_held):
            text = "Bulk jobs hold too much data: finish, abort or delete some of them"
            raise OrgError("LIMIT_EXCEEDED", text)
        self._jobs[job.id[:15]] = job
        return job

    def find(self, kind: type[_J], job_id: str, session: Session) -> _J:
        """Return a job of the caller's.

        :raises OrgError: 404 when there is none.
        """
        found = self._jobs.get(job_id[:15])
        if not isinstance(found, kind) or found.created_by != session.user_id:
            raise not_found()
        return found

    def all(self, kind: type[_J], session: Session) -> list[_J]:
        """Return the caller's jobs of a kind, oldest first."""
        mine = (job for job in self._jobs.values() if job.created_by == session.user_id)
        return [job for job in mine if isinstance(job, kind)]

    def complete(self, org: Org, session: Session, job: Load) -> Load:
        """Work an uploaded job through; return it as it was when the work began.

        :raises OrgError: ``INVALIDJOBSTATE`` for one that is not open.
        """
        if job.state != "Open":
            raise _wrong_state(f"expected the job in state Open, it is {job.state}")
        told = replace(job, state="UploadComplete")
        job.work(org, session)
        job.modified_at = org.clock.second()
        return told

    def abort(self, org: Org, job: Job2) -> None:
        """End a job that is not finished.

        :raises OrgError: ``INVALIDJOBSTATE`` for one that is.
        """
        if job.finished:
            raise _wrong_state(f"expected a job that is not finished, it is {job.state}")
        job.state, job.modified_at = "Aborted", org.clock.second()
        if isinstance(job, Load) and job.content is not None:
            job.table = _readable(job)
            job.content = None

    def delete(self, job: Job2) -> None:
        """Forget a finished job.

        :raises OrgError: ``INVALIDJOBSTATE`` for one that is not.
        """
        if not job.finished:
            raise _wrong_state(
                "expected a job in state UploadComplete, JobComplete, Aborted or Failed "
                f"to delete, it is {job.state}"
            )
        del self._jobs[job.id[:15]]


def _readable(job: Load) -> Table:
    """Return the rows of a job that was aborted, as far as they are a table."""
    try:
        return read_table(job.content or b"", DELIMITERS[job.dialect.delimiter])
    except OrgError:
        return _EMPTY


def _dialect(wanted: Mapping[str, Any]) -> Dialect:
    delimiter = str(wanted.get("columnDelimiter") or "COMMA")
    line_ending = str(wanted.get("lineEnding") or "LF")
    for name, value, known in (
        ("columnDelimiter", delimiter, DELIMITERS),
        ("lineEnding", line_ending, LINE_ENDINGS),
    ):
        if value not in known:
            expected = ", ".join(known)
            raise OrgError("INVALIDJOB", f"InvalidJob : expected {name} of {expected}, got {value}")
    return Dialect(delimiter, line_ending)


def _check_line_ending(content: bytes, dialect: Dialect) -> None:
    """Refuse data whose lines end otherwise than the job says, as its first line shows."""
    first, newline, _ = content.partition(b"\n")
    ending = "CRLF" if first.endswith(b"\r") else "LF"
    if newline and ending != dialect.line_ending:
        raise OrgError(
            "ClientInputError",
            "LineEnding is invalid on user data. "
            f"Current LineEnding setting is {dialect.line_ending}",
        )


def _wrong_state(message: str) -> OrgError:
    return OrgError("INVALIDJOBSTATE", f"InvalidJobState : {message}")


def _in_rest_words(error: OrgError) -> OrgError:
    """Return an error of the async API as REST words it: ``INVALIDJOB``, ``InvalidJob : …``."""
    if error.code not in ("InvalidJob", "FeatureNotEnabled"):
        return error
    return OrgError(error.code.upper(), f"{error.code} : {error.message}", status=error.status)
