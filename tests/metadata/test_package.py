"""The package explains itself: every field has one sentence, one owner of its name, and a reader."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "force-app" / "main" / "default"
NS = {"m": "http://soap.sforce.com/2006/04/metadata"}
FIELDS = sorted((PACKAGE / "objects" / "Lead" / "fields").glob("*.field-meta.xml"))
RULES = sorted((PACKAGE / "objects" / "Lead" / "validationRules").glob("*.validationRule-meta.xml"))
PERMISSION_SETS = sorted((PACKAGE / "permissionsets").glob("*.permissionset-meta.xml"))
AGREED = {
    "First_Response_At__c",
    "First_Response_User__c",
    "First_Response_Source__c",
    "Time_to_First_Response__c",
    "Owner_Assigned_At__c",
    "Assignment_Latency_Minutes__c",
    "Response_Clock_Started_At__c",
    "Business_Minutes_to_First_Response__c",
    "Response_Due_At__c",
    "Policy_Version__c",
}


def read(path):
    return etree.parse(str(path), etree.XMLParser(resolve_entities=False, no_network=True)).getroot()


def texts(root, path):
    return [found.text or "" for found in root.iterfind(path, NS)]


def name(path):
    return path.name.split(".")[0]


def test_the_package_holds_exactly_the_agreed_fields():
    assert {name(path) for path in FIELDS} == AGREED


@pytest.mark.parametrize("path", FIELDS + RULES, ids=name)
def test_a_component_is_named_as_its_file(path):
    assert texts(read(path), "m:fullName") == [name(path)]


@pytest.mark.parametrize("path", FIELDS, ids=name)
def test_description_and_help_text_are_the_same_one_sentence(path):
    [description], [help_text] = texts(read(path), "m:description"), texts(read(path), "m:inlineHelpText")
    assert description == help_text
    assert description.endswith(".")
    assert ". " not in description
    assert len(description) <= 510


@pytest.mark.parametrize("path", FIELDS, ids=name)
def test_some_permission_set_grants_sight_of_the_field(path):
    granted = {
        column
        for permission_set in PERMISSION_SETS
        for column in texts(read(permission_set), "m:fieldPermissions[m:readable='true']/m:field")
    }
    assert f"Lead.{name(path)}" in granted


@pytest.mark.parametrize("path", PERMISSION_SETS, ids=name)
def test_no_permission_set_lets_anybody_edit_a_formula(path):
    formulas = {f"Lead.{name(field)}" for field in FIELDS if texts(read(field), "m:formula")}
    editable = set(texts(read(path), "m:fieldPermissions[m:editable='true']/m:field"))
    assert not formulas & editable


def test_each_guard_rule_refuses_with_a_code_of_its_own():
    codes = [re.match(r"(STL-\d{3}): ", texts(read(path), "m:errorMessage")[0]) for path in RULES]
    assert sorted(code[1] for code in codes if code) == ["STL-001", "STL-002"]


def test_the_channel_takes_three_of_the_five_entities_an_org_has():
    members = PACKAGE / "platformEventChannelMembers"
    entities = [texts(read(path), "m:selectedEntity")[0] for path in sorted(members.iterdir())]
    assert entities == ["EmailMessageChangeEvent", "LeadChangeEvent", "TaskChangeEvent"]
