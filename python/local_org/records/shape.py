"""Values as JSON has them and as the store has them: both ways, for every field type.

Stored encodings: id, reference and text as TEXT; boolean as 0 or 1; int and long as INTEGER;
double, currency and percent as REAL; date as ``YYYY-MM-DD``; datetime as epoch milliseconds of the
whole second; time as ``HH:MM:SS.000Z``. Blank text is NULL.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from local_org.errors import OrgError
from local_org.ids import id18, is_id
from local_org.schema.model import TEXT_TYPES, Field, FieldType, SObject

_TRUE = frozenset({"true", "1"})
_FALSE = frozenset({"false", "0"})
_TIME = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,6})?)?Z?\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ZONE = re.compile(r"([+-]\d\d)(\d\d)\Z")
_INTEGERS = frozenset({FieldType.INT, FieldType.LONG})
_NUMBERS = frozenset({FieldType.DOUBLE, FieldType.CURRENCY, FieldType.PERCENT})
_IDS = frozenset({FieldType.ID, FieldType.REFERENCE})
_UNTRIMMED = frozenset({FieldType.TEXTAREA, FieldType.ENCRYPTED})


# -- out ------------------------------------------------------------------------------------------


def datetime_text(stored: int) -> str:
    """Return epoch milliseconds as REST writes a datetime.

    >>> datetime_text(1793613600000)
    '2026-11-02T10:00:00.000+0000'
    """
    moment = datetime.fromtimestamp(stored // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000+0000"


def to_json(field: Field, stored: Any) -> Any:
    """Return the stored value of a field as REST JSON has it."""
    if stored is None:
        return None
    if field.type is FieldType.DATETIME:
        return datetime_text(stored)
    if field.type is FieldType.BOOLEAN:
        return bool(stored)
    return stored


_PARTS = {
    FieldType.ADDRESS: (
        "city",
        "country",
        "geocodeAccuracy",
        "latitude",
        "longitude",
        "postalCode",
        "state",
        "street",
    ),
    FieldType.LOCATION: ("latitude", "longitude"),
}


def compound_parts(sobject: SObject, field: Field) -> list[tuple[str, Field]]:
    """Return the parts of an address or location as (lower-case key, field) pairs."""
    parts = [f for f in sobject.fields.values() if f.compound == field.name]
    return [
        (key, part)
        for key in _PARTS.get(field.type, ())
        for part in parts
        if part.name.lower().removesuffix("__s").removesuffix("__c").endswith(key.lower())
    ]


def compound(sobject: SObject, field: Field, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return an address or location as an object with lower-case keys; None when it is blank."""
    parts = compound_parts(sobject, field)
    values = {key: to_json(part, row.get(part.name)) for key, part in parts}
    return values if any(value is not None for value in values.values()) else None


# -- in -------------------------------------------------------------------------------------------


def from_json(field: Field, value: Any) -> Any:
    """Return the stored form of a value as JSON or a CSV cell gives it.

    :raises OrgError: ``JSON_PARSER_ERROR`` when it cannot be read as the field's type,
        ``MALFORMED_ID`` for a lookup that holds no id, ``INVALID_TYPE_ON_FIELD_IN_RECORD`` for a
        blank checkbox.
    """
    if value is None or value == "":
        if field.type is FieldType.BOOLEAN:
            raise OrgError(
                "INVALID_TYPE_ON_FIELD_IN_RECORD",
                f"{field.label}: value not of required type: ",
                (field.name,),
            )
        return None
    read: Callable[[Field, Any], Any] = _READERS.get(field.type, _any)
    return read(field, value)


def _unreadable(field: Field, value: Any) -> OrgError:
    return OrgError(
        "JSON_PARSER_ERROR",
        f"Cannot deserialize instance of {field.type.value} from {_token(value)} "
        "or request may be missing a required field",
        (field.name,),
    )


def _token(value: Any) -> str:
    """Return the JSON token the value came from, as the platform's parser names it."""
    if isinstance(value, bool):
        return f"VALUE_{str(value).upper()} value {str(value).lower()}"
    if isinstance(value, int):
        return f"VALUE_NUMBER_INT value {value}"
    if isinstance(value, float):
        return f"VALUE_NUMBER_FLOAT value {value}"
    if isinstance(value, str):
        return f"VALUE_STRING value {value}"
    return f"START_{'OBJECT value {' if isinstance(value, dict) else 'ARRAY value ['}"


def _text(field: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        raise _unreadable(field, value)
    return (value if field.type in _UNTRIMMED else value.strip()) or None


def _reference(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise _unreadable(field, value)
    if not is_id(value):
        raise OrgError(
            "MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", (field.name,)
        )
    return id18(value)


def _boolean(field: Field, value: Any) -> int:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and value.lower() in _TRUE | _FALSE:
        return int(value.lower() in _TRUE)
    raise _unreadable(field, value)


def _number(field: Field, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise _unreadable(field, value)
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise _unreadable(field, value) from None
    if not math.isfinite(number):
        raise _unreadable(field, value)
    return number


def _integer(field: Field, value: Any) -> int:
    number = _number(field, value)
    if not number.is_integer():
        raise _unreadable(field, value)
    return int(number)


def _date(field: Field, value: Any) -> str:
    if not isinstance(value, str) or not _DATE.match(value):
        raise _unreadable(field, value)
    try:
        return date.fromisoformat(value[:10]).isoformat()
    except ValueError:
        raise _unreadable(field, value) from None


def _datetime(field: Field, value: Any) -> int:
    if not isinstance(value, str) or len(value) < len("2026-11-02T10:00"):
        raise _unreadable(field, value)
    try:
        moment = datetime.fromisoformat(_ZONE.sub(r"\1:\2", value))
    except ValueError:
        raise _unreadable(field, value) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return math.floor(moment.timestamp()) * 1000


def _time(field: Field, value: Any) -> str:
    found = _TIME.match(value) if isinstance(value, str) else None
    if found is None:
        raise _unreadable(field, value)
    hour, minute, second = found.group(1), found.group(2), found.group(3) or "00"
    if hour > "23" or minute > "59" or second > "59":
        raise _unreadable(field, value)
    return f"{hour}:{minute}:{second}.000Z"


def _any(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise _unreadable(field, value)
    return value


_READERS: Mapping[FieldType, Callable[[Field, Any], Any]] = {
    **dict.fromkeys(TEXT_TYPES, _text),
    **dict.fromkeys(_IDS, _reference),
    **dict.fromkeys(_NUMBERS, _number),
    **dict.fromkeys(_INTEGERS, _integer),
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _date,
    FieldType.DATETIME: _datetime,
    FieldType.TIME: _time,
}
