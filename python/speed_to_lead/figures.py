"""``speed-to-lead kpis``: the numbers as the ledger has them, to hold beside the org's own reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path

from speed_to_lead.errors import UsageError
from speed_to_lead.kpi import Measured, figures
from speed_to_lead.ledger import Ledger
from speed_to_lead.model import JSON, Lead
from speed_to_lead.policy import Policy

ALL = "All"
"""The name of the last row, that of all leads."""


def by_source(
    ledger: Path, days: int, as_of: str, policy: Policy | None = None
) -> list[dict[str, JSON]]:
    """Return one row for each lead source and one for all; minutes to two decimals.

    Leads that the policy calls imports are outside.

    :raises UsageError: there is no ledger, or ``as_of`` is no instant.
    """
    end = _instant(as_of)
    opened = Ledger.read(ledger)
    try:
        leads = [
            (each, deleted)
            for each, deleted in opened.every_lead()
            if end - timedelta(days=days) <= each.created_at and not _is_import(policy, each)
        ]
    finally:
        opened.close()
    sources = sorted({lead.source or "" for lead, _ in leads})
    groups = [
        (source, [pair for pair in leads if (pair[0].source or "") == source]) for source in sources
    ]
    return [_row(name, chosen, end) for name, chosen in [*groups, (ALL, leads)]]


def _is_import(policy: Policy | None, lead: Lead) -> bool:
    return policy is not None and policy.is_import(policy.segment_of(lead.employees), lead.source)


def _row(
    name: str, leads: Sequence[tuple[Lead, datetime | None]], as_of: datetime
) -> dict[str, JSON]:
    numbers = asdict(figures((Measured.of(*pair) for pair in leads), as_of))
    return {"source": name, **{key: _shown(value) for key, value in numbers.items()}}


def _shown(value: float | None) -> JSON:
    if value == inf:
        return "not reached"
    return round(value, 2) if isinstance(value, float) else value


def _instant(text: str) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text} is no ISO 8601 instant, such as 2026-11-02T00:00:00Z") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
