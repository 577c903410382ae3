"""The columns that one report can use: those of its type, its buckets, its row-level formulas."""

from __future__ import annotations

from datetime import datetime

from local_org.reports.columns import Column
from local_org.reports.definition import Definition
from local_org.reports.derived import bucket_column, formula_column
from local_org.reports.errors import bad_filter_column, unsupported
from local_org.reports.report_types import LEAD_LIST
from local_org.reports.source import Source


class Catalogue:
    """Finds columns by name; each is made once."""

    def __init__(self, source: Source, definition: Definition, now: datetime) -> None:
        self.source = source
        self._now = now
        self._buckets = {bucket.name: bucket for bucket in definition.buckets}
        self._formulas = {formula.name: formula for formula in definition.detail_formulas}
        self._known: dict[str, Column | None] = {}

    def find(self, name: str) -> Column | None:
        """Return the column; None where the running user has none of this name.

        :raises OrgError: 501: the report type surely has it in a real org, but not here.
        """
        if name not in self._known:
            self._known[name] = self._make(name)
        return self._known[name]

    def filterable(self, name: str) -> Column:
        """Return the column of a filter, which must be there: without it more rows would show.

        :raises OrgError: 400.
        """
        found = self.find(name)
        if found is None:
            raise bad_filter_column(name)
        return found

    @property
    def derived(self) -> list[Column]:
        """The buckets and formulas found so far."""
        return [c for c in self._known.values() if c is not None and c.compute is not None]

    def _make(self, name: str) -> Column | None:
        bucket, formula = self._buckets.get(name), self._formulas.get(name)
        if bucket is not None:
            inner = self._base(bucket.column)
            return None if inner is None else bucket_column(bucket, inner)
        if formula is not None:
            return formula_column(formula, self._base, self._now)
        return self._base(name)

    def _base(self, name: str) -> Column | None:
        spec = self.source.type.spec(name)
        if spec is not None:
            return self.source.column(spec)
        if is_guess(self.source.type.name, name):
            raise unsupported(f"column {name} of report type {self.source.type.name}")
        return None


def is_guess(report_type: str, name: str) -> bool:
    """Whether a standard type other than LeadList may have this column: we do not know them all."""
    plain = not name.startswith(("BucketField_", "CDF"))
    return report_type != LEAD_LIST and "$" not in name and not name.endswith("__c") and plain
