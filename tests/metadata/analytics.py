"""What makes a dashboard honest: it deploys without any of this, and misleads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from local_org.metadata.markup import children, text, texts
from tests.metadata.source import Finding, Source, readable
from tests.metadata.wording import too_large

FOOTER = 255
RISING = {"RowLabelAscending": "Asc", "RowLabelDescending": "Desc"}
LESS_IS_BETTER = re.compile(r"minute|latency|time_to|waiting|late\b|overdue", re.IGNORECASE)
MORE_IS_BETTER = re.compile(r"%|\bshare\b|per ?cent|\bmet\b|attain", re.IGNORECASE)


def footers(project: Path) -> Iterator[Finding]:
    """Each component of a dashboard says below its figure what it counts and what not."""
    for source, component in _components(project):
        said = text(component, "footer") or ""
        shown = text(component, "header") or text(component, "title") or "a component"
        if not said:
            yield source.finding("footer", f"{shown!r} says nowhere what it counts", component)
        elif len(said) > FOOTER:
            message = too_large(source.kind, "footer", said, FOOTER)
            yield source.finding("footer", message, next(children(component, "footer")))


def viewers(project: Path) -> Iterator[Finding]:
    """Everybody sees a dashboard as himself: no running user of one org, nobody else's rights."""
    for source in readable(project, "Dashboard"):
        if source.text("dashboardType") != "LoggedInUser":
            message = f"dashboardType is {source.text('dashboardType')!r}, expected 'LoggedInUser'"
            yield source.finding("running-user", message, "dashboardType")
        if source.text("runningUser"):
            message = f"{source.text('runningUser')} exists in one org only; leave runningUser out"
            yield source.finding("running-user", message, "runningUser")


def colours(project: Path) -> Iterator[Finding]:
    """Green is where the figure is good: low for minutes and for who waits, high for shares."""
    labels = _formula_labels(project)
    for source, component in _components(project):
        low, high = (text(component, f"indicator{end}Color") for end in ("Low", "High"))
        if low is None or high is None:
            continue
        place = next(children(component, "indicatorLowColor"))
        good = _good_end(component, labels)
        if good is None:
            message = "neither header nor column tells whether less or more is better"
        elif _green(low) == (good == "low") and _green(high) == (good == "high"):
            message = _breaks_fall(component)
        else:
            message = f"green belongs to the {good} end of this figure, got {low} below {high}"
        if message:
            yield source.finding("colours", message, place)


def trends(project: Path) -> Iterator[Finding]:
    """A chart over time runs as its report does: from the oldest to the newest."""
    reports = {
        f"{source.path.parent.name}/{source.name}": source for source in readable(project, "Report")
    }
    for source, component in _components(project):
        report = reports.get(text(component, "report") or "")
        if report is None:
            continue
        dated = {
            text(grouping, "field"): text(grouping, "sortOrder")
            for name in ("groupingsDown", "groupingsAcross")
            for grouping in children(report.root, name)
            if text(grouping, "dateGranularity") not in (None, "None")
        }
        sort = text(component, "sortBy")
        shown = texts(component, "groupingColumn")[:1]
        if not shown or shown[0] not in dated or sort is None:
            continue
        if RISING.get(sort) != dated[shown[0]] or dated[shown[0]] != "Asc":
            place = next(children(component, "sortBy"))
            message = f"the trend over {shown[0]} is sorted {sort}, its report {dated[shown[0]]}: both rise"
            yield source.finding("trend", message, place)


def _components(project: Path) -> Iterator[tuple[Source, etree._Element]]:
    for source in readable(project, "Dashboard"):
        for name in ("dashboardComponent", "components"):
            for component in source.each(name):
                yield source, component


def _formula_labels(project: Path) -> dict[tuple[str, str], str]:
    """Return what each report calls its summary formulas, by report and formula."""
    return {
        (f"{source.path.parent.name}/{source.name}", text(formula, "developerName") or ""): text(
            formula, "masterLabel"
        )
        or ""
        for source in readable(project, "Report")
        for formula in children(source.root, "aggregates")
    }


def _good_end(component: etree._Element, labels: dict[tuple[str, str], str]) -> str | None:
    """Return the good end, ``low`` or ``high``, of a component's figure; None when unsaid.

    The figure's own name decides, a formula's label for it; then the header; shares come first:
    "late (%)" and "answered in 5 minutes (%)" cannot be told apart, and neither is used here.
    """
    report = text(component, "report") or ""
    columns = [text(each, "column") or "" for each in children(component, "chartSummary")]
    named = " ".join(labels.get((report, column), column) for column in columns)
    for words in (named, text(component, "header") or "", text(component, "title") or ""):
        if MORE_IS_BETTER.search(words):
            return "high"
        if LESS_IS_BETTER.search(words):
            return "low"
    return None


def _green(colour: str) -> bool:
    """Tell whether a colour such as ``#00716B`` is more green than red."""
    red, green = (int(colour.lstrip("#")[at : at + 2], 16) for at in (0, 2))
    return green > red


def _breaks_fall(component: etree._Element) -> str:
    points = [text(component, f"indicatorBreakpoint{number}") for number in (1, 2)]
    falling = None not in points and float(points[0] or 0) >= float(points[1] or 0)
    return f"breakpoints do not rise: {points[0]}, {points[1]}" if falling else ""
