"""Rows of bulk jobs on their way in: read from CSV, JSON or XML, and saved each for itself.

Both Bulk APIs share it. Source: facts/org-behaviour.md 5; facts/real-clients.md 5.6, 5.7.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from local_org.api.wire import parsed
from local_org.errors import OrgError
from local_org.org import Org, SaveResult, Session
from local_org.schema.model import SObject

WRITES: Final = ("insert", "update", "upsert", "delete", "hardDelete")
QUERIES: Final = ("query", "queryAll")
HARD_DELETE: Final = "BulkApiHardDelete"
"""System permission without which nobody deletes for good."""
_NULL: Final = "#N/A"
"""The cell that empties a field; a blank cell leaves it alone."""
_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_TRANSACTION_ROWS: Final = 10_000
"""Rows that are saved in one transaction: those of a Bulk 1.0 batch."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """What a job does with its rows. Names are as the schema spells them."""

    operation: str
    entity: str
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV as it came."""

    header: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]

    def rows(self) -> Iterator[Row]:
        """Yield the lines by field name; ``Parent.Field`` becomes a nested object."""
        for cells in self.lines:
            row: Row = {}
            for name, cell in zip(self.header, cells, strict=False):
                if not cell:
                    continue
                parent, dot, key = name.partition(".")
                target = row.setdefault(parent, {}) if dot else row
                target[key if dot else name] = None if cell == _NULL else cell
            yield row


def write_order(org: Org, session: Session, wanted: dict[str, Any]) -> Order:
    """Return what a job that asks to write will do.

    :raises OrgError: ``InvalidJob`` for an object or an external id the org does not have;
        ``FeatureNotEnabled`` for ``hardDelete`` without the permission.
    """
    operation, entity = str(wanted.get("operation", "")), str(wanted.get("object", ""))
    if operation not in WRITES:
        raise OrgError("InvalidJob", f"Unknown operation: '{operation}'")
    known = org.schema.get(entity)
    if known is None:
        raise OrgError("InvalidJob", f"Unable to find object: {entity}")
    if operation == "hardDelete" and HARD_DELETE not in org.access(session).permissions:
        raise OrgError(
            "FeatureNotEnabled",
            "hardDelete operation requires special user profile permission, "
            "please contact your system administrator",
        )
    if operation != "upsert":
        return Order(operation, known.name)
    return Order(operation, known.name, _external_id(known, wanted))


def save(org: Org, session: Session, order: Order, rows: Sequence[Row]) -> list[SaveResult]:
    """Save rows, each for itself; one result each, in order."""
    results: list[SaveResult] = []
    for start in range(0, len(rows), _TRANSACTION_ROWS):
        results += _saved(org, session, order, rows[start : start + _TRANSACTION_ROWS])
    return results


def row_id(row: Row) -> str:
    """Return the id of a row, blank where it has none."""
    return next((str(row[name] or "") for name in row if name.lower() == "id"), "")


# -- reading --------------------------------------------------------------------------------------


def read_table(content: bytes, delimiter: str = ",") -> Table:
    """Read a CSV.

    :raises OrgError: ``InvalidBatch`` for what is none, or a line longer than the header.
    """
    text = _decoded(content, "utf-8-sig")
    lines: list[tuple[str, ...]] = []
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            if not cells:
                continue
            if lines and len(cells) > len(lines[0]):
                raise OrgError("InvalidBatch", "a row has more cells than the header")
            lines.append(tuple(cells))
    except csv.Error as error:
        raise OrgError("InvalidBatch", str(error)) from None
    return Table(lines[0], tuple(lines[1:])) if lines else Table((), ())


def check_header(org: Org, order: Order, table: Table) -> None:
    """Refuse a CSV with a column that is no field of the object.

    :raises OrgError: ``InvalidBatch``, naming the first such column.
    """
    sobject = org.schema.object(order.entity)
    for name in table.header:
        parent, dot, _ = name.partition(".")
        known = sobject.by_relationship(parent) if dot else sobject.get(name)
        if known is None:
            raise OrgError("InvalidBatch", f"Field name not found : {name}")


def csv_rows(org: Org, order: Order, content: bytes) -> list[Row]:
    """Read the rows of a CSV batch.

    :raises OrgError: ``InvalidBatch``.
    """
    table = read_table(content)
    check_header(org, order, table)
    return list(table.rows())


def json_rows(_org: Org, _order: Order, content: bytes) -> list[Row]:
    """Read the rows of a JSON batch: an array of objects.

    :raises OrgError: ``InvalidBatch``.
    """
    try:
        rows = parsed(content)
    except OrgError as error:
        raise OrgError("InvalidBatch", f"Unable to parse JSON: {error.message}") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise OrgError("InvalidBatch", "expected a JSON array of records")
    return [{name: row[name] for name in row if name != "attributes"} for row in rows]


def xml_rows(_org: Org, _order: Order, content: bytes) -> list[Row]:
    """Read the rows of an XML batch: ``sObjects`` of ``sObject``.

    :raises OrgError: ``InvalidBatch``.
    """
    root = read_xml(content, "InvalidBatch", "batch")
    if etree.QName(root).localname != "sObjects":
        raise OrgError(
            "InvalidBatch", f"expected the element sObjects, got {etree.QName(root).localname}"
        )
    return [_xml_row(each) for each in root]


def read_xml(content: bytes, code: str, what: str) -> etree._Element:
    """Parse XML without following entities.

    :raises OrgError: with ``code``, saying that ``what`` is no XML.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise OrgError(code, f"Unable to parse {what}: {error.msg}") from None


ROW_READERS: Final = {"CSV": csv_rows, "JSON": json_rows, "XML": xml_rows}
"""How the rows of a Bulk 1.0 batch are read, by the content type of its job."""


def soql_text(content: bytes) -> str:
    """Return the SOQL of a query batch.

    :raises OrgError: ``InvalidBatch`` when it is not UTF-8.
    """
    return _decoded(content, "utf-8-sig")


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise OrgError("InvalidBatch", f"expected UTF-8: {error.reason}") from None


def _xml_row(element: etree._Element) -> Row:
    row: Row = {}
    for child in element:
        name = etree.QName(child).localname
        if name == "type":
            continue
        if len(child):
            row[name] = _xml_row(child[0])
        else:
            row[name] = None if child.get(_NIL) == "true" else (child.text or "")
    return row


# -- saving ---------------------------------------------------------------------------------------


def _external_id(sobject: SObject, wanted: dict[str, Any]) -> str:
    name = str(wanted.get("externalIdFieldName") or "")
    if not name:
        raise OrgError(
            "InvalidJob",
            f"External ID was blank for {sobject.name}. An External ID must be specified for upsert.",
        )
    field = sobject.get(name)
    if field is None:
        raise OrgError("InvalidJob", f"External ID was not found for {sobject.name}: {name}")
    return field.name


def _saved(org: Org, session: Session, order: Order, rows: Sequence[Row]) -> list[SaveResult]:
    match order.operation:
        case "insert":
            return org.insert(session, [(order.entity, row) for row in rows])
        case "update":
            return org.update(session, [(order.entity, row_id(r), _without_id(r)) for r in rows])
        case "upsert":
            return org.upsert(session, order.entity, order.external_id, rows)
        case "delete":
            return org.delete(session, [row_id(row) for row in rows])
        case _:
            return _deleted_for_good(org, session, [row_id(row) for row in rows])


def _without_id(row: Row) -> Row:
    return {name: value for name, value in row.items() if name.lower() != "id"}


def _deleted_for_good(org: Org, session: Session, ids: Sequence[str]) -> list[SaveResult]:
    """Delete past the recycle bin; what has no bin is gone with the first step."""
    with org.unit(session):
        results = org.delete(session, ids)
        org.actions.purge(session, [r.id for r in results if r.success and r.id])
    return results
