"""The objects of the Tooling API as a schema of their own: REST does not know them.

Source: Tooling API Objects reference, the fields that clients ask for; facts/real-clients.md 5.8.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from local_org.errors import not_found
from local_org.schema.model import Field, FieldType, Schema, SObject

_AUDIT = "CreatedDate:datetime CreatedById>User LastModifiedDate:datetime LastModifiedById>User"
_FIELD = re.compile(
    r"(?P<name>\w+)(?::(?P<type>\w+))?(?:>(?P<targets>[\w,]+)(?:<(?P<children>\w+))?)?"
)
_UNORDERED = frozenset({FieldType.TEXTAREA, FieldType.COMPLEX})
_TEXTS = frozenset({FieldType.STRING, FieldType.PICKLIST})


def tooling_schema() -> Schema:
    """Return the tooling objects as a fresh, independent schema."""
    return Schema(_objects()).copy()


def tooling_object(name: str) -> SObject:
    """Return a tooling object, for its describe.

    :raises OrgError: 404 when the Tooling API of this org has none of this name.
    """
    found = tooling_schema().get(name)
    if found is None:
        raise not_found()
    return found


@cache
def _objects() -> tuple[SObject, ...]:
    objects: list[SObject] = []
    for line in files(__package__).joinpath("tooling_objects.txt").read_text("utf-8").splitlines():
        words = line.split("#")[0].replace("@audit", _AUDIT).split()
        if words and words[0] == "object":
            objects.append(_object(*words[1:]))
            continue
        for field in map(_field, words):
            objects[-1].fields[field.name.lower()] = field
    return tuple(objects)


def _object(name: str, prefix: str) -> SObject:
    own = Field("Id", FieldType.ID, "Id", length=18, nillable=False, createable=False)
    return SObject(
        name=name,
        label=name,
        label_plural=name,
        key_prefix=prefix,
        fields={"id": own},
        createable=False,
        updateable=False,
        deletable=False,
        replicateable=False,
    )


def _field(word: str) -> Field:
    match = _FIELD.fullmatch(word)
    if match is None:
        raise ValueError(f"expected field:type or field>Target, got {word!r}")
    name = match["name"]
    targets = tuple(match["targets"].split(",")) if match["targets"] else ()
    kind = FieldType(match["type"]) if match["type"] else FieldType.REFERENCE
    ordered = kind not in _UNORDERED
    return Field(
        name=name,
        type=kind,
        label=name,
        length=255 if kind in _TEXTS else 0,
        createable=False,
        updateable=False,
        filterable=ordered,
        sortable=ordered,
        groupable=ordered,
        name_field=name in {"Name", "DeveloperName"},
        reference_to=targets,
        relationship_name=name.removesuffix("Id") if targets else None,
        child_relationship_name=match["children"],
        name_pointing=len(targets) > 1,
    )


def mentioned(schema: Schema, soql: str) -> Iterator[str]:
    """Yield the objects whose rows a query may read: named in it, or behind a relationship."""
    words = set(re.findall(r"\w+", soql.lower()))
    for sobject in schema:
        if sobject.name.lower() in words:
            yield sobject.name
        for field in sobject.fields.values():
            if (field.relationship_name or "").lower() in words:
                yield from field.reference_to
            if (field.child_relationship_name or "").lower() in words:
                yield sobject.name
