"""Hires the cast of the demo: the queues and users that its policy names, each logged in."""

from __future__ import annotations

import httpx

from speed_to_lead.demo.actors import admin, user
from speed_to_lead.demo.play import Cast
from speed_to_lead.demo.processes import LocalOrg

QUEUES = ("Enterprise_Desk", "Unsorted_Leads")
TEAMS = ("Inside Sales", "Field Sales", "Partner Desk")
REPS = tuple(f"rep{number}@local.test" for number in range(1, 7))
MARKETING = "marketing@local.test"
"""The system that creates leads and answers them by itself; no person."""


def hire(org: LocalOrg, http: httpx.Client) -> Cast:
    """Create queues and the marketing user in a fresh local org, and log everybody in."""
    boss = admin(org, http)
    for queue in QUEUES:
        group = boss.create(
            "Group", Type="Queue", Name=queue.replace("_", " "), DeveloperName=queue
        )
        boss.create("QueueSobject", QueueId=group, SobjectType="Lead")
    [profile] = boss.query("SELECT Id FROM Profile WHERE Name = 'System Administrator'")
    boss.create(
        "User",
        Username=MARKETING,
        LastName="Marketing System",
        Alias="market",
        Email=MARKETING,
        ProfileId=profile["Id"],
        TimeZoneSidKey="America/New_York",
        LocaleSidKey="en_US",
        EmailEncodingKey="UTF-8",
        LanguageLocaleKey="en_US",
    )
    found = boss.query("SELECT Id, Username FROM User WHERE Username LIKE 'rep%'")
    ids = {record["Username"]: record["Id"] for record in found}
    for number, name in enumerate(REPS):
        boss.update("User", ids[name], Department=TEAMS[number % len(TEAMS)])
    return Cast(
        admin=boss,
        system=user(org, http, MARKETING),
        reps=[user(org, http, name) for name in REPS],
        rep_ids=[ids[name] for name in REPS],
    )
