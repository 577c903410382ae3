"""One batch after the other, with patience for an org that does not answer, until it is time to stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from speed_to_lead.changes import Batch
from speed_to_lead.errors import (
    OrgRefused,
    OrgUnavailable,
    PolicyInvalid,
    ReplayExpired,
    SpeedToLeadError,
)
from speed_to_lead.hearing import Hearing
from speed_to_lead.ids import ReplayId
from speed_to_lead.pipeline import Handled
from speed_to_lead.policy import load_policy
from speed_to_lead.service.parts import Parts, rules_of
from speed_to_lead.telemetry import Standing, log
from speed_to_lead.web import Health

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_SCRAPED = ("quarantine", "outbox", "pending")
"""What is counted at each scrape: all of it is small."""
_RETIRE_SECONDS = 3600.0
_DRAIN_SECONDS = 3.0
"""How long a batch at hand may still take once we are to stop; after that it is left for next time."""


class Loop:
    """Takes what is heard to its end."""

    def __init__(
        self,
        parts: Parts,
        source: Hearing,
        health: Health,
        until_idle: float | None,
        reload: asyncio.Event,
    ) -> None:
        """Handle until told to stop, or until all is quiet for so many seconds."""
        self._parts, self._source, self._health = parts, source, health
        self._until_idle, self._reload = until_idle, reload
        self._random = Random()  # noqa: S311 - jitter
        self._busy_at = self._retire_at = time.monotonic()

    async def until(self, stop: asyncio.Event) -> None:
        """Handle what comes until the event is set, or all is quiet."""
        self._parts.flywheel.drain()
        while not stop.is_set() and not self._idle():
            if self._reload.is_set():
                self._reload.clear()
                await self._take_policy()
            batches = await self._next(stop)
            await self._handle(batches, stop)
            if not batches:
                self._parts.pipeline.flush()
            self._parts.flywheel.drain()
            self._retire()
            self._health.handled()

    async def close(self) -> None:
        """Leave what is heard, and keep how far it was."""
        await self._source.close()
        self._parts.pipeline.flush()

    def standing(self) -> Standing:
        """Return how things stand now."""
        parts, ledger = self._parts, self._parts.ledger
        held, budget, now = ledger.counts(_SCRAPED), parts.salesforce.budget, parts.salesforce.now()
        return Standing(
            api_calls=dict(budget.by_kind),
            api_calls_left=budget.left(),
            org_usage=budget.usage,
            topics=self._source.topics,
            replay_age_seconds={
                each.topic: max(0.0, (now - each.committed_at).total_seconds())
                for each in ledger.checkpoints()
                if each.committed_at is not None and each.topic in self._source.topics
            },
            ready=not self._health.unready(),
            polling=self._source.way == "polling",
            writes_stopped=parts.guard.is_open,
            writes_paced_seconds=parts.guard.paced_seconds,
            quarantine=held["quarantine"],
            outbox=held["outbox"],
            pending=held["pending"],
            ledger_bytes=ledger.path.stat().st_size,
        )

    async def _take_policy(self) -> None:
        """Go on under the policy as its file is now, or under the one at work if it is no good."""
        parts = self._parts
        try:
            policy = load_policy(parts.settings.policy)
            rules = await rules_of(parts.settings, policy, parts.salesforce)
        except SpeedToLeadError as error:
            parts.metrics.error("policy")
            log.error("policy_refused", error=_why_not(error), policy_version=parts.policy.version)
            return
        parts.policy = self._health.policy = policy
        parts.pipeline.take(rules)
        log.info("policy_taken", policy_version=policy.version, policy_digest=policy.digest)

    def _retire(self) -> None:
        """Erase some Leads that are too old, once an hour; the rest has time till the next one."""
        days = self._parts.settings.retention_days
        if not days or time.monotonic() < self._retire_at:
            return
        gone = self._parts.ledger.retire(datetime.now(UTC) - timedelta(days=days))
        self._retire_at = time.monotonic() + (1.0 if gone else _RETIRE_SECONDS)
        if gone:
            log.info("retired", leads=gone)

    def _idle(self) -> bool:
        quiet = time.monotonic() - self._busy_at
        pending = self._parts.ledger.next_due() is not None
        return self._until_idle is not None and quiet > self._until_idle and not pending

    async def _next(self, stop: asyncio.Event) -> list[Batch]:
        """Return what has come; at the latest when a mail is due again, or when we are to stop."""
        due = self._parts.ledger.next_due()
        patience = 1.0 if due is None else min(1.0, max(0.0, due - time.time()))
        waiting = asyncio.ensure_future(self._source.next_batches(patience))
        try:
            await _first_of(waiting, stop)
            return await waiting if waiting.done() else []
        except ReplayExpired as expired:
            await self._recover(expired)
            return []
        finally:
            await _ended(waiting, ReplayExpired)

    async def _handle(self, batches: Sequence[Batch], stop: asyncio.Event) -> None:
        """Take batches to their end, however long the org needs; set aside what it refuses for good.

        Nothing is stored of a batch that must be left because we are to stop.
        """
        pause = _FIRST_PAUSE_SECONDS
        while True:
            began, calls = time.monotonic(), self._parts.salesforce.calls
            try:
                handled = await self._within(batches, stop)
            except OrgUnavailable as away:
                self._health.away(str(away))
                self._parts.metrics.error("org")
                log.warning("org_unavailable", error=str(away), pause_seconds=round(pause, 1))
                if await _set_within(stop, self._random.uniform(0, pause)):
                    return
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                continue
            except OrgRefused as refused:
                await self._divide(batches, str(refused), stop)
                return
            if handled is not None:
                spent = self._parts.salesforce.calls - calls
                self._tell(batches, handled, spent, time.monotonic() - began)
            return

    async def _within(self, batches: Sequence[Batch], stop: asyncio.Event) -> Handled | None:
        """Handle batches; ``None`` when we are to stop and they take too long."""
        working = asyncio.ensure_future(self._parts.pipeline.handle(batches))
        try:
            await _first_of(working, stop)
            with suppress(TimeoutError):
                return await asyncio.wait_for(asyncio.shield(working), _DRAIN_SECONDS)
            log.warning("batch_left", error="the org takes too long; it is repeated next time")
            return None
        finally:
            await _ended(working, SpeedToLeadError)

    async def _divide(self, batches: Sequence[Batch], reason: str, stop: asyncio.Event) -> None:
        """Halve what the org refuses until the change is found that it refuses; set that one aside."""
        halves = _halves(batches)
        if halves is None:
            count = self._parts.pipeline.set_aside(batches, reason)
            self._parts.metrics.error("refused")
            log.error("set_aside", error=reason, quarantined=count)
            if not count:  # nothing to set aside: mails that were due, which are tried again
                await _set_within(stop, _LONGEST_PAUSE_SECONDS)
            return
        for half in halves:
            if not stop.is_set():
                await self._handle(half, stop)

    def _tell(
        self, batches: Sequence[Batch], handled: Handled, calls: int, duration: float
    ) -> None:
        """Write one line and count, where there is something to tell."""
        metrics = self._parts.metrics
        metrics.batch(batches, handled.outcomes, duration)
        metrics.refused(handled.refused)
        for seconds in handled.response_seconds:
            metrics.responded(seconds)
        for seconds in handled.assignment_seconds:
            metrics.assigned(seconds)
        for _ in range(handled.failed):
            metrics.error("write")
        if not handled.changes and not handled.quarantined and not handled.outcomes:
            return
        self._busy_at = time.monotonic()
        log.info(
            "batch_handled",
            changes=handled.changes,
            routed=handled.routed,
            stamped=handled.stamped,
            refused=handled.refused,
            failed=handled.failed,
            quarantined=handled.quarantined,
            api_calls=calls,
            lag_seconds=_lag(batches),
            duration_seconds=round(duration, 4),
            policy_version=self._parts.policy.version,
        )

    async def _recover(self, expired: ReplayExpired) -> None:
        """Judge what changed since the last commit handled, then listen from the oldest event.

        The stored position stays until then: a crash meanwhile repeats all of it.
        """
        since = self._parts.handled_until()
        log.warning("replay_expired", error=str(expired), backfill_since=since.isoformat())
        self._parts.metrics.error("replay")
        await self._source.close()
        self._source = await self._parts.listen(starts={})
        self._health.source = self._source
        handled = await self._parts.pipeline.snapshot(since)
        log.info(
            "backfilled", changes=handled.changes, routed=handled.routed, stamped=handled.stamped
        )


async def _first_of(work: asyncio.Future[Any], stop: asyncio.Event) -> None:
    """Return when work is done or we are to stop."""
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _ended(stopping)


async def _ended(task: asyncio.Future[Any], *told: type[Exception]) -> None:
    """Cancel a task and wait until it has ended; ``told`` are errors that were dealt with."""
    task.cancel()
    with suppress(asyncio.CancelledError, *told):
        await task


def _halves(batches: Sequence[Batch]) -> list[list[Batch]] | None:
    """Return two halves of batches in order, or ``None`` where there is nothing to halve.

    The first half of one batch moves no position: only all of it does.
    """
    if len(batches) > 1:
        middle = len(batches) // 2
        return [list(batches[:middle]), list(batches[middle:])]
    if not batches or len(batches[0].changes) < 2:
        return None
    [batch] = batches
    middle = len(batch.changes) // 2
    first = replace(batch, replay_id=ReplayId(b""), changes=batch.changes[:middle], unreadable=())
    return [[first], [replace(batch, changes=batch.changes[middle:])]]


def _why_not(error: SpeedToLeadError) -> str:
    """Return why a policy was not taken; never its own words, which may name people."""
    if isinstance(error, PolicyInvalid):
        return "it is not valid: `speed-to-lead policy check` tells why"
    if isinstance(error, OrgUnavailable):
        return "the org does not answer: send SIGHUP again later"
    return "the org lacks an owner or hours that it names: `speed-to-lead doctor` tells which"


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


def _lag(batches: Sequence[Batch]) -> float | None:
    commits = [change.committed_at for batch in batches for change in batch.changes]
    if not commits:
        return None
    return round((datetime.now(UTC) - max(commits)).total_seconds(), 3)
