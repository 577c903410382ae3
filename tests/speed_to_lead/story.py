"""A Lead's life told batch by batch: decided, written to an org that takes all, and kept in a ledger."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from speed_to_lead.ledger import Effects, KnownLead, Ledger
from speed_to_lead.pipeline.account import Handled, account
from speed_to_lead.pipeline.decisions import Recorder
from speed_to_lead.pipeline.write import Outcome, Written, parts
from tests.speed_to_lead.building import ORG, POLICY, L, decider, facts, lead

_numbers = count()


class Story:
    """What the sidecar remembers of some Leads, and what it has told the org about them."""

    def __init__(self, folder, by=POLICY, leads=()):
        self.ledger = Ledger.open(folder / f"story-{next(_numbers)}.sqlite3", ORG)
        self.by = by
        self.rows = []
        """What was written to L, one row a batch."""
        self.outcomes = []
        self.ledger.commit(Effects(leads=list(leads or (lead(),))))

    def hears(self, *records, outcome=Outcome.DONE, **wanted):
        """Take a batch to its end; ``now`` is a Lead as it is read again."""
        fresh = {each.id: each for each in wanted.pop("now", ())}
        given = facts(*records, **wanted)
        gone = set(given.wanted.gone_leads)
        ids = ({L, *fresh, *given.merges} | given.leads.keys()) - gone
        given.leads.clear()
        known = self.ledger.leads(ids)
        for each in ids & (known.keys() | fresh.keys()):
            before = known.get(each) or KnownLead(fresh[each])
            given.leads[each] = replace(before, lead=fresh.get(each, before.lead))
        verdicts = decider(self.by).decide(given)
        rows = {each: parts(v, self.by.version) for each, v in verdicts.leads.items()}
        written = {(each, part): Written(outcome) for each, found in rows.items() for part in found}
        effects, handled = Effects(), Handled()
        account(
            Recorder(ORG, self.by, "test"),
            verdicts,
            written,
            fresh={},
            effects=effects,
            handled=handled,
        )
        effects.gone_leads += given.gone()
        self.ledger.commit(effects)
        self.rows.append({k: v for row in rows.get(L, {}).values() for k, v in row.items()})
        self.outcomes.append([outcome for _, outcome in handled.outcomes])
        return self

    def knows(self, of=L):
        return self.ledger.leads([of], deleted=True)[of]

    def stamp(self, of=L):
        """What a Lead says: instant, source and user."""
        found = self.knows(of).lead.stamp
        return None if found is None else (found.at, found.source.value, found.user)

    def rejections(self, of=L):
        return {each.record_id: each.reason.value for each in self.ledger.rejections_of(of)}
