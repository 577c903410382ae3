"""The ledger's tables, one script a version; ``PRAGMA user_version`` tells which the file has."""

from __future__ import annotations

APPLICATION_ID = 0x53544C31
"""``STL1``: what tells a ledger from the SQLite file of another program."""

MIGRATIONS = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE checkpoint (
        topic TEXT PRIMARY KEY, replay_id BLOB NOT NULL, committed_at INTEGER) STRICT, WITHOUT ROWID;
    CREATE TABLE lead (
        id TEXT PRIMARY KEY, body BLOB NOT NULL, deleted INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
    CREATE TABLE evidence (
        lead_id TEXT, record_id TEXT, at INTEGER NOT NULL, source TEXT NOT NULL, user_id TEXT,
        grade TEXT NOT NULL, flags TEXT NOT NULL, withdrawn INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (lead_id, record_id)) STRICT, WITHOUT ROWID;
    CREATE INDEX evidence_record ON evidence (record_id);
    CREATE TABLE rejection (
        record_id TEXT, lead_id TEXT NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (record_id, lead_id)) STRICT, WITHOUT ROWID;
    CREATE INDEX rejection_lead ON rejection (lead_id) WHERE lead_id <> '';
    CREATE TABLE closing (
        task_id TEXT PRIMARY KEY, user_id TEXT, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE pending (
        record_id TEXT PRIMARY KEY, due_at REAL NOT NULL, attempts INTEGER NOT NULL,
        cause_key TEXT NOT NULL, committed_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE decision (
        id TEXT PRIMARY KEY, lead_id TEXT NOT NULL, workload TEXT NOT NULL, cause_key TEXT NOT NULL,
        body BLOB NOT NULL, UNIQUE (lead_id, workload, cause_key)) STRICT, WITHOUT ROWID;
    CREATE TABLE outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, decision_id TEXT NOT NULL, line BLOB NOT NULL) STRICT;
    CREATE TABLE drained (file TEXT PRIMARY KEY, size INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE quarantine (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, topic TEXT NOT NULL,
        replay_id BLOB NOT NULL, schema_id TEXT NOT NULL, payload BLOB NOT NULL,
        reason TEXT NOT NULL, record_id TEXT NOT NULL,
        UNIQUE (topic, replay_id, record_id, reason, payload)) STRICT;
    """,
    """
    CREATE TABLE hold (
        lead_id TEXT, at INTEGER, owner_id TEXT, keeper TEXT NOT NULL, calendar TEXT,
        PRIMARY KEY (lead_id, at, owner_id)) STRICT, WITHOUT ROWID;
    ALTER TABLE quarantine ADD COLUMN around INTEGER;
    """,
    """
    ALTER TABLE lead ADD COLUMN contact_id TEXT;
    ALTER TABLE lead ADD COLUMN ended_at INTEGER;
    ALTER TABLE lead ADD COLUMN merged_into TEXT;
    ALTER TABLE lead ADD COLUMN touched_at INTEGER NOT NULL DEFAULT 0;
    UPDATE lead SET touched_at = CAST(strftime('%s', 'now') AS INTEGER);
    CREATE INDEX lead_touched ON lead (touched_at);
    CREATE INDEX lead_contact ON lead (contact_id) WHERE contact_id IS NOT NULL;
    CREATE TABLE inquiry (
        lead_id TEXT, at INTEGER, PRIMARY KEY (lead_id, at)) STRICT, WITHOUT ROWID;
    CREATE TABLE calendar (digest TEXT PRIMARY KEY, said TEXT NOT NULL) STRICT, WITHOUT ROWID;
    """,
)
"""Each is run once, in order, in a transaction of its own."""

VERSION = len(MIGRATIONS)
