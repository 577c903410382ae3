"""Step 3, decide: pure. Evidence to stamp, new Lead to owner, each with its reason and its inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from speed_to_lead.calendars import ALWAYS, Calendar, Calendars
from speed_to_lead.episodes import episodes, later_inquiries
from speed_to_lead.first_response import (
    ClockStart,
    behind,
    clock_start,
    conversion_of,
    inherited,
    is_about,
    is_human,
    judge_email,
    judge_meeting,
    judge_task,
    stamp_of,
    to_write,
)
from speed_to_lead.ids import EmailMessageId, EventId, LeadId, OwnerId, TaskId, is_user, user_id
from speed_to_lead.ledger import KnownLead
from speed_to_lead.model import (
    JSON,
    Evidence,
    Hold,
    Keeper,
    Lead,
    Reason,
    Rejection,
    Source,
    Stamp,
)
from speed_to_lead.pipeline.collect import Arrival, Cause
from speed_to_lead.pipeline.read import Facts
from speed_to_lead.policy import OwnerRef, Policy
from speed_to_lead.routing import Routed, inputs_of, route

RE_DATED = "RE_DATED"
"""Why a stamp is corrected when its evidence still counts, but says a later time than before."""
_SENT = "3"
"""EmailMessage.Status of a mail that was sent."""
Judgement = Evidence | Rejection


@dataclass(frozen=True, slots=True)
class Routing:
    """Where a Lead goes, and what of it must be written."""

    arrival: Arrival
    routed: Routed
    target: OwnerId | None
    """The owner that the policy names; ``None`` when it keeps the owner."""
    outcome: str
    """``assigned``, ``kept`` (the policy or the org says so already) or ``claimed`` (a person did)."""
    fallbacks: tuple[tuple[str, OwnerId], ...] = ()
    """Routes above, each with its owner: for when the org does not let the target have the Lead."""
    fell_back: tuple[Mapping[str, JSON], ...] = ()
    """Which owners could not have it, and why."""


@dataclass(frozen=True, slots=True)
class Promise:
    """By when the policy asks for an answer, and the segment whose target says so."""

    due_at: datetime
    segment: str


@dataclass(frozen=True, slots=True)
class Correction:
    """A stamp that must rise, because what it was made of counts no more."""

    old: Evidence
    new: Evidence | None
    """``None`` when nothing is left: the stamp is cleared."""
    why: str
    """The reason code, or ``RE_DATED``."""
    cause: Cause


@dataclass(slots=True)
class Verdict:
    """What a batch comes to for one Lead."""

    lead: Lead
    clock: ClockStart
    """As early as that of any Lead that was merged into it."""
    subject: Lead
    """The Lead as records are judged for it: by the clock that counts."""
    started_at: datetime | None = None
    """The start of its clock, where that is news to the org."""
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
    inquiries: frozenset[datetime] = frozenset()
    """When it has asked again, as far as this batch tells."""
    best: Evidence | None = None
    """The first response of the first episode."""
    stamp: Stamp | None = None
    """The stamp to write; ``None`` when nothing smaller was found."""
    correction: Correction | None = None
    """Why a later stamp than before is to be written, or none at all."""


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

    def decide(self, facts: Facts) -> Verdicts:
        """Return the verdicts on a batch; the same facts give the same verdicts again."""
        verdicts = Verdicts(
            {each: self._opened(facts, known) for each, known in facts.leads.items()}
        )
        self._judge(facts, verdicts)
        for lead, verdict in verdicts.leads.items():
            known = facts.leads[lead]
            self._assign(facts, lead, verdict)
            self._conclude(facts, verdict, known)
            self._stamp(facts, verdict, known, verdicts.withdrawn)
            self._measure(verdict, [*known.holds, *verdict.holds])
        return verdicts

    def _opened(self, facts: Facts, known: KnownLead) -> Verdict:
        """Return a verdict that knows the Lead's clock, which no later one can undo."""
        lead = known.lead
        merged = [each.loser.lead for each in facts.merges.get(lead.id, ())]
        starts = [clock_start(self.policy, each) for each in (lead, *merged)]
        clock = ClockStart(min(each.at for each in starts), starts[0].flags)
        told = lead.clock_started_at
        is_news = clock.at != lead.created_at and (told is None or clock.at < told)
        return Verdict(
            lead,
            clock,
            replace(lead, clock_started_at=clock.at) if merged else lead,
            clock.at if is_news and (merged or not lead.is_converted) else None,
            inquiries=later_inquiries(self.policy, lead, facts.wanted.inquiries.get(lead.id, ())),
        )

    # -- evidence ---------------------------------------------------------------------------------

    def _judge(self, facts: Facts, verdicts: Verdicts) -> None:
        wanted = facts.wanted
        aliases = facts.aliases
        verdicts.withdrawn |= wanted.gone_records.keys() | aliases
        for task_id, cause in wanted.tasks.items():
            if task_id not in aliases:
                self._judge_task(facts, verdicts, task_id, cause)
        for meeting_id, cause in wanted.meetings.items():
            self._judge_meeting(facts, verdicts, meeting_id, cause)
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
            judgement = judge_email(self.policy, verdict.subject, whole, facts.users)
            verdict.judged.append((judgement, cause))
        self._unlink(facts, verdicts, email_id, set(linked), cause)
        if not linked:
            verdicts.unlinked.append(Rejection(email_id, None, Reason.NOT_LINKED))
            if email.status == _SENT and not email.incoming:
                verdicts.waiting[email_id] = cause

    def _judge_task(self, facts: Facts, verdicts: Verdicts, task_id: TaskId, cause: Cause) -> None:
        task = facts.tasks.get(task_id)
        if task is None:
            verdicts.withdrawn.add(task_id)
            return
        for verdict in self._meant(facts, verdicts, task_id, task.who_id, cause):
            judgement = judge_task(self.policy, verdict.subject, task, facts.users)
            verdict.judged.append((judgement, cause))

    def _judge_meeting(
        self, facts: Facts, verdicts: Verdicts, meeting_id: EventId, cause: Cause
    ) -> None:
        meeting = facts.meetings.get(meeting_id)
        if meeting is None:
            verdicts.withdrawn.add(meeting_id)
            return
        for verdict in self._meant(facts, verdicts, meeting_id, meeting.who_id, cause):
            judgement = judge_meeting(self.policy, verdict.subject, meeting, facts.users)
            verdict.judged.append((judgement, cause))

    def _meant(
        self, facts: Facts, verdicts: Verdicts, record: str, who_id: str | None, cause: Cause
    ) -> list[Verdict]:
        """Return the Leads that an activity is about, after taking it from those it was about before."""
        leads = [
            lead
            for lead in facts.about(who_id)
            if lead in verdicts.leads and is_about(verdicts.leads[lead].lead, who_id)
        ]
        self._unlink(facts, verdicts, record, set(leads), cause)
        return [verdicts.leads[lead] for lead in leads]

    def _unlink(
        self, facts: Facts, verdicts: Verdicts, record: str, linked: set[LeadId], cause: Cause
    ) -> None:
        """Take a record's evidence from Leads it no longer belongs to; conversion takes nothing away."""
        for lead in facts.formerly.get(record, frozenset()) - linked:
            if lead in verdicts.leads and not verdicts.leads[lead].lead.is_converted:
                verdicts.leads[lead].judged.append(
                    (Rejection(record, lead, Reason.NOT_LINKED), cause)
                )

    def _conclude(self, facts: Facts, verdict: Verdict, known: KnownLead) -> None:
        """Add what the end of a Lead proves: its conversion, and what merged Leads bring along."""
        lead = verdict.lead
        converted = facts.wanted.converted.get(lead.id)
        ended = conversion_of(lead, None if converted is None else converted.by)
        if ended is not None and ended.key not in {each.key for each in known.live}:
            told = facts.wanted.stale_leads.get(lead.id)
            cause = told or Cause(f"conversion-{lead.id}", ended.at)
            verdict.judged.append((ended, cause))
        judged = {judgement.record_id for judgement, _ in verdict.judged}
        for merged in facts.merges.get(lead.id, ()):
            loser = merged.loser
            brought = [each for each in loser.live if each.record_id not in judged]
            stamp = loser.lead.stamp
            if stamp is not None and behind(stamp, loser.live) is None:
                brought += [each for each in (inherited(loser.lead),) if each is not None]
            verdict.judged += [(replace(each, lead_id=lead.id), merged.cause) for each in brought]

    def _stamp(self, facts: Facts, verdict: Verdict, known: KnownLead, withdrawn: set[str]) -> None:
        """Find the smallest evidence; a stamp is a minimum, whatever the order of arrival."""
        lead = verdict.lead
        judged = {judgement.record_id for judgement, _ in verdict.judged}
        live = [e for e in known.live if e.record_id not in judged and e.record_id not in withdrawn]
        live += [j for j, _ in verdict.judged if isinstance(j, Evidence)]
        asked = known.inquiries | verdict.inquiries
        verdict.best = episodes(self.policy, verdict.clock, asked, live)[0].best
        if lead.is_converted and lead.converted_at is None:
            return
        made_of = None if lead.stamp is None else behind(lead.stamp, (e for e, _ in known.evidence))
        best = verdict.best
        if best is not None:
            stamp = stamp_of(self.policy, verdict.clock, best)
            verdict.stamp = to_write(lead.stamp, made_of, best, stamp)
        if verdict.stamp is None and made_of is not None and self.policy.response.corrections:
            self._correct(facts, verdict, made_of)

    def _correct(self, facts: Facts, verdict: Verdict, old: Evidence) -> None:
        """Raise a stamp to what is left, if what it was made of counts no more."""
        best = verdict.best
        if best is not None and best.key <= old.key:
            return
        told = next((pair for pair in verdict.judged if pair[0].record_id == old.record_id), None)
        if told is None:
            why = Reason.DELETED.value
            seen = Cause(f"withdrawn-{old.record_id}", old.at, snapshot=True)
            cause = facts.wanted.gone_records.get(old.record_id, seen)
        else:
            why = told[0].reason.value if isinstance(told[0], Rejection) else RE_DATED
            cause = told[1]
        verdict.correction = Correction(old, best, why, cause)
        if best is not None:
            verdict.stamp = stamp_of(self.policy, verdict.clock, best)

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
        merged = [each.loser for each in facts.merges.get(lead, ())]
        verdict.holds += [h for m in merged for h in m.holds if h.at < verdict.lead.created_at]
        assigned = [m.lead.owner_assigned_at for m in merged]
        verdict.assigned_at = _first_person(verdict.lead, verdict.holds, assigned)

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
        fallbacks = ((name, self.owners.get(owner)) for name, owner in routed.above)
        others = tuple((name, owner) for name, owner in fallbacks if owner and owner != target)
        return Routing(arrival, routed, target, outcome, others)

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
        if lead.is_converted and verdict.stamp is None:
            return
        answer = verdict.stamp or lead.stamp
        verdict.calendar = self._calendar(lead, holds, None if answer is None else answer.at)
        if not lead.is_converted:
            verdict.promise = self._promise(verdict)
        is_news = any((verdict.stamp, verdict.assigned_at, verdict.started_at))
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
        earlier = verdict.started_at is not None
        given = in_business and verdict.assigned_at is not None
        kept = lead.due_at is not None and not earlier and not given
        if kept or self.policy.is_import(segment, lead.source):
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


def _first_person(
    lead: Lead, holds: Iterable[Hold], merged: Iterable[datetime | None]
) -> datetime | None:
    """Return when a person first owned the Lead, or one merged into it, if that is news to it."""
    instants = [hold.at for hold in holds if hold.keeper is Keeper.HUMAN]
    instants += [at for at in merged if at is not None]
    earliest_at = min(instants, default=None)
    if lead.is_converted or earliest_at is None:
        return None
    known = lead.owner_assigned_at
    return None if known is not None and known <= earliest_at else earliest_at
