"""Reports, their types and folders, and dashboards.

A report is checked as an org checks it: the folder, the columns, the scope, the groupings, the
criteria, the formulas; the same columns and conditions that its run knows.
Source: facts/metadata.md 2.2, 2.7, 4, 5 and rules R4 to R11 of 7.3; "Invalid value" is third-party,
the other wordings are inferred.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from math import inf
from typing import Any

from lxml import etree

from local_org.errors import OrgError
from local_org.metadata.dashboards import check_dashboard, keep_ids, running_user
from local_org.metadata.markup import Problem, child, children, first_or_self, tag, text
from local_org.metadata.package import Component
from local_org.metadata.report_definitions import definition, number
from local_org.metadata.report_definitions import report_type as custom_type
from local_org.metadata.types import FOLDER_TYPES
from local_org.metadata.work import Work, at_most, require
from local_org.reports.checking import Checker
from local_org.reports.columns import TIMES
from local_org.reports.definition import Definition
from local_org.reports.durations import DURATION_OF
from local_org.reports.filters import check_logic
from local_org.reports.granularity import GRANULARITIES
from local_org.reports.report_types import LEAD_LIST, ReportType, standard_types
from local_org.schema.formula import FormulaError

_COLUMN_PLACES = frozenset(
    {"field", "column", "dateColumn", "groupingColumn", "sourceColumnName", "sortColumn"}
)
_MOST_OBJECTS = 4
_MOST_GROUPINGS = {"Summary": (3, 0), "Matrix": (2, 2)}
_UNFILED = "unfiled$public"


# -- folders --------------------------------------------------------------------------------------


def folder(work: Work, component: Component) -> str:
    """Make the folder a row that reports and dashboards can be owned by."""
    kind = FOLDER_TYPES[component.type_name]
    at_most(child(component.element, "name"), 80, "Name")
    shared = child(component.element, "folderShares") is not None
    access = text(component.element, "accessType") or ("Shared" if shared else "Hidden")
    return work.put(
        "Folder",
        {"DeveloperName": component.full_name, "Type": kind.name},
        {"Name": text(component.element, "name"), "AccessType": access},
    )


def _folder_of(work: Work, component: Component) -> dict[str, Any]:
    """Return the row of the folder that the component stands in; unfiled ones are the org's."""
    name = component.full_name.rpartition("/")[0]
    if name == _UNFILED:
        return {"Id": work.store.organization_id(), "Name": "Public Reports"}
    row = (
        work.find("Folder", {"DeveloperName": name, "Type": component.type_name}) if name else None
    )
    if row is None:
        raise Problem(f"Cannot find folder:{name}", None)
    return row


# -- report types ---------------------------------------------------------------------------------


def report_type(work: Work, component: Component) -> str:
    """Keep a custom report type whose base object, joins and own fields exist."""
    element = component.element
    base = text(element, "baseObject") or ""
    place = first_or_self(element, "baseObject")
    require(work.schema.get(base), f"Invalid base object: {base}", place)
    made = custom_type(component.full_name, element)
    message = f"A report type has at most {_MOST_OBJECTS} objects"
    require(len(made.joins) < _MOST_OBJECTS, message, element)
    _check_joins(work, element, made)
    checker = Checker(work.schema, made, Definition(made.name))
    for section in children(element, "sections"):
        for column in children(section, "columns"):
            name = f"{text(column, 'table')}${text(column, 'field')}"
            shown = text(column, "field") or ""
            known = checker.column(name) is not None
            require(known, f"Invalid field {shown} in report type", first_or_self(column, "field"))
    return work.new_id(component, "070")


def _check_joins(work: Work, element: etree._Element, made: ReportType) -> None:
    """Check that every list of children is there, and that no inner join follows an outer one."""
    outer: set[str] = set()
    at = {made.objects[0]: made.objects[0]}
    for join in made.joins:
        links = work.schema.children(at[join.parent])
        link = next((c for c in links if (c.name or "").lower() == join.relationship.lower()), None)
        require(link, f"Invalid relationship {join.relationship} in report type", element)
        after_outer = join.parent in outer
        message = "An outer join cannot be followed by an inner join"
        require(join.outer or not after_outer, message, element)
        if join.outer or after_outer:
            outer.add(join.table)
        at[join.table] = link.child if link else ""


# -- reports --------------------------------------------------------------------------------------


def report(work: Work, component: Component) -> str:
    """Make the report a row, once everything that it names exists."""
    element = component.element
    owner = _folder_of(work, component)
    at_most(child(element, "name"), 40, "Report Name")
    at_most(child(element, "description"), 255, "Description")
    _check_shape(element)
    known = _type_of(work, element)
    if known is not None and text(element, "format") != "MultiBlock":
        _check_definition(work, element, known)
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


def _groupings(element: etree._Element) -> list[etree._Element]:
    return [*children(element, "groupingsDown"), *children(element, "groupingsAcross")]


def _check_shape(element: etree._Element) -> None:
    """R5 and R6: a grouping is no column, a table has no groups, a summary has some."""
    form = text(element, "format") or ""
    groupings = _groupings(element)
    columns = {text(each, "field") for each in children(element, "columns")}
    for grouping in groupings:
        name = text(grouping, "field")
        message = f"{tag(grouping)}-field: a grouping cannot also be a column: {name}"
        require(name not in columns, message, first_or_self(grouping, "field"))
    place = first_or_self(element, "format")
    if form == "Tabular":
        summaries = element.iter("{*}chart", "{*}aggregateTypes")
        summarised = next(summaries, None) is not None
        message = "Tabular reports can't have groupings, charts or summaries"
        require(not groupings and not summarised, message, place)
    if form in _MOST_GROUPINGS:
        message = f"{form} reports must have at least one grouping"
        require(groupings, message, place)
        across = len(list(children(element, "groupingsAcross")))
        down, most = len(groupings) - across, _MOST_GROUPINGS[form]
        message = f"{form} reports have at most {most[0]} row and {most[1]} column groupings"
        require(down <= most[0] and across <= most[1], message, place)


def _type_of(work: Work, element: etree._Element) -> ReportType | None:
    """Return the report type; None for a standard one that this org does not model.

    :raises Problem: a custom type that does not exist, or a scope that is none of LeadList's.
    """
    name = text(element, "reportType") or ""
    place = first_or_self(element, "reportType")
    if name.endswith("__c"):
        own = name.removesuffix("__c")
        body = work.xml("ReportType", own)
        require(body is not None, f"reportType: Invalid value specified: {name}", place)
        return None if body is None else custom_type(own, body)
    scope, known = text(element, "scope"), standard_types().get(name)
    if name == LEAD_LIST and known is not None and scope is not None:
        place = first_or_self(element, "scope")
        allowed = scope in {value for value, _ in known.scopes}
        require(allowed, f"scope: Invalid value specified: {scope}", place)
    return known


def _check_definition(work: Work, element: etree._Element, known: ReportType) -> None:
    of = definition(element)
    checker = Checker(work.schema, known, of)
    _check_buckets(checker, element)
    for place in _column_places(element):
        name = (place.text or "").strip()
        fits = not name or _is_computed(of, name) or checker.exists(name)
        require(fits, f"{_path(element, place)}: Invalid value specified: {name}", place)
    for grouping in _groupings(element):
        _check_granularity(checker, grouping)
        _check_sort(of, grouping)
    for column in children(element, "columns"):
        _check_totals(checker, column)
    _check_criteria(checker, element, of)
    _check_time_frame(checker, element)
    _check_formulas(checker, element)


def _column_places(element: etree._Element) -> Iterator[etree._Element]:
    """Every element that names a column of the report's type; related objects have their own."""
    for each in element.iter("{*}*"):
        related = "crossFilters" in map(tag, islice(each.iterancestors("{*}*"), 1, 2))
        if tag(each) in _COLUMN_PLACES and not len(each) and not related:
            yield each


def _is_computed(of: Definition, name: str) -> bool:
    """Whether it is the record count or one of the report's own formulas, which sort and chart too."""
    return name == "RowCount" or name in {f.name for f in of.formulas}


def _path(element: etree._Element, place: etree._Element) -> str:
    """Return the names from below the report down to the element: ``columns-field``."""
    names = [tag(place)]
    above = place.getparent()
    while above is not None and above is not element:
        names.append(tag(above))
        above = above.getparent()
    return "-".join(reversed(names))


def _check_granularity(checker: Checker, grouping: etree._Element) -> None:
    """R9: only dates are grouped by day, week or month."""
    name, granularity = text(grouping, "field") or "", text(grouping, "dateGranularity") or "None"
    place = first_or_self(grouping, "dateGranularity")
    message = f"{tag(grouping)}-dateGranularity: Invalid value specified: {granularity}"
    require(granularity in GRANULARITIES, message, place)
    column = checker.column(name)
    message = f"{tag(grouping)}-dateGranularity: only a date can have a granularity: {name}"
    dated = granularity == "None" or column is None or column.kind in TIMES
    require(dated, message, place)


def _check_sort(of: Definition, grouping: etree._Element) -> None:
    """Check that groups are sorted by a total that the report has."""
    name = text(grouping, "field")
    sort = next((g.sort_aggregate for g in of.groupings if g.name == name), None)
    place = first_or_self(grouping, "sortByName")
    message = f"{tag(grouping)}-sortByName: Invalid value specified: {sort}"
    require(sort in (None, *of.aggregates), message, place)


def _check_totals(checker: Checker, column: etree._Element) -> None:
    """Check that what is summed is a number or a checkbox."""
    found = checker.column(text(column, "field") or "")
    for place in children(column, "aggregateTypes"):
        function = (place.text or "").strip()
        fits = function in ("Unique", "Noop", "None") or found is None or found.summable
        require(fits, f"columns-aggregateTypes: Invalid value specified: {function}", place)


def _check_buckets(checker: Checker, element: etree._Element) -> None:
    """Check that buckets fit their columns, and that ranges are numbers in ascending order."""
    for bucket in children(element, "buckets"):
        try:
            checker.column(text(bucket, "developerName") or "")
        except OrgError as error:
            place = first_or_self(bucket, "bucketType")
            raise Problem(f"buckets-bucketType: {error.message}", place) from None
        if text(bucket, "bucketType") != "number":
            continue
        before = -inf
        for bound in bucket.iter("{*}to"):
            upper = number((bound.text or "").strip())
            message = f"buckets-values-sourceValues-to: Invalid value specified: {bound.text}"
            require(before < upper < inf, message, bound)
            before = upper


def _check_criteria(checker: Checker, element: etree._Element, of: Definition) -> None:
    """Check conditions and values against their columns, and the logic between them."""
    block = child(element, "filter")
    if block is None:
        return
    for item, each in zip(children(block, "criteriaItems"), of.filters, strict=True):
        try:
            checker.check_filter(each)
        except OrgError as error:
            path = "filter-criteriaItems"
            raise Problem(f"{path}: {error.message}", first_or_self(item, "value")) from None
    try:
        check_logic(of.boolean_filter, len(of.filters))
    except OrgError as error:
        place = first_or_self(block, "booleanFilter")
        raise Problem(f"filter-booleanFilter: {error.message}", place) from None


def _check_time_frame(checker: Checker, element: etree._Element) -> None:
    frame = child(element, "timeFrameFilter")
    if frame is None:
        return
    interval = text(frame, "interval") or ""
    place = first_or_self(frame, "interval")
    known = interval in DURATION_OF
    require(known, f"timeFrameFilter-interval: Invalid value specified: {interval}", place)
    name = text(frame, "dateColumn") or ""
    column = checker.column(name)
    place = first_or_self(frame, "dateColumn")
    dated = column is None or column.kind in TIMES
    require(dated, f"timeFrameFilter-dateColumn: Invalid value specified: {name}", place)


def _check_formulas(checker: Checker, element: etree._Element) -> None:
    """R10: a summary formula compiles, over columns of the report type; so does a row-level one."""
    try:
        checker.check_formulas()
    except FormulaError as error:
        place = next(children(element, "aggregates"))
        inner = first_or_self(place, "calculatedFormula")
        raise Problem(f"aggregates-calculatedFormula: {error.message}", inner) from None
    for formula in children(element, "customDetailFormulas"):
        try:
            checker.column(text(formula, "developerName") or "")
        except OrgError as error:
            place = first_or_self(formula, "calculatedFormula")
            message = f"customDetailFormulas-calculatedFormula: {error.message}"
            raise Problem(message, place) from None


# -- dashboards -----------------------------------------------------------------------------------


def dashboard(work: Work, component: Component) -> str:
    """Make the dashboard a row, once its folder and its reports exist.

    A running user who is not here is replaced by the deployer. Source: facts/metadata.md 2.2.
    """
    element = component.element
    owner = _folder_of(work, component)
    check_dashboard(work, element)
    named = running_user(element)
    user = work.find("User", {"Username": named}) if named else None
    found = work.put(
        "Dashboard",
        {"DeveloperName": component.full_name.rpartition("/")[2], "FolderId": owner["Id"]},
        {
            "Title": text(element, "title"),
            "Description": text(element, "description") or None,
            "FolderName": owner["Name"],
            "RunningUserId": user["Id"] if user else work.user_id,
            "Type": text(element, "dashboardType") or "SpecifiedUser",
        },
    )
    keep_ids(work, component.full_name, element)
    return found
