"""Formula text to tree, and the platform's words for what is wrong with the text."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args

from local_org.schema.formula.kinds import FormulaError
from local_org.schema.formula.tree import Call, Literal, Node, Operation, Path

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {'"': '"', "\\": "\\"}
_KEPT = frozenset("nrtNRT'")
"""What may follow a backslash that stays: a formula has no other way to a new line than BR()."""
MAX_DEPTH = 200
"""Levels of nesting; far above what the platform's limit of 5,000 bytes compiled lets through."""


def parse(text: str) -> Node:
    """Return the tree of a formula.

    :raises FormulaError: in the platform's words, with the position in ``text``.
    """
    if not text.strip():
        raise FormulaError("Syntax error. Found ''", 0)
    if _depth(text) > MAX_DEPTH:
        raise FormulaError("Formula is too complex.", 0)
    try:
        return cast(Node, _grammar().parse(text))
    except UnexpectedToken as e:
        raise _unexpected(e, text) from None
    except UnexpectedCharacters as e:
        position = e.pos_in_stream or 0
        raise FormulaError(f"Syntax error. Found '{text[position]}'", position) from None


@cache
def _grammar() -> Lark:
    text = files("local_org.schema.formula").joinpath("formula.lark").read_text("utf-8")
    return Lark(text, parser="lalr", transformer=_Builder())


def _depth(text: str) -> int:
    deepest = depth = 0
    for char in text:
        depth += (char == "(") - (char == ")")
        deepest = max(deepest, depth)
    return deepest


def _unexpected(error: UnexpectedToken, text: str) -> FormulaError:
    token = error.token
    if token.type == "$END":
        missing = "Missing ')'" if "RPAR" in error.accepts else "Found ''"
        return FormulaError(f"Syntax error. {missing}", len(text))
    position = token.start_pos or 0
    if token.type in ("RPAR", "COMMA"):
        return FormulaError(f"Syntax error. Extra '{token}'", position)
    return FormulaError(f"Syntax error. Found '{token}'", position)


@v_args(inline=True)
class _Builder(Transformer[Token, Node]):
    """Each method's docstring is its production."""

    def number(self, token: Token) -> Literal:
        """Atom: NUMBER."""
        return Literal(Decimal(str(token)), token.start_pos or 0)

    def string(self, token: Token) -> Literal:
        """Atom: STRING, in double or single quotes; a backslash escapes a quote and itself."""
        position = token.start_pos or 0

        def resolved(escape: re.Match[str]) -> str:
            if escape[1] not in _ESCAPED and escape[1] not in _KEPT:
                found = position + 1 + escape.start()
                raise FormulaError(f"Syntax error. Found '{escape[0]}'", found)
            return _ESCAPED.get(escape[1], escape[0])

        return Literal(_ESCAPE.sub(resolved, str(token)[1:-1]), position)

    def path(self, *steps: Token) -> Path:
        """Atom: STEP ('.' STEP)*; a step that names its type stays one name: 'Owner:User'."""
        return Path(tuple(str(s) for s in steps), steps[0].start_pos or 0)

    def arguments(self, *nodes: Node) -> tuple[Node, ...]:
        """Arguments: expression (',' expression)*."""
        return nodes

    def call(self, name: Token, arguments: tuple[Node, ...] | None) -> Call:
        """Atom: NAME '(' arguments? ')'."""
        return Call(str(name).upper(), arguments or (), name.start_pos or 0)

    def sign(self, operator: Token, operand: Node) -> Operation:
        """Unary: ('-' | '+' | '!') unary."""
        return Operation(str(operator), (operand,), operator.start_pos or 0)

    def _binary(self, left: Node, operator: Token, right: Node) -> Operation:
        return Operation(str(operator), (left, right), operator.start_pos or 0)

    logic = compare = arithmetic = _binary
