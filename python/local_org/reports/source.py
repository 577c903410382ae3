"""The tables of a run and their joins: what the running user may not read is not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from local_org.errors import OrgError
from local_org.records.sharing import REACHED
from local_org.reports.columns import Column
from local_org.reports.filters import Sql
from local_org.reports.report_types import ColumnSpec, Join, ReportType
from local_org.schema.access import Access
from local_org.schema.model import Field, FieldType, Schema, SObject
from local_org.soql.dates import Calendar

FORBIDDEN = "You don’t have sufficient privileges to perform this operation."


class Rows(Protocol):
    """Where a run reads; the store."""

    @property
    def connection(self) -> Any:
        """The SQLite connection."""
        ...

    def expression(self, alias: str, entity: str, field: Field) -> str:
        """Return the SQL expression of a field's value on a table's alias."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """For whom and when a report runs: the running user's rights, zone and locale."""

    store: Rows
    schema: Schema
    access: Access
    calendar: Calendar
    user: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Table:
    """One table in reach; without ``entity`` it is the union of several objects."""

    alias: str
    entity: SObject | None


class Source:
    """FROM of one run; tables are joined when a column first needs them."""

    def __init__(self, context: Context, report_type: ReportType) -> None:
        """Begin with the report type's own tables.

        :raises OrgError: 403: the running user may not read one of them.
        """
        self.context = context
        self.type = report_type
        self._aliases = 0
        self._joins: list[str] = []
        self._united: dict[str, None] = {}
        self._parents: dict[tuple[str, str], _Table] = {}
        self._objects = [self._object(name) for name in report_type.objects]
        root = self._objects[0] if len(self._objects) == 1 else None
        self.root = _Table(self._alias(), root)
        self._tables = {report_type.objects[0]: self.root}
        for join in report_type.joins:
            self._tables[join.table] = self._children(join)
        for relationship, target in (report_type.narrowed or {}).items():
            self._narrow(relationship, target)

    # -- tables -----------------------------------------------------------------------------------

    def _alias(self) -> str:
        self._aliases += 1
        return f"r{self._aliases}"

    def _object(self, name: str) -> SObject:
        found = self.context.schema.get(name)
        if found is None or not self.context.access.readable(found.name):
            raise OrgError("FORBIDDEN", FORBIDDEN, status=403)
        return found

    def _children(self, join: Join) -> _Table:
        """Join the children of a custom report type; deleted ones count as missing."""
        parent = self._tables[join.parent]
        link = self.child_link(parent.entity, join.relationship)
        if link is None:
            raise OrgError("FORBIDDEN", FORBIDDEN, status=403)
        child, field = link
        self._object(child.name)
        alias, kind = self._alias(), "LEFT JOIN" if join.outer else "JOIN"
        present = f' AND {alias}."IsDeleted" = 0' if child.get("IsDeleted") else ""
        self._joins.append(
            f'{kind} "{child.name}" AS {alias} ON {alias}."{field}" = {parent.alias}."Id"{present}'
        )
        return _Table(alias, child)

    def table_object(self, table: str) -> SObject:
        """Return the object that a joined table holds."""
        return self._tables[table].entity or self._objects[0]

    def child_link(self, parent: SObject | None, relationship: str) -> tuple[SObject, str] | None:
        """Return the object and lookup behind the name of a list of children."""
        for link in self.context.schema.children(parent.name) if parent else ():
            if (link.name or "").lower() == relationship.lower():
                return self.context.schema.object(link.child), link.field
        return None

    def _narrow(self, relationship: str, target: str) -> None:
        """Keep only rows whose polymorphic lookup points at this object."""
        entity = self._object(target)
        field = self._lookup(self.root, relationship)
        if field is None:
            raise OrgError("FORBIDDEN", FORBIDDEN, status=403)
        alias = self._alias()
        key = self._value(self.root, field)
        self._joins.append(
            f'JOIN "{target}" AS {alias} ON {alias}."Id" = {key} AND {alias}."IsDeleted" = 0'
        )
        self._parents[self.root.alias, field.name] = _Table(alias, entity)

    def from_sql(self) -> str:
        """FROM with all that was needed so far."""
        root = self.root.alias
        if self.root.entity is not None:
            return " ".join([f'"{self.root.entity.name}" AS {root}', *self._joins])
        parts = " UNION ALL ".join(self._member(entity) for entity in self._objects)
        return " ".join([f"({parts}) AS {root}", *self._joins])

    def _member(self, entity: SObject) -> str:
        """One object of a union: the fields that were asked for, NULL where it lacks one."""
        names = {"Id": None, "OwnerId": None} | self._united
        items = ", ".join(f'{self._own(entity, name)} AS "{name}"' for name in names)
        return f'SELECT {items} FROM "{entity.name}" AS m WHERE m."IsDeleted" = 0'

    def _own(self, entity: SObject, name: str) -> str:
        if name == "IsTask":
            return str(int(entity.name == "Task"))
        field = entity.get(name)
        if field is None or not self.context.access.field_readable(entity.name, field.name):
            return "NULL"
        return self.context.store.expression("m", entity.name, field)

    def present(self) -> Sql:
        """The condition that the records are not deleted, and shared with the running user."""
        entity, alias, access = self.root.entity, self.root.alias, self.context.access
        if entity is None:
            return Sql("1")
        kept = f'{alias}."IsDeleted" = 0' if entity.get("IsDeleted") else "1"
        if access.reads_every(entity.name):
            return Sql(kept)
        user_id = access.user_id
        return Sql(f'{kept} AND {alias}."OwnerId" IN ({REACHED})', (user_id, user_id))

    @property
    def owner_sql(self) -> str | None:
        """The owner's id, or None where records have no owner."""
        entity = self._objects[0]
        if entity.name == "User":
            return f'{self.root.alias}."Id"'
        return f'{self.root.alias}."OwnerId"' if entity.get("OwnerId") else None

    # -- columns ----------------------------------------------------------------------------------

    def column(self, spec: ColumnSpec) -> Column | None:
        """Return the column, or None when its field is not there for the running user."""
        table = self._tables.get(spec.table, None if spec.table else self.root)
        *steps, last = spec.path.split(".")
        for step in steps:
            table = None if table is None else self._parent(table, step)
        if table is None:
            return None
        lookup = self._lookup(table, last)
        if lookup is not None:
            return self._lookup_column(spec, table, lookup)
        field = self._field(table, last)
        return None if field is None else self._plain(spec, table, field)

    def _plain(self, spec: ColumnSpec, table: _Table, field: Field) -> Column:
        entity = table.entity or self._objects[0]
        linked = spec.reads == "record" or (self.type.custom and field.name_field)
        return Column(
            spec.name,
            spec.label or field.label,
            field.type,
            self._value(table, field),
            field=field,
            entity_column=f"{entity.name}.{field.name}",
            link_sql=f'{table.alias}."Id"' if linked else None,
            day=spec.reads == "day",
            scale=field.scale,
        )

    def _lookup_column(self, spec: ColumnSpec, table: _Table, lookup: Field) -> Column:
        key = self._value(table, lookup)
        targets = [t for name in lookup.reference_to if (t := self.context.schema.get(name))]
        first = targets[-1] if targets else None
        named = first.name_field if first else None
        return Column(
            spec.name,
            spec.label or lookup.label,
            FieldType.REFERENCE,
            key,
            field=lookup,
            entity_column=f"{first.name}.{named.name}" if first and named else None,
            name_sql=self._name_sql(key, targets),
        )

    def _name_sql(self, key: str, targets: list[SObject]) -> str:
        """The name of the record that a lookup points at, whichever object it is of."""
        cases = []
        for target in targets:
            named = target.name_field
            if named is not None and target.key_prefix:
                found = f'SELECT n."{named.name}" FROM "{target.name}" AS n WHERE n."Id" = {key}'
                cases.append(f" WHEN '{target.key_prefix}' THEN ({found})")
        return f"CASE substr({key}, 1, 3){''.join(cases)} END" if cases else "NULL"

    def _parent(self, table: _Table, step: str) -> _Table | None:
        """Follow a lookup by its relationship's name, or a custom one by its field's."""
        lookup = self._lookup(table, step)
        if lookup is None:
            return None
        known = self._parents.get((table.alias, lookup.name))
        if known is not None:
            return known
        target = self.context.schema.get(lookup.reference_to[-1])
        if target is None or not self.context.access.readable(target.name):
            return None
        alias = self._alias()
        key = self._value(table, lookup)
        self._joins.append(f'LEFT JOIN "{target.name}" AS {alias} ON {alias}."Id" = {key}')
        made = self._parents[table.alias, lookup.name] = _Table(alias, target)
        return made

    def _lookup(self, table: _Table, step: str) -> Field | None:
        """Return the lookup that a step names, where the running user may read it."""
        for entity in [table.entity] if table.entity else self._objects:
            found = entity.by_relationship(step) or entity.get(step)
            if found is not None and found.reference_to:
                return found if self._visible(table, found.name) else None
        return None

    def _field(self, table: _Table, name: str) -> Field | None:
        if table.entity is None and name == "IsTask":
            return Field(name, FieldType.BOOLEAN, "Task")
        for entity in [table.entity] if table.entity else self._objects:
            found = entity.get(name)
            if found is not None and not found.compound_root:
                return found if self._visible(table, found.name) else None
        return None

    def _visible(self, table: _Table, name: str) -> bool:
        entities = [table.entity] if table.entity else self._objects
        return any(
            e.get(name) and self.context.access.field_readable(e.name, name) for e in entities
        )

    def _value(self, table: _Table, field: Field) -> str:
        if table.entity is None:
            self._united[field.name] = None
            return f'{table.alias}."{field.name}"'
        return self.context.store.expression(table.alias, table.entity.name, field)
