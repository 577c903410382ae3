"""What names mean in one query: its object, the parents it reads, the SQL of their fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from local_org.schema.access import Access
from local_org.schema.model import TEXT_TYPES, Field, FieldType, Schema, SObject
from local_org.soql.dates import Calendar
from local_org.soql.faults import Faults
from local_org.soql.folding import FOLD, folded
from local_org.soql.literals import Encoder
from local_org.soql.name_object import NAME
from local_org.soql.nodes import Path, Position

_MAX_STEPS = 5


class Expressions(Protocol):
    """The part of the store that compiling needs."""

    def expression(self, alias: str, entity: str, field: Field) -> str:
        """Return SQL of a field's value in stored encoding."""
        ...


@dataclass(frozen=True, slots=True)
class Term:
    """A value in SQL: expression in stored encoding, its parameters and its type."""

    sql: str
    type: FieldType
    name: str
    params: tuple[Any, ...] = ()
    field: Field | None = None
    entity: str = ""
    outer: bool = False
    """Reached through a parent, so possibly missing."""
    lent: Lent | None = None
    """Where the value comes from, when it is one of the columns of several objects."""

    @property
    def compared(self) -> str:
        """The expression as comparisons need it: text in any case, a missing boolean as false."""
        if self.outer and self.type is FieldType.BOOLEAN:
            return f"coalesce({self.sql}, 0)"
        return f"{self.sql}{self.collation}"

    @property
    def in_any_case(self) -> bool:
        """Whether it is text of which case makes no difference."""
        sensitive = self.field is not None and self.field.case_sensitive
        return self.type in TEXT_TYPES and not sensitive

    @property
    def collation(self) -> str:
        """Columns carry their own collation; computed text must be told."""
        stored = bool(self.entity) and self.field is not None and self.field.stored
        return "" if stored or not self.in_any_case else " COLLATE NOCASE"

    @property
    def key(self) -> Term:
        """What it is grouped and sorted by: equal for texts that differ in case only.

        NOCASE knows ASCII alone; text of which each character is one byte is nothing else.
        """
        if not self.in_any_case:
            return self
        ascii_only = f"length({self.sql}) = length(CAST({self.sql} AS BLOB))"
        folded = f"CASE WHEN {ascii_only} THEN {self.sql} ELSE {FOLD}({self.sql}) END"
        return replace(self, sql=f"({folded} COLLATE NOCASE)", params=self.params * 4)

    def versus(self, value: Any) -> tuple[str, Any]:
        """Return the expression and the value as they are compared.

        Beyond ASCII both are folded, at the price of the index; no plain text equals such a value.
        """
        if isinstance(value, str) and not value.isascii() and self.in_any_case:
            return f"{FOLD}({self.sql})", folded(value)
        return self.compared, value


@dataclass(frozen=True, slots=True)
class Lent:
    """The columns of a polymorphic parent's field; of no use once its SQL is another one."""

    sql: str
    key: str
    """SQL of the parent's Id."""
    columns: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Parent:
    """One record a row of the query reaches: itself, or a parent along a path."""

    relationship: str
    key: str
    """SQL of its Id."""
    entity: SObject
    alias: str | None = None
    """Table alias; None for a polymorphic parent, whose object differs by row."""
    targets: tuple[SObject, ...] = ()
    depth: int = 0

    @property
    def polymorphic(self) -> bool:
        """Whether only the row tells the object."""
        return self.alias is None


@dataclass
class Statement:
    """All that is the same for a statement and the queries inside it."""

    store: Expressions
    schema: Schema
    access: Access
    faults: Faults
    calendar: Calendar
    user: Mapping[str, Any]
    version: str
    all_rows: bool
    base: str = "sobjects"
    _aliases: int = field(default=0, init=False)

    @property
    def encoder(self) -> Encoder:
        """Literals for this user and time."""
        return Encoder(self.faults, self.calendar)

    def alias(self) -> str:
        """Return a table alias used nowhere else in the statement."""
        self._aliases += 1
        return f"t{self._aliases}"

    def visible(self, name: str) -> SObject | None:
        """Return the object if there is one and the user may read it."""
        found = self.schema.get(name)
        return found if found is not None and self.access.readable(found.name) else None

    def object(self, name: str, place: Position) -> SObject:
        """Return a readable object or raise INVALID_TYPE."""
        found = self.visible(name)
        if found is None:
            raise self.faults.no_such_type(name, place)
        if not found.queryable:
            raise self.faults.at(
                "INVALID_TYPE_FOR_OPERATION",
                f"entity type {found.name} does not support query",
                place,
            )
        return found

    def readable_field(self, entity: SObject, name: str) -> Field | None:
        """Return the field if there is one and field-level security shows it."""
        found = entity.get(name)
        if found is None or not self.access.field_readable(entity.name, found.name):
            return None
        return found


class Scope:
    """The names of one query. Parents are joined when a path first needs them."""

    def __init__(self, statement: Statement, entity: SObject, qualifiers: frozenset[str]) -> None:
        """Begin with the query's object; ``qualifiers`` (lower case) may lead its fields."""
        self.statement = statement
        self.entity = entity
        self.alias = statement.alias()
        self.root = Parent("", f'{self.alias}."Id"', entity, self.alias)
        self.joins: list[str] = []
        self.named: dict[str, Parent] = {}
        self.qualifiers = qualifiers
        self._parents: dict[tuple[str, ...], Parent] = {}
        self._narrowed: dict[tuple[str, str], Parent] = {}
        self._chosen: dict[tuple[str, str], str] = {}

    @property
    def parent_count(self) -> int:
        """How many parents the query reads."""
        return len(self._parents)

    def from_sql(self) -> str:
        """FROM with all joins so far."""
        return " ".join([f'"{self.entity.name}" AS {self.alias}', *self.joins])

    def steps(self, path: Path) -> list[Parent]:
        """Return the records along the path, the query's own first; the last holds the field."""
        parts = list(path.parts[:-1])
        first = parts[0].lower() if parts else ""
        trail = [self.root]
        if first in self.qualifiers:
            parts.pop(0)
        elif first in self.named:
            parts.pop(0)
            trail.append(self.named[first])
        for part in parts:
            trail.append(self.parent(trail[-1], part, path.at))
        return trail

    def parent(self, of: Parent, name: str, place: Position) -> Parent:
        """Follow a relationship, joining its table the first time.

        :raises OrgError: ``INVALID_FIELD``: no such relationship, hidden, or more than five steps.
        """
        faults = self.statement.faults
        lookup = of.entity.by_relationship(name)
        if lookup is None or not self._readable(of, lookup):
            raise faults.no_such_relationship(name, place)
        if of.depth == _MAX_STEPS:
            raise faults.malformed("a relationship path has at most five steps", place)
        key = (of.key, lookup.name)
        if key not in self._parents:
            self._parents[key] = self._join(of, lookup, place)
        return self._parents[key]

    def _readable(self, of: Parent, lookup: Field) -> bool:
        return of.polymorphic or self.statement.access.field_readable(of.entity.name, lookup.name)

    def _join(self, of: Parent, lookup: Field, place: Position) -> Parent:
        name = lookup.relationship_name or lookup.name
        key = self.term(of, lookup).sql
        visible = [t for t in map(self.statement.visible, lookup.reference_to) if t is not None]
        if not visible:
            raise self.statement.faults.no_such_relationship(name, place)
        if len(lookup.reference_to) > 1:
            return Parent(name, key, NAME, None, tuple(visible), of.depth + 1)
        return self._table(name, key, visible[0], of.depth + 1)

    def _table(self, name: str, key: str, entity: SObject, depth: int) -> Parent:
        alias = self.statement.alias()
        self.joins.append(f'LEFT JOIN "{entity.name}" AS {alias} ON {alias}."Id" = {key}')
        return Parent(name, f'{alias}."Id"', entity, alias, (), depth)

    def narrowed(self, of: Parent, entity: SObject) -> Parent:
        """Return a polymorphic parent as one of its objects; missing for the others."""
        key = (of.key, entity.name)
        if key not in self._narrowed:
            self._narrowed[key] = self._table(of.relationship, of.key, entity, of.depth)
        return self._narrowed[key]

    def column(self, path: Path) -> Term:
        """Return the field a path names.

        :raises OrgError: ``INVALID_FIELD``: the field does not exist or is hidden.
        """
        return self.field(self.steps(path)[-1], path.parts[-1], path.at)

    def field(self, of: Parent, name: str, place: Position) -> Term:
        """Return a field of one of the records in reach, or raise INVALID_FIELD."""
        found = (
            of.entity.get(name)
            if of.polymorphic
            else self.statement.readable_field(of.entity, name)
        )
        if found is None:
            raise self.statement.faults.no_such_column(name, of.entity.name, place)
        return self.term(of, found)

    def term(self, of: Parent, found: Field) -> Term:
        """Return the value of a field known to exist."""
        kind = FieldType.STRING if found.reference_to == ("EntityDefinition",) else found.type
        if of.polymorphic:
            sql, lent = self._any_target(of, found), self._lent(of, found)
            return Term(sql, kind, found.name, (), found, "", outer=True, lent=lent)
        alias = of.alias or ""
        store = self.statement.store
        sql = of.key if found.compound_root else store.expression(alias, of.entity.name, found)
        return Term(sql, kind, found.name, (), found, of.entity.name, of is not self.root)

    def _any_target(self, of: Parent, found: Field) -> str:
        """Return SQL of a field each target has of its own, chosen by the id's key prefix.

        The same field is always the same text, so that what is grouped is known again.
        """
        if found.name == "Id":
            return of.key
        key = (of.key, found.name)
        if key not in self._chosen:
            self._chosen[key] = self._one_of(of, dict(self._target_values(of, found)))
        return self._chosen[key]

    def _one_of(self, of: Parent, values: Mapping[str, str]) -> str:
        """Return SQL of one of these values by key prefix; columns of other objects are null."""
        if not values:
            return "NULL"
        columns = list(values.values())
        if len(columns) > 1 and not any(value[0] in "'\"" for value in columns):
            return f"coalesce({', '.join(columns)})"
        cases = "".join(f" WHEN '{prefix}' THEN {value}" for prefix, value in values.items())
        return f"CASE substr({of.key}, 1, 3){cases} END"

    def _target_values(self, of: Parent, found: Field) -> Iterator[tuple[str, str]]:
        for target in of.targets:
            value = self._target_value(of, target, found.name)
            if value and target.key_prefix:
                yield target.key_prefix, value

    def _lent(self, of: Parent, found: Field) -> Lent | None:
        """Return the columns that a field of the parent is one of, if each is a column."""
        fields = [(target, self._target_field(target, found.name)) for target in of.targets]
        own = [(target.name, each) for target, each in fields if each is not None]
        if found.name in ("Id", "Type") or not own or not all(each.stored for _, each in own):
            return None
        terms = (Term(f'"{f.name}"', f.type, f.name, (), f, entity) for entity, f in own)
        return Lent(self._any_target(of, found), of.key, tuple(terms))

    def _target_field(self, target: SObject, name: str) -> Field | None:
        own = target.get(name)
        if own is None and name in ("Name", "NameOrAlias"):
            own = target.name_field
        if own is None or not self.statement.access.field_readable(target.name, own.name):
            return None
        return own

    def _target_value(self, of: Parent, target: SObject, name: str) -> str | None:
        if name == "Type" and target.name != "Group":
            return f"'{target.name}'"
        own = self._target_field(target, name)
        if own is None:
            return None
        alias = self.narrowed(of, target).alias or ""
        return self.statement.store.expression(alias, target.name, own)
