"""Report types: which objects, columns and scopes a report can have.

The standard ones stand in ``standard_types.txt``; custom ones are made of their metadata.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

LEAD_LIST = "LeadList"


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column: its name, the path of its field from a table, and how it reads."""

    name: str
    path: str
    label: str | None = None
    reads: str = ""
    """``record``: links to the record. ``day``: a date-time shown as its day."""
    table: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Columns that stand together."""

    label: str
    columns: tuple[ColumnSpec, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """A list of children that a custom report type brings in; ``table`` is its whole path."""

    table: str
    parent: str
    relationship: str
    outer: bool


@dataclass(frozen=True, slots=True)
class ReportType:
    """One report type. ``objects`` are read as one table: tasks and events, or a single object."""

    name: str
    category: str
    label: str
    objects: tuple[str, ...]
    scopes: tuple[tuple[str, str], ...]
    """Value and label; the first is the default."""
    sections: tuple[Section, ...]
    joins: tuple[Join, ...] = ()
    narrowed: Mapping[str, str] | None = None
    """Polymorphic lookups of which only one object counts: ``Who`` → ``Lead``."""
    custom: bool = False

    @property
    def custom_prefix(self) -> str:
        """What stands before custom fields: ``Lead``, or ``Activity`` for tasks and events."""
        return self.objects[0] if len(self.objects) == 1 else "Activity"

    def spec(self, name: str) -> ColumnSpec | None:
        """Return the column of this name, or None.

        Custom fields are columns of standard types without being listed: ``Lead.Score__c``. Custom
        types name every field ``Lead$Score__c``, whether their layout shows it or not.
        """
        for section in self.sections:
            for column in section.columns:
                if column.name == name:
                    return column
        prefix, dot, path = name.partition("$" if self.custom else ".")
        if not dot:
            return None
        if self.custom:
            known = {self.objects[0], *(join.table for join in self.joins)}
            return ColumnSpec(name, path, table=prefix) if prefix in known else None
        if prefix == self.custom_prefix and path.endswith("__c"):
            return ColumnSpec(name, path)
        return None


Lookup = Callable[[str], ReportType | None]
"""Find a report type by the name a report calls it by; None when there is none."""


@cache
def standard_types() -> Mapping[str, ReportType]:
    """Read ``standard_types.txt``, once."""
    text = files(__package__).joinpath("standard_types.txt").read_text("utf-8")
    lines = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    starts = [n for n, cells in enumerate(lines) if cells[0] == "type"] + [len(lines)]
    types = [_standard(lines[a:b]) for a, b in pairwise(starts)]
    return {each.name: each for each in types}


def _standard(lines: list[list[str]]) -> ReportType:
    _, name, category, label, objects = lines[0]
    sections: list[Section] = []
    scopes: list[tuple[str, str]] = []
    narrowed: dict[str, str] = {}
    for cells in lines[1:]:
        if cells[0] == "scope":
            scopes.append((cells[1], cells[2]))
        elif cells[0] == "narrow":
            narrowed[cells[1]] = cells[2]
        elif cells[0] == "section":
            sections.append(Section(cells[1], ()))
        else:
            last = sections.pop()
            sections.append(Section(last.label, (*last.columns, _column(cells))))
    return ReportType(
        name,
        category,
        label,
        tuple(objects.split(",")),
        tuple(scopes),
        tuple(sections),
        narrowed=narrowed,
    )


def _column(cells: list[str]) -> ColumnSpec:
    name, path, label, *reads = cells
    return ColumnSpec(name, path, None if label == "-" else label, "".join(reads))


CUSTOM_SCOPES = (("organization", "All"), ("user", "My"), ("team", "My team's"))
"""Scopes of custom report types; inferred."""
