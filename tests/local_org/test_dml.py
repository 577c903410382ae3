"""What is written is read by its type, defaulted and judged, or refused in known words."""

from __future__ import annotations

import pytest

from local_org.schema.model import FieldType
from tests.local_org.caller import LEAD, Caller, custom, extend, listed, rule, said

pytestmark = pytest.mark.documented(
    "SOAP API Developer Guide: StatusCode; facts/org-behaviour.md 3; Object Reference"
)

MISSING = "00Q00000000zzzz"
LOCKED = (
    "Unable to create/update fields: Name, SystemModstamp. Please check the security settings of "
    "this field and verify that it is read/write for your profile or permission set."
)


# -- what a new record is -------------------------------------------------------------------------


def test_a_new_record_bears_the_time_of_the_org_in_whole_seconds_and_its_writer(admin):
    record = admin.org.get(admin.session, "Lead", admin.create())

    for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp"):
        assert record[name] == "2026-11-02T10:00:00.000+0000"
    for name in ("CreatedById", "LastModifiedById", "OwnerId"):
        assert record[name] == admin.id


def test_literal_defaults_fill_what_is_left_out(admin):
    lead = admin.create()

    assert admin.read("Lead", lead, "Status") == "Open - Not Contacted"


def test_a_formula_default_is_computed_for_each_new_record(org, admin):
    field = custom("Code__c", length=80, default_formula='UPPER(LastName) & "-1"')
    extend(org, fields=[field])

    assert admin.read("Lead", admin.create(), "Code__c") == "DOE-1"
    assert admin.read("Lead", admin.create(**LEAD, Code__c="x"), "Code__c") == "x"


def test_names_are_composed_without_salutation(admin):
    lead = admin.create(**LEAD, FirstName="Ann", Salutation="Ms.")
    assert admin.read("Lead", lead, "Name") == "Ann Doe"

    admin.change("Lead", lead, FirstName=None)
    assert admin.read("Lead", lead, "Name") == "Doe"


def test_field_and_object_names_count_in_any_case(admin):
    lead = admin.create("lead", lastname="Doe", COMPANY="ACME")

    admin.change("lEaD", lead, cOmPaNy="New")
    assert admin.org.get(admin.session, "LEAD", lead, ["company"])["Company"] == "New"


def test_texts_are_trimmed_and_blank_ones_are_null(admin):
    lead = admin.create(LastName="  Doe ", Company="ACME", Title="   ")

    assert admin.read("Lead", lead, "LastName", "Title") | {"attributes": 0} == {
        "attributes": 0,
        "Id": lead,
        "LastName": "Doe",
        "Title": None,
    }


def test_an_id_of_fifteen_characters_is_taken_as_that_of_eighteen(admin):
    lead = admin.create(**LEAD, OwnerId=admin.id[:15])

    admin.change("Lead", lead[:15], Company="New")
    assert admin.read("Lead", lead, "OwnerId") == admin.id


def test_audit_fields_may_be_set_on_creation_by_who_holds_the_permission(org, admin):
    lead = admin.create(**LEAD, CreatedDate="2026-10-01T08:00:00Z")
    rep = Caller(org, "rep1@local.test")

    assert admin.read("Lead", lead, "CreatedDate") == "2026-10-01T08:00:00.000+0000"
    assert rep.refused(**LEAD, CreatedDate="2026-10-01T08:00:00Z").fields == ("CreatedDate",)
    assert admin.not_changed("Lead", lead, CreatedDate="2026-10-01T08:00:00Z").code == (
        "INVALID_FIELD_FOR_INSERT_UPDATE"
    )


@pytest.mark.documented("Salesforce Help 000386065: the objects of Create Audit Fields")
def test_audit_fields_are_set_on_records_that_people_migrate_and_on_no_others(admin):
    at = "2026-10-01T08:00:00Z"
    rep = Caller(admin.org, "rep1@local.test").id
    task = admin.create("Task", Subject="Call", CreatedDate=at, CreatedById=rep)
    refused = admin.refused("Campaign", Name="C", CreatedDate=at)

    assert admin.read("Task", task, "CreatedById") == rep
    assert refused.fields == ("CreatedDate",)


@pytest.mark.inferred("settled by: describe of Lead for a user with and without CreateAuditFields")
def test_describe_tells_who_may_set_audit_fields(org, admin):
    """CumulusCI and Data Loader offer those fields to whom describe says that they are createable."""

    def createable(caller, entity):
        fields = org.describe(caller.session, entity, "66.0")["fields"]
        return {f["name"] for f in fields if f["createable"] and f["name"].startswith("Created")}

    assert createable(admin, "Lead") == {"CreatedDate", "CreatedById"}
    assert createable(admin, "Campaign") == set()
    assert createable(Caller(org, "rep1@local.test"), "Lead") == set()


# -- what an update does --------------------------------------------------------------------------


def test_an_update_changes_what_it_names_and_who_modified(org, admin):
    lead = admin.create(**LEAD, Title="CTO")
    rep = Caller(org, "rep1@local.test")
    org.clock.set(org.clock.now().replace(hour=11))
    rep.change("Lead", lead, Company="New")
    record = org.get(admin.session, "Lead", lead)

    assert (record["Company"], record["Title"]) == ("New", "CTO")
    assert record["LastModifiedById"] == rep.id
    assert record["LastModifiedDate"] == record["SystemModstamp"] == "2026-11-02T11:00:00.000+0000"
    assert record["CreatedById"] == admin.id


# -- refusals -------------------------------------------------------------------------------------


def test_required_fields_are_told_together(admin):
    assert said(admin.refused(FirstName="Ann")) == (
        "REQUIRED_FIELD_MISSING",
        "Required fields are missing: [LastName, Company]",
        ("LastName", "Company"),
    )


def test_a_required_field_cannot_be_emptied(admin):
    error = admin.not_changed("Lead", admin.create(), Company="")

    assert (error.code, error.fields) == ("REQUIRED_FIELD_MISSING", ("Company",))


@pytest.mark.parametrize(
    ("values", "code", "message", "fields"),
    [
        ({"Foo": 1}, "INVALID_FIELD", "No such column 'Foo' on sobject of type Lead", ()),
        (
            {"Email": "not an email"},
            "INVALID_EMAIL_ADDRESS",
            "Email: invalid email address: not an email",
            ("Email",),
        ),
        (
            {"CompanyDunsNumber": "0123456789"},
            "STRING_TOO_LONG",
            "Company D-U-N-S Number: data value too large: 0123456789 (max length=9)",
            ("CompanyDunsNumber",),
        ),
        (
            {"CleanStatus": "Nope"},
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Clean Status: bad value for restricted picklist field: Nope",
            ("CleanStatus",),
        ),
        (
            {"NumberOfEmployees": 100_000_000},
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Employees: value outside of valid range on numeric field: 1e+08",
            ("NumberOfEmployees",),
        ),
        (
            {"OwnerId": "nonsense"},
            "MALFORMED_ID",
            "Owner ID: id value of incorrect type: nonsense",
            ("OwnerId",),
        ),
        (
            {"OwnerId": "00Q000000000001EAA"},
            "FIELD_INTEGRITY_EXCEPTION",
            "Owner ID: id value of incorrect type: 00Q000000000001EAA",
            ("OwnerId",),
        ),
        (
            {"OwnerId": "00500000000zzzz"},
            "INVALID_CROSS_REFERENCE_KEY",
            "invalid cross reference id",
            (),
        ),
        (
            {"Id": "00Q000000000001EAA"},
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "cannot specify Id in an insert call",
            ("Id",),
        ),
        (
            {"Name": "Doe", "SystemModstamp": "2026-11-02T10:00:00Z"},
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            LOCKED,
            ("Name", "SystemModstamp"),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isupper() else "",
)
def test_a_bad_value_is_refused_in_the_platforms_words(admin, values, code, message, fields):
    assert said(admin.refused(**LEAD, **values)) == (code, message, fields)
    assert admin.rows("SELECT Id FROM Lead") == []


def test_every_fault_of_the_values_is_told(admin):
    rows = [("Lead", {"Foo": 1, "Email": "x", "Title": "t" * 129})]
    [result] = admin.org.insert(admin.session, rows)

    assert [error.code for error in result.errors] == [
        "INVALID_FIELD",
        "INVALID_EMAIL_ADDRESS",
        "STRING_TOO_LONG",
    ]


def test_a_restricted_list_takes_its_values_in_any_case_and_keeps_its_own_spelling(org, admin):
    values = listed("Call", "Email")
    many = custom(
        "Ways__c", FieldType.MULTIPICKLIST, length=99, picklist=values, restricted_picklist=True
    )
    extend(org, fields=[many])
    lead = admin.create(**LEAD, Ways__c="email; CALL")

    assert admin.read("Lead", lead, "Ways__c") == "Email;Call"
    assert admin.refused(**LEAD, Ways__c="Call;Fax").message.endswith("picklist field: Fax")


def test_numbers_are_rounded_half_up_to_the_scale_of_their_field(org, admin):
    extend(org, fields=[custom("Score__c", FieldType.DOUBLE, precision=4, scale=2)])
    lead = admin.create(**LEAD, Score__c=1.005)

    assert admin.read("Lead", lead, "Score__c") == 1.01
    assert admin.refused(**LEAD, Score__c=100).code == "NUMBER_OUTSIDE_VALID_RANGE"


def test_a_formula_field_cannot_be_written(org, admin):
    extend(
        org, fields=[custom("Twice__c", FieldType.DOUBLE, scale=0, formula="2", createable=False)]
    )

    assert admin.refused(**LEAD, Twice__c=3).code == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_a_unique_value_names_the_record_that_has_it(org, admin):
    extend(org, fields=[custom("Key__c", length=20, unique=True, external_id=True)])
    first = admin.create(**LEAD, Key__c="a")

    assert said(admin.refused(**LEAD, Key__c="A"))[:2] == (
        "DUPLICATE_VALUE",
        f"duplicate value found: Key__c duplicates value on record with id: {first}",
    )
    admin.change("Lead", first, Key__c="a")


def test_an_unknown_object_is_an_invalid_type(admin):
    assert admin.refused("Foo__c", Name="x").code == "INVALID_TYPE"


def test_an_object_that_nobody_creates_cannot_be_inserted(admin):
    assert admin.refused("Profile", Name="x").code == "INVALID_TYPE_FOR_OPERATION"


@pytest.mark.parametrize(
    ("record_id", "code"),
    [("", "MISSING_ARGUMENT"), ("x", "MALFORMED_ID"), (MISSING, "INVALID_CROSS_REFERENCE_KEY")],
)
def test_an_update_needs_the_id_of_a_record(admin, record_id, code):
    assert admin.not_changed("Lead", record_id, Company="x").code == code


def test_an_object_that_nobody_changes_cannot_be_updated(org, admin):
    queue = admin.create("Group", Name="In", Type="Queue")
    member = admin.create("GroupMember", GroupId=queue, UserOrGroupId=admin.id)

    error = admin.not_changed(
        "GroupMember", member, UserOrGroupId=org.user("rep1@local.test")["Id"]
    )
    assert (error.code, error.status) == ("INSUFFICIENT_ACCESS_OR_READONLY", 403)


def test_a_deleted_record_can_neither_be_changed_nor_pointed_at(admin):
    contact = admin.create("Contact", LastName="Doe")
    admin.delete(contact)

    assert said(admin.not_changed("Contact", contact, LastName="x"))[:2] == (
        "ENTITY_IS_DELETED",
        "entity is deleted",
    )
    assert admin.refused("Task", WhoId=contact).code == "ENTITY_IS_DELETED"


# -- owners ---------------------------------------------------------------------------------------


def test_an_inactive_user_cannot_be_made_owner_and_may_stay_it(org, admin):
    rep = org.user("rep1@local.test")["Id"]
    lead = admin.create(**LEAD, OwnerId=rep)
    admin.change("User", rep, IsActive=False)

    assert said(admin.refused(**LEAD, OwnerId=rep)) == (
        "INACTIVE_OWNER_OR_USER",
        f"operation performed with inactive user [{rep[:15]}] as owner of lead",
        ("OwnerId",),
    )
    admin.change("Lead", lead, OwnerId=rep, Company="New")


def test_who_may_write_with_inactive_owners_gives_records_to_them(org, admin):
    values = {"Name": "P", "Label": "P", "PermissionsUpdateWithInactiveOwner": True}
    granted = admin.create("PermissionSet", **values)
    admin.create("PermissionSetAssignment", AssigneeId=admin.id, PermissionSetId=granted)
    rep = org.user("rep1@local.test")["Id"]
    admin.change("User", rep, IsActive=False)

    assert admin.create(**LEAD, OwnerId=rep)


@pytest.mark.parametrize("entity", ["Lead", "Task"])
def test_a_queue_owns_records_of_the_objects_it_is_made_for(admin, entity):
    queue = admin.create("Group", Name="Inbound", Type="Queue")
    values = LEAD if entity == "Lead" else {"Subject": "Call"}

    assert said(admin.refused(entity, **values, OwnerId=queue))[:2] == (
        "INVALID_OPERATION",
        "Queue not associated with this SObject type",
    )
    admin.create("QueueSobject", QueueId=queue, SobjectType=entity)
    record = admin.create(entity, **values, OwnerId=queue)
    assert admin.read(entity, record, "OwnerId") == queue


# -- parents by external id -----------------------------------------------------------------------


@pytest.mark.recorded("facts/org-behaviour.md 3: foreign key external id")
def test_a_parent_that_no_external_id_finds_is_named_in_the_refusal(org, admin):
    values = LEAD | {"Owner": {"attributes": {"type": "User"}, "Username": "nobody@local.test"}}

    assert said(admin.refused(**values)) == (
        "INVALID_FIELD",
        "Foreign key external ID: nobody@local.test not found for field Username in entity User",
        (),
    )


def test_a_parent_may_be_named_by_an_external_id(org, admin):
    values = LEAD | {"Owner": {"attributes": {"type": "User"}, "Username": "rep1@local.test"}}
    lead = admin.create(**values)

    assert admin.read("Lead", lead, "OwnerId") == org.user("rep1@local.test")["Id"]
    assert admin.refused(**LEAD, Owner={"Alias": "rep1"}).code == "INVALID_FIELD"


# -- validation rules -----------------------------------------------------------------------------


def test_a_rule_refuses_with_its_message_at_its_field(org, admin):
    extend(org, rules=[rule("ISBLANK(Email)", display_field="Email")])

    assert said(admin.refused(**LEAD)) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "No.", ("Email",))
    admin.create(**LEAD, Email="ann@example.com")


def test_every_active_rule_that_fires_is_told_and_the_others_are_not(org, admin):
    extend(
        org,
        rules=[
            rule("ISNEW()", name="A"),
            rule("TRUE", name="B", active=False),
            rule("NOT(ISBLANK(Company))", name="C"),
        ],
    )
    [result] = org.insert(admin.session, [("Lead", LEAD)])

    assert [error.code for error in result.errors] == ["FIELD_CUSTOM_VALIDATION_EXCEPTION"] * 2


@pytest.mark.inferred(
    "that it refuses and its words are as developers quote them; settled by: saving a lead under a "
    "rule that divides by its blank AnnualRevenue"
)
def test_a_rule_that_cannot_be_evaluated_refuses_by_its_name(org, admin):
    extend(org, rules=[rule("1 / (NumberOfEmployees - 5) > 2", name="Ratio")])
    admin.create(**LEAD, NumberOfEmployees=6000)
    refused = admin.refused(**LEAD, NumberOfEmployees=5)
    text = 'Validation Formula "Ratio" Invalid (Division by zero)'
    assert said(refused) == ("FORMULA_EXPRESSION_INVALID", text, ())


def test_rules_compare_the_record_with_what_it_was(org, admin):
    formula = "AND(ISCHANGED(Title), NOT(ISBLANK(PRIORVALUE(Title))))"
    extend(org, rules=[rule(formula, display_field="Title")])
    lead = admin.create()
    admin.change("Lead", lead, Title="CTO")
    admin.change("Lead", lead, Title="CTO", Company="New")

    assert admin.not_changed("Lead", lead, Title="CEO").fields == ("Title",)
    assert admin.read("Lead", lead, "Title") == "CTO"


def test_rules_read_parents_and_the_user_who_writes(org, admin):
    formula = 'AND(Owner:User.Alias = "rep1", $User.Alias <> "rep1")'
    extend(org, rules=[rule(formula)])
    owner = org.user("rep1@local.test")["Id"]

    assert admin.refused(**LEAD, OwnerId=owner).message == "No."
    Caller(org, "rep1@local.test").create()


def test_rules_see_fields_that_the_writer_may_not(org, admin):
    hidden = custom("Secret__c", length=9, permissionable=True, default="x")
    extend(org, fields=[hidden], rules=[rule("NOT(ISBLANK(Secret__c))")])

    assert admin.refused(**LEAD, Secret__c="y").code == "INVALID_FIELD"
    assert admin.refused(**LEAD).code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
