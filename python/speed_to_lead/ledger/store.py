"""The ledger at work: what is known, and one transaction for everything that a batch changes."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from speed_to_lead.errors import LedgerHeld, LedgerUnusable
from speed_to_lead.ids import ContactId, LeadId, OrgId, ReplayId, UserId
from speed_to_lead.ledger import encode, opening
from speed_to_lead.ledger.commit import forget, retire, write
from speed_to_lead.ledger.values import (
    Checkpoint,
    Closing,
    Effects,
    KnownLead,
    Pending,
    Quarantined,
    QuarantineEntry,
)
from speed_to_lead.model import Decision, Hold, Keeper, Lead, Rejection

_AMONG = "IN (SELECT value FROM json_each(?))"
_COUNTED = ("lead", "hold", "evidence", "rejection", "decision", "outbox", "pending", "quarantine")


class Ledger:
    """The memory of one sidecar for one org. Synchronous; used from one thread."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: int | None) -> None:
        self.path = path
        self._connection = connection
        self._lock = lock

    @classmethod
    def open(cls, path: Path, org_id: OrgId, *, dry_run: bool = False) -> Ledger:
        """Open the org's ledger for this process alone, creating or migrating the file.

        :raises LedgerUnusable: it cannot be read or written, or another sidecar has it.
        :raises LedgerTooNew: a newer version of this program wrote it.
        :raises UsageError: it is the ledger of another org or of dry runs, or cannot be made where
            it is named.
        """
        lock = opening.lock(path)
        try:
            return cls(path, opening.for_writing(path, org_id, dry_run=dry_run), lock)
        except BaseException:
            os.close(lock)
            raise

    @staticmethod
    def is_free(path: Path) -> bool:
        """Tell whether no sidecar has a ledger, as far as can be told without taking it.

        :raises UsageError: its folder is not there, or may not be written.
        """
        try:
            os.close(opening.lock(path))
        except LedgerHeld:
            return False
        return True

    @classmethod
    def read(cls, path: Path) -> Ledger:
        """Open a ledger to read it, beside a running sidecar or without one.

        :raises UsageError: there is none, or none of this version.
        :raises LedgerTooNew: a newer version of this program wrote it.
        :raises LedgerUnusable: it is damaged.
        """
        return cls(path, opening.for_reading(path), None)

    @classmethod
    @contextmanager
    def maintained(cls, path: Path) -> Iterator[Ledger]:
        """Lend a ledger that is there already, to write in it while no sidecar runs.

        :raises UsageError: there is none, or none of this version.
        :raises LedgerUnusable: a running sidecar has it.
        """
        reader = cls.read(path)
        try:
            org, dry_run = reader.org(), reader.is_of_dry_runs()
        finally:
            reader.close()
        ledger = cls.open(path, org, dry_run=dry_run)
        try:
            yield ledger
        finally:
            ledger.close()

    def close(self) -> None:
        """Close the file and let others have it."""
        self._connection.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def org(self) -> OrgId:
        """Return whose ledger it is."""
        [(org,)] = self._rows("SELECT value FROM meta WHERE key = 'org_id'")
        return OrgId(org)

    def is_of_dry_runs(self) -> bool:
        """Tell whether nothing of what it holds was ever written to the org."""
        return self._rows("SELECT value FROM meta WHERE key = 'mode'") == [("dry_run",)]

    # -- positions --------------------------------------------------------------------------------

    def checkpoint(self, topic: str) -> Checkpoint | None:
        """Return how far a topic is handled, or None when it never was."""
        return next((each for each in self.checkpoints() if each.topic == topic), None)

    def checkpoints(self) -> list[Checkpoint]:
        """Return how far every topic is handled."""
        rows = self._rows("SELECT topic, replay_id, committed_at FROM checkpoint ORDER BY topic")
        return [Checkpoint(t, ReplayId(r), encode.instant(at)) for t, r, at in rows]

    # -- what is known ----------------------------------------------------------------------------

    def leads(self, ids: Iterable[LeadId], *, deleted: bool = False) -> dict[LeadId, KnownLead]:
        """Return what is known of these Leads; unknown ones are absent, and deleted ones unless asked for."""
        wanted = _json(ids)
        alive = "" if deleted else "deleted = 0 AND "
        rows = self._rows(f"SELECT id, body FROM lead WHERE {alive}id {_AMONG}", wanted)
        if not rows:
            return {}
        routed = {
            lead
            for (lead,) in self._rows(
                f"SELECT lead_id FROM decision WHERE workload = 'lead.route' AND lead_id {_AMONG}",
                wanted,
            )
        }
        evidence, holds, inquiries = (
            _by_lead(self._rows(f"SELECT {columns} FROM {table} WHERE lead_id {_AMONG}", wanted))
            for table, columns in _OF_A_LEAD.items()
        )
        return {
            LeadId(each): KnownLead(
                encode.lead_of(each, body),
                each in routed,
                tuple((encode.evidence_of(row[:-1]), bool(row[-1])) for row in evidence[each]),
                tuple(sorted(map(_hold, holds[each]), key=lambda hold: (hold.at, hold.owner_id))),
                frozenset(encode.moment(at) for _, at in inquiries[each]),
            )
            for each, body in rows
        }

    def leads_that_became(self, contacts: Iterable[ContactId]) -> dict[ContactId, list[LeadId]]:
        """Return the Leads that Contacts have been, as far as the ledger knows."""
        found: dict[ContactId, list[LeadId]] = {}
        for contact, lead in self._rows(
            f"SELECT contact_id, id FROM lead WHERE contact_id {_AMONG}", _json(contacts)
        ):
            found.setdefault(ContactId(contact), []).append(LeadId(lead))
        return found

    def every_lead(self) -> list[tuple[Lead, datetime | None]]:
        """Return every Lead, each with when it was deleted; none that was merged into another."""
        rows = self._rows(
            "SELECT id, body, ended_at FROM lead "
            "WHERE merged_into IS NULL AND (deleted = 0 OR ended_at IS NOT NULL) ORDER BY id"
        )
        return [(encode.lead_of(each, body), encode.instant(end)) for each, body, end in rows]

    def rejections_of(self, lead: LeadId) -> list[Rejection]:
        """Return the records that are no evidence for a Lead, each with its reason."""
        rows = self._rows(
            "SELECT record_id, lead_id, reason FROM rejection WHERE lead_id = ? ORDER BY record_id",
            lead,
        )
        return [encode.rejection_of(*row) for row in rows]

    def decisions_of(self, lead: LeadId) -> list[Decision]:
        """Return the decisions on a Lead, the earliest first."""
        rows = self._rows("SELECT body FROM decision WHERE lead_id = ?", lead)
        return sorted(
            (encode.decision_of(body) for (body,) in rows), key=lambda d: (d.at, d.decision_id)
        )

    def calendar(self, digest: str) -> str | None:
        """Return what a calendar that has counted said of itself."""
        rows = self._rows("SELECT said FROM calendar WHERE digest = ?", digest)
        return str(rows[0][0]) if rows else None

    def leads_of(self, record_ids: Iterable[str]) -> dict[str, frozenset[LeadId]]:
        """Return the Leads for which records have counted until now."""
        found: dict[str, set[LeadId]] = {}
        rows = self._rows(
            f"SELECT record_id, lead_id FROM evidence WHERE withdrawn = 0 AND record_id {_AMONG}",
            _json(record_ids),
        )
        for record, lead in rows:
            found.setdefault(record, set()).add(lead)
        return {record: frozenset(leads) for record, leads in found.items()}

    def closings(self, task_ids: Iterable[str]) -> dict[str, Closing]:
        """Return who closed Tasks, where that was ever seen."""
        rows = self._rows(
            f"SELECT task_id, user_id, at FROM closing WHERE task_id {_AMONG}", _json(task_ids)
        )
        return {
            task: Closing(task, None if user is None else UserId(user), encode.moment(at))
            for task, user, at in rows
        }

    # -- mails without a link ---------------------------------------------------------------------

    def due(self, now: float) -> list[Pending]:
        """Return the mails that are to be looked at again by now (epoch seconds)."""
        rows = self._rows(
            "SELECT record_id, due_at, attempts, cause_key, committed_at FROM pending WHERE due_at <= ?",
            now,
        )
        return [
            Pending(record, due_at, attempts, cause_key, encode.moment(at))
            for record, due_at, attempts, cause_key, at in rows
        ]

    def next_due(self) -> float | None:
        """Return when the next mail is to be looked at again, in epoch seconds."""
        [(due,)] = self._rows("SELECT min(due_at) FROM pending")
        return None if due is None else float(due)

    # -- writing ----------------------------------------------------------------------------------

    def commit(self, effects: Effects) -> None:
        """Store everything that a batch has come to, in one transaction; again changes nothing.

        :raises LedgerUnusable: the disk is full, for instance; then nothing of it is stored.
        """
        with self._transaction() as connection:
            write(connection, effects, time.time())

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with opening.usable(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    # -- outbox -----------------------------------------------------------------------------------

    def outbox(self, limit: int) -> list[tuple[int, bytes]]:
        """Return the oldest records not yet drained, with their sequence numbers."""
        rows = self._rows("SELECT seq, line FROM outbox ORDER BY seq LIMIT ?", limit)
        return [(int(seq), bytes(line)) for seq, line in rows]

    def drained(self, through: int, file: str, size: int) -> None:
        """Note that records up to a number are durable in a file that is now so long (bytes)."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM outbox WHERE seq <= ?", (through,))
            connection.execute("INSERT OR REPLACE INTO drained VALUES (?, ?)", (file, size))

    def drained_size(self, file: str) -> int | None:
        """Return the length of a file, in bytes, up to which its records are known to be durable.

        None when this ledger has never drained to it.
        """
        rows = self._rows("SELECT size FROM drained WHERE file = ?", file)
        return int(rows[0][0]) if rows else None

    # -- care -------------------------------------------------------------------------------------

    def quarantine(self) -> list[Quarantined]:
        """Return what was set aside, the oldest first."""
        rows = self._rows(
            "SELECT id, at, around, topic, replay_id, schema_id, payload, reason, "
            "nullif(record_id, '') FROM quarantine ORDER BY id"
        )
        return [
            Quarantined(
                number,
                at,
                QuarantineEntry(topic, replay, schema, body, why, record, encode.instant(on)),
            )
            for number, at, on, topic, replay, schema, body, why, record in rows
        ]

    def drop(self, ids: Iterable[int]) -> None:
        """Throw entries of the quarantine away."""
        with self._transaction() as connection:
            connection.executemany("DELETE FROM quarantine WHERE id = ?", [(each,) for each in ids])

    def set_aside(self, entries: Iterable[QuarantineEntry]) -> None:
        """Put entries into the quarantine; one that lies there already is not doubled."""
        self.commit(Effects(quarantined=list(entries)))

    def forget(self, lead: LeadId) -> dict[str, int]:
        """Erase all rows that tell of a Lead; return how many went from each table, none of it zero."""
        with self._transaction() as connection:
            return forget(connection, lead)

    def retire(self, before: datetime, at_most: int = 1000) -> int:
        """Erase Leads that nothing has touched since an instant, some at a time; return how many."""
        with self._transaction() as connection:
            return retire(connection, int(before.timestamp()), at_most)

    def copy_to(self, target: Path) -> None:
        """Copy the whole ledger as it is now, whoever writes to it meanwhile.

        :raises LedgerUnusable: the copy cannot be written, or is not sound.
        """
        with opening.usable(target):
            os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            copy = sqlite3.connect(target)
            try:
                self._connection.backup(copy)
                [(told,)] = copy.execute("PRAGMA quick_check")
            finally:
                copy.close()
        if told != "ok":
            raise LedgerUnusable(f"the copy {target} is not sound ({told}): try again elsewhere")

    def integrity(self) -> list[str]:
        """Return what SQLite finds damaged; empty when the file is sound."""
        return [text for (text,) in self._rows("PRAGMA integrity_check") if text != "ok"]

    def counts(self, parts: Iterable[str] = _COUNTED) -> dict[str, int]:
        """Return how many rows some of its parts hold."""
        return {name: int(self._rows(f"SELECT count(*) FROM {name}")[0][0]) for name in parts}

    def _rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with opening.usable(self.path):
            return self._connection.execute(statement, values).fetchall()


_OF_A_LEAD = {
    "evidence": f"{encode.EVIDENCE_COLUMNS}, withdrawn",
    "hold": "lead_id, at, owner_id, keeper, calendar",
    "inquiry": "lead_id, at",
}
"""What is known of a Lead beside itself: table and columns, the Lead first."""


def _by_lead(rows: Iterable[tuple[Any, ...]]) -> defaultdict[str, list[tuple[Any, ...]]]:
    found: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(row)
    return found


def _hold(row: tuple[Any, ...]) -> Hold:
    _, at, owner, keeper, hours = row
    return Hold(encode.moment(at), owner, Keeper(keeper), hours)


def _json(values: Iterable[str]) -> str:
    return orjson.dumps(list(values)).decode()
