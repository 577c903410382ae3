"""Step 3, decide: pure. Evidence to stamp, new Lead to owner, each with its reason and its inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from speed_to_lead.first_response import (
    ClockStart,
    clock_start,
    earliest,
    judge_email,
    judge_task,
    stamp_of,
    to_write,
)
from speed_to_lead.ids import EmailMessageId, LeadId, OwnerId, TaskId, is_user, user_id
from speed_to_lead.model import Evidence, Lead, Reason, Rejection, Stamp
from speed_to_lead.pipeline.collect import Arrival, Cause
from speed_to_lead.pipeline.read import Facts, lead_of
from speed_to_lead.policy import OwnerRef, Policy
from speed_to_lead.routing import Routed, inputs_of, route

_SENT = "3"
"""EmailMessage.Status of a mail that was sent."""
Judgement = Evidence | Rejection
EvidenceOf = Callable[[LeadId], Iterable[Evidence]]
"""The evidence of a Lead that the ledger holds and nothing has withdrawn."""


@dataclass(frozen=True, slots=True)
class Routing:
    """Where a Lead goes, and what of it must be written."""

    arrival: Arrival
    routed: Routed
    target: OwnerId | None
    """The owner that the policy names; ``None`` when it keeps the owner."""
    outcome: str
    """``assigned``, ``kept`` (the policy or the org says so already) or ``claimed`` (a person did)."""


@dataclass(frozen=True, slots=True)
class Promise:
    """By when the policy asks for an answer, and the segment whose target says so."""

    due_at: datetime
    segment: str


@dataclass(slots=True)
class Verdict:
    """What a batch comes to for one Lead."""

    lead: Lead
    clock: ClockStart
    routing: Routing | None = None
    assigned_at: datetime | None = None
    """When a person first owned it, where that is news."""
    promise: Promise | None = None
    """What is due, where that is news: once promised, only an earlier clock changes it."""
    judged: list[tuple[Judgement, Cause]] = field(default_factory=list)
    best: Evidence | None = None
    stamp: Stamp | None = None
    """The stamp to write; ``None`` when nothing smaller was found."""


@dataclass(slots=True)
class Verdicts:
    """What a batch comes to."""

    leads: dict[LeadId, Verdict] = field(default_factory=dict)
    unlinked: list[Rejection] = field(default_factory=list)
    """Mails that belong to no Lead, as far as can be seen now."""
    waiting: dict[EmailMessageId, Cause] = field(default_factory=dict)
    """Those among them that would count if they had a link, which may come later."""
    withdrawn: set[str] = field(default_factory=set)
    """Records that count no more, for any Lead."""


@dataclass(frozen=True, slots=True)
class Decider:
    """The policy at work: no clock, no network, no log."""

    policy: Policy
    owners: Mapping[OwnerRef, OwnerId]

    def decide(self, facts: Facts, evidence_of: EvidenceOf) -> Verdicts:
        """Return the verdicts on a batch; the same facts give the same verdicts again."""
        verdicts = Verdicts(
            {
                each: Verdict(k.lead, clock_start(self.policy, k.lead))
                for each, k in facts.leads.items()
            }
        )
        self._judge(facts, verdicts)
        for lead, verdict in verdicts.leads.items():
            self._assign(facts, lead, verdict)
            verdict.promise = self._promise(verdict)
            self._stamp(verdict, verdicts.withdrawn, evidence_of(lead))
        return verdicts

    # -- evidence ---------------------------------------------------------------------------------

    def _judge(self, facts: Facts, verdicts: Verdicts) -> None:
        wanted = facts.wanted
        verdicts.withdrawn |= wanted.gone_records
        aliases = facts.aliases
        verdicts.withdrawn |= aliases
        for task_id, cause in wanted.tasks.items():
            if task_id not in aliases:
                self._judge_task(facts, verdicts, task_id, cause)
        for email_id, cause in wanted.emails.items():
            self._judge_email(facts, verdicts, email_id, cause)

    def _judge_email(
        self, facts: Facts, verdicts: Verdicts, email_id: EmailMessageId, cause: Cause
    ) -> None:
        email = facts.emails.get(email_id)
        if email is None:
            verdicts.withdrawn.add(email_id)
            return
        linked = tuple(lead for lead in facts.linked(email) if lead in verdicts.leads)
        for lead in linked:
            verdict = verdicts.leads[lead]
            whole = replace(email, lead_ids=linked)
            judgement = judge_email(self.policy, verdict.lead, whole, facts.users)
            verdict.judged.append((judgement, cause))
        self._unlink(facts, verdicts, email_id, set(linked), cause)
        if not linked:
            verdicts.unlinked.append(Rejection(email_id, None, Reason.NOT_LINKED))
            if email.status == _SENT and not email.incoming:
                verdicts.waiting[email_id] = cause

    def _judge_task(self, facts: Facts, verdicts: Verdicts, task_id: TaskId, cause: Cause) -> None:
        task = facts.tasks.get(task_id)
        lead = None if task is None else lead_of(task)
        if task is None:
            verdicts.withdrawn.add(task_id)
            return
        self._unlink(facts, verdicts, task_id, {lead} if lead else set(), cause)
        if lead is not None and lead in verdicts.leads:
            verdict = verdicts.leads[lead]
            verdict.judged.append((judge_task(self.policy, verdict.lead, task, facts.users), cause))

    def _unlink(
        self, facts: Facts, verdicts: Verdicts, record: str, linked: set[LeadId], cause: Cause
    ) -> None:
        """Take a record's evidence from Leads it no longer belongs to; conversion takes nothing away."""
        for lead in facts.formerly.get(record, frozenset()) - linked:
            if lead in verdicts.leads and not verdicts.leads[lead].lead.is_converted:
                verdicts.leads[lead].judged.append(
                    (Rejection(record, lead, Reason.NOT_LINKED), cause)
                )

    def _stamp(self, verdict: Verdict, withdrawn: set[str], held: Iterable[Evidence]) -> None:
        """Find the smallest evidence; a stamp is a minimum, whatever the order of arrival."""
        judged = {judgement.record_id for judgement, _ in verdict.judged}
        held = list(held)
        kept = [e for e in held if e.record_id not in judged and e.record_id not in withdrawn]
        accepted = [j for j, _ in verdict.judged if isinstance(j, Evidence)]
        verdict.best = earliest([*kept, *accepted])
        if verdict.best is None or verdict.lead.is_converted:
            return
        stamped = verdict.lead.stamp
        known = next((e for e in held if stamp_of(self.policy, verdict.clock, e) == stamped), None)
        stamp = stamp_of(self.policy, verdict.clock, verdict.best)
        verdict.stamp = to_write(stamped, known, verdict.best, stamp)

    # -- owners -----------------------------------------------------------------------------------

    def _assign(self, facts: Facts, lead: LeadId, verdict: Verdict) -> None:
        arrival = facts.wanted.arrivals.get(lead)
        known = facts.leads[lead]
        if (
            arrival is not None
            and not known.routed
            and self._is_ours_to_route(arrival, verdict.lead)
        ):
            verdict.routing = self._route(arrival, verdict.lead)
        verdict.assigned_at = self._assigned_at(facts, lead, verdict.lead, arrival)

    def _is_ours_to_route(self, arrival: Arrival, lead: Lead) -> bool:
        """Leads found by a query are routed only if they are as new as the window that is queried."""
        if lead.is_converted:
            return False
        return not arrival.snapshot or lead.created_at >= arrival.at

    def _route(self, arrival: Arrival, lead: Lead) -> Routing:
        routed = route(self.policy, inputs_of(lead))
        target = None if routed.owner.keep else self.owners[routed.owner]
        if target is None or lead.owner_id == target:
            outcome = "kept" if target is None else "assigned"
        elif (arrival.owner_id is None and lead.policy_version is not None) or (
            arrival.owner_id is not None and lead.owner_id != arrival.owner_id
        ):
            outcome = "claimed"
        else:
            outcome = "assigned"
        return Routing(arrival, routed, target, outcome)

    def _assigned_at(
        self, facts: Facts, lead_id: LeadId, lead: Lead, arrival: Arrival | None
    ) -> datetime | None:
        """Return when a person first owned the Lead, if that is earlier than what it says."""
        if lead.is_converted:
            return None
        instants = [
            handover.at
            for handover in facts.wanted.handovers.get(lead_id, [])
            if self._is_person(facts, handover.owner_id)
        ]
        if arrival is not None:
            first_owner = arrival.owner_id or (
                lead.owner_id if lead.policy_version is None else None
            )
            if self._is_person(facts, first_owner):
                instants.append(lead.created_at)
        earliest_at = min(instants, default=None)
        if earliest_at is None or (
            lead.owner_assigned_at and lead.owner_assigned_at <= earliest_at
        ):
            return None
        return earliest_at

    def _promise(self, verdict: Verdict) -> Promise | None:
        """Return what is due; a policy that changes later does not move what was promised."""
        lead, clock = verdict.lead, verdict.clock.at
        clock_was = lead.clock_started_at or lead.created_at
        if lead.is_converted or (lead.due_at is not None and clock >= clock_was):
            return None
        segment = self.policy.segment_of(lead.employees)
        return Promise(clock + timedelta(minutes=self.policy.sla_minutes(segment)), segment)

    def _is_person(self, facts: Facts, owner: str | None) -> bool:
        """Tell whether an owner is a person, and neither a queue nor automation."""
        user = facts.users.get(user_id(owner)) if owner and is_user(owner) else None
        if user is None or user.automation:
            return False
        return user.user_type in self.policy.response.user_types
