"""sObject Tree: records of one object with their children, created together or not at all."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.errors import collection_entry
from local_org.api.wire import DATA, json_object, json_response
from local_org.errors import OrgError
from local_org.org import Org, SaveResult, Session

_LIMIT = 200


class _Refused(Exception):
    """Leaves the transaction with the result that a record failed with."""

    def __init__(self, reference: str, result: SaveResult) -> None:
        super().__init__(reference)
        self.reference, self.result = reference, result


async def create_tree(request: Request) -> Response:
    """POST the records; 201 with the id of each reference, or 400 with the errors of one."""
    org: Org = request.state.org
    session: Session = request.state.session
    body = await json_object(request)
    made: dict[str, str] = {}
    try:
        with org.unit(session):
            for record in _list(body):
                _create(org, session, record, {}, made)
    except _Refused as refused:
        errors = [collection_entry(error) for error in refused.result.errors]
        failed = {"referenceId": refused.reference, "errors": errors}
        return json_response({"hasErrors": True, "results": [failed]}, 400)
    results = [{"referenceId": name, "id": record_id} for name, record_id in made.items()]
    return json_response({"hasErrors": False, "results": results}, 201)


def _create(
    org: Org, session: Session, record: dict[str, Any], parent: dict[str, str], made: dict[str, str]
) -> None:
    """Create a record, then its children with their lookup to it.

    :raises _Refused: the org did not take the record.
    """
    attributes = record.get("attributes") or {}
    entity, reference = str(attributes.get("type", "")), str(attributes.get("referenceId", ""))
    if reference in made or len(made) >= _LIMIT:
        raise OrgError("INVALID_INPUT", f"Duplicate referenceId or too many records: {reference}")
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
