"""Stock CumulusCI makes scratch orgs worth looking at, and takes the package out of one again."""

from __future__ import annotations

import json
import shutil

import pytest

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(not shutil.which("sf"), reason="the Salesforce CLI is not on PATH"),
]


@pytest.fixture
def hub(shell):
    """A shell whose default Dev Hub is the local org, by JWT."""
    shell.log_in("hub")
    shell.sf("config", "set", "target-dev-hub=hub", "--global")
    return shell


def made(hub, flow, alias):
    """Run a flow that makes the scratch org on first use, without a warning; return its username."""
    done = hub.cci("flow", "run", flow, "--org", alias)
    assert "warning" not in (done.stdout + done.stderr).lower()
    told = hub.cci("org", "info", alias, "--json").stdout
    return json.loads(told[told.index("{") :])["username"]


def count(hub, username, soql, *options):
    """Return how many records a query finds in an org."""
    return hub.sf("data", "query", "-q", soql, "-o", username, *options)["result"]["totalSize"]


def test_dev_org_fills_a_scratch_org_and_uninstall_leaves_it_as_it_was(hub):
    """Leads are loaded and stamped; the package goes, the Leads stay, and so does nothing of ours."""
    dev = made(hub, "dev_org", "dev")
    assert count(hub, dev, "SELECT Id FROM Lead") == 300
    answered = count(hub, dev, "SELECT Id FROM Lead WHERE First_Response_At__c != null")
    assert 180 < answered < 270
    metrics = "SELECT Id FROM Lead WHERE Time_to_First_Response__c > 0"
    assert count(hub, dev, metrics) == answered

    hub.cci("flow", "run", "uninstall", "--org", "dev")

    assert count(hub, dev, "SELECT Id FROM Lead") == 300
    for left in (
        "SELECT Id FROM PermissionSet WHERE Name LIKE 'Speed_to_Lead%'",
        "SELECT Id FROM Report",
        "SELECT Id FROM Folder",
        "SELECT Id FROM CustomPermission",
    ):
        assert count(hub, dev, left) == 0
    for kind in ("CustomField", "PlatformEventChannel", "PlatformEventChannelMember"):
        assert count(hub, dev, f"SELECT Id FROM {kind}", "--use-tooling-api") == 0
    hub.cci("org", "scratch_delete", "dev")


def test_qa_org_holds_one_lead_for_each_edge_case(hub):
    qa = made(hub, "qa_org", "qa")
    cases = count(hub, qa, "SELECT Id FROM Lead")
    assert cases > 25
    assert count(hub, qa, "SELECT Id FROM Lead WHERE Company LIKE 'Edge Case %'") == cases
    assert count(hub, qa, "SELECT Id FROM Lead WHERE First_Response_Source__c = 'Preexisting'") == 3
    hub.cci("org", "scratch_delete", "qa")
