"""A dashboard as a picture, drawn from what the Analytics API answers and from nothing else."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "speed-to-lead", "font.size": 9})

from matplotlib import pyplot as plt  # noqa: E402  # only after the backend is chosen
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.transforms import Bbox  # noqa: E402

_BLUE, _INK, _GREY = "#0B5CAB", "#1F2933", "#6B7280"
_DONUT = ("#0B5CAB", "#3BA7A0", "#F2A93B", "#8E6BBF", "#C7CDD4", "#C23934")
_ROW_INCHES, _COLUMN_INCHES = 0.36, 1.0
Json = Mapping[str, Any]


def draw(dashboard: Json, target: Path) -> None:
    """Draw every component at its place in the grid; write an SVG that is the same for the same data."""
    about = dashboard["dashboardMetadata"]
    places = about["layout"]["components"]
    rows = max(place["row"] + place["rowspan"] for place in places)
    figure = plt.figure(figsize=(12 * _COLUMN_INCHES, rows * _ROW_INCHES))
    grid = figure.add_gridspec(
        rows, 12, left=0.1, right=0.97, top=0.96, bottom=0.02, wspace=2.6, hspace=0
    )
    figure.suptitle(about["name"], x=0.1, y=0.99, ha="left", size=15, color=_INK, weight="bold")
    results = {each["componentId"]: each["reportResult"] for each in dashboard["componentData"]}
    for place, component in zip(places, about["components"], strict=True):
        down = slice(place["row"] + 1, place["row"] + place["rowspan"] - 2)
        across = slice(place["column"], place["column"] + place["colspan"])
        axes = figure.add_subplot(grid[down, across])
        _component(axes, component, results[component["id"]])
    figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    text = target.read_text(encoding="utf-8")
    target.write_text("\n".join(map(str.rstrip, text.splitlines())) + "\n", encoding="utf-8")


def _component(axes: Axes, component: Json, result: Json) -> None:
    axes.set_title(component["header"], loc="left", size=9, color=_INK, weight="bold")
    wide = 44 if component["properties"]["visualizationType"] in ("Metric", "Gauge") else 100
    footer = textwrap.fill(component["footer"], wide)
    axes.annotate(
        footer, (0, 0), (0, -22), "axes fraction", "offset points", size=6, color=_GREY, va="top"
    )
    _DRAWN[component["properties"]["visualizationType"]](axes, component, result)


def _metric(axes: Axes, component: Json, result: Json) -> None:
    cell = result["factMap"]["T!T"]["aggregates"][0]
    breaks = component["properties"]["visualizationProperties"].get("breakPoints") or []
    colour = next(
        (
            f"#{each['color']}"
            for each in (breaks[0]["breaks"] if breaks else [])
            if cell["value"] <= (float("inf") if each["upperBound"] is None else each["upperBound"])
        ),
        _INK,
    )
    axes.text(
        0, 0.3, f"{cell['value']:,.1f}".removesuffix(".0"), size=26, color=colour, va="center"
    )
    axes.axis("off")


def _groups(result: Json) -> tuple[list[str], list[float]]:
    groups = result["groupingsDown"]["groupings"]
    facts = result["factMap"]
    values = [facts[f"{group['key']}!T"]["aggregates"][0]["value"] or 0.0 for group in groups]
    return [group["label"].split(" - ")[0] for group in groups], values


def _line(axes: Axes, _: Json, result: Json) -> None:
    labels, values = _groups(result)
    axes.plot(labels, values, color=_BLUE, marker="o")
    _tidy(axes)
    axes.set_ylim(bottom=0, top=max(values) * 1.25)
    for label, value in zip(labels, values, strict=True):
        axes.annotate(
            f"{value:,.1f}", (label, value), (0, 5), textcoords="offset points", ha="center"
        )


def _column(axes: Axes, _: Json, result: Json) -> None:
    axes.bar_label(axes.bar(*_groups(result), color=_BLUE), fmt="{:,.0f}")
    _tidy(axes)


def _bar(axes: Axes, _: Json, result: Json) -> None:
    axes.bar_label(axes.barh(*_groups(result), color=_BLUE), fmt="{:,.1f}", padding=3)
    axes.invert_yaxis()
    axes.margins(x=0.18)
    _tidy(axes)
    axes.set_xticks([])


def _donut(axes: Axes, _: Json, result: Json) -> None:
    labels, values = _groups(result)
    shares = [f"{label}: {value:,.0f}" for label, value in zip(labels, values, strict=True)]
    wedges = axes.pie(values, wedgeprops={"width": 0.4}, colors=_DONUT)[0]
    axes.set_anchor("W")
    axes.legend(wedges, shares, loc="center left", bbox_to_anchor=(1.05, 0.5), frameon=False)


def _table(axes: Axes, _: Json, result: Json) -> None:
    about = result["reportExtendedMetadata"]
    names = result["reportMetadata"]["aggregates"]
    heads = [textwrap.fill(about["aggregateColumnInfo"][name]["label"], 18) for name in names]
    rows = [
        [
            group["label"],
            *(c["label"] for c in result["factMap"][f"{group['key']}!T"]["aggregates"]),
        ]
        for group in result["groupingsDown"]["groupings"]
    ]
    table = axes.table(
        rows, colLabels=["", *heads], bbox=Bbox.unit(), edges="horizontal", cellLoc="right"
    )
    table.auto_set_font_size(False)
    for (row, column), cell in table.get_celld().items():
        cell.set_text_props(
            size=6 if row == 0 else 7, color=_INK, ha="left" if column == 0 else "right"
        )
        cell.set_edgecolor("#D9DEE4")
        cell.set_height(cell.get_height() * (1.9 if row == 0 else 1))
    axes.axis("off")


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7, colors=_GREY)


_DRAWN: dict[str, Callable[[Axes, Json, Json], None]] = {
    "Metric": _metric,
    "Gauge": _metric,
    "Line": _line,
    "Column": _column,
    "Bar": _bar,
    "Donut": _donut,
    "Table": _table,
}
