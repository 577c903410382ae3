"""Rows → REST records: attributes first, then the fields in the order of the select list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local_org.records.shape import compound, to_json
from local_org.schema.model import TEXT_TYPES, Field, FieldType, SObject

Row = Sequence[Any]
Member = Callable[[Row], Any]
Json = dict[str, Any]

_AS_STORED = TEXT_TYPES | {FieldType.ID, FieldType.REFERENCE, FieldType.DATE, FieldType.TIME}


def value(of: Field, slot: int) -> Member:
    """Return what reads the field's value as REST shows it."""
    if of.type in _AS_STORED:
        return lambda row: row[slot]
    return lambda row: to_json(of, row[slot])


def composed(entity: SObject, of: Field, slots: Mapping[str, int]) -> Member:
    """Return what composes a compound field from the columns of its parts."""
    return lambda row: compound(entity, of, {name: row[slot] for name, slot in slots.items()})


@dataclass
class RecordShape:
    """How one record is made of a row: its own, or a parent's that it nests."""

    slot: int
    """Where its Id is; no Id, no record."""
    types: Mapping[str, str]
    """Object name by key prefix, for the URL; ``""`` is the one for all others."""
    base: str
    """URL before the object's name."""
    shown: str | None = None
    """``type`` of the attributes, where it is not the object's name."""
    members: dict[str, Member] = field(default_factory=dict)
    nested: dict[str, RecordShape] = field(default_factory=dict)
    """Parents by SQL of their Id."""

    def type_of(self, record_id: str) -> str:
        """Return the object a record id belongs to."""
        return self.types.get(record_id[:3]) or self.types.get("", "Name")

    def make(self, row: Row) -> Json | None:
        """Return the record, or None when there is none."""
        record_id = row[self.slot]
        if record_id is None:
            return None
        name = self.type_of(record_id)
        url = f"{self.base}/{name}/{record_id}"
        record: Json = {"attributes": {"type": self.shown or name, "url": url}}
        for key, member in self.members.items():
            record[key] = member(row)
        return record


@dataclass
class BranchedShape:
    """A TYPEOF parent: which fields it shows depends on its object."""

    slot: int
    branches: Mapping[str, RecordShape]
    """By object name; a branch names its fields, the key of each is its own."""
    otherwise: RecordShape

    def make(self, row: Row) -> Json | None:
        """Return the record in the shape of its object, or None when there is none."""
        record_id = row[self.slot]
        if record_id is None:
            return None
        name = self.otherwise.type_of(record_id)
        record = self.branches.get(name, self.otherwise).make(row)
        if record is not None:
            record["attributes"]["type"] = name
        return record


@dataclass
class AggregateShape:
    """How one row of a grouped query is made."""

    members: dict[str, Member] = field(default_factory=dict)

    def make(self, row: Row) -> Json:
        """Return the row: attributes without URL."""
        record: Json = {"attributes": {"type": "AggregateResult"}}
        for key, member in self.members.items():
            record[key] = member(row)
        return record


def column(
    name: str, shown: str | None = None, *, aggregate: bool = False, inner: list[Json] | None = None
) -> Json:
    """One entry of ``columnMetadata`` as ``?columns=true`` answers it."""
    return {
        "aggregate": aggregate,
        "columnName": name,
        "displayName": shown or name,
        "joinColumns": inner if inner is not None else [],
    }
