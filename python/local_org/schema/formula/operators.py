"""Operators by the types of their operands."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from local_org.schema.formula import arithmetic, dates
from local_org.schema.formula.kinds import FormulaType

Work: TypeAlias = Callable[..., Any]

_N, _T, _B = FormulaType.NUMBER, FormulaType.TEXT, FormulaType.BOOLEAN
_D, _DT, _TM = FormulaType.DATE, FormulaType.DATETIME, FormulaType.TIME

EQUALITY = frozenset({"=", "==", "<>", "!="})
ORDERED = frozenset({"<", "<=", ">", ">="})
_JOINING = frozenset({"&", "+"})


def sees_blanks(sign: str, types: Sequence[FormulaType]) -> bool:
    """Whether the operator gives a value even when an operand is blank.

    Joins take blank text as empty; equality tells blank from not blank, but a comparison of two
    numbers or two instants, one of them blank, is never true, neither ``=`` nor ``<>``.
    """
    textual = _T in types or _B in types
    if sign in EQUALITY:
        return textual or FormulaType.NULL in types
    return textual and sign in _JOINING


def _join(left: str | None, right: str | None) -> str | None:
    return (left or "") + (right or "") or None


def _equal(left: Any, right: Any) -> bool:
    return bool(left == right)


def _differ(left: Any, right: Any) -> bool:
    return bool(left != right)


def _swapped(work: Callable[[Any, Any], Any]) -> Work:
    return lambda left, right: work(right, left)


def _back(work: Callable[[Any, Any], Any]) -> Work:
    return lambda left, right: work(left, -right)


_ARITHMETIC: Mapping[tuple[str, FormulaType, FormulaType], tuple[FormulaType, Work]] = (
    MappingProxyType(
        {
            ("+", _N, _N): (_N, arithmetic.add),
            ("+", _T, _T): (_T, _join),
            ("+", _D, _N): (_D, dates.shift_date),
            ("+", _N, _D): (_D, _swapped(dates.shift_date)),
            ("+", _DT, _N): (_DT, dates.shift_datetime),
            ("+", _N, _DT): (_DT, _swapped(dates.shift_datetime)),
            ("+", _TM, _N): (_TM, dates.shift_time),
            ("+", _N, _TM): (_TM, _swapped(dates.shift_time)),
            ("-", _N, _N): (_N, arithmetic.subtract),
            ("-", _D, _N): (_D, _back(dates.shift_date)),
            ("-", _D, _D): (_N, dates.date_gap),
            ("-", _DT, _N): (_DT, _back(dates.shift_datetime)),
            ("-", _DT, _DT): (_N, dates.days_between),
            ("-", _TM, _N): (_TM, _back(dates.shift_time)),
            ("-", _TM, _TM): (_N, dates.time_gap),
            ("*", _N, _N): (_N, arithmetic.multiply),
            ("/", _N, _N): (_N, arithmetic.divide),
            ("^", _N, _N): (_N, arithmetic.power),
            ("&", _T, _T): (_T, _join),
        }
    )
)
_EXPECTED: Mapping[str, str] = MappingProxyType(
    {
        "+": "Number, Date, DateTime",
        "-": "Number, Date, DateTime",
        "*": "Number",
        "/": "Number",
        "^": "Number",
        "&": "Text",
        "&&": "Boolean",
        "||": "Boolean",
        "!": "Boolean",
    }
)
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {
        "=": _equal,
        "==": _equal,
        "<>": _differ,
        "!=": _differ,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
    }
)


def operator_for(sign: str, types: Sequence[FormulaType]) -> tuple[FormulaType, Work] | str:
    """Return result type and work of an operator on these types, or what is wrong with them."""
    if len(types) == 1:
        return _unary(sign, types[0])
    left, right = types
    if sign in ("&&", "||"):
        wrong = next((t for t in types if t not in (_B, FormulaType.NULL)), None)
        return (_B, bool) if wrong is None else _wrong(sign, wrong)
    if sign in _COMPARISONS:
        return _comparison(sign, left, right)
    null = FormulaType.NULL
    if null in types:
        known = _N if left is right else right if left is null else left
        found = next(
            (
                _ARITHMETIC[pair]
                for pair in ((sign, known, known), (sign, known, _N), (sign, _N, known))
                if pair in _ARITHMETIC
            ),
            None,
        )
        return found or _wrong(sign, known)
    return _ARITHMETIC.get((sign, left, right)) or _wrong(
        sign, right if (sign, left, left) in _ARITHMETIC else left
    )


def _unary(sign: str, kind: FormulaType) -> tuple[FormulaType, Work] | str:
    if sign == "!":
        return (_B, operator.not_) if kind in (_B, FormulaType.NULL) else _wrong(sign, kind)
    if kind not in (_N, FormulaType.NULL):
        return _wrong("*", kind).replace("'*'", f"'{sign}'")
    return _N, (operator.neg if sign == "-" else operator.pos)


def _comparison(sign: str, left: FormulaType, right: FormulaType) -> tuple[FormulaType, Work] | str:
    work = _COMPARISONS[sign]
    null = FormulaType.NULL
    if left is not right and null not in (left, right):
        return f"Incorrect parameter type for operator '{sign}'. Expected {left}, received {right}"
    if sign in ORDERED and _B in (left, right):
        return (
            f"Incorrect parameter type for operator '{sign}'. "
            "Expected Number, Date, DateTime, received Boolean"
        )
    return _B, work


def _wrong(sign: str, received: FormulaType) -> str:
    return (
        f"Incorrect parameter type for operator '{sign}'. "
        f"Expected {_EXPECTED[sign]}, received {received}"
    )
