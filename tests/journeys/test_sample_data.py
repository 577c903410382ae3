"""The datasets make an org worth looking at: what was answered is stamped, and nothing else is.

Rows come from Snowfakery by stock ``cci``, stamps from the sidecar's own backfill, and what must
have come of them from a recomputation here that shares no code with either.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta

import pytest

from speed_to_lead.demo.actors import API
from tests.journeys.administrator import ROOT, administering

LEAD = (
    "SELECT Id, LastName, Company, LeadSource, Country, NumberOfEmployees, Description, OwnerId, "
    "CreatedDate, CreatedById, First_Response_At__c, First_Response_Source__c, "
    "First_Response_User__c, Met_Response_SLA__c FROM Lead ORDER BY CreatedDate"
)

SAID = re.compile(
    r"(?P<source>\w+)(?: (?P<when>when loaded|after (?P<seconds>-?\d+) s))?"
    r"(?:, (?P<due>met|missed|not due))?"
).fullmatch
LOADING = timedelta(minutes=10)
"""The longest call of the qa dataset began so long before it was saved."""


RECIPES = sorted((ROOT / "datasets").glob("*/*.recipe.yml"))


@pytest.fixture
def administrator(tmp_path):
    """A fresh org and its administrator."""
    with administering(tmp_path) as administrator:
        yield administrator


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """An org that has been given the dev dataset and its stamps; to be looked at only."""
    with administering(tmp_path_factory.mktemp("loaded")) as administrator:
        install(administrator)
        administrator.run("flow", "load_dev_data")
        yield administrator


def install(administrator):
    """Deploy the package, and let its administrator see the fields."""
    administrator.run("flow", "deploy_unmanaged")
    administrator.run("task", "assign_admin_access")


def instant(text):
    return None if text is None else datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


def answers(administrator, leads):
    """Return, for each Lead that was answered, when and how; found from the records alone."""
    made = {lead["Id"]: (instant(lead["CreatedDate"]), lead["CreatedById"]) for lead in leads}
    found: dict[str, tuple[datetime, str]] = {}

    def touch(lead, at, source):
        found[lead] = min(found.get(lead, (at, source)), (at, source))

    calls = administrator.records.query(
        "SELECT WhoId, CompletedDateTime, CallDurationInSeconds FROM Task WHERE IsClosed = true "
        "AND TaskSubtype = 'Call' AND CallType = 'Outbound'"
    )
    for call in calls:
        talked = timedelta(seconds=call["CallDurationInSeconds"])
        touch(call["WhoId"], instant(call["CompletedDateTime"]) - talked, "Call")
    mails = administrator.records.query(
        "SELECT RelationId, EmailMessage.MessageDate, EmailMessage.CreatedById "
        "FROM EmailMessageRelation WHERE RelationType = 'ToAddress' "
        "AND EmailMessage.Incoming = false AND EmailMessage.Status = '3'"
    )
    for mail in mails:
        at, by = (mail["EmailMessage"][name] for name in ("MessageDate", "CreatedById"))
        arrived, maker = made[mail["RelationId"]]
        if by != maker or instant(at) - arrived >= timedelta(seconds=10):
            touch(mail["RelationId"], instant(at), "Email")
    return found


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_a_recipe_holds_no_stamp(recipe):
    """Every field of the package is left to the sidecar and the org."""
    assert "__c" not in recipe.read_text(encoding="utf-8")


def test_every_answered_lead_of_the_dev_dataset_is_stamped_and_no_other_is(loaded):
    leads = loaded.records.query(LEAD)
    truth = answers(loaded, leads)
    stamps = {
        lead["Id"]: (instant(lead["First_Response_At__c"]), lead["First_Response_Source__c"])
        for lead in leads
        if lead["First_Response_At__c"]
    }
    assert stamps == truth
    assert 0.6 < len(truth) / len(leads) < 0.9
    assert {source for _, source in truth.values()} == {"Call", "Email"}


def test_the_dev_dataset_spreads_over_thirty_days_owners_and_features(loaded):
    leads = loaded.records.query(LEAD)
    assert len(leads) == 300
    days = {lead["CreatedDate"][:10] for lead in leads}
    span = instant(leads[-1]["CreatedDate"]) - instant(leads[0]["CreatedDate"])
    assert len(days) > 20
    assert span <= timedelta(days=33), "a Lead of a week-end may be moved to the Friday before"
    for feature, least in (("LeadSource", 4), ("Country", 6), ("OwnerId", 7)):
        assert len({lead[feature] for lead in leads}) == least


def test_the_reports_of_the_package_have_something_to_tell_after_the_dev_dataset(loaded):
    reports = loaded.records.query("SELECT Id, DeveloperName FROM Report")
    assert reports
    empty = []
    for each in reports:
        path = f"{API}/analytics/reports/{each['Id']}"
        answer = loaded.records.call("GET", path, includeDetails="true")
        counted = [f for key, f in answer["factMap"].items() if key.startswith("T!T")]
        if not any(cell["value"] for f in counted for cell in f["aggregates"]):
            empty.append(each["DeveloperName"])
    assert empty == []


def test_who_may_back_date_records_may_do_so_only_while_data_are_loaded(loaded):
    soql = "SELECT Id FROM PermissionSet WHERE Name = 'Speed_to_Lead_Sample_Data'"
    assert loaded.ids(soql) == []


def test_equal_days_give_equal_leads(administrator):
    """The second load of a day repeats every Lead of the first, feature by feature."""
    for _ in range(2):
        administrator.run("task", "load_sample_data", "--dataset", "dev")
    features = ("LastName", "Company", "LeadSource", "Country", "NumberOfEmployees", "OwnerId")
    leads = administrator.records.query(f"SELECT {', '.join(features)} FROM Lead")
    seen = Counter(tuple(lead[feature] for feature in features) for lead in leads)
    assert len(leads) == 600
    assert set(seen.values()) == {2}


def test_every_case_of_the_qa_dataset_comes_to_what_it_says(administrator):
    """A second run of the history finds nothing more to write."""
    install(administrator)
    administrator.run("flow", "load_qa_data")

    leads = administrator.records.query(LEAD)
    assert len(leads) > 25
    assert [why for lead in leads if (why := contradiction(lead))] == []
    assert "wrote 0 stamps" in administrator.run("task", "stamp_history")
    assert administrator.records.query(LEAD) == leads


def contradiction(lead):
    """Return what is wrong with a Lead by its own description, or None."""
    said = SAID(lead["Description"])
    assert said, f"{lead['LastName']}: cannot read {lead['Description']!r}"
    at, arrived = instant(lead["First_Response_At__c"]), instant(lead["CreatedDate"])
    wrong = []
    if (lead["First_Response_Source__c"] or "nothing") != said["source"]:
        wrong.append(f"source {lead['First_Response_Source__c']}")
    if said["seconds"] and at - arrived != timedelta(seconds=int(said["seconds"])):
        wrong.append(f"after {at - arrived}")
    if said["when"] == "when loaded" and abs(datetime.now(at.tzinfo) - at) > 2 * LOADING:
        wrong.append(f"at {at}")
    due = {None: "not due", 1: "met", 0: "missed"}[lead["Met_Response_SLA__c"]]
    if said["due"] and said["due"] != due:
        wrong.append(due)
    return f"{lead['LastName']}: {lead['Description']}: {', '.join(wrong)}" if wrong else None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--since", "yesterday"), "expected since in ISO 8601, got 'yesterday'"),
        (("--policy", "nowhere.json"), "cannot be read: No such file or directory"),
        ((), "First_Response_At__c"),
    ],
    ids=["no instant", "no policy", "no access to the fields"],
)
def test_history_that_cannot_be_stamped_says_why(administrator, options, words):
    """Nobody has been given access to the fields; an option that is wrong is told before that."""
    administrator.run("flow", "deploy_unmanaged")
    administrator.records.create("Lead", LastName="Doe", Company="ACME")
    told = administrator.failure("task", "stamp_history", *options)
    assert words in told
