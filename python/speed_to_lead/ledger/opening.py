"""Opening the ledger's file: one writer at a time, the right org, the right version."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from speed_to_lead.errors import LedgerHeld, LedgerTooNew, LedgerUnusable, UsageError
from speed_to_lead.ids import OrgId
from speed_to_lead.ledger.schema import APPLICATION_ID, MIGRATIONS, VERSION

_SPACE = "cannot be written ({problem}): free some space; nothing is lost"
_DAMAGED = "is damaged ({problem}): restore a backup, or move it away to start a new ledger"
_HELD = "is held by another program ({problem}): end it"
_CLOSED = "cannot be used ({problem}): look at its path and its permissions"
_WORDS = {
    sqlite3.SQLITE_FULL: _SPACE,
    sqlite3.SQLITE_IOERR: _SPACE,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_BUSY: _HELD,
    sqlite3.SQLITE_LOCKED: _HELD,
    sqlite3.SQLITE_CANTOPEN: _CLOSED,
    sqlite3.SQLITE_READONLY: _CLOSED,
    sqlite3.SQLITE_PERM: _CLOSED,
}
"""What an operator can do, by SQLite's primary result code; any other code is a bug of ours."""


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """Turn what SQLite complains about into what the operator can do; leave bugs as they are."""
    try:
        yield
    except sqlite3.Error as error:
        words = _WORDS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        if words is None:
            raise
        raise LedgerUnusable(f"the ledger {path} {words.format(problem=error)}") from error


def lock(path: Path) -> int:
    """Return the descriptor of a lock that dies with this process.

    :raises LedgerUnusable: another sidecar has the ledger, or the disk is full.
    :raises UsageError: the folder of the ledger is not there, or may not be written.
    """
    try:
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}:
            words = _SPACE.format(problem=error.strerror)
            raise LedgerUnusable(f"the ledger {path} {words}") from error
        raise UsageError(
            f"the ledger {path} cannot be made ({error.strerror}): SPEED_TO_LEAD_LEDGER must name "
            "a file in a folder that is there and may be written"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise LedgerHeld(
            f"another sidecar has the ledger {path}: stop it first, let this one stand by "
            "(SPEED_TO_LEAD_STANDBY), or give it a ledger of its own"
        ) from error
    return descriptor


def for_writing(path: Path, org_id: OrgId, *, dry_run: bool = False) -> sqlite3.Connection:
    """Return a connection to the org's ledger, created or migrated as needed.

    The file and SQLite's own beside it can be read by their owner only. What a dry run has decided
    was never written to the org, so its ledger is never used for anything else.

    :raises LedgerTooNew: a newer version of this program wrote it.
    :raises UsageError: it is the ledger of another org, or the database of another program.
    :raises LedgerUnusable: it cannot be read or written.
    """
    with usable(path), _closed_on_error(_created(path)) as connection:
        version = _version(path, connection)
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}")
        _migrate(connection, version)
        _claim(path, connection, org_id)
        _claim_mode(path, connection, dry_run=dry_run)
        return connection


def for_reading(path: Path) -> sqlite3.Connection:
    """Return a connection that only reads, beside a running sidecar or without one.

    :raises UsageError: there is no such file, or it is no ledger of this version.
    :raises LedgerTooNew: a newer version of this program wrote it.
    :raises LedgerUnusable: it cannot be read.
    """
    if not path.exists():
        raise UsageError(f"there is no ledger {path}: set SPEED_TO_LEAD_LEDGER or pass --ledger")
    address = f"{path.resolve().as_uri()}?mode=ro"
    with usable(path):
        opened = sqlite3.connect(address, uri=True, isolation_level=None)
        with _closed_on_error(opened) as connection:
            if _version(path, connection) < VERSION:
                raise UsageError(
                    f"{path} is empty or of an older version: run the sidecar, which brings it up to date"
                )
            return connection


def _created(path: Path) -> sqlite3.Connection:
    """Return a connection to the file, which is made for its owner only."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        words = _CLOSED.format(problem=error.strerror)
        raise LedgerUnusable(f"the ledger {path} {words}") from error
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


@contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    try:
        yield connection
    except BaseException:
        connection.close()
        raise


def _version(path: Path, connection: sqlite3.Connection) -> int:
    """Return the version of the ledger in a file; 0 for an empty file."""
    [application] = connection.execute("PRAGMA application_id").fetchone()
    [tables] = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and application != APPLICATION_ID:
        raise UsageError(f"{path} is the database of another program: name another file")
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise LedgerTooNew(
            f"{path} is of version {version}, and this program knows {VERSION}: upgrade the sidecar"
        )
    return int(version)


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    for number in range(version, VERSION):
        script = MIGRATIONS[number]
        connection.executescript(
            f"BEGIN; {script} PRAGMA application_id = {APPLICATION_ID};"
            f" PRAGMA user_version = {number + 1}; COMMIT;"
        )


def _claim_mode(path: Path, connection: sqlite3.Connection, *, dry_run: bool) -> None:
    """Write whether it is the ledger of dry runs, or check it."""
    [decided] = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM decision LIMIT 1)"
    ).fetchone()
    mode = "dry_run" if dry_run and not decided else "live"
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('mode', ?)", (mode,))
    [known] = connection.execute("SELECT value FROM meta WHERE key = 'mode'").fetchone()
    if (known == "dry_run") is not dry_run:
        whose = "dry runs" if known == "dry_run" else "live runs"
        raise UsageError(
            f"{path} is the ledger of {whose}: set SPEED_TO_LEAD_LEDGER to another file, or "
            "SPEED_TO_LEAD_DRY_RUN to what this one is for"
        )


def _claim(path: Path, connection: sqlite3.Connection, org_id: OrgId) -> None:
    """Write whose ledger it is, or check it."""
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('org_id', ?)", (org_id,))
    [owner] = connection.execute("SELECT value FROM meta WHERE key = 'org_id'").fetchone()
    if owner != org_id:
        raise UsageError(
            f"{path} is the ledger of org {owner}, and this is org {org_id}: give each org its own"
        )
