"""Predicates over what a policy may read of a Lead; as English they are what a trace shows.

All are boxes over enumerated fields and one number, which is why lint can decide exactly whether a
route is ever reached (facts/ttfr.md 17.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from speed_to_lead.policy.parts import Choice, Part, Text, folded


@dataclass(frozen=True, slots=True)
class Features:
    """What matchers read of one Lead, the org's texts folded; ``None`` is blank."""

    segment: str
    region: str
    country: str | None
    source: str | None
    industry: str | None
    employees: int | None


class In(Part):
    """True when the field has one of the values; the org's texts are compared without case."""

    field: Literal["segment", "region", "country", "source", "industry"]
    """What is compared: segment and region as the policy defines them, the rest as the Lead has it."""
    values: Annotated[tuple[Text, ...], Field(min_length=1)]
    """The values that match."""

    @cached_property
    def accepted(self) -> frozenset[str | None]:
        """The values as they are compared."""
        ours = self.field in ("segment", "region")
        return frozenset(self.values if ours else map(folded, self.values))

    def holds(self, features: Features) -> bool:
        """Tell whether it is true of a Lead; never of a blank field."""
        value = getattr(features, self.field)
        return value is not None and value in self.accepted

    @cached_property
    def choice(self) -> str:
        """What is accepted, in English."""
        return ", ".join(self.values)


class Range(Part):
    """True when the number of employees lies between both bounds, which belong to the range."""

    field: Literal["employees"]
    """What is compared."""
    min: int | None = None
    """The smallest number that matches; absent or null when there is none."""
    max: int | None = None
    """The greatest number that matches; absent or null when there is none."""

    @property
    def is_empty(self) -> bool:
        """Whether no number lies in it."""
        return self.min is not None and self.max is not None and self.max < self.min

    def holds(self, features: Features) -> bool:
        """Tell whether it is true of a Lead; never of a blank field."""
        number = features.employees
        return (
            number is not None
            and (self.min is None or self.min <= number)
            and (self.max is None or number <= self.max)
        )

    @cached_property
    def choice(self) -> str:
        """What is accepted, in English."""
        return bounds(self.min, self.max)


Leaf = In | Range


class Matcher(Choice):
    """One predicate: ``in``, ``range``, or ``all``, ``any`` and ``not`` of others."""

    in_: In | SkipJsonSchema[None] = Field(None, alias="in")
    range: Range | SkipJsonSchema[None] = None
    all: Annotated[tuple[Matcher, ...], Field(min_length=1)] | SkipJsonSchema[None] = None
    """True when every one is."""
    any: Annotated[tuple[Matcher, ...], Field(min_length=1)] | SkipJsonSchema[None] = None
    """True when at least one is."""
    not_: Matcher | SkipJsonSchema[None] = Field(None, alias="not")
    """True when this one is not."""

    @cached_property
    def leaf(self) -> Leaf | None:
        """The predicate itself where it is no combination of others."""
        return self.in_ or self.range

    def walk(self, path: str) -> Iterator[tuple[str, Matcher]]:
        """Yield this matcher and all inside, each with its path in the document."""
        yield path, self
        for name, inner in (("all", self.all or ()), ("any", self.any or ())):
            for position, each in enumerate(inner):
                yield from each.walk(f"{path}.{name}[{position}]")
        if self.not_ is not None:
            yield from self.not_.walk(f"{path}.not")

    def leaves(self) -> Iterator[Leaf]:
        """Yield every predicate inside that is no combination of others."""
        return (each.leaf for _, each in self.walk("") if each.leaf is not None)

    @cached_property
    def text(self) -> str:
        """The predicate in English."""
        if self.all is not None:
            return " and ".join(map(_nested, self.all))
        if self.any is not None:
            return " or ".join(map(_nested, self.any))
        if self.not_ is not None:
            return f"not {_nested(self.not_)}"
        return f"{self.chosen().field} in {self.chosen().choice}"


def _nested(matcher: Matcher) -> str:
    return f"({matcher.text})" if matcher.leaf is None else matcher.text


def bounds(low: int | None, high: int | None) -> str:
    """Return the text of an interval of whole numbers.

    >>> bounds(1, 200), bounds(2001, None), bounds(None, 9), bounds(7, 7)
    ('1-200', '2001 or more', '9 or less', '7')
    """
    if low == high:
        return "any number" if low is None else f"{low}"
    if high is None:
        return f"{low} or more"
    return f"{high} or less" if low is None else f"{low}-{high}"
