"""Polling sees every change at least once and skips none, however pages, ties and crashes fall."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speed_to_lead.changes import ChangeKind
from speed_to_lead.errors import OrgUnavailable, PermissionMissing
from speed_to_lead.polling import Cursor, PollingSource

T0 = datetime(2026, 3, 2, 10, tzinfo=UTC)
OVERLAP = timedelta(seconds=5)
_WHERE = re.compile(
    r"FROM (\w+) WHERE \(?SystemModstamp (>=?) (\S+?)(?: OR \(SystemModstamp = \S+ AND Id > '(\w+)'\)\))?"
    r" ORDER BY SystemModstamp, Id LIMIT (\d+)$"
)


class Table:
    """An entity as SOQL sees it: the answer of the query that is asked, and no other."""

    def __init__(self):
        self.rows = {}
        self.asked = 0

    def write(self, number, at, *, deleted=False):
        record = f"00Q{number:012}AAA"
        created = self.rows.get(record, {"CreatedDate": at})["CreatedDate"]
        self.rows[record] = {
            "Id": record,
            "SystemModstamp": at,
            "CreatedDate": created,
            "IsDeleted": deleted,
        }

    async def query(self, soql, *, deleted=False):
        self.asked += 1
        assert deleted
        found = _WHERE.search(soql)
        assert found is not None
        _, operator, since, record, limit = found.groups()
        start = datetime.fromisoformat(since)

        def wanted(row):
            at = row["SystemModstamp"]
            if record is not None and at == start:
                return row["Id"] > record
            return at > start or (operator == ">=" and at == start)

        rows = sorted(
            (r for r in self.rows.values() if wanted(r)),
            key=lambda r: (r["SystemModstamp"], r["Id"]),
        )
        return [
            {
                k: f"{v:%Y-%m-%dT%H:%M:%S}.000+0000" if isinstance(v, datetime) else v
                for k, v in r.items()
            }
            for r in rows[: int(limit)]
        ]


def at(seconds):
    return T0 + timedelta(seconds=seconds)


def source(table, start=None, page=3, **options):
    cursor = start or Cursor(T0)
    options.setdefault("org_now", later)
    return PollingSource(table.query, {"Lead": cursor}, 1, overlap=OVERLAP, page=page, **options)


def later():
    return T0 + timedelta(days=1)


def polled(one):
    return asyncio.run(one.poll())


def told(batches):
    return [(change.ids[0], change.committed_at) for b in batches for change in b.changes]


@given(
    writes=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 3), st.booleans()), max_size=40),
    polls=st.lists(st.booleans(), max_size=40),
    page=st.integers(1, 4),
    seed=st.integers(0, 999),
)
def test_every_change_is_seen_and_none_is_skipped(writes, polls, page, seed):
    random, table = Random(seed), Table()
    one, heard, stored, clock = source(table, page=page), set(), None, 0
    for step, (number, pause, late) in enumerate(writes):
        clock += pause
        moment = at(max(0, clock - (random.randint(0, 4) if late else 0)))
        row = table.rows.get(f"00Q{number:012}AAA")
        table.write(number, max(moment, row["SystemModstamp"]) if row else moment)
        if step < len(polls) and polls[step]:
            batches = polled(one)
            heard |= set(told(batches))
            if batches and random.random() < 0.5:
                stored = batches[-1].replay_id  # committed
        elif random.random() < 0.2:  # a crash: what was heard and not stored comes again
            one = source(table, stored and Cursor.read(stored), page=page)
    heard |= set(told(polled(one)))
    newest = {(row["Id"], row["SystemModstamp"]) for row in table.rows.values()}
    assert newest <= heard


def test_what_was_returned_is_not_returned_again():
    table = Table()
    for number in range(5):
        table.write(number, at(number % 2))
    one = source(table)
    assert len(told(polled(one))) == 5
    assert polled(one) == []
    table.write(1, at(3))
    assert told(polled(one)) == [("00Q000000000001AAA", at(3))]


def test_a_record_that_changes_twice_in_one_second_is_told_twice():
    table, clock = Table(), [at(1)]
    one = source(table, org_now=lambda: clock[0])
    table.write(1, at(1))
    assert len(told(polled(one))) == 1
    table.write(1, at(1), deleted=True)  # later in the same second
    assert polled(one)[0].changes[0].kind is ChangeKind.GAP_DELETE
    clock[0] = at(3)
    assert len(told(polled(one))) == 1
    assert polled(one) == []


def test_a_new_record_is_told_as_new_and_an_old_one_as_changed_and_a_deleted_one_as_gone():
    table = Table()
    table.write(1, T0 - timedelta(hours=1))
    one = source(table)
    for number, deleted in ((1, False), (2, False), (3, True)):
        table.write(number, at(number), deleted=deleted)
    [batch] = asyncio.run(source(table, page=100).poll())
    kinds = [change.kind for change in batch.changes]
    assert kinds == [ChangeKind.GAP_UPDATE, ChangeKind.GAP_CREATE, ChangeKind.GAP_DELETE]
    assert batch.topic == "poll:Lead"
    assert Cursor.read(batch.replay_id) == Cursor(at(3), "00Q000000000003AAA")
    assert one.topics["poll:Lead"].essential


def test_an_org_that_is_away_is_asked_again_and_nothing_is_lost():
    table, away = Table(), [True]
    table.write(1, at(1))

    async def query(soql, *, deleted=False):
        if away:
            away.pop()
            raise OrgUnavailable("no answer")
        return await table.query(soql, deleted=deleted)

    one = PollingSource(query, {"Lead": Cursor(T0)}, 1, org_now=later)
    assert polled(one) == []
    assert not one.topics["poll:Lead"].connected
    assert len(told(polled(one))) == 1
    assert one.topics["poll:Lead"].connected


def test_an_entity_that_the_org_hides_is_told_unless_it_is_optional():
    async def query(soql, *, deleted=False):
        raise PermissionMissing("hidden")

    with pytest.raises(PermissionMissing):
        polled(PollingSource(query, {"Lead": Cursor(T0)}, 1, org_now=later))
    one = PollingSource(query, {"Event": Cursor(T0)}, 1, optional=("Event",), org_now=later)
    assert not one.topics["poll:Event"].essential
    assert polled(one) == []
    assert one.topics == {}


def test_it_waits_for_its_time():
    table, now, slept = Table(), [0.0], []

    async def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    one = PollingSource(
        table.query, {"Lead": Cursor(T0)}, 10, org_now=later, now=lambda: now[0], sleep=sleep
    )

    async def main():
        for _ in range(12):
            await one.next_batches(1.0)

    asyncio.run(main())
    assert (table.asked, sum(slept)) == (2, 11)
