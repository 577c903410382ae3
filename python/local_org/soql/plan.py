"""A checked query as one SQL statement, the shape of its records, and one more per child query."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from local_org.soql.rows import Json, Row

PARENTS = object()
"""Stands among the parameters for the JSON list of parent ids, known once parents are read."""


@dataclass
class Plan:
    """What to run and how to read it."""

    entity: str
    sql: str
    params: Sequence[Any]
    make: Callable[[Row], Json | None]
    columns: list[Json]
    children: list[Child] = field(default_factory=list)
    counts: bool = False
    """``COUNT()``: the one value is the total, and there are no records."""
    totals: bool = False
    """Each row is a total of many; there can not be more of them than a page holds."""

    def rows(self, connection: sqlite3.Connection, parents: Sequence[str] = ()) -> list[Row]:
        """Run the statement."""
        ids = json.dumps(parents)
        bound = [ids if value is PARENTS else value for value in self.params]
        return connection.execute(self.sql, bound).fetchall()

    def records(self, connection: sqlite3.Connection, rows: list[Row]) -> list[Json]:
        """Make the records of these rows, children included: one query for each child query."""
        made = [self.make(row) or {} for row in rows]
        for child in self.children:
            lists = child.lists(connection, list({row[child.slot]: None for row in rows}))
            for row, record in zip(rows, made, strict=True):
                record[child.name] = lists.get(row[child.slot])
        return made


@dataclass
class Child:
    """A child query: its rows begin with the id of the parent."""

    name: str
    slot: int
    """Where the parent's row has its Id."""
    plan: Plan

    def lists(self, connection: sqlite3.Connection, parents: Sequence[str]) -> dict[str, Json]:
        """Return the children of each parent that has any."""
        rows = self.plan.rows(connection, parents)
        rows.sort(key=itemgetter(0))
        records = self.plan.records(connection, rows)
        pairs = zip((row[0] for row in rows), records, strict=True)
        return {
            parent: _list_of([record for _, record in group])
            for parent, group in groupby(pairs, key=itemgetter(0))
        }


def _list_of(records: list[Json]) -> Json:
    return {"totalSize": len(records), "done": True, "records": records}
