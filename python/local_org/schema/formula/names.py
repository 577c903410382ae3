"""Names in a formula: fields of the object, of its parents, and the global variables."""

from __future__ import annotations

from collections.abc import Callable, Collection

from local_org.schema.formula.kinds import FormulaError, FormulaType, formula_type
from local_org.schema.model import Field, FieldType, Schema, SObject

_GLOBALS = {
    "$user": "User",
    "$profile": "Profile",
    "$organization": "Organization",
    "$userrole": "UserRole",
}
_MAX_PARENTS = 10
TYPE = Field("Type", FieldType.STRING, "Type")
"""What ``Owner.Type`` reads: the object that the owner is of, or the kind of the group."""
_QUEUE = "queue"


def object_named(kind: str) -> str:
    """Return the object that ``Owner:Queue`` or ``Owner:User`` means: a queue is a Group."""
    return "Group" if kind.lower() == _QUEUE else kind


def resolver(
    schema: Schema, sobject: SObject, permissions: Collection[str]
) -> Callable[[tuple[str, ...]], FormulaType]:
    """Return the ``resolve`` of formulas on this object.

    ``permissions`` are the custom permissions of the org, which ``$Permission.X`` may name.
    """
    granted = {p.lower() for p in permissions}

    def resolve(names: tuple[str, ...]) -> FormulaType:
        if names[0].lower() == "$permission" and len(names) == 2:
            if names[1].lower() not in granted:
                raise _missing(names)
            return FormulaType.BOOLEAN
        if names[0].startswith("$"):
            parent = schema.get(_GLOBALS.get(names[0].lower(), ""))
            found = _field(schema, parent, names[1:])
        else:
            found = _field(schema, sobject, names)
        if found is None or found.compound_root:
            raise _missing(names)
        return formula_type(found)

    return resolve


def _field(schema: Schema, sobject: SObject | None, names: tuple[str, ...]) -> Field | None:
    if sobject is None or not 0 < len(names) <= _MAX_PARENTS + 1:
        return None
    if len(names) == 1:
        return sobject.get(names[0])
    relationship, _, kind = names[0].partition(":")
    typed = object_named(kind)
    lookup = sobject.by_relationship(relationship)
    if lookup is None or (typed and typed not in lookup.reference_to):
        return None
    if not typed and lookup.name_pointing:
        if names[1].lower() not in ("id", "name", "type"):
            return None
        if names[1].lower() == "type":
            return TYPE
    return _field(schema, schema.get(typed or lookup.reference_to[-1]), names[1:])


def _missing(names: tuple[str, ...]) -> FormulaError:
    return FormulaError(f"Field {'.'.join(names)} does not exist. Check spelling.")
