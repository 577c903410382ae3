"""Formula fields read the record, its parents and other formula fields, and never themselves."""

import pytest

from local_org.schema.model import FieldType
from tests.local_org.caller import Caller, custom, extend, new_org, rule
from tests.metadata.deploying import Admin, manifest, xml

pytestmark = pytest.mark.documented("Salesforce Help: Formula Field Considerations, Cross-Object")

FORMULAS = {
    "Boss__c": "Owner:User.Manager.Name",
    "Line__c": "Owner:Queue.Name",
    "Loud__c": "UPPER(Boss__c) & '!'",
    "Maker__c": "CreatedBy.Username",
    "Account_Size__c": "ConvertedAccount.NumberOfEmployees * 2",
    "Owner_Is__c": "Owner.Type & ' ' & Owner.Name",
    "Long__c": "RPAD('x', 2000, 'y')",
}
NUMBERS = {"Account_Size__c"}


@pytest.fixture(scope="module")
def caller():
    org = new_org()
    extend(
        org,
        fields=[
            custom(
                name,
                FieldType.DOUBLE if name in NUMBERS else FieldType.STRING,
                formula=text,
                precision=18,
            )
            for name, text in FORMULAS.items()
        ],
    )
    yield Caller(org)
    org.close()


@pytest.fixture(scope="module")
def people(caller):
    """Return a rep whose manager is known, and a queue of leads."""
    boss, rep = (caller.org.user(name)["Id"] for name in ("admin@local.test", "rep1@local.test"))
    caller.change("User", rep, ManagerId=boss)
    queue = caller.create("Group", Name="Fresh", DeveloperName="Fresh", Type="Queue")
    caller.create("QueueSobject", QueueId=queue, SobjectType="Lead")
    return rep, queue, caller.read("User", boss, "Name"), caller.read("User", rep, "Name")


def test_a_formula_reads_through_owner_manager_and_queue(caller, people):
    """A typed path reads the owner as a user or as a queue; the other kind is blank."""
    rep, queue, boss, name = people
    mine = caller.create(LastName="A", Company="A", OwnerId=rep)
    waiting = caller.create(LastName="B", Company="B", OwnerId=queue)
    fields = ("Boss__c", "Line__c", "Loud__c", "Owner_Is__c")
    of_rep = caller.read("Lead", mine, *fields)
    of_queue = caller.read("Lead", waiting, *fields)
    assert [of_rep[f] for f in fields] == [boss, None, f"{boss.upper()}!", f"User {name}"]
    assert [of_queue[f] for f in fields] == [None, "Fresh", "!", "Queue Fresh"]


def test_queries_filter_sort_and_total_what_parents_lend(caller, people):
    """The function of the field works wherever a column does."""
    rep, _, boss, _ = people
    lead = caller.create(LastName="Query", Company="Q", OwnerId=rep)
    where = f"LastName = 'Query' AND Boss__c = '{boss.lower()}' ORDER BY Maker__c"
    (row,) = caller.rows(f"SELECT Id, Maker__c FROM Lead WHERE {where}")
    assert (row["Id"], row["Maker__c"]) == (lead, "admin@local.test")
    soql = "SELECT Boss__c b, COUNT(Id) n FROM Lead WHERE LastName = 'Query' GROUP BY Boss__c"
    (group,) = caller.rows(soql)
    assert (group["b"], group["n"]) == (boss, 1)


def test_a_parent_that_is_not_there_is_blank(caller, people):
    """A lead that was not converted has no account to read."""
    lead = caller.create(LastName="C", Company="C", OwnerId=people[0])
    assert caller.read("Lead", lead, "Account_Size__c") is None


def test_a_text_is_seen_up_to_1300_characters(caller):
    """What a text formula gives beyond them is cut."""
    text = caller.read("Lead", caller.create(LastName="D", Company="D"), "Long__c")
    assert text == "x" + "y" * 1299


def test_a_rule_sees_what_a_formula_field_reads_of_a_parent(people, caller):
    """A validation rule may ask a formula field that reads through the owner."""
    rep, queue, boss, _ = people
    extend(caller.org, rules=[rule(f'Boss__c = "{boss}"', name="Guard")])
    error = caller.refused(LastName="E", Company="E", OwnerId=rep)
    assert error.code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert caller.create(LastName="E", Company="E", OwnerId=queue)
    schema = caller.org.schema.copy()
    schema.drop_rule("Lead", "Guard")
    caller.org.store.sync(schema)
    caller.org.schema = caller.org.bus.schema = schema


# -- deployed -------------------------------------------------------------------------------------


@pytest.fixture
def admin():
    return Admin()


def files(**formulas):
    """Return text formula fields of Lead to deploy."""
    body = "".join(
        f"<fields><fullName>{name}</fullName><formula>{text}</formula>"
        f"<label>{name[:-3]}</label><type>Text</type></fields>"
        for name, text in formulas.items()
    )
    names = [f"Lead.{name}" for name in formulas]
    return {
        "package.xml": manifest(CustomField=names),
        "objects/Lead.object": xml("CustomObject", body),
    }


def test_a_formula_that_reads_its_parents_can_be_deployed_and_holds_their_fields(admin):
    """A cross-object formula is taken; the field it reads can then not be deleted."""
    title = "<fields><fullName>Rank__c</fullName><label>R</label><length>9</length><type>Text</type></fields>"
    of_user = {
        "package.xml": manifest(CustomField="User.Rank__c"),
        "objects/User.object": xml("CustomObject", title),
    }
    assert admin.deploy(of_user).success
    assert admin.deploy(files(Rank__c="Owner:User.Rank__c")).success
    gone = {
        "package.xml": manifest(),
        "destructiveChanges.xml": manifest(CustomField="User.Rank__c"),
    }
    assert "Custom Field - Lead.Rank__c" in admin.refusal(gone).problem


def test_a_formula_can_not_read_itself_by_way_of_another(admin):
    """A circle of two formula fields is refused when it closes."""
    assert admin.deploy(files(A__c="Company")).success
    assert admin.deploy(files(B__c="A__c")).success
    problem = admin.refusal(files(A__c="B__c")).problem
    assert problem == "Field A__c cannot reference itself in its formula"


@pytest.mark.parametrize(
    ("formula", "problem"),
    [
        ("PRIORVALUE(Company)", "Function PRIORVALUE may not be used in this type of formula"),
        ('IF(ISNEW(), "a", "b")', "Function ISNEW may not be used in this type of formula"),
        ("$User.Username", "Field $User.Username may not be used in this type of formula"),
        ("Owner:User.Nope__c", "Field Owner:User.Nope__c does not exist. Check spelling."),
        (
            '"' + "x" * 3899 + '"',
            "Formula is too long (3,901 characters).  Maximum length is 3,900 characters",
        ),
    ],
    ids=lambda text: text[:20],
)
def test_a_field_has_no_functions_of_a_write(admin, formula, problem):
    """What only a record being written knows, a field can not ask; nor who reads it."""
    assert admin.refusal(files(A__c=formula)).problem == problem


def test_a_default_has_no_functions_of_a_write(admin):
    """A default is computed before there is anything to compare with."""
    body = (
        "<fields><fullName>A__c</fullName><defaultValue>PRIORVALUE(Company)</defaultValue>"
        "<label>A</label><length>80</length><type>Text</type></fields>"
    )
    failure = admin.refusal(
        {
            "package.xml": manifest(CustomField="Lead.A__c"),
            "objects/Lead.object": xml("CustomObject", body),
        }
    )
    assert failure.problem == "Function PRIORVALUE may not be used in this type of formula"
