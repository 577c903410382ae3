"""One batch from the source to the org: collect, read, decide, write, commit.

The checkpoint is saved last, with everything else, in one transaction: a crash anywhere repeats work
and never loses it, and repeated work changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from speed_to_lead.changes import Batch, Change, ChangeKind, Unreadable
from speed_to_lead.ids import EmailMessageId, LeadId, ReplayId
from speed_to_lead.ledger import Checkpoint, Effects, Ledger, Pending, QuarantineEntry
from speed_to_lead.pipeline.account import Handled, account
from speed_to_lead.pipeline.collect import Cause, Hole, Wanted, collect
from speed_to_lead.pipeline.decide import Decider, Verdicts
from speed_to_lead.pipeline.decisions import Recorder
from speed_to_lead.pipeline.read import read
from speed_to_lead.pipeline.write import Outcome, Writer
from speed_to_lead.salesforce.records import Records

__all__ = ["Handled", "Pipeline", "Rules"]

_RETRY_SECONDS = (0.25, 1.0, 4.0, 16.0, 60.0)
"""When the links of a mail are looked for again: the org adds relations after the message."""
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_STORE_SECONDS = 1.0
"""How long a position may wait that nothing but changes of no interest has moved."""
_HOLE_MARGIN = timedelta(minutes=10)
"""How far around an overflow its entity is queried again."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything in the pipeline that one policy decides; all of it changes together."""

    records: Records
    decider: Decider
    recorder: Recorder


class Pipeline:
    """Handles batches one after the other; everything it holds between two of them is in the ledger."""

    def __init__(
        self,
        *,
        writer: Writer,
        ledger: Ledger,
        rules: Rules,
        client_name: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._writer, self._ledger = writer, ledger
        self._client_name, self._now = client_name, now
        self._positions: dict[str, Checkpoint] = {}
        """Positions reached by changes that asked for nothing; stored with the next effects, or soon."""
        self._stored_at = now()
        self.take(rules)

    def take(self, rules: Rules) -> None:
        """Go by other rules from the next batch on."""
        self._records, self._decider, self._recorder = rules.records, rules.decider, rules.recorder

    async def handle(self, batches: Sequence[Batch]) -> Handled:
        """Take batches to their end and store their positions; nothing is stored when it raises.

        Mails whose links were not there yet are looked at again when their time has come.

        :raises OrgUnavailable: the org does not answer; to be repeated as it is.
        :raises LedgerUnusable: the effects are in the org and not in the ledger; repeating is harmless.
        """
        wanted = self._collect(batches)
        if wanted.holes:
            wanted = self._collect([*await self._hidden(wanted.holes), *batches])
        due = {each.record_id: each for each in self._ledger.due(self._now())}
        for each in due.values():
            wanted.emails.setdefault(
                EmailMessageId(each.record_id), Cause(each.cause_key, each.committed_at)
            )
        handled = Handled(changes=sum(len(batch.changes) for batch in batches))
        reached = self._positions | {each.topic: each for each in self._checkpoints(batches)}
        effects = Effects(checkpoints=list(reached.values()))
        if wanted:
            await self._judge(wanted, due, effects, handled)
        newest = {each.topic: each.committed_at for each in effects.checkpoints}
        effects.quarantined += [
            _unread(each, newest.get(each.topic)) for batch in batches for each in batch.unreadable
        ]
        handled.quarantined = len(effects.quarantined)
        if wanted or effects.quarantined or self._now() - self._stored_at > _STORE_SECONDS:
            self._store(effects)
        else:
            self._positions = reached
        return handled

    def flush(self) -> None:
        """Store the positions reached, where none was stored with effects."""
        if self._positions:
            self._store(Effects(checkpoints=list(self._positions.values())))

    def _store(self, effects: Effects) -> None:
        self._ledger.commit(effects)
        self._positions.clear()
        self._stored_at = self._now()

    async def _judge(
        self, wanted: Wanted, due: dict[str, Pending], effects: Effects, handled: Handled
    ) -> None:
        """Read, decide and write; fill in what is to be committed."""
        facts = await read(wanted, self._records, self._ledger)
        verdicts = self._decider.decide(facts)
        written = await self._writer.write(verdicts.leads, self._decider.policy.version)
        refused = [lead for (lead, _), w in written.items() if w.outcome is Outcome.REFUSED]
        fresh = await self._records.leads(refused) if refused else {}
        account(self._recorder, verdicts, written, fresh=fresh, effects=effects, handled=handled)
        effects.gone_leads += facts.gone()
        effects.closings += wanted.closings.values()
        self._look_again(verdicts, due, effects)

    def set_aside(self, batches: Sequence[Batch], reason: str) -> int:
        """Put changes that the org refuses to let us judge into the quarantine, and go past them."""
        effects = Effects(checkpoints=self._checkpoints(batches))
        effects.quarantined += [
            QuarantineEntry(
                batch.topic,
                change.replay_id,
                "",
                b"",
                f"{reason}: {change.kind} of {change.entity} {', '.join(change.ids[:3])}",
                around=change.committed_at,
            )
            for batch in batches
            for change in batch.changes
        ]
        self._ledger.commit(effects)
        return len(effects.quarantined)

    async def snapshot(self, since: datetime) -> Handled:
        """Judge every record modified since then as it is now: the way out when changes were missed."""
        total = Handled()
        for entity in ("Lead", "Task", "EmailMessage", "Event"):
            async for batch in self._changed(entity, since):
                total.add(await self.handle([batch]))
        return total

    async def judge_again(self, leads: Sequence[LeadId]) -> Handled:
        """Judge these Leads as they are now, however old they are; what is not routed yet is routed."""
        return await self.handle([_found("Lead", leads, _EVER)])

    # -- collect ----------------------------------------------------------------------------------

    def _collect(self, batches: Sequence[Batch]) -> Wanted:
        return collect(batches, self._client_name, self._decider.policy.clock)

    async def _hidden(self, holes: Sequence[Hole]) -> list[Batch]:
        """Return what changed where an overflow or a wildcard hides it: one query for each entity."""
        first: dict[str, datetime] = {}
        for hole in holes:
            first[hole.entity] = min(hole.around, first.get(hole.entity, hole.around))
        return [
            batch
            for entity, around in first.items()
            async for batch in self._changed(entity, around - _HOLE_MARGIN)
        ]

    async def _changed(self, entity: str, since: datetime) -> AsyncIterator[Batch]:
        """Yield what changed since then as it is now, a thousand records at a time; then what is gone."""
        alive, gone = await self._records.changed_since(entity, since)
        for start in range(0, len(alive), 1000):
            yield _found(entity, alive[start : start + 1000], since)
        if gone:
            yield _deleted(entity, gone)

    # -- commit -----------------------------------------------------------------------------------

    def _look_again(self, verdicts: Verdicts, due: dict[str, Pending], effects: Effects) -> None:
        """Put mails without a link off, a few times and ever longer, before that is believed."""
        for email_id, cause in verdicts.waiting.items():
            attempts = due[email_id].attempts if email_id in due else 0
            if attempts < len(_RETRY_SECONDS) and not cause.snapshot:
                when = self._now() + _RETRY_SECONDS[attempts]
                pending = Pending(email_id, when, attempts + 1, cause.key, cause.at)
                effects.pending.append(pending)
        again = {each.record_id for each in effects.pending}
        effects.settled += [each for each in due if each not in again]

    def _checkpoints(self, batches: Sequence[Batch]) -> list[Checkpoint]:
        """Return the position to store for each topic, and the newest commit handled there."""
        latest: dict[str, Checkpoint] = {}
        for batch in batches:
            known = latest.get(batch.topic) or self._positions.get(batch.topic)
            known = known or self._ledger.checkpoint(batch.topic)
            commits = [change.committed_at for change in batch.changes]
            commits += [known.committed_at] if known and known.committed_at else []
            newest = max(commits, default=None)
            if batch.replay_id:
                latest[batch.topic] = Checkpoint(batch.topic, batch.replay_id, newest)
        return list(latest.values())


def _found(entity: str, ids: Sequence[str], since: datetime) -> Batch:
    """Return records found by a query as if a source had told of them; it moves no position."""
    change = Change(
        entity=entity,
        ids=tuple(ids),
        kind=ChangeKind.SNAPSHOT,
        fields={},
        changed=frozenset(),
        committed_at=since,
        user="",
        origin="",
        key=f"snapshot-{entity}-{since:%Y%m%dT%H%M%SZ}",
        replay_id=ReplayId(b""),
    )
    return Batch(topic="", replay_id=ReplayId(b""), changes=(change,))


def _deleted(entity: str, gone: Sequence[tuple[str, datetime]]) -> Batch:
    """Return records found in the recycle bin as if a gap had told of them."""
    changes = (
        Change(
            entity=entity,
            ids=(record,),
            kind=ChangeKind.GAP_DELETE,
            fields={},
            changed=frozenset(),
            committed_at=at,
            user="",
            origin="",
            key=f"bin-{record}-{at:%Y%m%dT%H%M%SZ}",
            replay_id=ReplayId(b""),
        )
        for record, at in gone
    )
    return Batch(topic="", replay_id=ReplayId(b""), changes=tuple(changes))


def _unread(unreadable: Unreadable, around: datetime | None) -> QuarantineEntry:
    return QuarantineEntry(
        unreadable.topic,
        unreadable.replay_id,
        unreadable.schema_id,
        unreadable.payload,
        unreadable.reason,
        around=around,
    )
