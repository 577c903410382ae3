"""Each gate of the house catches its fault; what the platform refuses is in ``test_agreement``."""

from __future__ import annotations

import pytest

from tests.metadata import gates
from tests.metadata.packing import DEFAULT, project_copy, swap

LEAD = f"{DEFAULT}/objects/Lead"
AT = f"{LEAD}/fields/First_Response_At__c.field-meta.xml"
WHOLE = f"{LEAD}/validationRules/First_Response_Is_Whole.validationRule-meta.xml"
SIDECAR = f"{DEFAULT}/permissionsets/Speed_to_Lead_Sidecar.permissionset-meta.xml"
ADMIN = f"{DEFAULT}/permissionsets/Speed_to_Lead_Admin.permissionset-meta.xml"
MEMBERS = f"{DEFAULT}/platformEventChannelMembers"
MEMBER = f"{MEMBERS}/SpeedToLead_chn_TaskChangeEvent.platformEventChannelMember-meta.xml"


def found(project, gate):
    return "\n".join(gate(project))


def test_the_schema_gate_names_a_wrong_namespace_that_conversion_would_hide(tmp_path):
    project = project_copy(tmp_path / "project")
    swap(project / AT, "2006/04/metadata", "2006/04/metadata/")
    said = found(project, gates.schema)
    assert said.startswith("First_Response_At__c.field-meta.xml:")
    assert "Element CustomField invalid at this location" in said


def test_the_cross_reference_gate_misses_a_folder(tmp_path):
    project = project_copy(tmp_path / "project")
    (project / DEFAULT / "reports" / "SalesOpsKPIs.reportFolder-meta.xml").unlink()
    assert "Cannot find folder:SalesOpsKPIs" in found(project, gates.cross_references)


def test_the_cross_reference_gate_counts_the_entities_of_all_channels(tmp_path):
    project = project_copy(tmp_path / "project")
    for entity in ("Case", "Contact", "Account"):
        event = f"{entity}ChangeEvent"
        twin = project / MEMBERS / f"SpeedToLead_chn_{event}.platformEventChannelMember-meta.xml"
        body = (project / MEMBER).read_text(encoding="utf-8")
        head, tail = body.split("<enrichedFields>", 1)[0], body.rpartition("</enrichedFields>")[2]
        twin.write_text(head + tail.replace("TaskChangeEvent", event), encoding="utf-8")
    assert "maximum number of 5 selected entities" in found(project, gates.cross_references)


@pytest.mark.parametrize(
    ("gate", "file", "old", "new", "words"),
    [
        (gates.descriptions, AT, "<inlineHelpText>The", "<inlineHelpText>An", "same sentence"),
        (gates.names, AT, "<fullName>First_Response_At__c", "<fullName>At__c", "not the file name"),
        (gates.names, MEMBER, ">TaskChangeEvent<", ">EventChangeEvent<", "expected the name"),
        (gates.codes, WHOLE, "STL-002: ", "", "must begin with a code"),
        (gates.codes, WHOLE, "STL-002", "STL-001", "code STL-001 is already that of"),
        (gates.grants, SIDECAR, "Event.WhoId", "Event.WhatId", "Task and Event go together"),
        (gates.grants, AT, "<type>", "<formula>NOW()</formula><type>", "cannot be editable"),
        (gates.project_files, "sfdx-project.json", "force-app", "unpackaged", "only force-app"),
        (gates.project_files, "orgs/dev.json", '"Developer"', '"Developper"', "unknown edition"),
        (gates.project_files, "orgs/dev.json", "securitySettings", "security", "named …Settings"),
    ],
)
def test_the_house_rules_name_the_fault(tmp_path, gate, file, old, new, words):  # noqa: PLR0917
    project = project_copy(tmp_path / "project")
    swap(project / file, old, new)
    assert words in found(project, gate)


def test_a_role_without_a_description_is_named(tmp_path):
    project = project_copy(tmp_path / "project")
    body = (project / ADMIN).read_text(encoding="utf-8")
    [line] = [line for line in body.splitlines() if "<description>" in line]
    swap(project / ADMIN, line, "")
    assert "Speed_to_Lead_Admin.permissionset-meta.xml: a role" in found(
        project, gates.descriptions
    )


def test_a_field_that_no_role_may_see_is_named(tmp_path):
    project = project_copy(tmp_path / "project")
    twin = project / LEAD / "fields" / "New__c.field-meta.xml"
    body = (project / AT).read_text(encoding="utf-8")
    twin.write_text(body.replace("First_Response_At__c", "New__c"), encoding="utf-8")
    assert "Lead.New__c: no permission set lets anybody see it" in found(project, gates.grants)
