"""Reports, their types and folders, and dashboards.

A report is checked as an org checks it: the folder, the columns, the scope, the groupings.
Source: facts/metadata.md 2.2, 2.7, 4, 5 and rules R4 to R11 of 7.3; "Invalid value" is third-party,
the other wordings are inferred.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from local_org.metadata.markup import Problem, child, children, first_or_self, tag, text, texts
from local_org.metadata.package import Component
from local_org.metadata.types import FOLDER_TYPES
from local_org.metadata.work import Work, at_most, require
from local_org.schema.model import FieldType

LEAD_LIST = "LeadList"
LEAD_LIST_COLUMNS = {
    "OWNER": FieldType.STRING,
    "FIRST_NAME": FieldType.STRING,
    "LAST_NAME": FieldType.STRING,
    "COMPANY": FieldType.STRING,
    "STATUS": FieldType.PICKLIST,
    "LEAD_SOURCE": FieldType.PICKLIST,
    "CREATED_DATE": FieldType.DATETIME,
    "CONVERTED": FieldType.BOOLEAN,
    "EMAIL": FieldType.EMAIL,
    "TITLE": FieldType.STRING,
    "PHONE": FieldType.PHONE,
    "RATING": FieldType.PICKLIST,
    "INDUSTRY": FieldType.PICKLIST,
}
"""The first eight were seen to work against a live org, the others are inferred."""
_SCOPES = frozenset({"user", "team", "allusers", "queue", "org", "scopingRule"})
_SUMMARY_FUNCTIONS = frozenset({"SUM", "AVG", "MAX", "MIN", "UNIQUE"})
_SUMMARY_CALL = re.compile(r"([A-Za-z0-9_.$]+):([A-Za-z]+)")
_COLUMN_PLACES = frozenset(
    {"field", "column", "dateColumn", "groupingColumn", "sourceColumnName", "sortColumn"}
)
_COMPUTED = re.compile(r"RowCount|FORMULA\d+|CDF\d+")
_DATES = (FieldType.DATE, FieldType.DATETIME)


def folder(work: Work, component: Component) -> str:
    """Make the folder a row that reports and dashboards can be owned by."""
    kind = FOLDER_TYPES[component.type_name]
    at_most(child(component.element, "name"), 80, "Name")
    return work.put(
        "Folder",
        {"DeveloperName": component.full_name, "Type": kind.name},
        {"Name": text(component.element, "name"), "AccessType": "Public"},
    )


def report(work: Work, component: Component) -> str:
    """Make the report a row, once everything that it names exists."""
    element = component.element
    owner = _folder_of(work, component)
    at_most(child(element, "name"), 40, "Report Name")
    at_most(child(element, "description"), 255, "Description")
    _check_shape(element)
    _check_type(work, element)
    for place in _column_places(element):
        _check_column(work, element, place)
    for grouping in _groupings(element):
        _check_granularity(work, grouping)
    for formula in _summary_formulas(element):
        _check_summary(work, element, formula)
    return work.put(
        "Report",
        {"DeveloperName": component.full_name.rpartition("/")[2], "OwnerId": owner["Id"]},
        {
            "Name": text(element, "name"),
            "Description": text(element, "description") or None,
            "FolderName": owner["Name"],
            "Format": text(element, "format"),
        },
    )


def report_type(work: Work, component: Component) -> str:
    """Keep a custom report type whose base object and own fields exist."""
    base = text(component.element, "baseObject") or ""
    place = first_or_self(component.element, "baseObject")
    require(work.schema.get(base), f"Invalid base object: {base}", place)
    for section in children(component.element, "sections"):
        for column in children(section, "columns"):
            sobject = work.schema.get((text(column, "table") or "").partition(".")[0])
            name = (text(column, "field") or "").partition(".")[0]
            known = sobject is None or not name.endswith("__c") or sobject.get(name)
            require(known, f"Invalid field {name} in report type", first_or_self(column, "field"))
    return work.new_id(component, "070")


def dashboard(work: Work, component: Component) -> str:
    """Make the dashboard a row, once its folder and its reports exist."""
    element = component.element
    owner = _folder_of(work, component)
    at_most(child(element, "title"), 80, "Title")
    for source in element.iter("{*}report"):
        name = (source.text or "").strip()
        known = "/" not in name or work.document("Report", name)
        require(known, f"In field: report - no Report named {name} found", source)
    return work.put(
        "Dashboard",
        {"DeveloperName": component.full_name.rpartition("/")[2], "FolderId": owner["Id"]},
        {
            "Title": text(element, "title"),
            "Description": text(element, "description") or None,
            "FolderName": owner["Name"],
            "RunningUserId": work.user_id,
            "Type": text(element, "dashboardType") or "LoggedInUser",
        },
    )


def _folder_of(work: Work, component: Component) -> dict[str, str]:
    """Return the row of the folder that the component stands in."""
    name = component.full_name.rpartition("/")[0]
    key = {"DeveloperName": name, "Type": component.type_name}
    row = work.find("Folder", key) if name not in ("", "unfiled$public") else None
    if name == "unfiled$public":
        return {"Id": work.user_id, "Name": "Public Reports"}
    if row is None:
        raise Problem(f"Cannot find folder:{name}", None)
    return row


def _groupings(element: etree._Element) -> list[etree._Element]:
    return [*children(element, "groupingsDown"), *children(element, "groupingsAcross")]


def _check_shape(element: etree._Element) -> None:
    """R5 and R6: a grouping is no column, a table has no groups, a summary has some."""
    form = text(element, "format")
    groupings = _groupings(element)
    columns = {text(each, "field") for each in children(element, "columns")}
    for grouping in groupings:
        name = text(grouping, "field")
        message = f"{tag(grouping)}-field: a grouping cannot also be a column: {name}"
        require(name not in columns, message, first_or_self(grouping, "field"))
    if form == "Tabular":
        summarised = child(element, "chart") is not None or any(element.iter("{*}aggregateTypes"))
        message = "Tabular reports can't have groupings, charts or summaries"
        require(not groupings and not summarised, message, first_or_self(element, "format"))
    if form in ("Summary", "Matrix"):
        message = f"{form} reports must have at least one grouping"
        require(groupings, message, first_or_self(element, "format"))


def _check_type(work: Work, element: etree._Element) -> None:
    """Check that the report type exists, and that the scope is one of its own."""
    name = text(element, "reportType") or ""
    custom = name.endswith("__c")
    known = not custom or work.document("ReportType", name.removesuffix("__c"))
    place = first_or_self(element, "reportType")
    require(known, f"reportType: Invalid value specified: {name}", place)
    scope = text(element, "scope")
    if name == LEAD_LIST and scope is not None:
        place = first_or_self(element, "scope")
        require(scope in _SCOPES, f"scope: Invalid value specified: {scope}", place)


def _column_places(element: etree._Element) -> Iterator[etree._Element]:
    """Every element that names a column."""
    for each in element.iter("{*}*"):
        if tag(each) in _COLUMN_PLACES and not len(each):
            yield each


def _check_column(work: Work, element: etree._Element, place: etree._Element) -> None:
    """R8: the column is one of the report type, of this report's own, or a field that exists.

    :raises Problem: ``columns-field: Invalid value``, with the path of the element.
    """
    name = (place.text or "").strip()
    own = {text(bucket, "developerName") for bucket in children(element, "buckets")}
    if not name or name in own or _COMPUTED.fullmatch(name):
        return
    known = _is_column(work, text(element, "reportType") or "", name)
    require(known, f"{_path(element, place)}: Invalid value specified: {name}", place)


def _is_column(work: Work, report_type: str, name: str) -> bool:
    """Whether the report type has the column; what we cannot know of other types is taken."""
    if report_type == LEAD_LIST:
        if "." not in name:
            return name in LEAD_LIST_COLUMNS
        return name.startswith("Lead.") and _custom_column(work, name)
    if "$" in name:
        entity, _, rest = name.partition("$")
        field = rest.partition(".")[0]
        return not field.endswith("__c") or _custom_column(work, f"{entity}.{field}")
    return not name.endswith("__c") or _custom_column(work, name)


def _custom_column(work: Work, name: str) -> bool:
    """Whether ``Lead.X__c`` is a custom field of that object."""
    entity, _, field = name.partition(".")
    sobject = work.schema.get(entity)
    found = sobject.get(field) if sobject else None
    return found is not None and found.custom


def _path(element: etree._Element, place: etree._Element) -> str:
    """Return the names from below the report down to the element: ``columns-field``."""
    names = [tag(place)]
    above = place.getparent()
    while above is not None and above is not element:
        names.append(tag(above))
        above = above.getparent()
    return "-".join(reversed(names))


def _check_granularity(work: Work, grouping: etree._Element) -> None:
    """R9: only dates are grouped by day, week or month."""
    name = text(grouping, "field") or ""
    if text(grouping, "dateGranularity") in (None, "None"):
        return
    entity, _, own = name.partition(".")
    sobject = work.schema.get(entity)
    found = sobject.get(own) if sobject and own else None
    kind = found.type if found else LEAD_LIST_COLUMNS.get(name, FieldType.DATE)
    message = f"{tag(grouping)}-dateGranularity: only a date can have a granularity: {name}"
    require(kind in _DATES, message, first_or_self(grouping, "dateGranularity"))


def _summary_formulas(element: etree._Element) -> Iterator[etree._Element]:
    for aggregate in children(element, "aggregates"):
        yield from children(aggregate, "calculatedFormula")


def _check_summary(work: Work, element: etree._Element, formula: etree._Element) -> None:
    """R10: a summary formula uses known functions over columns of the report type."""
    report_type = texts(element, "reportType")[0]
    for column, function in _SUMMARY_CALL.findall(formula.text or ""):
        known = function.upper() in _SUMMARY_FUNCTIONS
        message = f"aggregates-calculatedFormula: unknown summary function {function}"
        require(known, message, formula)
        known = _is_column(work, report_type, column) or bool(_COMPUTED.fullmatch(column))
        message = f"aggregates-calculatedFormula: Invalid value specified: {column}"
        require(known, message, formula)
