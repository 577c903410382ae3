"""Business hours and holidays of the org itself decide what is open time, and when an answer is due."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from speed_to_lead.demo import POLICY
from speed_to_lead.demo.plan import MONDAY
from tests.journeys.deeds import a_call, a_lead, later, text

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
HOURS = {
    f"{day}{edge}Time": f"{hour}:00:00.000Z"
    for day in DAYS
    for edge, hour in (("Start", "09"), ("End", "17"))
}


@pytest.fixture
def office(scene, tmp_path):
    """An org with office hours, closed on that Monday, and a policy that counts them."""
    admin = scene.cast.admin
    admin.create(
        "BusinessHours", Name="Office", IsActive=True, TimeZoneSidKey="Europe/London", **HOURS
    )
    admin.create("Holiday", Name="Founding Day", ActivityDate="2026-03-02", IsAllDay=True)
    document = json.loads(POLICY.read_text(encoding="utf-8"))
    document["calendars"] = {
        "named": [{"name": "HQ", "business_hours": "Office"}],
        "default": "HQ",
    }
    document["sla"]["SMB"] = {"target_minutes": 60, "clock": "business"}
    scene.sidecar.policy = tmp_path / "policy.json"
    scene.sidecar.policy.write_text(json.dumps(document), encoding="utf-8")
    return scene


def test_a_lead_that_came_on_a_holiday_is_due_an_hour_after_the_next_opening(office):
    lead = a_lead(office, Country="Germany")
    nine = timedelta(days=1, hours=9)
    later(office, nine + timedelta(minutes=30))
    a_call(office, lead)
    office.catch_up()
    now = office.lead(lead)
    assert now["Response_Due_At__c"] == text(MONDAY + nine + timedelta(hours=1))
    assert now["Business_Minutes_to_First_Response__c"] == 30
    assert now["Time_to_First_Response__c"] == 33.5 * 60
    assert now["Met_Response_SLA__c"] is None
    told = office.json("explain", lead)["open"]
    assert (told["calendar"], told["business_minutes"], told["seconds"]) == ("HQ", 30, 1800)
    assert told["stretches"] == [{"from": "2026-03-03T09:00:00Z", "to": "2026-03-03T09:30:00Z"}]
    shown = " ".join(office.command("explain", lead).stdout.split())
    assert "30.00 min of open time by calendar HQ" in shown
    assert "re-executed: same answer" in shown


def test_hours_that_the_org_does_not_have_are_named(office):
    document = json.loads(office.sidecar.policy.read_text(encoding="utf-8"))
    document["calendars"]["named"][0]["business_hours"] = "Factory"
    office.sidecar.policy.write_text(json.dumps(document), encoding="utf-8")
    done = office.command("backfill", "--since", "2026-03-02T00:00:00Z")
    assert done.returncode == 64
    assert "no active business hours named Factory" in " ".join(done.stderr.split())
