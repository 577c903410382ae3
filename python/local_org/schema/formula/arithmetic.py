"""Decimal arithmetic of formulas: 40 digits inside, as many as the platform's own engine keeps."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    DecimalException,
)

from local_org.schema.formula.kinds import FormulaFailure

ARITHMETIC = Context(prec=40, rounding=ROUND_HALF_UP)
_OUTSIDE = Context(prec=33, rounding=ROUND_HALF_UP)
"""What is seen of a number: digits beyond these are noise of division."""
_MAX_EXPONENT = 400


def _guarded(work: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Decimal, Decimal], Decimal]:
    def run(left: Decimal, right: Decimal) -> Decimal:
        try:
            return work(left, right)
        except ZeroDivisionError as e:  # of both divisions by nought, that of nought too
            raise FormulaFailure("Division by zero") from e
        except DecimalException as e:
            raise FormulaFailure(f"no value: {type(e).__name__}") from e

    return run


add = _guarded(ARITHMETIC.add)
subtract = _guarded(ARITHMETIC.subtract)
multiply = _guarded(ARITHMETIC.multiply)
divide = _guarded(ARITHMETIC.divide)


@_guarded
def power(base: Decimal, exponent: Decimal) -> Decimal:
    """Return a number raised to another."""
    if abs(exponent) > _MAX_EXPONENT:
        raise FormulaFailure("the exponent is too large")
    if exponent == 0:
        return Decimal(1)
    return ARITHMETIC.power(base, exponent)


def _to_scale(value: Decimal, places: int, rounding: str) -> Decimal:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or places >= -exponent:
        return value
    if places < -_MAX_EXPONENT:
        return Decimal(0)
    unit = Decimal(1).scaleb(-places)
    try:
        return value.quantize(unit, rounding=rounding, context=Context(prec=80)) + 0
    except DecimalException as e:
        raise FormulaFailure("the number has too many digits") from e


def rounded(value: Decimal, places: Decimal) -> Decimal:
    """ROUND: half away from zero; negative places round tens, hundreds and so on."""
    return _to_scale(value, int(places), ROUND_HALF_UP)


def truncated(value: Decimal, places: Decimal = Decimal(0)) -> Decimal:
    """TRUNC: towards zero."""
    return _to_scale(value, int(places), ROUND_DOWN)


def _integral(rounding: str) -> Callable[[Decimal], Decimal]:
    return lambda value: _to_scale(_OUTSIDE.plus(value), 0, rounding)


floor = _integral(ROUND_DOWN)
"""FLOOR: towards zero; MFLOOR goes towards minus infinity."""
ceiling = _integral(ROUND_UP)
"""CEILING: away from zero; MCEILING goes towards plus infinity."""
mathematical_floor = _integral(ROUND_FLOOR)
mathematical_ceiling = _integral(ROUND_CEILING)


@_guarded
def modulo(value: Decimal, divisor: Decimal) -> Decimal:
    """MOD: the remainder has the sign of the number divided."""
    return ARITHMETIC.remainder(value, divisor)


def square_root(value: Decimal) -> Decimal:
    """SQRT."""
    if value < 0:
        raise FormulaFailure("square root of a negative number")
    return ARITHMETIC.sqrt(value)


def exponential(value: Decimal) -> Decimal:
    """EXP."""
    if abs(value) > _MAX_EXPONENT:
        raise FormulaFailure("the exponent is too large")
    return ARITHMETIC.exp(value)


def natural_logarithm(value: Decimal) -> Decimal:
    """LN."""
    if value <= 0:
        raise FormulaFailure("logarithm of a number that is not positive")
    return ARITHMETIC.ln(value)


def common_logarithm(value: Decimal) -> Decimal:
    """LOG, to the base 10."""
    if value <= 0:
        raise FormulaFailure("logarithm of a number that is not positive")
    return ARITHMETIC.log10(value)


def _angular(work: Callable[..., float]) -> Callable[..., Decimal]:
    """Return a trigonometric function; its results have the digits of a float."""

    def run(*values: Decimal) -> Decimal:
        try:
            return Decimal(repr(work(*map(float, values))))
        except (ValueError, OverflowError) as e:
            raise FormulaFailure(f"no value: {e}") from e

    return run


arc_cosine = _angular(math.acos)
arc_sine = _angular(math.asin)
arc_tangent = _angular(math.atan)
arc_tangent_of_two = _angular(math.atan2)
cosine = _angular(math.cos)
sine = _angular(math.sin)
tangent = _angular(math.tan)


def pi() -> Decimal:
    """PI."""
    return Decimal("3.14159265358979323846264338327950288")


def as_text(value: Decimal) -> str:
    """TEXT of a number: no exponent, no trailing zeros."""
    text = format(_OUTSIDE.plus(value), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def from_text(text: str) -> Decimal | None:
    """VALUE: blank for blank.

    :raises FormulaFailure: the text is no number.
    """
    if not text.strip():
        return None
    try:
        value = Decimal(text.strip())
    except DecimalException as e:
        raise FormulaFailure("the text is no number") from e
    if not value.is_finite():
        raise FormulaFailure("the text is no number")
    return value


def is_number(text: str) -> bool:
    """ISNUMBER."""
    try:
        return from_text(text) is not None
    except FormulaFailure:
        return False
