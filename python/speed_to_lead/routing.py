"""Which route a Lead takes, and why: pure, total, the same answer for the same inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from speed_to_lead.model import JSON, Lead
from speed_to_lead.policy import Matcher, OwnerRef, Policy, Route
from speed_to_lead.policy.matchers import Features, Leaf


@dataclass(frozen=True, slots=True)
class Routed:
    """Where a Lead goes."""

    route: str
    segment: str
    region: str
    owner: OwnerRef
    trace: tuple[Mapping[str, JSON], ...]
    """Every route that was tried, in order: its name, whether it matched, and why (not)."""
    above: tuple[tuple[str, OwnerRef], ...] = ()
    """The routes that lead there, the nearest first, each with the owner to fall back to."""


def inputs_of(lead: Lead) -> dict[str, JSON]:
    """Return exactly what a policy may read of a Lead; nothing personal."""
    return {
        "employees": lead.employees,
        "country": lead.country,
        "source": lead.source,
        "industry": lead.industry,
    }


def route(policy: Policy, inputs: Mapping[str, JSON]) -> Routed:
    """Return where a Lead with these inputs goes: the deepest route that matches first.

    Total: an input that is absent or of another type counts as blank, and the root takes every Lead
    that no route below it takes.
    """
    features = policy.features(inputs)
    taken = policy.routes
    trace: list[Mapping[str, JSON]] = [_step(taken, None)]
    above: list[tuple[str, OwnerRef]] = []
    while (child := _first_match(taken, features, trace)) is not None:
        above.insert(0, (taken.name, taken.owner))
        taken = child
    found = (taken.name, features.segment, features.region, taken.owner, tuple(trace))
    return Routed(*found, tuple(above))


def _first_match(
    parent: Route, features: Features, trace: list[Mapping[str, JSON]]
) -> Route | None:
    for child in parent.routes:
        objection = None if child.when is None else _objection(child.when, features)
        trace.append(_step(child, objection))
        if objection is None:
            return child
    return None


def _step(tried: Route, objection: str | None) -> Mapping[str, JSON]:
    why = objection or ("takes every Lead" if tried.when is None else tried.when.text)
    return {"route": tried.name, "matched": objection is None, "why": why}


def _objection(matcher: Matcher, features: Features) -> str | None:
    """Return why a matcher is not true of a Lead, as its first failing leaf; ``None`` when it is."""
    if matcher.all is not None:
        return next(
            (why for each in matcher.all if (why := _objection(each, features)) is not None), None
        )
    if matcher.any is not None:
        reasons = [_objection(each, features) for each in matcher.any]
        return None if None in reasons else "; ".join(map(str, reasons))
    if matcher.not_ is not None:
        return matcher.not_.text if _objection(matcher.not_, features) is None else None
    leaf = matcher.chosen()
    return None if leaf.holds(features) else _failure(leaf, features)


def _failure(leaf: Leaf, features: Features) -> str:
    value = getattr(features, leaf.field)
    return f"{leaf.field} is {'blank' if value is None else value}, not in {leaf.choice}"
