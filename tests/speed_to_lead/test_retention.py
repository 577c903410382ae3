"""What nothing touches leaves the ledger in the end, a dry run's ledger is no other's, and a lock is seen."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from speed_to_lead.errors import UsageError
from speed_to_lead.ledger import Effects, Ledger
from speed_to_lead.model import Evidence, Grade, Hold, Keeper, Reason, Rejection, Source
from tests.speed_to_lead.building import ORG, U1, L, M, at, call, lead

TOMORROW = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger.open(tmp_path / "ledger.sqlite3", ORG)
    yield opened
    opened.close()


def fill(ledger):
    touch = Evidence(call().id, L, at("10:07"), Source.CALL, U1, Grade.B, ())
    ledger.commit(
        Effects(
            leads=[lead(), lead(id=M)],
            evidence=[touch],
            rejections=[Rejection("00T000000000099AAA", L, Reason.OPEN_TASK)],
            holds=[(L, Hold(at("10:00"), U1, Keeper.HUMAN))],
            inquiries=[(L, at("11:00"))],
        )
    )


def rows(ledger):
    with closing(sqlite3.connect(ledger.path)) as read:
        tables = ("lead", "evidence", "rejection", "hold", "inquiry")
        return {t: read.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in tables}


def test_leads_that_nothing_touched_leave_with_all_that_is_held_of_them(ledger):
    fill(ledger)
    assert ledger.retire(datetime.now(UTC) - timedelta(days=1)) == 0
    assert ledger.retire(TOMORROW, at_most=1) == 1
    assert ledger.retire(TOMORROW) == 1
    assert rows(ledger) == dict.fromkeys(rows(ledger), 0)
    with closing(sqlite3.connect(ledger.path)) as read:
        [(count,)] = read.execute("SELECT value FROM meta WHERE key = 'retired'")
    assert int(count) == 2


def test_a_lead_that_is_touched_again_stays(ledger):
    fill(ledger)
    with closing(sqlite3.connect(ledger.path)) as write:
        write.execute("UPDATE lead SET touched_at = 0")
        write.commit()
    ledger.commit(Effects(leads=[lead()]))
    assert ledger.retire(datetime.now(UTC) - timedelta(days=31)) == 1
    assert set(ledger.leads([L, M])) == {L}


def test_a_dry_runs_ledger_serves_dry_runs_and_no_others(tmp_path):
    path = tmp_path / "dry.sqlite3"
    Ledger.open(path, ORG, dry_run=True).close()
    with pytest.raises(UsageError, match="is the ledger of dry runs"):
        Ledger.open(path, ORG)
    again = Ledger.open(path, ORG, dry_run=True)
    assert again.is_of_dry_runs()
    again.close()
    with Ledger.maintained(path) as kept:
        assert kept.is_of_dry_runs()


def test_a_live_ledger_serves_no_dry_run(ledger, tmp_path):
    ledger.close()
    with pytest.raises(UsageError, match="is the ledger of live runs"):
        Ledger.open(tmp_path / "ledger.sqlite3", ORG, dry_run=True)


def test_whether_a_ledger_is_free_is_told_without_taking_it(ledger, tmp_path):
    assert not Ledger.is_free(ledger.path)
    assert Ledger.is_free(tmp_path / "other.sqlite3")
    assert Ledger.is_free(tmp_path / "other.sqlite3")


def test_a_calendar_that_has_counted_can_be_asked_again(ledger):
    ledger.commit(Effects(calendars={"sha256:1": "{}"}))
    assert (ledger.calendar("sha256:1"), ledger.calendar("sha256:2")) == ("{}", None)
