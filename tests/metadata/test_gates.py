"""Each gate catches its fault: one thing is broken in a copy of the package, and it is named."""

from __future__ import annotations

import pytest

from tests.metadata import gates
from tests.metadata.packing import DEFAULT, project_copy, swap

LEAD = f"{DEFAULT}/objects/Lead"
AT = f"{LEAD}/fields/First_Response_At__c.field-meta.xml"
TTFR = f"{LEAD}/fields/Time_to_First_Response__c.field-meta.xml"
EARLIER = f"{LEAD}/validationRules/First_Response_Only_Earlier.validationRule-meta.xml"
WHOLE = f"{LEAD}/validationRules/First_Response_Is_Whole.validationRule-meta.xml"
REPORT = f"{DEFAULT}/reports/SalesOpsKPIs/Lead_TTFR.report-meta.xml"
SIDECAR = f"{DEFAULT}/permissionsets/Speed_to_Lead_Sidecar.permissionset-meta.xml"
ADMIN = f"{DEFAULT}/permissionsets/Speed_to_Lead_Admin.permissionset-meta.xml"
MEMBERS = f"{DEFAULT}/platformEventChannelMembers"
MEMBER = f"{MEMBERS}/SpeedToLead_chn_TaskChangeEvent.platformEventChannelMember-meta.xml"
FORMULA = (
    "<aggregates><calculatedFormula>{}</calculatedFormula><datatype>number</datatype>"
    "<developerName>FORMULA1</developerName><isActive>true</isActive><masterLabel>x</masterLabel>"
    "<scale>2</scale></aggregates><buckets>"
)
DOUBLED = "<scope>org</scope><columns><field>STATUS</field></columns>"
NESTED = "<sortOrder>Asc</sortOrder><groupings><field>OWNER</field></groupings>"
COLUMN = "<columns><field>Lead.First_Response_Source__c</field></columns><columns>"


def found(project, gate):
    return "\n".join(gate(project))


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (AT, "</CustomField>", "", "Error parsing file"),
        (
            AT,
            "2006/04/metadata",
            "2006/04/metadata/",
            "Element CustomField invalid at this location",
        ),
        (
            AT,
            "<required>false</required>",
            "<requierd>false</requierd>",
            "Element requierd invalid at this location in type CustomField",
        ),
        (AT, "<type>DateTime", "<type>Datetime", "'Datetime' is not a valid value for the enum"),
        (AT, "<externalId>false", "<externalId>no", "'no' is not a valid value for the type"),
        (TTFR, "<scale>2", "<scale>two", "'two' is not a valid value for the type xsd:int"),
        (AT, "<label>", "<label>a</label><label>", "Element label is duplicated at this location"),
        (EARLIER, "<active>true</active>", "", "Required field is missing: active"),
        (REPORT, "<format>Summary", "<format>Joined", "'Joined' is not a valid value for the enum"),
        (REPORT, "INTERVAL_LAST30", "INTERVAL_LAST30DAYS", "'INTERVAL_LAST30DAYS' is not a valid"),
        (REPORT, "<operator>notEqual", "<operator>notBlank", "'notBlank' is not a valid value"),
        (REPORT, "<scope>org</scope>", DOUBLED, "Element columns is duplicated at this location"),
        (REPORT, "<reportType>LeadList</reportType>", "", "Required field is missing: reportType"),
        (
            REPORT,
            "<sortOrder>Asc</sortOrder>",
            NESTED,
            "Element groupings invalid at this location",
        ),
        (MEMBER, "<selectedEntity>", "<label>x</label><selectedEntity>", "Element label invalid"),
    ],
)
def test_the_schema_gate_names_file_line_and_fault(tmp_path, file, old, new, words):
    project = project_copy(tmp_path / "project")
    swap(project / file, old, new)
    said = found(project, gates.schema)
    assert words in said
    assert said.startswith(f"{(project / file).name}:")


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (REPORT, "<columns>", COLUMN, "a grouping cannot also be a column"),
        (REPORT, "<format>Summary", "<format>Tabular", "Tabular reports"),
        (REPORT, "<scope>org", "<scope>organization", "scope: Invalid value"),
        (REPORT, "<field>LAST_NAME", "<field>LEAD_ID", "columns-field: Invalid value"),
        (REPORT, "Lead.First_Response_User__c", "Lead.First_Responder__c", "First_Responder__c"),
        (REPORT, "<dateGranularity>None", "<dateGranularity>Day", "only a date"),
        (REPORT, "<buckets>", FORMULA.format("Lead.Time_to_First_Response__c:MED"), "MED"),
        (REPORT, "<buckets>", FORMULA.format("Time_to_First_Response__c:AVG"), "Invalid value"),
        (
            SIDECAR,
            "Lead.Policy_Version__c",
            "Lead.Policy__c",
            "no CustomField named Lead.Policy__c",
        ),
        (ADMIN, "Speed_to_Lead_Override", "Speed_to_Lead_Bypass", "no CustomPermission named"),
        (AT, "<required>false", "<required>true", "You cannot deploy to a required field"),
        (AT, "<trackHistory>false", "<trackHistory>true", "does not have history tracking enabled"),
        (MEMBER, "SpeedToLead__chn", "data/ChangeEvents", "Unable to find the specified channel"),
        (MEMBER, ">TaskChangeEvent<", ">Task<", 'invalid event in the "selectedEntity" field'),
        (
            MEMBER,
            "<name>OwnerId",
            "<name>Owner.Name",
            "The selected field, Owner.Name, isn't valid",
        ),
        (
            EARLIER,
            "ISCHANGED(First_Response_At__c)",
            "ISCHANGED(Nope__c)",
            "Field Nope__c does not",
        ),
        (EARLIER, "$Permission.Speed_to_Lead_Override", "$Permission.Nope", "$Permission.Nope"),
        (TTFR, "Response_Clock_Started_At__c", "Clock__c", "Field Clock__c does not exist"),
        (EARLIER, "STL-001: ", "STL-001: " + "x" * 250, "Error Message: data value too large"),
        (REPORT, "<name>Lead", "<name>" + "x" * 40, "Report Name: data value too large"),
    ],
)
def test_the_cross_reference_gate_names_the_fault(tmp_path, file, old, new, words):
    project = project_copy(tmp_path / "project")
    swap(project / file, old, new)
    assert words in found(project, gates.cross_references)


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
