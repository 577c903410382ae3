"""Special forms: lazy ones (IF, CASE, AND, OR), and those that look at a field, not at a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from local_org.schema.formula import dates
from local_org.schema.formula.compiler import Compiled, Compiler, Run, as_number
from local_org.schema.formula.kinds import FormulaContext, FormulaError, FormulaType
from local_org.schema.formula.tree import Call, Literal

_B = FormulaType.BOOLEAN
_MANY = 255


@dataclass(frozen=True, slots=True)
class Form:
    """One special form, as the compiler wants it."""

    least: int
    most: int
    compile: Callable[[Compiler, Call], Compiled]


def _if(compiler: Compiler, call: Call) -> Compiled:
    """IF '(' condition ',' then ',' otherwise ')'; only the branch taken is evaluated."""
    condition = compiler.parameter(call.arguments[0], "IF", _B).run
    kind, (then, otherwise) = compiler.same(call.arguments[1:], "IF")
    return Compiled(kind, lambda c: then.run(c) if condition(c) else otherwise.run(c))


def _case(compiler: Compiler, call: Call) -> Compiled:
    """CASE '(' subject (',' value ',' result)+ ',' otherwise ')'."""
    count = len(call.arguments)
    if count % 2:
        raise FormulaError(
            f"Incorrect number of parameters for function 'CASE()'. Expected {count + 1}, "
            f"received {count}",
            call.position,
        )
    subject = compiler.compile(call.arguments[0])
    expected = _text_if_picklist(subject.type)
    blank = "" if expected is FormulaType.TEXT else None
    wanted = [
        compiler.parameter(n, "CASE", *_any_if_null(expected)).run for n in call.arguments[1:-1:2]
    ]
    kind, results = compiler.same((*call.arguments[2:-1:2], call.arguments[-1]), "CASE")
    pairs = list(zip(wanted, [r.run for r in results], strict=False))
    otherwise = results[-1].run

    def evaluate(context: FormulaContext) -> Any:
        value = blank if (found := subject.run(context)) is None else found
        for candidate, result in pairs:
            chosen = candidate(context)
            if _same(blank if chosen is None else chosen, value):
                return result(context)
        return otherwise(context)

    return Compiled(kind, evaluate)


def _same(left: Any, right: Any) -> bool:
    """Blank equals blank only as text."""
    return left is not None and bool(left == right)


def _text_if_picklist(kind: FormulaType) -> FormulaType:
    return FormulaType.TEXT if kind is FormulaType.PICKLIST else kind


def _any_if_null(kind: FormulaType) -> tuple[FormulaType, ...]:
    return tuple(FormulaType) if kind is FormulaType.NULL else (kind,)


def _and(compiler: Compiler, call: Call) -> Compiled:
    """AND '(' condition (',' condition)* ')'; stops at the first that is not true."""
    parts = [compiler.parameter(n, "AND", _B).run for n in call.arguments]
    return Compiled(_B, lambda c: all(part(c) for part in parts))


def _or(compiler: Compiler, call: Call) -> Compiled:
    """OR '(' condition (',' condition)* ')'; stops at the first that is true."""
    parts = [compiler.parameter(n, "OR", _B).run for n in call.arguments]
    return Compiled(_B, lambda c: any(part(c) for part in parts))


def _not(compiler: Compiler, call: Call) -> Compiled:
    """NOT '(' condition ')'."""
    part = compiler.parameter(call.arguments[0], "NOT", _B).run
    return Compiled(_B, lambda c: not part(c))


def _is_blank(compiler: Compiler, call: Call) -> Compiled:
    """ISBLANK '(' value ')': an empty text is blank; a number under blanks-as-zero never is."""
    part = compiler.value(call.arguments[0]).run
    return Compiled(_B, lambda c: part(c) is None)


def _is_null(compiler: Compiler, call: Call) -> Compiled:
    """ISNULL '(' value ')': as ISBLANK, but a text is never null."""
    part = compiler.value(call.arguments[0])
    if part.type is FormulaType.TEXT:
        return Compiled(_B, lambda _c: False)
    return Compiled(_B, lambda c: part.run(c) is None)


def _null_value(compiler: Compiler, call: Call) -> Compiled:
    """NULLVALUE '(' value ',' instead ')': as BLANKVALUE, but a text is never null."""
    kind, (value, _) = compiler.same(call.arguments, call.name)
    return value if kind is FormulaType.TEXT else _blank_value(compiler, call)


def _blank_value(compiler: Compiler, call: Call) -> Compiled:
    """BLANKVALUE '(' value ',' instead ')'."""
    kind, (value, instead) = compiler.same(call.arguments, call.name)

    def evaluate(context: FormulaContext) -> Any:
        found = value.run(context)
        return instead.run(context) if found is None else found

    return Compiled(kind, evaluate)


def _is_picklist_value(compiler: Compiler, call: Call) -> Compiled:
    """ISPICKVAL '(' picklist ',' text literal ')'."""
    subject, wanted = _picklist_and_text(compiler, call, FormulaType.PICKLIST)
    return Compiled(_B, lambda c: (subject(c) or "") == (wanted(c) or ""))


def _includes(compiler: Compiler, call: Call) -> Compiled:
    """INCLUDES '(' multi-select picklist ',' text literal ')'."""
    subject, wanted = _picklist_and_text(compiler, call, FormulaType.MULTIPICKLIST)
    return Compiled(_B, lambda c: (wanted(c) or "") in (subject(c) or "").split(";"))


def _picklist_count(compiler: Compiler, call: Call) -> Compiled:
    """PICKLISTCOUNT '(' multi-select picklist ')': how many values are selected."""
    subject = compiler.compile(call.arguments[0])
    if subject.type is not FormulaType.MULTIPICKLIST:
        raise FormulaError(
            "Incorrect parameter type for function 'PICKLISTCOUNT()'. Expected Multipicklist, "
            f"received {subject.type}",
            call.arguments[0].position,
        )
    read = subject.run
    return Compiled(
        FormulaType.NUMBER, lambda c: Decimal(len(((found := read(c)) and found.split(";")) or ()))
    )


def _picklist_and_text(compiler: Compiler, call: Call, kind: FormulaType) -> tuple[Run, Run]:
    subject = compiler.compile(call.arguments[0])
    if subject.type is not kind:
        raise FormulaError(
            f"Incorrect parameter type for function '{call.name}()'. Expected {kind}, "
            f"received {subject.type}",
            call.arguments[0].position,
        )
    wanted = compiler.parameter(call.arguments[1], call.name, FormulaType.TEXT)
    if not isinstance(call.arguments[1], Literal):
        raise FormulaError(
            f"Incorrect parameter type for function '{call.name}()'. Expected Text literal, "
            "received an expression",
            call.arguments[1].position,
        )
    return subject.run, wanted.run


def _is_changed(compiler: Compiler, call: Call) -> Compiled:
    """ISCHANGED '(' field ')': never so of a new record."""
    names, _ = compiler.field(call.arguments[0], "ISCHANGED")
    return Compiled(_B, lambda c: not c.is_new and c.changed(names))


def _prior_value(compiler: Compiler, call: Call) -> Compiled:
    """PRIORVALUE '(' field ')': of a new record, the value now."""
    names, kind = compiler.field(call.arguments[0], "PRIORVALUE")
    if kind is FormulaType.NUMBER:
        stored = compiler.references[names]
        return Compiled(
            kind, lambda c: as_number(c.prior(names), stored, blanks_as_zero=c.blanks_as_zero)
        )
    if kind is _B:
        return Compiled(kind, lambda c: bool(c.prior(names)))
    return Compiled(kind, lambda c: c.prior(names) or None, None)


def _is_new(_compiler: Compiler, _call: Call) -> Compiled:
    """ISNEW '(' ')'."""
    return Compiled(_B, lambda c: c.is_new)


def _is_clone(_compiler: Compiler, _call: Call) -> Compiled:
    """ISCLONE '(' ')': no record that an API creates is a clone."""
    return Compiled(_B, lambda _c: False)


def _text(compiler: Compiler, call: Call) -> Compiled:
    """TEXT '(' number | date | date-time | time | picklist ')'."""
    part = compiler.compile(call.arguments[0])
    if part.type in (_B, FormulaType.MULTIPICKLIST):
        raise FormulaError(
            "Incorrect parameter type for function 'TEXT()'. Expected Number, Date, DateTime, "
            f"Picklist, received {part.type}",
            call.arguments[0].position,
        )

    def evaluate(context: FormulaContext) -> str | None:
        value = part.run(context)
        return None if value is None else dates.display(value)

    return Compiled(FormulaType.TEXT, evaluate)


def _today(_compiler: Compiler, _call: Call) -> Compiled:
    """TODAY '(' ')', in UTC."""
    return Compiled(FormulaType.DATE, lambda c: c.now.astimezone(UTC).date())


def _now(_compiler: Compiler, _call: Call) -> Compiled:
    """NOW '(' ')': to the whole second, as date-times are stored."""
    return Compiled(FormulaType.DATETIME, lambda c: c.now.astimezone(UTC).replace(microsecond=0))


def _time_now(_compiler: Compiler, _call: Call) -> Compiled:
    """TIMENOW '(' ')', in UTC."""
    return Compiled(FormulaType.TIME, lambda c: c.now.astimezone(UTC).time())


SPECIAL_FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "AND": Form(1, _MANY, _and),
        "BLANKVALUE": Form(2, 2, _blank_value),
        "CASE": Form(4, _MANY, _case),
        "IF": Form(3, 3, _if),
        "INCLUDES": Form(2, 2, _includes),
        "ISBLANK": Form(1, 1, _is_blank),
        "ISCHANGED": Form(1, 1, _is_changed),
        "ISCLONE": Form(0, 0, _is_clone),
        "ISNEW": Form(0, 0, _is_new),
        "ISNULL": Form(1, 1, _is_null),
        "ISPICKVAL": Form(2, 2, _is_picklist_value),
        "NOT": Form(1, 1, _not),
        "NOW": Form(0, 0, _now),
        "NULLVALUE": Form(2, 2, _null_value),
        "OR": Form(1, _MANY, _or),
        "PICKLISTCOUNT": Form(1, 1, _picklist_count),
        "PRIORVALUE": Form(1, 1, _prior_value),
        "TEXT": Form(1, 1, _text),
        "TIMENOW": Form(0, 0, _time_now),
        "TODAY": Form(0, 0, _today),
    }
)
"""Every special form by its name in upper case."""
