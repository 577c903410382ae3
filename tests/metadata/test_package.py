"""The package is fit to be deployed: it passes every gate, and holds what was agreed."""

from __future__ import annotations

import pytest

from tests.metadata.gates import GATES
from tests.metadata.packing import ROOT
from tests.metadata.source import packaged

AGREED = {
    "Answered__c": "Number",
    "Assignment_Latency_Minutes__c": "Number",
    "Business_Minutes_to_First_Response__c": "Number",
    "First_Response_At__c": "DateTime",
    "First_Response_Source__c": "Picklist",
    "First_Response_User__c": "Lookup",
    "Human_Latency_Minutes__c": "Number",
    "Met_Response_SLA__c": "Number",
    "Minutes_Waiting__c": "Number",
    "Owner_Assigned_At__c": "DateTime",
    "Policy_Version__c": "Text",
    "Response_Clock_Started_At__c": "DateTime",
    "Response_Due_At__c": "DateTime",
    "Response_Segment__c": "Text",
    "Time_to_First_Response__c": "Number",
}
COMPUTED = {
    "Answered__c",
    "Assignment_Latency_Minutes__c",
    "Human_Latency_Minutes__c",
    "Met_Response_SLA__c",
    "Minutes_Waiting__c",
    "Time_to_First_Response__c",
}


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.__name__)
def test_the_project_passes_the_gate(gate):
    assert [str(finding) for finding in gate(ROOT)] == []


def test_the_package_holds_exactly_the_agreed_fields():
    fields = packaged(ROOT, "objects/Lead/fields/*")
    assert {source.name: source.text("type") for source in fields} == AGREED


def test_what_can_be_computed_is_a_formula_and_nothing_else_is():
    fields = packaged(ROOT, "objects/Lead/fields/*")
    assert {source.name for source in fields if source.text("formula")} == COMPUTED


def test_the_guard_rules_are_known_by_their_codes():
    rules = packaged(ROOT, "objects/Lead/validationRules/*")
    codes = [source.text("errorMessage")[:7] for source in rules]
    assert sorted(codes) == ["STL-001", "STL-002", "STL-003", "STL-004"]


def test_the_channel_takes_three_of_the_five_entities_an_org_has():
    members = packaged(ROOT, "platformEventChannelMembers/*")
    entities = [source.text("selectedEntity") for source in members]
    assert entities == ["EmailMessageChangeEvent", "LeadChangeEvent", "TaskChangeEvent"]
