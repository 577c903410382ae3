"""What an administrator learns before the package goes in, and by which user it is looked at after."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from speed_to_lead.demo.actors import API
from tests.journeys.administrator import administering
from tests.journeys.stage import deploy, zipped
from tests.metadata.deploying import manifest, xml

PLAN = """
import json
from cumulusci.cli.runtime import CliRuntime
from cumulusci.core.config import FlowConfig
from cumulusci.core.flowrunner import PreflightFlowCoordinator

runtime = CliRuntime(load_keychain=True)
plan = runtime.project_config.plans["install"]
_, org = runtime.get_org("local")
config = {"steps": plan["steps"], "checks": plan["checks"]}
flow = FlowConfig(config)
flow.project_config = runtime.project_config
coordinator = PreflightFlowCoordinator(runtime.project_config, flow, name="preflight")
coordinator.run(org)
print("RESULTS " + json.dumps(coordinator.preflight_results[None]))
"""


@pytest.fixture
def admin(tmp_path):
    with administering(tmp_path) as admin:
        yield admin


def plan_says(admin):
    """Run the checks of the plan as MetaDeploy does; return level and message of each that is bad."""
    done = subprocess.run(
        [sys.executable, "-c", PLAN],
        cwd=admin.project,
        env=admin.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    [line] = [each for each in done.stdout.splitlines() if each.startswith("RESULTS ")]
    return [(each["status"], each["message"]) for each in json.loads(line.removeprefix("RESULTS "))]


def fill_the_budget(admin):
    """Select three entities more, as another product of the customer might."""
    files = {"package.xml": manifest(PlatformEventChannelMember=[])}
    names = []
    for entity in ("Account", "Contact", "Case"):
        name = f"ChangeEvents_{entity}ChangeEvent"
        names.append(name)
        files[f"platformEventChannelMembers/{name}.platformEventChannelMember"] = xml(
            "PlatformEventChannelMember",
            "<eventChannel>ChangeEvents</eventChannel>"
            f"<selectedEntity>{entity}ChangeEvent</selectedEntity>",
        )
    files["package.xml"] = manifest(PlatformEventChannelMember=names)
    deploy(admin.org, zipped(files))


def make_leads_private(admin):
    private = xml("CustomObject", "<sharingModel>Private</sharingModel>")
    files = {"package.xml": manifest(CustomObject="Lead"), "objects/Lead.object": private}
    deploy(admin.org, zipped(files))


def test_a_fresh_org_is_ready_before_and_after_the_package_goes_in(admin):
    assert "CdcBudget: 3 of 5 entities with ours; others: none" in admin.run("task", "preflight")
    assert plan_says(admin) == []
    admin.run("flow", "deploy_unmanaged")
    assert "CdcBudget: 3 of 5 entities with ours; others: none" in admin.run("task", "preflight")


def test_what_stands_in_the_way_is_told_with_what_to_do(admin):
    fill_the_budget(admin)
    make_leads_private(admin)
    told = admin.failure("task", "preflight")
    assert "ERROR CdcBudget: 6 of 5 entities with ours" in told
    assert "deselect some in Setup, Change Data Capture" in told
    assert "warning LeadSharing: Leads are Private: assign" in told
    assert "Speed_to_Lead_Sidecar_Private_Sharing" in told
    assert "not ready for the package: CdcBudget" in told
    [(status, message)] = plan_says(admin)
    assert (status, "has no room for Lead, Task and EmailMessage" in message) == ("error", True)


def test_private_leads_alone_are_a_warning(admin):
    make_leads_private(admin)
    assert "warning LeadSharing" in admin.run("task", "preflight")


def test_the_test_user_reads_and_changes_nothing_and_is_made_once(admin):
    admin.run("flow", "deploy_unmanaged")
    assert " made stltest@" in admin.run("task", "create_test_user")
    assert " found stltest@" in admin.run("task", "create_test_user")
    users = admin.records.query("SELECT Id, Profile.Name FROM User WHERE Alias = 'stltest'")
    [held] = admin.records.query(
        "SELECT PermissionSet.Name FROM PermissionSetAssignment WHERE "
        f"AssigneeId = '{users[0]['Id']}' AND PermissionSet.IsOwnedByProfile = false"
    )
    assert (len(users), held["PermissionSet"]["Name"]) == (1, "Speed_to_Lead_Analyst")


def test_without_the_package_the_test_user_is_told_what_is_missing(admin):
    told = admin.failure("task", "create_test_user")
    assert "no permission set Speed_to_Lead_Analyst: deploy the package first" in told
    assert admin.records.call("GET", f"{API}/limits")
