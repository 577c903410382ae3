"""Step 2, read: the records as they are now, in as few calls as the API allows; the ledger answers first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from speed_to_lead.errors import InvalidId
from speed_to_lead.ids import EmailMessageId, LeadId, TaskId, UserId, is_user, lead_id, user_id
from speed_to_lead.ledger import KnownLead, Ledger
from speed_to_lead.model import Email, Task, User
from speed_to_lead.pipeline.collect import Wanted
from speed_to_lead.salesforce.records import Records


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a batch is judged by. Leads, Tasks and mails that are gone from the org are absent."""

    wanted: Wanted
    leads: dict[LeadId, KnownLead]
    tasks: dict[TaskId, Task]
    emails: dict[EmailMessageId, Email]
    behind: dict[TaskId, EmailMessageId]
    """The mail behind a Task, which makes the Task an alias of the mail."""
    users: dict[UserId, User]
    formerly: dict[str, frozenset[LeadId]]
    """Leads for which a record has counted until now."""

    @property
    def aliases(self) -> set[TaskId]:
        """Tasks that are another view of a mail, and never judged by themselves."""
        return {*self.behind, *(e.activity_id for e in self.emails.values() if e.activity_id)}

    def linked(self, email: Email) -> tuple[LeadId, ...]:
        """Return the Leads of a mail: its relations, else the Task behind ActivityId."""
        if email.lead_ids or email.activity_id is None:
            return email.lead_ids
        task = self.tasks.get(email.activity_id)
        lead = None if task is None else lead_of(task)
        return () if lead is None else (lead,)


def lead_of(task: Task) -> LeadId | None:
    """Return the Lead of a Task, or None when it belongs to a Contact or to nobody."""
    try:
        return lead_id(task.who_id or "")
    except InvalidId:
        return None


async def read(wanted: Wanted, records: Records, ledger: Ledger) -> Facts:
    """Return the facts of a batch.

    :raises OrgUnavailable: the org cannot answer now; nothing has happened.
    :raises PermissionMissing: the org hides something that must be read.
    """
    emails = await _emails(wanted, records)
    hidden_links = {e.activity_id for e in emails.values() if e.activity_id and not e.lead_ids}
    tasks = await _tasks(wanted, hidden_links, records, ledger)
    mailed = [t for t in wanted.tasks if t in tasks and tasks[t].subtype == "Email"]
    behind = await records.emails_behind(mailed) if mailed else {}
    touched = {*wanted.tasks, *wanted.emails, *wanted.gone_records}
    formerly = ledger.leads_of(
        [*touched, *(e.activity_id for e in emails.values() if e.activity_id)]
    )
    facts = Facts(wanted, {}, tasks, emails, behind, {}, formerly)
    facts.leads.update(await _leads(facts, records, ledger))
    facts.users.update(await records.users(_people(facts)))
    return facts


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


async def _leads(facts: Facts, records: Records, ledger: Ledger) -> dict[LeadId, KnownLead]:
    """Return what is known of every Lead concerned; those the ledger lacks or has stale are read."""
    wanted = facts.wanted
    concerned = _concerned(facts) - wanted.gone_leads
    known = ledger.leads(concerned)
    for lead, handovers in wanted.handovers.items():
        if lead in known:
            owned = replace(known[lead].lead, owner_id=handovers[-1].owner_id)
            known[lead] = replace(known[lead], lead=owned)
    arrived = {lead for lead in wanted.arrivals if lead not in known or not known[lead].routed}
    stale = (arrived | wanted.stale_leads | wanted.converted) & concerned
    missing = stale | (concerned - known.keys())
    fresh = await records.leads(missing) if missing else {}
    for lead in missing:
        before = known.pop(lead, None)
        if lead in fresh:
            routed, best = (before.routed, before.best) if before else (False, None)
            known[lead] = KnownLead(fresh[lead], routed, best)
    return known


def _concerned(facts: Facts) -> set[LeadId]:
    """Return the Leads that a batch may make a difference to."""
    wanted = facts.wanted
    concerned = {*wanted.arrivals, *wanted.handovers, *wanted.stale_leads, *wanted.converted}
    concerned |= {lead for task in facts.tasks.values() if (lead := lead_of(task))}
    concerned |= {lead for email in facts.emails.values() for lead in facts.linked(email)}
    return concerned | {lead for leads in facts.formerly.values() for lead in leads}


def _people(facts: Facts) -> set[UserId]:
    """Return everybody whose humanity matters for this batch."""
    named: set[str | None] = set()
    for task in facts.tasks.values():
        named |= {task.owner_id, task.created_by, task.modified_by, task.closer}
    for email in facts.emails.values():
        named |= {email.created_by, email.from_user}
    for known in facts.leads.values():
        named |= {known.lead.owner_id, known.lead.created_by}
    for arrival in facts.wanted.arrivals.values():
        named.add(arrival.owner_id)
    for handovers in facts.wanted.handovers.values():
        named |= {handover.owner_id for handover in handovers}
    return {user_id(each) for each in named if each and is_user(each)}
