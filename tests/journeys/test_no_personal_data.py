"""Names, addresses, numbers, subjects and bodies stay in the org, whatever happens to what bears them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import httpx
import pytest

from speed_to_lead.demo.actors import API
from speed_to_lead.demo.plan import MONDAY
from speed_to_lead.errors import OrgUnavailable
from tests.journeys.deeds import FIVE, a_call, convert, later, merge, text
from tests.journeys.stage import deploy, wait_for, zipped
from tests.metadata.deploying import manifest, xml

MARK = "Zoë-Unmistakable"
PERSON = {
    "LastName": MARK,
    "FirstName": MARK,
    "Company": f"{MARK} GmbH",
    "Email": "zoe.unmistakable@example.test",
    "Phone": "+49 30 99887766",
    "Street": f"{MARK} street",
    "Description": f"{MARK} wrote",
    "Title": MARK,
}
PERSONAL = (MARK, "unmistakable", "99887766", MARK.encode("unicode_escape").decode())
"""What may be seen nowhere, however it is written."""
RULE = xml(
    "CustomObject",
    "<validationRules><fullName>Names_Somebody</fullName><active>true</active>"
    "<errorConditionFormula>AND(NOT(ISNEW()), ISPICKVAL(LeadSource, &quot;Other&quot;))"
    f"</errorConditionFormula><errorMessage>{MARK} said no</errorMessage></validationRules>",
)


def a_person(scene, **fields):
    return scene.cast.system.create("Lead", **PERSON, **fields)


def a_mail(scene, lead):
    rep = scene.cast.reps[0]
    mail = rep.create(
        "EmailMessage",
        Subject=MARK,
        TextBody=MARK,
        FromAddress=PERSON["Email"],
        FromName=MARK,
        ToAddress=PERSON["Email"],
        Incoming=False,
        Status="3",
    )
    rep.create(
        "EmailMessageRelation", EmailMessageId=mail, RelationId=lead, RelationType="ToAddress"
    )


def lives(scene):
    """Let everything happen that can happen to people's data."""
    answered, refused, merged, converted, gone = (
        a_person(scene, LeadSource=source) for source in ("Web", "Other", "Web", "Web", "Web")
    )
    later(scene, FIVE)
    call = a_call(scene, answered)
    scene.cast.reps[0].update("Task", call, Subject=MARK, Description=MARK)
    a_mail(scene, answered)
    wait_for(lambda: scene.lead(answered)["First_Response_At__c"], "the stamp")
    scene.fault("malformed-event")
    later(scene, 2 * FIVE)
    scene.cast.admin.update("Lead", answered, **{**PERSON, "Title": f"{MARK} II"})
    scene.fault("gap-event")
    a_mail(scene, merged)
    merge(scene, answered, merged)
    convert(scene, converted)
    scene.cast.admin.call("DELETE", f"{API}/sobjects/Lead/{gone}")
    scene.fault("unavailable", times=2, path=f"{API}/composite")
    later(scene, 3 * FIVE)
    last = a_person(scene)
    wait_for(lambda: scene.lead(last)["Policy_Version__c"], "the routing")
    return answered, refused


def told_over_http(scene):
    with httpx.Client(
        base_url=f"http://127.0.0.1:{scene.told('started')[-1]['http_port']}"
    ) as http:
        return {path: http.get(path).text for path in ("/metrics", "/healthz", "/readyz")}


def told_by_commands(scene, lead, refused):
    listed = [
        ("explain", lead),
        ("explain", lead, "--json"),
        ("quarantine", "list"),
        ("quarantine", "list", "--json"),
        ("kpis", "--as-of", "2026-03-03T00:00:00Z"),
        ("doctor",),
        ("audit", "--days", "3650"),
        ("backfill", "--since", text(MONDAY)),
        ("quarantine", "retry"),
        ("forget", refused),
    ]
    done = {" ".join(each): scene.command(*each) for each in listed}
    return {name: each.stdout + each.stderr for name, each in done.items()}


def held_by_the_ledger(scene):
    """Everything in the ledger but the bytes of events that could not be read."""
    with closing(sqlite3.connect(scene.sidecar.directory / "ledger.sqlite3")) as ledger:
        tables = [
            name for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        return {
            name: str(
                ledger.execute(
                    "SELECT id, topic, reason, record_id FROM quarantine"
                    if name == "quarantine"
                    else f"SELECT * FROM {name}"
                ).fetchall()
            )
            for name in tables
        }


def test_what_people_typed_is_seen_nowhere(scene):
    rule = manifest(ValidationRule="Lead.Names_Somebody")
    deploy(scene.org, zipped({"package.xml": rule, "objects/Lead.object": RULE}))
    scene.sidecar.start()
    scene.listening()
    lead, refused = lives(scene)
    told = told_over_http(scene)
    assert scene.sidecar.stop() == 0
    assert {each["reason"].split(" ")[0] for each in scene.json("quarantine", "list")} >= {
        "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    }
    told |= told_by_commands(scene, lead, refused) | held_by_the_ledger(scene)
    told["log"] = scene.sidecar.log.read_text(encoding="utf-8")
    flywheel = scene.sidecar.directory / "flywheel" / "decisions.jsonl"
    told["flywheel"] = flywheel.read_text(encoding="utf-8")
    for where, words in told.items():
        for mark in PERSONAL:
            assert mark.lower() not in words.lower(), (where, mark)
    assert lead in told["flywheel"]


def test_the_org_itself_says_it_so_that_the_search_means_something(scene):
    lead = a_person(scene)
    assert MARK in json.dumps(scene.lead(lead), ensure_ascii=False)
    with pytest.raises(OrgUnavailable, match=MARK):
        scene.cast.admin.create("Lead", **{**PERSON, "Email": f"{MARK} no address"})
