"""What no record depends on is kept, listed and given back as it came, if what it names exists."""

from __future__ import annotations

import pytest
from lxml import etree

from tests.metadata.deploying import Admin, manifest, xml

pytestmark = pytest.mark.documented("Metadata API Developer Guide: Metadata Types")

CLASS = "<apiVersion>62.0</apiVersion><status>Active</status>"
COLUMN = "<layoutColumns>{}</layoutColumns><style>OneColumn</style>"
FLOW = """<label>Keep</label><processType>AutoLaunchedFlow</processType>
<start><locationX>0</locationX><locationY>0</locationY><object>Lead</object></start>
<status>Active</status>"""
OF_LEAD = {
    "BusinessProcess": "<fullName>A</fullName><isActive>true</isActive>",
    "CompactLayout": "<fullName>A</fullName><fields>Company</fields><label>A</label>",
    "FieldSet": """<fullName>A</fullName><description>d</description>
<displayedFields><field>Company</field></displayedFields><label>A</label>""",
    "Index": "<fullName>A</fullName><label>A</label>",
    "RecordType": """<fullName>A</fullName><active>true</active><label>A</label>
<picklistValues><picklist>LeadSource</picklist></picklistValues>""",
    "SharingReason": "<fullName>A</fullName><label>A</label>",
    "WebLink": """<fullName>A</fullName><availability>online</availability>
<displayType>link</displayType><linkType>url</linkType><openType>newWindow</openType><protected>false</protected>""",
}
FILES = {
    "CustomApplication:Sales": (
        "applications/Sales.app",
        "<label>S</label><tabs>standard-Lead</tabs><tabs>Web</tabs>",
    ),
    "ConnectedApp:App": (
        "connectedApps/App.connectedApp",
        "<contactEmail>a@b.test</contactEmail><label>App</label>",
    ),
    "CustomTab:Web": ("tabs/Web.tab", "<label>Web</label><url>https://example.test</url>"),
    "DuplicateRule:Lead.One": (
        "duplicateRules/Lead.One.duplicateRule",
        """<actionOnInsert>Allow</actionOnInsert><actionOnUpdate>Allow</actionOnUpdate>
<isActive>false</isActive><masterLabel>One</masterLabel>
<securityOption>EnforceSharingRules</securityOption><sortOrder>1</sortOrder>""",
    ),
    "ExternalClientApplication:Eca": (
        "externalClientApps/Eca.eca",
        (
            "<contactEmail>a@b.test</contactEmail><distributionState>Local</distributionState>"
            "<label>Eca</label>"
        ),
    ),
    "ExtlClntAppOauthSettings:Eca_oauth": (
        "extlClntAppOauthSettings/Eca_oauth.ecaOauth",
        (
            "<commaSeparatedOauthScopes>Api</commaSeparatedOauthScopes>"
            "<externalClientApplication>Eca</externalClientApplication><label>o</label>"
        ),
    ),
    "FlexiPage:Page": (
        "flexipages/Page.flexipage",
        (
            "<masterLabel>P</masterLabel><sobjectType>Lead</sobjectType>"
            "<template><name>t</name></template><type>RecordPage</type>"
        ),
    ),
    "Flow:Keep": ("flows/Keep.flow", FLOW),
    "FlowDefinition:Keep": (
        "flowDefinitions/Keep.flowDefinition",
        "<activeVersionNumber>1</activeVersionNumber>",
    ),
    "GlobalValueSet:Colours": (
        "globalValueSets/Colours.globalValueSet",
        (
            "<customValue><fullName>Red</fullName><default>false</default></customValue>"
            "<masterLabel>Colours</masterLabel><sorted>false</sorted>"
        ),
    ),
    "Group:Callers": ("groups/Callers.group", "<name>Callers</name>"),
    "Layout:Lead-Lead Layout": (
        "layouts/Lead-Lead Layout.layout",
        "<layoutSections>"
        + COLUMN.format("<layoutItems><field>Company</field></layoutItems>")
        + "</layoutSections>",
    ),
    "LeadConvertSettings:LeadConvertSettings": (
        "LeadConvertSettings/LeadConvertSettings.LeadConvertSetting",
        "<allowOwnerChange>true</allowOwnerChange>",
    ),
    "MutingPermissionSet:Mute": (
        "mutingpermissionsets/Mute.mutingpermissionset",
        "<label>Mute</label>",
    ),
    "PathAssistant:Path": (
        "pathAssistants/Path.pathAssistant",
        (
            "<active>true</active><entityName>Lead</entityName><fieldName>Status</fieldName>"
            "<masterLabel>Path</masterLabel><recordTypeName>__MASTER__</recordTypeName>"
        ),
    ),
    "Queue:Inbound": (
        "queues/Inbound.queue",
        (
            "<doesSendEmailToMembers>false</doesSendEmailToMembers><name>Inbound</name>"
            "<queueMembers><publicGroups><publicGroup>Callers</publicGroup></publicGroups>"
            "<users><user>rep1@local.test</user></users></queueMembers>"
            "<queueSobject><sobjectType>Lead</sobjectType></queueSobject>"
        ),
    ),
    "QuickAction:New": (
        "quickActions/New.quickAction",
        (
            "<label>New</label><optionsCreateFeedItem>false</optionsCreateFeedItem>"
            "<targetObject>Lead</targetObject><type>Create</type>"
        ),
    ),
    "RemoteSiteSetting:Site": (
        "remoteSiteSettings/Site.remoteSite",
        (
            "<disableProtocolSecurity>false</disableProtocolSecurity><isActive>true</isActive>"
            "<url>https://example.test</url>"
        ),
    ),
    "Role:Chief": ("roles/Chief.role", "<name>Chief</name>"),
    "Role:Agent": ("roles/Agent.role", "<name>Agent</name><parentRole>Chief</parentRole>"),
}
BESIDE = {
    "ApexClass:Foo": ("classes/Foo.cls", b"class Foo {}", CLASS),
    "ApexTrigger:Bar": ("triggers/Bar.trigger", b"trigger Bar on Lead (before insert) {}", CLASS),
    "StaticResource:Logo": (
        "staticresources/Logo.resource",
        b"\x89PNG\x00",
        "<cacheControl>Public</cacheControl><contentType>image/png</contentType>",
    ),
}
LABELS = """<labels><fullName>{0}</fullName><language>en_US</language><protected>false</protected>
<shortDescription>{0}</shortDescription><value>{0}</value></labels>"""
SETTINGS = {
    "settings/LeadConfig.settings": xml(
        "LeadConfigSettings", "<doesTrackHistory>true</doesTrackHistory>"
    )
}


@pytest.fixture
def admin():
    return Admin()


def package(names):
    """Return files of these ``Type:Name`` keys, with their manifest."""
    files: dict[str, str | bytes] = {"package.xml": manifest(**by_type(names))}
    for key in names:
        kind = key.partition(":")[0]
        if key in BESIDE:
            path, content, told = BESIDE[key]
            files |= {path: content, f"{path}-meta.xml": xml(kind, told)}
        else:
            path, setup = FILES[key]
            files[path] = xml(kind, setup)
    return files


def by_type(names):
    """Return the names of ``Type:Name`` keys by type."""
    types: dict[str, list[str]] = {}
    for kind, _, name in (key.partition(":") for key in names):
        types.setdefault(kind, []).append(name)
    return types


def canonical(body):
    parser = etree.XMLParser(remove_blank_text=True)
    return etree.tostring(etree.fromstring(body, parser), method="c14n")


def test_a_whole_package_of_setup_comes_back_as_it_was_deployed(admin):
    """Every type that is only kept is retrieved as deployed, in one deploy with what it names."""
    sent = package([*FILES, *BESIDE])
    result = admin.deploy(sent)
    assert result.success, result.failures
    told, back = admin.retrieve(**by_type([*FILES, *BESIDE]))
    assert told.problems == ()
    got = {name.removeprefix("unpackaged/"): body for name, body in back.items()}
    assert got.keys() == sent.keys()
    for key, (path, content, _) in BESIDE.items():
        assert got[path] == content, key
    for name in sent.keys() - {path for path, _, _ in BESIDE.values()} - {"package.xml"}:
        assert canonical(got[name]) == canonical(sent[name].encode()), name


@pytest.mark.parametrize("kind", OF_LEAD)
def test_a_part_of_an_object_comes_back_in_its_objects_file(admin, kind):
    """Each kind of child is deployed, listed and retrieved by its own name."""
    element = next(e for e, child in _children() if child == kind)
    body = xml("CustomObject", f"<{element}>{OF_LEAD[kind]}</{element}>")
    files = {"package.xml": manifest(**{kind: "Lead.A"}), "objects/Lead.object": body}
    result = admin.deploy(files)
    assert result.success, result.failures
    [listed] = admin.org.list_metadata(admin.session, [(kind, None)])
    assert (listed.full_name, listed.file_name) == ("Lead.A", "objects/Lead.object")
    _, back = admin.retrieve(**{kind: "Lead.A"})
    assert canonical(back["unpackaged/objects/Lead.object"]) == canonical(body.encode())


def _children():
    described = Admin().org.describe_metadata()
    return next(kind.children for kind in described if kind.name == "CustomObject")


def test_labels_stand_in_one_file_and_are_retrieved_one_by_one(admin):
    """CustomLabels is the file, CustomLabel one of its labels, named without the file."""
    body = xml("CustomLabels", LABELS.format("A") + LABELS.format("B"))
    files = {
        "package.xml": manifest(CustomLabels="CustomLabels"),
        "labels/CustomLabels.labels": body,
    }
    result = admin.deploy(files)
    assert result.success, result.failures
    _, one = admin.retrieve(CustomLabel="B")
    _, all_of_them = admin.retrieve(CustomLabels="*")
    names = [
        [
            e.text
            for e in etree.fromstring(got["unpackaged/labels/CustomLabels.labels"]).iter(
                "{*}fullName"
            )
        ]
        for got in (one, all_of_them)
    ]
    assert names == [["B"], ["A", "B"]]


def test_rules_to_match_by_stand_in_the_file_of_their_object(admin):
    """MatchingRules is the file of an object, MatchingRule one rule in it."""
    rule = """<matchingRules><fullName>One</fullName><label>One</label>
<matchingRuleItems><blankValueBehavior>NullNotAllowed</blankValueBehavior>
<fieldName>{}</fieldName><matchingMethod>Exact</matchingMethod></matchingRuleItems>
<ruleStatus>Inactive</ruleStatus></matchingRules>"""

    def files(field):
        body = xml("MatchingRules", rule.format(field))
        return {
            "package.xml": manifest(MatchingRules="Lead"),
            "matchingRules/Lead.matchingRule": body,
        }

    result = admin.deploy(files("Email"))
    assert result.success, result.failures
    _, back = admin.retrieve(MatchingRule="Lead.One")
    assert b"<fieldName>Email</fieldName>" in back["unpackaged/matchingRules/Lead.matchingRule"]
    problem = admin.refusal(files("Nope__c")).problem
    assert problem == "In field: fieldName - no CustomField named Lead.Nope__c found"


def test_settings_are_named_by_their_file(admin):
    """The root of settings/X.settings is XSettings, with the keys of that type only."""
    files = {"package.xml": manifest(Settings="LeadConfig"), **SETTINGS}
    assert admin.deploy(files).success
    wrong = {name: body.replace("doesTrack", "doTrack") for name, body in files.items()}
    assert admin.refusal(wrong).problem == (
        "Element doTrackHistory invalid at this location in type LeadConfigSettings"
    )
    unknown = {
        "package.xml": manifest(Settings="LeedConfig"),
        "settings/LeedConfig.settings": SETTINGS["settings/LeadConfig.settings"],
    }
    assert admin.refusal(unknown).problem == "'LeedConfig' is not a valid name of settings"


def test_a_queue_has_the_members_its_file_names(admin):
    """Users and public groups of a queue are rows, and go when the file no longer names them."""
    assert admin.deploy(package(["Group:Callers", "Queue:Inbound"])).success
    soql = "SELECT UserOrGroupId FROM GroupMember WHERE Group.DeveloperName = 'Inbound'"
    ids = sorted(row["UserOrGroupId"][:3] for row in admin.rows(soql))
    assert ids == ["005", "00G"]
    nobody = {
        "package.xml": manifest(Queue="Inbound"),
        "queues/Inbound.queue": xml("Queue", "<name>Inbound</name>"),
    }
    assert admin.deploy(nobody).success
    assert admin.rows(soql) == []


def test_roles_stand_below_each_other(admin):
    """A role is a row of UserRole whose parent may come in the same deploy, in any order."""
    assert admin.deploy(package(["Role:Agent", "Role:Chief"])).success
    [agent] = admin.rows("SELECT ParentRoleId FROM UserRole WHERE DeveloperName = 'Agent'")
    [chief] = admin.rows("SELECT Id FROM UserRole WHERE DeveloperName = 'Chief'")
    assert agent["ParentRoleId"] == chief["Id"]
    used = {"package.xml": manifest(), "destructiveChanges.xml": manifest(Role="Chief")}
    assert admin.refusal(used).problem == "The role Chief is used by a UserRole"


def test_a_record_type_is_a_row_that_the_api_does_not_delete(admin):
    """A deployed record type can be queried; no deploy deletes it."""
    body = f"<recordTypes>{OF_LEAD['RecordType']}</recordTypes>"
    files = {
        "package.xml": manifest(RecordType="Lead.A"),
        "objects/Lead.object": xml("CustomObject", body),
    }
    assert admin.deploy(files).success
    soql = "SELECT DeveloperName, SobjectType, IsActive FROM RecordType"
    assert admin.rows(soql) == [{"DeveloperName": "A", "SobjectType": "Lead", "IsActive": True}]
    gone = {"package.xml": manifest(), "destructiveChanges.xml": manifest(RecordType="Lead.A")}
    assert admin.refusal(gone).problem == "Cannot delete record type through API: Lead.A"


def test_a_picklist_may_take_its_values_from_a_global_set(admin):
    """A field that names a global value set has its values; one that is not there refuses it."""
    field = """<fields><fullName>Colour__c</fullName><label>Colour</label><type>Picklist</type>
<valueSet><restricted>true</restricted><valueSetName>{}</valueSetName></valueSet></fields>"""
    files = package(["GlobalValueSet:Colours"])
    types = {"GlobalValueSet": "Colours", "CustomField": "Lead.Colour__c"}
    files["package.xml"] = manifest(**types)
    files["objects/Lead.object"] = xml("CustomObject", field.format("Colours"))
    assert admin.deploy(files).success
    values = admin.org.schema.object("Lead").fields["colour__c"].picklist
    assert [value.value for value in values] == ["Red"]
    files["objects/Lead.object"] = xml("CustomObject", field.format("Shapes"))
    assert admin.refusal(files).problem == (
        "In field: valueSet - no GlobalValueSet named Shapes found"
    )


@pytest.mark.inferred("words ours; settled by: a deploy of the same file to a real org")
@pytest.mark.parametrize(
    ("key", "old", "new", "problem"),
    [
        ("CustomApplication:Sales", "<tabs>Web", "<tabs>Nope", "no CustomTab named Nope found"),
        ("CustomTab:Web", "<url>", "<customObject>true</customObject><url>", "named Web found"),
        ("ExtlClntAppOauthSettings:Eca_oauth", ">Eca<", ">Nope<", "named Nope found"),
        ("FlexiPage:Page", ">Lead<", ">Nope__c<", "no CustomObject named Nope__c found"),
        ("Flow:Keep", ">Lead<", ">Nope__c<", "no CustomObject named Nope__c found"),
        ("Layout:Lead-Lead Layout", ">Company<", ">Nope__c<", "named Lead.Nope__c found"),
        ("Layout:Lead-Lead Layout", ">Company<", ">Compny<", "named Lead.Compny found"),
        ("PathAssistant:Path", ">Status<", ">Nope<", "no CustomField named Lead.Nope found"),
        ("Queue:Inbound", "rep1@", "rep99@", "no User named rep99@local.test found"),
        ("QuickAction:New", ">Lead<", ">Leed<", "no CustomObject named Leed found"),
        ("Role:Agent", ">Chief<", ">Nobody<", "no Role named Nobody found"),
        ("GlobalValueSet:Colours", "<sorted>false</sorted>", "", "Required field is missing"),
        ("RemoteSiteSetting:Site", "<isActive>true", "<isActive>yes", "not a valid value"),
        ("Flow:Keep", "<status>Active", "<status>Running", "not a valid value for the enum"),
    ],
)
def test_a_component_that_names_what_is_not_there_is_refused(admin, key, old, new, problem):
    """A stored component is refused by name, at the element that is to blame."""
    needed = {"Group:Callers", key} if key.startswith("Queue") else {key}
    files = package(sorted(needed))
    path = FILES[key][0]
    assert old in files[path]
    files[path] = files[path].replace(old, new, 1)
    failure = admin.refusal(files)
    assert problem in (failure.problem or "")
    assert failure.full_name == key.partition(":")[2]
    assert failure.line is not None


def test_apex_without_the_file_that_tells_of_it_is_refused(admin):
    """A class needs the -meta.xml beside it."""
    files = package(["ApexClass:Foo"])
    del files["classes/Foo.cls-meta.xml"]
    failure = admin.refusal(files)
    assert failure.problem == "classes/Foo.cls-meta.xml was not found in the zipped directory"
    assert (failure.component_type, failure.full_name) == ("ApexClass", "Foo")


def test_a_layout_is_listed_with_its_path_and_a_layouts_prefix(admin):
    """A layout's file has a blank in its name, and its id begins with 00h."""
    assert admin.deploy(package(["Layout:Lead-Lead Layout"])).success
    [listed] = admin.org.list_metadata(admin.session, [("Layout", None)])
    assert listed.file_name == "layouts/Lead-Lead Layout.layout"
    assert listed.id.startswith("00h")
