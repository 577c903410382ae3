"""The tree of a formula as written: no names looked up, no types known."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """A number or a text as written."""

    value: Decimal | str
    position: int


@dataclass(frozen=True, slots=True)
class Path:
    """``Status``, ``Owner:User.Name`` (two names), ``$Permission.X``; also TRUE, FALSE and NULL."""

    names: tuple[str, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function applied to its arguments; its name in upper case."""

    name: str
    arguments: tuple[Node, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Operation:
    """A sign, or a binary operator, applied to its operands."""

    operator: str
    operands: tuple[Node, ...]
    position: int


Node: TypeAlias = Literal | Path | Call | Operation
