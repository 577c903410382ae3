"""Records of the org as values of the domain, in as few calls as the API allows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from speed_to_lead.errors import PermissionMissing
from speed_to_lead.ids import (
    ContactId,
    EmailMessageId,
    EventId,
    LeadId,
    TaskId,
    contact_id,
    email_message_id,
    event_id,
    lead_id,
    task_id,
)
from speed_to_lead.model import Email, Lead, Meeting, Source, Stamp, Task
from speed_to_lead.policy import Policy
from speed_to_lead.salesforce.client import Salesforce
from speed_to_lead.salesforce.people import People, user_or_none

_IDS_PER_RETRIEVE = 2000
_CACHED_CONTACTS = 50_000
_LEAD = (
    "CreatedDate",
    "CreatedById",
    "OwnerId",
    "NumberOfEmployees",
    "Country",
    "LeadSource",
    "Industry",
    "IsConverted",
    "ConvertedContactId",
    "ConvertedDate",
    "LastModifiedDate",
    "LastModifiedById",
    "First_Response_At__c",
    "First_Response_User__c",
    "First_Response_Source__c",
    "Owner_Assigned_At__c",
    "Response_Clock_Started_At__c",
    "Response_Due_At__c",
    "Policy_Version__c",
)
_TASK = (
    "WhoId",
    "TaskSubtype",
    "IsClosed",
    "CompletedDateTime",
    "CallType",
    "CallDurationInSeconds",
    "CallObject",
    "OwnerId",
    "CreatedDate",
    "CreatedById",
    "LastModifiedDate",
    "LastModifiedById",
)
_TASK_IN_SOME_ORGS = ("Type",)
_EMAIL = (
    "Incoming",
    "Status",
    "MessageDate",
    "CreatedDate",
    "CreatedById",
    "FromAddress",
    "LastModifiedDate",
    "ActivityId",
    "Subject",
)
_EMAIL_IN_SOME_ORGS = (
    "FromId",
    "AutomationType",
    "IsBounced",
    "EmailTemplateId",
    "MessageIdentifier",
)
_MEETING = ("WhoId", "CreatedDate", "CreatedById")
_LONG_AGO = "1970-01-01T00:00:00.000+0000"
_RELATION_ORDER = {"ToAddress": 0, "CcAddress": 1, "BccAddress": 2}


class Records:
    """What the pipeline reads, under one policy."""

    def __init__(self, salesforce: Salesforce, policy: Policy) -> None:
        self._salesforce, self._policy = salesforce, policy
        self._inquiry = tuple(name for name in policy.clock.start if name != "CreatedDate")
        self._automatic = [
            re.compile(p, re.IGNORECASE) for p in policy.response.auto_subject_patterns
        ]
        self.people = People(salesforce, policy)
        self._strangers: dict[ContactId, None] = {}
        """Contacts that no Lead has become, as far as was asked; the oldest first."""

    # -- leads, tasks, mails ----------------------------------------------------------------------

    async def leads(self, ids: Iterable[LeadId]) -> dict[LeadId, Lead]:
        """Return Leads as they are; deleted ones are absent.

        :raises PermissionMissing: the org hides a field of the package, or of the policy's clock.
        """
        rows = await self._rows("Lead", ids, (*_LEAD, *self._inquiry))
        await self._date_conversions(rows)
        return {lead_id(row["Id"]): self._lead(row) for row in rows}

    async def _date_conversions(self, rows: Sequence[dict[str, Any]]) -> None:
        """Let converted Leads that we have written to since say the creation of their Contact instead."""
        me = (await self._salesforce.token()).user_id
        ours = [r for r in rows if r["ConvertedContactId"] and r["LastModifiedById"] == me]
        if not ours:
            return
        try:
            found = await self._salesforce.query_ids(
                "SELECT Id, CreatedDate FROM Contact WHERE Id IN ({})",
                [row["ConvertedContactId"] for row in ours],
            )
        except PermissionMissing:
            found = []
        made = {row["Id"]: row["CreatedDate"] for row in found}
        for row in ours:
            row["LastModifiedDate"] = made.get(row["ConvertedContactId"], _LONG_AGO)

    def _lead(self, row: Mapping[str, Any]) -> Lead:
        stamped_at = _instant(row["First_Response_At__c"])
        source, user = row["First_Response_Source__c"], row["First_Response_User__c"]
        return Lead(
            id=lead_id(row["Id"]),
            created_at=_moment(row["CreatedDate"]),
            created_by=user_or_none(row["CreatedById"]),
            owner_id=row["OwnerId"],
            employees=row["NumberOfEmployees"],
            country=row["Country"],
            source=row["LeadSource"],
            industry=row["Industry"],
            is_converted=row["IsConverted"],
            inquiry={n: moment for n in self._inquiry if (moment := _instant(row[n])) is not None},
            stamp=Stamp(stamped_at, _source(source), user_or_none(user))
            if stamped_at and source
            else None,
            owner_assigned_at=_instant(row["Owner_Assigned_At__c"]),
            clock_started_at=_instant(row["Response_Clock_Started_At__c"]),
            due_at=_instant(row["Response_Due_At__c"]),
            policy_version=row["Policy_Version__c"],
            contact_id=contact_id(row["ConvertedContactId"]) if row["ConvertedContactId"] else None,
            converted_at=_converted_about(row["ConvertedDate"], _moment(row["LastModifiedDate"])),
        )

    async def merged(self, ids: Iterable[LeadId]) -> dict[LeadId, tuple[Lead, LeadId]]:
        """Return those of some deleted Leads that were merged: as they were, with the Lead that stays."""
        rows = await self._salesforce.query_ids(
            f"SELECT Id, MasterRecordId, {', '.join((*_LEAD, *self._inquiry))} FROM Lead "
            "WHERE IsDeleted = true AND MasterRecordId != null AND Id IN ({})",
            list(ids),
            deleted=True,
        )
        return {
            lead_id(row["Id"]): (self._lead(row), lead_id(row["MasterRecordId"])) for row in rows
        }

    async def became(self, contacts: Iterable[ContactId]) -> dict[ContactId, list[LeadId]]:
        """Return the Leads that Contacts have been; one that never was any is not asked for again."""
        asked = [each for each in contacts if each not in self._strangers]
        rows = await self._salesforce.query_ids(
            "SELECT Id, ConvertedContactId FROM Lead "
            "WHERE IsConverted = true AND ConvertedContactId IN ({})",
            asked,
        )
        found: dict[ContactId, list[LeadId]] = {}
        for row in rows:
            found.setdefault(contact_id(row["ConvertedContactId"]), []).append(lead_id(row["Id"]))
        self._strangers |= dict.fromkeys(each for each in asked if each not in found)
        while len(self._strangers) > _CACHED_CONTACTS:
            del self._strangers[next(iter(self._strangers))]
        return found

    async def tasks(self, ids: Iterable[TaskId]) -> dict[TaskId, Task]:
        """Return Tasks as they are; who closed them, their change events alone tell."""
        more = await self._existing("Task", _TASK_IN_SOME_ORGS)
        rows = await self._rows("Task", ids, (*_TASK, *more))
        return {task_id(row["Id"]): _task(row) for row in rows}

    async def emails(self, ids: Iterable[EmailMessageId]) -> dict[EmailMessageId, Email]:
        """Return mails as they are, with the Leads that their relations name."""
        more = await self._existing("EmailMessage", _EMAIL_IN_SOME_ORGS)
        rows = await self._rows("EmailMessage", ids, (*_EMAIL, *more))
        linked = await self._linked([row["Id"] for row in rows])
        return {
            email_message_id(row["Id"]): await self._email(row, linked.get(row["Id"], ()))
            for row in rows
        }

    async def _email(self, row: Mapping[str, Any], people: Sequence[str]) -> Email:
        subject = row["Subject"] or ""
        return Email(
            id=email_message_id(row["Id"]),
            incoming=row["Incoming"],
            status=row["Status"],
            message_at=_instant(row["MessageDate"]),
            created_at=_moment(row["CreatedDate"]),
            created_by=user_or_none(row["CreatedById"]),
            from_user=user_or_none(row.get("FromId"))
            or await self.people.sender(row["FromAddress"], user_or_none(row["CreatedById"])),
            committed_at=_moment(row["LastModifiedDate"]),
            automation_type=row.get("AutomationType"),
            bounced=bool(row.get("IsBounced")),
            template_id=row.get("EmailTemplateId"),
            subject_is_automatic=any(each.search(subject) for each in self._automatic),
            activity_id=task_id(row["ActivityId"]) if row["ActivityId"] else None,
            lead_ids=tuple(lead_id(each) for each in people if each.startswith("00Q")),
            deleted=False,
            captured=bool(row.get("MessageIdentifier")),
            contact_ids=tuple(contact_id(each) for each in people if each.startswith("003")),
        )

    async def _linked(self, ids: Sequence[str]) -> dict[str, list[str]]:
        """Return the Leads and Contacts of mails: recipients first, then Cc, then Bcc."""
        relations = await self._salesforce.query_ids(
            "SELECT EmailMessageId, RelationId, RelationType FROM EmailMessageRelation "
            "WHERE RelationObjectType IN ('Lead', 'Contact') AND EmailMessageId IN ({})",
            ids,
        )
        relations.sort(
            key=lambda row: (_RELATION_ORDER.get(row["RelationType"], 9), row["RelationId"])
        )
        linked: dict[str, list[str]] = {}
        for row in relations:
            people = linked.setdefault(row["EmailMessageId"], [])
            if row["RelationId"] not in people:
                people.append(row["RelationId"])
        return linked

    async def meetings(self, ids: Iterable[EventId]) -> dict[EventId, Meeting]:
        """Return Events of the calendar as they are."""
        rows = await self._rows("Event", ids, _MEETING)
        return {
            event_id(row["Id"]): Meeting(
                id=event_id(row["Id"]),
                who_id=row["WhoId"],
                created_at=_moment(row["CreatedDate"]),
                created_by=user_or_none(row["CreatedById"]),
            )
            for row in rows
        }

    async def activities_of(self, people: Sequence[LeadId | ContactId]) -> list[str]:
        """Return the ids of all Tasks, Events and mails of some Leads and Contacts."""
        found = [
            row["Id"]
            for entity in ("Task", "Event")
            for row in await self._salesforce.query_ids(
                f"SELECT Id FROM {entity} WHERE WhoId IN ({{}})", people
            )
        ]
        relations = await self._salesforce.query_ids(
            "SELECT EmailMessageId FROM EmailMessageRelation WHERE RelationId IN ({})", people
        )
        return [*found, *dict.fromkeys(row["EmailMessageId"] for row in relations)]

    async def emails_behind(self, ids: Iterable[TaskId]) -> dict[TaskId, EmailMessageId]:
        """Return the mail behind each Task that is a mail's alias."""
        rows = await self._salesforce.query_ids(
            "SELECT Id, ActivityId FROM EmailMessage WHERE ActivityId IN ({})", list(ids)
        )
        return {task_id(row["ActivityId"]): email_message_id(row["Id"]) for row in rows}

    async def changed_since(
        self, entity: str, since: datetime
    ) -> tuple[list[str], list[tuple[str, datetime]]]:
        """Return the ids of what was modified since then and is there, and what was deleted, and when.

        The oldest change comes first. What has left the recycle bin cannot be told.
        """
        rows = await self._salesforce.query(
            f"SELECT Id, SystemModstamp, IsDeleted FROM {entity} "
            f"WHERE SystemModstamp >= {since:%Y-%m-%dT%H:%M:%SZ} ORDER BY SystemModstamp, Id",
            deleted=True,
        )
        alive = [row["Id"] for row in rows if not row["IsDeleted"]]
        gone = [(row["Id"], _moment(row["SystemModstamp"])) for row in rows if row["IsDeleted"]]
        return alive, gone

    # -- calls ------------------------------------------------------------------------------------

    async def _rows(
        self, entity: str, ids: Iterable[str], fields: Sequence[str]
    ) -> list[dict[str, Any]]:
        wanted = list(ids)
        rows: list[dict[str, Any]] = []
        for start in range(0, len(wanted), _IDS_PER_RETRIEVE):
            part = wanted[start : start + _IDS_PER_RETRIEVE]
            found = await self._salesforce.retrieve(entity, part, ("Id", *fields))
            rows += [row for row in found if row is not None]
        return rows

    async def _existing(self, entity: str, fields: Sequence[str]) -> list[str]:
        """Return those fields that this org has."""
        described = await self._salesforce.describe(entity)
        names = {field["name"] for field in described["fields"]}
        return [name for name in fields if name in names]


def _task(row: Mapping[str, Any]) -> Task:
    return Task(
        id=task_id(row["Id"]),
        who_id=row["WhoId"],
        subtype=row["TaskSubtype"],
        type=row.get("Type"),
        is_closed=row["IsClosed"],
        completed_at=_instant(row["CompletedDateTime"]),
        call_type=row["CallType"],
        call_seconds=row["CallDurationInSeconds"],
        call_object=row["CallObject"],
        owner_id=row["OwnerId"],
        created_at=_moment(row["CreatedDate"]),
        created_by=user_or_none(row["CreatedById"]),
        modified_at=_moment(row["LastModifiedDate"]),
        modified_by=user_or_none(row["LastModifiedById"]),
        closer=None,
        closed_at_commit=None,
        deleted=False,
    )


def _moment(text: str) -> datetime:
    """Read a date-time as REST writes it, in whole seconds.

    >>> _moment("2026-11-02T10:00:00.900+0000").isoformat()
    '2026-11-02T10:00:00+00:00'
    """
    return datetime.fromisoformat(text).astimezone(UTC).replace(microsecond=0)


def _converted_about(day: str | None, modified_at: datetime) -> datetime | None:
    """Return when a Lead was last modified, if it was converted on that day of whatever time zone.

    A converted Lead is read-only to nearly everybody, so that its conversion was its last change.

    >>> modified_at = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    >>> _converted_about("2026-03-03", modified_at) == modified_at
    True
    >>> _converted_about("2026-02-28", modified_at) is None
    True
    """
    if day is None:
        return None
    midnight = datetime.fromisoformat(day).replace(tzinfo=UTC)
    east, west = timedelta(hours=14), timedelta(hours=12)
    inside = midnight - east <= modified_at < midnight + timedelta(days=1) + west
    return modified_at if inside else None


def _instant(text: str | None) -> datetime | None:
    return None if text is None else _moment(text)


def _source(text: str) -> Source:
    """Return a stamp's source; what an org has added to the picklist counts as Other."""
    try:
        return Source(text)
    except ValueError:
        return Source.OTHER
