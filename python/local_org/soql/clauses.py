"""What a query may not ask for, whatever its object: rules between clauses, and how much of each.

Source: SOQL and SOSL Reference, and "SOQL and SOSL Limits for Search Queries".
"""

from __future__ import annotations

from local_org.errors import OrgError
from local_org.soql.faults import malformed, too_complicated
from local_org.soql.functions import is_field_set
from local_org.soql.grouping import is_aggregate, is_count
from local_org.soql.nodes import Call, FieldItem, Path, Query, Subquery
from local_org.soql.scope import Scope

_MAX_OFFSET = 2000
_MAX_FIELD_SET_ROWS = 200
_MOST_CHILD_QUERIES = 20
_MOST_PARENTS = 55
_DEEP_SINCE = 58.0
_CHILD_LEVELS = 4
"""Levels of child queries below the root, since version 58; before it, one."""


def check_clauses(scope: Scope, query: Query) -> None:
    """Refuse clauses that the object or the other clauses do not allow.

    :raises OrgError: ``NUMBER_OUTSIDE_VALID_RANGE``, ``MALFORMED_QUERY``, ``QUERY_TOO_COMPLICATED``.
    """
    if query.offset is not None and query.offset > _MAX_OFFSET:
        raise OrgError(
            "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {_MAX_OFFSET}"
        )
    if query.categories:
        message = f"Entity '{scope.entity.name}' does not support data category filters"
        raise scope.statement.faults.malformed(message, query.sources[0].path.at)
    if any(_unbounded(item) for item in query.select if isinstance(item, FieldItem)) and (
        query.limit is None or query.limit > _MAX_FIELD_SET_ROWS
    ):
        raise malformed(
            f"The SOQL FIELDS function must have a LIMIT of at most {_MAX_FIELD_SET_ROWS}"
        )
    children = [item for item in query.select if isinstance(item, Subquery)]
    if len(children) > _MOST_CHILD_QUERIES:
        raise too_complicated()


def check_parents(scope: Scope) -> None:
    """Refuse a query that reads more parents than the platform joins.

    :raises OrgError: ``QUERY_TOO_COMPLICATED``.
    """
    if scope.parent_count > _MOST_PARENTS:
        raise too_complicated()


def check_child(scope: Scope, parent: Query, child: Query, level: int) -> None:
    """Refuse child queries that aggregate, stand too deep or skip rows of many parents.

    :raises OrgError: ``MALFORMED_QUERY``.
    """
    faults, place = scope.statement.faults, child.sources[0].path.at
    if is_aggregate(child) or is_count(child):
        raise faults.malformed("only root queries support aggregate expressions", place)
    levels = _CHILD_LEVELS if float(scope.statement.version) >= _DEEP_SINCE else 1
    if level > levels:
        plural = "s" if levels > 1 else ""
        raise faults.malformed(
            f"SOQL statement cannot query aggregate relationships more than {levels} level{plural} "
            "away from the root entity object.",
            place,
        )
    if child.offset is not None and parent.limit != 1:
        message = "OFFSET can only be used in a child query when its parent query has LIMIT 1"
        raise faults.malformed(message, place)


def _unbounded(item: FieldItem) -> bool:
    """FIELDS(ALL) and FIELDS(CUSTOM): nobody knows how many fields they are."""
    match item.expression:
        case Call(_, (Path((name,)),)) if is_field_set(item.expression):
            return name.upper() != "STANDARD"
        case _:
            return False
