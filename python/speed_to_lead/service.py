"""The sidecar: builds everything from settings, runs until it is told to stop, drains, and leaves."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from speed_to_lead.calendars import Calendars
from speed_to_lead.changes import Batch, ChangeSource
from speed_to_lead.errors import (
    OrgUnavailable,
    PolicyInvalid,
    ReplayExpired,
    SpeedToLeadError,
    UsageError,
)
from speed_to_lead.flywheel import JsonLines
from speed_to_lead.ids import ReplayId
from speed_to_lead.ledger import Ledger
from speed_to_lead.pipeline import Handled, Pipeline, Rules
from speed_to_lead.pipeline.decide import Decider
from speed_to_lead.pipeline.decisions import Recorder
from speed_to_lead.policy import Policy, load_policy
from speed_to_lead.pubsub import PubSubSource, topics_of
from speed_to_lead.salesforce import Salesforce
from speed_to_lead.salesforce.hours import org_calendars
from speed_to_lead.salesforce.records import Records
from speed_to_lead.settings import Settings
from speed_to_lead.telemetry import Metrics, log
from speed_to_lead.web import Health, serving

_OVERLAP = timedelta(minutes=10)
"""How far before the last commit handled a backfill begins."""
_RETENTION = timedelta(hours=72)
_LONGEST_PAUSE_SECONDS = 30.0


@dataclass(slots=True)
class Parts:
    """Everything a running sidecar consists of."""

    settings: Settings
    policy: Policy
    salesforce: Salesforce
    ledger: Ledger
    pipeline: Pipeline
    flywheel: JsonLines
    metrics: Metrics


@asynccontextmanager
async def assembled(settings: Settings) -> AsyncIterator[Parts]:
    """Lend a connected sidecar that listens to nothing yet.

    :raises UsageError: a setting, the policy, a permission or a credential is wrong.
    :raises OrgUnavailable: the org does not answer.
    :raises LedgerUnusable: the ledger cannot be written, or another sidecar has it.
    """
    policy = load_policy(settings.policy)
    async with AsyncExitStack() as stack:
        salesforce = await Salesforce.connect(settings)
        stack.push_async_callback(salesforce.close)
        org_id = (await salesforce.token()).org_id
        rules = await _rules(settings, policy, salesforce)
        ledger = Ledger.open(settings.ledger, org_id)
        stack.callback(ledger.close)
        flywheel = JsonLines(settings.flywheel_dir, ledger)
        stack.callback(flywheel.close)
        pipeline = Pipeline(
            salesforce=salesforce, ledger=ledger, rules=rules, client_name=settings.client_name
        )
        yield Parts(settings, policy, salesforce, ledger, pipeline, flywheel, Metrics())


async def _rules(settings: Settings, policy: Policy, salesforce: Salesforce) -> Rules:
    """Return everything that a policy decides, with what it names found in the org.

    :raises UsageError: the org has no such owner, or no such business hours.
    """
    records = Records(salesforce, policy)
    calendars = Calendars.of(policy, await org_calendars(salesforce, policy))
    decider = Decider(policy, await records.owners(), calendars)
    org_id = (await salesforce.token()).org_id
    return Rules(records, decider, Recorder(org_id, policy, settings.flywheel_client_id))


async def run(settings: Settings, until_idle: float | None = None) -> None:
    """Listen, decide and stamp until SIGTERM or SIGINT, or until nothing has come for a while.

    :raises SpeedToLeadError: as `assembled` does, and when a permission is taken away while it runs.
    """
    async with assembled(settings) as parts:
        stop = _stop_on_signals()
        source = await _listen(parts)
        health = Health(parts.settings.client_name, parts.policy, source.topics)
        try:
            async with serving(
                settings.http_host, settings.http_port, health, parts.metrics
            ) as port:
                log.info(
                    "started",
                    topics=sorted(source.topics),
                    http_port=port,
                    policy_version=parts.policy.version,
                    policy_digest=parts.policy.digest,
                )
                await _Loop(parts, source, health, until_idle, _reload_on_signal()).until(stop)
        finally:
            await source.close()
        log.info("stopped", outbox=len(parts.ledger.outbox(1)))


async def backfill(settings: Settings, since: str) -> None:
    """Judge every record modified since then as it is now, and drain the decisions.

    :raises UsageError: ``since`` is no instant.
    """
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        raise UsageError(
            f"expected --since in ISO 8601 (2026-11-02T10:00:00Z), got {since!r}"
        ) from None
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    async with assembled(settings) as parts:
        handled = await parts.pipeline.snapshot(moment)
        parts.flywheel.drain()
        log.info(
            "backfilled", changes=handled.changes, routed=handled.routed, stamped=handled.stamped
        )


def _reload_on_signal() -> asyncio.Event:
    """Return the event that SIGHUP sets."""
    reload = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload.set)
    return reload


def _stop_on_signals() -> asyncio.Event:
    """Return the event that SIGTERM and SIGINT set."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _listen(parts: Parts, starts: dict[str, ReplayId | None] | None = None) -> PubSubSource:
    """Open the stream behind what the ledger has, or at ``starts``."""
    settings = parts.settings
    topics = await topics_of(
        settings.pubsub_endpoint,
        ca_file=settings.ca_file,
        token=parts.salesforce.token,
        channel=settings.channel,
    )
    stored = {each.topic: each.replay_id for each in parts.ledger.checkpoints()}
    return await PubSubSource.open(
        settings.pubsub_endpoint,
        ca_file=settings.ca_file,
        token=parts.salesforce.token,
        starts={topic: (stored if starts is None else starts).get(topic) for topic in topics},
        first=settings.replay,
    )


class _Loop:
    """One batch after the other, with patience for an org that does not answer."""

    def __init__(
        self,
        parts: Parts,
        source: ChangeSource,
        health: Health,
        until_idle: float | None,
        reload: asyncio.Event,
    ) -> None:
        self._parts, self._source, self._health = parts, source, health
        self._until_idle, self._reload = until_idle, reload
        self._random = Random()  # noqa: S311 - jitter
        self._busy_at = time.monotonic()

    async def until(self, stop: asyncio.Event) -> None:
        """Handle what comes until the event is set, or all is quiet."""
        self._parts.flywheel.drain()
        while not stop.is_set() and not self._idle():
            if self._reload.is_set():
                self._reload.clear()
                await self._take_policy()
            batches = await self._next(stop)
            await self._handle(batches, stop)
            self._parts.flywheel.drain()
            self._health.handled()

    async def _take_policy(self) -> None:
        """Go on under the policy as its file is now, or under the one at work if it is no good."""
        parts = self._parts
        try:
            policy = load_policy(parts.settings.policy)
            rules = await _rules(parts.settings, policy, parts.salesforce)
        except SpeedToLeadError as error:
            parts.metrics.error("policy")
            log.error("policy_refused", error=_why_not(error), policy_version=parts.policy.version)
            return
        parts.policy = self._health.policy = policy
        parts.pipeline.take(rules)
        log.info("policy_taken", policy_version=policy.version, policy_digest=policy.digest)

    def _idle(self) -> bool:
        quiet = time.monotonic() - self._busy_at
        pending = self._parts.ledger.next_due() is not None
        return self._until_idle is not None and quiet > self._until_idle and not pending

    async def _next(self, stop: asyncio.Event) -> list[Batch]:
        """Return what has come; at the latest when a mail is due again, or when we are to stop."""
        due = self._parts.ledger.next_due()
        patience = 1.0 if due is None else min(1.0, max(0.0, due - time.time()))
        waiting = asyncio.ensure_future(self._source.next_batches(patience))
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return await waiting if waiting.done() else []
        except ReplayExpired as expired:
            await self._recover(expired)
            return []
        finally:
            for task in (waiting, stopping):
                task.cancel()
                with suppress(asyncio.CancelledError, ReplayExpired):
                    await task

    async def _handle(self, batches: Sequence[Batch], stop: asyncio.Event) -> None:
        """Take batches to their end, however long the org needs."""
        pause = 0.5
        while True:
            began, calls = time.monotonic(), self._parts.salesforce.calls
            try:
                handled = await self._parts.pipeline.handle(batches)
            except OrgUnavailable as away:
                self._health.away(str(away))
                self._parts.metrics.error("org")
                log.warning("org_unavailable", error=str(away), pause_seconds=round(pause, 1))
                if await _set_within(stop, self._random.uniform(0, pause)):
                    return
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                continue
            spent = self._parts.salesforce.calls - calls
            self._tell(batches, handled, spent, time.monotonic() - began)
            return

    def _tell(
        self, batches: Sequence[Batch], handled: Handled, calls: int, duration: float
    ) -> None:
        """Write one line and count, where there is something to tell."""
        metrics = self._parts.metrics
        metrics.batch(batches, handled.outcomes, calls, duration)
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
        """Judge what changed since the last commit handled, then listen from the oldest event."""
        commits = [c.committed_at for c in self._parts.ledger.checkpoints() if c.committed_at]
        since = min(commits, default=datetime.now(UTC) - _RETENTION) - _OVERLAP
        log.warning("replay_expired", error=str(expired), backfill_since=since.isoformat())
        self._parts.metrics.error("replay")
        await self._source.close()
        self._source = await _listen(self._parts, starts={})
        self._health.topics = self._source.topics
        handled = await self._parts.pipeline.snapshot(since)
        log.info(
            "backfilled", changes=handled.changes, routed=handled.routed, stamped=handled.stamped
        )


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
