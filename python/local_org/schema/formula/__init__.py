"""The formula language of fields, validation rules and defaults: text → tree → types → closures."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import DecimalException
from typing import Any

from local_org.schema.formula.compiler import Compiler, Names, Resolve, Run
from local_org.schema.formula.kinds import (
    FormulaContext,
    FormulaError,
    FormulaFailure,
    FormulaType,
    formula_type,
)
from local_org.schema.formula.names import object_named, resolver
from local_org.schema.formula.parser import parse
from local_org.schema.formula.special import SPECIAL_FORMS

__all__ = [
    "MAX_LENGTH",
    "OF_A_WRITE",
    "Formula",
    "FormulaContext",
    "FormulaError",
    "FormulaFailure",
    "FormulaType",
    "compile_formula",
    "formula_type",
    "object_named",
    "resolver",
]


@dataclass(frozen=True, slots=True)
class Formula:
    """A compiled formula: what it reads, the type it gives, and the way to its value."""

    text: str
    type: FormulaType
    references: frozenset[Names]
    """Paths of the fields and global variables it reads, as written."""
    _run: Run

    def evaluate(self, context: FormulaContext) -> Any:
        """Return the value for this record: None, str, Decimal, bool, datetime, date or time.

        Never rounded: scale belongs to the field, and so does the factor 100 of a percent field.

        :raises FormulaFailure: the formula has no value here, such as a division by zero.
        """
        try:
            return self._run(context)
        except (DecimalException, ValueError, OverflowError) as e:
            raise FormulaFailure(f"no value: {e}") from e


MAX_LENGTH = 3900
"""Characters of a formula as it is written."""
OF_A_WRITE = frozenset({"ISCHANGED", "ISCLONE", "ISNEW", "PRIORVALUE"})
"""Functions about a record that is being written: rules have them, fields and defaults do not."""


def compile_formula(
    text: str, *, resolve: Resolve, without: frozenset[str] = frozenset()
) -> Formula:
    """Compile a formula; ``resolve`` tells the type of a path such as ``("Owner", "Name")``.

    ``without`` names functions that formulas of its kind do not have.

    :raises FormulaError: in the platform's words: syntax, unknown names, wrong types or counts.
    """
    if len(text) > MAX_LENGTH:
        raise FormulaError(
            f"Formula is too long ({len(text):,} characters).  "
            f"Maximum length is {MAX_LENGTH:,} characters",
            0,
        )
    compiler = Compiler(resolve, SPECIAL_FORMS, without)
    try:
        compiled = compiler.value(parse(text))
    except RecursionError:
        raise FormulaError("Formula is too complex.", 0) from None
    return Formula(text, compiled.type, frozenset(compiler.references), compiled.run)
