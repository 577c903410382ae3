"""SOSL: ``FIND {..} IN .. FIELDS RETURNING Object(fields WHERE .. ORDER BY .. LIMIT n) LIMIT n``.

Source: the SOSL reference. What it has beyond this (``WITH ..``, ``USING ..``) is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from local_org.api.search_terms import malformed
from local_org.errors import OrgError

SCOPES: Final = ("ALL", "NAME", "EMAIL", "PHONE", "SIDEBAR")
MOST_RECORDS: Final = 2000
_FIND: Final = re.compile(r"\s*FIND\s*\{((?:\\.|[^{}\\])*)\}", re.IGNORECASE | re.DOTALL)
_IN: Final = re.compile(r"\s*IN\s+(\w+)(?:\s+(\w+))?", re.IGNORECASE)
_RETURNING: Final = re.compile(r"\s*RETURNING\s+", re.IGNORECASE)
_OBJECT: Final = re.compile(r"\s*(\w+)\s*")
_LIMIT: Final = re.compile(r"\s*LIMIT\s+(\d{1,9})", re.IGNORECASE)
_CLAUSE: Final = re.compile(r"\b(WHERE|ORDER\s+BY|LIMIT|OFFSET)\b", re.IGNORECASE)
_CLAUSE_ORDER: Final = ("WHERE", "ORDER BY", "LIMIT", "OFFSET")
_QUOTED: Final = re.compile(r"'(?:\\.|[^'\\])*'", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Records of one object, with fields and clauses as SOQL has them."""

    entity: str
    fields: tuple[str, ...] = ("Id",)
    where: str = ""
    order_by: str = ""
    limit: int | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """A whole search. Without ``wanted`` every object is searched."""

    term: str
    scope: str = "ALL"
    wanted: tuple[Wanted, ...] = ()
    limit: int = MOST_RECORDS


def read_sosl(text: str) -> Search:
    """Read a search.

    :raises OrgError: ``MALFORMED_SEARCH``, with the place where it fails.
    """
    found = _FIND.match(text)
    if found is None:
        raise malformed("No search term found. The search term must be enclosed in braces.")
    at, scope = found.end(), "ALL"
    if inside := _IN.match(text, at):
        scope = inside[1].upper()
        if scope not in SCOPES:
            raise _unexpected(text, inside.start(1))
        if (inside[2] or "").upper() != "FIELDS":
            raise _unexpected(text, inside.start(2) if inside[2] else inside.end())
        at = inside.end()
    wanted: tuple[Wanted, ...] = ()
    if returning := _RETURNING.match(text, at):
        wanted, at = _objects(text, returning.end())
    limit = MOST_RECORDS
    if most := _LIMIT.match(text, at):
        limit, at = min(int(most[1]), MOST_RECORDS), most.end()
    if text[at:].strip():
        raise _unexpected(text, at + len(text[at:]) - len(text[at:].lstrip()))
    return Search(found[1], scope, wanted, limit)


def _objects(text: str, at: int) -> tuple[tuple[Wanted, ...], int]:
    """Read the objects of ``RETURNING``; return them and where they end."""
    wanted: list[Wanted] = []
    while True:
        name = _OBJECT.match(text, at)
        if name is None:
            raise _unexpected(text, at)
        at, inner = name.end(), "Id"
        if text[at : at + 1] == "(":
            end = _closing(text, at)
            inner, at = text[at + 1 : end], end + 1
        wanted.append(_wanted(text, name[1], inner))
        comma = re.compile(r"\s*,").match(text, at)
        if comma is None:
            return tuple(wanted), at
        at = comma.end()


def _closing(text: str, start: int) -> int:
    """Return where the parenthesis at ``start`` is closed, quotes left aside."""
    depth, masked = 0, _masked(text)
    for at in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(masked[at], 0)
        if not depth:
            return at
    raise _unexpected(text, len(text))


def _wanted(text: str, entity: str, inner: str) -> Wanted:
    """Read what stands in the parentheses of an object."""
    heads = list(_CLAUSE.finditer(_flattened(inner)))
    ends = [*(head.start() for head in heads), len(inner)][1:]
    clauses = {
        " ".join(head[1].upper().split()): inner[head.end() : end].strip()
        for head, end in zip(heads, ends, strict=True)
    }
    if list(clauses) != [each for each in _CLAUSE_ORDER if each in clauses]:
        raise _unexpected(text, text.index(inner))
    names = inner[: heads[0].start()] if heads else inner
    fields = tuple(name.strip() for name in names.split(","))
    if not all(re.fullmatch(r"[\w.]+", name) for name in fields):
        raise _unexpected(text, text.index(inner))
    return Wanted(
        entity,
        fields,
        clauses.get("WHERE", ""),
        clauses.get("ORDER BY", ""),
        _number(clauses.get("LIMIT")),
        _number(clauses.get("OFFSET")),
    )


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise malformed(f"expected a number, got {text}")
    return int(text)


def _masked(text: str) -> str:
    """Blank out what is quoted; places stay."""
    return _QUOTED.sub(lambda quoted: "_" * len(quoted[0]), text)


def _flattened(text: str) -> str:
    """Blank out what is quoted or in parentheses; places stay."""
    flat, depth = [], 0
    for character in _masked(text):
        depth += character == "("
        flat.append("_" if depth else character)
        depth -= character == ")" and depth > 0
    return "".join(flat)


def _unexpected(text: str, at: int) -> OrgError:
    """Return a refusal that points at a place.

    Columns are counted from 0 here, other than in SOQL, as the logs of real clients show.
    """
    token = re.compile(r"\w+|\S|\Z").search(text, min(at, len(text)))
    word = (token[0] if token else "") or "<EOF>"
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1)
    caret = " " * (column - 1) + "^"
    return malformed(
        f"\n{text}\n{caret}\nERROR at Row:{line}:Column:{column}\nMalformed search token: {word}"
    )
