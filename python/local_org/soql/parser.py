"""Text → tree. Lark's LALR parser with the contextual lexer; the grammar is ``grammar.lark``."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import takewhile
from pathlib import Path as FilePath

from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from local_org.errors import OrgError
from local_org.soql.faults import Faults, malformed, too_complicated
from local_org.soql.functions import verify
from local_org.soql.nodes import Position, Query
from local_org.soql.tree import Builder

_MAX_LENGTH = 100_000
_HALF_PAIR = re.compile("[\ud800-\udfff]")
"""Half of a character beyond the basic plane: JSON can say it, nothing can store it."""


@cache
def _lark() -> Lark:
    grammar = FilePath(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(
        grammar,
        start="query",
        parser="lalr",
        lexer="contextual",
        transformer=Builder(),
    )


def _unexpected(error: UnexpectedInput, text: str) -> tuple[str, Position]:
    """Return the token that could not stand where it stands, and its place."""
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return "<EOF>", Faults(text).end()
    place = Position(error.line, error.column)
    if isinstance(error, UnexpectedCharacters):
        return _word(text[error.pos_in_stream or 0 :]), place
    return str(getattr(error, "token", "")), place


def _word(text: str) -> str:
    """Return the word that the text begins with, or else its first character."""
    return "".join(takewhile(lambda c: c.isalnum() or c == "_", text)) or text[:1]


def _refusal(error: UnexpectedInput, text: str) -> OrgError:
    found, place = _unexpected(error, text)
    if not text[: error.pos_in_stream or 0].strip() and found != "<EOF>":
        return malformed(f"unexpected token: '{found}'")
    if found == ":":
        message = "Bind variables only allowed in Apex code"
        return Faults(text).malformed(message, place)
    return Faults(text).malformed(f"unexpected token: '{found}'", place)


@lru_cache(maxsize=1024)
def parse(text: str) -> Query:
    """Return the tree of a SOQL statement; equal texts share one tree.

    :raises OrgError: ``MALFORMED_QUERY``, with the token that cannot stand where it stands;
        ``QUERY_TOO_COMPLICATED``.
    """
    if len(text) > _MAX_LENGTH:
        raise malformed(f"SOQL statements cannot be longer than {_MAX_LENGTH} characters.")
    if (half := _HALF_PAIR.search(text)) is not None:
        raise malformed(f"unexpected token: '\\u{ord(half[0]):04x}'")
    try:
        query = _lark().parse(text)
        if not isinstance(query, Query):
            raise TypeError(query)
        verify(query, Faults(text))
    except UnexpectedInput as error:
        raise _refusal(error, text) from None
    except RecursionError:
        raise too_complicated() from None
    return query
