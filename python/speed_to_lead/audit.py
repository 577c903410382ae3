"""``speed-to-lead audit``: every stamp against what the org's records say today, and who waits in vain.

The records are read and judged anew; of the ledger only what the org cannot tell is taken: who closed
a Task, when a Lead was converted, when it asked again. So drift shows, even from hard deletes, which
raise no event.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from speed_to_lead.first_response import stamp_of
from speed_to_lead.ids import LeadId, is_user, lead_id, user_id
from speed_to_lead.ledger import Ledger
from speed_to_lead.model import Lead, Stamp
from speed_to_lead.pipeline.collect import Cause, Wanted
from speed_to_lead.pipeline.decide import Decider, Verdict
from speed_to_lead.pipeline.read import Facts, read
from speed_to_lead.policy import Policy, load_policy
from speed_to_lead.salesforce import Salesforce
from speed_to_lead.salesforce.records import Records
from speed_to_lead.settings import Settings

_PORTION = 400
_NEVER = Cause("audit", datetime(1970, 1, 1, tzinfo=UTC), snapshot=True)


@dataclass(frozen=True, slots=True)
class Finding:
    """One Lead that does not say what it should, or that nobody will answer."""

    lead_id: LeadId
    kind: str
    """``drift``, ``late``, ``missing``; ``inactive_owner``, ``overdue_in_queue``, ``unrouted``."""
    says: str
    should: str


@dataclass(frozen=True, slots=True)
class Portion:
    """What came of some Leads."""

    leads: int
    of: int
    """How many there are to audit in all."""
    findings: list[Finding]


async def audit(
    settings: Settings, days: int, now: datetime | None = None
) -> AsyncIterator[Portion]:
    """Yield what is wrong with the Leads created in the last days, some hundred Leads at a time.

    Works beside a running sidecar; about 8 REST calls for 400 Leads. Nothing is written.

    :raises UsageError: there is no ledger, or the org hides something.
    :raises OrgUnavailable: the org does not answer.
    """
    policy = load_policy(settings.policy)
    ledger = Ledger.read(settings.ledger)
    salesforce = await Salesforce.connect(settings)
    try:
        await salesforce.describe("Lead")
        now = now or salesforce.now()
        records, decider = Records(salesforce, policy), Decider(policy, {})
        since = now - timedelta(days=days)
        ids = [
            lead_id(row["Id"])
            for row in await salesforce.query(
                f"SELECT Id FROM Lead WHERE CreatedDate >= {since:%Y-%m-%dT%H:%M:%SZ} ORDER BY Id"
            )
        ]
        for start in range(0, len(ids), _PORTION):
            part = ids[start : start + _PORTION]
            facts = await _facts(part, records, ledger)
            verdicts = decider.decide(facts).leads
            found = [each for v in verdicts.values() for each in _wrong(policy, facts, v, now)]
            yield Portion(len(part), len(ids), sorted(found, key=lambda each: each.lead_id))
    finally:
        await salesforce.close()
        ledger.close()


async def _facts(ids: Sequence[LeadId], records: Records, ledger: Ledger) -> Facts:
    """Return all that the org has of these Leads, and nothing that the ledger thinks of them."""
    wanted = Wanted(stale_leads=dict.fromkeys(ids, _NEVER))
    for record in await records.activities_of(ids):
        wanted.activity(record, _NEVER)
    facts = await read(wanted, records, ledger)
    for each, known in facts.leads.items():
        facts.leads[each] = replace(known, evidence=())
    return replace(facts, formerly={})


def _wrong(policy: Policy, facts: Facts, verdict: Verdict, now: datetime) -> Iterator[Finding]:
    lead, best = verdict.lead, verdict.best
    should = None if best is None else stamp_of(policy, verdict.clock, best)
    kind = _compared(lead.stamp, should)
    if kind is not None and not (lead.is_converted and lead.stamp is None):
        yield Finding(lead.id, kind, _told(lead.stamp), _told(should))
    hole = None if lead.stamp or lead.is_converted else _hole(facts, lead, now)
    if hole is not None:
        yield Finding(lead.id, hole, lead.owner_id, "an owner who can answer")


def _compared(says: Stamp | None, should: Stamp | None) -> str | None:
    """Return what is wrong with a stamp; one that is as early as its evidence is right."""
    if should is None:
        return None if says is None else "drift"
    if says is None:
        return "missing"
    if says.at == should.at:
        return None
    return "late" if says.at > should.at else "drift"


def _hole(facts: Facts, lead: Lead, now: datetime) -> str | None:
    """Return why an unanswered Lead will not be answered."""
    if lead.policy_version is None:
        return "unrouted"
    overdue = lead.due_at is not None and lead.due_at < now
    if not is_user(lead.owner_id):
        return "overdue_in_queue" if overdue else None
    owner = facts.users.get(user_id(lead.owner_id))
    return "inactive_owner" if owner is None or not owner.is_active else None


def _told(stamp: Stamp | None) -> str:
    return "nothing" if stamp is None else f"{stamp.source} {stamp.at:%Y-%m-%dT%H:%M:%SZ}"
