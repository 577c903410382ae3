"""Expressions → SQL: fields, aggregates, date functions, toLabel and convertCurrency."""

from __future__ import annotations

from dataclasses import replace

from local_org.errors import OrgError
from local_org.schema.model import NUMBER_TYPES, FieldType
from local_org.soql.date_parts import date_part, moment
from local_org.soql.distance import distance_term
from local_org.soql.faults import Faults, malformed
from local_org.soql.functions import AGGREGATES, DATE_FUNCTIONS
from local_org.soql.nodes import Call, Expression, Literal, Path
from local_org.soql.scope import Scope, Term


def _aggregatable(of: Term, operator: str) -> bool:
    """Whether an aggregate function takes the field; only numbers have sums and averages."""
    if operator in ("SUM", "AVG") and of.type not in NUMBER_TYPES:
        return False
    return of.field is None or of.field.aggregatable


class Terms:
    """Compiles the expressions of one query."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    @property
    def _faults(self) -> Faults:
        return self.scope.statement.faults

    def term(self, expression: Expression, *, aggregates: bool = False) -> Term:
        """Return the SQL of an expression.

        :raises OrgError: ``INVALID_FIELD`` for unknown fields, ``MALFORMED_QUERY`` for functions
            that cannot stand here or take such a field.
        """
        if isinstance(expression, Path):
            found = self.scope.column(expression)
            if found.field is not None and found.field.compound_root:
                raise self._refused(found, "filtered", expression)
            return found
        return self._call(expression, aggregates=aggregates)

    def _refused(self, term: Term, verb: str, at: Expression) -> OrgError:
        message = f"field '{term.name}' can not be {verb} in a query call"
        return self._faults.at("INVALID_FIELD", message, at.at)

    def filterable(self, expression: Expression, *, aggregates: bool = False) -> Term:
        """Return a term for WHERE or HAVING, or refuse the field."""
        term = self.term(expression, aggregates=aggregates)
        if isinstance(expression, Path) and term.field and not term.field.filterable:
            raise self._refused(term, "filtered", expression)
        return term

    def groupable(self, expression: Expression) -> Term:
        """Return a term for GROUP BY, or refuse the field."""
        term = self.term(expression)
        if isinstance(expression, Path) and term.field and not term.field.groupable:
            raise self._refused(term, "grouped", expression)
        return term

    def sortable(self, expression: Expression, *, aggregates: bool) -> Term:
        """Return a term for ORDER BY, or refuse the field."""
        term = self.term(expression, aggregates=aggregates)
        if isinstance(expression, Path) and term.field and not term.field.sortable:
            raise self._refused(term, "sorted", expression)
        return term

    def _call(self, call: Call, *, aggregates: bool) -> Term:
        name = call.function
        if name in AGGREGATES:
            if not aggregates:
                raise self._faults.malformed(
                    f"aggregate function {call.name} can not stand here", call.at
                )
            return self._aggregate(call)
        if name in DATE_FUNCTIONS:
            return self._date_part(call)
        if name == "TOLABEL":
            return self._label(call)
        if name == "DISTANCE":
            return distance_term(self.scope, call)
        if name == "CONVERTCURRENCY":
            return self.term(self.only(call), aggregates=aggregates)
        raise self._faults.malformed(f"unexpected token: '{call.name}'", call.at)

    def only(self, call: Call) -> Expression:
        """Return the single argument of a call, or refuse the call."""
        if len(call.arguments) != 1 or isinstance(call.arguments[0], Literal):
            raise self._faults.malformed(f"{call.name} takes one field", call.at)
        return call.arguments[0]

    def _aggregate(self, call: Call) -> Term:
        """Aggregate: COUNT | COUNT_DISTINCT | SUM | AVG | MIN | MAX of one field."""
        name = call.function
        if not call.arguments:
            raise malformed("COUNT() must be the only expression of the select list")
        argument = self.only(call)
        if isinstance(argument, Call):
            raise self._nested(call)
        of = self.term(argument)
        if not _aggregatable(of, name):
            message = f"field {of.name} does not support aggregate operator {name}"
            raise self._faults.malformed(message, call.at)
        if name == "COUNT_DISTINCT":
            return Term(f"COUNT(DISTINCT {of.key.sql})", FieldType.INT, name, of.key.params)
        if name == "COUNT":
            return Term(f"COUNT({of.sql})", FieldType.INT, name, of.params)
        sql = f"{name}({of.sql}{of.collation})"
        if name in ("MIN", "MAX"):
            return replace(of, sql=sql, outer=False, entity="")
        whole = name == "SUM" and of.type in (FieldType.INT, FieldType.LONG)
        kind = of.type if whole else FieldType.DOUBLE
        return Term(sql, kind, name, of.params)

    def _label(self, call: Call) -> Term:
        """ToLabel: the label of a picklist value; other fields as they are."""
        of = self.term(self.only(call))
        values = of.field.picklist if of.field else ()
        relabelled = [(v.value, v.label) for v in values if v.value != v.label]
        if not relabelled:
            return of
        cases = " WHEN ? THEN ?" * len(relabelled)
        labels = [text for pair in relabelled for text in pair]
        sql = f"CASE {of.sql}{cases} ELSE {of.sql} END"
        return replace(of, sql=sql, params=(*of.params, *labels, *of.params), entity="")

    def _date_part(self, call: Call) -> Term:
        """DateFunction: a part of a date; of a dateTime in UTC unless convertTimezone is used."""
        argument, zone = self.only(call), None
        calendar = self.scope.statement.calendar
        if isinstance(argument, Call):
            if argument.function != "CONVERTTIMEZONE":
                raise self._nested(call)
            argument, zone = self.only(argument), calendar.zone.key
        of = self.term(argument)
        clocked = zone is not None or call.function == "HOUR_IN_DAY"
        if of.type is not FieldType.DATETIME and (clocked or of.type is not FieldType.DATE):
            kinds = "dateTime field" if clocked else "date or dateTime field"
            raise self._faults.malformed(f"{call.name} takes a {kinds}", call.at)
        return date_part(call.function, moment(of, zone=zone), calendar)

    def _nested(self, call: Call) -> OrgError:
        """Return what is wrong with a function inside a function that takes none."""
        return self._faults.malformed(
            "nested functional syntax can only be used in the following manner: "
            f"date_function(convertTimezone(columnName)): {call.function}",
            call.at,
        )
