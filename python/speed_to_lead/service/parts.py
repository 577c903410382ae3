"""Everything a running sidecar consists of, built from its settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from speed_to_lead.calendars import Calendars
from speed_to_lead.flywheel import JsonLines
from speed_to_lead.hearing import Hearing, Ways
from speed_to_lead.ids import ReplayId
from speed_to_lead.ledger import Ledger
from speed_to_lead.pipeline import Pipeline, Rules
from speed_to_lead.pipeline.decide import Decider
from speed_to_lead.pipeline.decisions import Recorder
from speed_to_lead.pipeline.guard import Guard
from speed_to_lead.pipeline.write import Writer
from speed_to_lead.policy import Policy, load_policy
from speed_to_lead.polling import PREFIX, PollingSource, starts_of
from speed_to_lead.pubsub import ENTITIES, PubSubSource, topics_of
from speed_to_lead.salesforce import Salesforce
from speed_to_lead.salesforce.hours import org_calendars
from speed_to_lead.salesforce.records import Records
from speed_to_lead.settings import Settings
from speed_to_lead.telemetry import Metrics

RETENTION = timedelta(hours=72)
"""For how long the org keeps change events."""
OVERLAP = timedelta(minutes=10)
"""How far before the last commit handled a backfill, or polling, begins."""
_UNTOLD = ("Event",)
"""Entities of which no stream tells: an org lets five be selected, and three are ours."""


@dataclass(slots=True)
class Parts:
    """Everything a running sidecar consists of."""

    settings: Settings
    policy: Policy
    salesforce: Salesforce
    ledger: Ledger
    pipeline: Pipeline
    guard: Guard
    flywheel: JsonLines
    metrics: Metrics

    def handled_until(self) -> datetime:
        """Return the newest commit that is handled on every stream; a span ago where none is."""
        commits = [
            each.committed_at
            for each in self.ledger.checkpoints()
            if each.committed_at and not each.topic.startswith(PREFIX)
        ]
        first = RETENTION if self.settings.replay == "earliest" else timedelta()
        return min(commits, default=self.salesforce.now() - first) - OVERLAP

    async def listen(self, starts: dict[str, ReplayId | None] | None = None) -> Hearing:
        """Begin to hear behind what the ledger has, or its streams at ``starts``.

        :raises UsageError: the org has no such topics, or the user may not hear them.
        :raises OrgUnavailable: nothing can be heard now.
        """
        settings = self.settings
        stored = {each.topic: each.replay_id for each in self.ledger.checkpoints()}
        untold = starts_of(_UNTOLD, stored, self.handled_until())
        beside = PollingSource(
            self.salesforce.query,
            untold,
            settings.reconcile_seconds,
            optional=_UNTOLD,
            org_now=self.salesforce.now,
        )

        async def streams() -> PubSubSource:
            return await self._streams(stored if starts is None else starts)

        return await Hearing.begin(
            Ways(
                None if settings.source == "polling" else streams,
                None if settings.source == "pubsub" else self._polling,
                beside,
                settings.failover_seconds,
            )
        )

    async def _streams(
        self, starts: dict[str, ReplayId] | dict[str, ReplayId | None]
    ) -> PubSubSource:
        settings = self.settings
        topics = await topics_of(
            settings.pubsub_endpoint,
            ca_file=settings.ca_file,
            token=self.salesforce.token,
            channel=settings.channel,
        )
        return await PubSubSource.open(
            settings.pubsub_endpoint,
            ca_file=settings.ca_file,
            token=self.salesforce.token,
            starts={topic: starts.get(topic) for topic in topics},
            first=settings.replay,
        )

    def _polling(self) -> PollingSource:
        """Return what polls the streams' entities: behind its own checkpoints where it is the only way."""
        own = self.settings.source == "polling"
        stored = {e.topic: e.replay_id for e in self.ledger.checkpoints()} if own else {}
        starts = starts_of(ENTITIES, stored, self.handled_until())
        return PollingSource(
            self.salesforce.query, starts, self.settings.poll_seconds, org_now=self.salesforce.now
        )


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
        rules = await rules_of(settings, policy, salesforce)
        ledger = Ledger.open(settings.ledger, org_id, dry_run=settings.dry_run)
        stack.callback(ledger.close)
        flywheel = JsonLines(settings.flywheel_dir, ledger)
        stack.callback(flywheel.close)
        guard = Guard(settings.owner_changes_per_minute)
        pipeline = Pipeline(
            writer=Writer(salesforce, guard, settings.dry_run),
            ledger=ledger,
            rules=rules,
            client_name=settings.client_name,
        )
        yield Parts(settings, policy, salesforce, ledger, pipeline, guard, flywheel, Metrics())


async def rules_of(settings: Settings, policy: Policy, salesforce: Salesforce) -> Rules:
    """Return everything that a policy decides, with what it names found in the org.

    :raises UsageError: the org has no such owner, or no such business hours.
    """
    records = Records(salesforce, policy)
    calendars = Calendars.of(policy, await org_calendars(salesforce, policy))
    decider = Decider(policy, await records.people.owners(), calendars)
    org_id = (await salesforce.token()).org_id
    return Rules(records, decider, Recorder(org_id, policy, settings.flywheel_client_id))
