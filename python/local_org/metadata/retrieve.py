"""A retrieve: components as they were deployed, in a zip, and messages for those not there.

Source: facts/real-clients.md 5.9, M4, M5 and M7, and rule 21 of section 6; the wordings for what
is not found are inferred.
"""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from lxml import etree

from local_org.clock import Clock
from local_org.errors import OrgError
from local_org.metadata.listing import properties_of
from local_org.metadata.markup import XmlFile, add, new, renamed, tag, written
from local_org.metadata.package import write_manifest
from local_org.metadata.profiles import profile_documents
from local_org.metadata.results import FileProperties, RetrieveRequest, RetrieveResult, stamp
from local_org.metadata.tracking import package_members
from local_org.metadata.types import (
    CHILD_TYPES,
    TYPES,
    children_of,
    container_of,
    file_of,
    known,
    manifest_type,
)
from local_org.records.store import Document, Store
from local_org.schema.model import Schema

__all__ = ["RetrieveRequest", "RetrieveResult", "read_component", "retrieve", "retrieve_result"]

_RETRIEVE = "$retrieve"
_MANIFEST = "package.xml"


def retrieve(
    store: Store, schema: Schema, clock: Clock, user_id: str, request: RetrieveRequest
) -> RetrieveResult:
    """Retrieve to the end and keep the result under a new id ``09S…``.

    Components named by type stand under ``unpackaged/``, those of a package under its name; with
    ``single_package`` at the root of the zip.
    """
    run = _Run(store, schema, clock.now(), user_id, request)
    if request.types or not request.package_names:
        run.add("" if request.single_package else "unpackaged/", request.types)
    for name in request.package_names:
        run.add_package("" if request.single_package else f"{name}/", name)
    retrieve_id = store.next_id("09S")
    zip_file = _zipped(run.files, clock.now())
    result = RetrieveResult(retrieve_id, zip_file, tuple(run.properties), tuple(run.problems))
    store.put_document(_RETRIEVE, retrieve_id, zip_file, **result.dump())
    return result


def retrieve_result(store: Store, retrieve_id: str) -> RetrieveResult:
    """Return the result of a retrieve.

    :raises OrgError: ``INVALID_CROSS_REFERENCE_KEY`` when there is none of this id.
    """
    found = store.document(_RETRIEVE, retrieve_id)
    if found is None:
        raise OrgError("INVALID_CROSS_REFERENCE_KEY", f"No retrieve found with id: {retrieve_id}")
    return RetrieveResult.load(found.name, found.body, found.meta)


def read_component(
    store: Store, schema: Schema, now: datetime, kind: str, name: str
) -> etree._Element | None:
    """Return one component as ``readMetadata`` tells it, with its full name; None without one.

    :raises OrgError: ``INVALID_TYPE``, there are no components of this type.
    """
    if not known(kind):
        raise OrgError("INVALID_TYPE", f"Unknown type name '{kind}' specified")
    run = _Run(store, schema, now, "", RetrieveRequest())
    parts = list(run.named(kind, name, ()))
    if not parts:
        return None
    own = parts[0]
    root = _merged(kind, parts) if children_of(kind) else XmlFile(_told(own)).root
    for old in root.findall("{*}fullName"):
        root.remove(old)
    root.insert(0, add(new(kind), "fullName", own.name))
    if "beside" in own.meta:
        add(root, "content", base64.b64encode(own.body).decode())
    return root


def _told(document: Document) -> bytes:
    """Return the XML of a component: its file, or the one that tells of its file."""
    beside: str | None = document.meta.get("beside")
    return document.body if beside is None else beside.encode()


class _Run:
    """The files of one retrieve, and what it has to say about them."""

    def __init__(
        self, store: Store, schema: Schema, now: datetime, user_id: str, request: RetrieveRequest
    ) -> None:
        self.store = store
        self.schema = schema
        self.now = now
        self.user_id = user_id
        self.version = request.version
        self.files: dict[str, bytes] = {}
        self.properties: list[FileProperties] = []
        self.problems: list[tuple[str, str]] = []

    def add_package(self, root: str, name: str) -> None:
        """Add the members of an unmanaged package; one that the org does not have is a problem."""
        members = package_members(self.store, name)
        if members is None:
            problem = f"INVALID_CROSS_REFERENCE_KEY: No package named '{name}' found"
            self.problems.append((root + _MANIFEST, problem))
            return
        self.add(root, {kind: tuple(names) for kind, names in members.items()}, name)

    def add(
        self, root: str, types: Mapping[str, tuple[str, ...]], package: str | None = None
    ) -> None:
        """Add the named components under a root, and the package.xml that lists those found."""
        objects = _objects(self.schema, types)
        chosen: dict[tuple[str, str], Document] = {}
        for kind, member in ((k, m.rstrip("/")) for k, members in types.items() for m in members):
            if not known(kind):
                self._problem(root, f"Entity type: '{kind}' is unknown")
                continue
            named = list(self.named(kind, member, objects))
            chosen.update({(each.kind, each.name): each for each in named})
            if not named and member != "*":
                self._problem(root, f"Entity of type '{kind}' named '{member}' cannot be found")
        self._write(root, chosen.values())
        listed: dict[str, list[str]] = {}
        for each in chosen.values():
            listed.setdefault(manifest_type(each.kind), []).append(each.name)
        manifest = written(write_manifest(listed, self.version, package))
        self.files[root + _MANIFEST] = manifest
        own = Document("Package", root + _MANIFEST, manifest, self._meta())
        self.properties.append(properties_of(self.store, own, root + _MANIFEST))

    def _problem(self, root: str, problem: str) -> None:
        self.problems.append((root + _MANIFEST, problem))

    def named(self, kind: str, member: str, objects: Iterable[str]) -> Iterator[Document]:
        """Yield the components that one line of package.xml means.

        A wildcard stands for all of a type, but not for standard objects nor what lies in folders;
        an object brings its fields, rules and list views.
        """
        if kind == "Profile":
            found = profile_documents(self.store, self.schema, tuple(objects))
            yield from (d for d in found if member in ("*", d.name))
        elif kind == "CustomObject" and member == "*":
            for sobject in self.schema:
                if sobject.custom:
                    yield from self._object(sobject.name)
        elif member == "*" and not children_of(kind):
            if not TYPES.get(kind) or not TYPES[kind].in_folder:
                yield from self.store.documents(kind)
        elif kind == "CustomObject":
            yield from self._object(member)
        elif children_of(kind):
            yield from self._container(kind, member)
        else:
            folder_type = TYPES[kind].folder_type if kind in TYPES and "/" not in member else None
            document = self.store.document(folder_type or kind, member)
            if document is not None:
                yield document

    def _object(self, name: str) -> Iterator[Document]:
        """Yield an object of the org, which may have nothing of its own, and its parts."""
        sobject = self.schema.get(name)
        if sobject is not None:
            own = self.store.document("CustomObject", sobject.name)
            yield own or self._empty("CustomObject", sobject.name)
            yield from self._parts("CustomObject", sobject.name)

    def _container(self, kind: str, member: str) -> Iterator[Document]:
        """Yield what holds components and was deployed, by name or all, with what it holds."""
        for own in self.store.documents(kind):
            if member in ("*", own.name):
                yield own
                yield from self._parts(kind, own.name)

    def _parts(self, kind: str, name: str) -> Iterator[Document]:
        for child in children_of(kind):
            for each in self.store.documents(child):
                if container_of(child, each.name).lower() == name.lower():
                    yield each

    def _empty(self, kind: str, name: str) -> Document:
        return Document(kind, name, written(new(kind)), self._meta())

    def _write(self, root: str, documents: Iterable[Document]) -> None:
        """Write each file once; the children of an object stand in its file."""
        by_file: dict[str, list[Document]] = {}
        for each in documents:
            name = root + file_of(each.kind, each.name)
            by_file.setdefault(name, []).append(each)
            self.properties.append(properties_of(self.store, each, name))
        for name, parts in by_file.items():
            first = parts[0]
            container = CHILD_TYPES[first.kind][1] if first.kind in CHILD_TYPES else first.kind
            merged = bool(children_of(container))
            self.files[name] = written(_merged(container, parts)) if merged else first.body
            if "beside" in first.meta:
                self.files[f"{name}-meta.xml"] = first.meta["beside"].encode()

    def _meta(self) -> dict[str, str]:
        """Return what is told of a file that is composed here."""
        moment = stamp(self.now)
        return {
            "created_by": self.user_id,
            "created_date": moment,
            "modified_by": self.user_id,
            "modified_date": moment,
        }


def _objects(schema: Schema, types: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the objects of a request, of which profiles tell."""
    found = (schema.get(name) for name in types.get("CustomObject", ()))
    return [sobject.name for sobject in found if sobject is not None]


def _merged(container: str, parts: Iterable[Document]) -> etree._Element:
    """Return one object: its own settings and its children, in the order of their names."""
    root = new(container)
    for part in parts:
        element = XmlFile(part.body).root
        if part.kind == container:
            root.extend(list(element))
        else:
            root.append(renamed(element, CHILD_TYPES[part.kind][0]))
    root[:] = sorted(root, key=tag)
    return root


def _zipped(files: Mapping[str, bytes], now: datetime) -> bytes:
    """Return a zip of these files, dated by the org's clock."""
    packed = io.BytesIO()
    moment = (now.year, now.month, now.day, now.hour, now.minute, now.second)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, moment), files[name], zipfile.ZIP_DEFLATED)
    return packed.getvalue()
