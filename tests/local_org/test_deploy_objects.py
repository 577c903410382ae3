"""Objects that a deploy makes are objects: records, metadata records and events live in them."""

from __future__ import annotations

import pytest

from local_org.errors import OrgError
from tests.metadata.deploying import HEAD, NAMESPACE, Admin, manifest, xml

pytestmark = pytest.mark.documented("Metadata API Developer Guide: CustomObject, CustomMetadata")

NUMBER = """<nameField><displayFormat>I-{0000}</displayFormat><label>Number</label>
<startingNumber>5</startingNumber><type>AutoNumber</type></nameField>"""
NAME = "<nameField><label>Name</label><type>Text</type></nameField>"
INQUIRY = f"""<deploymentStatus>Deployed</deploymentStatus><label>Inquiry</label>
{NUMBER}<pluralLabel>Inquiries</pluralLabel><sharingModel>ReadWrite</sharingModel>"""
LEAD = """<fields><fullName>Lead__c</fullName><label>Lead</label><referenceTo>Lead</referenceTo>
<relationshipName>Inquiries</relationshipName><type>Lookup</type></fields>"""
NOTE = """<fields><fullName>Note__c</fullName><label>Note</label><length>80</length>
<required>true</required><type>Text</type></fields>"""
MINUTES = """<fields><fullName>Minutes__c</fullName><label>Minutes</label>
<precision>4</precision><scale>1</scale><type>Number</type></fields>"""
ON = "<fields><fullName>On__c</fullName><label>On</label><type>Checkbox</type></fields>"
HIT = f"""<deploymentStatus>Deployed</deploymentStatus><eventType>HighVolume</eventType>
<label>Hit</label><pluralLabel>Hits</pluralLabel>{NOTE}"""
POINTER = f"<label>Pointer</label><pluralLabel>Pointers</pluralLabel>{MINUTES}{ON}"


def record(values, declared="xsd"):
    return (
        f'{HEAD}<CustomMetadata xmlns="{NAMESPACE}" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xmlns:{declared}="http://www.w3.org/2001/XMLSchema">'
        f"<label>Main</label>{values}</CustomMetadata>"
    )


FIVE = '<values><field>Minutes__c</field><value xsi:type="xsd:double">5.5</value></values>'
METADATA = {
    "package.xml": manifest(CustomObject="Pointer__mdt", CustomMetadata="Pointer.Main"),
    "objects/Pointer__mdt.object": xml("CustomObject", POINTER),
    "customMetadata/Pointer.Main.md": record(FIVE),
}


def of(name, content):
    return {
        "package.xml": manifest(CustomObject=name),
        f"objects/{name}.object": xml("CustomObject", content),
    }


@pytest.fixture
def admin():
    return Admin()


def deployed(admin, files, **options):
    result = admin.deploy(files, **options)
    assert result.success, result.failures


def create(admin, entity, **values):
    [result] = admin.org.insert(admin.session, [(entity, values)])
    return result


def grant_all(admin, *fields):
    grants = "".join(
        f"<fieldPermissions><editable>true</editable><field>{field}</field>"
        "<readable>true</readable></fieldPermissions>"
        for field in fields
    )
    body = xml("PermissionSet", f"{grants}<label>All</label>")
    deployed(
        admin,
        {"package.xml": manifest(PermissionSet="All"), "permissionsets/All.permissionset": body},
    )
    admin.assign("All", "admin@local.test")


def test_records_of_a_custom_object_are_numbered_owned_and_queried(admin):
    """Records of a deployed object have an id of its prefix, a number, and an owner."""
    deployed(admin, of("Inquiry__c", INQUIRY + LEAD))
    first, second = create(admin, "Inquiry__c"), create(admin, "Inquiry__c")
    assert first.id.startswith("a00")
    assert second.success
    rows = admin.rows("SELECT Name, OwnerId, IsDeleted FROM Inquiry__c ORDER BY Name")
    assert [row["Name"] for row in rows] == ["I-0005", "I-0006"]
    assert rows[0]["OwnerId"] == admin.session.user_id
    [refused] = create(admin, "Inquiry__c", Name="mine").errors
    assert (refused.code, refused.fields) == ("INVALID_FIELD_FOR_INSERT_UPDATE", ("Name",))


def test_a_record_without_a_name_is_named_by_its_id(admin):
    """The name of a record defaults to its id, as the Object Reference says."""
    deployed(admin, of("Inquiry__c", INQUIRY.replace(NUMBER, NAME)))
    made = create(admin, "Inquiry__c")
    assert admin.rows("SELECT Name FROM Inquiry__c") == [{"Name": made.id}]


def test_a_lookup_of_a_custom_object_is_a_list_on_its_parent(admin):
    """A deployed lookup can be queried from both sides, once it is granted."""
    deployed(admin, of("Inquiry__c", INQUIRY + LEAD))
    grant_all(admin, "Inquiry__c.Lead__c")
    lead = create(admin, "Lead", LastName="Doe", Company="ACME").id
    create(admin, "Inquiry__c", Lead__c=lead)
    [row] = admin.rows("SELECT Lead__r.Name FROM Inquiry__c")
    assert row["Lead__r"]["Name"] == "Doe"
    [row] = admin.rows("SELECT (SELECT Name FROM Inquiries__r) FROM Lead")
    assert row["Inquiries__r"]["totalSize"] == 1


def test_a_second_deploy_keeps_records_prefix_and_numbers(admin):
    """Deploying the object again changes its label and nothing of its records."""
    deployed(admin, of("Inquiry__c", INQUIRY + LEAD))
    create(admin, "Inquiry__c")
    deployed(admin, of("Inquiry__c", INQUIRY.replace("<label>Inquiry<", "<label>Question<")))
    described = admin.org.describe(admin.session, "Inquiry__c", "66.0")
    assert (described["label"], described["keyPrefix"]) == ("Question", "a00")
    assert admin.org.schema.object("Inquiry__c").get("Lead__c") is not None
    create(admin, "Inquiry__c")
    assert [r["Name"] for r in admin.rows("SELECT Name FROM Inquiry__c ORDER BY Name")] == [
        "I-0005",
        "I-0006",
    ]


def test_a_detail_goes_with_its_master_and_has_no_owner(admin):
    """A master-detail takes the owner away, and deleting the master deletes the detail."""
    master = LEAD.replace("Lead__c", "Inquiry__c").replace("Lead<", "Inquiry__c<")
    master = master.replace(">Lookup<", ">MasterDetail<").replace(">Inquiries<", ">Lines<")
    deployed(admin, of("Inquiry__c", INQUIRY))
    line = INQUIRY.replace("ReadWrite", "ControlledByParent").replace("I-", "L-")
    deployed(admin, of("Line__c", line + master))
    fields = {f["name"]: f for f in admin.org.describe(admin.session, "Line__c", "66.0")["fields"]}
    assert "OwnerId" not in fields
    assert fields["Inquiry__c"]["relationshipOrder"] == 0
    assert (fields["Inquiry__c"]["nillable"], fields["Inquiry__c"]["cascadeDelete"]) == (
        False,
        True,
    )
    inquiry = create(admin, "Inquiry__c").id
    assert create(admin, "Line__c").errors[0].code == "REQUIRED_FIELD_MISSING"
    assert create(admin, "Line__c", Inquiry__c=inquiry).success
    admin.org.delete(admin.session, [inquiry])
    assert admin.rows("SELECT Id FROM Line__c") == []


def test_type_and_record_of_custom_metadata_share_one_deploy(admin):
    """A metadata record deployed beside its type is a row that queries read."""
    deployed(admin, METADATA)
    fields = "DeveloperName, MasterLabel, Label, QualifiedApiName, Minutes__c, On__c"
    assert admin.rows(f"SELECT {fields} FROM Pointer__mdt") == [
        {
            "DeveloperName": "Main",
            "MasterLabel": "Main",
            "Label": "Main",
            "QualifiedApiName": "Main",
            "Minutes__c": 5.5,
            "On__c": False,
        }
    ]


def test_custom_metadata_is_written_by_deploys_only(admin):
    """No API call creates, changes or deletes a metadata record; a deploy replaces it whole."""
    deployed(admin, METADATA)
    [refused] = create(admin, "Pointer__mdt", DeveloperName="Mine").errors
    assert refused.code == "INVALID_TYPE_FOR_OPERATION"
    deployed(admin, {**METADATA, "customMetadata/Pointer.Main.md": record("")})
    assert admin.rows("SELECT Minutes__c FROM Pointer__mdt") == [{"Minutes__c": None}]


def test_a_check_only_deploy_of_objects_leaves_no_table_behind(admin):
    """A validation makes the tables its records need, and takes them away again."""
    deployed(admin, METADATA, check_only=True)
    with pytest.raises(OrgError) as refused:
        admin.rows("SELECT Id FROM Pointer__mdt")
    assert refused.value.code == "INVALID_TYPE"
    assert admin.org.store.schema is admin.org.schema
    deployed(admin, METADATA)
    assert len(admin.rows("SELECT Id FROM Pointer__mdt")) == 1


def test_an_event_is_created_and_never_queried(admin):
    """A platform event has the fields of events, takes creates, and refuses queries."""
    deployed(admin, of("Hit__e", HIT))
    described = admin.org.describe(admin.session, "Hit__e", "66.0")
    own = [field["name"] for field in described["fields"]]
    assert own == ["ReplayId", "CreatedDate", "CreatedById", "EventUuid", "Note__c"]
    can = ("createable", "updateable", "deletable", "queryable")
    assert [described[name] for name in can] == [True, False, False, False]
    assert described["keyPrefix"] == "e00"
    assert admin.org.schema.object("Hit__e").is_event
    with pytest.raises(OrgError) as refused:
        admin.rows("SELECT Note__c FROM Hit__e")
    assert refused.value.code == "INVALID_TYPE_FOR_OPERATION"
    assert create(admin, "Hit__e").errors[0].code == "REQUIRED_FIELD_MISSING"


def test_a_custom_setting_has_one_row_for_each_owner(admin):
    """A hierarchy setting is written by the API, once for the org, a profile or a user."""
    setting = (
        f"""<customSettingsType>Hierarchy</customSettingsType><label>Limits</label>{MINUTES}"""
    )
    deployed(admin, of("Limits__c", setting))
    described = admin.org.describe(admin.session, "Limits__c", "66.0")
    assert (described["customSetting"], described["layoutable"]) == (True, False)
    assert create(admin, "Limits__c", SetupOwnerId=admin.org.org_id).success
    [row] = admin.rows("SELECT SetupOwnerId FROM Limits__c")
    assert row["SetupOwnerId"] == admin.org.org_id
    [twice] = create(admin, "Limits__c", SetupOwnerId=admin.org.org_id).errors
    assert twice.code == "DUPLICATE_VALUE"


def test_objects_outlive_a_restart(tmp_path):
    """A reopened org has the objects, their records and their prefixes."""
    before = Admin(tmp_path)
    deployed(before, of("Inquiry__c", INQUIRY))
    deployed(before, of("Hit__e", HIT))
    create(before, "Inquiry__c")
    before.org.close()
    after = Admin(tmp_path)
    assert after.org.schema.object("Hit__e").key_prefix == "e00"
    assert after.rows("SELECT Name FROM Inquiry__c") == [{"Name": "I-0005"}]
    assert create(after, "Inquiry__c").success
    after.org.close()


def test_a_wildcard_retrieves_the_objects_of_the_orgs_own_with_their_fields(admin):
    """CustomObject * means custom objects, whatever their suffix, and what they hold."""
    deployed(admin, of("Inquiry__c", INQUIRY + LEAD))
    deployed(admin, METADATA)
    result, files = admin.retrieve(CustomObject="*", CustomMetadata="*")
    assert result.problems == ()
    assert sorted(files) == [
        "unpackaged/customMetadata/Pointer.Main.md",
        "unpackaged/objects/Inquiry__c.object",
        "unpackaged/objects/Pointer__mdt.object",
        "unpackaged/package.xml",
    ]
    assert b"<fullName>Lead__c</fullName>" in files["unpackaged/objects/Inquiry__c.object"]


def test_a_deleted_object_is_gone_with_its_records_and_grants(admin):
    """Destructive changes take object, records and grants; the permission set still deploys."""
    deployed(admin, of("Inquiry__c", INQUIRY + LEAD))
    grant_all(admin, "Inquiry__c.Lead__c")
    create(admin, "Inquiry__c")
    gone = {
        "package.xml": manifest(),
        "destructiveChanges.xml": manifest(CustomObject="Inquiry__c"),
    }
    deployed(admin, gone)
    with pytest.raises(OrgError) as refused:
        admin.rows("SELECT Id FROM Inquiry__c")
    assert refused.value.code == "INVALID_TYPE"
    _, files = admin.retrieve(PermissionSet="All")
    assert b"Inquiry__c" not in files["unpackaged/permissionsets/All.permissionset"]
    deployed(admin, of("Inquiry__c", INQUIRY))
    assert admin.rows("SELECT Id FROM Inquiry__c") == []


def test_an_object_that_a_lookup_needs_is_not_deleted(admin):
    """A lookup from another object keeps its target."""
    to_inquiry = LEAD.replace("Lead__c", "Inquiry__c").replace("Lead<", "Inquiry__c<")
    deployed(admin, of("Inquiry__c", INQUIRY))
    deployed(admin, of("Other__c", INQUIRY + to_inquiry))
    gone = {
        "package.xml": manifest(),
        "destructiveChanges.xml": manifest(CustomObject="Inquiry__c"),
    }
    assert admin.refusal(gone).problem == (
        "This custom object is referenced elsewhere in salesforce.com. : Other__c.Inquiry__c"
    )


LABEL = "<label>X</label>"
SETTLED = "words ours; settled by: a deploy of the same file to a real org"


@pytest.mark.inferred(SETTLED)
@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("Nope", LABEL, "fullName must end with: __c or __kav or __x or __b or __e or __p or"),
        ("Nope__c", "", "Must specify a non-empty label for the CustomObject"),
        ("Nope__c", LABEL, "Must specify 'pluralLabel' for the CustomObject Nope__c"),
        (
            "Nope__c",
            INQUIRY.replace("<sharingModel>ReadWrite</sharingModel>", ""),
            "Must specify 'sharingModel' for the CustomObject Nope__c",
        ),
        (
            "Nope__c",
            INQUIRY.replace("AutoNumber", "Number"),
            "The nameField must be of type Text or AutoNumber",
        ),
        ("Nope__c", INQUIRY.replace("{0000}", "0000"), "Invalid display format: I-0000"),
        ("Nope__e", HIT + NUMBER, "Can not specify 'nameField' for the CustomObject Nope__e"),
        (
            "Nope__e",
            HIT.replace("<length>80</length>", "").replace(">Text<", ">Email<"),
            "A CustomField of type Email is not allowed on Nope__e",
        ),
        (
            "Nope__mdt",
            POINTER + LEAD,
            "A CustomField of type Lookup is not allowed on Nope__mdt",
        ),
        ("No__pe__c", INQUIRY, "fullName must end with: __c or"),
    ],
)
def test_an_object_that_is_not_whole_is_refused(admin, name, content, problem):
    """What an object lacks, or must not have, is said of it."""
    [failure, *_] = admin.deploy(of(name, content)).failures
    assert (failure.problem or "").startswith(problem)


@pytest.mark.inferred(SETTLED)
@pytest.mark.parametrize(
    ("name", "body", "problem"),
    [
        ("Pointer.Main", record(FIVE.replace("Minutes", "Hours")), "no CustomField named"),
        ("Pointer.Main", record(FIVE.replace("5.5", "five")), "five"),
        ("Pointer.Main", record(FIVE, "xs"), "namespace prefix xsd is not declared"),
        ("Arrow.Main", record(FIVE), "no CustomObject named Arrow__mdt found"),
    ],
)
def test_a_metadata_record_that_does_not_fit_its_type_is_refused(admin, name, body, problem):
    """A record names fields of its type, with values of their types."""
    deployed(admin, METADATA)
    files = {"package.xml": manifest(CustomMetadata=name), f"customMetadata/{name}.md": body}
    assert problem in (admin.refusal(files).problem or "")
    assert admin.rows("SELECT Minutes__c FROM Pointer__mdt") == [{"Minutes__c": 5.5}]
