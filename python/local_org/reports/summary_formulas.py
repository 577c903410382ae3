"""Custom summary formulas: arithmetic over the totals of a group, its parents and its neighbours."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from local_org.reports.aggregates import Number
from local_org.reports.definition import SummaryFormula
from local_org.reports.totals import Place, Totals
from local_org.schema.formula import (
    Formula,
    FormulaError,
    FormulaFailure,
    FormulaType,
    compile_formula,
)

FUNCTIONS = {"SUM": "Sum", "AVG": "Average", "MAX": "Maximum", "MIN": "Minimum", "UNIQUE": "Unique"}
"""There is no median. Source: facts/metadata.md 2.7; UNIQUE is inferred."""
_OPERAND = r"(?:[A-Za-z_][\w.$]*:[A-Za-z]+|RowCount)"
_PART = re.compile(
    r"(?P<text>\"(?:\\.|[^\"])*\"|'(?:\\.|[^'])*')"
    rf"|(?P<call>PARENTGROUPVAL|PREVGROUPVAL)\(\s*(?P<of>{_OPERAND})\s*,\s*(?P<first>[\w.$]+)\s*"
    r"(?:,\s*(?P<second>[\w.$]+)\s*)?\)"
    rf"|(?P<own>{_OPERAND})",
    re.IGNORECASE,
)
_STEPS = re.compile(r"\d{1,3}")
_GRAND = frozenset({"GRAND_SUMMARY", "ROW_GRAND_SUMMARY", "COLUMN_GRAND_SUMMARY"})
ALL_LEVELS, GRAND_LEVEL = "ALL_SUMMARY_LEVELS", "GRAND_SUMMARY"
Previous = Callable[[Place, int, int], Place | None]
"""The group that stands so many places before, at a level of row groups (0 is the outermost)."""


@dataclass(frozen=True, slots=True)
class _Operand:
    """One number in a formula: a total of the group, of a parent, or of a neighbour."""

    function: str
    column: str
    call: str = ""
    arguments: tuple[str, ...] = ()


class SummaryColumn:
    """A compiled custom summary formula."""

    def __init__(self, formula: SummaryFormula) -> None:
        """Compile it.

        :raises FormulaError: in the words of the formula compiler.
        """
        self.formula = formula
        self.operands: list[_Operand] = []
        text = _PART.sub(self._operand, formula.formula)
        self._compiled: Formula = compile_formula(text, resolve=self._resolve)

    @property
    def totals(self) -> list[tuple[str, str]]:
        """Functions and columns of the totals it needs."""
        return [(o.function, o.column) for o in self.operands if o.column]

    @property
    def columns(self) -> list[str]:
        """Names of the columns whose totals it needs."""
        return [o.column for o in self.operands if o.column]

    def _operand(self, match: re.Match[str]) -> str:
        if match["text"]:
            return match[0]
        name, _, function = (match["of"] or match["own"]).partition(":")
        if not function:
            operand = _Operand("RowCount", "")
        elif function.upper() in FUNCTIONS:
            operand = _Operand(FUNCTIONS[function.upper()], name)
        else:
            raise FormulaError(f"unknown summary function {function}", match.start())
        arguments = tuple(a for a in (match["first"], match["second"]) if a)
        call = (match["call"] or "").upper()
        if call == "PREVGROUPVAL" and not _STEPS.fullmatch(match["second"] or "1"):
            raise FormulaError(
                "Incorrect parameter type for function 'PREVGROUPVAL()'. Expected Number, received "
                "Text",
                match.start(),
            )
        self.operands.append(_Operand(operand.function, operand.column, call, arguments))
        return f"total{len(self.operands) - 1}__c"

    def _resolve(self, path: tuple[str, ...]) -> FormulaType:
        if path[0] in {f"total{n}__c" for n in range(len(self.operands))} and len(path) == 1:
            return FormulaType.NUMBER
        raise FormulaError(f"Field {'.'.join(path)} does not exist. Check spelling.")

    def value(
        self, totals: Totals, place: Place, groupings: Sequence[Sequence[str]], previous: Previous
    ) -> Number:
        """Return the value at a group; None where it has none, such as a division by zero.

        ``groupings`` are the names of row groupings and of column groupings.
        """
        down, across = place
        shown = _shown(self.formula.down, groupings[0], down)
        if not (shown and _shown(self.formula.across, groupings[1], across)):
            return None
        values = [self._total(o, totals, place, groupings, previous) for o in self.operands]
        try:
            found = self._compiled.evaluate(_Numbers(values))
        except FormulaFailure:
            return None
        if not isinstance(found, Decimal):
            return None
        percent = 100 if self.formula.kind == "percent" else 1
        return float(found) * percent

    def _total(
        self,
        operand: _Operand,
        totals: Totals,
        place: Place,
        groupings: Sequence[Sequence[str]],
        previous: Previous,
    ) -> Number:
        found: Place | None = place
        if operand.call == "PARENTGROUPVAL":
            found = _parent(operand.arguments, place, groupings)
        elif operand.call == "PREVGROUPVAL":
            level = _level(operand.arguments[0], groupings[0])
            steps = int(operand.arguments[1]) if len(operand.arguments) > 1 else 1
            found = None if level is None else previous(place, level, steps)
        return None if found is None else totals.of(operand.function, operand.column, found)


def _level(name: str, groupings: Sequence[str]) -> int | None:
    return groupings.index(name) if name in groupings else None


def _parent(names: Sequence[str], place: Place, groupings: Sequence[Sequence[str]]) -> Place | None:
    """Return the parent that the names say, one each for rows and columns; GRAND_SUMMARY is all."""
    down, across = place
    for name in names:
        if name.upper() in _GRAND:
            down = down if name.upper() == "COLUMN_GRAND_SUMMARY" else ()
            across = across if name.upper() == "ROW_GRAND_SUMMARY" else ()
        elif name in groupings[0]:
            down = down[: groupings[0].index(name) + 1]
        elif name in groupings[1]:
            across = across[: groupings[1].index(name) + 1]
        else:
            return None
    return down, across


def _shown(context: str | None, groupings: Sequence[str], path: tuple[Any, ...]) -> bool:
    """Whether the formula is shown at a group of this depth."""
    if context in (None, ALL_LEVELS):
        return True
    if context == GRAND_LEVEL:
        return not path
    return context in groupings and len(path) == groupings.index(context or "") + 1


@dataclass(frozen=True, slots=True)
class _Numbers:
    """The operands, as a formula sees them; blank ones count as 0."""

    numbers: Sequence[Number]
    is_new: bool = False
    blanks_as_zero: bool = True

    @property
    def now(self) -> datetime:
        """Summary formulas know no time of their own."""
        raise FormulaFailure("no time in a summary formula")

    def value(self, path: tuple[str, ...]) -> Any:
        """Return an operand."""
        found = self.numbers[int(path[0][len("total") : -len("__c")])]
        return None if found is None else Decimal(str(found))

    def prior(self, path: tuple[str, ...]) -> Any:
        """Return the operand."""
        return self.value(path)

    def changed(self, path: tuple[str, ...]) -> bool:
        """Never."""
        del path
        return False
