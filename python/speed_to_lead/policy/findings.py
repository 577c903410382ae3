"""Breaches of the JSON Schema in words that tell the operator what to write instead."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from typing import Any, Protocol, cast

from jsonschema import ValidationError


class _Breach(Protocol):
    """What is read of an error of ``jsonschema``: the rule, its object, and what came."""

    validator_value: Any
    schema: Any
    instance: Any
    message: str


def explained(error: ValidationError) -> Iterator[str]:
    """Yield a line for each thing that is wrong at one place of the document."""
    told = _WORDS.get(str(error.validator), _in_its_own_words)(cast("_Breach", error))
    path = path_of(error.absolute_path)
    yield from (f"{path}: {words}" if path else words for words in told)


def path_of(steps: Iterable[str | int]) -> str:
    """Return a place in the document as text.

    >>> path_of(["routes", "routes", 1, "owner"])
    'routes.routes[1].owner'
    """
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")


def _unknown_keys(error: _Breach) -> Iterator[str]:
    known = list(error.schema["properties"])
    for key in sorted(error.instance.keys() - set(known)):
        near = get_close_matches(key, known, n=1)
        advice = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
        yield f"unknown key {key}: {advice}"


def _missing_keys(error: _Breach) -> Iterator[str]:
    """Yield the one key that this error is about; the validator reports each by itself."""
    yield error.message.replace("'", "").replace("is a required property", "is missing")


def _choice(error: _Breach) -> Iterator[str]:
    """Yield what an object with exactly one key may have."""
    known, got = list(error.schema["properties"]), list(error.instance)
    yield f"expected one of {', '.join(known)}, got {', '.join(got) or 'none'}"


def _enum(error: _Breach) -> Iterator[str]:
    yield f"expected one of {', '.join(map(json.dumps, error.validator_value))}, {_got(error)}"


def _const(error: _Breach) -> Iterator[str]:
    yield f"expected {json.dumps(error.validator_value)}, {_got(error)}"


def _type(error: _Breach) -> Iterator[str]:
    yield f"expected {_TYPES[error.validator_value]}, {_got(error)}"


def _either(error: _Breach) -> Iterator[str]:
    types = [_TYPES[branch["type"]] for branch in error.validator_value]
    yield f"expected {' or '.join(types)}, {_got(error)}"


def _pattern(error: _Breach) -> Iterator[str]:
    examples = error.schema.get("examples")
    shown = f"such as {examples[0]}" if examples else f"that matches {error.validator_value}"
    yield f"expected a text {shown}, {_got(error)}"


def _length(error: _Breach) -> Iterator[str]:
    yield f"expected {error.validator_value} or more values, {_got(error)}"


def _in_its_own_words(error: _Breach) -> Iterator[str]:
    yield error.message


def _got(error: _Breach) -> str:
    shown = json.dumps(error.instance)
    return f"got {shown}" if len(shown) <= 60 else f"got {shown[:57]}..."


_TYPES = {
    "object": "an object",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}
_WORDS: dict[str, Callable[[_Breach], Iterator[str]]] = {
    "additionalProperties": _unknown_keys,
    "required": _missing_keys,
    "minProperties": _choice,
    "maxProperties": _choice,
    "enum": _enum,
    "const": _const,
    "type": _type,
    "anyOf": _either,
    "pattern": _pattern,
    "minItems": _length,
}
