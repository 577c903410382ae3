"""The select list of a query of records: SQL columns, the shape of a record, child queries."""

from __future__ import annotations

from dataclasses import dataclass, field

from local_org.schema.model import Field, SObject
from local_org.soql.display import formatted
from local_org.soql.faults import malformed
from local_org.soql.functions import DATE_FUNCTIONS, is_field_set
from local_org.soql.nodes import Call, Expression, FieldItem, Path, Position, TypeOf
from local_org.soql.printer import expression as printed
from local_org.soql.rows import BranchedShape, Json, RecordShape, column, composed, value
from local_org.soql.scope import Parent, Scope, Term
from local_org.soql.terms import Terms


@dataclass
class Slots:
    """The columns of a SELECT; equal expressions share one, unless each is to have its own."""

    sql: list[str] = field(default_factory=list)
    params: list[object] = field(default_factory=list)
    shared: bool = True
    _known: dict[tuple[str, tuple[object, ...]], int] = field(default_factory=dict)

    def add(self, sql: str, params: tuple[object, ...] = ()) -> int:
        """Return the position of the column."""
        key = (sql, params)
        if not self.shared or key not in self._known:
            self._known[key] = len(self.sql)
            self.sql.append(sql)
            self.params.extend(params)
        return self._known[key]


class Selection:
    """Collects what a query of records selects."""

    def __init__(self, scope: Scope, terms: Terms, link: Field | None = None) -> None:
        """Begin with the record's Id; before it, for children, the lookup to their parent."""
        self.scope = scope
        self.terms = terms
        self.statement = scope.statement
        self.slots = Slots()
        if link is not None:
            self.slots.add(f'{scope.alias}."{link.name}"')
        self.shape = self._shape(scope.root)
        self.columns: list[Json] = []
        self._unnamed = 0

    def _shape(self, parent: Parent) -> RecordShape:
        base = f"/services/data/v{self.statement.version}/{self.statement.base}"
        slot = self.slots.add(parent.key)
        if not parent.polymorphic:
            return RecordShape(slot, {"": parent.entity.name}, base)
        types = {t.key_prefix: t.name for t in parent.targets if t.key_prefix}
        return RecordShape(slot, types, base, "Name")

    def add(self, item: FieldItem) -> None:
        """Take a field, FIELDS(…) or an expression into the record.

        :raises OrgError: ``INVALID_FIELD`` as ``Terms`` raises it, or for a field selected twice;
            ``MALFORMED_QUERY`` for an alias on a plain field.
        """
        expression = item.expression
        if is_field_set(expression) and isinstance(expression, Call):
            self._field_set(expression)
        elif isinstance(expression, Path):
            if item.alias:
                message = "only aggregate expressions use field aliasing"
                raise self.statement.faults.malformed(message, expression.at)
            self._field(expression)
        else:
            self._display(expression, item.alias)

    def _field_set(self, call: Call) -> None:
        """FIELDS: every field the user may read, standard or custom or both."""
        argument = call.arguments[0]
        wanted = argument.parts[0].upper() if isinstance(argument, Path) else "ALL"
        for each in self.scope.entity.fields.values():
            hidden = self.statement.readable_field(self.scope.entity, each.name) is None
            if hidden or (wanted != "ALL" and each.custom != (wanted == "CUSTOM")):
                continue
            if each.name not in self.shape.members:
                self._field(Path((each.name,), call.at))

    def _field(self, path: Path) -> None:
        trail = self.scope.steps(path)
        term = self.scope.field(trail[-1], path.parts[-1], path.at)
        shape, columns = self.shape, self.columns
        for parent in trail[1:]:
            shape, columns = self._nested(shape, columns, parent, path.at)
        found = term.field
        if found is not None:
            self._once(shape, found.name, path.at)
            self._put(shape, trail[-1], found, term)
            columns.append(column(found.name))

    def _once(self, shape: RecordShape, name: str, place: Position) -> None:
        if name in shape.members:
            raise self.statement.faults.at(
                "INVALID_FIELD", f"duplicate field selected: {name}", place
            )

    def _put(self, shape: RecordShape, parent: Parent, found: Field, term: Term) -> None:
        if not found.compound_root:
            shape.members[found.name] = value(found, self.slots.add(term.sql, term.params))
            return
        parts = [f for f in parent.entity.fields.values() if f.compound == found.name and f.stored]
        slots = {f.name: self.slots.add(self.scope.term(parent, f).sql) for f in parts}
        shape.members[found.name] = composed(parent.entity, found, slots)

    def _nested(
        self, shape: RecordShape, columns: list[Json], parent: Parent, place: Position
    ) -> tuple[RecordShape, list[Json]]:
        """Return the shape and the column list of a parent inside its child's."""
        if parent.key not in shape.nested:
            self._once(shape, parent.relationship, place)
            inner = self._shape(parent)
            shape.nested[parent.key] = inner
            shape.members[parent.relationship] = inner.make
            columns.append(column(parent.relationship))
        found = next(c for c in columns if c["columnName"] == parent.relationship)
        joined: list[Json] = found["joinColumns"]
        return shape.nested[parent.key], joined

    def _display(self, call: Expression, alias: str | None) -> None:
        """Display: toLabel, FORMAT, convertCurrency of a field, under its name or an alias; DISTANCE."""
        inner, display = call, False
        if isinstance(call, Call) and call.function == "FORMAT":
            inner, display = self.terms.only(call), True
        term = self.terms.term(inner)
        shape, columns = self.shape, self.columns
        if isinstance(inner, Call) and inner.function in DATE_FUNCTIONS:
            message = f"Field must be grouped or aggregated: {printed(inner)}"
            raise malformed(message)
        computed = isinstance(inner, Call) and inner.function == "DISTANCE"
        if computed and not alias:
            alias = f"expr{self._unnamed}"
            self._unnamed += 1
        if not alias:
            for parent in self._trail(inner):
                shape, columns = self._nested(shape, columns, parent, call.at)
        name = alias or term.name
        self._once(shape, name, call.at)
        slot = self.slots.add(term.sql, term.params)
        shown = term.field or Field(name, term.type, name)
        plain = value(shown, slot)
        local = formatted(shown, slot, self.statement) if display else plain
        shape.members[name] = local
        columns.append(column(name))

    def _trail(self, expression: Expression) -> list[Parent]:
        """Return the parents on the way to the field inside display functions."""
        while isinstance(expression, Call):
            expression = self.terms.only(expression)
        return self.scope.steps(expression)[1:]

    def typeof(self, item: TypeOf) -> None:
        """Take a TYPEOF into the record.

        :raises OrgError: ``MALFORMED_QUERY`` when the relationship is not polymorphic,
            ``INVALID_FIELD`` when a field is missing, ``INVALID_TYPE`` for an unknown object.
        """
        whole = Path((*item.path.parts, ""), item.path.at)
        parent = self.scope.steps(whole)[-1]
        if not parent.polymorphic:
            message = f"relationship '{item.path}' is not polymorphic"
            raise self.statement.faults.malformed(message, item.path.at)
        self._once(self.shape, parent.relationship, item.path.at)
        otherwise = self._branch(parent, item.otherwise or ())
        branches = {}
        for branch in item.branches:
            entity = self._target(parent, branch.entity, branch.at)
            branches[entity.name] = self._branch(self.scope.narrowed(parent, entity), branch.fields)
        branched = BranchedShape(otherwise.slot, branches, otherwise)
        self.shape.members[parent.relationship] = branched.make
        self.columns.append(column(parent.relationship))

    def _target(self, parent: Parent, name: str, place: Position) -> SObject:
        entity = self.statement.object(name, place)
        if entity.name not in {target.name for target in parent.targets}:
            message = f"{entity.name} is no type of relationship {parent.relationship}"
            raise self.statement.faults.malformed(message, place)
        return entity

    def _branch(self, parent: Parent, paths: tuple[Path, ...]) -> RecordShape:
        """Return the shape of one branch; paths begin at the branch's object."""
        shape = self._shape(parent)
        unlisted: list[Json] = []
        for path in paths:
            at, into, columns = parent, shape, unlisted
            for part in path.parts[:-1]:
                at = self.scope.parent(at, part, path.at)
                into, columns = self._nested(into, columns, at, path.at)
            term = self.scope.field(at, path.parts[-1], path.at)
            if term.field is not None:
                self._once(into, term.field.name, path.at)
                self._put(into, at, term.field, term)
        return shape
