"""What an administrator does with the package: install, upgrade, repeat, fail, and take it out again.

Every step is stock ``cci`` against a local org. What the package consists of is read from the
project, so that a component added to it is covered by the same tests.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from speed_to_lead.cci.uninstall import Component, named_in
from speed_to_lead.demo.actors import API, user
from tests.journeys.administrator import RELEASES, administering, unpacked
from tests.journeys.picture import differences, picture
from tests.journeys.stage import archive, deploy, try_deploy, zipped
from tests.metadata.deploying import manifest

STAMP = {
    "First_Response_At__c": "2026-03-02T10:05:30.000+0000",
    "First_Response_Source__c": "Call",
    "Owner_Assigned_At__c": "2026-03-02T10:01:00.000+0000",
    "Response_Due_At__c": "2026-03-02T11:00:00.000+0000",
    "Policy_Version__c": "1.0.0",
}
ARRIVED = "2026-03-02T10:00:00.000+0000"
CLOCK = ("--clock", "2026-03-02T12:00:00+00:00", "--clock-speed", "0")
MODIFIED = ("LastModifiedDate", "SystemModstamp")
"""What a deploy sets on the rows of all it brings, changed or not."""
REPORT = """<?xml version="1.0" encoding="UTF-8"?>
<Report xmlns="http://soap.sforce.com/2006/04/metadata"><columns><field>OWNER</field></columns>
<format>Tabular</format><name>Mine</name><reportType>LeadList</reportType><scope>org</scope>
<timeFrameFilter><dateColumn>CREATED_DATE</dateColumn><interval>INTERVAL_CUSTOM</interval>
</timeFrameFilter></Report>"""
ROLE = """<?xml version="1.0" encoding="UTF-8"?>
<PermissionSet xmlns="http://soap.sforce.com/2006/04/metadata"><label>Role</label></PermissionSet>"""
SETTINGS = "LeadConvertSettings"
MAP = """<?xml version="1.0" encoding="UTF-8"?>
<LeadConvertSettings xmlns="http://soap.sforce.com/2006/04/metadata">
<allowOwnerChange>true</allowOwnerChange><objectMapping><inputObject>Lead</inputObject>{}
<outputObject>Contact</outputObject></objectMapping>
<opportunityCreationOptions>VisibleOptional</opportunityCreationOptions></LeadConvertSettings>"""
OWN = """<?xml version="1.0" encoding="UTF-8"?>
<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata">{}</CustomObject>"""


@pytest.fixture
def administrator(tmp_path):
    """A fresh org with a lead that has waited and been called, and its administrator."""
    with administering(tmp_path, *CLOCK) as administrator:
        lead = administrator.records.create("Lead", LastName="Before", Company="Before")
        administrator.records.create(
            "Task", WhoId=lead, Subject="Call", TaskSubtype="Call", Status="Completed"
        )
        yield administrator


def install(administrator):
    """Deploy the package, and give it to everybody whom the menu knows."""
    administrator.run("flow", "deploy_unmanaged")
    administrator.run("task", "assign_admin_access")
    administrator.run("task", "assign_sidecar_access")


def look(administrator, *without):
    return picture(administrator.org, administrator.http, administrator.records, without=without)


def stamped_lead(administrator):
    """Return the id of a lead that arrived at ten, with the stamp of a call."""
    me = administrator.records.call("GET", "/services/oauth2/userinfo")["user_id"]
    values = {"First_Response_User__c": me, "CreatedDate": ARRIVED, **STAMP}
    return administrator.records.create("Lead", LastName="Doe", Company="ACME", **values)


def lead(administrator, lead_id):
    """Return the Lead with every field its administrator sees, without the times of visits."""
    record = administrator.records.call("GET", f"{API}/sobjects/Lead/{lead_id}")
    return {name: value for name, value in record.items() if not name.startswith("LastV")}


# -- take it out ----------------------------------------------------------------------------------


def test_uninstall_leaves_nothing_behind_and_touches_no_record(administrator):
    """After install, use and uninstall, the org is what it was, in all that can be seen of it."""
    before = look(administrator)
    install(administrator)
    [group] = administrator.ids("SELECT Id FROM PermissionSetGroup")
    [rep] = administrator.ids("SELECT Id FROM User WHERE Username = 'rep1@local.test'")
    administrator.records.create(
        "PermissionSetAssignment", AssigneeId=rep, PermissionSetGroupId=group
    )
    used = stamped_lead(administrator)
    changed = {each.partition(":")[0] for each in differences(before, look(administrator))}
    assert changed == set(before), "the picture shows the package in each of its parts"

    administrator.run("flow", "uninstall")

    kept = lead(administrator, used)
    assert (kept["LastName"], kept["CreatedDate"]) == ("Doe", ARRIVED)
    assert not [name for name in kept if name.endswith("__c")]
    administrator.records.call("DELETE", f"{API}/sobjects/Lead/{used}")
    assert differences(before, look(administrator)) == []


def test_uninstall_goes_on_where_it_stopped_and_may_be_repeated(administrator):
    before = look(administrator)
    install(administrator)
    refused = administrator.failure("task", "remove_metadata")
    assert "is assigned to users" in refused
    assert "Speed_to_Lead_Admin" in refused

    told = administrator.run("task", "remove_metadata", "--dry_run", "True")
    assert "would delete PermissionSet Speed_to_Lead_Admin" in told
    administrator.run("flow", "uninstall")
    assert differences(before, look(administrator)) == []
    again = administrator.run("flow", "uninstall")
    assert "delete" not in again
    assert "deleting" not in again
    assert differences(before, look(administrator)) == []


def test_uninstall_changes_nothing_while_a_folder_holds_somebody_elses_report(administrator):
    install(administrator)
    [folder] = administrator.records.query("SELECT DeveloperName FROM Folder WHERE Type = 'Report'")
    name = folder["DeveloperName"]
    stranger = {
        "package.xml": manifest(Report=f"{name}/Mine"),
        f"reports/{name}/Mine.report": REPORT,
    }
    deploy(administrator.org, zipped(stranger))
    before = look(administrator)

    told = administrator.failure("flow", "uninstall")

    assert f"the folder {name} holds what is not of the package: {name}/Mine" in told
    assert differences(before, look(administrator)) == []


def test_uninstall_takes_what_was_deployed_beside_the_package_in_either_format(administrator):
    """A bundle that was never deployed is no hindrance either."""
    before = look(administrator)
    install(administrator)
    administrator.run("task", "deploy_data_access")
    administrator.run("task", "assign_data_access")
    for name in ("Deployed", "Never"):
        source = administrator.project / "unpackaged" / "config" / name / "permissionsets"
        source.mkdir(parents=True)
        (source / f"{name}.permissionset-meta.xml").write_text(ROLE, encoding="utf-8")
    role = {"package.xml": manifest(PermissionSet="Deployed")}
    deploy(administrator.org, zipped(role | {"permissionsets/Deployed.permissionset": ROLE}))

    told = administrator.run("flow", "uninstall")

    assert "deleting PermissionSet Deployed" in told
    assert "deleting PermissionSet Speed_to_Lead_Sample_Data" in told
    assert differences(before, look(administrator)) == []


def test_uninstall_takes_its_fields_out_of_the_lead_conversion_and_leaves_the_customers(
    administrator,
):
    """An org refuses to delete a field that is mapped, by whomever it was mapped."""
    mine, theirs = ("Own__c", "Own__c"), ("First_Response_At__c", "Answered_At__c")
    customer_fields(administrator, Own__c="Date", Answered_At__c="DateTime")
    deploy(administrator.org, mapping(mine))
    before = look(administrator)
    install(administrator)
    deploy(administrator.org, mapping(mine, theirs))

    told = administrator.run("flow", "uninstall")

    assert "took 1 mappings out of the lead conversion" in told
    assert differences(before, look(administrator)) == []
    lead_id = administrator.records.create("Lead", LastName="A", Company="B", Own__c="2026-03-01")
    assert lead(administrator, lead_id)["Own__c"] == "2026-03-01"
    refused = try_deploy(administrator.org, destroying("Contact.Own__c"))
    [failure] = refused["details"]["componentFailures"]
    assert "Lead Custom Field Mapping" in failure["problem"], "the customer's mapping is there"


def customer_fields(administrator, **types):
    """Deploy fields of the customer's own to Lead and Contact, and let the administrator see them."""
    fields = "".join(
        f"<fields><fullName>{name}</fullName><label>{name}</label><type>{kind}</type></fields>"
        for name, kind in types.items()
    )
    names = [f"{entity}.{name}" for entity in ("Lead", "Contact") for name in types]
    granted = "".join(
        f"<fieldPermissions><editable>true</editable><field>{name}</field>"
        "<readable>true</readable></fieldPermissions>"
        for name in names
    )
    role = f"""<PermissionSet xmlns="http://soap.sforce.com/2006/04/metadata">{granted}
<label>Own</label></PermissionSet>"""
    files = {
        "package.xml": manifest(CustomField=names, PermissionSet=["Own"]),
        "permissionsets/Own.permissionset": role,
        **{f"objects/{entity}.object": OWN.format(fields) for entity in ("Lead", "Contact")},
    }
    deploy(administrator.org, zipped(files))
    [own] = administrator.ids("SELECT Id FROM PermissionSet WHERE Name = 'Own'")
    me = administrator.records.call("GET", "/services/oauth2/userinfo")["user_id"]
    administrator.records.create("PermissionSetAssignment", AssigneeId=me, PermissionSetId=own)


def mapping(*pairs):
    """Return a package with the org's whole map of lead conversion: from Lead to Contact."""
    inner = "".join(
        f"<mappingFields><inputField>{source}</inputField><outputField>{target}</outputField>"
        "</mappingFields>"
        for source, target in pairs
    )
    name = f"{SETTINGS}/{SETTINGS}.LeadConvertSetting"
    return zipped(
        {"package.xml": manifest(None, **{SETTINGS: [SETTINGS]}), name: MAP.format(inner)}
    )


def destroying(field):
    return zipped(
        {"package.xml": manifest(), "destructiveChanges.xml": manifest(CustomField=[field])}
    )


# -- upgrade, repeat ------------------------------------------------------------------------------


@pytest.mark.parametrize("release", sorted(each.stem for each in RELEASES.glob("*.zip")))
def test_an_upgrade_keeps_what_was_stamped_and_brings_the_new_fields(
    administrator, tmp_path, release
):
    former = unpacked(release, tmp_path / "former")
    administrator.run("task", "deploy", "--path", str(former))
    administrator.run("task", "assign_admin_access")
    used = stamped_lead(administrator)
    before = lead(administrator, used)
    granted = "SELECT Id FROM PermissionSetAssignment ORDER BY Id"
    sets = "SELECT Id FROM PermissionSet WHERE Name LIKE 'Speed_to_Lead%' ORDER BY Id"
    assigned, roles = administrator.ids(granted), administrator.ids(sets)

    administrator.run("flow", "deploy_unmanaged")

    after = lead(administrator, used)
    assert {name: after[name] for name in before} == before
    assert {name: before[name] for name in STAMP} == STAMP
    assert before["Time_to_First_Response__c"] == 5.5
    assert administrator.ids(granted) == assigned
    assert set(roles) <= set(administrator.ids(sets))
    is_now = set(named_in(administrator.project / "src"))
    was = set(named_in(former))
    assert was <= is_now, "an upgrade takes nothing away"
    new = {each.name.removeprefix("Lead.") for each in is_now - was if _is_field(each)}
    assert new
    assert new == {name for name in after.keys() - before.keys() if name.endswith("__c")}


def _is_field(component: Component) -> bool:
    return component.type == "CustomField"


def test_a_deploy_that_is_repeated_changes_nothing(administrator, tmp_path):
    """Nothing doubles, no id and no stamp changes, and no component is new the second time."""
    install(administrator)
    used = stamped_lead(administrator)
    stamp, before = lead(administrator, used), look(administrator, *MODIFIED)

    administrator.run("flow", "deploy_unmanaged")
    result = deploy(administrator.org, archive(Path(administrator.project), tmp_path / "again"))

    told = [each for each in result["details"]["componentSuccesses"] if each["componentType"]]
    assert told
    assert [each["fullName"] for each in told if each["created"] or not each["success"]] == []
    assert lead(administrator, used) == stamp
    assert differences(before, look(administrator, *MODIFIED)) == []


# -- fail -----------------------------------------------------------------------------------------


def test_a_user_without_rights_is_told_so_and_changes_nothing(administrator):
    rep = user(administrator.org, administrator.http, "rep1@local.test")
    identity = rep.call("GET", "/services/oauth2/userinfo")
    administrator.environment |= {
        "CUMULUSCI_DISABLE_REFRESH": "True",
        "CUMULUSCI_ORG_rep": json.dumps(
            {
                "access_token": rep.headers["Authorization"].removeprefix("Bearer "),
                "instance_url": administrator.org.instance_url,
                "id": identity["sub"],
                "username": "rep1@local.test",
            }
        ),
    }
    assert administrator.cci("task", "run", "dx_convert_from").returncode == 0
    before = look(administrator)

    for task, *options in (("deploy", "--path", "src"), ("remove_metadata",)):
        told = administrator.failure("task", task, *options, org="rep")
        assert "INSUFFICIENT_ACCESS" in told
        assert "ModifyAllData" in told
    assert differences(before, look(administrator)) == []
