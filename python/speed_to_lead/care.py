"""Looking after the ledger: try again what was set aside, forget a Lead, copy the file."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

from speed_to_lead.errors import UsageError
from speed_to_lead.ids import lead_id
from speed_to_lead.ledger import Ledger, Quarantined
from speed_to_lead.service import assembled
from speed_to_lead.settings import Settings

_MARGIN = timedelta(minutes=10)
"""How far before an event that could not be read its window is judged again."""


async def retry(settings: Settings, ids: Collection[int]) -> tuple[int, int]:
    """Try entries of the quarantine again, all of them if none is named; return how many went and stay.

    A write that was refused: its Lead is judged and written anew. An event that could not be read: what
    changed around it is judged as it is now, which is all that the event could have led to.

    :raises UsageError: an id is no entry's.
    :raises OrgUnavailable: the org does not answer; the entries stay.
    """
    async with assembled(settings) as parts:
        chosen = _chosen(parts.ledger.quarantine(), ids)
        unread = [_around(each) for each in chosen if each.entry.record_id is None]
        leads = sorted(
            {lead_id(e.entry.record_id) for e in chosen if e.entry.record_id is not None}
        )
        parts.ledger.drop([each.id for each in chosen])
        try:
            if unread:
                await parts.pipeline.snapshot(min(unread) - _MARGIN)
            if leads:
                await parts.pipeline.judge_again(leads)
        except BaseException:
            parts.ledger.set_aside([each.entry for each in chosen])
            raise
        parts.flywheel.drain()
        known = {(each.entry.record_id, each.entry.reason) for each in chosen}
        stay = [
            each
            for each in parts.ledger.quarantine()
            if (each.entry.record_id, each.entry.reason) in known
        ]
        return len(chosen) - len(stay), len(stay)


def drop(path: Path, ids: Collection[int]) -> int:
    """Throw entries of the quarantine away, all of them if none is named; return how many.

    :raises UsageError: an id is no entry's.
    :raises LedgerUnusable: a running sidecar has the ledger.
    """
    with Ledger.maintained(path) as ledger:
        chosen = _chosen(ledger.quarantine(), ids)
        ledger.drop([each.id for each in chosen])
        return len(chosen)


def forget(path: Path, lead: str) -> dict[str, int]:
    """Erase all that the ledger holds of a Lead; return how many rows went from where.

    Its numbers stay in what was counted; records already written to the flywheel are files of their own.

    :raises UsageError: ``lead`` is no Lead id, or the ledger holds nothing of it.
    :raises LedgerUnusable: a running sidecar has the ledger.
    """
    wanted = lead_id(lead)
    with Ledger.maintained(path) as ledger:
        gone = ledger.forget(wanted)
    if not gone:
        raise UsageError(f"the ledger {path} holds nothing of {wanted}")
    return gone


def backup(path: Path, target: Path) -> int:
    """Copy the ledger, beside a running sidecar or without one; return the size of the copy in bytes.

    :raises UsageError: there is no ledger, or the target is there already.
    :raises LedgerUnusable: the copy cannot be written, or is not sound.
    """
    if target.exists():
        raise UsageError(f"{target} is there already: name a file that is not")
    ledger = Ledger.read(path)
    try:
        ledger.copy_to(target)
    finally:
        ledger.close()
    return target.stat().st_size


def _around(each: Quarantined) -> datetime:
    """Return about when an event happened; where nothing was heard beside it, when it was set aside."""
    return each.entry.around or datetime.fromtimestamp(each.at, UTC)


def _chosen(entries: list[Quarantined], ids: Collection[int]) -> list[Quarantined]:
    unknown = set(ids) - {each.id for each in entries}
    if unknown:
        raise UsageError(f"no entry {', '.join(map(str, sorted(unknown)))} in the quarantine")
    return [each for each in entries if not ids or each.id in ids]
