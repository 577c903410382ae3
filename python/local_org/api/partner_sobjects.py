"""Records and results in the XML of the Partner API, both ways.

Source: the partner WSDL (``urn:sobject.partner.soap.sforce.com``); facts/org-behaviour.md 2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

from lxml import etree

from local_org.api.partner_call import is_nil
from local_org.api.soap import elements
from local_org.errors import OrgError
from local_org.org import SaveResult
from local_org.schema.model import FieldType, Schema

SOBJECT: Final = "urn:sobject.partner.soap.sforce.com"
_XSI_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"
_DATETIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000")
_NOT_FIELDS: Final = frozenset({"type", "fieldsToNull"})


# -- in -------------------------------------------------------------------------------------------


def record_of(element: etree._Element) -> tuple[str, dict[str, Any]]:
    """Return object and values of an ``sObject`` element, as JSON would have them.

    An element that is nil says nothing, as in a real org; ``fieldsToNull`` empties fields.

    :raises OrgError: ``INVALID_TYPE`` when the element does not name its object, ``INVALID_FIELD``
        for a parent that has a parent.
    """
    return _record_of(element, _parent)


def _record_of(
    element: etree._Element, nested: Callable[[etree._Element], Any]
) -> tuple[str, dict[str, Any]]:
    """Read a record; ``nested`` reads what is no simple field of it."""
    name = (element.findtext("{*}type") or "").strip()
    name = name or (element.get(_XSI_TYPE) or "").rpartition(":")[2]
    if not name or name == "sObject":
        raise OrgError("INVALID_TYPE", "Must send a concrete entity type.")
    values: dict[str, Any] = {
        (each.text or "").strip(): None for each in element.iterfind("{*}fieldsToNull")
    }
    for child in element.iterchildren(tag=etree.Element):
        local = etree.QName(child).localname
        if local in _NOT_FIELDS or is_nil(child):
            continue
        value = nested(child) if len(child) else child.text or ""
        if local in values and values[local] is not None:
            known = values[local]
            value = [*known, value] if isinstance(known, list) else [known, value]
        values[local] = value
    return name, values


def _parent(element: etree._Element) -> dict[str, Any]:
    """Return a parent named by its external id."""
    name, values = _record_of(element, _refused)
    return {"attributes": {"type": name}} | values


def _refused(element: etree._Element) -> Any:
    name = etree.QName(element).localname
    raise OrgError("INVALID_FIELD", f"{name}: a parent is named by one field of its own")


# -- out ------------------------------------------------------------------------------------------


def nil(name: str) -> str:
    """Write an element without a value."""
    return f'<{name} xsi:nil="true"/>'


def record_xml(name: str, record: Mapping[str, Any] | None, schema: Schema) -> str:
    """Write a record as the REST API has it: its type, its id, then what was selected."""
    if record is None:
        return nil(name)
    return f'<{name} xsi:type="sf:sObject">{"".join(_members(record, schema))}</{name}>'


def _members(record: Mapping[str, Any], schema: Schema) -> Iterator[str]:
    entity = str(record["attributes"]["type"])
    yield f"<sf:type>{escape(entity)}</sf:type>"
    record_id = record.get("Id")
    yield nil("sf:Id") if record_id is None else f"<sf:Id>{record_id}</sf:Id>"
    for name, value in record.items():
        if name != "attributes":
            yield _member(entity, name, value, schema)


def _member(entity: str, name: str, value: Any, schema: Schema) -> str:
    tag = f"sf:{name}"
    if value is None:
        return nil(tag)
    if isinstance(value, Mapping):
        if "records" in value:
            return query_result(tag, value, schema)
        return record_xml(tag, value, schema) if "attributes" in value else _compound(tag, value)
    if isinstance(value, str) and _is_datetime(entity, name, value, schema):
        value = soap_datetime(value)
    return elements(tag, value)


def _is_datetime(entity: str, name: str, value: str, schema: Schema) -> bool:
    """Tell a datetime from a text that looks like one; aggregates have no field to ask."""
    sobject = schema.get(entity)
    field = sobject.get(name) if sobject else None
    if field is not None:
        return field.type is FieldType.DATETIME
    return _DATETIME.fullmatch(value) is not None


def _compound(tag: str, value: Mapping[str, Any]) -> str:
    """Write an address or location."""
    parts = (nil(k) if v is None else elements(k, v) for k, v in value.items())
    return f'<{tag} xsi:type="address">{"".join(parts)}</{tag}>'


def soap_datetime(text: str) -> str:
    """Return a datetime of the REST API as SOAP writes it.

    >>> soap_datetime("2026-11-02T10:00:00.000+0000")
    '2026-11-02T10:00:00.000Z'
    """
    return text.removesuffix("+0000") + "Z" if text.endswith("+0000") else text


def query_result(name: str, answer: Mapping[str, Any], schema: Schema) -> str:
    """Write a page of a query's answer."""
    more = answer.get("nextRecordsUrl")
    locator = nil("queryLocator")
    if more:
        locator = elements("queryLocator", str(more).rpartition("/")[2])
    records = "".join(record_xml("records", each, schema) for each in answer["records"])
    done, size = elements("done", answer["done"]), elements("size", answer["totalSize"])
    return f'<{name} xsi:type="QueryResult">{done}{locator}{records}{size}</{name}>'


def result_xml(result: SaveResult, *, created: bool = False) -> str:
    """Write what became of one record; ``created``: an upsert tells whether it is new."""
    told = elements("created", result.success and result.created) if created else ""
    record_id = nil("id") if result.id is None else elements("id", result.id)
    end = elements("success", result.success)
    return f"<result>{told}{errors_xml(result)}{record_id}{end}</result>"


def errors_xml(result: SaveResult, *more: str) -> str:
    """Write the errors of a result; ``more`` are elements that each of them ends with."""
    return "".join(
        f"<errors>{elements('fields', error.fields)}{elements('message', error.message)}"
        f"{elements('statusCode', error.code)}{''.join(more)}</errors>"
        for error in result.errors
    )
