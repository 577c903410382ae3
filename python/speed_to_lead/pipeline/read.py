"""Step 2, read: the records as they are now, in as few calls as the API allows; the ledger answers first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from speed_to_lead.ids import (
    ContactId,
    EmailMessageId,
    EventId,
    LeadId,
    TaskId,
    UserId,
    contact_id,
    is_user,
    lead_id,
    user_id,
)
from speed_to_lead.ledger import Gone, KnownLead, Ledger
from speed_to_lead.model import Email, Lead, Meeting, Task, User
from speed_to_lead.pipeline.collect import Cause, Wanted
from speed_to_lead.salesforce.records import Records


@dataclass(frozen=True, slots=True)
class Merged:
    """A Lead that went into another one."""

    loser: KnownLead
    cause: Cause


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a batch is judged by. What is gone from the org is absent."""

    wanted: Wanted
    leads: dict[LeadId, KnownLead]
    tasks: dict[TaskId, Task]
    emails: dict[EmailMessageId, Email]
    behind: dict[TaskId, EmailMessageId]
    """The mail behind a Task, which makes the Task an alias of the mail."""
    users: dict[UserId, User]
    formerly: dict[str, frozenset[LeadId]]
    """Leads for which a record has counted until now."""
    meetings: dict[EventId, Meeting] = field(default_factory=dict)
    became: dict[ContactId, list[LeadId]] = field(default_factory=dict)
    """The Leads that Contacts have been."""
    merges: dict[LeadId, list[Merged]] = field(default_factory=dict)
    """What went into a Lead that stays."""

    @property
    def aliases(self) -> set[TaskId]:
        """Tasks that are another view of a mail, and never judged by themselves."""
        return {*self.behind, *(e.activity_id for e in self.emails.values() if e.activity_id)}

    def gone(self) -> list[Gone]:
        """Return the Leads that were deleted, each with the one that it went into."""
        into = {m.loser.lead.id: winner for winner, found in self.merges.items() for m in found}
        gone = self.wanted.gone_leads
        return [Gone(lead, cause.at, into.get(lead)) for lead, cause in gone.items()]

    def linked(self, email: Email) -> tuple[LeadId, ...]:
        """Return the Leads of a mail: its relations, else the Task behind ActivityId."""
        through = (lead for each in email.contact_ids for lead in self.became.get(each, ()))
        leads = tuple(dict.fromkeys((*email.lead_ids, *through)))
        if leads or email.activity_id is None:
            return leads
        task = self.tasks.get(email.activity_id)
        return () if task is None else self.about(task.who_id)

    def about(self, who_id: str | None) -> tuple[LeadId, ...]:
        """Return the Leads that a WhoId means: itself, or those which have become that Contact."""
        if who_id is None:
            return ()
        if who_id.startswith("00Q"):
            return (lead_id(who_id),)
        return tuple(self.became.get(ContactId(who_id), ()))


async def read(wanted: Wanted, records: Records, ledger: Ledger) -> Facts:
    """Return the facts of a batch.

    Whatever a merge or a conversion moved without telling is asked for as well.

    :raises OrgUnavailable: the org cannot answer now; nothing has happened.
    :raises PermissionMissing: the org hides something that must be read.
    """
    merges = await _merges(wanted, records, ledger)
    await _moved(wanted, merges, records)
    emails = await _emails(wanted, records)
    hidden_links = {e.activity_id for e in emails.values() if e.activity_id and not e.lead_ids}
    tasks = await _tasks(wanted, hidden_links, records, ledger)
    meetings = await records.meetings(wanted.meetings) if wanted.meetings else {}
    mailed = [t for t in wanted.tasks if t in tasks and tasks[t].subtype == "Email"]
    behind = await records.emails_behind(mailed) if mailed else {}
    touched = {*wanted.tasks, *wanted.emails, *wanted.meetings, *wanted.gone_records}
    formerly = ledger.leads_of(
        [*touched, *(e.activity_id for e in emails.values() if e.activity_id)]
    )
    contacts = {task.who_id for task in tasks.values()}
    contacts |= {meeting.who_id for meeting in meetings.values()}
    contacts |= {each for email in emails.values() for each in email.contact_ids}
    became = await _became(wanted, contacts, records, ledger)
    facts = Facts(
        wanted, {}, tasks, emails, behind, {}, formerly, meetings, became=became, merges=merges
    )
    facts.leads.update(await _leads(facts, records, ledger))
    facts.users.update(await records.people.users(_people(facts)))
    return facts


# -- merges and conversions -----------------------------------------------------------------------


async def _merges(wanted: Wanted, records: Records, ledger: Ledger) -> dict[LeadId, list[Merged]]:
    """Return what went into which Lead that stays, through however many merges.

    A deleted Lead says itself into which it went, as long as the bin keeps it.
    """
    if not wanted.gone_leads:
        return {}
    merged = await records.merged(wanted.gone_leads)
    asked = set(wanted.gone_leads)
    while winners := {winner for _, winner in merged.values()} - asked:
        merged |= await records.merged(winners)
        asked |= winners
    known = ledger.leads(merged, deleted=True)
    found: dict[LeadId, list[Merged]] = {}
    for loser, cause in wanted.gone_leads.items():
        if loser not in merged:
            continue
        lead, winner = merged[loser]
        while winner in merged:
            winner = merged[winner][1]
        before = known.get(loser, KnownLead(lead))
        found.setdefault(winner, []).append(Merged(replace(before, lead=lead), cause))
        wanted.stale_leads.setdefault(winner, cause)
    return found


async def _moved(wanted: Wanted, merges: Mapping[LeadId, list[Merged]], records: Records) -> None:
    """Ask for the activities of Leads that stay and of Contacts that Leads became: no event tells."""
    moved: dict[LeadId | ContactId, Cause] = {w: found[0].cause for w, found in merges.items()}
    for conversion in wanted.converted.values():
        if conversion.contact is not None:
            moved[conversion.contact] = Cause("", conversion.at)
    if not moved:
        return
    cause = min(moved.values(), key=lambda each: each.at)
    for record in await records.activities_of(list(moved)):
        wanted.activity(record, replace(cause, snapshot=True))


async def _became(
    wanted: Wanted, people: Iterable[str | None], records: Records, ledger: Ledger
) -> dict[ContactId, list[LeadId]]:
    """Return which Leads the Contacts among some people have been.

    Events tell first, then the ledger, then the org.
    """
    contacts = {contact_id(who) for who in people if who is not None and who.startswith("003")}
    if not contacts:
        return {}
    found = ledger.leads_that_became(contacts)
    for lead, conversion in wanted.converted.items():
        if conversion.contact is not None and lead not in found.get(conversion.contact, ()):
            found.setdefault(conversion.contact, []).append(lead)
    missing = contacts - found.keys()
    return found | (await records.became(missing) if missing else {})


# -- activities -----------------------------------------------------------------------------------


async def _emails(wanted: Wanted, records: Records) -> dict[EmailMessageId, Email]:
    if not wanted.emails:
        return {}
    found = await records.emails(wanted.emails)
    return {
        each: email
        if wanted.emails[each].snapshot
        else replace(email, committed_at=wanted.emails[each].at)
        for each, email in found.items()
    }


async def _tasks(
    wanted: Wanted, more: Iterable[TaskId], records: Records, ledger: Ledger
) -> dict[TaskId, Task]:
    """Read Tasks, each with its closer where the closing was ever seen."""
    ids = {*wanted.tasks, *more}
    if not ids:
        return {}
    closings = ledger.closings(ids) | wanted.closings
    return {
        each: replace(task, closer=closings[each].user, closed_at_commit=closings[each].at)
        if each in closings and task.is_closed
        else task
        for each, task in (await records.tasks(ids)).items()
    }


# -- leads and people -----------------------------------------------------------------------------


async def _leads(facts: Facts, records: Records, ledger: Ledger) -> dict[LeadId, KnownLead]:
    """Return what is known of every Lead concerned; those the ledger lacks or has stale are read."""
    wanted = facts.wanted
    concerned = _concerned(facts) - wanted.gone_leads.keys()
    known = ledger.leads(concerned)
    for lead, handovers in wanted.handovers.items():
        if lead in known:
            owned = replace(known[lead].lead, owner_id=handovers[-1].owner_id)
            known[lead] = replace(known[lead], lead=owned)
    arrived = {lead for lead in wanted.arrivals if lead not in known or not known[lead].routed}
    stale = (arrived | wanted.stale_leads.keys() | wanted.converted.keys()) & concerned
    missing = stale | (concerned - known.keys())
    fresh = await records.leads(missing) if missing else {}
    for lead in missing:
        before = known.pop(lead, None)
        if lead in fresh:
            now = replace(fresh[lead], converted_at=_converted_at(wanted, before, fresh[lead]))
            if before is not None:
                now = replace(now, closed_at=before.lead.closed_at)
            known[lead] = KnownLead(now) if before is None else replace(before, lead=now)
    for lead, closed_at in wanted.closed.items():
        if lead in known:
            ended = replace(known[lead].lead, closed_at=closed_at)
            known[lead] = replace(known[lead], lead=ended)
    return known


def _converted_at(wanted: Wanted, before: KnownLead | None, now: Lead) -> datetime | None:
    """Return when a Lead was converted.

    Its event tells, else the change that first showed it converted, else its own last change.
    """
    if not now.is_converted:
        return None
    told = [] if before is None or not before.lead.converted_at else [before.lead.converted_at]
    if now.id in wanted.converted:
        told.append(wanted.converted[now.id].at)
    cause = wanted.stale_leads.get(now.id)
    news = before is not None and not before.lead.is_converted
    if cause is not None and not cause.snapshot and news:
        told.append(cause.at)
    return min(told, default=now.converted_at)


def _concerned(facts: Facts) -> set[LeadId]:
    """Return the Leads that a batch may make a difference to."""
    wanted = facts.wanted
    concerned = {*wanted.arrivals, *wanted.handovers, *wanted.stale_leads, *wanted.converted}
    concerned |= wanted.inquiries.keys() | wanted.closed.keys()
    for task in facts.tasks.values():
        concerned.update(facts.about(task.who_id))
    for meeting in facts.meetings.values():
        concerned.update(facts.about(meeting.who_id))
    concerned |= {lead for email in facts.emails.values() for lead in facts.linked(email)}
    return concerned | {lead for leads in facts.formerly.values() for lead in leads}


def _people(facts: Facts) -> set[UserId]:
    """Return everybody whose humanity matters for this batch."""
    named: set[str | None] = set()
    for task in facts.tasks.values():
        named |= {task.owner_id, task.created_by, task.modified_by, task.closer}
    for email in facts.emails.values():
        named |= {email.created_by, email.from_user}
    named |= {meeting.created_by for meeting in facts.meetings.values()}
    for known in facts.leads.values():
        named |= {known.lead.owner_id, known.lead.created_by}
    for arrival in facts.wanted.arrivals.values():
        named.add(arrival.owner_id)
    for handovers in facts.wanted.handovers.values():
        named |= {handover.owner_id for handover in handovers}
    return {user_id(each) for each in named if each and is_user(each)}
