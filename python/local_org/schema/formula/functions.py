"""The table of plain functions: how many parameters, of which types, and what they give.

Functions that look at a field rather than at its value, or that must not evaluate all their
parameters, are special forms; ``local_org.schema.formula.compiler`` knows those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from local_org.ids import id18
from local_org.schema.formula import arithmetic, dates, texts
from local_org.schema.formula.kinds import FormulaType

Expected = tuple[FormulaType, ...]

NUMBER: Expected = (FormulaType.NUMBER,)
TEXT: Expected = (FormulaType.TEXT,)
BOOLEAN: Expected = (FormulaType.BOOLEAN,)
DATE: Expected = (FormulaType.DATE,)
DATETIME: Expected = (FormulaType.DATETIME,)
TIME: Expected = (FormulaType.TIME,)
DAY: Expected = (FormulaType.DATE, FormulaType.DATETIME)


@dataclass(frozen=True, slots=True)
class Function:
    """One function; the last of its parameters repeats when ``most`` exceeds their number.

    ``run`` never sees a blank: a blank text comes as an empty one, and with any other blank the
    result is blank. ``result`` None means: the type of the first parameter.
    """

    parameters: tuple[Expected, ...]
    result: FormulaType | None
    run: Callable[..., Any]
    least: int
    most: int

    def parameter(self, index: int) -> Expected:
        """Return the types that the parameter at this place may have."""
        return self.parameters[min(index, len(self.parameters) - 1)]


def _function(
    run: Callable[..., Any],
    result: FormulaType | None,
    *parameters: Expected,
    least: int = -1,
    most: int = -1,
) -> Function:
    count = len(parameters)
    return Function(
        parameters, result, run, count if least < 0 else least, count if most < 0 else most
    )


def _largest(*values: Decimal) -> Decimal:
    return max(values)


def _smallest(*values: Decimal) -> Decimal:
    return min(values)


def _number_of(attribute: str) -> Callable[[Any], Decimal]:
    return lambda value: Decimal(getattr(value, attribute))


def _safe_id(text: str) -> str:
    return id18(text) if len(text) == 15 else text


def _week(day: Any) -> Decimal:
    return Decimal(day.isocalendar().week)


def _iso_year(day: Any) -> Decimal:
    return Decimal(day.isocalendar().year)


def _day_of_year(day: Any) -> Decimal:
    return Decimal(day.timetuple().tm_yday)


def _milliseconds(moment: time | datetime) -> Decimal:
    return Decimal(moment.microsecond // 1000)


_N, _T, _B = FormulaType.NUMBER, FormulaType.TEXT, FormulaType.BOOLEAN
_D, _DT, _TM = FormulaType.DATE, FormulaType.DATETIME, FormulaType.TIME
_MANY = 255

_NUMBER_FUNCTIONS = {
    "ABS": _function(abs, _N, NUMBER),
    "ACOS": _function(arithmetic.arc_cosine, _N, NUMBER),
    "ASIN": _function(arithmetic.arc_sine, _N, NUMBER),
    "ATAN": _function(arithmetic.arc_tangent, _N, NUMBER),
    "ATAN2": _function(arithmetic.arc_tangent_of_two, _N, NUMBER, NUMBER),
    "CEILING": _function(arithmetic.ceiling, _N, NUMBER),
    "COS": _function(arithmetic.cosine, _N, NUMBER),
    "EXP": _function(arithmetic.exponential, _N, NUMBER),
    "FLOOR": _function(arithmetic.floor, _N, NUMBER),
    "LN": _function(arithmetic.natural_logarithm, _N, NUMBER),
    "LOG": _function(arithmetic.common_logarithm, _N, NUMBER),
    "MAX": _function(_largest, _N, NUMBER, most=_MANY),
    "MCEILING": _function(arithmetic.mathematical_ceiling, _N, NUMBER),
    "MFLOOR": _function(arithmetic.mathematical_floor, _N, NUMBER),
    "MIN": _function(_smallest, _N, NUMBER, most=_MANY),
    "MOD": _function(arithmetic.modulo, _N, NUMBER, NUMBER),
    "PI": _function(arithmetic.pi, _N),
    "ROUND": _function(arithmetic.rounded, _N, NUMBER, NUMBER),
    "SIN": _function(arithmetic.sine, _N, NUMBER),
    "SQRT": _function(arithmetic.square_root, _N, NUMBER),
    "TAN": _function(arithmetic.tangent, _N, NUMBER),
    "TRUNC": _function(arithmetic.truncated, _N, NUMBER, NUMBER, least=1),
}
_TEXT_FUNCTIONS = {
    "ASCII": _function(texts.code_point, _N, TEXT),
    "BEGINS": _function(texts.begins, _B, TEXT, TEXT),
    "BR": _function(lambda: "<br>", _T),
    "CASESAFEID": _function(_safe_id, _T, TEXT),
    "CHR": _function(texts.character, _T, NUMBER),
    "CONTAINS": _function(texts.contains, _B, TEXT, TEXT),
    "FIND": _function(texts.find, _N, TEXT, TEXT, NUMBER, least=2),
    "FORMATDURATION": _function(texts.duration, _T, NUMBER, BOOLEAN, least=1),
    "HYPERLINK": _function(texts.hyperlink, _T, TEXT, TEXT, TEXT, least=2),
    "IMAGE": _function(texts.image, _T, TEXT, TEXT, NUMBER, NUMBER, least=2),
    "INITCAP": _function(texts.initial_capitals, _T, TEXT),
    "ISNUMBER": _function(arithmetic.is_number, _B, TEXT),
    "LEFT": _function(texts.left, _T, TEXT, NUMBER),
    "LEN": _function(lambda text: Decimal(len(text)), _N, TEXT),
    "LOWER": _function(texts.lower, _T, TEXT, TEXT, least=1),
    "LPAD": _function(texts.pad_left, _T, TEXT, NUMBER, TEXT, least=2),
    "MID": _function(texts.mid, _T, TEXT, NUMBER, NUMBER),
    "REGEX": _function(texts.matches, _B, TEXT, TEXT),
    "REVERSE": _function(lambda text: text[::-1], _T, TEXT),
    "RIGHT": _function(texts.right, _T, TEXT, NUMBER),
    "RPAD": _function(texts.pad_right, _T, TEXT, NUMBER, TEXT, least=2),
    "SUBSTITUTE": _function(texts.substitute, _T, TEXT, TEXT, TEXT),
    "TRIM": _function(texts.trim, _T, TEXT),
    "UPPER": _function(texts.upper, _T, TEXT, TEXT, least=1),
    "VALUE": _function(arithmetic.from_text, _N, TEXT),
}
_DATE_FUNCTIONS = {
    "ADDMONTHS": _function(dates.add_months, None, DAY, NUMBER),
    "DATE": _function(dates.make_date, _D, NUMBER, NUMBER, NUMBER),
    "DATETIMEVALUE": _function(dates.as_datetime, _DT, (*TEXT, *DAY)),
    "DATEVALUE": _function(dates.as_date, _D, (*TEXT, *DAY)),
    "DAY": _function(_number_of("day"), _N, DATE),
    "DAYOFYEAR": _function(_day_of_year, _N, DATE),
    "FROMUNIXTIME": _function(dates.from_unix_time, _DT, NUMBER),
    "HOUR": _function(_number_of("hour"), _N, TIME),
    "ISOWEEK": _function(_week, _N, DAY),
    "ISOYEAR": _function(_iso_year, _N, DAY),
    "MILLISECOND": _function(_milliseconds, _N, TIME),
    "MINUTE": _function(_number_of("minute"), _N, TIME),
    "MONTH": _function(_number_of("month"), _N, DATE),
    "SECOND": _function(_number_of("second"), _N, TIME),
    "TIMEVALUE": _function(dates.as_time, _TM, (*TEXT, *DATETIME, *TIME)),
    "UNIXTIMESTAMP": _function(dates.unix_timestamp, _N, DAY),
    "WEEKDAY": _function(dates.weekday, _N, DATE),
    "YEAR": _function(_number_of("year"), _N, DATE),
}

FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    _NUMBER_FUNCTIONS | _TEXT_FUNCTIONS | _DATE_FUNCTIONS
)
"""Every plain function by its name in upper case."""
