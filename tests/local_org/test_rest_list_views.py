"""List views that were deployed are listed, described as SOQL, and give their rows."""

import pytest

from tests.local_org.caller import custom, extend
from tests.local_org.web import API
from tests.metadata.deploying import Admin, Wire, manifest, xml

pytestmark = pytest.mark.documented("the REST reference, List Views; facts/org-behaviour.md 1")

BASE = f"{API}/sobjects/Lead/listviews"
LIST = """<listViews><fullName>Hot_Leads</fullName>
<columns>FULL_NAME</columns><columns>LEAD.COMPANY</columns><columns>LEAD.STATUS</columns>
<columns>LEAD.CREATED_DATE</columns><columns>CORE.USERS.ALIAS</columns>
{more}<filterScope>{scope}</filterScope>{filters}<label>Hot Leads</label></listViews>"""


def criterion(field, operation, value=""):
    told = f"<value>{value}</value>" if value else ""
    return f"<filters><field>{field}</field><operation>{operation}</operation>{told}</filters>"


class Views:
    """An org into which list views of Lead are deployed."""

    def __init__(self):
        self.admin = Admin()
        self.wire = Wire(self.admin)

    def deploy(self, *filters, scope="Everything", logic=""):
        more = f"<booleanFilter>{logic}</booleanFilter>" if logic else ""
        view = LIST.format(scope=scope, filters="".join(filters), more=more)
        files = {
            "package.xml": manifest(ListView="Lead.Hot_Leads"),
            "objects/Lead.object": xml("CustomObject", view),
        }
        result = self.admin.deploy(files)
        assert result.success, result

    def get(self, path="", **params):
        return self.wire.call("GET", BASE + path, params=params)

    def lead(self, **values):
        values = {"LastName": "Doe", "Company": "ACME"} | values
        answer = self.wire.call("POST", f"{API}/sobjects/Lead", json=values)
        assert answer.status_code == 201, answer.text

    def names(self, **params):
        """Return the names of the rows."""
        told = self.get("/Hot_Leads/results", **params).json()
        return [record["columns"][0]["value"] for record in told["records"]]

    def query(self):
        """Return the SOQL between the object and the order."""
        soql = self.get("/Hot_Leads/describe").json()["query"]
        return soql.partition("FROM Lead ")[2].partition("ORDER BY")[0].strip()


@pytest.fixture
def views():
    return Views()


def test_a_list_view_is_listed_with_its_urls(views):
    views.deploy()
    told = views.get().json()
    [entry] = told["listviews"]
    url = f"{BASE}/{entry['id']}"
    assert (told["done"], told["size"], told["sobjectType"]) == (True, 1, "Lead")
    assert entry == {
        "describeUrl": f"{url}/describe",
        "developerName": "Hot_Leads",
        "id": entry["id"],
        "label": "Hot Leads",
        "resultsUrl": f"{url}/results",
        "soqlCompatible": True,
        "url": url,
    }
    assert views.get(f"/{entry['id']}").json() == entry


def test_columns_are_fields_and_the_hidden_ones_come_last(views):
    views.deploy()
    columns = views.get("/Hot_Leads/describe").json()["columns"]
    assert [(column["fieldNameOrPath"], column["hidden"]) for column in columns] == [
        ("Name", False),
        ("Company", False),
        ("Status", False),
        ("CreatedDate", False),
        ("Owner.Alias", False),
        ("Id", True),
        ("LastModifiedDate", True),
    ]
    status = columns[2]
    assert (status["selectListItem"], status["type"]) == ("toLabel(Status)", "picklist")
    assert (columns[0]["sortDirection"], columns[0]["sortIndex"]) == ("ascending", 0)


def test_rows_have_a_cell_for_each_column(views):
    views.deploy()
    views.lead(LastName="Roe")
    views.lead(LastName="Doe")
    told = views.get("/Hot_Leads/results").json()
    assert (told["label"], told["size"]) == ("Hot Leads", 2)
    paths = [column["fieldNameOrPath"] for column in told["columns"]]
    cells = told["records"][0]["columns"]
    assert [cell["fieldNameOrPath"] for cell in cells] == paths
    assert [cell["value"] for cell in cells][:2] == ["Doe", "ACME"]
    assert views.names(limit=1, offset=1) == ["Roe"]


@pytest.mark.parametrize(
    ("filters", "soql"),
    [
        ([criterion("LEAD.STATUS", "equals", "New,Working")], "(Status = 'New' OR Status = 'Working')"),
        ([criterion("LEAD.STATUS", "notEqual", "New,A")], "(Status != 'New' AND Status != 'A')"),
        ([criterion("LEAD.COMPANY", "contains", "A'B")], "Company LIKE '%A\\'B%'"),
        ([criterion("LEAD.COMPANY", "notContain", "AC")], "(NOT Company LIKE '%AC%')"),
        ([criterion("LEAD.EMAIL", "equals")], "Email = null"),
        ([criterion("LEAD.CONVERTED", "equals", "0")], "IsConverted = false"),
        ([criterion("LEAD.CREATED_DATE", "greaterThan", "LAST_N_DAYS:7")], "CreatedDate > LAST_N_DAYS:7"),
        (
            [criterion("LEAD.CREATED_DATE", "lessThan", "1/31/2026")],
            "CreatedDate < 2026-01-31T00:00:00Z",
        ),
        ([criterion("LEAD.PHONE", "startsWith", "5")], "Phone LIKE '5%'"),
    ],
)  # fmt: skip
def test_filters_become_conditions(views, filters, soql):
    views.deploy(*filters)
    assert views.query() == f"WHERE {soql}"
    assert views.get("/Hot_Leads/results").status_code == 200


def test_filter_logic_joins_the_conditions(views):
    filters = [criterion("LEAD.COMPANY", "equals", name) for name in ("A", "B")]
    views.deploy(*filters, criterion("LEAD.PHONE", "equals", "1"), logic="(1 OR 2) AND 3")
    assert views.query() == "WHERE ((Company = 'A') OR (Company = 'B')) AND (Phone = '1')"
    views.lead(Company="B", Phone="1", LastName="Fits")
    views.lead(Company="B", Phone="2", LastName="Fits not")
    assert views.names() == ["Fits"]


def test_mine_are_ones_own(views):
    views.deploy(scope="Mine")
    views.lead()
    assert views.query() == "USING SCOPE mine"
    assert views.names() == ["Doe"]


def test_a_custom_field_is_a_column_by_its_bare_name(views):
    extend(views.admin.org, fields=[custom("Score__c", length=10)])
    views.deploy(criterion("Score__c", "notEqual"))
    assert views.query() == "WHERE Score__c != null"


@pytest.mark.inferred("the org has no such scopes; settled by: a list view of a queue")
def test_a_scope_that_the_org_cannot_tell_is_not_implemented(views):
    views.deploy(scope="Delegated")
    [error] = views.get("/Hot_Leads/results").json()
    assert (error["errorCode"], error["message"]) == (
        "NOT_IMPLEMENTED",
        "The org runs list views of the scopes Everything, Mine, not Delegated",
    )


@pytest.mark.parametrize("path", ["/Cold_Leads", "/00B000000000ZZZ/describe"])
def test_a_list_view_that_was_not_deployed_is_not_found(views, path):
    [error] = views.get(path).json()
    assert error["errorCode"] == "NOT_FOUND"
