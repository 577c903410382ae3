"""Expressions → SQL: fields, aggregates, date functions, toLabel and convertCurrency."""

from __future__ import annotations

from dataclasses import replace

from local_org.errors import OrgError
from local_org.schema.model import NUMBER_TYPES, FieldType
from local_org.soql.faults import Faults, malformed
from local_org.soql.functions import AGGREGATES, DATE_FUNCTIONS
from local_org.soql.nodes import Call, Expression, Literal, Path
from local_org.soql.scope import Scope, Term

LOCAL = "soql_local"
"""SQL function: epoch milliseconds shifted so that UTC functions read the wall clock of a zone."""

_PARTS = {
    "CALENDAR_YEAR": "%Y",
    "CALENDAR_MONTH": "%m",
    "DAY_IN_YEAR": "%j",
    "DAY_IN_MONTH": "%d",
    "DAY_IN_WEEK": "%w",
    "HOUR_IN_DAY": "%H",
}


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
        if name == "CONVERTCURRENCY":
            return self.term(self.only(call), aggregates=aggregates)
        raise self._faults.unsupported(f"{call.name}()", call.at)

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
        of = self.term(self.only(call))
        sql = {"COUNT_DISTINCT": "COUNT(DISTINCT {})"}.get(name, name + "({})").format(of.sql)
        if name in ("COUNT", "COUNT_DISTINCT"):
            return Term(sql, FieldType.INT, name, of.params)
        if name in ("MIN", "MAX"):
            return replace(of, sql=sql, outer=False, entity="")
        if of.type not in NUMBER_TYPES:
            message = f"field {of.name} does not support aggregate operator {name}"
            raise self._faults.malformed(message, call.at)
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

    def _instant(self, call: Call) -> Term:
        """Return the argument of a date function as arguments of SQLite's date functions."""
        argument = self.only(call)
        local = isinstance(argument, Call) and argument.function == "CONVERTTIMEZONE"
        of = self.term(self.only(argument) if local and isinstance(argument, Call) else argument)
        if of.type is FieldType.DATE and not local:
            return of
        if of.type is not FieldType.DATETIME:
            raise self._faults.malformed(f"{call.name} takes a date or dateTime field", call.at)
        if not local:
            return replace(of, sql=f"{of.sql} / 1000, 'unixepoch'")
        zone = self.scope.statement.calendar.zone.key
        return replace(
            of, sql=f"{LOCAL}({of.sql}, ?) / 1000, 'unixepoch'", params=(*of.params, zone)
        )

    def _date_part(self, call: Call) -> Term:
        """DateFunction: a part of a date; of a dateTime in UTC unless convertTimezone is used."""
        name, of = call.function, self._instant(call)
        if name == "HOUR_IN_DAY" and of.type is FieldType.DATE:
            raise self._faults.malformed("HOUR_IN_DAY takes a dateTime field", call.at)
        if name == "DAY_ONLY":
            return Term(f"date({of.sql})", FieldType.DATE, name, of.params)
        sql = self._part_sql(name, of.sql)
        return Term(sql, FieldType.INT, name, of.params * sql.count("strftime("))

    def _part_sql(self, name: str, moment: str) -> str:
        def part(code: str) -> str:
            return f"CAST(strftime('{code}', {moment}) AS INTEGER)"

        first = self.scope.statement.calendar.fiscal_month
        fiscal = f"(({part('%m')} + {12 - first}) % 12)"
        derived = {
            "CALENDAR_QUARTER": f"({part('%m')} + 2) / 3",
            "FISCAL_YEAR": f"{part('%Y')} + ({part('%m')} >= {first if first > 1 else 13})",
            "FISCAL_QUARTER": f"{fiscal} / 3 + 1",
            "FISCAL_MONTH": f"{fiscal} + 1",
            "DAY_IN_WEEK": f"{part('%w')} + 1",
            "WEEK_IN_YEAR": f"({part('%j')} + 6) / 7",
            "WEEK_IN_MONTH": f"({part('%d')} + 6) / 7",
        }
        return f"({derived[name]})" if name in derived else part(_PARTS[name])
