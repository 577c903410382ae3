"""A native report of the org, run through the Analytics API and shown as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich import box
from rich.table import Table

from speed_to_lead.demo.actors import API, Actor


def run_report(actor: Actor, developer_name: str) -> dict[str, Any]:
    """Return the results of a report, as the Analytics API gives them."""
    [found] = actor.query(f"SELECT Id FROM Report WHERE DeveloperName = '{developer_name}'")
    answer: dict[str, Any] = actor.call("GET", f"{API}/analytics/reports/{found['Id']}")
    return answer


def native(actor: Actor, developer_name: str) -> Table:
    """Return a report's outermost groups, their totals and the grand total."""
    return report_table(run_report(actor, developer_name))


def report_table(report: Mapping[str, Any]) -> Table:
    """Return the outermost groups of a report's results, and its grand total, as the org labels them."""
    about = report["reportExtendedMetadata"]
    aggregates = about["aggregateColumnInfo"]
    names = report["reportMetadata"]["aggregates"]
    shown = Table(
        title=f"Report {report['reportMetadata']['name']}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    groupings = list(about["groupingColumnInfo"].values())
    outermost = next((each["label"] for each in groupings if each["groupingLevel"] == 0), "")
    shown.add_column(outermost)
    for name in names:
        shown.add_column(aggregates[name]["label"], justify="right")
    for label, totals in _groups(report):
        shown.add_row(label, *totals)
    shown.add_section()
    shown.add_row("Total", *_totals(report, "T!T"), style="bold")
    return shown


def _groups(report: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    for group in report["groupingsDown"]["groupings"]:
        yield group["label"], _totals(report, f"{group['key']}!T")


def _totals(report: Mapping[str, Any], key: str) -> list[str]:
    return [str(cell["label"]) for cell in report["factMap"][key]["aggregates"]]
