"""Values as reports show them: label and value of cells, groups and totals, for en_US readers."""

from __future__ import annotations

from datetime import UTC, date
from typing import Any

from local_org.clock import from_millis
from local_org.reports.columns import Column
from local_org.reports.granularity import american
from local_org.schema.model import FieldType
from local_org.soql.dates import Calendar

BLANK = "-"
Cell = dict[str, Any]


def number_text(value: float, kind: FieldType, scale: int) -> str:
    """Return a number with its unit: ``$16,000.01``, ``60%``, ``7.50``."""
    digits = 2 if kind is FieldType.CURRENCY and not scale else scale
    text = f"{value:,.{digits}f}"
    if kind is FieldType.CURRENCY:
        return f"-${text[1:]}" if text.startswith("-") else f"${text}"
    return f"{text}%" if kind is FieldType.PERCENT else text


def iso(value: int) -> str:
    """Return an instant as the REST Analytics API writes it: ``2015-08-12T16:05:43Z``."""
    return f"{from_millis(value).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def day_of(value: int, calendar: Calendar) -> date:
    """Return the day of an instant where the user lives."""
    return from_millis(value).astimezone(calendar.zone).date()


def moment_text(value: int, calendar: Calendar) -> str:
    """Return an instant as the user reads it: ``11/2/2026, 2:07 AM``."""
    moment = from_millis(value).astimezone(calendar.zone)
    half = "AM" if moment.hour < 12 else "PM"
    return f"{american(moment.date())}, {moment.hour % 12 or 12}:{moment.minute:02d} {half}"


def _time_cell(column: Column, value: Any, calendar: Calendar) -> Cell:
    if column.kind is FieldType.DATE:
        day = date.fromisoformat(value)
        return {"label": american(day), "value": value}
    if column.day:
        day = day_of(value, calendar)
        return {"label": american(day), "value": day.isoformat()}
    return {"label": moment_text(value, calendar), "value": iso(value)}


def picklist_label(column: Column, value: Any) -> str:
    """Return the label of a picklist value; other text as it is."""
    values = column.field.picklist if column.field else ()
    return next((v.label for v in values if v.value == value), str(value))


def cell(column: Column, value: Any, calendar: Calendar, name: str | None, link: Any) -> Cell:
    """Return one data cell; ``name`` is that of a lookup, ``link`` the id of the linked record."""
    if column.kind is FieldType.BOOLEAN:
        return {"label": "true" if value else "false", "value": bool(value)}
    if value is None:
        return {"label": BLANK, "value": link}
    if column.lookup:
        return {"label": name or BLANK, "value": value}
    if column.numeric:
        shown: Any = whole(value)
        label = number_text(value, column.kind, column.scale)
        if column.kind is FieldType.CURRENCY:
            shown = {"amount": shown, "currency": None}
        return {"label": label, "value": shown}
    if column.kind in (FieldType.DATE, FieldType.DATETIME):
        return _time_cell(column, value, calendar)
    return {"label": picklist_label(column, value), "value": value if link is None else link}


def whole(value: float) -> float | int:
    """Return an integral number as an integer, as JSON of the platform has it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
