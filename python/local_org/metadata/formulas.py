"""Formulas of fields and validation rules, compiled against the schema a deploy is making."""

from __future__ import annotations

from lxml import etree

from local_org.metadata.markup import Problem
from local_org.metadata.work import Work
from local_org.schema.formula import Formula, FormulaError, compile_formula, resolver


def compiled(
    work: Work, entity: str, element: etree._Element, *, without: frozenset[str] = frozenset()
) -> Formula:
    """Compile the formula that an element holds, for records of this object.

    ``without`` names functions that formulas of its kind do not have.

    :raises Problem: it does not parse, or names what is not there.
    """
    permissions = [each.name for each in work.store.documents("CustomPermission")]
    resolve = resolver(work.schema, work.schema.object(entity), permissions)
    try:
        return compile_formula(element.text or "", resolve=resolve, without=without)
    except FormulaError as error:
        raise Problem(error.message, element) from error
