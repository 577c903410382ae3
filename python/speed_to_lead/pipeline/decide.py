"""Step 3, decide: pure. Evidence to stamp, new Lead to owner, each with its reason and its inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from speed_to_lead.calendars import ALWAYS, Calendar, Calendars
from speed_to_lead.first_response import (
    ClockStart,
    clock_start,
    earliest,
    is_human,
    judge_email,
    judge_task,
    stamp_of,
    to_write,
)
from speed_to_lead.ids import EmailMessageId, LeadId, OwnerId, TaskId, is_user, user_id
from speed_to_lead.model import Evidence, Hold, Keeper, Lead, Reason, Rejection, Source, Stamp
from speed_to_lead.pipeline.collect import Arrival, Cause
from speed_to_lead.pipeline.read import Facts, lead_of
from speed_to_lead.policy import OwnerRef, Policy
from speed_to_lead.routing import Routed, inputs_of, route

_SENT = "3"
"""EmailMessage.Status of a mail that was sent."""
Judgement = Evidence | Rejection
HoldsOf = Callable[[LeadId], Iterable[Hold]]
"""Who the ledger knows to have had a Lead."""
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
    holds: list[Hold] = field(default_factory=list)
    """Who was heard to own it, from when on."""
    assigned_at: datetime | None = None
    """When a person first owned it, where that is news."""
    calendar: Calendar = ALWAYS
    """The calendar that counts for this Lead: its first owner's, once there is one."""
    business_minutes: float | None = None
    """Open minutes to the first response, where they are news."""
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
    calendars: Calendars = field(default_factory=Calendars)

    def decide(
        self, facts: Facts, evidence_of: EvidenceOf, holds_of: HoldsOf = lambda _: ()
    ) -> Verdicts:
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
            self._stamp(verdict, verdicts.withdrawn, evidence_of(lead))
            self._measure(verdict, [*holds_of(lead), *verdict.holds])
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
        verdict.holds = list(self._holds(facts, lead, verdict.lead, arrival))
        verdict.assigned_at = _first_person(verdict.lead, verdict.holds)

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

    def _holds(
        self, facts: Facts, lead_id: LeadId, lead: Lead, arrival: Arrival | None
    ) -> Iterator[Hold]:
        """Yield who was heard to own a Lead; after our own write its first owner cannot be told."""
        if arrival is not None:
            first = arrival.owner_id or (lead.owner_id if lead.policy_version is None else None)
            if first is not None:
                yield self._hold(facts, lead, first, lead.created_at)
        for handover in facts.wanted.handovers.get(lead_id, []):
            yield self._hold(facts, lead, handover.owner_id, handover.at)

    # -- business time ----------------------------------------------------------------------------

    def _measure(self, verdict: Verdict, holds: Sequence[Hold]) -> None:
        """Find the Lead's calendar; fill in what is due, and how much open time an answer took."""
        lead, clock = verdict.lead, verdict.clock.at
        if lead.is_converted:
            return
        answer = verdict.stamp or lead.stamp
        verdict.calendar = self._calendar(lead, holds, None if answer is None else answer.at)
        verdict.promise = self._promise(verdict)
        is_news = verdict.stamp is not None or verdict.assigned_at is not None
        if answer is not None and is_news and answer.source is not Source.PREEXISTING:
            seconds = verdict.calendar.open_seconds(clock, max(clock, answer.at))
            verdict.business_minutes = round(seconds / 60, 2)

    def _calendar(self, lead: Lead, holds: Sequence[Hold], answered: datetime | None) -> Calendar:
        """Return the first owner's calendar, fixed when they got the Lead; else the region's."""
        people = [hold for hold in holds if hold.keeper is Keeper.HUMAN]
        first = min(people, key=lambda hold: hold.at, default=None)
        if first is not None and (answered is None or first.at <= answered):
            return self.calendars.named(first.calendar)
        return self.calendars.of_lead(self.policy.region_of(lead.country))

    def _promise(self, verdict: Verdict) -> Promise | None:
        """Return what is due; a policy that changes later does not move what was promised.

        It moves when the clock does, and once more when the first owner works by another calendar.
        """
        lead, clock = verdict.lead, verdict.clock.at
        segment = self.policy.segment_of(lead.employees)
        target = self.policy.target(segment)
        in_business = target.clock == "business"
        earlier = clock < (lead.clock_started_at or lead.created_at)
        given = in_business and verdict.assigned_at is not None
        if lead.due_at is not None and not earlier and not given:
            return None
        calendar = verdict.calendar if in_business else ALWAYS
        due = calendar.after(clock, target.target_minutes * 60)
        return None if due == lead.due_at else Promise(due, segment)

    def _hold(self, facts: Facts, lead: Lead, owner: str, at: datetime) -> Hold:
        """Tell a person, and their calendar, from a queue and from automation."""
        whole = at.replace(microsecond=0)
        if not is_user(owner):
            return Hold(whole, owner, Keeper.QUEUE)
        user = facts.users.get(user_id(owner))
        if user is None or not is_human(self.policy, facts.users, user.id):
            return Hold(whole, owner, Keeper.AUTOMATION)
        region = self.policy.region_of(lead.country)
        calendar = self.calendars.of_person(user.username, user.team, region)
        return Hold(whole, owner, Keeper.HUMAN, calendar)


def _first_person(lead: Lead, holds: Iterable[Hold]) -> datetime | None:
    """Return when a person first owned the Lead, if that is earlier than what it says."""
    instants = [hold.at for hold in holds if hold.keeper is Keeper.HUMAN]
    earliest_at = min(instants, default=None)
    if lead.is_converted or earliest_at is None:
        return None
    known = lead.owner_assigned_at
    return None if known is not None and known <= earliest_at else earliest_at
