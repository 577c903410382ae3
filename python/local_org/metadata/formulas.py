"""Formulas of fields and validation rules, compiled against the schema a deploy is making."""

from __future__ import annotations

from lxml import etree

from local_org.metadata.markup import Problem
from local_org.metadata.work import Work
from local_org.schema.formula import (
    Formula,
    FormulaError,
    FormulaType,
    compile_formula,
    formula_type,
)
from local_org.schema.model import SObject

_GLOBALS = {"$User": "User", "$Profile": "Profile", "$Organization": "Organization"}


def compiled(work: Work, entity: str, element: etree._Element) -> Formula:
    """Compile the formula that an element holds, for records of this object.

    :raises Problem: it does not parse, or names what is not there.
    """
    sobject = work.schema.object(entity)
    try:
        return compile_formula(
            element.text or "", resolve=lambda path: _resolve(work, sobject, path)
        )
    except FormulaError as error:
        raise Problem(error.message, element) from error


def _resolve(work: Work, sobject: SObject, path: tuple[str, ...]) -> FormulaType:
    """Return the type of a path.

    :raises FormulaError: there is no such field or custom permission.
    """
    head = path[0]
    if head == "$Permission" and len(path) == 2:
        if work.document("CustomPermission", path[1]) is None:
            raise _missing(".".join(path))
        return FormulaType.BOOLEAN
    if head in _GLOBALS:
        return _resolve(work, work.schema.object(_GLOBALS[head]), path[1:])
    if len(path) == 1:
        found = sobject.get(head)
        if found is None or found.compound_root:
            raise _missing(head)
        return formula_type(found)
    lookup = sobject.by_relationship(head.partition(":")[0])
    parent = _parent(work, head, lookup.reference_to if lookup else ())
    if parent is None:
        raise _missing(".".join(path))
    return _resolve(work, parent, path[1:])


def _parent(work: Work, head: str, targets: tuple[str, ...]) -> SObject | None:
    """Return the parent object of a relationship; ``Owner:User`` picks one of several."""
    wanted = head.partition(":")[2] or ("User" if len(targets) > 1 else "")
    picked = [target for target in targets if not wanted or target.lower() == wanted.lower()]
    return work.schema.get(picked[0]) if picked else None


def _missing(name: str) -> FormulaError:
    return FormulaError(f"Field {name} does not exist. Check spelling.")
