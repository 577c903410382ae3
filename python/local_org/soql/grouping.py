"""Aggregate queries: what is selected, grouped and ordered must be grouped or aggregated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from local_org.schema.model import Field, FieldType
from local_org.soql.display import formatted
from local_org.soql.faults import malformed
from local_org.soql.functions import AGGREGATES
from local_org.soql.nodes import Call, Expression, FieldItem, Path, Query
from local_org.soql.printer import expression as printed
from local_org.soql.rollup import Rolled
from local_org.soql.rows import AggregateShape, Json, column, value
from local_org.soql.scope import Scope, Term
from local_org.soql.selection import Slots
from local_org.soql.terms import Terms


def _aggregates(expression: Expression) -> bool:
    return isinstance(expression, Call) and (
        expression.function in AGGREGATES
        or any(isinstance(a, Call) and _aggregates(a) for a in expression.arguments)
    )


def is_count(query: Query) -> bool:
    """Whether the query is ``SELECT COUNT() FROM …``: a number and no records."""
    match query.select:
        case (FieldItem(Call() as call, _),):
            return call.function == "COUNT" and not call.arguments and not query.group_by
        case _:
            return False


def is_aggregate(query: Query) -> bool:
    """Whether the query answers with aggregate rows."""
    items = (item.expression for item in query.select if isinstance(item, FieldItem))
    return bool(query.group_by) or any(_aggregates(each) for each in items)


class Grouping:
    """Compiles select list, GROUP BY, HAVING and ORDER BY of an aggregate query."""

    def __init__(
        self,
        scope: Scope,
        terms: Terms,
        groups: Sequence[Expression],
        rolled: Rolled,
        *,
        shared: bool,
    ) -> None:
        """Group by these expressions but for those at the positions that are rolled up.

        Unless equal columns are ``shared``, all levels of a query have as many of them.
        """
        self.scope = scope
        self.terms = terms
        self.faults = scope.statement.faults
        self.slots = Slots(shared=shared)
        self.shape = AggregateShape()
        self.columns: list[Json] = []
        self.terms_of_groups = [terms.groupable(each) for each in groups]
        self.rolled = rolled
        self.subtotals = not shared
        self._unnamed = 0

    @property
    def groups(self) -> list[Term]:
        """What the rows of this level are grouped by."""
        return [g for n, g in enumerate(self.terms_of_groups) if n not in self.rolled]

    def resolve(self, expression: Expression) -> Term:
        """Return a term for HAVING: an aggregate, or something that is grouped."""
        return self._level(expression, self.terms.term, "Field must be grouped or aggregated")

    def ordered(self, expression: Expression) -> Term:
        """Return a term for ORDER BY: an aggregate, or something that is grouped."""
        message = "Ordered field must be grouped or aggregated"
        return self._level(expression, self.terms.sortable, message)

    def _level(self, expression: Expression, compiled: Callable[..., Term], message: str) -> Term:
        """Return the term as this level has it: a field that is rolled up is null."""
        if isinstance(expression, Call) and expression.function == "GROUPING":
            return self._is_rolled_up(expression)
        term = compiled(expression, aggregates=True)
        if isinstance(expression, Call) and _aggregates(expression):
            self._check_ungrouped(expression)
            return term
        position = self._position(term)
        if position is None:
            raise malformed(f"{message}: {printed(expression)}")
        return replace(term, sql="NULL", params=()) if position in self.rolled else term

    def _check_ungrouped(self, call: Call) -> None:
        """Refuse to aggregate what is grouped: of one group it has one value."""
        argument = call.arguments[0] if call.arguments else None
        while isinstance(argument, Call):
            argument = self.terms.only(argument)
        if self.subtotals or not isinstance(argument, Path):
            return
        if self._position(self.terms.term(argument)) is not None:
            raise malformed(f"Grouped field should not be aggregated: {argument}")

    def _is_rolled_up(self, call: Call) -> Term:
        """Grouping: 1 in the subtotals that leave the field out, else 0."""
        position = self._position(self.terms.term(self.terms.only(call)))
        if position is None:
            raise malformed(f"Field must be grouped: {printed(call)}")
        return Term(str(int(position in self.rolled)), FieldType.INT, "GROUPING")

    def _position(self, term: Term) -> int | None:
        known = ((g.sql, g.params) for g in self.terms_of_groups)
        return next((n for n, g in enumerate(known) if g == (term.sql, term.params)), None)

    def add(self, item: FieldItem) -> None:
        """Take a grouped field or an aggregate into the row.

        A field is named after its last step, all else ``expr0``, ``expr1`` … where no alias is.

        :raises OrgError: ``MALFORMED_QUERY``: not grouped, or the name is taken.
        """
        expression, inner = item.expression, item.expression
        local = isinstance(expression, Call) and expression.function == "FORMAT"
        if local and isinstance(expression, Call):
            inner = self.terms.only(expression)
        term = self.resolve(inner)
        name = self._name(item, term)
        if name in self.shape.members:
            raise self.faults.malformed(f"duplicate alias: {name}", expression.at)
        slot = self.slots.add(term.sql, term.params)
        of = term.field or Field(name, term.type, name)
        show = formatted(of, slot, self.scope.statement) if local else value(of, slot)
        self.shape.members[name] = show
        self.columns.append(self._column(item, name))

    def _name(self, item: FieldItem, term: Term) -> str:
        if item.alias:
            return item.alias
        if isinstance(item.expression, Path):
            return term.name
        self._unnamed += 1
        return f"expr{self._unnamed - 1}"

    def _column(self, item: FieldItem, name: str) -> Json:
        if isinstance(item.expression, Path):
            return column(name)
        call = item.expression
        inside = ", ".join(printed(argument) for argument in call.arguments)
        shown = item.alias or f"{call.name.lower()}({inside})"
        return column(name, shown, aggregate=True)
