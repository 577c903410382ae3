"""What the org does not take from us stops nothing: another owner, another time, or a place aside."""

from __future__ import annotations

from tests.journeys.deeds import FIVE, a_call, a_lead, later, stamp
from tests.journeys.stage import deploy, wait_for, zipped
from tests.metadata.deploying import manifest, xml

RULE = (
    "<validationRules><fullName>Nobody_Touches_This</fullName><active>true</active>"
    "<errorConditionFormula>AND(NOT(ISNEW()), Company = &quot;Umbrella&quot;)</errorConditionFormula>"
    "<errorMessage>ACME-007: ask Jane Roe first</errorMessage></validationRules>"
)
ENTERPRISE = {"Country": "Germany", "NumberOfEmployees": 500}


def routed(scene, lead):
    wait_for(lambda: scene.lead(lead)["Policy_Version__c"], "the routing")
    return scene.lead(lead)["OwnerId"]


def test_a_lead_whose_owner_has_left_goes_to_the_owner_of_the_route_above(scene):
    scene.sidecar.start()
    scene.listening()
    expected = scene.cast.rep_ids[2]
    assert routed(scene, a_lead(scene, **ENTERPRISE)) == expected
    scene.cast.admin.update("User", expected, IsActive=False)
    lead = a_lead(scene, **ENTERPRISE)
    assert routed(scene, lead) not in (expected, scene.cast.admin)
    assert scene.sidecar.stop() == 0
    told = scene.json("explain", lead)["routing"]
    assert told["outcome"] == "assigned"
    assert told["output"]["owner_id"] == scene.lead(lead)["OwnerId"]
    last = told["trace"][-1]
    assert last["matched"]
    assert last["why"] == f"INACTIVE_OWNER_OR_USER of {expected}"
    assert scene.command("quarantine", "list").stdout.strip() == "nothing"


def test_a_rule_of_the_customer_sets_its_lead_aside_and_no_other_and_names_nobody(scene):
    scene.sidecar.start()
    scene.listening()
    deploy(
        scene.org,
        zipped(
            {
                "package.xml": manifest(ValidationRule="Lead.Nobody_Touches_This"),
                "objects/Lead.object": xml("CustomObject", RULE),
            }
        ),
    )
    refused = scene.cast.system.create("Lead", LastName="Doe", Company="Umbrella")
    taken = a_lead(scene)
    later(scene, FIVE)
    a_call(scene, taken)
    wait_for(lambda: stamp(scene, taken)[0], "the stamp")
    [entry] = wait_for(lambda: scene.json("quarantine", "list") or None, "the quarantine")
    assert (entry["record_id"], entry["reason"]) == (
        refused,
        "FIELD_CUSTOM_VALIDATION_EXCEPTION (ACME-007)",
    )
    assert scene.sidecar.stop() == 0
