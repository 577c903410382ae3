"""The statements of one commit. Every one of them may be repeated without changing anything."""

from __future__ import annotations

import sqlite3
from typing import Any

from speed_to_lead.ledger import encode
from speed_to_lead.ledger.values import Effects, QuarantineEntry


def write(connection: sqlite3.Connection, effects: Effects, now: float) -> None:
    """Write the effects of one batch; the caller's transaction makes them one."""
    _leads(connection, effects, now)
    _judgements(connection, effects)
    _decisions(connection, effects)
    _aside(connection, effects, now)
    connection.executemany(
        "INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?)",
        [(c.topic, c.replay_id, encode.seconds(c.committed_at)) for c in effects.checkpoints],
    )


def _leads(connection: sqlite3.Connection, effects: Effects, now: float) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO lead (id, body, contact_id, touched_at) VALUES (?, ?, ?, ?)",
        [(lead.id, encode.lead_body(lead), lead.contact_id, int(now)) for lead in effects.leads],
    )
    connection.executemany(
        "INSERT OR IGNORE INTO hold VALUES (?, ?, ?, ?, ?)",
        [
            (lead, encode.seconds(h.at), h.owner_id, h.keeper.value, h.calendar)
            for lead, h in effects.holds
        ],
    )
    connection.executemany(
        "INSERT OR IGNORE INTO inquiry VALUES (?, ?)",
        [(lead, encode.seconds(at)) for lead, at in effects.inquiries],
    )
    connection.executemany(
        "UPDATE lead SET deleted = 1, ended_at = ?, merged_into = ? WHERE id = ?",
        [(encode.seconds(g.at), g.merged_into, g.lead_id) for g in effects.gone_leads],
    )


def _judgements(connection: sqlite3.Connection, effects: Effects) -> None:
    """Withdraw first: what is judged anew in the same batch counts again.

    A record is judged for all its Leads at once: its earlier rejections are gone with a new verdict.
    """
    judged = {e.record_id for e in effects.evidence} | {r.record_id for r in effects.rejections}
    connection.executemany(
        "UPDATE evidence SET withdrawn = 1 WHERE record_id = ?",
        [(each,) for each in effects.withdrawn],
    )
    connection.executemany(
        "DELETE FROM rejection WHERE record_id = ?",
        [(each,) for each in judged.union(effects.withdrawn)],
    )
    connection.executemany(
        "UPDATE evidence SET withdrawn = 1 WHERE record_id = ? AND lead_id = ?",
        [(r.record_id, r.lead_id or "") for r in effects.rejections],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO rejection VALUES (?, ?, ?)",
        [(r.record_id, r.lead_id or "", r.reason.value) for r in effects.rejections],
    )
    connection.executemany(
        f"INSERT OR REPLACE INTO evidence ({encode.EVIDENCE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [encode.evidence_row(each) for each in effects.evidence],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO closing VALUES (?, ?, ?)",
        [(c.task_id, c.user, encode.seconds(c.at)) for c in effects.closings],
    )


def _decisions(connection: sqlite3.Connection, effects: Effects) -> None:
    """Take the first decision on each fact; its record goes to the outbox only with it."""
    connection.executemany(
        "INSERT OR IGNORE INTO calendar VALUES (?, ?)", list(effects.calendars.items())
    )
    lines = dict(effects.records)
    for decision in effects.decisions:
        taken = connection.execute(
            "INSERT OR IGNORE INTO decision VALUES (?, ?, ?, ?, ?)",
            (
                decision.decision_id,
                decision.lead_id,
                decision.workload,
                decision.cause_key,
                encode.decision_body(decision),
            ),
        )
        if taken.rowcount and decision.decision_id in lines:
            connection.execute(
                "INSERT INTO outbox (decision_id, line) VALUES (?, ?)",
                (decision.decision_id, lines[decision.decision_id]),
            )


def _aside(connection: sqlite3.Connection, effects: Effects, now: float) -> None:
    connection.executemany(
        "DELETE FROM pending WHERE record_id = ?", [(each,) for each in effects.settled]
    )
    connection.executemany(
        "INSERT OR REPLACE INTO pending VALUES (?, ?, ?, ?, ?)",
        [
            (p.record_id, p.due_at, p.attempts, p.cause_key, encode.seconds(p.committed_at))
            for p in effects.pending
        ],
    )
    connection.executemany(
        "INSERT OR IGNORE INTO quarantine "
        "(at, topic, replay_id, schema_id, payload, reason, record_id, around) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [_aside_row(each, now) for each in effects.quarantined],
    )


def _aside_row(entry: QuarantineEntry, now: float) -> tuple[Any, ...]:
    return (
        now,
        entry.topic,
        entry.replay_id,
        entry.schema_id,
        entry.payload,
        entry.reason,
        entry.record_id or "",
        encode.seconds(entry.around),
    )


_OF_A_LEAD = {
    "outbox": "decision_id IN (SELECT id FROM decision WHERE lead_id = :lead)",
    "closing": "task_id IN (SELECT record_id FROM evidence WHERE lead_id = :lead "
    "UNION SELECT record_id FROM rejection WHERE lead_id = :lead)",
    "pending": "record_id IN (SELECT record_id FROM rejection WHERE lead_id = :lead)",
    "quarantine": "record_id = :lead",
    "decision": "lead_id = :lead",
    "evidence": "lead_id = :lead",
    "rejection": "lead_id = :lead",
    "hold": "lead_id = :lead",
    "inquiry": "lead_id = :lead",
    "lead": "id = :lead",
}
"""What each table holds of a Lead; those that others are found by come last."""


def retire(connection: sqlite3.Connection, before: int, at_most: int) -> int:
    """Erase the Leads that nothing has touched since an instant, some at a time; return how many.

    How many were ever erased stays, in ``meta``.
    """
    rows = connection.execute(
        "SELECT id FROM lead WHERE touched_at < ? ORDER BY touched_at LIMIT ?", (before, at_most)
    ).fetchall()
    for (lead,) in rows:
        for table, which in _OF_A_LEAD.items():
            if table != "outbox":  # what was decided is still to be told
                connection.execute(f"DELETE FROM {table} WHERE {which}", {"lead": lead})
    connection.execute(
        "INSERT INTO meta VALUES ('retired', ?) "
        "ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + excluded.value",
        (str(len(rows)),),
    )
    return len(rows)


def forget(connection: sqlite3.Connection, lead: str) -> dict[str, int]:
    """Erase all rows that tell of a Lead; return how many went from each table, none of it zero."""
    connection.execute("PRAGMA secure_delete = ON")
    gone = {
        table: connection.execute(f"DELETE FROM {table} WHERE {which}", {"lead": lead}).rowcount
        for table, which in _OF_A_LEAD.items()
    }
    return {table: rows for table, rows in gone.items() if rows}
