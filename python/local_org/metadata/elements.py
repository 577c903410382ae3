"""Whether a component holds only what its type may hold, in the platform's own words.

The tables stand in ``elements.txt`` and ``elements_setup.txt``. A type without a table there is kept
as it is.
Source of the wordings: facts/metadata.md section 4; those of values are inferred from them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from lxml import etree

from local_org.metadata.markup import NAMESPACE, Problem, children, tag

_TABLES = ("elements.txt", "elements_setup.txt")
_ELEMENT = re.compile(r"(?P<name>\w+):(?P<kind>\w+)(?P<required>!?)(?P<repeated>\*?)")
_VALUES: Mapping[str, Callable[[str], object]] = {
    "boolean": re.compile(r"true|false|1|0").fullmatch,
    "int": re.compile(r"[+-]?\d+").fullmatch,
    "double": re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|INF|-INF|NaN").fullmatch,
    "date": re.compile(r"\d{4}-\d{2}-\d{2}").fullmatch,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What one element of a type may be."""

    kind: str
    required: bool
    repeated: bool


@dataclass(frozen=True, slots=True)
class Tables:
    """The elements of each type, and the values of each enumeration."""

    types: Mapping[str, Mapping[str, Rule]]
    enums: Mapping[str, frozenset[str]]


@cache
def tables() -> Tables:
    """Read the tables, once."""
    types: dict[str, dict[str, Rule]] = {}
    enums: dict[str, frozenset[str]] = {}
    head: list[str] = []
    for line in _lines():
        words = line.split("#")[0].split()
        if words and words[0] in ("type", "enum"):
            head = words
        elif words and head[0] == "enum":
            enums[head[1]] = enums.get(head[1], frozenset()) | set(words)
        elif words:
            types.setdefault(head[1], {}).update(_rule(word) for word in words)
    return Tables(types, enums)


def _lines() -> Iterator[str]:
    for name in _TABLES:
        yield from files(__package__).joinpath(name).read_text("utf-8").splitlines()


def _rule(word: str) -> tuple[str, Rule]:
    match = _ELEMENT.fullmatch(word)
    if match is None:
        raise ValueError(f"expected element:kind, got {word!r}")
    return match["name"], Rule(match["kind"], bool(match["required"]), bool(match["repeated"]))


def check(element: etree._Element, type_name: str, full_name: str = "") -> None:
    """Check a whole component. The root of ``settings/Lead.settings`` is ``LeadSettings``.

    :raises Problem: the first element that is unknown, doubled, missing or no value of its kind.
    """
    optional = type_name == "Settings"
    if optional:
        known = full_name in tables().enums["SettingsName"]
        if not known:
            raise Problem(f"'{full_name}' is not a valid name of settings", element)
        type_name = f"{full_name}Settings"
    _check_root(element, type_name, namespace_optional=optional)
    if type_name in tables().types:
        _check(element, type_name)


def _check_root(
    element: etree._Element, type_name: str, *, namespace_optional: bool = False
) -> None:
    """Check that the root of a file bears its type's name in the metadata namespace.

    The files that sf makes of a scratch org definition's settings are in no namespace at all.
    """
    if element.getparent() is not None:
        return
    namespace = etree.QName(element).namespace
    ours = namespace == NAMESPACE or (namespace_optional and namespace is None)
    if not ours or tag(element) != type_name:
        raise Problem(
            f"Element {tag(element)} invalid at this location in type {type_name}", element
        )


def _check(element: etree._Element, type_name: str) -> None:
    """Check the children of one element, then what they hold, in the order of the file."""
    rules = tables().types[type_name]
    closed: set[str] = set()
    previous: str | None = None
    for each in children(element):
        name = tag(each)
        rule = rules.get(name)
        if rule is None:
            raise Problem(f"Element {name} invalid at this location in type {type_name}", each)
        if name in closed and not (rule.repeated and name == previous):
            raise Problem(
                f"Element {name} is duplicated at this location in type {type_name}", each
            )
        closed.add(name)
        previous = name
        _check_value(each, rule.kind)
    for name, rule in rules.items():
        if rule.required and name not in closed:
            raise Problem(f"Required field is missing: {name}", element)


def _check_value(element: etree._Element, kind: str) -> None:
    """Check one element against its kind."""
    if kind in tables().types:
        _check(element, kind)
        return
    if kind == "any":
        return
    for each in children(element):
        raise Problem(f"Element {tag(each)} invalid at this location in type xsd:string", each)
    value = (element.text or "").strip()
    enum = tables().enums.get(kind)
    if enum is not None and value not in enum:
        raise Problem(f"'{value}' is not a valid value for the enum '{kind}'", element)
    valid = _VALUES.get(kind)
    if valid is not None and not valid(value):
        raise Problem(f"'{value}' is not a valid value for the type xsd:{kind}", element)
