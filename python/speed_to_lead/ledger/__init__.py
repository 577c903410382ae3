"""One SQLite file: evidence, decisions, outbox, quarantine and checkpoints, committed together."""

from speed_to_lead.ledger.store import Ledger
from speed_to_lead.ledger.values import (
    Checkpoint,
    Closing,
    Effects,
    Gone,
    KnownLead,
    Pending,
    Quarantined,
    QuarantineEntry,
)

__all__ = [
    "Checkpoint",
    "Closing",
    "Effects",
    "Gone",
    "KnownLead",
    "Ledger",
    "Pending",
    "QuarantineEntry",
    "Quarantined",
]
