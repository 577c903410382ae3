"""Salesforce's own model of its metadata, as JSON Schema, and what it says of a file.

The schema is generated from the TypeScript types of the pinned npm package ``@salesforce/types`` when
it is first asked for, and kept beside the package; it is never committed. It cannot tell an int from
a double, and says nothing about the order of elements.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import jsonschema
from lxml import etree

from local_org.metadata.markup import children, tag
from tests.metadata.source import Finding, Source

TYPES = "@salesforce/types"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
TRUTH = {"true": True, "1": True, "false": False, "0": False}


def generated(modules: Path) -> Path:
    """Return the schema of the installed types; generate it where this version has none yet.

    :param modules: the ``node_modules`` that hold the types and the generator.
    :raises subprocess.CalledProcessError: the generator failed.
    """
    version = json.loads((modules / TYPES / "package.json").read_text(encoding="utf-8"))["version"]
    path = modules.parent / f"metadata-{version}.schema.json"
    if not path.exists():
        draft = path.with_suffix(".draft")
        command = [
            str(modules / ".bin" / "ts-json-schema-generator"),
            "--path", str(modules / TYPES / "lib" / "metadata.d.ts"),
            "--type", "*", "--no-type-check", "--out", str(draft),
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
        draft.replace(path)
    return path


class Model:
    """The metadata types by name."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.types: dict[str, dict[str, Any]] = schema["definitions"]
        for definition in self.types.values():
            # TypeScript makes every array required; to the platform an empty one is no element.
            known = definition.get("properties", {})
            definition["required"] = [
                name
                for name in definition.get("required", [])
                if known.get(name, {}).get("type") != "array"
            ]

    @classmethod
    def read(cls, path: Path) -> Model:
        """Read a generated schema."""
        return cls(json.loads(path.read_text(encoding="utf-8")))

    @cached_property
    def _validators(self) -> dict[str, jsonschema.Draft7Validator]:
        return {}

    def resolve(self, definition: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """Return the name and the body of a definition, references and bases followed."""
        name = ""
        while "$ref" in definition:
            name = definition["$ref"].rsplit("/", 1)[-1]
            definition = self.types[name]
        parts = [self.resolve(part)[1] for part in definition.get("allOf", ())]
        if parts:
            properties = {k: v for part in parts for k, v in part.get("properties", {}).items()}
            required = [name for part in parts for name in part.get("required", ())]
            definition = {"properties": properties, "required": required}
        return name, definition

    def type(self, name: str) -> Mapping[str, Any]:
        """Return the body of a type."""
        return self.resolve({"$ref": f"#/definitions/{name}"})[1]

    def validator(self, name: str) -> jsonschema.Draft7Validator:
        """Return what judges JSON of a type; without a reference at its root it would pass all."""
        if name not in self._validators:
            root = {"$ref": f"#/definitions/{name}", "definitions": self.types}
            self._validators[name] = jsonschema.Draft7Validator(root)
        return self._validators[name]

    def findings(self, source: Source) -> list[Finding]:
        """Return what is wrong with a well-formed file, by line."""
        if source.kind not in self.types:
            return [source.finding("model", f"{source.kind} is not a metadata type", source.root)]
        reading = _Reading(self, source)
        document = reading.read(source.root, {"$ref": f"#/definitions/{source.kind}"}, ())
        found = set(reading.found)
        for error in self.validator(source.kind).iter_errors(document):
            if error.validator != "additionalProperties":  # told already, with their lines
                found.add(reading.told(error))
        return sorted(found)


class _Reading:
    """One file on its way to JSON, with the place of each value."""

    def __init__(self, model: Model, source: Source) -> None:
        self.model = model
        self.source = source
        self.places: dict[tuple[str | int, ...], etree._Element] = {}
        self.found: list[Finding] = []

    def say(self, message: str, element: etree._Element) -> None:
        self.found.append(self.source.finding("model", message, element))

    def told(self, error: Any) -> Finding:
        """Return an error of the schema, in the platform's words where it has some."""
        where = tuple(error.absolute_path)
        message = f"'{error.instance}' is not a valid value: {error.message[:200]}"
        if error.validator == "required":
            missing = next(name for name in error.validator_value if name not in error.instance)
            message = f"Required field is missing: {missing}"
        return self.source.finding("model", message, self.places.get(where, self.source.root))

    def read(
        self,
        element: etree._Element,
        definition: Mapping[str, Any],
        where: tuple[str | int, ...],
    ) -> Any:
        """Return an element as the JSON that the schema describes."""
        name, definition = self.model.resolve(definition)
        self.places[where] = element
        known = definition.get("properties")
        if known is None:
            for each in children(element):
                self.say(f"Element {tag(each)} invalid at this location in type {name}", each)
            return _scalar((element.text or "").strip(), definition)
        out: dict[str, Any] = {}
        for each, many in self._permitted(element, name, known):
            own = tag(each)
            if many:
                items = out.setdefault(own, [])
                items.append(self.read(each, known[own]["items"], (*where, own, len(items))))
            else:
                out[own] = self.read(each, known[own], (*where, own))
        return out

    def _permitted(
        self, element: etree._Element, name: str, known: Mapping[str, Any]
    ) -> Iterator[tuple[etree._Element, bool]]:
        """Yield the children that the type knows, and whether they may repeat."""
        seen: set[str] = set()
        previous = ""
        for each in children(element):
            own = tag(each)
            many = known.get(own, {}).get("type") == "array"
            if own not in known:
                self.say(f"Element {own} invalid at this location in type {name}", each)
            elif own in seen and not (many and own == previous):
                self.say(f"Element {own} is duplicated at this location in type {name}", each)
            seen.add(own)
            previous = own
            if own in known and each.get(NIL) != "true":
                yield each, many


def _scalar(value: str, definition: Mapping[str, Any]) -> Any:
    kind = definition.get("type")
    if kind == "boolean":
        return TRUTH.get(value, value)
    if kind == "number":
        return float(value) if NUMBER.fullmatch(value) else value
    return value
