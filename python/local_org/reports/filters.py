"""Criteria → SQL that is true or false for every row; boolean logic over them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import orjson

from local_org.ids import id18, is_id
from local_org.reports.columns import TIMES, Column
from local_org.reports.definition import Filter
from local_org.reports.errors import bad_operator, bad_request
from local_org.reports.operators import allowed, numeric
from local_org.reports.values import Range, boolean, identity, number, split, times
from local_org.schema.model import FieldType
from local_org.soql.dates import Calendar

_COMPARE = {"lessThan": "<", "greaterThan": ">", "lessOrEqual": "<=", "greaterOrEqual": ">="}
_TOKEN = re.compile(r"\s*(?:(\d+)|(AND|OR|NOT)\b|([()]))", re.IGNORECASE)
_BINDING = {"NOT": 3, "AND": 2, "OR": 1, "(": 0}
MOST_FILTERS = 20
"""Field filters of one report; documented."""
_MOST_TOKENS = 200


class Sql(NamedTuple):
    """A piece of SQL and its parameters, in order."""

    text: str
    params: tuple[Any, ...] = ()


TRUE = Sql("1")


def joined(operator: str, pieces: Iterable[Sql]) -> Sql:
    """Join pieces by AND or OR, each in parentheses; none are true."""
    kept = [piece for piece in pieces if piece is not TRUE]
    if not kept:
        return TRUE
    text = f" {operator} ".join(f"({piece.text})" for piece in kept)
    return Sql(text, tuple(value for piece in kept for value in piece.params))


def _not(inner: Sql) -> Sql:
    return Sql(f"NOT coalesce(({inner.text}), 0)", inner.params)


# -- one criterion --------------------------------------------------------------------------------


def criterion(column: Column, each: Filter, calendar: Calendar) -> Sql:
    """Return one criterion; ``equals`` nothing means blank, a list means any of its values.

    :raises OrgError: 400: the condition does not fit the column, or the value cannot be read.
    """
    if not allowed(column.data_type, each.operator):
        raise bad_operator(each.operator)
    if each.operator in ("equals", "notEqual"):
        found = joined("OR", (_equal(column, v, calendar) for v in split(each.value)))
        return found if each.operator == "equals" else _not(found)
    if each.operator in _COMPARE:
        return _ordered(column, _COMPARE[each.operator], each.value, calendar)
    if each.operator in ("includes", "excludes"):
        found = joined("OR", (_all_of(column, v) for v in split(each.value)))
        return found if each.operator == "includes" else _not(found)
    found = joined("OR", (_like(column, v, each.operator) for v in split(each.value)))
    return _not(found) if each.operator == "notContain" else found


def compared(column: Column, other: Column, operator: str) -> Sql:
    """Return the comparison of two columns; a blank one equals only another blank."""
    if not allowed(column.data_type, operator):
        raise bad_operator(operator)
    left, right = _text(column), _text(other)
    symbol = {"equals": "IS", "notEqual": "IS NOT", **_COMPARE}.get(operator)
    if symbol is None:
        raise bad_operator(operator)
    return Sql(f"{left.text} {symbol} {right.text}", (*left.params, *right.params))


def _text(column: Column) -> Sql:
    """The column as people compare it: names for lookups, letters in any case."""
    plain = numeric(column.kind) or column.kind in (*TIMES, FieldType.BOOLEAN)
    return Sql(f"{column.text_sql}{'' if plain else ' COLLATE NOCASE'}", column.params)


def _equal(column: Column, text: str, calendar: Calendar) -> Sql:
    of = _text(column)
    if text == "":
        return Sql(f"{of.text} IS NULL", of.params)
    if column.kind in TIMES:
        return _within(of, times(text, column.kind, calendar))
    if column.kind is FieldType.BOOLEAN:
        return Sql(f"coalesce({of.text}, 0) = ?", (*of.params, boolean(text, column.name)))
    if numeric(column.kind):
        return Sql(f"{of.text} = ?", (*of.params, number(text, column.name)))
    if column.kind is FieldType.ID:
        return Sql(f"{column.sql} = ?", (*column.params, identity(text)))
    if column.lookup and is_id(text):
        return Sql(f"{column.sql} = ?", (*column.params, id18(text)))
    return Sql(f"{of.text} = ?", (*of.params, picked(column, text)))


def picked(column: Column, text: str) -> str:
    """Return the value of a picklist that bears this label; other text as it is."""
    values = column.field.picklist if column.field and not column.lookup else ()
    return next((v.value for v in values if v.label.lower() == text.lower()), text)


def _within(of: Sql, span: Range) -> Sql:
    text = f"{of.text} >= ? AND {of.text} < ?"
    return Sql(text, (*of.params, span.start, *of.params, span.end))


def _ordered(column: Column, symbol: str, text: str, calendar: Calendar) -> Sql:
    of = _text(column)
    if text.strip() == "":
        return Sql("0")
    if column.kind in TIMES:
        span = times(text, column.kind, calendar)
        value = span.end if symbol in (">", "<=") else span.start
        strict = {">": ">=", "<=": "<"}.get(symbol, symbol)
        return Sql(f"{of.text} {strict} ?", (*of.params, value))
    if numeric(column.kind):
        return Sql(f"{of.text} {symbol} ?", (*of.params, number(text, column.name)))
    return Sql(f"{of.text} {symbol} ?", (*of.params, picked(column, text)))


def _like(column: Column, text: str, operator: str) -> Sql:
    escaped = re.sub(r"([\\%_])", r"\\\1", text)
    pattern = f"{escaped}%" if operator == "startsWith" else f"%{escaped}%"
    return Sql(f"{column.text_sql} LIKE ? ESCAPE '\\'", (*column.params, pattern))


def _all_of(column: Column, text: str) -> Sql:
    """``A;B`` of includes: both are selected."""
    wanted = orjson.dumps([f";{name.strip().lower()};" for name in text.split(";")]).decode()
    inside = f"instr(';' || lower({column.sql}) || ';', value) = 0"
    return Sql(
        f"{column.sql} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM json_each(?) WHERE {inside})",
        (*column.params, wanted, *column.params),
    )


# -- logic ----------------------------------------------------------------------------------------


def logic(text: str | None, criteria: list[Sql]) -> Sql:
    """Return the criteria put together: all of them, or as ``1 AND (2 OR NOT 3)`` says.

    :raises OrgError: 400: the logic is no logic, or does not name every criterion.
    """
    if not (text or "").strip():
        return joined("AND", criteria)
    definite = [Sql(f"coalesce(({c.text}), 0)", c.params) for c in criteria]
    stack: list[str] = []
    out: list[Sql] = []
    used = set()
    for word in _words(text or "", len(criteria)):
        if word.isdigit():
            used.add(int(word))
            out.append(definite[int(word) - 1])
        elif word == "(":
            stack.append(word)
        else:
            _reduce(stack, out, word, text or "")
    _reduce(stack, out, "END", text or "")
    if stack or len(out) != 1 or used != set(range(1, len(criteria) + 1)):
        raise _no_logic(text or "")
    return out[0]


def check_logic(text: str | None, count: int) -> None:
    """Refuse logic that cannot be that of ``count`` criteria.

    :raises OrgError: 400.
    """
    logic(text, [Sql(str(n)) for n in range(count)])


def _words(text: str, count: int) -> list[str]:
    """Return the words; operands and operators take turns, so nothing else can be meant."""
    words: list[str] = []
    at, wants = 0, True
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None or len(words) > _MOST_TOKENS:
            raise _no_logic(text)
        word = (match[1] or match[2] or match[3]).upper()
        begins = word.isdigit() or word in ("NOT", "(")
        if begins is not wants or (word.isdigit() and not 1 <= int(word) <= count):
            raise _no_logic(text)
        wants = word in ("NOT", "(", "AND", "OR")
        words.append(word)
        at = match.end()
    return words


def _reduce(stack: list[str], out: list[Sql], word: str, text: str) -> None:
    """Apply the operators that bind at least as tightly as ``word``, then put it on the stack."""
    least = _BINDING.get(word, 1)
    while stack and stack[-1] != "(" and _BINDING[stack[-1]] >= least and word != "NOT":
        operator = stack.pop()
        right = _pop(out, text)
        out.append(_not(right) if operator == "NOT" else joined(operator, [_pop(out, text), right]))
    if word == ")":
        if not stack:
            raise _no_logic(text)
        stack.pop()
    elif word != "END":
        stack.append(word)


def _pop(out: list[Sql], text: str) -> Sql:
    if not out:
        raise _no_logic(text)
    return out.pop()


def _no_logic(text: str) -> Exception:
    return bad_request(f"The filter logic {text} is invalid.")


Resolve = Callable[[str], Column]


def where(
    filters: tuple[Filter, ...], text: str | None, resolve: Resolve, calendar: Calendar
) -> Sql:
    """Return all criteria of a report with their logic.

    :raises OrgError: 400: too many, or one of them is invalid.
    """
    if len(filters) > MOST_FILTERS:
        raise bad_request(f"expected at most {MOST_FILTERS} filters, got {len(filters)}")
    pieces = [
        compared(resolve(f.column), resolve(f.value), f.operator)
        if f.to_field
        else criterion(resolve(f.column), f, calendar)
        for f in filters
    ]
    return logic(text, pieces)
