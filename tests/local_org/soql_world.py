"""A few people, leads and activities, and somebody who asks about them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from local_org.ids import record_id
from local_org.records.store import Store
from local_org.schema.model import Field, FieldType
from local_org.schema.registry import standard_schema
from local_org.soql.run import execute
from tests.local_org.rows import Everything, put

NOW = datetime(2026, 11, 4, 15, 30, tzinfo=UTC)
"""A Wednesday; 10:30 in New York."""
REP1, REP2, ADMIN = (record_id("005", n) for n in (1, 2, 3))
QUEUE = record_id("00G", 1)
PROFILE = record_id("00e", 1)
ACME, INITECH = record_id("001", 1), record_id("001", 2)
ADA, BOB, CYD, DAN, EVE, GONE = (record_id("00Q", n) for n in range(1, 7))
CAROL = record_id("003", 1)
CALL, MAIL, MEETING, LOOSE = (record_id("00T", n) for n in range(1, 5))


def day(number, hour=12, month=11):
    """Return an instant of 2026."""
    return datetime(2026, month, number, hour, tzinfo=UTC)


def people(store):
    put(store, "Profile", Id=PROFILE, Name="Standard User")
    for user_id, first, last in ((REP1, "Rita", "Rep"), (REP2, "Ron", "Rep"), (ADMIN, "Al", "Ad")):
        put(
            store,
            "User",
            Id=user_id,
            FirstName=first,
            LastName=last,
            Name=f"{first} {last}",
            Username=f"{first.lower()}@local.test",
            ProfileId=PROFILE,
            IsActive=1,
        )
    put(store, "Group", Id=QUEUE, Name="Fresh Leads", Type="Queue")


def leads(store):
    rows = (
        (ADA, "Ada", "Byron", "Web", 10, 100.5, REP1, day(4, 14), "open - not contacted"),
        (BOB, "Bob", "O'Hara", "Phone Inquiry", 20, None, REP1, day(3), "Working - Contacted"),
        (CYD, None, "100%_Cy\\d", "Web", 30, 50.0, REP2, day(1), "Working - Contacted"),
        (DAN, "Dan", "dent", None, None, 25.25, QUEUE, day(15, month=10), "Open - Not Contacted"),
        (EVE, "Eve", "Zed", "Other", 5, None, QUEUE, day(30, month=6), "Closed - Converted"),
    )
    for lead, first, last, source, employees, revenue, owner, created, status in rows:
        put(
            store,
            "Lead",
            Id=lead,
            FirstName=first,
            LastName=last,
            Name=f"{first} {last}" if first else last,
            Company="Acme" if lead == ADA else "Initech",
            LeadSource=source,
            NumberOfEmployees=employees,
            AnnualRevenue=revenue,
            OwnerId=owner,
            CreatedById=ADMIN,
            CreatedDate=created,
            Status=status,
            IsConverted=int(lead == EVE),
            ConvertedAccountId=ACME if lead == EVE else None,
            City="London" if lead == ADA else None,
            Colours__c="red;green" if lead == ADA else "green" if lead == BOB else None,
            Due__c="2026-11-04" if lead == ADA else None,
        )
    put(store, "Lead", Id=GONE, LastName="Gone", Name="Gone", IsDeleted=1, CreatedDate=day(2))


def activities(store):
    put(store, "Account", Id=ACME, Name="Acme", OwnerId=REP1)
    put(store, "Account", Id=INITECH, Name="Initech", OwnerId=REP2)
    put(store, "Contact", Id=CAROL, LastName="Carol", Name="Carol", AccountId=ACME, OwnerId=REP1)
    rows = (
        (CALL, "Call", ADA, None, "Completed", 1, day(4, 15)),
        (MAIL, "Mail", ADA, ACME, "Not Started", 0, day(3)),
        (MEETING, "Meeting", CAROL, ACME, "Completed", 1, day(2)),
        (LOOSE, "Loose", None, None, "Deferred", 0, day(1)),
    )
    for task, subject, who, what, status, closed, created in rows:
        put(
            store,
            "Task",
            Id=task,
            Subject=subject,
            WhoId=who,
            WhatId=what,
            Status=status,
            IsClosed=closed,
            OwnerId=REP1,
            CreatedDate=created,
        )
    put(store, "Task", Id=record_id("00T", 9), Subject="Deleted", WhoId=ADA, IsDeleted=1)
    put(store, "CampaignMember", Id=record_id("00v", 1), LeadId=ADA)
    put(store, "CampaignMember", Id=record_id("00v", 2), LeadId=None)


@pytest.fixture(scope="module")
def org():
    schema = standard_schema()
    custom: dict[str, Any] = {"custom": True, "permissionable": True}
    schema.put_field("Lead", Field("Colours__c", FieldType.MULTIPICKLIST, "Colours", **custom))
    schema.put_field("Lead", Field("Due__c", FieldType.DATE, "Due", **custom))
    store = Store(None, schema)
    for write in (people, leads, activities):
        write(store)
    return store, schema


@pytest.fixture
def ask(org):
    store, schema = org
    user = {"Id": REP1, "TimeZoneSidKey": "America/New_York", "LocaleSidKey": "en_US"}

    def run(soql, hidden=(), **options):
        settings: dict[str, Any] = {"version": "66.0", "now": NOW, "user": user}
        return execute(store, schema, Everything(*hidden), soql, **settings | options)

    return run


@pytest.fixture
def ids(ask):
    return lambda where, **options: [
        record["Id"] for record in ask(f"SELECT Id FROM Lead WHERE {where}", **options).records
    ]


def plain(result):
    """Return records without their attributes."""
    return [{k: v for k, v in r.items() if k != "attributes"} for r in result.records]
