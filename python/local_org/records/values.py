"""One value on its way into a field: read by its type, then judged by length, range, list and form.

Source of the wordings: SOAP API Developer Guide, "StatusCode"; facts/org-behaviour.md 3.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from local_org.errors import OrgError
from local_org.records.shape import from_json
from local_org.schema.model import TEXT_TYPES, Field, FieldType

Reader = Callable[[Any], Any]
"""A value as JSON or CSV has it → its stored form; raises ``OrgError``."""

_EMAIL = re.compile(r"[^\s@,;:<>()\[\]\"\\]+@[A-Za-z0-9](?:[A-Za-z0-9-]*\.)+[A-Za-z0-9-]{2,}")
_SHOWN = 255
"""Characters of a value that is too large which the message repeats."""
_FLOATS = frozenset({FieldType.DOUBLE, FieldType.CURRENCY, FieldType.PERCENT})
_PICKLISTS = frozenset({FieldType.PICKLIST, FieldType.MULTIPICKLIST})


def reader(field: Field) -> Reader:
    """Return what reads and judges values of the field."""
    judges = [judge(field) for applies, judge in _JUDGES if applies(field)]
    if not judges:
        return lambda value: from_json(field, value)

    def read(value: Any) -> Any:
        stored = from_json(field, value)
        if stored is not None:
            for judge in judges:
                stored = judge(stored)
        return stored

    return read


def _fits(field: Field) -> Reader:
    most = field.length

    def judge(value: str) -> str:
        if len(value) > most:
            text = f"{field.label}: data value too large: {value[:_SHOWN]} (max length={most})"
            raise OrgError("STRING_TOO_LONG", text, (field.name,))
        return value

    return judge


def is_email_address(text: str) -> bool:
    """Whether the text has the form of one e-mail address."""
    return _EMAIL.fullmatch(text) is not None


def _is_email(field: Field) -> Reader:
    def judge(value: str) -> str:
        if not is_email_address(value):
            text = f"{field.label}: invalid email address: {value}"
            raise OrgError("INVALID_EMAIL_ADDRESS", text, (field.name,))
        return value

    return judge


def _is_listed(field: Field) -> Reader:
    """Take only active values of a restricted list; their spelling becomes the list's own."""
    known = {entry.value.lower(): entry.value for entry in field.picklist if entry.active}

    def judge(value: str) -> str:
        several = field.type is FieldType.MULTIPICKLIST
        chosen = [part.strip() for part in value.split(";")] if several else [value]
        bad = [part for part in chosen if part.lower() not in known]
        if bad:
            text = f"{field.label}: bad value for restricted picklist field: {bad[0]}"
            raise OrgError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, (field.name,))
        return ";".join(known[part.lower()] for part in chosen)

    return judge


def _in_digits(field: Field) -> Reader:
    beyond = 10**field.digits

    def judge(value: int) -> int:
        if abs(value) >= beyond:
            raise _out_of_range(field, value)
        return value

    return judge


def _in_precision(field: Field) -> Reader:
    """Take as many digits before the point as the field has; behind it, round half up."""
    beyond = 10 ** (field.precision - field.scale)
    step = Decimal(1).scaleb(-field.scale)

    def judge(value: float) -> float:
        if abs(value) >= beyond:
            raise _out_of_range(field, value)
        if value.is_integer():
            return value
        return float(Decimal(str(value)).quantize(step, ROUND_HALF_UP))

    return judge


def _out_of_range(field: Field, value: float) -> OrgError:
    text = f"{field.label}: value outside of valid range on numeric field: {value:g}"
    return OrgError("NUMBER_OUTSIDE_VALID_RANGE", text, (field.name,))


_JUDGES: tuple[tuple[Callable[[Field], bool], Callable[[Field], Reader]], ...] = (
    (lambda f: f.type in TEXT_TYPES and f.length > 0, _fits),
    (lambda f: f.type is FieldType.EMAIL, _is_email),
    (lambda f: f.type in _PICKLISTS and f.restricted_picklist and bool(f.picklist), _is_listed),
    (lambda f: f.type is FieldType.INT and f.digits > 0, _in_digits),
    (lambda f: f.type in _FLOATS and f.precision > 0, _in_precision),
)
