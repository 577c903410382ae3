"""Every kind of Lead that a policy can tell apart, so that questions about matchers have exact answers.

What matchers read are four independent inputs; each is cut where some matcher changes its answer.
A kind of Lead is one choice from each, a set of kinds is the bits of one number, and the predicates
become its ``&``, ``|`` and ``^`` (facts/ttfr.md 17.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from math import prod
from operator import and_, or_

from speed_to_lead.model import JSON
from speed_to_lead.policy.matchers import Features, In, Leaf, Matcher, Range
from speed_to_lead.policy.model import Policy

_INPUT_OF = {
    "employees": "employees",
    "segment": "employees",
    "country": "country",
    "region": "country",
    "source": "source",
    "industry": "industry",
}
"""The input of a Lead which alone decides a field that matchers read."""


class Space:
    """All kinds of Leads under one policy."""

    def __init__(self, policy: Policy) -> None:
        routes = [route for _, route in policy.routes.walk("routes")]
        leaves = [leaf for route in routes if route.when for leaf in route.when.leaves()]
        self._kinds = {name: _distinct(policy, name, leaves) for name in ("employees", "country")}
        self._kinds |= {name: _distinct(policy, name, leaves) for name in ("source", "industry")}
        self._size = prod(map(len, self._kinds.values()))
        self.everything = (1 << self._size) - 1

    def where(self, matcher: Matcher | None) -> int:
        """Return the set of kinds for which a matcher is true; none means that it always is."""
        if matcher is None:
            return self.everything
        if matcher.all is not None:
            return reduce(and_, map(self.where, matcher.all))
        if matcher.any is not None:
            return reduce(or_, map(self.where, matcher.any))
        if matcher.not_ is not None:
            return self.everything ^ self.where(matcher.not_)
        return self._where_leaf(matcher.chosen())

    def _where_leaf(self, leaf: Leaf) -> int:
        """Write the answers for one input as digits, repeated over all choices of the others."""
        own = _INPUT_OF[leaf.field]
        names = list(self._kinds)
        stride = prod(len(self._kinds[name]) for name in names[names.index(own) + 1 :])
        answers = "".join("01"[leaf.holds(kind)] * stride for kind in self._kinds[own])
        return int(answers * (self._size // len(answers)), 2)


def _distinct(policy: Policy, name: str, leaves: Iterable[Leaf]) -> list[Features]:
    """Return one Lead for each way in which the leaves on one input can answer together."""
    concerned = [leaf for leaf in leaves if _INPUT_OF[leaf.field] == name]
    kinds = [policy.features({name: value}) for value in _values(policy, name, concerned)]
    return list({tuple(leaf.holds(kind) for leaf in concerned): kind for kind in kinds}.values())


def _values(policy: Policy, name: str, leaves: Iterable[Leaf]) -> Iterator[JSON]:
    """Yield a value of one input from every piece on which all leaves are constant; blank is one."""
    yield None
    if name == "employees":
        yield from _pieces(policy, leaves)
    if name == "country":
        yield from (country for region in policy.regions for country in region.countries)
    yield from (value for leaf in leaves if isinstance(leaf, In) for value in leaf.values)


def _pieces(policy: Policy, leaves: Iterable[Leaf]) -> Iterator[int]:
    bounds = [segment.employees for segment in policy.segments]
    bounds += [(leaf.min or 0, leaf.max) for leaf in leaves if isinstance(leaf, Range)]
    starts = {0, *(low for low, _ in bounds), *(high + 1 for _, high in bounds if high is not None)}
    yield from (min(starts) - 1, *starts)
