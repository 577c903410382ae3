"""Filter expressions of channel members: which change events a channel carries.

A subset of SOQL's conditions. Source: facts/pubsub-cdc.md 2.9; Change Data Capture Developer Guide,
"Filter Expression Format" and "Field Considerations": texts compare in any case, checkboxes only by
``=`` and ``!=``, date literals such as TODAY do not exist here.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

LONGEST = 131_072
MOST_FIELDS = 10
_HEADER = "ChangeEventHeader."
HEADER_FIELDS = frozenset(
    {
        "entityName",
        "changeType",
        "changeOrigin",
        "transactionKey",
        "sequenceNumber",
        "commitTimestamp",
        "commitNumber",
        "commitUser",
    }
)
"""Members of the header that are no lists."""
_DEEPEST = 50
"""Parentheses within each other."""

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>'(?:[^'\\]|\\.)*') |
    (?P<moment>\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))?(?![\w:-])) |
    (?P<time>\d\d:\d\d:\d\d(?:\.\d+)?Z) |
    (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?![\w.])) |
    (?P<word>[A-Za-z][\w.]*) |
    (?P<sign><=|>=|!=|<>|[=<>()]) |
    (?P<end>\Z)
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_LITERALS: Mapping[str, Any] = {"TRUE": True, "FALSE": False, "NULL": None}
_OPERATORS = frozenset({"=", "!=", "<>", "LIKE", *_COMPARE})


class FilterError(ValueError):
    """An expression that is none; the message says what was expected and what came."""


Values = Callable[[str], Any]
"""A field's value in the event that a filter judges, as Avro has it; None when it is blank."""


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Condition:
    """``field operator literal``; ``value`` is in the form that events hold."""

    field: str
    sign: str
    value: Any
    kind: str
    """What the literal is: string, number, boolean, null, date, datetime or time."""

    def holds(self, values: Values) -> bool:
        """Whether it is true of an event; a blank is less and greater than nothing."""
        found, wanted = values(self.field), self.value
        if isinstance(found, str) and isinstance(wanted, str):
            found, wanted = found.lower(), wanted.lower()
        if isinstance(found, bool) or isinstance(wanted, bool):
            found, wanted = bool(found), bool(wanted)
        if self.sign == "LIKE":
            return found is not None and _like(wanted).fullmatch(str(found)) is not None
        if self.sign in _COMPARE:
            return _comparable(found, wanted) and _COMPARE[self.sign](found, wanted)
        return bool(found == wanted) == (self.sign == "=")


@dataclass(frozen=True, slots=True)
class Both:
    """``AND`` or ``OR`` of parts."""

    word: str
    parts: tuple[Expression, ...]

    def holds(self, values: Values) -> bool:
        """Whether all parts hold, or any."""
        told = (part.holds(values) for part in self.parts)
        return all(told) if self.word == "AND" else any(told)


@dataclass(frozen=True, slots=True)
class Not:
    """``NOT`` of a part."""

    part: Expression

    def holds(self, values: Values) -> bool:
        """Whether the part does not hold."""
        return not self.part.holds(values)


Expression = Condition | Both | Not


def parse(text: str) -> Expression:
    """Expression: Term ((AND Term)* | (OR Term)*).

    :raises FilterError: it is none.
    """
    if len(text) > LONGEST:
        raise FilterError(f"expected at most {LONGEST} characters, got {len(text)}")
    parser = _Parser(list(_tokens(text)))
    found = parser.expression()
    parser.end()
    fields = {each.field for each in conditions(found)}
    if len(fields) > MOST_FIELDS:
        raise FilterError(f"expected at most {MOST_FIELDS} fields, got {len(fields)}")
    return found


def conditions(expression: Expression) -> Iterator[Condition]:
    """Yield every condition of an expression."""
    match expression:
        case Condition():
            yield expression
        case Not():
            yield from conditions(expression.part)
        case Both():
            for part in expression.parts:
                yield from conditions(part)


def entity_fields(expression: Expression) -> frozenset[str]:
    """Return the fields of the object that an expression needs, and no header fields."""
    names = {each.field for each in conditions(expression)}
    return frozenset(name for name in names if not header_field(name))


def header_field(name: str) -> str | None:
    """Return the header's member that a name means, or None when it means none."""
    if name.lower().startswith(_HEADER.lower()):
        return name[len(_HEADER) :]
    return None


class _Parser:
    """Reads tokens by one method a production."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def expression(self) -> Expression:
        """Expression: Term ((AND Term)* | (OR Term)*)."""
        parts = [self._term()]
        word = self._next.text.upper()
        if word not in ("AND", "OR"):
            return parts[0]
        while self._next.text.upper() == word:
            self._at += 1
            parts.append(self._term())
        return Both(word, tuple(parts))

    def _term(self) -> Expression:
        """Term: NOT Term | '(' Expression ')' | Condition."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise FilterError(f"expected at most {_DEEPEST} parentheses within each other")
        if self._next.kind == "word" and self._next.text.upper() == "NOT":
            self._at += 1
            found: Expression = Not(self._term())
        elif self._next.text == "(":
            self._at += 1
            found = self.expression()
            self._take(")", "sign")
        else:
            found = self._condition()
        self._depth -= 1
        return found

    def _condition(self) -> Condition:
        """Condition: FieldName Operator Literal."""
        field = self._take("a field name", "word").text
        sign = self._next.text.upper()
        if sign not in _OPERATORS:
            raise self._unexpected("an operator")
        self._at += 1
        value, kind = self._literal()
        if sign == "LIKE" and kind != "string":
            raise FilterError(f"expected a text in single quotes behind {field} LIKE")
        return Condition(field, "!=" if sign == "<>" else sign, value, kind)

    def _literal(self) -> tuple[Any, str]:
        """Literal: 'text' | number | date | dateTime | time | TRUE | FALSE | NULL."""
        token = self._next
        word = token.text.upper()
        if token.kind == "word" and word not in _LITERALS:
            raise self._unexpected("a literal value")
        if token.kind not in ("word", *_READ):
            raise self._unexpected("a literal value")
        self._at += 1
        if token.kind == "word":
            return _LITERALS[word], "null" if word == "NULL" else "boolean"
        return _READ[token.kind](token.text)

    def end(self) -> None:
        """Pass only at the end.

        AND and OR beside each other need parentheses, as in SOQL.
        """
        if self._next.kind != "end":
            raise self._unexpected("the end, AND or OR, or parentheses around a mix of them")

    def _take(self, wanted: str, kind: str) -> _Token:
        token = self._next
        if token.kind != kind or (kind == "sign" and token.text != wanted):
            raise self._unexpected(wanted)
        self._at += 1
        return token

    def _unexpected(self, wanted: str) -> FilterError:
        token = self._next
        came = f"'{token.text}'" if token.text else "the end"
        return FilterError(f"expected {wanted} at position {token.at}, got {came}")


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while True:
        found = _TOKEN.match(text, at)
        if found is None:
            raise FilterError(f"unexpected character at position {at}: '{text[at:].strip()[:1]}'")
        kind = str(found.lastgroup)
        yield _Token(kind, found[kind], found.start(kind))
        if kind == "end":
            return
        at = found.end()


def _string(text: str) -> tuple[str, str]:
    plain = re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1])
    return plain, "string"


def _moment(text: str) -> tuple[int, str]:
    """Return a date or a date-time in epoch milliseconds."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise FilterError(f"expected a date, got '{text}'") from None
    if moment.tzinfo is None:
        return int(moment.replace(tzinfo=UTC).timestamp() * 1000), "date"
    return int(moment.timestamp() * 1000), "datetime"


def _time(text: str) -> tuple[int, str]:
    hour, minute, second = text.removesuffix("Z").split(":")
    return int(hour) * 3_600_000 + int(minute) * 60_000 + round(float(second) * 1000), "time"


_READ: Mapping[str, Callable[[str], tuple[Any, str]]] = {
    "string": _string,
    "number": lambda text: (float(text), "number"),
    "moment": _moment,
    "time": _time,
}


def _comparable(found: Any, wanted: Any) -> bool:
    if isinstance(found, str) or isinstance(wanted, str):
        return isinstance(found, str) and isinstance(wanted, str)
    return found is not None and wanted is not None


@lru_cache(maxsize=256)
def _like(pattern: str) -> re.Pattern[str]:
    """Return what ``%`` and ``_`` mean; neither can be escaped in a filter.

    What stands between two ``%`` is sought once, from the left, so no pattern is slow.
    """
    first, *rest = re.split("%+", pattern)
    parts = ["".join("." if c == "_" else re.escape(c) for c in part) for part in (first, *rest)]
    found, last = "".join(f"(?>.*?{part})" for part in parts[1:-1]), parts[-1]
    return re.compile(parts[0] + found + (f".*{last}" if rest else ""), re.DOTALL)
