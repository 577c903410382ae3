"""sObject Tree: records of one object with their children, created together or not at all.

Source: the REST reference, "sObject Tree".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.errors import collection_entry
from local_org.api.wire import DATA, json_object, json_response
from local_org.errors import OrgError
from local_org.org import Org, SaveResult, Session

_LIMIT = 200
_MOST_TYPES = 5
_MOST_LEVELS = 5
_NO_REFERENCE = "Include a reference ID for each record in the request."
_DUPLICATE = (
    "Duplicate ReferenceId provided in the request. ReferenceId must be unique in a request."
)


class _Refused(Exception):
    """Leaves the transaction with the result that a record failed with."""

    def __init__(self, reference: str, result: SaveResult) -> None:
        super().__init__(reference)
        self.reference, self.result = reference, result


async def create_tree(request: Request) -> Response:
    """POST the records; 201 with the id of each reference, or 400 with the errors of one."""
    org: Org = request.state.org
    session: Session = request.state.session
    records = _list(await json_object(request))
    if refused := _unfit(request.path_params["sobject"], records):
        return _answer(refused)
    made: dict[str, str] = {}
    try:
        with org.unit(session):
            for record in records:
                _create(org, session, record, {}, made)
    except _Refused as refusal:
        return _answer([(refusal.reference, refusal.result.errors)])
    results = [{"referenceId": name, "id": record_id} for name, record_id in made.items()]
    return json_response({"hasErrors": False, "results": results}, 201)


def _answer(refused: Sequence[tuple[str, Sequence[OrgError]]]) -> Response:
    results = [
        {"referenceId": reference, "errors": [collection_entry(error) for error in errors]}
        for reference, errors in refused
    ]
    return json_response({"hasErrors": True, "results": results}, 400)


def _unfit(entity: str, records: list[dict[str, Any]]) -> list[tuple[str, list[OrgError]]]:
    """Return what is wrong with the trees before any record is made: references and errors."""
    told = list(_attributes(records, 1))
    kinds = {kind.lower() for _, kind, _ in told}
    if len(told) > _LIMIT or len(kinds) > _MOST_TYPES:
        text = f"expected at most {_LIMIT} records of {_MOST_TYPES} types, got {len(told)} records"
        return [("", [OrgError("INVALID_INPUT", f"{text} of {len(kinds)}")])]
    counts = Counter(reference for reference, _, _ in told)
    wrong = ((each[0], _wrong(entity, *each, counts[each[0]])) for each in told)
    return [(reference, [OrgError("INVALID_INPUT", text)]) for reference, text in wrong if text]


def _wrong(entity: str, reference: str, kind: str, level: int, namesakes: int) -> str:
    """Word what is wrong with one record; blank where nothing is."""
    if not reference:
        return _NO_REFERENCE
    if namesakes > 1:
        return _DUPLICATE
    if level > _MOST_LEVELS:
        return f"expected at most {_MOST_LEVELS} levels of records"
    if level == 1 and kind.lower() != entity.lower():
        return f"expected records of {entity} at the root, got {kind}"
    return ""


def _attributes(records: list[dict[str, Any]], level: int) -> Iterator[tuple[str, str, int]]:
    """Yield reference, type and level of each record, parents first."""
    for record in records:
        told = record.get("attributes")
        told = told if isinstance(told, dict) else {}
        yield str(told.get("referenceId") or ""), str(told.get("type") or ""), level
        if level > _MOST_LEVELS:
            continue
        for value in record.values():
            if isinstance(value, dict) and "records" in value:
                yield from _attributes(_list(value), level + 1)


def _create(
    org: Org, session: Session, record: dict[str, Any], parent: dict[str, str], made: dict[str, str]
) -> None:
    """Create a record, then its children with their lookup to it.

    :raises _Refused: the org did not take the record.
    """
    attributes = record.get("attributes") or {}
    entity, reference = str(attributes.get("type", "")), str(attributes.get("referenceId", ""))
    children = {k: v for k, v in record.items() if isinstance(v, dict) and "records" in v}
    values = {k: v for k, v in record.items() if k != "attributes" and k not in children}
    [result] = org.insert(session, [(entity, values | parent)])
    if not result.success or result.id is None:
        raise _Refused(reference, result)
    made[reference] = result.id
    for name, nested in children.items():
        lookup = _lookup(org, entity, name)
        for child in _list(nested):
            _create(org, session, child, {lookup: result.id}, made)


def _lookup(org: Org, entity: str, relationship: str) -> str:
    """Return the field of the child that points back along the relationship."""
    parent = org.schema.object(entity).name
    for child in org.schema.children(parent):
        if child.name and child.name.lower() == relationship.lower():
            return child.field
    raise OrgError(
        "INVALID_FIELD", f"No such relationship '{relationship}' on sobject of type {parent}"
    )


def _list(body: dict[str, Any]) -> list[dict[str, Any]]:
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
        raise OrgError("MALFORMED_REQUEST", "The request needs the list 'records'")
    return records


routes = [Route(f"{DATA}/composite/tree/{{sobject}}", create_tree, methods=["POST"])]
