"""The newest sf and the stock cci make, use and delete scratch orgs on the local org, a Dev Hub."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from tests.clients.conftest import ROOT

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(not shutil.which("sf"), reason="the Salesforce CLI is not on PATH"),
]
FIELD = "force-app/main/default/objects/Lead/fields/First_Response_At__c.field-meta.xml"


@pytest.fixture
def hub(shell):
    """A shell whose default Dev Hub is the local org, by JWT."""
    shell.log_in("hub")
    shell.sf("config", "set", "target-dev-hub=hub", "--global")
    return shell


def scratch(hub, alias, *arguments):
    """Create a scratch org of the project's dev definition and return what sf tells of it."""
    made = hub.sf("org", "create", "scratch", "-f", "orgs/dev.json", "-a", alias, *arguments)
    return made["result"]


def test_sf_makes_an_org_of_its_own_and_deletes_it(hub):
    made = scratch(hub, "one", "--duration-days", "3")
    assert made["authFields"]["isScratch"]
    assert made["authFields"]["tracksSource"]
    shown = hub.sf("org", "display", "-o", "one")["result"]
    assert (shown["status"], shown["devHubId"]) == ("Active", "admin@local.test")
    assert hub.sf("org", "generate", "password", "-o", "one")["result"]["password"]
    hub.sf("data", "create", "record", "-o", "one", "-s", "Lead", "-v", "LastName=A Company=B")
    counting = ("data", "query", "-q", "SELECT Id FROM Lead", "-o")
    assert hub.sf(*counting, "one")["result"]["totalSize"] == 1
    assert hub.sf(*counting, "hub")["result"]["totalSize"] == 0
    hub.sf("org", "delete", "scratch", "-o", "one", "-p")
    soql = "SELECT Status FROM ScratchOrgInfo"
    [told] = hub.sf("data", "query", "-q", soql, "-o", "hub")["result"]["records"]
    assert told["Status"] == "Deleted"


def test_sf_tracks_what_changed_here_and_there(hub):
    scratch(hub, "one")
    deployed = hub.sf("project", "deploy", "start", "-o", "one")["result"]
    assert deployed["status"] == "Succeeded"
    again = hub.sf("project", "deploy", "preview", "-o", "one")["result"]
    assert (again["toDeploy"], again["conflicts"]) == ([], [])
    path = hub.project / FIELD
    content = path.read_text(encoding="utf-8")
    path.write_text(content.replace("</label>", " (UTC)</label>"), encoding="utf-8")
    [changed] = hub.sf("project", "deploy", "preview", "-o", "one")["result"]["toDeploy"]
    assert changed["fullName"] == "Lead.First_Response_At__c"
    hub.sf("project", "deploy", "start", "-o", "one")
    path.write_text(content, encoding="utf-8")
    elsewhere = hub.project / "elsewhere"
    hub.sf("project", "convert", "source", "-d", str(elsewhere))
    hub.sf("project", "deploy", "start", "--metadata-dir", str(elsewhere), "-o", "one")
    path.write_text(content.replace("</label>", " (UTC)</label>"), encoding="utf-8")
    there = hub.sf("project", "retrieve", "preview", "-o", "one")["result"]
    told = {each["fullName"] for each in (*there["toRetrieve"], *there["conflicts"])}
    assert "Lead.First_Response_At__c" in told


def test_the_contract_tests_ask_an_org_that_sf_knows(hub):
    scratch(hub, "asked")
    done = hub.run("make", "-C", str(ROOT), "verify-org", "ORG=asked")
    assert re.search(r"\d+ passed, \d+ deselected", done.stdout)


def test_stock_ci_feature_and_the_robot_suites_run_in_a_scratch_org(hub):
    """Makes the org on first use, deploys, proves the journey in it, and deletes it."""
    hub.cci("flow", "run", "ci_feature", "--org", "feature")
    told = hub.cci("org", "info", "feature", "--json").stdout
    assert json.loads(told[told.index("{") :])["scratch"]
    done = hub.cci("flow", "run", "ci_e2e", "--org", "feature")
    assert ", 0 failed" in done.stdout
    hub.cci("org", "scratch_delete", "feature")
    soql = "SELECT Id FROM ActiveScratchOrg"
    assert hub.sf("data", "query", "-q", soql, "-o", "hub")["result"]["totalSize"] == 0
