"""Literals as the store encodes them, checked against the field they are compared with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from local_org.clock import millis
from local_org.errors import OrgError
from local_org.ids import id18, is_id
from local_org.schema.model import NUMBER_TYPES, FieldType
from local_org.soql.dates import Calendar, span
from local_org.soql.faults import Faults
from local_org.soql.nodes import Kind, Literal

_ESCAPES = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "b": "\b",
    "f": "\f",
    '"': '"',
    "'": "'",
    "\\": "\\",
    "_": "_",
    "%": "%",
}
_FOUR_DIGITS = re.compile("[0-9a-fA-F]{4}")
_LARGEST = 2**63
_IDS = frozenset({FieldType.ID, FieldType.REFERENCE})
_QUOTED = "should be enclosed in quotes"
_BARE = "should not be enclosed in quotes"
_WANTED: dict[FieldType, tuple[str, frozenset[Kind]]] = {
    FieldType.BOOLEAN: ("boolean", frozenset({Kind.BOOLEAN})),
    FieldType.DATE: ("date", frozenset({Kind.DATE, Kind.RANGE})),
    FieldType.DATETIME: ("dateTime", frozenset({Kind.DATETIME, Kind.RANGE})),
    FieldType.TIME: ("time", frozenset({Kind.TIME})),
    FieldType.INT: ("int", frozenset({Kind.NUMBER, Kind.CURRENCY})),
    FieldType.LONG: ("long", frozenset({Kind.NUMBER, Kind.CURRENCY})),
}
_NUMBER = ("double", frozenset({Kind.NUMBER, Kind.CURRENCY}))
_TEXT = ("string", frozenset({Kind.STRING}))


@dataclass(frozen=True, slots=True)
class Between:
    """A span in stored encoding: from ``start`` up to, not including, ``end``."""

    start: str | int
    end: str | int


def _wanted(kind: FieldType) -> tuple[str, frozenset[Kind]]:
    if kind in NUMBER_TYPES:
        return _WANTED.get(kind, _NUMBER)
    return _WANTED.get(kind, _TEXT)


def _characters(raw: str) -> list[tuple[str, bool]]:
    """Split the inside of a string into characters and whether each was escaped.

    :raises ValueError: an escape SOQL does not have.
    """
    out, index = [], 0
    while index < len(raw):
        if raw[index] != "\\":
            out.append((raw[index], False))
            index += 1
        elif raw[index + 1 : index + 2].lower() == "u":
            out.append((_code_unit(raw[index + 2 : index + 6]), True))
            index += 6
        else:
            char = raw[index + 1 : index + 2]
            out.append((_ESCAPES.get(char) or _ESCAPES.get(char.lower()) or _illegal(char), True))
            index += 2
    return out


def _code_unit(digits: str) -> str:
    """Return the character of four hexadecimal digits; half of a pair is none."""
    if not _FOUR_DIGITS.fullmatch(digits) or 0xD800 <= int(digits, 16) <= 0xDFFF:
        raise ValueError(digits)
    return chr(int(digits, 16))


def _illegal(char: str) -> str:
    raise ValueError(char)


def _split(literal: Literal, faults: Faults) -> list[tuple[str, bool]]:
    try:
        return _characters(literal.text)
    except ValueError:
        raise faults.malformed(
            f"Invalid string literal '{literal.text}'. Illegal character sequence in it.",
            literal.at,
        ) from None


def text_of(literal: Literal, faults: Faults) -> str:
    """Return the value of a string literal, escapes resolved."""
    return "".join(char for char, _ in _split(literal, faults))


def like_pattern(literal: Literal, faults: Faults) -> str:
    r"""Return the SQL pattern of a LIKE literal for ``ESCAPE '\'``; ``\%``, ``\_`` stay literal."""
    return "".join(
        f"\\{char}" if char == "\\" or (escaped and char in "%_") else char
        for char, escaped in _split(literal, faults)
    )


def _instant(text: str) -> int:
    """Return epoch milliseconds of a dateTime literal; finer fractions are dropped."""
    head, _, rest = text.upper().partition(".")
    if not rest:
        return millis(datetime.fromisoformat(head).astimezone(UTC))
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    moment = datetime.fromisoformat(head + rest[len(digits) :]).astimezone(UTC)
    return millis(moment) + int(digits[:3].ljust(3, "0"))


def _time_of_day(text: str) -> str:
    """Return a time literal as times are stored."""
    head, _, rest = text.upper().rstrip("Z").partition(".")
    time.fromisoformat(head)
    return f"{head}.{rest[:3]:0<3}Z"


def _number(text: str) -> int | float:
    bare = text.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    value = float(bare)
    whole = value.is_integer() and "." not in bare and abs(value) < _LARGEST
    return int(value) if whole else value


class Encoder:
    """Turns literals into stored values for one statement and one user."""

    def __init__(self, faults: Faults, calendar: Calendar) -> None:
        self.faults = faults
        self.calendar = calendar

    def encode(self, literal: Literal, kind: FieldType, name: str) -> Any:
        """Return None, a stored value, or Between for a date literal; blank text is null.

        :raises OrgError: ``INVALID_FIELD`` when the literal is not of the field's type,
            ``INVALID_QUERY_FILTER_OPERATOR`` when it is no id.
        """
        if literal.kind is Kind.NULL:
            return None
        word, kinds = _wanted(kind)
        if literal.kind not in kinds:
            hint = _QUOTED if word == "string" else _BARE
            message = (
                f"value of filter criterion for field '{name}' must be of type {word} and {hint}"
            )
            raise self.faults.at("INVALID_FIELD", message, literal.at)
        if literal.kind is Kind.RANGE:
            return self._between(literal, kind)
        if kind in _IDS:
            return self._id(literal)
        return self._value(literal)

    def _between(self, literal: Literal, kind: FieldType) -> Between:
        try:
            days = span(literal.text, self.calendar)
            if kind is FieldType.DATE:
                return Between(days.start.isoformat(), days.end.isoformat())
            return Between(self.calendar.midnight(days.start), self.calendar.midnight(days.end))
        except (ValueError, OverflowError):
            raise self._invalid_moment(literal) from None

    def _id(self, literal: Literal) -> str | None:
        text = text_of(literal, self.faults)
        if not text:
            return None
        if not is_id(text):
            raise self.faults.at(
                "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {text}", literal.at
            )
        return id18(text)

    def _value(self, literal: Literal) -> Any:
        match literal.kind:
            case Kind.STRING:
                return text_of(literal, self.faults) or None
            case Kind.BOOLEAN:
                return int(literal.text == "TRUE")
            case Kind.NUMBER | Kind.CURRENCY:
                return _number(literal.text)
            case _:
                return self._moment(literal)

    def _moment(self, literal: Literal) -> str | int:
        try:
            if literal.kind is Kind.DATE:
                return date.fromisoformat(literal.text).isoformat()
            if literal.kind is Kind.TIME:
                return _time_of_day(literal.text)
            return _instant(literal.text)
        except (ValueError, OverflowError):
            raise self._invalid_moment(literal) from None

    def _invalid_moment(self, literal: Literal) -> OrgError:
        word = {Kind.DATETIME: "dateTime", Kind.RANGE: "date"}.get(literal.kind, literal.kind.value)
        return self.faults.malformed(f"Invalid {word}: {literal.text}", literal.at)
