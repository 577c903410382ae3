"""The schema every org begins with, read from the tables in ``local_org.schema.standard``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from local_org.schema.model import Field, FieldType, PicklistValue, Schema, SObject

_TARGET = re.compile(
    r"(?P<poly>\*?)(?P<types>[\w,]+)(?:>(?P<parent>\w+))?(?:<(?P<children>\w+))?(?P<delete>[!#]?)"
)


def standard_schema(*, dev_hub: bool = False) -> Schema:
    """Return the standard objects as a fresh, independent schema.

    ``dev_hub``: with those by which a Dev Hub makes scratch orgs.
    """
    objects = _standard_objects() + (_standard_objects("dev_hub") if dev_hub else ())
    return Schema(objects).copy()


@cache
def _standard_objects(folder: str = "") -> tuple[SObject, ...]:
    tables = files("local_org.schema.standard")
    shared_text = tables.joinpath("_values.tsv").read_text("utf-8")
    shared = dict(line.split("\t", 1) for line in shared_text.splitlines())
    found = (entry for entry in tables.joinpath(folder).iterdir() if _is_table(entry.name))
    texts = (entry.read_text("utf-8") for entry in sorted(found, key=lambda entry: entry.name))
    return tuple(_object(text.splitlines(), shared) for text in texts)


def _is_table(name: str) -> bool:
    return name.endswith(".tsv") and not name.startswith("_")


def _object(lines: list[str], shared: Mapping[str, str]) -> SObject:
    name, label, plural, prefix, can = lines[0].split("\t")
    fields = (_field(line.split("\t"), shared) for line in lines[1:])
    able = frozenset(can.split())
    return SObject(
        name=name,
        label=label,
        label_plural=plural,
        key_prefix=prefix,
        fields={f.name.lower(): f for f in fields},
        createable="create" in able,
        updateable="update" in able,
        deletable="delete" in able,
        queryable="query" in able,
        undeletable="undelete" in able,
        mergeable="merge" in able,
        triggerable="trigger" in able,
        layoutable="layout" in able,
        replicateable="replicate" in able,
    )


def _field(cells: list[str], shared: Mapping[str, str]) -> Field:
    """Field: name type size access label target (part= | default= | extra= | values=)*."""
    name, kind, size, access, label, target = cells[:6]
    more = dict(cell.split("=", 1) for cell in cells[6:])
    field_type = FieldType(kind)
    boolean = field_type is FieldType.BOOLEAN
    length, precision, scale, digits = _size(field_type, size)
    types, polymorphic, parent, children, on_delete = _target(target)
    return Field(
        name=name,
        type=field_type,
        label=label,
        length=length,
        precision=precision,
        scale=scale,
        digits=digits,
        nillable="N" in access,
        createable="C" in access,
        updateable="U" in access,
        filterable="f" not in access,
        sortable="s" not in access,
        groupable="g" not in access,
        aggregatable="a" not in access,
        permissionable="P" in access,
        id_lookup="I" in access,
        name_field="M" in access,
        name_pointing=polymorphic,
        defaulted_on_create="D" in access,
        default=more.get("default") == "true" if boolean else more.get("default"),
        reference_to=types,
        relationship_name=parent,
        child_relationship_name=children,
        cascade_delete=on_delete == "!",
        restricted_delete=on_delete == "#",
        picklist=tuple(_values(more.get("values", ""), shared)),
        restricted_picklist="R" in access,
        compound=more.get("part"),
        extra_type=more.get("extra"),
    )


def _size(kind: FieldType, size: str) -> tuple[int, int, int, int]:
    """Return length, precision, scale and digits."""
    if kind in (FieldType.ID, FieldType.REFERENCE):
        return 18, 0, 0, 0
    if size == "-":
        return 0, 0, 0, 0
    if "," in size:
        precision, scale = size.split(",")
        return 0, int(precision), int(scale), 0
    if kind is FieldType.INT:
        return 0, 0, 0, int(size)
    return int(size), 0, 0, 0


def _target(target: str) -> tuple[tuple[str, ...], bool, str | None, str | None, str]:
    """Target: '-' | '*'? type (',' type)* ('>' relationship)? ('<' children)? ('!' | '#')?."""
    match = _TARGET.fullmatch(target)
    if match is None:
        return (), False, None, None, ""
    types = tuple(match["types"].split(","))
    return types, bool(match["poly"]), match["parent"], match["children"], match["delete"]


def _values(text: str, shared: Mapping[str, str]) -> Iterable[PicklistValue]:
    """Values: '@' shared | (value ('=' label)? '*'?) joined by ';'."""
    listed = shared[text[1:]] if text.startswith("@") else text
    for item in filter(None, listed.split(";")):
        value, _, label = item.removesuffix("*").partition("=")
        yield PicklistValue(value, label or value, default=item.endswith("*"))
