"""Runs promtool's own format of rule tests where promtool is not at hand.

A real parser reads the expressions; evaluated are the few operators and functions that the rules use, and
anything else is an error. Samples are one minute apart; ``rate`` and its kin do not extrapolate.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import promql_parser as promql

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
_SERIES = re.compile(r"(\w+)(?:\{(.*)\})?$")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_NOTATION = re.compile(r"(-?[\d.]+)(?:([+-][\d.]+))?x(\d+)$")
_COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass
class Series:
    """Samples of one series, a minute apart; ``None`` where there is none."""

    name: str
    labels: Labels
    values: list[float | None]

    @classmethod
    def read(cls, series: str, values: str) -> Series:
        """Return a series of promtool's notation, such as ``1+2x10``, ``0x5`` or ``_``."""
        found = _SERIES.match(series)
        assert found is not None
        samples = [value for word in values.split() for value in _samples(word)]
        return cls(found[1], frozenset(_LABEL.findall(found[2] or "")), samples)


def _samples(word: str) -> Iterator[float | None]:
    found = _NOTATION.match(word)
    if found:
        for step in range(int(found[3]) + 1):
            yield float(found[1]) + step * float(found[2] or 0)
    else:
        yield None if word == "_" else float(word)


@dataclass
class Engine:
    """Evaluates expressions over series."""

    series: list[Series]

    def value(self, expression: str, minute: int) -> Vector | float:
        """Return the value of an expression at a minute."""
        return self._of(promql.parse(expression), minute)

    def fires(self, rule: Mapping[str, Any], minute: int) -> bool:
        """Tell whether an alert fires then: its expression has held for as long as it says."""
        waits = _minutes(rule.get("for", "0m"))
        held = range(max(0, minute - waits), minute + 1)
        return minute >= waits and all(self.value(rule["expr"], each) for each in held)

    def _of(self, node: Any, minute: int) -> Vector | float:
        kind = type(node).__name__
        if kind == "NumberLiteral":
            return float(node.val)
        if kind == "VectorSelector":
            return {
                labels: last
                for labels, values in self._chosen(node, minute, 5)
                if (last := values[-1]) is not None
            }
        if kind == "ParenExpr":
            return self._of(node.expr, minute)
        if kind == "Call":
            return self._call(node, minute)
        if kind == "AggregateExpr":
            return self._aggregate(node, minute)
        if kind == "BinaryExpr":
            return self._binary(node, minute)
        raise NotImplementedError(kind)

    def _chosen(self, node: Any, minute: int, back: int) -> Iterator[tuple[Labels, list[float]]]:
        """Yield the series that a selector means, with their samples of so many minutes."""
        wanted = {(m.name, m.value) for m in node.matchers.matchers}
        assert all(str(m.op).endswith("Equal") for m in node.matchers.matchers)
        for each in self.series:
            if each.name == node.name and wanted <= each.labels:
                window = each.values[max(0, minute - back) : minute + 1]
                values = [value for value in window if value is not None]
                if values and len(each.values) > minute - back:
                    yield each.labels, values

    def _call(self, node: Any, minute: int) -> Vector:
        name, [argument] = node.func.name, node.args
        if name == "absent":
            return {} if self._of(argument, minute) else {frozenset(): 1.0}
        back = int(argument.range.total_seconds() // 60)
        found = list(self._chosen(argument.vector_selector, minute, back))
        seconds = back * 60
        functions: dict[str, Callable[[list[float]], float]] = {
            "increase": _grown,
            "rate": lambda values: _grown(values) / seconds,
            "delta": lambda values: values[-1] - values[0],
            "max_over_time": max,
            "min_over_time": min,
        }
        return {labels: functions[name](values) for labels, values in found}

    def _aggregate(self, node: Any, minute: int) -> Vector:
        name = str(node).split("(")[0].split()[0]
        operation: Callable[[list[float]], float] = max if name == "max" else sum
        assert name in {"max", "sum"}
        found = self._of(node.expr, minute)
        assert isinstance(found, dict)
        by = set(node.modifier.labels) if node.modifier else set()
        groups: dict[Labels, list[float]] = {}
        for labels, value in found.items():
            kept = frozenset(pair for pair in labels if pair[0] in by)
            groups.setdefault(kept, []).append(value)
        return {labels: operation(values) for labels, values in groups.items()}

    def _binary(self, node: Any, minute: int) -> Vector:
        left, right = self._of(node.lhs, minute), self._of(node.rhs, minute)
        name = str(node.op)
        assert isinstance(left, dict)
        if name in _COMPARED:
            assert isinstance(right, float)
            return {labels: v for labels, v in left.items() if _COMPARED[name](v, right)}
        assert isinstance(right, dict)
        if name == "or":
            return {**right, **left}
        if name == "and":
            matching = node.modifier.matching if node.modifier else None

            def key(labels: Labels) -> Labels:
                if matching is None:
                    return labels
                return frozenset(pair for pair in labels if pair[0] in matching.labels)

            there = {key(labels) for labels in right}
            return {labels: value for labels, value in left.items() if key(labels) in there}
        raise NotImplementedError(name)


def _grown(values: list[float]) -> float:
    """Return how much a counter grew; it starts again from nothing when its process does."""
    return sum(now - before if now >= before else now for before, now in pairwise(values))


def _minutes(text: str) -> int:
    number, unit = int(text[:-1]), text[-1]
    return number * {"m": 1, "h": 60}[unit]


def names_in(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Yield every metric of an expression, with the labels by which it is chosen."""
    waiting: list[Any] = [promql.parse(expression)]
    while waiting:
        node = waiting.pop()
        if type(node).__name__ == "VectorSelector":
            yield node.name, {matcher.name for matcher in node.matchers.matchers}
        waiting += [
            getattr(node, part)
            for part in ("lhs", "rhs", "expr", "vector_selector")
            if hasattr(node, part)
        ]
        waiting += getattr(node, "args", None) or []
