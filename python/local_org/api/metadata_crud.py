"""Metadata SOAP API: components one by one, and what their types may hold.

Source: Metadata API Developer Guide, "CRUD-Based Calls" and ``describeValueType()``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from lxml import etree

from local_org.api.metadata_call import Call, Markup, children_of
from local_org.errors import OrgError
from local_org.metadata.crud import CREATE, UPDATE, UPSERT, Saved, Verb

_XSI_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"


def _saver(verb: Verb) -> Callable[[Call], Any]:
    def save(call: Call) -> Any:
        """Save every ``metadata``, whose ``xsi:type`` tells its type."""
        given = [(_type_of(e), e) for e in children_of(call.envelope.element, "metadata")]
        results = call.org.save_metadata(call.session, verb, given)
        return [_told(each, upsert=verb is UPSERT) for each in results]

    return save


def _delete(call: Call) -> Any:
    names = call.arguments("fullNames")
    results = call.org.delete_metadata(call.session, call.argument("type"), names)
    return [_told(each) for each in results]


def _rename(call: Call) -> Any:
    old, name = call.argument("oldFullName"), call.argument("newFullName")
    return _told(call.org.rename_metadata(call.session, call.argument("type"), old, name))


def _read(call: Call) -> Any:
    """Read components; one that is not there is nil."""
    kind = call.argument("type")
    found = call.org.read_metadata(call.session, kind, call.arguments("fullNames"))
    records = "".join(_record(kind, each) for each in found)
    return Markup(f"<result>{records}</result>")


def _describe(call: Call) -> Any:
    """Tell of the type that ``{namespace}Name`` means."""
    return call.org.describe_value_type(call.argument("type").rpartition("}")[2])


OPERATIONS: Final[dict[str, Callable[[Call], Any]]] = {
    "createMetadata": _saver(CREATE),
    "updateMetadata": _saver(UPDATE),
    "upsertMetadata": _saver(UPSERT),
    "deleteMetadata": _delete,
    "renameMetadata": _rename,
    "readMetadata": _read,
    "describeValueType": _describe,
}


def _type_of(element: etree._Element) -> str:
    """Return the type of a component in an envelope.

    :raises OrgError: it tells none.
    """
    told = element.get(_XSI_TYPE)
    if not told:
        raise OrgError("INVALID_TYPE", "Must specify xsi:type for each metadata component")
    return told.rpartition(":")[2]


def _told(saved: Saved, *, upsert: bool = False) -> dict[str, Any]:
    errors = {"message": saved.message, "statusCode": saved.code}
    return {
        "created": saved.created if upsert else None,
        "errors": None if saved.success else errors,
        "fullName": saved.full_name,
        "success": saved.success,
    }


def _record(kind: str, element: etree._Element | None) -> str:
    if element is None:
        return '<records xsi:nil="true"/>'
    content = "".join(etree.tostring(each, encoding="unicode", with_tail=False) for each in element)
    return f'<records xsi:type="{kind}">{content}</records>'
