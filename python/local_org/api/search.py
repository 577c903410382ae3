"""Search: ``/search`` takes SOSL, ``/parameterizedSearch`` the same as parameters.

What is written is found at once; a real org's index may lag by seconds. Long texts that SOQL
cannot filter are not searched. Source: the REST reference, "Search" and "Parameterized Search".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_org.api.query import all_records
from local_org.api.search_terms import Term, malformed, read_terms, words_of
from local_org.api.sosl import MOST_RECORDS, SCOPES, Search, Wanted, read_sosl
from local_org.api.wire import DATA, json_object, json_response, parameter
from local_org.errors import invalid_type
from local_org.org import Org, Session
from local_org.schema.model import Field, FieldType, SObject

_SEARCHED: Final = frozenset(
    {
        FieldType.STRING,
        FieldType.TEXTAREA,
        FieldType.EMAIL,
        FieldType.PHONE,
        FieldType.URL,
    }
)
_NAME_PARTS: Final = frozenset({"Name", "FirstName", "LastName", "Subject", "Title"})
_BELONGS: Final[dict[str, Callable[[Field], bool]]] = {
    "ALL": lambda _: True,
    "NAME": lambda field: field.name_field or field.name in _NAME_PARTS,
    "EMAIL": lambda field: field.type is FieldType.EMAIL,
    "PHONE": lambda field: field.type is FieldType.PHONE,
    "SIDEBAR": lambda field: field.name_field or field.type in (FieldType.EMAIL, FieldType.PHONE),
}
"""Which fields each scope searches."""


async def search(request: Request) -> Response:
    """GET what SOSL finds."""
    return _answer(request, read_sosl(parameter(request, "q")))


async def parameterized_search(request: Request) -> Response:
    """GET what is found, asked for by parameters."""
    told = request.query_params
    names = [name for text in told.getlist("sobject") for name in text.split(",")]
    shared = told.get("fields", "Id")
    wanted = tuple(
        Wanted(
            name,
            tuple(told.get(f"{name}.fields", shared).split(",")),
            told.get(f"{name}.where", ""),
            limit=_number(told.get(f"{name}.limit")),
        )
        for name in names
    )
    most = _number(told.get("overallLimit"))
    return _answer(request, _search(parameter(request, "q"), told.get("in", "ALL"), wanted, most))


async def posted_search(request: Request) -> Response:
    """POST what is to be found."""
    body = await json_object(request)
    shared, objects = _names(body.get("fields")) or ("Id",), body.get("sobjects") or []
    if not isinstance(objects, list) or not all(isinstance(each, dict) for each in objects):
        raise malformed("expected a list of objects in 'sobjects'")
    wanted = tuple(
        Wanted(
            str(each.get("name", "")),
            _names(each.get("fields")) or shared,
            str(each.get("where") or ""),
            str(each.get("orderBy") or ""),
            _number(each.get("limit")),
        )
        for each in objects
    )
    text, scope = str(body.get("q", "")), str(body.get("in") or "ALL")
    return _answer(request, _search(text, scope, wanted, _number(body.get("overallLimit"))))


def _search(term: str, scope: str, wanted: tuple[Wanted, ...], most: int | None) -> Search:
    if scope.upper() not in SCOPES:
        raise malformed(f"expected 'in' to be one of {', '.join(SCOPES)}, got {scope}")
    limit = MOST_RECORDS if most is None else min(most, MOST_RECORDS)
    return Search(term, scope.upper(), wanted, limit)


def _names(value: Any) -> tuple[str, ...]:
    """Return a list of names; empty where there is none."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise malformed("expected a list of names in 'fields'")
    return tuple(value)


def _number(value: Any) -> int | None:
    if value is None:
        return None
    text = str(value)
    if not (text.isascii() and text.isdecimal()):
        raise malformed(f"expected a number, got {text}")
    return int(text)


def _answer(request: Request, wanted: Search) -> Response:
    org, session = request.state.org, request.state.session
    records = list(found(org, session, wanted, request.path_params["version"]))
    return json_response({"searchRecords": records[: wanted.limit]})


def found(org: Org, session: Session, search: Search, version: str) -> Iterator[dict[str, Any]]:
    """Yield the records that fit, object by object.

    :raises OrgError: ``MALFORMED_SEARCH``; ``INVALID_TYPE`` for an object the org does not have;
        as SOQL has it for fields and conditions.
    """
    term = read_terms(search.term)
    for wanted in search.wanted or _everything(org, session, version):
        sobject = org.schema.get(wanted.entity)
        if sobject is None or not org.access(session).readable(sobject.name):
            raise invalid_type(wanted.entity)
        ids = _fitting(org, session, sobject, term, search.scope)
        yield from all_records(org, session, _soql(wanted, ids), version)


def _everything(org: Org, session: Session, version: str) -> list[Wanted]:
    described = org.describe_global(session, version)["sobjects"]
    return [Wanted(each["name"]) for each in described if each["searchable"] and each["queryable"]]


def _fitting(org: Org, session: Session, sobject: SObject, term: Term, scope: str) -> list[str]:
    """Return the ids of the records in which the term is found, at most as many as are told."""
    access = org.access(session)
    fields = [
        field.name
        for field in sobject.fields.values()
        if field.type in _SEARCHED
        and field.filterable
        and _BELONGS[scope](field)
        and access.field_readable(sobject.name, field.name)
    ]
    if not fields:
        return []
    likes = {f"LIKE '%{_escaped(letters)}%'" for letters in term.literals()}
    where = " OR ".join(f"{name} {like}" for name in fields for like in sorted(likes))
    names = ", ".join(dict.fromkeys(["Id", *fields]))
    ids: list[str] = []
    for row in all_records(org, session, f"SELECT {names} FROM {sobject.name} WHERE {where}"):
        if term.fits([words_of(str(row[name])) for name in fields if row.get(name)]):
            ids.append(row["Id"])
            if len(ids) == MOST_RECORDS:
                break
    return ids


def _soql(wanted: Wanted, ids: list[str]) -> str:
    """Return the query for the records of one object, none where no id fits."""
    listed = ", ".join(f"'{each}'" for each in ids) or "null"
    soql = f"SELECT {', '.join(wanted.fields)} FROM {wanted.entity} WHERE Id IN ({listed})"
    if wanted.where:
        soql += f" AND ({wanted.where})"
    if wanted.order_by:
        soql += f" ORDER BY {wanted.order_by}"
    if wanted.limit is not None:
        soql += f" LIMIT {wanted.limit}"
    return soql if wanted.offset is None else f"{soql} OFFSET {wanted.offset}"


def _escaped(letters: str) -> str:
    return letters.replace("\\", "\\\\").replace("'", "\\'").replace("_", "\\_")


routes = [
    Route(f"{DATA}/search", search),
    Route(f"{DATA}/parameterizedSearch", parameterized_search),
    Route(f"{DATA}/parameterizedSearch", posted_search, methods=["POST"]),
]
