"""A policy as people read it: the tree of routes, each with whom it takes and who owns them."""

from __future__ import annotations

from collections.abc import Iterator

from speed_to_lead.policy.model import Policy, Route


def show(policy: Policy) -> str:
    """Return version, digest, segments, regions and the tree of routes as lines of text."""
    regions = [f"{region.name} ({', '.join(region.countries)})" for region in policy.regions]
    return "\n".join(
        [
            f"version   {policy.version}",
            f"digest    {policy.digest}",
            f"segments  {', '.join(map(str, policy.segments)) or 'none'}; else {policy.default_segment}",
            f"regions   {', '.join(regions) or 'none'}; else {policy.default_region}",
            "",
            _line(policy.routes),
            *_below(policy.routes, ""),
        ]
    )


def _below(parent: Route, indent: str) -> Iterator[str]:
    for position, child in enumerate(parent.routes, start=1):
        last = position == len(parent.routes)
        yield f"{indent}{'└── ' if last else '├── '}{_line(child)}"
        yield from _below(child, indent + ("    " if last else "│   "))


def _line(route: Route) -> str:
    condition = "everything else" if route.when is None else route.when.text
    return f"{route.name}: {condition} → {route.owner}"
