"""Components one by one: created, changed, renamed and deleted without a zip.

Each becomes the file that a deploy would bring, so that both ways judge alike.
Source: Metadata API Developer Guide, "CRUD-Based Calls"; which code answers what is partly inferred.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from lxml import etree

from local_org.errors import OrgError
from local_org.metadata.handlers import READS_TABLES, apply, is_only_kept, rank
from local_org.metadata.markup import Problem, child, new, renamed, text, written
from local_org.metadata.package import Component, components_in
from local_org.metadata.removal import Absent, remove
from local_org.metadata.tracking import leave_packages, record_sources
from local_org.metadata.types import CHILD_TYPES, TYPES, file_of, known, manifest_type
from local_org.metadata.work import Work
from local_org.records.store import Store
from local_org.schema.model import Schema

_MOST = 10
_MOST_OF = {"CustomMetadata": 200, "CustomApplication": 200}
"""How many components one call may bring. Source: as above, ``createMetadata()``."""


@dataclass(frozen=True, slots=True)
class Verb:
    """Whether a call takes components that exist, and those that do not."""

    existing: bool
    absent: bool


CREATE, UPDATE, UPSERT = Verb(False, True), Verb(True, False), Verb(True, True)


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of one component of a call; ``code`` and ``message`` say why it was refused."""

    full_name: str
    created: bool = False
    code: str | None = None
    message: str | None = None

    @property
    def success(self) -> bool:
        """Whether it was done."""
        return self.code is None


class _Refused(Exception):
    """One component is refused, with a code of its own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Crud:
    """The changes of one call; ``results`` has one entry for each component, in order."""

    def __init__(self, store: Store, schema: Schema, now: datetime, user_id: str) -> None:
        """Work on a copy of ``schema``, in the caller's transaction."""
        self._work = Work(store, schema.copy(), now, user_id)
        self.results: list[Saved] = []

    @property
    def schema(self) -> Schema | None:
        """The schema as it is afterwards; None when nothing was done."""
        return self._work.schema if any(result.success for result in self.results) else None

    def save(self, verb: Verb, given: Sequence[tuple[str, etree._Element]]) -> None:
        """Save components, given as pairs of type and element.

        :raises OrgError: ``INVALID_TYPE``, ``LIMIT_EXCEEDED``.
        """
        _check_call([kind for kind, _ in given])
        for kind, element in given:
            name = text(element, "fullName") or ""
            self._do(name, partial(self._save, verb, kind, name, element))
        self._end()

    def delete(self, kind: str, names: Sequence[str]) -> None:
        """Delete components of one type by name.

        :raises OrgError: as ``save`` does.
        """
        _check_call([kind] * len(names))
        for name in names:
            self._do(name, partial(self._delete, kind, name))
        self._end()

    def rename(self, kind: str, old: str, name: str) -> None:
        """Give a component another name; only one that is nothing but its file can be renamed.

        :raises OrgError: as ``save`` does.
        """
        _check_call([kind])
        self._do(name, partial(self._rename, kind, old, name))
        self._end()

    def _do(self, name: str, act: Callable[[], bool]) -> None:
        """Do one thing whole or not at all; it tells whether it made the component."""
        before = self._work.schema.copy()
        touched = len(self._work.touched)
        try:
            with self._work.store.transaction():
                self.results.append(Saved(name, created=act()))
                return
        except Problem as problem:
            missing = problem.message.startswith("Required field is missing")
            code = "REQUIRED_FIELD_MISSING" if missing else "FIELD_INTEGRITY_EXCEPTION"
            self.results.append(Saved(name, code=code, message=problem.message))
        except _Refused as refused:
            self.results.append(Saved(name, code=refused.code, message=refused.message))
        self._work.schema = before
        del self._work.touched[touched:]

    def _end(self) -> None:
        """Track what was done, and have the store's tables as the schema says."""
        record_sources(self._work)
        self._work.tables()

    def _save(self, verb: Verb, kind: str, name: str, element: etree._Element) -> bool:
        _check_name(name)
        exists = self._work.document(kind, name) is not None
        if exists and not verb.existing:
            raise _Refused("DUPLICATE_DEVELOPER_NAME", f"A {kind} named {name} already exists")
        if not exists and not verb.absent:
            raise _missing(kind, name)
        if kind in READS_TABLES:
            self._work.tables()
        for component in _components(kind, name, element):
            apply(self._work, component)
        return not exists

    def _delete(self, kind: str, name: str) -> bool:
        try:
            component_id = remove(self._work, kind, name)
        except Absent:
            raise _missing(kind, name) from None
        self._gone(kind, name, component_id)
        return False

    def _rename(self, kind: str, old: str, name: str) -> bool:
        _check_name(name)
        store, found = self._work.store, self._work.document(kind, old)
        if found is None:
            raise _missing(kind, old)
        if not is_only_kept(kind) or kind in CHILD_TYPES:
            raise Problem(f"Renaming a {kind} is not supported by this org")
        store.drop_document(kind, found.name)
        store.put_document(kind, name, found.body, **found.meta)
        self._gone(kind, found.name, found.meta["id"])
        self._work.touched.append((kind, name, found.meta["id"], False))
        return False

    def _gone(self, kind: str, name: str, component_id: str) -> None:
        leave_packages(self._work, manifest_type(kind), name)
        self._work.touched.append((kind, name, component_id, True))


def _missing(kind: str, name: str) -> _Refused:
    return _Refused("INVALID_CROSS_REFERENCE_KEY", f"no {kind} named {name} found")


def _check_name(name: str) -> None:
    """Refuse a name that would be a path out of the zip it is retrieved in."""
    if not name or name.startswith("/") or ".." in name.split("/"):
        raise Problem(f"Invalid fullName: {name}")


def _check_call(kinds: Sequence[str]) -> None:
    for kind in kinds:
        if not known(kind):
            raise OrgError("INVALID_TYPE", f"Unknown type name '{kind}' specified")
    most = min((_MOST_OF.get(kind, _MOST) for kind in kinds), default=_MOST)
    if len(kinds) > most:
        message = f"record limit reached. cannot submit more than {most} records into this call"
        raise OrgError("LIMIT_EXCEEDED", message)


def _components(kind: str, name: str, element: etree._Element) -> list[Component]:
    """Return what a deploy of the same would bring: the component named, then its parts."""
    path, files = file_of(kind, name), {}
    root = renamed(element, kind)
    full_name = child(root, "fullName")
    content = child(root, "content")
    if kind in TYPES and TYPES[kind].meta_file and content is not None:
        root.remove(content)
        files[path] = _decoded(content)
        path += "-meta.xml"
    if kind in CHILD_TYPES:
        element_name, container = CHILD_TYPES[kind]
        if full_name is not None:
            full_name.text = name.partition(".")[2] or name
        part, root = root, new(container)
        root.append(renamed(part, element_name))
    elif full_name is not None:
        root.remove(full_name)
    files[path] = written(deepcopy(root))
    found = components_in(file_of(kind, name), files)
    if kind in CHILD_TYPES:
        found = [each for each in found if each.type_name == kind]
    return sorted(found, key=lambda each: rank(each.type_name))


def _decoded(content: etree._Element) -> bytes:
    try:
        return base64.b64decode(content.text or "", validate=True)
    except binascii.Error:
        raise Problem("content is not Base64", content) from None
