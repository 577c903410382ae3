"""A component that is wrong fails by name, with line, column and the platform's wording."""

from __future__ import annotations

import pytest

from tests.metadata.deploying import Admin, manifest, xml

pytestmark = pytest.mark.documented("facts/metadata.md 4 and 5; real-clients.md 5.9, M3")


@pytest.fixture
def admin():
    return Admin()


@pytest.fixture
def packaged(admin, tmp_path):
    assert admin.deploy_package(tmp_path / "src").success
    return admin


def field(content, name="Score__c"):
    body = f"<fields>\n<fullName>{name}</fullName>\n{content}\n</fields>"
    return {
        "package.xml": manifest(CustomField=f"Lead.{name}"),
        "objects/Lead.object": xml("CustomObject", body),
    }


TEXT = "<label>Score</label><length>10</length><type>Text</type>"


@pytest.mark.parametrize(
    ("content", "problem", "place"),
    [
        (
            f"<requierd>false</requierd>\n{TEXT}",
            "Element requierd invalid at this location in type CustomField",
            (5, 1),
        ),
        (
            TEXT.replace("Text", "Txet"),
            "'Txet' is not a valid value for the enum 'FieldType'",
            (5, 40),
        ),
        (
            f"<label>A</label>\n{TEXT}",
            "Element label is duplicated at this location in type CustomField",
            (6, 1),
        ),
        (TEXT.replace("10", "ten"), "'ten' is not a valid value for the type xsd:int", (5, 21)),
        (
            f"<externalId>no</externalId>{TEXT}",
            "'no' is not a valid value for the type xsd:boolean",
            (5, 1),
        ),
        ("<length>10</length><type>Text</type>", "Required field is missing: label", (3, 1)),
        ("<label>Score</label>", "Required field is missing: type", (3, 1)),
    ],
    ids=["unknown", "enum", "doubled", "int", "boolean", "no label", "no type"],
)
def test_a_field_that_breaks_the_schema_fails_at_its_line_and_column(
    admin, content, problem, place
):
    failure = admin.refusal(field(content))
    assert (failure.component_type, failure.full_name) == ("CustomField", "Lead.Score__c")
    assert failure.file_name == "objects/Lead.object"
    assert (failure.problem_type, failure.problem) == ("Error", problem)
    assert (failure.line, failure.column) == place


@pytest.mark.inferred("words ours; settled by: a deploy of the same field to a real org")
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            "<label>S</label><type>Text</type>",
            "Must specify 'length' for a CustomField of type Text",
        ),
        (
            "<formula>Company</formula><label>S</label><length>10</length><type>Text</type>",
            "Can not specify 'length' for a CustomField of type Text",
        ),
        (
            "<label>S</label><length>10</length><type>TextArea</type>",
            "Can not specify 'length' for a CustomField of type TextArea",
        ),
        (
            "<formula>1</formula><label>S</label><type>Number</type>",
            "Must specify 'precision' for a CustomField of type Number",
        ),
        (
            "<label>S</label><referenceTo>Nope__c</referenceTo><type>Lookup</type>",
            "referenceTo value of 'Nope__c' does not resolve to a valid sObject type",
        ),
        (
            "<label>S</label><summaryOperation>count</summaryOperation><type>Summary</type>",
            "A CustomField of type Summary is not supported by this org",
        ),
    ],
)
def test_a_field_has_the_elements_of_its_type(admin, content, problem):
    assert admin.refusal(field(content)).problem == problem


@pytest.mark.parametrize(
    ("formula", "problem"),
    [
        ("Nope__c", "Field Nope__c does not exist. Check spelling."),
        ("Score__c + 1", "Field Score__c does not exist. Check spelling."),
        ("$Permission.Nope", "Field $Permission.Nope does not exist. Check spelling."),
    ],
)
def test_a_formula_names_only_fields_that_exist(admin, formula, problem):
    content = (
        f"<formula>{formula}</formula><label>S</label>"
        "<precision>18</precision><scale>2</scale><type>Number</type>"
    )
    assert admin.refusal(field(content)).problem == problem


def test_a_formula_may_name_a_field_that_stands_after_it_in_the_same_deploy(admin):
    number = "<precision>18</precision><scale>2</scale><type>Number</type></fields>"
    body = (
        f"<fields><fullName>A__c</fullName><formula>Z__c * 2</formula><label>A</label>{number}"
        f"<fields><fullName>Z__c</fullName><label>Z</label>{number}"
    )
    files = {
        "package.xml": manifest(CustomField=["Lead.A__c", "Lead.Z__c"]),
        "objects/Lead.object": xml("CustomObject", body),
    }
    assert admin.deploy(files).success


def test_a_field_keeps_its_type_once_it_is_deployed(admin):
    assert admin.deploy(field(TEXT)).success
    changed = "<label>S</label><type>DateTime</type>"
    assert admin.refusal(field(changed)).problem == "Cannot change the type of field Score__c"


def rule(formula, field_name="Company"):
    body = f"""<validationRules><fullName>Guard</fullName><active>true</active>
<errorConditionFormula>{formula}</errorConditionFormula>
<errorDisplayField>{field_name}</errorDisplayField><errorMessage>No.</errorMessage>
</validationRules>"""
    return {
        "package.xml": manifest(ValidationRule="Lead.Guard"),
        "objects/Lead.object": xml("CustomObject", body),
    }


@pytest.mark.parametrize(
    ("files", "problem", "line"),
    [
        (rule("ISBLANK(Nope__c)"), "Field Nope__c does not exist. Check spelling.", 4),
        (rule("ISBLANK(Company)", "Nope__c"), "Field Nope__c does not exist. Check spelling.", 5),
    ],
    ids=["formula", "display field"],
)
def test_a_validation_rule_names_only_what_exists(admin, files, problem, line):
    failure = admin.refusal(files)
    assert (failure.component_type, failure.full_name) == ("ValidationRule", "Lead.Guard")
    assert (failure.problem, failure.line) == (problem, line)


def test_a_validation_rule_is_true_or_false(admin):
    problem = admin.refusal(rule("1 + 1")).problem
    assert problem.startswith("Formula result is data type (Number), incompatible with expected")


def permission_set(content):
    return {
        "package.xml": manifest(PermissionSet="Role"),
        "permissionsets/Role.permissionset": xml(
            "PermissionSet", f"<label>Role</label>\n{content}"
        ),
    }


def grant(name, editable="false"):
    return (
        f"<fieldPermissions>\n<editable>{editable}</editable>\n<field>{name}</field>\n"
        "<readable>true</readable></fieldPermissions>"
    )


@pytest.mark.parametrize(
    ("content", "problem", "line"),
    [
        (grant("Lead.Nope__c"), "no CustomField named Lead.Nope__c found", 6),
        (grant("Lead.LastName"), "You cannot deploy to a required field: Lead.LastName", 6),
        (
            "<customPermissions><enabled>true</enabled><name>Nope</name></customPermissions>",
            "no CustomPermission named Nope found",
            4,
        ),
        (
            "<userPermissions><enabled>true</enabled><name>Fly</name></userPermissions>",
            "Unknown user permission: Fly",
            4,
        ),
    ],
)
def test_a_permission_set_grants_only_what_exists(admin, content, problem, line):
    failure = admin.refusal(permission_set(content))
    assert (failure.component_type, failure.full_name) == ("PermissionSet", "Role")
    assert (failure.problem, failure.line) == (problem, line)


def test_a_permission_set_that_was_refused_leaves_no_row(admin):
    admin.refusal(permission_set(grant("Lead.Nope__c")))
    assert admin.rows("SELECT Id FROM PermissionSet WHERE Name = 'Role'") == []


def test_nobody_is_let_edit_a_formula(packaged):
    failure = packaged.refusal(permission_set(grant("Lead.Time_to_First_Response__c", "true")))
    assert failure.problem == "Field Lead.Time_to_First_Response__c is not editable"


@pytest.mark.inferred("words ours; settled by: a deploy of the same permission set to a real org")
def test_edit_on_an_object_depends_on_read(admin):
    content = """<objectPermissions><allowCreate>false</allowCreate><allowDelete>false</allowDelete>
    <allowEdit>true</allowEdit><allowRead>false</allowRead><modifyAllRecords>false</modifyAllRecords>
    <object>Lead</object><viewAllRecords>false</viewAllRecords></objectPermissions>"""
    problem = admin.refusal(permission_set(content)).problem
    assert problem == "Permission Edit Lead depends on permission(s): Read Lead"


MEMBER = "platformEventChannelMembers/{}.platformEventChannelMember"


def member(name, channel, entity, enriched="OwnerId"):
    content = (
        f"<enrichedFields><name>{enriched}</name></enrichedFields>"
        f"<eventChannel>{channel}</eventChannel><selectedEntity>{entity}</selectedEntity>"
    )
    return {
        "package.xml": manifest(PlatformEventChannelMember=name),
        MEMBER.format(name): xml("PlatformEventChannelMember", content),
    }


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (
            member("A_B", "data/ChangeEvents", "LeadChangeEvent"),
            "Unable to find the specified channel",
        ),
        (
            member("A_B", "Nope__chn", "LeadChangeEvent"),
            "Unable to find the specified channel",
        ),
        (
            member("A_B", "ChangeEvents", "Lead"),
            'A_B has an invalid event in the "selectedEntity" field',
        ),
        (
            member("A_B", "ChangeEvents", "Nope__ChangeEvent"),
            'A_B has an invalid event in the "selectedEntity" field',
        ),
        (
            member("A_B", "ChangeEvents", "LeadChangeEvent", "Owner.Name"),
            "The selected field, Owner.Name, isn't valid",
        ),
        (
            member("A_B", "ChangeEvents", "LeadChangeEvent", "Nope__c"),
            "The selected field, Nope__c, isn't valid",
        ),
    ],
)
def test_a_channel_member_names_a_channel_an_event_and_fields_that_exist(admin, files, problem):
    assert admin.refusal(files).problem == problem


def test_a_double_underscore_in_a_members_name_is_a_namespace(admin):
    problem = admin.refusal(member("A__B", "ChangeEvents", "LeadChangeEvent")).problem
    assert problem.startswith("Cannot create a new component with the namespace: A.")


def report(content, name="KPIs/R"):
    body = f"<format>Tabular</format>\n<name>R</name>\n{content}<reportType>LeadList</reportType>"
    return {
        "package.xml": manifest(Report=name),
        f"reports/{name}.report": xml("Report", body),
    }


def with_folder(files):
    return {
        **files,
        "package.xml": manifest(Report=["KPIs", "KPIs/R"]),
        "reports/KPIs-meta.xml": xml("ReportFolder", "<name>KPIs</name>"),
    }


def test_a_report_without_its_folder_fails_by_the_folders_name(admin):
    failure = admin.refusal(report(""))
    assert (failure.component_type, failure.full_name) == ("Report", "KPIs/R")
    assert failure.problem == "Cannot find folder:KPIs"


@pytest.mark.parametrize("name", ["Lead.Nope__c", "LEAD_ID", "IS_CONVERTED", "Lead.LastName"])
def test_a_report_shows_only_columns_that_exist(admin, name):
    failure = admin.refusal(with_folder(report(f"<columns>\n<field>{name}</field></columns>")))
    assert failure.problem == f"columns-field: Invalid value specified: {name}"
    assert (failure.line, failure.column) == (6, 1)


def test_a_file_that_is_not_well_formed_fails_where_it_breaks(admin):
    files = field(TEXT)
    files["objects/Lead.object"] = files["objects/Lead.object"].replace("</fields>", "")
    failures = admin.deploy(files).failures
    assert [f.file_name for f in failures] == ["objects/Lead.object"]
    assert failures[0].problem.startswith("Error parsing file: ")
    assert failures[0].line is not None


def test_a_member_that_the_zip_lacks_is_named(admin):
    failure = admin.refusal({"package.xml": manifest(CustomField="Lead.Nope__c")})
    assert failure.file_name == "package.xml"
    assert failure.problem == (
        "An object 'Lead.Nope__c' of type CustomField was named in package.xml, "
        "but was not found in zipped directory"
    )
    missing = {"package.xml": manifest(CustomField="Lead.Nope__c")}
    assert admin.deploy(missing, allow_missing_files=True).success


def test_a_type_that_does_not_exist_is_named(admin):
    failure = admin.refusal({"package.xml": manifest(Unicorn="*")})
    assert failure.problem == "Unknown type name 'Unicorn' specified in package.xml"


@pytest.mark.inferred("it says so; settled by: nothing, a real org installs packages")
@pytest.mark.parametrize("members", ["Foo", "*"])
def test_a_package_is_not_installed(admin, members):
    files = {
        "package.xml": manifest(InstalledPackage=members),
        "installedPackages/Foo.installedPackage": xml("InstalledPackage", ""),
    }
    failure = admin.refusal(files)
    assert (failure.component_type, failure.full_name) == ("InstalledPackage", "Foo")
    assert failure.problem == "InstalledPackage is not supported by this org"


@pytest.mark.inferred("it says so; settled by: nothing, a real org has big objects")
def test_a_big_object_is_not_made_up(admin):
    files = {
        "package.xml": manifest(CustomObject="Nope__b"),
        "objects/Nope__b.object": xml("CustomObject", "<label>Nope</label>"),
    }
    problem = admin.refusal(files).problem
    assert problem == "Creating the object Nope__b is not supported by this org"
