"""What a batch has come to is in the ledger whole, once and equal, or not at all."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speed_to_lead.errors import LedgerTooNew, LedgerUnusable, UsageError
from speed_to_lead.first_response import earliest
from speed_to_lead.flywheel import decision_id
from speed_to_lead.ids import ReplayId, contact_id, lead_id, org_id, user_id
from speed_to_lead.ledger import (
    Checkpoint,
    Closing,
    Effects,
    Gone,
    Ledger,
    Pending,
    QuarantineEntry,
    encode,
)
from speed_to_lead.ledger.schema import VERSION
from speed_to_lead.model import (
    Decision,
    Evidence,
    Grade,
    Hold,
    Keeper,
    Lead,
    Reason,
    Rejection,
    Source,
    Stamp,
)

ORG, OTHER_ORG = org_id("00D000000000001"), org_id("00D000000000002")
L, M = lead_id("00Q000000000001"), lead_id("00Q000000000002")
REP = user_id("005000000000001")
DESK = "00G000000000001EAA"
CALL, MAIL = "00T000000000001AAA", "02s000000000001AAA"
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
TOPIC = "/data/SpeedToLead__chn"


def lead(each=L, **changes):
    known = Lead(
        id=each,
        created_at=AT,
        created_by=REP,
        owner_id=REP,
        employees=500,
        country="Germany",
        source="Web",
        industry=None,
        is_converted=False,
        inquiry={},
        stamp=None,
        owner_assigned_at=None,
        clock_started_at=None,
        due_at=None,
        policy_version=None,
    )
    return replace(known, **changes)


def evidence(record=CALL, each=L, minutes=5, **changes):
    made = Evidence(
        record, each, AT + timedelta(minutes=minutes), Source.CALL, REP, Grade.B, ("late",)
    )
    return replace(made, **changes)


def decision(fact="1:1", digest=f"sha256:{1:064}", workload="lead.route", each=L):
    return Decision(
        workload, each, fact, decision_id(ORG, workload, each, fact, digest), AT, "1.0.0", digest, "assigned",
        {"country": "Germany"}, {"route": "Europe"}, ({"route": "Europe", "matched": True},),
    )  # fmt: skip


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger.open(tmp_path / "ledger.sqlite3", ORG)
    yield opened
    opened.close()


# -- values ---------------------------------------------------------------------------------------

moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)
leads = st.builds(
    Lead,
    id=st.just(L),
    created_at=moments,
    created_by=st.none() | st.just(REP),
    owner_id=st.just(REP),
    employees=st.none() | st.integers(0, 10**6),
    country=st.none() | st.text(),
    source=st.none() | st.text(),
    industry=st.none() | st.text(),
    is_converted=st.booleans(),
    inquiry=st.dictionaries(st.text(), moments, max_size=2),
    stamp=st.none() | st.builds(Stamp, moments, st.sampled_from(Source), st.none() | st.just(REP)),
    owner_assigned_at=st.none() | moments,
    clock_started_at=st.none() | moments,
    due_at=st.none() | moments,
    policy_version=st.none() | st.text(),
    contact_id=st.none() | st.just(contact_id("003000000000001")),
    converted_at=st.none() | moments,
    closed_at=st.none() | moments,
)


@given(leads)
def test_a_lead_comes_back_equal(value):
    assert encode.lead_of(value.id, encode.lead_body(value)) == value


pieces = st.builds(
    Evidence,
    record_id=st.sampled_from([CALL, MAIL]),
    lead_id=st.just(L),
    at=moments,
    source=st.sampled_from(Source),
    user=st.none() | st.just(REP),
    grade=st.none() | st.sampled_from(Grade),
    flags=st.lists(st.text(), max_size=3).map(tuple),
)
json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(st.text(), json, max_size=3)
decisions = st.builds(
    Decision,
    workload=st.sampled_from(["lead.route", "lead.first_touch"]),
    lead_id=st.just(L),
    cause_key=st.text(),
    decision_id=st.text(),
    at=moments,
    policy_version=st.text(),
    policy_digest=st.text(),
    outcome=st.text(),
    inputs=objects,
    output=objects,
    trace=st.lists(objects, max_size=3).map(tuple),
)


@given(pieces)
def test_evidence_comes_back_equal(value):
    assert encode.evidence_of(encode.evidence_row(value)) == value


@given(decisions)
def test_a_decision_comes_back_equal(value):
    assert encode.decision_of(encode.decision_body(value)) == value


def test_everything_of_a_batch_comes_back_equal(ledger):
    checkpoint = Checkpoint(TOPIC, ReplayId(b"\0\1"), AT)
    closing = Closing(CALL, REP, AT)
    pending = Pending(MAIL, 5.0, 1, "t-1", AT)
    entry = QuarantineEntry(TOPIC, b"\0\1", "schema", b"\xff", "cut")
    ledger.commit(
        Effects(
            leads=[lead()],
            evidence=[evidence()],
            rejections=[Rejection(MAIL, L, Reason.INBOUND_MAIL)],
            closings=[closing],
            decisions=[decision()],
            pending=[pending],
            quarantined=[entry],
            checkpoints=[checkpoint],
        )
    )
    known = ledger.leads([L])[L]
    assert (known.lead, known.routed, known.live) == (lead(), True, [evidence()])
    assert ledger.rejections_of(L) == [Rejection(MAIL, L, Reason.INBOUND_MAIL)]
    assert ledger.decisions_of(L) == [decision()]
    assert ledger.closings([CALL]) == {CALL: closing}
    assert ledger.checkpoints() == [checkpoint]
    assert (ledger.due(4.9), ledger.due(5.0), ledger.next_due()) == ([], [pending], 5.0)
    assert [each.entry for each in ledger.quarantine()] == [entry]
    assert ledger.integrity() == []


# -- judgements -----------------------------------------------------------------------------------


def test_the_best_evidence_is_the_smallest_that_is_not_withdrawn(ledger):
    early, late = evidence(CALL, minutes=5), evidence(MAIL, minutes=9, source=Source.EMAIL)
    ledger.commit(Effects(leads=[lead()], evidence=[late, early]))
    assert earliest(ledger.leads([L])[L].live) == early
    ledger.commit(Effects(withdrawn=[CALL]))
    assert earliest(ledger.leads([L])[L].live) == late
    ledger.commit(Effects(evidence=[early]))
    assert earliest(ledger.leads([L])[L].live) == early


def test_a_rejection_takes_the_place_of_evidence_and_the_other_way_round(ledger):
    ledger.commit(Effects(leads=[lead()], evidence=[evidence()]))
    ledger.commit(Effects(rejections=[Rejection(CALL, L, Reason.OPEN_TASK)]))
    assert ledger.leads([L])[L].live == []
    assert len(ledger.rejections_of(L)) == 1
    ledger.commit(Effects(evidence=[evidence()]))
    assert ledger.leads([L])[L].live == [evidence()]
    assert ledger.rejections_of(L) == []


def test_the_leads_of_a_record_are_those_it_counts_for(ledger):
    ledger.commit(Effects(evidence=[evidence(each=L), evidence(each=M)]))
    assert ledger.leads_of([CALL, MAIL]) == {CALL: frozenset({L, M})}


def test_a_deleted_lead_is_not_known_until_it_comes_back(ledger):
    ledger.commit(Effects(leads=[lead()]))
    ledger.commit(Effects(gone_leads=[Gone(L, AT)]))
    assert ledger.leads([L]) == {}
    ledger.commit(Effects(leads=[lead()]))
    assert L in ledger.leads([L])


def test_a_mail_that_gets_its_lead_late_keeps_one_rejection(ledger):
    ledger.commit(Effects(rejections=[Rejection(MAIL, None, Reason.NOT_LINKED)]))
    ledger.commit(Effects(rejections=[Rejection(MAIL, L, Reason.INBOUND_MAIL)]))
    assert ledger.counts()["rejection"] == 1
    assert ledger.rejections_of(L) == [Rejection(MAIL, L, Reason.INBOUND_MAIL)]


def test_a_mail_is_looked_at_again_until_it_is_settled(ledger):
    ledger.commit(Effects(pending=[Pending(MAIL, 5.0, 1, "t-1", AT)]))
    ledger.commit(Effects(pending=[Pending(MAIL, 9.0, 2, "t-1", AT)]))
    assert (ledger.due(8.9), ledger.next_due()) == ([], 9.0)
    ledger.commit(Effects(settled=[MAIL]))
    assert ledger.next_due() is None


# -- once, and whole ------------------------------------------------------------------------------


def test_a_fact_is_decided_once_whatever_the_policy_says_later(ledger):
    first, second = decision(), decision(digest=f"sha256:{2:064}")
    for each in (first, first, second):
        ledger.commit(Effects(decisions=[each], records=[(each.decision_id, b"{}\n")]))
    assert ledger.decisions_of(L) == [first]
    assert len(ledger.outbox(10)) == 1


def test_committing_the_same_again_changes_nothing(ledger):
    effects = Effects(
        leads=[lead()],
        evidence=[evidence()],
        decisions=[decision()],
        records=[(decision().decision_id, b"{}\n")],
        quarantined=[QuarantineEntry(TOPIC, b"1", "s", b"p", "cut")],
        checkpoints=[Checkpoint(TOPIC, ReplayId(b"1"), AT)],
    )
    ledger.commit(effects)
    before = ledger.counts()
    ledger.commit(effects)
    assert ledger.counts() == before


def test_a_commit_that_fails_leaves_nothing_of_itself(ledger):
    ledger._connection.execute("PRAGMA max_page_count = 40")
    many = [replace(evidence(), record_id=f"00T{number:015}") for number in range(20_000)]
    checkpoint = Checkpoint(TOPIC, ReplayId(b"1"), AT)
    with pytest.raises(LedgerUnusable, match="free some space"):
        ledger.commit(Effects(leads=[lead()], evidence=many, checkpoints=[checkpoint]))
    assert set(ledger.counts().values()) == {0}
    assert ledger.checkpoints() == []


def test_two_unreadable_events_of_one_replay_id_are_both_kept(ledger):
    """Merged changes that are enriched come apart into events with equal replay ids."""
    first, second = (QuarantineEntry(TOPIC, b"1", "s", each, "cut") for each in (b"a", b"b"))
    ledger.commit(Effects(quarantined=[first, second, first]))
    assert [each.entry for each in ledger.quarantine()] == [first, second]


def test_what_is_drained_leaves_the_outbox(ledger):
    ledger.commit(Effects(decisions=[decision()], records=[(decision().decision_id, b"{}\n")]))
    [(number, line)] = ledger.outbox(10)
    ledger.drained(number, "decisions.jsonl", len(line))
    assert ledger.outbox(10) == []
    assert ledger.drained_size("decisions.jsonl") == len(line)


# -- the file -------------------------------------------------------------------------------------


def test_a_ledger_that_is_opened_again_has_forgotten_nothing(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    first = Ledger.open(path, ORG)
    first.commit(Effects(leads=[lead()]))
    first.close()
    again = Ledger.open(path, ORG)
    assert again.leads([L])[L].lead == lead()
    again.close()


def test_only_its_owner_may_read_it(ledger):
    assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600


def test_a_second_writer_is_refused_while_readers_are_welcome(ledger):
    ledger.commit(Effects(leads=[lead()]))
    with pytest.raises(LedgerUnusable, match="another sidecar has the ledger"):
        Ledger.open(ledger.path, ORG)
    reader = Ledger.read(ledger.path)
    assert reader.leads([L])[L].lead == lead()
    reader.close()


def test_the_ledger_of_another_org_is_refused_by_name(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    Ledger.open(path, ORG).close()
    with pytest.raises(UsageError, match=f"ledger of org {ORG}, and this is org {OTHER_ORG}"):
        Ledger.open(path, OTHER_ORG)


def test_the_ledger_of_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    Ledger.open(path, ORG).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    for opening in (lambda: Ledger.open(path, ORG), lambda: Ledger.read(path)):
        with pytest.raises(LedgerTooNew, match="upgrade the sidecar"):
            opening()


def test_the_ledger_of_an_older_version_is_brought_up_to_date_and_keeps_what_it_holds(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    first = Ledger.open(path, ORG)
    first.commit(Effects(leads=[lead()]))
    first.close()
    connection = sqlite3.connect(path)
    connection.executescript(
        "DROP TABLE inquiry; DROP TABLE calendar; DROP INDEX lead_contact; DROP INDEX lead_touched;"
        "ALTER TABLE lead DROP COLUMN contact_id; ALTER TABLE lead DROP COLUMN ended_at;"
        "ALTER TABLE lead DROP COLUMN merged_into; ALTER TABLE lead DROP COLUMN touched_at;"
        "DROP TABLE hold; ALTER TABLE quarantine DROP COLUMN around; PRAGMA user_version = 1"
    )
    connection.close()
    opened = Ledger.open(path, ORG)
    assert opened.leads([L])[L].lead == lead()
    assert opened.leads([L])[L].holds == ()
    opened.close()


def test_who_held_a_lead_comes_back_in_order_and_once(ledger):
    holds = [Hold(AT + timedelta(minutes=5), REP, Keeper.HUMAN), Hold(AT, DESK, Keeper.QUEUE)]
    for _ in range(2):
        ledger.commit(Effects(leads=[lead()], holds=[(L, hold) for hold in holds]))
    assert ledger.leads([L])[L].holds == tuple(holds[::-1])


def test_a_file_that_is_no_ledger_is_told_with_what_to_do(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(LedgerUnusable, match="restore a backup"):
        Ledger.open(path, ORG)


def test_an_empty_file_becomes_a_ledger(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    path.touch()
    with pytest.raises(UsageError, match="run the sidecar"):
        Ledger.read(path)
    Ledger.open(path, ORG).close()
    reader = Ledger.read(path)
    assert reader.checkpoints() == []
    reader.close()


def test_the_database_of_another_program_is_left_alone(tmp_path):
    path = tmp_path / "theirs.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (id)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(UsageError, match="another program"):
        Ledger.open(path, ORG)
    assert path.read_bytes() == before


def test_a_path_may_hold_what_means_something_in_an_address(tmp_path):
    path = tmp_path / "50%25 #1?.sqlite3"
    Ledger.open(path, ORG).close()
    Ledger.read(path).close()


FULL = """
import resource, sys
from pathlib import Path
from speed_to_lead.errors import LedgerUnusable
from speed_to_lead.ids import ReplayId, org_id
from speed_to_lead.ledger import Checkpoint, Effects, Ledger, QuarantineEntry

ledger = Ledger.open(Path(sys.argv[1]), org_id("00D000000000001"))
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
entries = [QuarantineEntry("t", b"1", "s", bytes(50_000), str(n)) for n in range(20)]
try:
    ledger.commit(Effects(quarantined=entries, checkpoints=[Checkpoint("t", ReplayId(b"1"), None)]))
except LedgerUnusable as told:
    print(told)
print(ledger.counts()["quarantine"], ledger.checkpoints())
"""


def test_a_full_disk_is_told_and_nothing_is_stored_by_halves(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True
    )
    told, left = done.stdout.splitlines()
    assert "free some space; nothing is lost" in told
    assert left == "0 []"
    again = Ledger.open(path, ORG)
    assert (again.checkpoints(), again.integrity()) == ([], [])
    again.close()


def test_a_ledger_that_is_not_there_cannot_be_read(tmp_path):
    with pytest.raises(UsageError, match="there is no ledger"):
        Ledger.read(tmp_path / "nowhere.sqlite3")
