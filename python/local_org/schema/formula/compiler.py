"""Tree to closures: names looked up and types checked once, then evaluated as often as wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

from local_org.schema.formula.functions import FUNCTIONS, Function
from local_org.schema.formula.kinds import FormulaContext, FormulaError, FormulaType
from local_org.schema.formula.operators import operator_for, sees_blanks
from local_org.schema.formula.tree import Call, Literal, Node, Operation, Path

Run: TypeAlias = Callable[[FormulaContext], Any]
Names: TypeAlias = tuple[str, ...]
Resolve: TypeAlias = Callable[[Names], FormulaType]

_CONSTANTS: Mapping[str, tuple[FormulaType, Any]] = MappingProxyType(
    {
        "TRUE": (FormulaType.BOOLEAN, True),
        "FALSE": (FormulaType.BOOLEAN, False),
        "NULL": (FormulaType.NULL, None),
    }
)
_PICKLISTS = frozenset({FormulaType.PICKLIST, FormulaType.MULTIPICKLIST})


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression with its type, ready to run; ``names`` when it is a field as such."""

    type: FormulaType
    run: Run
    names: Names | None = None


class SpecialForm(Protocol):
    """A function that compiles its own call, once the number of parameters is right."""

    @property
    def least(self) -> int:
        """The fewest parameters it takes."""
        ...

    @property
    def most(self) -> int:
        """The most parameters it takes."""
        ...

    @property
    def compile(self) -> Callable[[Compiler, Call], Compiled]:
        """What compiles the call."""
        ...


class Compiler:
    """Compiles one formula; ``references`` collects the fields it reads and their types."""

    def __init__(
        self, resolve: Resolve, special: Mapping[str, SpecialForm], without: frozenset[str]
    ) -> None:
        self._resolve = resolve
        self._without = without
        self._special = special
        self.references: dict[Names, FormulaType] = {}

    def compile(self, node: Node) -> Compiled:
        """Compile a node, a picklist field among them; only special forms want those."""
        match node:
            case Literal():
                return _constant(_type_of(node.value), node.value)
            case Path():
                return self._path(node)
            case Call():
                return self._call(node)
            case Operation():
                return self._operation(node)

    def value(self, node: Node) -> Compiled:
        """Compile a node whose value is used as such, which a picklist's cannot be."""
        compiled = self.compile(node)
        if compiled.type in _PICKLISTS:
            named = ".".join(compiled.names or ("",))
            raise FormulaError(
                f"Field {named} is a picklist field. Picklist fields are only supported in certain "
                "functions.",
                node.position,
            )
        return compiled

    def field(self, node: Node, function: str) -> tuple[Names, FormulaType]:
        """Return the path of a parameter that must be a field, and its type."""
        compiled = self.compile(node)
        if compiled.names is None:
            raise FormulaError(
                f"Incorrect parameter type for function '{function}()'. Expected Field, "
                f"received {compiled.type}",
                node.position,
            )
        return compiled.names, compiled.type

    def parameter(self, node: Node, function: str, *expected: FormulaType) -> Compiled:
        """Compile a parameter that must be of one of these types; NULL is of every type."""
        compiled = self.value(node)
        if compiled.type is not FormulaType.NULL and compiled.type not in expected:
            raise FormulaError(
                f"Incorrect parameter type for function '{function}()'. "
                f"Expected {', '.join(expected)}, received {compiled.type}",
                node.position,
            )
        return compiled

    def same(self, nodes: Iterable[Node], function: str) -> tuple[FormulaType, list[Compiled]]:
        """Compile parameters that must agree in their type."""
        found = FormulaType.NULL
        parts = []
        for node in nodes:
            expected = tuple(FormulaType) if found is FormulaType.NULL else (found,)
            parts.append(self.parameter(node, function, *expected))
            found = parts[-1].type if found is FormulaType.NULL else found
        return found, parts

    def _path(self, node: Path) -> Compiled:
        if len(node.names) == 1 and node.names[0].upper() in _CONSTANTS:
            return _constant(*_CONSTANTS[node.names[0].upper()])
        try:
            kind = self._resolve(node.names)
        except FormulaError as e:
            raise FormulaError(e.message, node.position) from None
        self.references[node.names] = kind
        if kind is FormulaType.PERCENT:
            return Compiled(FormulaType.NUMBER, reader(node.names, kind), node.names)
        return Compiled(kind, reader(node.names, kind), node.names)

    def _call(self, node: Call) -> Compiled:
        if node.name in self._without:
            message = f"Function {node.name} may not be used in this type of formula"
            raise FormulaError(message, node.position)
        special = self._special.get(node.name)
        if special is not None:
            check_count(node, special.least, special.most)
            return special.compile(self, node)
        function = FUNCTIONS.get(node.name)
        if function is None:
            raise FormulaError(f"Unknown function {node.name}. Check spelling.", node.position)
        check_count(node, function.least, function.most)
        return self._plain(node, function)

    def _plain(self, node: Call, function: Function) -> Compiled:
        parts = [
            self.parameter(argument, node.name, *function.parameter(i))
            for i, argument in enumerate(node.arguments)
        ]
        result = function.result or (parts[0].type if parts else FormulaType.NULL)
        texts = [function.parameter(i)[0] is FormulaType.TEXT for i in range(len(parts))]
        return Compiled(result, _strict(function.run, [p.run for p in parts], texts))

    def _operation(self, node: Operation) -> Compiled:
        parts = [self.value(operand) for operand in node.operands]
        found = operator_for(node.operator, [p.type for p in parts])
        if isinstance(found, str):
            raise FormulaError(found, node.position)
        result, work = found
        if node.operator in ("&&", "||"):
            return Compiled(result, _short_circuit(node.operator, parts[0].run, parts[1].run))
        if len(parts) == 1:
            return Compiled(result, _sign(work, parts[0].run))
        both = sees_blanks(node.operator, [p.type for p in parts])
        blank = False if result is FormulaType.BOOLEAN else None
        return Compiled(result, _binary(work, parts[0].run, parts[1].run, both, blank))


def check_count(node: Call, least: int, most: int) -> None:
    """Refuse a call with too few or too many parameters."""
    count = len(node.arguments)
    if not least <= count <= most:
        raise FormulaError(
            f"Incorrect number of parameters for function '{node.name}()'. "
            f"Expected {least if count < least else most}, received {count}",
            node.position,
        )


def _type_of(value: Decimal | str) -> FormulaType:
    return FormulaType.TEXT if isinstance(value, str) else FormulaType.NUMBER


def _constant(kind: FormulaType, value: Any) -> Compiled:
    found = None if value == "" else value
    return Compiled(kind, lambda _context: found)


_HUNDRED = Decimal(100)


def as_number(value: Any, kind: FormulaType, *, blanks_as_zero: bool) -> Decimal | None:
    """Return a number field's value as formulas count: 300 percent are 3, blanks may be 0."""
    if value is None:
        return Decimal(0) if blanks_as_zero else None
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    return exact / _HUNDRED if kind is FormulaType.PERCENT else exact


def reader(names: Names, kind: FormulaType) -> Run:
    """Return what reads a field of the context; blank text is None, a blank checkbox is false."""
    if kind in (FormulaType.NUMBER, FormulaType.PERCENT):
        return lambda c: as_number(c.value(names), kind, blanks_as_zero=c.blanks_as_zero)
    if kind is FormulaType.BOOLEAN:
        return lambda c: bool(c.value(names))
    return lambda c: c.value(names) or None


def _strict(run: Callable[..., Any], parts: list[Run], texts: list[bool]) -> Run:
    """Run a plain function: blank text comes in as empty, any other blank makes it blank."""

    def evaluate(context: FormulaContext) -> Any:
        values = [part(context) for part in parts]
        for index, text in enumerate(texts):
            if values[index] is None:
                if not text:
                    return None
                values[index] = ""
        result = run(*values)
        return None if result == "" else result

    return evaluate


def _short_circuit(operator: str, left: Run, right: Run) -> Run:
    if operator == "&&":
        return lambda c: bool(left(c)) and bool(right(c))
    return lambda c: bool(left(c)) or bool(right(c))


def _sign(work: Callable[[Any], Any], part: Run) -> Run:
    def evaluate(context: FormulaContext) -> Any:
        value = part(context)
        return None if value is None else work(value)

    return evaluate


def _binary(
    work: Callable[[Any, Any], Any], left: Run, right: Run, both: bool, blank: bool | None
) -> Run:
    """Run a binary operator; unless it sees ``both``, a blank operand makes it ``blank``."""

    def evaluate(context: FormulaContext) -> Any:
        a, b = left(context), right(context)
        if not both and (a is None or b is None):
            return blank
        return work(a, b)

    return evaluate
