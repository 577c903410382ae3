"""Source format becomes Metadata API format without Node, file for file as sf writes it."""

from __future__ import annotations

import pytest

from speed_to_lead.cci.source_format import convert
from speed_to_lead.errors import UsageError
from tests.metadata.packing import ROOT, converted, project_copy, swap

DEFAULT = "force-app/main/default"
FIELDS = f"{DEFAULT}/objects/Lead/fields"
REPORTS = (
    "Answered_Share",
    "Evidence_by_Kind",
    "Lead_TTFR",
    "Lead_TTFR_By_Owner",
    "Lead_TTFR_By_Segment",
    "Lead_TTFR_By_Team",
    "Leads_Awaiting_Response",
    "Routing_and_People",
    "SLA_Attainment",
)


def test_the_package_becomes_one_file_for_each_component_but_one_for_an_object(tmp_path):
    assert sorted(converted(ROOT, tmp_path / "src")) == [
        "customPermissions/Speed_to_Lead_Override.customPermission",
        "dashboards/SalesOpsKPIs-meta.xml",
        "dashboards/SalesOpsKPIs/Sales_Ops_KPIs.dashboard",
        "objects/Lead.object",
        "package.xml",
        "permissionsetgroups/Speed_to_Lead_Administrators.permissionsetgroup",
        *(
            f"permissionsets/Speed_to_Lead_{role}.permissionset"
            for role in ("Admin", "Analyst", "Sidecar", "Sidecar_Private_Sharing")
        ),
        *(
            f"platformEventChannelMembers/SpeedToLead_chn_{event}.platformEventChannelMember"
            for event in ("EmailMessageChangeEvent", "LeadChangeEvent", "TaskChangeEvent")
        ),
        "platformEventChannels/SpeedToLead__chn.platformEventChannel",
        "reportTypes/Leads_with_Response_Metrics.reportType",
        "reports/SalesOpsKPIs-meta.xml",
        *(f"reports/SalesOpsKPIs/{name}.report" for name in REPORTS),
    ]


def test_package_xml_names_every_component_and_folders_with_a_slash(tmp_path):
    manifest = converted(ROOT, tmp_path / "src")["package.xml"].decode()
    for member in (
        "Lead.First_Response_At__c",
        "Lead.First_Response_Only_Earlier",
        "SalesOpsKPIs/",
        "SalesOpsKPIs/Lead_TTFR",
        "SpeedToLead__chn",
    ):
        assert f"<members>{member}</members>" in manifest
    assert "<version>66.0</version>" in manifest
    assert "<name>CustomObject</name>" not in manifest


def test_an_object_file_holds_its_own_settings_and_its_children(tmp_path):
    project = project_copy(tmp_path / "project")
    own = project / DEFAULT / "objects" / "Lead" / "Lead.object-meta.xml"
    own.write_text(
        '<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata">'
        "<enableHistory>true</enableHistory></CustomObject>",
        encoding="utf-8",
    )
    files = converted(project, tmp_path / "src")
    body = files["objects/Lead.object"].decode()
    assert body.index("<enableHistory>true") < body.index("<fields>\n        <fullName>")
    assert body.count("<label>Minutes Waiting</label>") == 1
    assert body.count("<validationRules>") == 4
    assert "<members>Lead</members>" in files["package.xml"].decode()


def test_formulas_keep_their_lines_and_their_entities(tmp_path):
    body = converted(ROOT, tmp_path / "src")["objects/Lead.object"].decode()
    assert "NULL,\n  IF((First_Response_At__c" in body
    assert "* 86400 &lt; -60.5" in body


def test_the_target_is_emptied_first(tmp_path):
    target = tmp_path / "src"
    target.mkdir()
    (target / "stale.txt").write_text("old", encoding="utf-8")
    written = convert(ROOT, target)
    assert not (target / "stale.txt").exists()
    assert len(written) == len(set(written)) == 25


def test_a_file_that_is_not_well_formed_is_named_with_its_line(tmp_path):
    project = project_copy(tmp_path / "project")
    swap(project / FIELDS / "First_Response_At__c.field-meta.xml", "</CustomField>", "")
    with pytest.raises(UsageError, match=r"First_Response_At__c\.field-meta\.xml:\d+: not well"):
        convert(project, tmp_path / "src")


def test_a_suffix_of_no_known_type_is_named(tmp_path):
    project = project_copy(tmp_path / "project")
    (project / DEFAULT / "unicorns").mkdir()
    (project / DEFAULT / "unicorns" / "U.unicorn-meta.xml").write_text("<U/>", encoding="utf-8")
    with pytest.raises(UsageError, match=r"no metadata type has files named \*\.unicorn-meta"):
        convert(project, tmp_path / "src")
