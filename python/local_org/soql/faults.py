"""What is wrong with a query, in the platform's words: an echo, a caret, row and column."""

from __future__ import annotations

import re

from local_org.errors import OrgError, invalid_type
from local_org.soql.nodes import Position

_BEFORE = 35
_AFTER = 33
_WORD = re.compile(r"[^\s,]+,?")
_APPEND_FIELD = (
    " If you are attempting to use a custom field, be sure to append the '__c' after the custom "
    "field name. Please reference your WSDL or the describe call for the appropriate names."
)
_APPEND_RELATIONSHIP = (
    " If you are attempting to use a custom relationship, be sure to append the '__r' after the "
    "custom relationship name. Please reference your WSDL or the describe call for the appropriate "
    "names."
)


def malformed(message: str) -> OrgError:
    """MALFORMED_QUERY without a place."""
    return OrgError("MALFORMED_QUERY", message)


def too_complicated() -> OrgError:
    """QUERY_TOO_COMPLICATED: it nests, joins or lists more than can be taken."""
    return OrgError(
        "QUERY_TOO_COMPLICATED",
        "Query is either selecting too many fields or the filter conditions are too complicated.",
    )


def _echo(line: str, column: int) -> tuple[str, int]:
    """Return the words near the column and where the column stands among them.

    The window (words that begin at most 35 characters before and 33 after) is read off the messages
    that public issue reports quote; it never cuts a word.
    """
    start, end = column - 1, column - 1
    for word in _WORD.finditer(line):
        if column - 1 - _BEFORE <= word.start() <= column - 1 + _AFTER:
            start, end = min(start, word.start()), max(end, word.end())
    text = line[start:end]
    return (text.rstrip(",") if end < len(line) else text), column - 1 - start


class Faults:
    """Makes errors that point into one statement."""

    def __init__(self, text: str) -> None:
        self.text = text

    def end(self) -> Position:
        """Return the place after the last character that is not white space."""
        lines = self.text.rstrip().split("\n")
        return Position(len(lines), len(lines[-1]) + 1)

    def at(self, code: str, message: str, place: Position) -> OrgError:
        """Return the error with echo, caret and ``ERROR at Row:r:Column:c`` before its message."""
        lines = self.text.split("\n")
        line = lines[min(place.row, len(lines)) - 1].rstrip("\r")
        echo, caret = _echo(line, place.column)
        where = f"ERROR at Row:{place.row}:Column:{place.column}"
        return OrgError(code, f"\n{echo}\n{' ' * caret}^\n{where}\n{message}")

    def malformed(self, message: str, place: Position) -> OrgError:
        """MALFORMED_QUERY at this place."""
        return self.at("MALFORMED_QUERY", message, place)

    def no_such_column(self, field: str, entity: str, place: Position) -> OrgError:
        """INVALID_FIELD in the wording of queries: the field is not there, or hidden."""
        message = f"No such column '{field}' on entity '{entity}'.{_APPEND_FIELD}"
        return self.at("INVALID_FIELD", message, place)

    def no_such_relationship(self, name: str, place: Position) -> OrgError:
        """INVALID_FIELD: a step of a path is no relationship of its object."""
        message = f"Didn't understand relationship '{name}' in field path.{_APPEND_RELATIONSHIP}"
        return self.at("INVALID_FIELD", message, place)

    def no_such_children(self, name: str, place: Position) -> OrgError:
        """INVALID_TYPE: a subquery selects from no child relationship."""
        message = f"Didn't understand relationship '{name}' in FROM part of query call."
        return self.at("INVALID_TYPE", message + _APPEND_RELATIONSHIP, place)

    def no_such_type(self, name: str, place: Position) -> OrgError:
        """INVALID_TYPE: the object is not there, or hidden."""
        return self.at("INVALID_TYPE", invalid_type(name).message, place)
