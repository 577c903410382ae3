"""What became of the rows of bulk jobs, and the rows of queries, as CSV, JSON and XML.

Both Bulk APIs share it. Source: facts/org-behaviour.md 5; facts/real-clients.md 5.6, 5.7.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from xml.sax.saxutils import escape

import orjson

from local_org.api.query import all_records
from local_org.clock import millis
from local_org.errors import OrgError
from local_org.org import Org, SaveResult, Session
from local_org.schema.model import FieldType, SObject
from local_org.soql.parser import parse

NAMESPACE: Final = "http://www.force.com/2009/06/asyncapi/dataload"
DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>'
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_NOTHING_FOUND: Final = b"Records not found for this query"

Row = dict[str, Any]


# -- results of writes ----------------------------------------------------------------------------


def explained(result: SaveResult) -> str:
    """Word the errors of a row: ``CODE:message:Field Field --``."""
    return "".join(f"{e.code}:{e.message}:{' '.join(e.fields)} --" for e in result.errors)


def csv_results(results: Sequence[SaveResult]) -> bytes:
    """Write results as a table of Id, Success, Created, Error."""
    lines = (
        [r.id or "", cell(r.success), cell(r.success and r.created), explained(r)] for r in results
    )
    return csv_bytes(("Id", "Success", "Created", "Error"), lines)


def json_results(results: Sequence[SaveResult]) -> bytes:
    """Write results as an array of objects."""
    return orjson.dumps(
        [
            {
                "success": r.success,
                "created": r.success and r.created,
                "id": r.id,
                "errors": [
                    {
                        "message": e.message,
                        "fields": list(e.fields),
                        "statusCode": e.code,
                        "extendedErrorDetails": None,
                    }
                    for e in r.errors
                ],
            }
            for r in results
        ]
    )


def xml_results(results: Sequence[SaveResult]) -> bytes:
    """Write results as ``results`` of ``result``."""
    inner = "".join(f"<result>{_xml_result(result)}</result>" for result in results)
    return f'{DECLARATION}<results xmlns="{NAMESPACE}">{inner}</results>'.encode()


def _xml_result(result: SaveResult) -> str:
    errors = "".join(
        "<errors>"
        + "".join(f"<fields>{escape(name)}</fields>" for name in e.fields)
        + f"<message>{escape(e.message)}</message><statusCode>{e.code}</statusCode></errors>"
        for e in result.errors
    )
    own_id = f"<id>{result.id}</id>" if result.id else ""
    created = cell(result.success and result.created)
    return f"{errors}{own_id}<success>{cell(result.success)}</success><created>{created}</created>"


RESULT_WRITERS: Final = {"CSV": csv_results, "JSON": json_results, "XML": xml_results}
"""How results of a Bulk 1.0 batch are written, by the content type of its job."""


# -- rows of queries ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of a query, all pages of it, and its columns in the order they were asked for."""

    entity: str
    records: tuple[Row, ...]
    columns: tuple[str, ...]
    """Dotted names, parents' columns among them."""
    instants: frozenset[str]
    """Columns that hold date-times."""

    def lines(self, start: int = 0, end: int | None = None) -> Iterator[list[str]]:
        """Yield the cells of the rows from ``start`` to ``end``."""
        for record in self.records[start:end]:
            yield [cell(_at(record, c), instant=c in self.instants) for c in self.columns]


def run_query(
    org: Org, session: Session, soql: str, version: str, *, everything: bool, flat: bool = True
) -> Found:
    """Run a query to its end; ``everything`` includes deleted rows.

    :raises OrgError: as SOQL has it; ``FeatureNotEnabled`` for child rows where the answer is
        ``flat``.
    """
    records = tuple(all_records(org, session, soql, version, all_rows=everything))
    described = org.query_columns(session, soql, version=version)
    nested = {name for record in records for name, held in record.items() if _is_page(held)}
    if flat and nested:
        text = f"Cannot serialize value for '{min(nested)}' in CSV format"
        raise OrgError("FeatureNotEnabled", text)
    columns = tuple(_leaves(described))
    entity = org.schema.object(parse(soql).sources[0].path.parts[0])
    instants = frozenset(c for c in columns if _is_instant(org, entity, c))
    return Found(entity.name, records, columns, instants)


def csv_found(_org: Org, found: Found) -> bytes:
    """Write the rows of a query as CSV; where there are none, a sentence says so."""
    return csv_bytes(found.columns, found.lines()) if found.records else _NOTHING_FOUND


def json_found(org: Org, found: Found) -> bytes:
    """Write the rows of a query as JSON; date-times are epoch milliseconds."""
    return orjson.dumps([_with_millis(org, record) for record in found.records])


def xml_found(_org: Org, found: Found) -> bytes:
    """Write the rows of a query as ``queryResult`` of ``records``."""
    inner = "".join(_xml_record("records", record) for record in found.records)
    head = f'<queryResult xmlns="{NAMESPACE}" xmlns:xsi="{_XSI}">'
    return f"{DECLARATION}{head}{inner}</queryResult>".encode()


FOUND_WRITERS: Final = {"CSV": csv_found, "JSON": json_found, "XML": xml_found}
"""How rows of a Bulk 1.0 query are written, by the content type of its job."""


def _xml_record(tag: str, record: Row) -> str:
    kind = record.get("attributes", {}).get("type", "AggregateResult")
    inner = "".join(_xml_value(n, v) for n, v in record.items() if n != "attributes")
    return f'<{tag} xsi:type="sObject"><type>{kind}</type>{inner}</{tag}>'


def _xml_value(name: str, value: Any) -> str:
    if value is None:
        return f'<{name} xsi:nil="true"/>'
    if _is_page(value):
        return f"<{name}>{''.join(_xml_record('records', r) for r in value['records'])}</{name}>"
    if isinstance(value, dict) and "attributes" in value:
        return _xml_record(name, value)
    if isinstance(value, dict):
        return f"<{name}>{''.join(_xml_value(n, v) for n, v in value.items())}</{name}>"
    return f"<{name}>{escape(cell(value, instant=_looks_like_instant(value)))}</{name}>"


def _looks_like_instant(value: Any) -> bool:
    return isinstance(value, str) and value.endswith(".000+0000")


def _with_millis(org: Org, value: Any) -> Any:
    """Return a record with its date-times as epoch milliseconds, deep down, too."""
    if isinstance(value, list):
        return [_with_millis(org, each) for each in value]
    if not isinstance(value, dict):
        return value
    sobject = org.schema.get(value.get("attributes", {}).get("type", ""))
    told: Row = {}
    for name, held in value.items():
        field = sobject.get(name) if sobject else None
        if field is not None and field.type is FieldType.DATETIME and held is not None:
            told[name] = millis(datetime.fromisoformat(held))
        else:
            told[name] = held if name == "attributes" else _with_millis(org, held)
    return told


def _is_page(value: Any) -> bool:
    """Whether a value is the rows of a child subquery."""
    return isinstance(value, dict) and "records" in value


def _leaves(columns: Iterable[dict[str, Any]], path: str = "") -> Iterator[str]:
    """Yield the dotted names of the columns, parents' columns among them."""
    for column in columns:
        name = path + str(column["columnName"])
        if column["joinColumns"]:
            yield from _leaves(column["joinColumns"], f"{name}.")
        else:
            yield name


def _at(row: Row, path: str) -> Any:
    value: Any = row
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _is_instant(org: Org, sobject: SObject, path: str) -> bool:
    """Whether the column at ``path`` holds date-times."""
    *parents, name = path.split(".")
    for parent in parents:
        lookup = sobject.by_relationship(parent)
        if lookup is None or not lookup.reference_to:
            return False
        sobject = org.schema.object(lookup.reference_to[0])
    found = sobject.get(name)
    return found is not None and found.type is FieldType.DATETIME


# -- CSV ------------------------------------------------------------------------------------------


def cell(value: Any, *, instant: bool = False) -> str:
    """Write a value as Bulk CSV does: date-times end in ``Z``, null is blank."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace("+0000", "Z") if instant else str(value)


def csv_bytes(
    header: Sequence[str],
    lines: Iterable[Sequence[str]],
    delimiter: str = ",",
    line_ending: str = "\n",
) -> bytes:
    """Write a table, every cell quoted."""
    text = io.StringIO(newline="")
    writer = csv.writer(
        text, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator=line_ending
    )
    writer.writerow(header)
    writer.writerows(lines)
    return text.getvalue().encode()
