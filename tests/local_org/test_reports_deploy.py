"""A report or dashboard that an org would refuse is refused at its deploy, with its place."""

from __future__ import annotations

import pytest

from local_org.metadata.elements import tables
from local_org.reports.durations import DURATION_OF
from tests.metadata.deploying import Admin, manifest, xml

INFERRED = "the wording; settled by: deploying the same report to a real org"
pytestmark = pytest.mark.inferred(INFERRED)

SUMMARY = """<format>Summary</format>
<groupingsDown><dateGranularity>Day</dateGranularity><field>CREATED_DATE</field>
<sortOrder>Asc</sortOrder></groupingsDown>
"""
COLUMN = "<columns><field>COMPANY</field></columns>\n"


@pytest.fixture(scope="module")
def admin():
    return Admin()


def report(content, kind="LeadList"):
    body = f"{content}<name>R</name>\n<reportType>{kind}</reportType>"
    return {
        "package.xml": manifest(Report=["KPIs", "KPIs/R"]),
        "reports/KPIs-meta.xml": xml("ReportFolder", "<name>KPIs</name>"),
        "reports/KPIs/R.report": xml("Report", body),
    }


def criteria(column, operator, value="", logic=""):
    """A tabular report with one criterion."""
    logic = f"<booleanFilter>{logic}</booleanFilter>" if logic else ""
    item = (
        f"<criteriaItems><column>{column}</column><operator>{operator}</operator>"
        f"<value>{value}</value></criteriaItems>"
    )
    return f"{COLUMN}<filter>{logic}{item}</filter><format>Tabular</format>"


def formula(text):
    return (
        f"<aggregates><calculatedFormula>{text}</calculatedFormula><datatype>number</datatype>"
        "<developerName>FORMULA1</developerName><isActive>true</isActive>"
        f"<masterLabel>F</masterLabel></aggregates>{COLUMN}{SUMMARY}"
    )


def frame(column, interval):
    return (
        f"{COLUMN}<format>Tabular</format><timeFrameFilter><dateColumn>{column}</dateColumn>"
        f"<interval>{interval}</interval></timeFrameFilter>"
    )


def bucket(*bounds):
    values = "".join(
        f"<values><sourceValues><to>{b}</to></sourceValues><value>{b}</value></values>"
        for b in bounds
    )
    return (
        "<buckets><bucketType>number</bucketType><developerName>BucketField_B</developerName>"
        "<masterLabel>B</masterLabel><sourceColumnName>SALES</sourceColumnName>"
        f"{values}</buckets>{COLUMN}<format>Tabular</format>"
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            bucket("5").replace("SALES", "INDUSTRY"),
            "buckets-bucketType: The bucket type number of BucketField_B is invalid.",
        ),
        (bucket("x"), "buckets-values-sourceValues-to: Invalid value specified: x"),
        (bucket("5", "4"), "buckets-values-sourceValues-to: Invalid value specified: 4"),
        (
            criteria("LEAD_ID", "equals"),
            "filter-criteriaItems-column: Invalid value specified: LEAD_ID",
        ),
        (
            criteria("CONVERTED", "contains", "x"),
            "filter-criteriaItems: Specify a valid condition because contains is invalid.",
        ),
        (
            criteria("CREATED_DATE", "equals", "LAST_30_DAYS"),
            (
                "filter-criteriaItems: Filter the date in the correct format. Accepted formats are "
                "yyyy-MM-dd'T'HH:mm:ss'Z' and yyyy-MM-dd."
            ),
        ),
        (
            criteria("COMPANY", "equals", "x", "1 AND 2"),
            "filter-booleanFilter: The filter logic 1 AND 2 is invalid.",
        ),
        (
            frame("COMPANY", "INTERVAL_LAST30"),
            "timeFrameFilter-dateColumn: Invalid value specified: COMPANY",
        ),
        (
            frame("CREATED_DATE", "LAST_FISCALWEEK"),
            "timeFrameFilter-interval: Invalid value specified: LAST_FISCALWEEK",
        ),
        (
            formula("COMPANY:MED"),
            "aggregates-calculatedFormula: unknown summary function MED",
        ),
        (
            formula("LEAD_ID:SUM"),
            "aggregates-calculatedFormula: Invalid value specified: LEAD_ID",
        ),
        (formula("RowCount +"), "aggregates-calculatedFormula: Syntax error"),
        (
            f"<columns><aggregateTypes>Sum</aggregateTypes><field>COMPANY</field></columns>{SUMMARY}",
            "columns-aggregateTypes: Invalid value specified: Sum",
        ),
        (
            COLUMN
            + "<format>Summary</format>"
            + "".join(
                f"<groupingsDown><field>{name}</field><sortOrder>Asc</sortOrder></groupingsDown>"
                for name in ("STATUS", "RATING", "OWNER", "TITLE")
            ),
            "Summary reports have at most 3 row and 0 column groupings",
        ),
        (
            (
                f"{COLUMN}<customDetailFormulas><calculatedFormula>Nope + 1</calculatedFormula>"
                "<dataType>Double</dataType><developerName>CDF1</developerName><label>C</label>"
                "<scale>1</scale></customDetailFormulas><format>Tabular</format>"
            ),
            "customDetailFormulas-calculatedFormula: CDF1: Field Nope does not exist. Check spelling.",
        ),
    ],
)
def test_a_report_that_cannot_run_does_not_deploy(admin, content, problem):
    """Columns, conditions, values, logic, time frames, buckets, formulas and totals are checked."""
    failure = admin.refusal(report(content, "AccountList" if "SALES" in content else "LeadList"))
    assert (failure.component_type, failure.full_name) == ("Report", "KPIs/R")
    assert failure.problem.startswith(problem)


@pytest.mark.parametrize(
    "content",
    [
        criteria("OWNER", "startsWith", "A"),
        criteria("CREATED_DATE", "lessThan", "LAST_N_DAYS:30"),
        formula("IF(RowCount = 0, 0, EMAIL:UNIQUE / RowCount)"),
        formula("RowCount / PARENTGROUPVAL(RowCount, GRAND_SUMMARY)"),
    ],
)
def test_a_report_that_can_run_deploys(admin, content):
    """What the run knows, the deploy lets in."""
    result = admin.deploy(report(content))
    assert result.success, result.failures


def test_a_report_of_a_type_that_is_not_modelled_is_kept_but_not_run(admin):
    """Its columns cannot be known here, so none is refused."""
    content = "<columns><field>SOLUTION_NAME</field></columns><format>Tabular</format>"
    assert admin.deploy(report(content, "SolutionList")).success


def test_a_deployed_report_is_retrieved_as_it_came(admin):
    """Retrieve gives back the file, byte by byte."""
    files = report(criteria("COMPANY", "equals", "ACME"))
    assert admin.deploy(files).success
    _, retrieved = admin.retrieve(Report=["KPIs", "KPIs/R"])
    assert retrieved["unpackaged/reports/KPIs/R.report"].decode() == files["reports/KPIs/R.report"]


@pytest.mark.documented("Metadata API Developer Guide, UserDateInterval")
def test_every_interval_is_known_but_those_of_features_that_are_not_here():
    """Custom fiscal years and entitlements are not modelled; all other time frames are."""
    unknown = tables().enums["UserDateInterval"] - set(DURATION_OF)
    assert all("FISCALWEEK" in n or "FISCALPERIOD" in n or "ENTITLEMENT" in n for n in unknown)
    assert len(unknown) == 14


# -- report types ---------------------------------------------------------------------------------


def report_type(content, base="Lead"):
    body = (
        f"<baseObject>{base}</baseObject><category>leads</category><deployed>true</deployed>{content}"
        "<label>T</label>"
    )
    return {
        "package.xml": manifest(ReportType="T"),
        "reportTypes/T.reportType": xml("ReportType", body),
    }


def section(table, field):
    return (
        f"<sections><columns><checkedByDefault>true</checkedByDefault><field>{field}</field>"
        f"<table>{table}</table></columns><masterLabel>S</masterLabel></sections>"
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (section("Lead", "Nope__c"), "Invalid field Nope__c in report type"),
        (section("Lead", "Owner.Nope"), "Invalid field Owner.Nope in report type"),
        (section("Lead.Tasks", "Subject"), "Invalid field Subject in report type"),
        (
            "<join><outerJoin>false</outerJoin><relationship>Nopes</relationship></join>",
            "Invalid relationship Nopes in report type",
        ),
    ],
)
def test_a_report_type_names_only_what_exists(admin, content, problem):
    """Joins follow lists of children, columns stand in joined tables."""
    assert admin.refusal(report_type(content)).problem == problem


def test_no_inner_join_follows_an_outer_one(admin):
    """Accounts with or without contacts, and these only with opportunities, cannot be."""
    inner = "<join><outerJoin>false</outerJoin><relationship>Tasks</relationship></join>"
    outer = f"<join>{inner}<outerJoin>true</outerJoin><relationship>Contacts</relationship></join>"
    failure = admin.refusal(report_type(outer, "Account"))
    assert failure.problem == "An outer join cannot be followed by an inner join"


# -- dashboards -----------------------------------------------------------------------------------


def dashboard(component):
    body = (
        "<backgroundEndColor>#FFFFFF</backgroundEndColor>"
        "<backgroundFadeDirection>Diagonal</backgroundFadeDirection>"
        "<backgroundStartColor>#FFFFFF</backgroundStartColor><dashboardGridLayout>"
        "<dashboardGridComponents><colSpan>3</colSpan><columnIndex>0</columnIndex>"
        f"<dashboardComponent>{component}</dashboardComponent><rowIndex>0</rowIndex>"
        "<rowSpan>4</rowSpan></dashboardGridComponents><numberOfColumns>12</numberOfColumns>"
        "<rowHeight>36</rowHeight></dashboardGridLayout><textColor>#000000</textColor>"
        "<title>D</title><titleColor>#000000</titleColor><titleSize>12</titleSize>"
    )
    return report(COLUMN + SUMMARY) | {
        "package.xml": manifest(Report=["KPIs", "KPIs/R"], Dashboard=["KPIs", "KPIs/D"]),
        "dashboards/KPIs-meta.xml": xml("DashboardFolder", "<name>KPIs</name>"),
        "dashboards/KPIs/D.dashboard": xml("Dashboard", body),
    }


@pytest.mark.parametrize(
    ("component", "problem"),
    [
        (
            "<componentType>Metric</componentType><report>KPIs/Nope</report>",
            "In field: report - no Report named KPIs/Nope found",
        ),
        (
            (
                "<componentType>Line</componentType><groupingColumn>STATUS</groupingColumn>"
                "<report>KPIs/R</report>"
            ),
            "groupingColumn: Invalid value specified: STATUS",
        ),
        (
            (
                "<chartSummary><aggregate>Sum</aggregate><column>SALES</column></chartSummary>"
                "<componentType>Metric</componentType><report>KPIs/R</report>"
            ),
            "chartSummary-column: Invalid value specified: SALES",
        ),
        (
            f"<componentType>Metric</componentType><header>{'h' * 81}</header><report>KPIs/R</report>",
            f"Header: data value too large: {'h' * 81} (max length=80)",
        ),
    ],
)
def test_a_dashboard_names_only_what_its_reports_have(admin, component, problem):
    """Reports, groupings and summarised columns must be there, and texts fit."""
    failure = admin.refusal(dashboard(component))
    assert (failure.component_type, failure.full_name) == ("Dashboard", "KPIs/D")
    assert failure.problem == problem


def test_a_dashboard_over_its_reports_deploys(admin):
    """Report, folders and dashboard may come in one zip."""
    component = (
        "<chartSummary><axisBinding>y</axisBinding><column>RowCount</column></chartSummary>"
        "<componentType>Line</componentType><groupingColumn>CREATED_DATE</groupingColumn>"
        "<report>KPIs/R</report>"
    )
    result = admin.deploy(dashboard(component))
    assert result.success, result.failures
