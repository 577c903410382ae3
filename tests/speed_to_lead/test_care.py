"""The ledger is looked after: entries go, a Lead is forgotten, a copy is made beside a writer."""

from __future__ import annotations

import pytest

from speed_to_lead import care
from speed_to_lead.errors import InvalidId, LedgerUnusable, UsageError
from speed_to_lead.ledger import Closing, Effects, Ledger, Pending, QuarantineEntry
from speed_to_lead.model import Hold, Keeper, Reason, Rejection
from tests.speed_to_lead.test_ledger import (
    AT,
    CALL,
    DESK,
    MAIL,
    ORG,
    REP,
    L,
    decision,
    evidence,
    lead,
)


@pytest.fixture
def path(tmp_path):
    """A ledger that holds something of everything of one Lead, and a little of another."""
    path = tmp_path / "ledger.sqlite3"
    ledger = Ledger.open(path, ORG)
    touch = decision()
    ledger.commit(
        Effects(
            leads=[lead()],
            holds=[(L, Hold(AT, DESK, Keeper.QUEUE))],
            evidence=[evidence(CALL)],
            rejections=[Rejection(MAIL, L, Reason.NOT_LINKED)],
            closings=[Closing(CALL, REP, AT)],
            decisions=[touch],
            records=[(touch.decision_id, b"{}")],
            quarantined=[
                QuarantineEntry("", b"", "", b"", "locked", L),
                QuarantineEntry("topic", b"1", "schema", b"bytes", "unreadable"),
            ],
            pending=[Pending(MAIL, 1.0, 1, "key", AT)],
        )
    )
    ledger.close()
    return path


def held(path):
    ledger = Ledger.read(path)
    counts = ledger.counts()
    ledger.close()
    return {name: count for name, count in counts.items() if count}


def test_to_forget_a_lead_erases_every_row_of_it_and_no_other(path):
    gone = care.forget(path, L)
    assert set(gone) == {
        "lead",
        "hold",
        "evidence",
        "rejection",
        "closing",
        "decision",
        "outbox",
        "pending",
        "quarantine",
    }
    assert held(path) == {"quarantine": 1}
    assert L.encode() not in path.read_bytes()


def test_to_forget_twice_says_that_there_is_nothing(path):
    care.forget(path, L)
    with pytest.raises(UsageError, match="holds nothing of"):
        care.forget(path, L)


def test_to_forget_what_is_no_lead_is_refused(path):
    with pytest.raises(InvalidId):
        care.forget(path, "00T000000000001AAA")


def test_entries_are_dropped_by_id_or_all_together(path):
    ledger = Ledger.read(path)
    first, _ = ledger.quarantine()
    ledger.close()
    with pytest.raises(UsageError, match="no entry 99 in the quarantine"):
        care.drop(path, [first.id, 99])
    assert care.drop(path, [first.id]) == 1
    assert care.drop(path, []) == 1
    assert "quarantine" not in held(path)


def test_while_a_sidecar_runs_nothing_is_erased(path):
    running = Ledger.open(path, ORG)
    for act in (lambda: care.drop(path, []), lambda: care.forget(path, L)):
        with pytest.raises(LedgerUnusable, match="stop it first"):
            act()
    running.close()


def test_a_copy_is_made_while_a_sidecar_runs_and_is_a_ledger_of_its_own(path, tmp_path):
    running = Ledger.open(path, ORG)
    target = tmp_path / "copy.sqlite3"
    assert care.backup(path, target) > 0
    running.close()
    assert held(target) == held(path)
    assert target.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="is there already"):
        care.backup(path, target)


def test_there_is_nothing_to_look_after_without_a_ledger(tmp_path):
    nowhere = tmp_path / "ledger.sqlite3"
    for act in (
        lambda: care.drop(nowhere, []),
        lambda: care.forget(nowhere, L),
        lambda: care.backup(nowhere, tmp_path / "copy"),
    ):
        with pytest.raises(UsageError, match="there is no ledger"):
            act()
