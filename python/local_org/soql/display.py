"""FORMAT(): values as people of the user's locale read them; only en_US forms are known."""

from __future__ import annotations

from datetime import date
from typing import Any

from local_org.clock import from_millis
from local_org.schema.model import NUMBER_TYPES, Field, FieldType
from local_org.soql.rows import Member, Row
from local_org.soql.scope import Statement


def _number(of: Field, value: float) -> str:
    digits = 2 if of.type is FieldType.CURRENCY and not of.scale else of.scale
    text = f"{value:,.{digits}f}"
    if of.type is FieldType.CURRENCY:
        return f"-${text[1:]}" if text.startswith("-") else f"${text}"
    return f"{text}%" if of.type is FieldType.PERCENT else text


def formatted(of: Field, slot: int, statement: Statement) -> Member:
    """Return what makes the display text of a column; null stays null."""

    def show(row: Row) -> Any:
        value = row[slot]
        if value is None:
            return None
        if of.type in NUMBER_TYPES:
            return _number(of, value)
        if of.type is FieldType.DATE:
            day = date.fromisoformat(value)
            return f"{day.month}/{day.day}/{day.year}"
        if of.type is FieldType.DATETIME:
            moment = from_millis(value).astimezone(statement.calendar.zone)
            clock = (
                f"{moment.hour % 12 or 12}:{moment.minute:02d} {'AM' if moment.hour < 12 else 'PM'}"
            )
            return f"{moment.month}/{moment.day}/{moment.year}, {clock}"
        if of.type is FieldType.BOOLEAN:
            return "true" if value else "false"
        return value

    return show
