"""Whether a filter expression fits the object whose events it filters; judged at deploy.

Source: Change Data Capture Developer Guide, "Filter Expression Format"; Platform Events Developer
Guide, "Field Considerations".
"""

from __future__ import annotations

from collections.abc import Mapping

from local_org.events.filters import (
    HEADER_FIELDS,
    Condition,
    Expression,
    FilterError,
    conditions,
    header_field,
)
from local_org.schema.model import NUMBER_TYPES, TEXT_TYPES, Field, FieldType, SObject

_LISTS = frozenset({"recordids", "nulledfields", "difffields", "changedfields"})
_NUMBERS = frozenset({"sequencenumber", "committimestamp", "commitnumber"})
_HEADER_NAMES = {name.lower(): name for name in HEADER_FIELDS}
_SHORT_TEXT = 255
"""Characters of the longest text that enrichment, and so a filter, takes."""
_NEVER = frozenset({FieldType.BASE64, FieldType.ENCRYPTED, FieldType.ADDRESS, FieldType.LOCATION})
_OWN_LITERAL: Mapping[FieldType, str] = {
    FieldType.BOOLEAN: "boolean",
    FieldType.DATE: "date",
    FieldType.DATETIME: "datetime",
    FieldType.TIME: "time",
}


def check_filter(expression: Expression, sobject: SObject) -> None:
    """Let an expression pass that names fields a filter may name, each with a fitting literal.

    :raises FilterError: it does not.
    """
    for each in conditions(expression):
        header = header_field(each.field)
        if header is None:
            _check_field(each, sobject)
        else:
            _check_header(each, header.lower())


def _check_header(condition: Condition, name: str) -> None:
    if name in _LISTS:
        raise FilterError(f"the field {condition.field} is a list and can't be filtered on")
    if name not in _HEADER_NAMES:
        raise FilterError(f"no such field {condition.field}")
    _check_literal(condition, "number" if name in _NUMBERS else "string")


def _check_field(condition: Condition, sobject: SObject) -> None:
    field = sobject.get(condition.field)
    if field is None:
        raise FilterError(f"no such field {condition.field} on {sobject.name}")
    long_text = field.type is FieldType.TEXTAREA and field.length > _SHORT_TEXT
    if field.calculated or field.type in _NEVER or long_text:
        raise FilterError(f"the field {condition.field} is of a type that can't be filtered on")
    if field.type is FieldType.BOOLEAN and condition.sign not in ("=", "!="):
        raise FilterError(f"the checkbox {condition.field} can be compared by = and != only")
    _check_literal(condition, _literal(field))


def _literal(field: Field) -> str:
    if field.type in NUMBER_TYPES:
        return "number"
    if field.type in TEXT_TYPES:
        return "string"
    return _OWN_LITERAL.get(field.type, "string")


def _check_literal(condition: Condition, wanted: str) -> None:
    if condition.kind not in (wanted, "null"):
        text = f"{condition.field} takes a {wanted}, got a {condition.kind}"
        raise FilterError(text)
