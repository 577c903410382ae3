"""Each rule is shown to catch its fault, in the file and on the line where it was seeded.

What the platform refuses is in ``test_agreement``; what only its own types know, in
``tests/clients/test_metadata_schema.py``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.metadata import gates, wording
from tests.metadata.deployed import bundles, cross_references
from tests.metadata.deploying import manifest
from tests.metadata.packing import DEFAULT, ROOT, project_copy, swap
from tests.metadata.spare import component

LEAD = f"{DEFAULT}/objects/Lead"
AT = f"{LEAD}/fields/First_Response_At__c.field-meta.xml"
USER = f"{LEAD}/fields/First_Response_User__c.field-meta.xml"
TTFR = f"{LEAD}/fields/Time_to_First_Response__c.field-meta.xml"
EARLIER = f"{LEAD}/validationRules/First_Response_Only_Earlier.validationRule-meta.xml"
WHOLE = f"{LEAD}/validationRules/First_Response_Is_Whole.validationRule-meta.xml"
SIDECAR = f"{DEFAULT}/permissionsets/Speed_to_Lead_Sidecar.permissionset-meta.xml"
ADMIN = f"{DEFAULT}/permissionsets/Speed_to_Lead_Admin.permissionset-meta.xml"
GROUP = f"{DEFAULT}/permissionsetgroups/Speed_to_Lead_Administrators.permissionsetgroup-meta.xml"
OVERRIDE = f"{DEFAULT}/customPermissions/Speed_to_Lead_Override.customPermission-meta.xml"
MEMBERS = f"{DEFAULT}/platformEventChannelMembers"
MEMBER = f"{MEMBERS}/SpeedToLead_chn_TaskChangeEvent.platformEventChannelMember-meta.xml"
REPORT = f"{DEFAULT}/reports/SalesOpsKPIs/Leads_Awaiting_Response.report-meta.xml"
TYPE = f"{DEFAULT}/reportTypes/Leads_with_Response_Metrics.reportType-meta.xml"
DASHBOARD = f"{DEFAULT}/dashboards/SalesOpsKPIs/Sales_Ops_KPIs.dashboard-meta.xml"
BUNDLE = "unpackaged/config/spare"
CONNECTED = f"{BUNDLE}/connectedApps/Spare.connectedApp"
APP = f"{BUNDLE}/externalClientApps/Spare.eca"
POLICIES = f"{BUNDLE}/extlClntAppOauthPolicies/Spare.ecaOauthPlcy"
TOPIC = f"{BUNDLE}/managedEventSubscriptions/Spare.managedEventSubscription"
MAPPING = f"{BUNDLE}/LeadConvertSettings/LeadConvertSettings.LeadConvertSetting"
DEV = "orgs/dev.json"

ADDED = {
    f"{BUNDLE}/package.xml": manifest(
        ConnectedApp="Spare",
        ExternalClientApplication="Spare",
        ExtlClntAppOauthConfigurablePolicies="Spare",
        LeadConvertSettings="LeadConvertSettings",
        ManagedEventSubscription="Spare",
    ),
    APP: component(
        "ExternalClientApplication",
        """    <contactEmail>a@example.com</contactEmail>
    <description>Spare.</description>
    <distributionState>Local</distributionState>
    <label>Spare</label>""",
    ),
    CONNECTED: component(
        "ConnectedApp",
        """    <contactEmail>a@example.com</contactEmail>
    <description>Spare.</description>
    <label>Spare</label>
    <permissionSetName>Speed_to_Lead_Sidecar</permissionSetName>""",
    ),
    POLICIES: component(
        "ExtlClntAppOauthConfigurablePolicies",
        """    <commaSeparatedPermissionSet>Speed_to_Lead_Sidecar</commaSeparatedPermissionSet>
    <externalClientApplication>Spare</externalClientApplication>
    <label>Spare</label>""",
    ),
    TOPIC: component(
        "ManagedEventSubscription",
        """    <defaultReplay>LATEST</defaultReplay>
    <errorRecoveryReplay>EARLIEST</errorRecoveryReplay>
    <label>Spare</label>
    <state>RUN</state>
    <topicName>/data/SpeedToLead__chn</topicName>
    <version>66.0</version>""",
    ),
    MAPPING: component(
        "LeadConvertSettings",
        """    <allowOwnerChange>true</allowOwnerChange>
    <objectMapping>
        <inputObject>Lead</inputObject>
        <mappingFields>
            <inputField>Policy_Version__c</inputField>
            <outputField>Description</outputField>
        </mappingFields>
        <outputObject>Contact</outputObject>
    </objectMapping>
    <opportunityCreationOptions>VisibleOptional</opportunityCreationOptions>""",
    ),
}
"""A bundle beside the package."""


@dataclass(frozen=True)
class Fault:
    """One change of one file, by which rule it is found, in which words and on which line."""

    rule: str
    file: str
    old: str
    new: str
    words: str
    place: str | None = ""
    """Text on the line to blame, the nearest to the change; None when it is the whole file."""

    def seed(self, project: Path) -> int:
        """Break a copy of the project; return the line on which the fault must be found."""
        path = project / self.file
        content = path.read_bytes().decode()
        match = re.search(self.old, content, re.DOTALL)
        assert match is not None, f"{path.name} does not hold {self.old!r}"
        path.write_bytes(re.sub(self.old, self.new, content, count=1, flags=re.DOTALL).encode())
        line = content.count("\n", 0, match.start())
        lines = path.read_text(encoding="utf-8").split("\n")
        if self.place:
            near = [n for n, each in enumerate(lines) if self.place in each]
            line = min(near, key=lambda n: abs(n - line))
        return 1 if self.place is None else line + 1

    def __str__(self) -> str:
        return f"{self.rule}: {Path(self.file).name.split('.')[0]}: {self.words[:40]}"


SAID = "    <description>.*?</description>\n"
LABEL = "<label>First Response At</label>"
REQUIRED = "    <required>false</required>\n"
EXTERNAL = "    <externalId>false</externalId>\n"
UNEDITABLE = "<editable>false</editable>\n        <field>Lead.Answered__c"
ABOVE = "<fieldPermissions>"
COMPONENT = "<dashboardComponent>"
PERMISSION = "<userPermissions>"
MEDIAN = "<header>Median minutes to first response</header>"
LOW, HIGH = "<indicatorLowColor>#00716B", "<indicatorLowColor>#C23934"
LOGGED_IN = "<dashboardType>LoggedInUser</dashboardType>"

FAULTS = (
    Fault("xml", AT, "</CustomField>", "</CustomFeild>", "Error parsing file"),
    Fault("xml", DASHBOARD, "<footer>", "<foter>", "Error parsing file"),
    Fault("schema", AT, "2006/04/metadata", "2006/04/metadata/", "Element CustomField invalid at"),
    Fault("schema", MAPPING, "<inputField>", "<field>x</field><inputField>", "Element field invalid"),
    Fault("schema", TOPIC, "<state>RUN", "<state>PAUSED", "'PAUSED' is not a valid value"),
    Fault("deploy", TTFR, "CreatedDate", "Created__c", "Field Created__c does not exist", "<formula>"),
    Fault("deploy", REPORT, "<field>OWNER", "<field>LEAD_OWNER", "columns-field: Invalid value"),
    Fault("description", EARLIER, SAID, "", "no description", None),
    Fault("description", OVERRIDE, SAID, "", "no description", None),
    Fault("description", REPORT, SAID, "", "no description", None),
    Fault("description", DASHBOARD, SAID, "", "no description", None),
    Fault("description", TYPE, SAID, "", "no description", None),
    Fault("description", ADMIN, SAID, "", "no description", None),
    Fault("description", GROUP, SAID, "", "no description", None),
    Fault("help-text", AT, "<inlineHelpText>The", "<inlineHelpText>An", "the same sentence"),
    Fault("help-text", AT, "</description>", " And so on.</description>", "expected one sentence"),
    Fault("classification", AT, "Classification>Internal", "Classification>Secret", "'Secret'"),
    Fault("classification", USER, "PII;GDPR", "", "names a person", "<referenceTo>"),
    Fault("length", AT, LABEL, f"<label>{'x' * 41}</label>", "Label: data value too large"),
    Fault("length", TYPE, "<description>", f"<description>{'x' * 255}", "Description: data value"),
    Fault("length", DASHBOARD, "<title>", f"<title>{'x' * 80}", "Title: data value too large"),
    Fault("order", AT, LABEL, "<unique/>", "required stands before", "<required>"),
    Fault("order", AT, "<fullName>(.*?)</fullName>", r"<active/><fullName>\1</fullName>", "fullName stands"),
    Fault("order", MAPPING, "<inputObject>Lead</inputObject>", "<outputObject/>", "by name", "<mappingF"),
    Fault("order", SIDECAR, "<name>ViewAllData", "<name>AViewAll", "before ApiEnabled", PERMISSION),
    Fault("format", AT, EXTERNAL, EXTERNAL[1:], "expected externalId on a line of its own, 4 in"),
    Fault("format", AT, EXTERNAL, EXTERNAL.replace("\n", " \n"), "ends in blanks"),
    Fault("format", AT, EXTERNAL, EXTERNAL.replace("\n", "\r\n"), "ends in a carriage return"),
    Fault("format", AT, EXTERNAL, EXTERNAL.rstrip(), "expected inlineHelpText on a line of its own"),
    Fault("format", AT, "</CustomField>\n", "</CustomField>", "not end in one newline", "</CustomField>"),
    Fault("format", AT, ' encoding="UTF-8"', "", "the first line is not"),
    Fault("format", MAPPING, "    <allowOwnerChange>", "\t<allowOwnerChange>", "on a line of its own"),
    Fault("name", AT, "<fullName>First_Response_At__c", "<fullName>At__c", "not the file name"),
    Fault("name", MEMBER, ">TaskChangeEvent<", ">EventChangeEvent<", "expected the name"),
    Fault("code", WHOLE, "STL-002: ", "", "must begin with a code"),
    Fault("code", EARLIER, "STL-001", "STL-002", "code STL-002 is already that of"),
    Fault("grant", SIDECAR, "Event.WhoId", "Event.WhatId", "Event.WhatId without Task", "<fieldPermissions>"),
    Fault("grant", SIDECAR, UNEDITABLE, UNEDITABLE.replace("false", "true"), "cannot be editable", ABOVE),
    Fault("grant", GROUP, "Speed_to_Lead_Analyst", "Speed_to_Lead_Sidecar", "not belong in a group"),
    Fault("grant", GROUP, "</label>", "</label><status>Updated</status>", "the platform's to say"),
    Fault("deploy", MAPPING, "Policy_Version__c", "Version__c", "no CustomField named Lead.Version__c"),
    Fault("deploy", MAPPING, "<outputField>De", "<outputField>Pre", "named Contact.Prescription"),
    Fault("deploy", POLICIES, "Speed_to_Lead_Sidecar", "Sidecar", "no PermissionSet named Sidecar"),
    Fault("deploy", CONNECTED, "Speed_to_Lead_Sidecar", "Sidecar", "no PermissionSet named Sidecar"),
    Fault("deploy", TOPIC, "SpeedToLead__chn", "Speed__chn", "/data/Speed__chn isn't valid"),
    Fault("description", APP, SAID, "", "no description", None),
    Fault("footer", DASHBOARD, "<footer>.*?</footer>", "<footer/><title/>", "says nowhere", COMPONENT),
    Fault("footer", DASHBOARD, "<footer>", f"<footer>{'x' * 255}", "Footer: data value too large"),
    Fault("running-user", DASHBOARD, LOGGED_IN, LOGGED_IN.replace("LoggedIn", "Specified"), "expected"),
    Fault("running-user", DASHBOARD, "<textColor>", "<runningUser>a</runningUser><textColor>", "one org"),
    Fault("colours", DASHBOARD, LOW, HIGH, "green belongs to the low end"),
    Fault("colours", DASHBOARD, HIGH, LOW, "green belongs to the high end"),
    Fault("colours", DASHBOARD, "Breakpoint1>5.0", "Breakpoint1>90.0", "do not rise", "<indicatorLowColor>"),
    Fault("trend", DASHBOARD, "<sortBy>RowLabelAsc", "<sortBy>RowLabelDesc", "both rise"),
    Fault("project", "sfdx-project.json", '"force-app"', '"unpackaged"', "only force-app"),
    Fault("project", DEV, '"Developer"', '"Developper"', "unknown edition"),
    Fault("project", DEV, "securitySettings", "security", "named …Settings"),
    Fault("project", DEV, "Speed to Lead - ", "", "what the org is for"),
)  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a copy of the project with a bundle added, for the tests to break and mend."""
    copy = project_copy(tmp_path_factory.mktemp("gates") / "project")
    for name, body in ADDED.items():
        path = copy / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")
    return copy


@pytest.fixture
def broken(project, request):
    """Return the project with one fault in it, and take it back afterwards."""
    fault: Fault = request.param
    path = project / fault.file
    before = path.read_bytes()
    yield project, fault, fault.seed(project)
    path.write_bytes(before)


def test_the_untouched_project_passes_with_the_bundle_added(project):
    assert [str(finding) for finding in gates.findings(project)] == []


@pytest.mark.parametrize("broken", FAULTS, indirect=True, ids=str)
def test_the_rule_catches_its_fault_where_it_was_seeded(broken):
    project, fault, line = broken
    found = gates.findings(project)
    [hit, *_] = [f for f in found if (f.path, f.rule) == (fault.file, fault.rule)] or found
    assert (hit.path, hit.line, hit.rule) == (fault.file, line, fault.rule)
    assert fault.words in hit.message


def test_every_rule_is_shown_to_catch_a_fault():
    elsewhere = {"model"}  # tests/clients/test_metadata_schema.py
    assert {fault.rule for fault in FAULTS} | elsewhere == set(gates.RULES)


def test_what_schema_and_org_say_alike_is_told_once(project):
    fault = Fault("length", AT, LABEL, f"<label>{'x' * 41}</label>", "")
    before = (project / AT).read_bytes()
    fault.seed(project)
    told = [f.rule for f in gates.findings(project) if "data value too large" in f.message]
    (project / AT).write_bytes(before)
    assert told == ["length"]


def test_a_bundle_that_comes_first_may_not_name_what_the_package_brings(tmp_path):
    project = project_copy(tmp_path / "project")
    early = project / "unpackaged" / "pre" / "early"
    name = "permissionsets/Early.permissionset"
    body = (project / ADMIN).read_text(encoding="utf-8")
    (early / "permissionsets").mkdir(parents=True)
    (early / "package.xml").write_text(manifest(PermissionSet="Early"), encoding="utf-8")
    (early / name).write_text(body, encoding="utf-8")
    [said] = bundles(project)
    assert said.path == f"unpackaged/pre/early/{name}"
    assert "no CustomField named Lead.Answered__c found" in said.message
    assert "Lead.Answered__c" in body.splitlines()[said.line - 1]


def test_a_bundle_in_source_format_is_told_of_by_its_own_files(tmp_path):
    project = project_copy(tmp_path / "project")
    rule = (
        project / "unpackaged/post/late/objects/Lead/validationRules/Late.validationRule-meta.xml"
    )
    rule.parent.mkdir(parents=True)
    body = (project / WHOLE).read_text(encoding="utf-8").replace("First_Response_Is_Whole", "Late")
    rule.write_text(body, encoding="utf-8")
    assert list(bundles(project)) == []
    swap(rule, "ISBLANK(First_Response_At__c)", "ISBLANK(First__c)")
    [said] = bundles(project)
    assert said.path == rule.relative_to(project).as_posix()
    assert body.splitlines()[said.line - 1].strip().startswith("<errorConditionFormula>")


def test_a_field_inside_the_file_of_its_object_is_judged_like_any_other(tmp_path):
    project = project_copy(tmp_path / "project")
    objects = project / "unpackaged" / "post" / "late" / "objects"
    objects.mkdir(parents=True)
    body = (
        (project / AT)
        .read_text(encoding="utf-8")
        .split("\n", 1)[1]
        .replace("CustomField", "fields")
    )
    inner = re.sub(r"<inlineHelpText>.*?</inlineHelpText>|<securityC.*?>.*?</.*?>", "", body)
    whole = component(
        "CustomObject", inner.replace(' xmlns="http://soap.sforce.com/2006/04/metadata"', "")
    )
    (objects / "Contact.object").write_text(whole, encoding="utf-8")
    said = {
        f.rule: f.line for f in (*wording.help_texts(project), *wording.classifications(project))
    }
    assert said == {"help-text": 3, "classification": 3}


def test_a_missing_folder_is_blamed_on_what_stands_in_it(tmp_path):
    project = project_copy(tmp_path / "project")
    (project / DEFAULT / "reports" / "SalesOpsKPIs.reportFolder-meta.xml").unlink()
    found = [f for f in cross_references(project) if "Cannot find folder" in f.message]
    assert f"{DEFAULT}/reports/SalesOpsKPIs/Lead_TTFR.report-meta.xml" in {f.path for f in found}


def test_a_file_of_no_type_is_named(tmp_path):
    project = project_copy(tmp_path / "project")
    (project / OVERRIDE).rename(project / OVERRIDE.replace(".customPermission-", ".permission-"))
    [said] = [str(f) for f in cross_references(project)]
    assert said.startswith(OVERRIDE.replace(".customPermission-", ".permission-") + ":1: deploy no")


def test_the_entities_of_all_channels_are_counted(tmp_path):
    project = project_copy(tmp_path / "project")
    body = (project / MEMBER).read_text(encoding="utf-8")
    head, tail = body.split("<enrichedFields>", 1)[0], body.rpartition("</enrichedFields>")[2]
    for entity in ("Case", "Contact", "Account"):
        event = f"{entity}ChangeEvent"
        twin = project / MEMBERS / f"SpeedToLead_chn_{event}.platformEventChannelMember-meta.xml"
        twin.write_text(head + tail.replace("TaskChangeEvent", event), encoding="utf-8")
    said = "\n".join(map(str, cross_references(project)))
    assert "maximum number of 5 selected entities" in said


def test_a_field_that_no_role_may_see_is_named(tmp_path):
    project = project_copy(tmp_path / "project")
    twin = project / LEAD / "fields" / "New__c.field-meta.xml"
    body = (project / AT).read_text(encoding="utf-8")
    twin.write_text(body.replace("First_Response_At__c", "New__c"), encoding="utf-8")
    said = [str(f) for f in gates.grants(project)]
    assert said == [
        f"{LEAD}/fields/New__c.field-meta.xml:1: grant no permission set lets anybody see Lead.New__c"
    ]


def test_the_command_prints_the_findings_and_fails_when_there_are_any(tmp_path):
    project = project_copy(tmp_path / "project")
    swap(project / WHOLE, "STL-002: ", "")
    command = [sys.executable, "-m", "tests.metadata", str(project)]
    environment = {"PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    line = (project / WHOLE).read_text("utf-8").split("<errorMessage>")[0].count("\n") + 1
    said = f"{WHOLE}:{line}: code the message must begin with a code such as 'STL-001: '\n"
    assert done.stdout == said
