"""A report shows what its user may see, from the tables of its report type."""

from __future__ import annotations

import pytest

from tests.local_org.desk import EVERYBODY, Desk, grouped, groups, shown, totals
from tests.metadata.deploying import manifest, xml

pytestmark = pytest.mark.documented(
    "Salesforce Help, Reports and field-level security; facts/metadata.md 2.2, 3"
)

BODY = """<columns><field>LAST_NAME</field></columns>
<columns><aggregateTypes>Sum</aggregateTypes><field>Lead.Points__c</field></columns>
<format>Summary</format>
<groupingsDown><field>Lead.Score__c</field><sortOrder>Asc</sortOrder></groupingsDown>
<groupingsDown><field>STATUS</field><sortOrder>Asc</sortOrder></groupingsDown>
<name>R</name><reportType>LeadList</reportType>"""
FIELDS = "".join(
    f"<fields><fullName>{name}__c</fullName><label>{name}</label><precision>4</precision>"
    "<scale>0</scale><type>Number</type></fields>"
    for name in ("Score", "Points")
)
GRANTS = "".join(
    f"<fieldPermissions><editable>true</editable><field>Lead.{name}__c</field>"
    "<readable>true</readable></fieldPermissions>"
    for name in ("Score", "Points")
)


@pytest.fixture
def desk():
    desk = Desk()
    files = {
        "package.xml": manifest(
            CustomField=["Lead.Score__c", "Lead.Points__c"], PermissionSet="Scorer"
        ),
        "objects/Lead.object": xml("CustomObject", FIELDS),
        "permissionsets/Scorer.permissionset": xml("PermissionSet", f"{GRANTS}<label>S</label>"),
    }
    assert desk.deploy(files).success
    [found] = desk.query("SELECT Id FROM PermissionSet WHERE Name = 'Scorer'")
    desk.create("PermissionSetAssignment", PermissionSetId=found["Id"], AssigneeId=desk.user_id)
    desk.create(LastName="Ada", Company="ACME", Score__c=1, Points__c=5)
    return desk


# -- permissions ----------------------------------------------------------------------------------


def test_columns_vanish_for_whom_they_are_hidden(desk):
    """Hidden columns, totals and groupings are not there; the rest of the report is."""
    report = desk.put("Report", BODY)
    full = desk.results(report, details=True)
    assert groups(full) == [("1", ["Open - Not Contacted"])]
    assert totals(full) == [5, 1]
    desk.as_user("rep1@local.test")
    less = desk.results(report, details=True)
    assert groups(less) == ["Open - Not Contacted"]
    assert totals(less) == [1]
    assert shown(less, "0!T") == [["Ada"]]
    assert less["reportMetadata"]["detailColumns"] == ["LAST_NAME"]
    assert "Lead.Points__c" not in str(less)


@pytest.mark.inferred(
    "refusing a filter by a hidden column is safe, ignoring it would show more rows; settled by: "
    "running such a report as a user without the field on a real org"
)
def test_a_filter_by_a_hidden_column_is_not_ignored(desk):
    """Leaving it out would count rows that the report excludes."""
    each = {"column": "Lead.Score__c", "operator": "equals", "value": "7"}
    assert totals(desk.ask(reportFilters=[each])) == [0]
    desk.as_user("rep1@local.test")
    assert desk.ask_in_vain(reportFilters=[each]) == (
        400,
        "BAD_REQUEST",
        "Specify a valid filterable column because Lead.Score__c is invalid.",
    )


def test_describe_hides_what_is_hidden(desk):
    """A report type offers a user only the fields they may read."""

    def offered():
        described = desk.analytics("GET", "/reportTypes/LeadList")
        [general] = described["reportTypeMetadata"]["categories"]
        return set(general["columns"])

    assert {"Lead.Score__c", "COMPANY"} <= offered()
    desk.as_user("rep1@local.test")
    assert "Lead.Score__c" not in offered()
    assert "COMPANY" in offered()


def test_a_report_of_an_object_that_is_hidden_is_forbidden(desk):
    """Somebody without read on Lead runs no report on Leads."""
    desk.as_user("rep1@local.test")
    profile = desk.org.store.row("User", desk.user_id)["ProfileId"]
    [owned] = desk.org.store.select("PermissionSet", '"ProfileId" = ?', (profile,))
    desk.org.store.connection.execute(
        'DELETE FROM "ObjectPermissions" WHERE "ParentId" = ? AND "SobjectType" = ?',
        (owned["Id"], "Lead"),
    )
    status, code, message = desk.ask_in_vain(detailColumns=["COMPANY"])
    assert (status, code) == (403, "FORBIDDEN")
    assert message == "You don’t have sufficient privileges to perform this operation."


def share(to, kind, level="View"):
    return (
        f"<folderShares><accessLevel>{level}</accessLevel><sharedTo>{to}</sharedTo>"
        f"<sharedToType>{kind}</sharedToType></folderShares>"
    )


@pytest.mark.inferred("how shares combine; settled by: folders shared in these ways on a real org")
@pytest.mark.parametrize(
    ("shares", "seen"),
    [
        (EVERYBODY, True),
        ("", False),
        (share("rep1@local.test", "User"), True),
        (share("rep2@local.test", "User"), False),
        ("<accessType>Public</accessType>", True),
        ("<accessType>Hidden</accessType>", False),
    ],
)
def test_the_share_of_a_folder_is_the_access_to_its_reports(desk, shares, seen):
    """Without a share only the maker and administrators run a report."""
    report = desk.put("Report", BODY, shares=shares)
    desk.results(report)
    desk.as_user("rep1@local.test")
    status = desk.rest("GET", f"/analytics/reports/{report}").status_code
    assert status == (200 if seen else 403)


def test_an_unfiled_public_report_stands_in_the_org_itself(desk):
    """Its folder id is the org's, and who may run reports may run it."""
    files = {
        "package.xml": manifest(Report="unfiled$public/Loose"),
        "reports/unfiled$public/Loose.report": xml("Report", BODY),
    }
    result = desk.deploy(files)
    assert result.success, result.failures
    [row] = desk.query("SELECT Id, OwnerId FROM Report")
    assert row["OwnerId"] == desk.org.org_id
    desk.as_user("rep1@local.test")
    assert desk.results(row["Id"])["reportMetadata"]["folderId"] == desk.org.org_id


# -- report types ---------------------------------------------------------------------------------

TYPE = """<baseObject>Account</baseObject><category>accounts</category><deployed>true</deployed>
<join><outerJoin>{outer}</outerJoin><relationship>Contacts</relationship></join>
<label>Accounts with Contacts</label>
<sections><columns><checkedByDefault>true</checkedByDefault><field>Name</field>
<table>Account</table></columns><columns><checkedByDefault>true</checkedByDefault>
<field>LastName</field><table>Account.Contacts</table></columns>
<columns><checkedByDefault>false</checkedByDefault><field>Owner.Alias</field><table>Account</table>
</columns><masterLabel>All</masterLabel></sections>"""


def accounts(desk, outer):
    """Deploy the report type, with two accounts of which one has two contacts."""
    files = {
        "package.xml": manifest(ReportType="Both"),
        "reportTypes/Both.reportType": xml("ReportType", TYPE.format(outer=outer)),
    }
    assert desk.deploy(files).success
    full = desk.create("Account", Name="Full")
    desk.create("Account", Name="Empty")
    for name in ("One", "Two"):
        desk.create("Contact", LastName=name, AccountId=full)


@pytest.mark.inferred("column names of custom report types; settled by: retrieving a report on one")
@pytest.mark.parametrize(
    ("outer", "expected"),
    [
        ("false", [["Full", "One"], ["Full", "Two"]]),
        ("true", [["Empty", "-"], ["Full", "One"], ["Full", "Two"]]),
    ],
)
def test_a_custom_report_type_joins_its_objects(desk, outer, expected):
    """An inner join needs a child, an outer join does not; parents are in reach."""
    accounts(desk, outer)
    columns = ["Account$Name", "Account.Contacts$LastName"]
    answer = desk.ask(report_type="Both__c", details=True, detailColumns=columns)
    assert sorted(shown(answer)) == expected
    alias = desk.ask(
        report_type="Both__c",
        reportFormat="SUMMARY",
        groupingsDown=[grouped("Account$Owner.Alias")],
    )
    assert totals(alias) == [len(expected)]
    [objects] = [desk.analytics("GET", "/reportTypes/Both__c")["reportTypeMetadata"]["objects"]]
    assert [each["apiName"] for each in objects] == ["Account", "Contact"]
    assert objects[1]["joinType"] == ("OUTER" if outer == "true" else "INNER")


def test_a_deleted_child_counts_as_missing(desk):
    """A contact in the recycle bin is joined to nothing."""
    accounts(desk, "true")
    [contact] = desk.query("SELECT Id FROM Contact WHERE LastName = 'One'")
    assert desk.rest("DELETE", f"/sobjects/Contact/{contact['Id']}").status_code == 204
    assert totals(desk.ask(report_type="Both__c")) == [2]


@pytest.mark.inferred("names of Activity columns; settled by: GET analytics/reportTypes/Activity")
def test_tasks_and_events_are_one_table(desk):
    """Activity holds both; what events lack is blank; LeadActivity has only those of leads."""
    [lead] = desk.query("SELECT Id FROM Lead")
    desk.create("Task", Subject="Call", WhoId=lead["Id"], Status="Completed")
    times = {
        "StartDateTime": "2026-11-02T10:00:00Z",
        "EndDateTime": "2026-11-02T11:00:00Z",
        "DurationInMinutes": 60,
    }
    desk.create("Event", Subject="Meeting", **times)
    answer = desk.ask(
        report_type="Activity",
        details=True,
        detailColumns=["SUBJECT", "TASK", "STATUS", "WHO_NAME"],
    )
    assert sorted(shown(answer)) == [
        ["Call", "true", "Completed", "Ada"],
        ["Meeting", "false", "-", "-"],
    ]
    of_leads = desk.ask(
        report_type="LeadActivity", details=True, detailColumns=["SUBJECT", "LEAD", "COMPANY"]
    )
    assert shown(of_leads) == [["Call", "Ada", "ACME"]]


def test_users_can_be_reported_on(desk):
    """The User report type counts active users."""
    active = {"column": "ACTIVE", "operator": "equals", "value": "True"}
    answer = desk.ask(report_type="User", reportFilters=[active])
    [expected] = desk.query("SELECT COUNT(Id) n FROM User WHERE IsActive = true")
    assert totals(answer) == [expected["n"]]


def test_a_report_type_that_is_not_there_is_obsolete(desk):
    """403 in the documented words for a run; 404 for a describe."""
    status, code, message = desk.ask_in_vain(report_type="Nope__c")
    assert (status, code) == (403, "FORBIDDEN")
    assert message.startswith("The report definition is obsolete.")
    assert desk.refused("GET", "/reportTypes/Nope__c")[0] == 404


@pytest.mark.inferred(
    "which columns these types have; settled by: GET analytics/reportTypes/Opportunity"
)
def test_a_column_that_only_a_real_org_knows_is_told_as_not_supported(desk):
    """No made-up blank column: 501 with the name."""
    status, code, message = desk.ask_in_vain(
        report_type="Opportunity", detailColumns=["FISCAL_QUARTER"]
    )
    assert (status, code) == (501, "NOT_IMPLEMENTED")
    assert message == (
        "column FISCAL_QUARTER of report type Opportunity is not supported by the local org"
    )


@pytest.mark.documented("Salesforce Help: Organization-Wide Sharing Defaults")
def test_a_report_counts_only_the_leads_that_are_shared_with_its_reader():
    desk = Desk()
    files = {
        "package.xml": manifest(CustomObject="Lead"),
        "objects/Lead.object": xml("CustomObject", "<sharingModel>Private</sharingModel>"),
    }
    assert desk.deploy(files).success
    rep = desk.org.user("rep1@local.test")["Id"]
    desk.create("Lead", LastName="Mine", Company="ACME")
    desk.create("Lead", LastName="Theirs", Company="ACME", OwnerId=rep)
    assert desk.count() == 2
    desk.as_user("rep1@local.test")
    assert desk.count() == 1
