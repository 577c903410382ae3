"""Calls of the Partner API that read, write and describe records.

Source: SOAP API Developer Guide, "Core Calls" and "Describe Calls".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from local_org.api.changed import Changed, changed_between
from local_org.api.partner_call import Call, Operation
from local_org.api.partner_sobjects import (
    query_result,
    record_of,
    record_xml,
    result_xml,
    soap_datetime,
)
from local_org.api.soap import elements
from local_org.errors import OrgError, invalid_type
from local_org.org import SaveResult
from local_org.schema.model import SObject

_LARGEST_BATCH, _SMALLEST_BATCH, _USUAL_BATCH = 2000, 200, 500


# -- reading --------------------------------------------------------------------------------------


def _query(*, all_rows: bool) -> Operation:
    def query(call: Call) -> str:
        answer = call.org.query(
            call.session,
            call.text("queryString"),
            version=call.version,
            all_rows=all_rows,
            batch_size=_batch_size(call),
        )
        return query_result("result", answer, call.org.schema)

    return query


def _batch_size(call: Call) -> int:
    given = call.envelope.header.get("batchSize", "")
    if not given:
        return _USUAL_BATCH
    if not given.isdecimal():
        raise OrgError("INVALID_BATCH_SIZE", f"Invalid batch size: {given}")
    return min(max(int(given), _SMALLEST_BATCH), _LARGEST_BATCH)


def _query_more(call: Call) -> str:
    answer = call.org.query_more(call.session, call.text("queryLocator"))
    return query_result("result", answer, call.org.schema)


def _retrieve(call: Call) -> str:
    sobject = _sobject(call, call.text("sObjectType"))
    fields = [name.strip() for name in call.text("fieldList").split(",") if name.strip()]
    found = call.org.retrieve(call.session, sobject.name, call.texts("ids"), fields)
    return "".join(record_xml("result", record, call.org.schema) for record in found)


def _sobject(call: Call, name: str) -> SObject:
    """Return an object that exists for the caller.

    :raises OrgError: ``INVALID_TYPE``.
    """
    found = call.org.schema.get(name)
    if found is None or not call.org.access(call.session).readable(found.name):
        raise invalid_type(name)
    return found


def _changed(call: Call, *, deleted: bool) -> Changed:
    sobject = _sobject(call, call.text("sObjectType"))
    period = call.text("startDate"), call.text("endDate")
    return changed_between(call.org, call.session, sobject, *period, deleted=deleted)


def _get_updated(call: Call) -> str:
    changed = _changed(call, deleted=False)
    ids = [row["Id"] for row in changed.rows]
    told = {"ids": ids, "latestDateCovered": soap_datetime(changed.covered_until)}
    return elements("result", told)


def _get_deleted(call: Call) -> str:
    changed = _changed(call, deleted=True)
    told = {
        "deletedRecords": [
            {"deletedDate": soap_datetime(row["SystemModstamp"]), "id": row["Id"]}
            for row in changed.rows
        ],
        "earliestDateAvailable": soap_datetime(changed.available_since),
        "latestDateCovered": soap_datetime(changed.covered_until),
    }
    return elements("result", told)


# -- describing -----------------------------------------------------------------------------------


def _describe_global(call: Call) -> str:
    return elements("result", _without_urls(call.org.describe_global(call.session, call.version)))


def _describe(argument: str) -> Operation:
    def describe(call: Call) -> str:
        names = [_sobject(call, name).name for name in call.texts(argument)]
        described = (call.org.describe(call.session, name, call.version) for name in names)
        return "".join(elements("result", _without_urls(each)) for each in described)

    return describe


def _without_urls(value: Any) -> Any:
    """Return a describe as SOAP has it: paths belong to REST."""
    if isinstance(value, Mapping):
        return {name: _without_urls(each) for name, each in value.items() if name != "urls"}
    return [_without_urls(each) for each in value] if isinstance(value, list) else value


# -- writing --------------------------------------------------------------------------------------


def _create(call: Call) -> str:
    rows = [record_of(element) for element in call.each("sObjects")]
    return _results(call.org.insert(call.session, rows, all_or_none=call.all_or_none))


def _update(call: Call) -> str:
    rows = [
        (entity, take_id(values), values)
        for entity, values in map(record_of, call.each("sObjects"))
    ]
    return _results(call.org.update(call.session, rows, all_or_none=call.all_or_none))


def take_id(values: dict[str, Any]) -> str:
    """Return the id of a record, and leave the fields."""
    name = next((name for name in values if name.lower() == "id"), "")
    return str(values.pop(name, None) or "")


def _upsert(call: Call) -> str:
    """Save records of one object by the external id that is named.

    :raises OrgError: ``INVALID_TYPE`` when they are of several objects.
    """
    records = [record_of(element) for element in call.each("sObjects")]
    entities = {entity.lower(): entity for entity, _ in records}
    if len(entities) > 1:
        raise OrgError("INVALID_TYPE", "expected records of one object in an upsert call")
    results = [
        result
        for entity in entities.values()
        for result in call.org.upsert(
            call.session,
            entity,
            call.text("externalIDFieldName") or "Id",
            [values for _, values in records],
            all_or_none=call.all_or_none,
        )
    ]
    return "".join(result_xml(result, created=True) for result in results)


def _by_ids(act: Callable[[Call], Callable[..., Sequence[SaveResult]]]) -> Operation:
    """Return a call that does something with each of the records of its ``ids``."""

    def operation(call: Call) -> str:
        done = act(call)(call.session, call.texts("ids"), all_or_none=call.all_or_none)
        return _results(done)

    return operation


def _results(results: Sequence[SaveResult]) -> str:
    return "".join(result_xml(result) for result in results)


def _get_server_timestamp(call: Call) -> str:
    call.admit()
    now = call.org.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return elements("result", {"timestamp": now})


OPERATIONS: Final[dict[str, Operation]] = {
    "query": _query(all_rows=False),
    "queryAll": _query(all_rows=True),
    "queryMore": _query_more,
    "retrieve": _retrieve,
    "getUpdated": _get_updated,
    "getDeleted": _get_deleted,
    "describeGlobal": _describe_global,
    "describeSObject": _describe("sObjectType"),
    "describeSObjects": _describe("sObjectType"),
    "create": _create,
    "update": _update,
    "upsert": _upsert,
    "delete": _by_ids(lambda call: call.org.delete),
    "undelete": _by_ids(lambda call: call.org.undelete),
    "emptyRecycleBin": _by_ids(lambda call: call.org.actions.purge),
    "getServerTimestamp": _get_server_timestamp,
}
