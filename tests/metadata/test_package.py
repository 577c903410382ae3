"""The package is fit to be deployed: it passes every gate, and holds what was agreed."""

from __future__ import annotations

import pytest

from tests.metadata.gates import GATES, files, name, root_of, texts
from tests.metadata.packing import ROOT

AGREED = {
    "First_Response_At__c": "DateTime",
    "First_Response_User__c": "Lookup",
    "First_Response_Source__c": "Picklist",
    "Time_to_First_Response__c": "Number",
    "Owner_Assigned_At__c": "DateTime",
    "Assignment_Latency_Minutes__c": "Number",
    "Response_Clock_Started_At__c": "DateTime",
    "Business_Minutes_to_First_Response__c": "Number",
    "Response_Due_At__c": "DateTime",
    "Policy_Version__c": "Text",
}
COMPUTED = {"Time_to_First_Response__c", "Assignment_Latency_Minutes__c"}


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.__name__)
def test_the_package_passes_the_gate(gate):
    assert list(gate(ROOT)) == []


def test_the_package_holds_exactly_the_agreed_fields():
    fields = files(ROOT, "objects/Lead/fields/*")
    assert {name(path): texts(root_of(path), "m:type")[0] for path in fields} == AGREED


def test_the_latencies_are_formulas_and_nothing_else_is():
    fields = files(ROOT, "objects/Lead/fields/*")
    assert {name(path) for path in fields if texts(root_of(path), "m:formula")} == COMPUTED


def test_the_guard_rules_are_known_by_their_codes():
    messages = [
        texts(root_of(path), "m:errorMessage")[0][:7]
        for path in files(ROOT, "objects/Lead/validationRules/*")
    ]
    assert sorted(messages) == ["STL-001", "STL-002"]


def test_the_channel_takes_three_of_the_five_entities_an_org_has():
    members = files(ROOT, "platformEventChannelMembers/*")
    entities = [texts(root_of(path), "m:selectedEntity")[0] for path in members]
    assert entities == ["EmailMessageChangeEvent", "LeadChangeEvent", "TaskChangeEvent"]
