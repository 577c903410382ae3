"""Rows of the Tooling API, composed from components and source tracking for one query.

``metadata`` does not know SOQL, so its caller brings what runs over them.
Source: facts/real-clients.md 5.8; Tooling API Objects reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from typing import TypeVar

from local_org.clock import millis
from local_org.metadata.apex_runs import REASON, runs
from local_org.metadata.tooling_entities import (
    custom_objects,
    entity_definitions,
    field_definitions,
)
from local_org.metadata.tooling_rows import OF_COMPONENTS, Row, component_rows
from local_org.metadata.tooling_schema import mentioned, tooling_schema
from local_org.metadata.tracking import source_members
from local_org.records.store import Store
from local_org.schema.access import Access
from local_org.schema.model import Schema

Answer = TypeVar("Answer")
_COVERAGE_ID = "716000000000001AAA"
_FAILED = "Failed"


class Everything:
    """May read every object here and change none: who may call the Tooling API sees all of it."""

    user_id = ""
    permissions: frozenset[str] = frozenset()
    custom_permissions: frozenset[str] = frozenset()

    def readable(self, _entity: str) -> bool:
        """Whether the object exists: always."""
        return True

    view_all = reads_every = readable

    def createable(self, _entity: str) -> bool:
        """Whether records may be created: never."""
        return False

    editable = deletable = edits_every = createable

    def field_readable(self, _entity: str, _field: str) -> bool:
        """Whether the field exists: always."""
        return True

    def field_editable(self, _entity: str, _field: str) -> bool:
        """Whether the field may be written: never."""
        return False


def tooling_query(
    store: Store, schema: Schema, soql: str, run: Callable[[Store, Schema, Access], Answer]
) -> Answer:
    """Return what ``run`` answers over a store of the tooling rows that ``soql`` may read.

    That store is gone afterwards. ``run`` reads it with the schema and access it is given.
    """
    with closing(Store(None, tooling_schema())) as tooling:
        for entity in set(mentioned(tooling.schema, soql)):
            for row in _rows(store, schema, entity):
                tooling.insert_row(entity, row)
        return run(tooling, tooling.schema, Everything())


def _rows(store: Store, schema: Schema, entity: str) -> Iterator[Row]:
    """Return the rows of an object; of one this org never has any, none."""
    if entity in OF_COMPONENTS:
        return component_rows(store, entity)
    return _ROWS[entity](store, schema) if entity in _ROWS else iter(())


def _members(store: Store, _schema: Schema) -> Iterator[Row]:
    for member in source_members(store):
        yield {
            "Id": member.id,
            "MemberIdOrName": member.member_id,
            "MemberType": member.member_type,
            "MemberName": member.member_name,
            "IsNameObsolete": int(member.obsolete),
            "IsNewMember": int(member.new),
            "RevisionCounter": member.revision,
            "RevisionNum": member.revision,
            "ChangedBy": member.changed_by,
            "LastModifiedDate": _millis(member.modified_date),
        }


def _queue_items(store: Store, _schema: Schema) -> Iterator[Row]:
    for run in runs(store):
        for class_id, item_id in run.items:
            yield {
                "Id": item_id,
                "ApexClassId": class_id,
                "Status": _FAILED,
                "ExtendedStatus": REASON,
                "ParentJobId": run.job_id[:15],
                "TestRunResultId": run.result_id,
                "CreatedDate": run.at,
                "CreatedById": run.user_id,
            }


def _run_results(store: Store, _schema: Schema) -> Iterator[Row]:
    for run in runs(store):
        yield {
            "Id": run.result_id,
            "AsyncApexJobId": run.job_id[:15],
            "UserId": run.user_id,
            "StartTime": run.at,
            "EndTime": run.at,
            "TestTime": 0,
            "Status": _FAILED if run.items else "Completed",
            "ClassesEnqueued": len(run.items),
            "ClassesCompleted": 0,
            "MethodsEnqueued": 0,
            "MethodsCompleted": 0,
            "MethodsFailed": 0,
        }


def _org_wide_coverage(_store: Store, _schema: Schema) -> Iterator[Row]:
    """Yield what an org without tests covers."""
    yield {"Id": _COVERAGE_ID, "PercentCovered": 0}


def _users(store: Store, _schema: Schema) -> Iterator[Row]:
    for user in store.select("User"):
        yield {name: user[name] for name in ("Id", "Name", "Username", "Email", "IsActive")}


_ROWS: Mapping[str, Callable[[Store, Schema], Iterator[Row]]] = {
    "ApexOrgWideCoverage": _org_wide_coverage,
    "ApexTestQueueItem": _queue_items,
    "ApexTestRunResult": _run_results,
    "CustomObject": custom_objects,
    "EntityDefinition": entity_definitions,
    "FieldDefinition": field_definitions,
    "SourceMember": _members,
    "User": _users,
}
"""Objects that are not listed have no rows: this org installs no packages and covers no code."""


def _millis(moment: str) -> int:
    """Read back what ``results.stamp`` wrote."""
    return millis(datetime.fromisoformat(moment))
