"""Source tracking and the registry of unmanaged packages: what deploys leave behind.

Rules 20 and 21 of facts/real-clients.md section 6: only what was really deployed counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from local_org.metadata.results import stamp
from local_org.metadata.work import Work
from local_org.records.store import Store

_SOURCE = "$source"
_PACKAGE = "$package"


@dataclass(frozen=True, slots=True)
class SourceMember:
    """One row of the Tooling object ``SourceMember``."""

    id: str
    member_type: str
    member_name: str
    member_id: str
    revision: int
    obsolete: bool
    """IsNameObsolete: the component was deleted."""
    new: bool
    """IsNewMember: it has been deployed once."""
    changed_by: str
    modified_date: str


def source_members(store: Store) -> list[SourceMember]:
    """Every component ever deployed, in the order of its latest revision."""
    rows = (SourceMember(**orjson.loads(each.body)) for each in store.documents(_SOURCE))
    return sorted(rows, key=lambda row: row.revision)


def record_sources(work: Work) -> None:
    """Give every touched component the next revision."""
    known = {(row.member_type, row.member_name): row for row in source_members(work.store)}
    revision = max((row.revision for row in known.values()), default=0)
    for kind, name, component_id, gone in work.touched:
        revision += 1
        old = known.get((kind, name))
        row = SourceMember(
            id=old.id if old else work.store.next_id("0MZ"),
            member_type=kind,
            member_name=name,
            member_id=component_id[:15],
            revision=revision,
            obsolete=gone,
            new=old is None,
            changed_by=work.user_id,
            modified_date=stamp(work.now),
        )
        known[kind, name] = row
        work.store.put_document(_SOURCE, f"{kind}:{name}", orjson.dumps(row))


def package_members(store: Store, name: str) -> dict[str, list[str]] | None:
    """Return the members of an unmanaged package by type, or None when there is none."""
    found = store.document(_PACKAGE, name)
    return None if found is None else dict(orjson.loads(found.body))


def register_package(work: Work, name: str, members: Iterable[tuple[str, str]]) -> None:
    """Add members to a package; it is made when it does not exist, and never loses any here."""
    known = package_members(work.store, name) or {}
    for kind, member in members:
        if member not in known.setdefault(kind, []):
            known[kind].append(member)
    work.store.put_document(_PACKAGE, name, orjson.dumps(known))


def leave_packages(work: Work, kind: str, member: str) -> None:
    """Take a deleted component out of every package."""
    for package in work.store.documents(_PACKAGE):
        members = orjson.loads(package.body)
        if member in members.get(kind, ()):
            members[kind].remove(member)
            left = {k: names for k, names in members.items() if names}
            work.store.put_document(_PACKAGE, package.name, orjson.dumps(left))
