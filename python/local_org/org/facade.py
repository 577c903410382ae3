"""One org: its store, schema, clock and bus behind one face. Each call is one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local_org.clock import Clock
from local_org.errors import not_found
from local_org.events.bus import Bus
from local_org.org.actions import Actions
from local_org.org.analytics import Analytics
from local_org.org.grants import Grants
from local_org.org.queries import Cursors
from local_org.org.sessions import Session, Sessions
from local_org.org.setup import Setup
from local_org.org.usage import Usage
from local_org.records.changes import ChangeKind, Commit, RecordChange, collapse
from local_org.records.dml import Dml
from local_org.records.permissions import Permissions
from local_org.records.reading import RecordReader
from local_org.records.results import SaveResult, Unit
from local_org.records.seed import FEATURE, Founding, seed
from local_org.records.store import Store
from local_org.schema.access import Access
from local_org.schema.describe import describe, describe_global
from local_org.schema.model import Schema, SObject
from local_org.schema.registry import standard_schema
from local_org.soql.run import Result, execute

_FILE = "org.sqlite3"
_TRANSACTIONS = uuid.UUID("6f1c1f0e-5f0e-4c35-9c8c-0f6f1a1f7a10")
"""Namespace of transaction keys."""


class Org(Setup):
    """A whole org. Synchronous; calls never overlap."""

    def __init__(
        self, store: Store, schema: Schema, clock: Clock, founding: Founding | None = None
    ) -> None:
        """Take over an open store; ``open`` is the usual way in."""
        self.store, self.schema, self.clock = store, schema, clock
        with store.transaction():
            self.org_id = store.organization_id() or seed(store, clock, founding)
        self.bus = Bus(store, schema, clock)
        self._permissions = Permissions(store, clock)
        self._sessions = Sessions(store, self._permissions)
        self._dml = Dml(store)
        self._reader = RecordReader(store)
        self._cursors = Cursors(store)
        self._usage = Usage(clock)
        self._unit: Unit | None = None
        self._after_commit: Callable[[Sequence[RecordChange]], None] = lambda _: None
        self.grants = Grants(store)
        self.actions = Actions(self._dml, self._work)
        self.analytics = Analytics(store, self._permissions, clock)
        self.closed = False

    @classmethod
    def open(
        cls,
        directory: Path | None = None,
        clock: Clock | None = None,
        founding: Founding | None = None,
        *,
        dev_hub: bool = True,
    ) -> Org:
        """Open the org in this directory, or a new one in memory; a fresh org is seeded."""
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
        clock, schema = clock or Clock(), standard_schema(dev_hub=dev_hub)
        store = Store(directory / _FILE if directory else None, schema, clock.now)
        return cls(store, schema, clock, founding)

    def close(self) -> None:
        """Close the org's file, after the last word to its subscribers; in memory it is gone."""
        self.closed = True
        self.bus.wake()
        self.store.close()

    # -- sessions ---------------------------------------------------------------------------------

    def login(self, user_id: str, client: str) -> str:
        """Return a new access token of a user; ``client`` names who asked for it."""
        return self._sessions.open(self.org_id, user_id, client)

    def session(self, token: str, api: str = "", client: str = "") -> Session:
        """Return the caller behind a token.

        :raises OrgError: 401 ``INVALID_SESSION_ID``; 403 ``API_DISABLED_FOR_ORG``.
        """
        return self._sessions.find(token, api, client)

    def expire(self, token: str) -> None:
        """End the session of a token."""
        self._sessions.close(token)

    def expire_all(self) -> None:
        """End every session."""
        self._sessions.close_all()

    def access(self, session: Session) -> Access:
        """Return what the caller may see and do."""
        return self._permissions.of(session.user_id)

    def user(self, username: str) -> dict[str, Any] | None:
        """Return a user's row in stored encoding, or None."""
        found = self.store.select("User", '"Username" = ?', (username,))
        return found[0] if found else None

    def has_feature(self, name: str) -> bool:
        """Whether the org was made with this feature of a scratch org definition."""
        return self.store.document(FEATURE, name) is not None

    # -- records ----------------------------------------------------------------------------------

    def insert(
        self,
        session: Session,
        rows: Sequence[tuple[str, Mapping[str, Any]]],
        *,
        all_or_none: bool = False,
    ) -> list[SaveResult]:
        """Create records: pairs of object and values as JSON has them; one result each."""
        with self._work(session) as unit:
            return self._dml.insert(unit, rows, all_or_none=all_or_none)

    def update(
        self,
        session: Session,
        rows: Sequence[tuple[str, str, Mapping[str, Any]]],
        *,
        all_or_none: bool = False,
    ) -> list[SaveResult]:
        """Change records: triples of object, id and values."""
        with self._work(session) as unit:
            return self._dml.update(unit, rows, all_or_none=all_or_none)

    def upsert(
        self,
        session: Session,
        entity: str,
        field: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        all_or_none: bool = False,
    ) -> list[SaveResult]:
        """Change the records that ``field`` finds (an external id, or Id), create the others."""
        with self._work(session) as unit:
            return self._dml.upsert(unit, entity, field, rows, all_or_none=all_or_none)

    def delete(
        self, session: Session, ids: Sequence[str], *, all_or_none: bool = False
    ) -> list[SaveResult]:
        """Delete records, into the recycle bin where their object has one."""
        with self._work(session) as unit:
            return self._dml.delete(unit, ids, all_or_none=all_or_none)

    def undelete(
        self, session: Session, ids: Sequence[str], *, all_or_none: bool = False
    ) -> list[SaveResult]:
        """Bring records back from the recycle bin, with those that went there with them."""
        with self._work(session) as unit:
            return self._dml.undelete(unit, ids, all_or_none=all_or_none)

    def get(
        self, session: Session, entity: str, record_id: str, fields: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """Return one record as REST shows it: the fields named, or all that the caller may see.

        :raises OrgError: 404 without such a record; ``INVALID_FIELD`` for a field that is hidden.
        """
        sobject = self._readable(session, entity)
        found = self._reader.read(
            sobject, [record_id], fields, self.access(session), session.version
        )
        if found[0] is None:
            raise not_found()
        return found[0]

    def retrieve(
        self, session: Session, entity: str, ids: Sequence[str], fields: Sequence[str]
    ) -> list[dict[str, Any] | None]:
        """Return records by id, in order; None where there is none."""
        sobject = self._readable(session, entity)
        return self._reader.read(sobject, ids, fields, self.access(session), session.version)

    def before_write(self, hook: Callable[[ChangeKind], None]) -> None:
        """Call ``hook`` before a record is written; an ``OrgError`` of it refuses the record."""
        self._dml.writer.before_write = hook

    def after_commit(self, hook: Callable[[Sequence[RecordChange]], None]) -> None:
        """Call ``hook`` with the changes of every transaction, once they are committed."""
        self._after_commit = hook

    @contextmanager
    def unit(self, session: Session) -> Iterator[None]:
        """Make one transaction of all calls in the block; undone when the block raises."""
        with self._work(session):
            yield

    @contextmanager
    def _work(self, session: Session) -> Iterator[Unit]:
        if self._unit is not None:
            with self._part(self._unit) as unit:
                yield unit
            return
        unit = Unit(self.access(session), self.clock.second(), session.origin)
        self._unit = unit
        try:
            with self.store.transaction():
                yield unit
                changes = collapse(unit.changes)
                self._publish(unit, changes)
        finally:
            self._unit = None
        if changes:
            self.bus.wake()
            self._after_commit(changes)

    @contextmanager
    def _part(self, unit: Unit) -> Iterator[Unit]:
        """Do a call within a unit: undone by itself, published with the whole."""
        mark = len(unit.changes)
        try:
            with self.store.transaction():
                yield unit
        except BaseException:
            del unit.changes[mark:]
            raise

    def _publish(self, unit: Unit, changes: tuple[RecordChange, ...]) -> None:
        """Append the events of a transaction, where there is anything to tell."""
        if not changes:
            return
        number = self.store.next_serial("$commit")
        key = str(uuid.uuid5(_TRANSACTIONS, f"{self.org_id} {number}"))
        self.bus.publish(Commit(unit.at, unit.user_id, unit.origin, key, number, changes))

    # -- queries ----------------------------------------------------------------------------------

    def query(
        self,
        session: Session,
        soql: str,
        *,
        version: str = "66.0",
        all_rows: bool = False,
        batch_size: int = 2000,
    ) -> dict[str, Any]:
        """Return the first page of a query's answer; the others by ``query_more``."""
        result = self._run(session, soql, version, all_rows=all_rows)
        return self._cursors.answer(result, session.user_id, version, batch_size)

    def query_more(self, session: Session, locator: str) -> dict[str, Any]:
        """Return a further page by the locator that ends ``nextRecordsUrl``."""
        return self._cursors.more(locator, session.user_id)

    def query_columns(
        self, session: Session, soql: str, *, version: str = "66.0"
    ) -> list[dict[str, Any]]:
        """Return ``columnMetadata`` of a query."""
        return self._run(session, soql, version).columns

    def _run(self, session: Session, soql: str, version: str, *, all_rows: bool = False) -> Result:
        return execute(
            self.store,
            self.schema,
            self.access(session),
            soql,
            now=self.clock.now(),
            user=self.store.row("User", session.user_id) or {},
            version=version,
            all_rows=all_rows,
        )

    # -- describe, limits -------------------------------------------------------------------------

    def describe_global(self, session: Session, version: str) -> dict[str, Any]:
        """Return the objects the caller may read."""
        return describe_global(self.schema, self.access(session), version)

    def describe(self, session: Session, entity: str, version: str) -> dict[str, Any]:
        """Return the describe of an object.

        :raises OrgError: 404 when there is none that the caller may read.
        """
        sobject = self._readable(session, entity)
        return describe(self.schema, sobject, self.access(session), version)

    def _readable(self, session: Session, entity: str) -> SObject:
        sobject = self.schema.get(entity)
        if sobject is None or not self.access(session).readable(sobject.name):
            raise not_found()
        return sobject

    def limits(self) -> dict[str, dict[str, int]]:
        """Return the limits with what remains of them."""
        return self._usage.limits() | {"DailyDeliveredPlatformEvents": self.bus.allocation.told()}

    def count_call(self) -> None:
        """Count one API call.

        :raises OrgError: 403 ``REQUEST_LIMIT_EXCEEDED``, the day's allowance is used up.
        """
        self._usage.count()

    def count_use(self, limit: str) -> None:
        """Count one use of a limit of ``local_org.org.usage``.

        :raises OrgError: it is used up.
        """
        self._usage.count(limit)

    def api_usage(self) -> tuple[int, int]:
        """Return the calls of the last 24 hours of org time, and how many are allowed."""
        return self._usage.calls()

    def allow(self, limits: Mapping[str, int]) -> None:
        """Set how many uses a day has, by limit.

        :raises OrgError: ``INVALID_INPUT`` for a limit that is not enforced.
        """
        self._usage.allow(limits)
