"""Leads, evidence and decisions as rows, and back again, equal. Instants are whole epoch seconds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from speed_to_lead.ids import LeadId, UserId
from speed_to_lead.model import Decision, Evidence, Grade, Lead, Reason, Rejection, Source, Stamp

_LEAD_INSTANTS = (
    "created_at",
    "owner_assigned_at",
    "clock_started_at",
    "due_at",
    "converted_at",
    "closed_at",
)
_LEAD_PLAIN = (
    "created_by",
    "owner_id",
    "employees",
    "country",
    "source",
    "industry",
    "is_converted",
    "policy_version",
    "contact_id",
)


def seconds(moment: datetime | None) -> int | None:
    """Return an instant as whole epoch seconds."""
    return None if moment is None else int(moment.timestamp())


def instant(value: int | None) -> datetime | None:
    """Return whole epoch seconds as an instant."""
    return None if value is None else datetime.fromtimestamp(value, UTC)


def moment(value: int) -> datetime:
    """Return whole epoch seconds as an instant."""
    return datetime.fromtimestamp(value, UTC)


def lead_body(lead: Lead) -> bytes:
    """Return everything of a Lead but its id."""
    stamp = lead.stamp
    body: dict[str, Any] = {name: getattr(lead, name) for name in _LEAD_PLAIN}
    body |= {name: seconds(getattr(lead, name)) for name in _LEAD_INSTANTS}
    body["inquiry"] = {name: seconds(moment) for name, moment in lead.inquiry.items()}
    body["stamp"] = stamp and [seconds(stamp.at), stamp.source.value, stamp.user]
    return orjson.dumps(body)


def lead_of(lead_id: str, body: bytes) -> Lead:
    """Return the Lead behind a body."""
    read: dict[str, Any] = {"contact_id": None, **orjson.loads(body)}
    stamp = read["stamp"]
    return Lead(
        id=LeadId(lead_id),
        created_at=moment(read["created_at"]),
        owner_assigned_at=instant(read["owner_assigned_at"]),
        clock_started_at=instant(read["clock_started_at"]),
        due_at=instant(read.get("due_at")),
        converted_at=instant(read.get("converted_at")),
        closed_at=instant(read.get("closed_at")),
        inquiry={name: moment(value) for name, value in read["inquiry"].items()},
        stamp=stamp and Stamp(moment(stamp[0]), Source(stamp[1]), stamp[2]),
        **{name: read[name] for name in _LEAD_PLAIN},
    )


EVIDENCE_COLUMNS = "lead_id, record_id, at, source, user_id, grade, flags"


def evidence_row(evidence: Evidence) -> tuple[Any, ...]:
    """Return the columns of ``EVIDENCE_COLUMNS``."""
    return (
        evidence.lead_id,
        evidence.record_id,
        seconds(evidence.at),
        evidence.source.value,
        evidence.user,
        evidence.grade or "",
        orjson.dumps(evidence.flags).decode(),
    )


def evidence_of(row: tuple[Any, ...]) -> Evidence:
    """Return the evidence behind the columns of ``EVIDENCE_COLUMNS``."""
    lead, record, at, source, user, grade, flags = row
    return Evidence(
        record_id=record,
        lead_id=LeadId(lead),
        at=moment(at),
        source=Source(source),
        user=None if user is None else UserId(user),
        grade=Grade(grade) if grade else None,
        flags=tuple(orjson.loads(flags)),
    )


def rejection_of(record: str, lead: str, reason: str) -> Rejection:
    """Return the rejection behind a row; no Lead is stored as an empty text."""
    return Rejection(record, LeadId(lead) if lead else None, Reason(reason))


def decision_body(decision: Decision) -> bytes:
    """Return a decision whole."""
    return orjson.dumps(
        {
            "workload": decision.workload,
            "lead_id": decision.lead_id,
            "cause_key": decision.cause_key,
            "decision_id": decision.decision_id,
            "at": seconds(decision.at),
            "policy_version": decision.policy_version,
            "policy_digest": decision.policy_digest,
            "outcome": decision.outcome,
            "inputs": decision.inputs,
            "output": decision.output,
            "trace": decision.trace,
        }
    )


def decision_of(body: bytes) -> Decision:
    """Return the decision behind a body."""
    read: dict[str, Any] = orjson.loads(body)
    return Decision(**{**read, "at": moment(read["at"]), "trace": tuple(read["trace"])})
