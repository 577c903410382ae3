"""Which semi-joins and anti-joins a query may have: rules of place first, then of the fields.

Source: SOQL and SOSL Reference, "Comparison Operators", semi-joins and anti-joins; the wordings are
those that public issue reports quote.
"""

from __future__ import annotations

from collections.abc import Iterator

from local_org.errors import OrgError
from local_org.schema.model import FieldType
from local_org.soql.faults import Faults, malformed
from local_org.soql.nodes import (
    Call,
    Condition,
    Expression,
    FieldItem,
    Junction,
    Not,
    Parens,
    Path,
    Query,
    SemiJoin,
)
from local_org.soql.scope import Scope, Term

_MOST = 2
_IDS = (FieldType.ID, FieldType.REFERENCE)
_NOT_INSIDE = frozenset(
    {
        "ActivityHistory",
        "Attachment",
        "ContentDocumentLink",
        "Event",
        "EventRelation",
        "Note",
        "OpenActivity",
        "Task",
    }
)
_NESTED = (
    "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested "
    "WHERE expressions."
)


def check_semi_joins(query: Query) -> None:
    """Refuse semi-joins where none can stand: beside an OR, in a group, in a semi-join, a third.

    :raises OrgError: ``MALFORMED_QUERY``, ``EXCEEDED_MAX_SEMIJOIN_SUBSELECTS``.
    """
    found = list(_semi_joins(query.where))
    if not found:
        return
    top = query.where
    while isinstance(top, Parens):
        top = top.condition
    if isinstance(top, Junction) and top.operator == "OR":
        raise malformed("Semi join sub-selects are not allowed with the 'OR' operator")
    parts = top.conditions if isinstance(top, Junction) else (top,)
    if any(_hidden(part) for part in parts):
        raise malformed(_NESTED)
    if any(True for join in found for _ in _semi_joins(join.query.where)):
        raise malformed("Nesting of semi join sub-selects is not supported")
    if len(found) > _MOST:
        message = f"Maximum {_MOST} semi join sub-selects are allowed"
        raise OrgError("EXCEEDED_MAX_SEMIJOIN_SUBSELECTS", message)


def _semi_joins(condition: Condition | None) -> Iterator[SemiJoin]:
    match condition:
        case SemiJoin():
            yield condition
        case Junction(_, conditions):
            for each in conditions:
                yield from _semi_joins(each)
        case Not(inner) | Parens(inner):
            yield from _semi_joins(inner)
        case _:
            return


def _hidden(condition: Condition | None) -> bool:
    """Whether a part of the condition has a semi-join that does not stand there by itself."""
    while isinstance(condition, Parens):
        condition = condition.condition
    return not isinstance(condition, SemiJoin) and any(True for _ in _semi_joins(condition))


def selected_path(query: Query, faults: Faults) -> Path:
    """Return the one field a semi-join selects; it can not be grouped, ordered or limited."""
    clauses = {
        "GROUP": query.group_by,
        "ORDER": query.order_by,
        "LIMIT": query.limit is not None,
        "OFFSET": query.offset is not None,
        "FOR": query.purposes,
    }
    for word, present in clauses.items():
        if present:
            raise malformed(f"missing value at '{word}'")
    match query.select:
        case (FieldItem(Path() as path, None),):
            return path
        case _:
            message = "a semi-join must select exactly one field"
            raise faults.malformed(message, query.sources[0].path.at)


def check_fields(outer: Scope, inner: Scope, join: SemiJoin, left: Term, selected: Term) -> None:
    """Refuse objects and fields that a semi-join can not compare.

    :raises OrgError: ``MALFORMED_QUERY``: the object can not stand inside, is the outer one again,
        a field is no id, or the two ids are of different objects.
    """
    faults, source = outer.statement.faults, join.query.sources[0].path
    if inner.entity.name in _NOT_INSIDE:
        message = f"Entity '{inner.entity.name}' is not supported for semi join inner selects"
        raise faults.malformed(message, source.at)
    if inner.entity is outer.entity:
        message = "The inner and outer selects should not be on the same object type"
        raise faults.malformed(message, source.at)
    if left.type not in _IDS:
        raise faults.malformed(
            "The left operand field in the where expression for outer query should be an id field, "
            f"cannot use: '{_shown(join.left)}'",
            join.left.at,
        )
    path = selected_path(join.query, faults)
    if selected.type not in _IDS or selected.outer:
        message = f"semi join sub selects can only query id fields, cannot use: '{path}'"
        raise faults.malformed(message, path.at)
    if not _targets(left) & _targets(selected):
        raise faults.malformed(
            f"The selected field '{path}' in the subquery and the left operand field in the where "
            f"expression in the outer query '{_shown(join.left)}' should point to the same object "
            "type",
            path.at,
        )


def _shown(expression: Expression) -> str:
    return expression.name if isinstance(expression, Call) else str(expression)


def _targets(term: Term) -> frozenset[str]:
    """Return the objects an id or reference points at; none for other fields."""
    if term.field is None or term.type not in _IDS:
        return frozenset()
    return frozenset(term.field.reference_to) or frozenset({term.entity})
