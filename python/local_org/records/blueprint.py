"""What the write path must know of an object, worked out once per state of the schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local_org.records.formulas import compiled
from local_org.records.store import Store
from local_org.records.values import Reader, reader
from local_org.schema.formula import Formula
from local_org.schema.model import (
    ChildRelationship,
    Field,
    FieldType,
    Schema,
    SObject,
    ValidationRule,
)

AUDIT_FIELDS = (
    "CreatedDate",
    "CreatedById",
    "LastModifiedDate",
    "LastModifiedById",
    "SystemModstamp",
)


@dataclass(frozen=True, slots=True)
class Column:
    """One field, and what reads its values."""

    field: Field
    name: str
    read: Reader


@dataclass(frozen=True, slots=True)
class Blueprint:
    """One object, ready to be written."""

    sobject: SObject
    name: str
    columns: Mapping[str, Column]
    """By lower-case name; compound and formula fields among them."""
    blank: Callable[[], dict[str, Any]]
    """Makes a row with every column blank and every literal default in place."""
    defaults: tuple[tuple[Field, Formula], ...]
    needed: tuple[str, ...]
    """Fields that may not be blank in the end."""
    lookups: Mapping[str, Mapping[str, str]]
    """Lookup → key prefix → object, for targets the org has."""
    unique: tuple[Field, ...]
    numbered: tuple[Field, ...]
    """Auto numbers, which the org gives to a new record."""
    rules: tuple[tuple[ValidationRule, Formula], ...]
    audit: frozenset[str]
    soft: bool
    """Deleted records go to the recycle bin."""
    owned: bool
    composes_name: bool
    """``Name`` is made of FirstName and LastName."""
    children: tuple[ChildRelationship, ...]


class Blueprints:
    """Blueprints of the store's schema, made when first asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: dict[str, Blueprint] = {}
        self._prefixes: dict[str, str] = {}
        self._of: tuple[Schema, int] | None = None

    def of(self, entity: str) -> Blueprint:
        """Return the blueprint of an object, by its name in any case.

        :raises OrgError: ``INVALID_TYPE``.
        """
        self._refresh()
        made = self._made.get(entity)
        if made is None:
            sobject = self._store.schema.object(entity)
            made = self._made[entity] = self._make(sobject)
        return made

    def of_id(self, record_id: str) -> Blueprint | None:
        """Return the blueprint of the object that an id belongs to, or None."""
        self._refresh()
        entity = self._prefixes.get(record_id[:3])
        return None if entity is None else self.of(entity)

    def _refresh(self) -> None:
        schema = self._store.schema
        if self._of is None or self._of[0] is not schema or self._of[1] != schema.version:
            self._made = {}
            self._prefixes = {o.key_prefix: o.name for o in schema if o.key_prefix}
            self._of = (schema, schema.version)

    def _make(self, sobject: SObject) -> Blueprint:
        schema, fields = self._store.schema, sobject.fields.values()
        blank = self._store.blank_row(sobject.name) | {
            f.name: _literal(f) for f in sobject.stored_fields() if _has_literal(f)
        }
        name_field = sobject.get("Name")
        return Blueprint(
            sobject=sobject,
            name=sobject.name,
            columns={key: Column(f, f.name, reader(f)) for key, f in sobject.fields.items()},
            blank=blank.copy,
            defaults=tuple(
                (f, compiled(f.default_formula, schema, sobject))
                for f in fields
                if f.default_formula
            ),
            needed=tuple(f.name for f in fields if _is_needed(f)),
            lookups={f.name: self._targets(f) for f in fields if f.reference_to},
            numbered=tuple(f for f in fields if f.auto_number),
            unique=tuple(f for f in fields if f.unique and f.stored),
            rules=tuple(
                (rule, compiled(rule.formula, schema, sobject))
                for rule in sobject.rules.values()
                if rule.active
            ),
            audit=frozenset(f.name for f in fields) & frozenset(AUDIT_FIELDS),
            soft="isdeleted" in sobject.fields,
            owned="ownerid" in sobject.fields,
            composes_name=name_field is not None and "lastname" in sobject.fields,
            children=tuple(schema.children(sobject.name)),
        )

    def _targets(self, field: Field) -> dict[str, str]:
        found = filter(None, map(self._store.schema.get, field.reference_to))
        return {o.key_prefix: o.name for o in found if o.key_prefix}


def _has_literal(field: Field) -> bool:
    return (
        field.default is not None and field.default is not False and field.default_formula is None
    )


def _literal(field: Field) -> Any:
    return 1 if field.type is FieldType.BOOLEAN else field.default


def _is_needed(field: Field) -> bool:
    return (
        field.createable
        and field.stored
        and not field.nillable
        and field.type not in (FieldType.BOOLEAN, FieldType.ID)
    )
