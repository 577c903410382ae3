"""Merging: one record stays, up to two others go, and what hangs on them moves to the one.

Source: SOAP API Developer Guide, "merge()"; facts/ttfr.md 11.2, pubsub-cdc.md 2.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from local_org.errors import OrgError
from local_org.records.blueprint import Blueprint
from local_org.records.draft import access_refused, cannot_update_converted_lead
from local_org.records.recycle import RecycleBin
from local_org.records.results import MergeResult, Unit
from local_org.records.writing import Writer

_MOST_LOSERS: Final = 2


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """Which record stays, with which values, and which records go."""

    entity: str
    master_id: str
    loser_ids: tuple[str, ...]
    values: Mapping[str, Any] = field(default_factory=dict)
    """Values that the master takes, as of an update; what it does not name stays as it is."""


class Merging:
    """Merges records of one store."""

    def __init__(self, writer: Writer, bin_: RecycleBin) -> None:
        self._writer = writer
        self._bin = bin_

    def merge(self, unit: Unit, request: MergeRequest) -> MergeResult:
        """Merge; losers are deleted first, so that the master may take a unique value of theirs.

        Children move without triggers, so that no change event tells of them.

        :raises OrgError: the object cannot be merged, the caller may not, or a record is not there.
        """
        blueprint = self._writer.admitted(unit, request.entity)
        if not blueprint.sobject.mergeable or blueprint.name == "Task":
            text = f"entity type does not support merge: {blueprint.name}"
            raise OrgError("INVALID_TYPE_FOR_OPERATION", text)
        if not (unit.access.editable(blueprint.name) and unit.access.deletable(blueprint.name)):
            raise access_refused()
        master = self._writer.existing(unit, blueprint, request.master_id)
        losers = list(self._losers(unit, blueprint, request.loser_ids, master["Id"]))
        _check_converted(master, *losers)
        moved = [
            child_id
            for loser in losers
            for child_id in self._reparent(unit, blueprint, loser["Id"], master["Id"])
        ]
        for loser in losers:
            self._bin.retire(unit, blueprint, loser, MasterRecordId=master["Id"])
        unit.verified.clear()
        self._writer.change(unit, blueprint.name, master["Id"], request.values)
        merged = tuple(loser["Id"] for loser in losers)
        return MergeResult(
            True, master["Id"], merged_ids=merged, updated_related_ids=tuple(dict.fromkeys(moved))
        )

    def _losers(
        self, unit: Unit, blueprint: Blueprint, ids: Sequence[str], master_id: str
    ) -> Iterator[dict[str, Any]]:
        """Yield the rows of the records that go, each once."""
        if not 1 <= len(ids) <= _MOST_LOSERS:
            text = f"expected one or two records to merge into the master record, got {len(ids)}"
            raise OrgError("INVALID_OPERATION", text)
        seen = {master_id}
        for record_id in ids:
            row = self._writer.existing(unit, blueprint, record_id)
            if row["Id"] in seen:
                text = f"a record cannot be merged with itself: {row['Id']}"
                raise OrgError("INVALID_OPERATION", text)
            seen.add(row["Id"])
            yield row

    def _reparent(
        self, unit: Unit, blueprint: Blueprint, loser_id: str, master_id: str
    ) -> Iterator[str]:
        """Move the children of a record; yield the ids of those that the caller may see."""
        for relation, child, rows in self._bin.children(blueprint, loser_id):
            if relation.field == "MasterRecordId":
                continue
            for row in rows:
                self._writer.repoint(unit, child, row["Id"], **{relation.field: master_id})
                if unit.access.readable(child.name):
                    yield row["Id"]


def _check_converted(*rows: Mapping[str, Any]) -> None:
    """Refuse leads that are converted already."""
    if any(row.get("IsConverted") for row in rows):
        raise cannot_update_converted_lead()
