"""The one pass over the rows of a report: what to fetch, in one SQL statement."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from local_org.reports.columns import Column
from local_org.reports.derived import function_name
from local_org.reports.errors import bad_request
from local_org.reports.filters import Sql, joined
from local_org.reports.source import Source

Row = tuple[Any, ...]
Read = Callable[[Row], Any]
_MOST_ROWS = 2_147_483_647
_LIMITS = ("stack overflow", "too large", "too many", "at most")
"""Words of SQLite's complaints about the size of a statement."""


class Scan:
    """What one run fetches; the same expression is fetched once, however often it is used."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._slots: dict[tuple[str, tuple[Any, ...]], int] = {}

    def _slot(self, sql: str, params: tuple[Any, ...]) -> int:
        return self._slots.setdefault((sql, params), len(self._slots))

    def value(self, column: Column) -> Read:
        """Return what reads a column's value out of a row: the id of a lookup."""
        if column.compute is not None:
            compute = column.compute
            slots = [self._slot(i.text_sql, i.params) for i in column.inputs]
            if len(slots) == 1:
                [only] = slots
                return lambda row: compute(row[only])
            return lambda row: compute(*[row[slot] for slot in slots])
        return itemgetter(self._slot(column.sql, column.params))

    def link(self, column: Column) -> Read:
        """Return what reads the id of the record that a column links to, if it does."""
        if column.link_sql is None:
            return lambda _row: None
        return itemgetter(self._slot(column.link_sql, ()))

    def rows(
        self,
        conditions: Iterable[Sql],
        derived: Sequence[Column],
        order: tuple[Column, str] | None = None,
        limit: int | None = None,
    ) -> Iterator[Row]:
        """Run the statement.

        :raises OrgError: 400: it is more than SQLite takes.
        """
        connection: sqlite3.Connection = self._source.context.store.connection
        for column in derived:
            connection.create_function(
                function_name(column), len(column.inputs), column.compute, deterministic=True
            )
        where = joined("AND", [self._source.present(), *conditions])
        items = ", ".join(sql for sql, _ in self._slots) or "1"
        params = [value for _, bound in self._slots for value in bound]
        tail, tail_params = _tail(order, limit)
        statement = f"SELECT {items} FROM {self._source.from_sql()} WHERE {where.text}{tail}"
        cursor = connection.cursor()
        try:
            yield from cursor.execute(statement, [*params, *where.params, *tail_params])
        except sqlite3.OperationalError as error:
            if any(words in str(error) for words in _LIMITS):
                raise bad_request("The report is too complicated.") from error
            raise
        finally:
            cursor.close()
            for column in derived:
                connection.create_function(function_name(column), len(column.inputs), None)


def _tail(order: tuple[Column, str] | None, limit: int | None) -> tuple[str, list[Any]]:
    """ORDER BY and LIMIT; blank values come first, or last when descending."""
    text = ""
    params: list[Any] = []
    if order is not None:
        column, direction = order
        text = (
            f" ORDER BY {column.text_sql} COLLATE NOCASE {'DESC' if direction == 'Desc' else 'ASC'}"
        )
        params += column.params
    if limit is not None:
        text += " LIMIT ?"
        params.append(min(limit, _MOST_ROWS))
    return text, params
