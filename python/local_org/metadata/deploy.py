"""A deploy: a zip that changes the schema and the rows of the org, or fails per component.

Works on a copy of the schema inside one transaction of the store. With ``rollbackOnError`` any
failure leaves nothing behind; ``checkOnly`` does everything and keeps nothing. The result is kept
in the store, so that it can be asked for again, after a restart too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from itertools import groupby

from local_org.clock import Clock
from local_org.errors import OrgError
from local_org.metadata.apex_runs import NO_TESTS, classes_to_run
from local_org.metadata.handlers import READS_TABLES, apply, rank
from local_org.metadata.markup import Problem
from local_org.metadata.messages import FAILED, MANIFEST, Messages
from local_org.metadata.package import (
    Component,
    Manifest,
    Package,
    components_in,
    full_name_of,
    read_package,
    unsupported_in,
)
from local_org.metadata.removal import Absent, remove
from local_org.metadata.results import DeployOptions, DeployResult, stamp
from local_org.metadata.tracking import leave_packages, record_sources, register_package
from local_org.metadata.types import (
    TYPES,
    children_of,
    container_of,
    file_of,
    known,
    manifest_type,
)
from local_org.metadata.work import Work
from local_org.records.store import Store
from local_org.schema.model import Schema

_DEPLOY = "$deploy"
_VALIDATION = "$validation"
VALIDATION_HOLDS = timedelta(days=10)
"""How long a validation can be deployed. Source: ``deployRecentValidation()``."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a deploy came to, and the schema it made: None when nothing was changed."""

    result: DeployResult
    schema: Schema | None


class _Undo(Exception):
    """Rolls the transaction of a deploy back."""


def deploy(  # noqa: PLR0917  # who deploys what into which org, and when
    store: Store,
    schema: Schema,
    clock: Clock,
    user_id: str,
    zip_bytes: bytes,
    options: DeployOptions,
) -> Deployment:
    """Deploy a zip to its end and keep the result under a new id ``0Af…``.

    The store has taken the new schema over when this returns; the caller's own is as it was.
    """
    deploy_id = store.next_id("0Af")
    work = Work(store, schema.copy(), clock.now(), user_id)
    run = _Run(work, options)
    with suppress(_Undo), _schema_kept(store, schema), store.transaction():
        run.everything(zip_bytes)
        if run.undone:
            raise _Undo
        store.sync(work.schema)
    user = store.row("User", user_id)
    result = DeployResult(
        id=deploy_id,
        status=run.status,
        created_date=stamp(work.now),
        created_by=user_id,
        created_by_name=str(user["Name"]) if user else "",
        check_only=options.check_only,
        ignore_warnings=options.ignore_warnings,
        rollback_on_error=options.rollback_on_error,
        completed_date=stamp(clock.now()),
        messages=tuple(run.messages.all),
        tests_asked=options.test_level not in {None, NO_TESTS},
        test_failures=run.test_failures,
    )
    store.put_document(_DEPLOY, deploy_id, result.dump())
    if options.check_only and result.success:
        store.put_document(_VALIDATION, deploy_id, zip_bytes, **asdict(options))
    return Deployment(result, None if run.undone else work.schema)


@contextmanager
def _schema_kept(store: Store, schema: Schema) -> Iterator[None]:
    """Have the store as this schema says if the deploy in the block, which alters it, is undone."""
    try:
        yield
    except BaseException:
        if store.schema is not schema:
            store.sync(schema)
        raise


def deploy_result(store: Store, deploy_id: str) -> DeployResult:
    """Return the result of a deploy.

    :raises OrgError: ``INVALID_CROSS_REFERENCE_KEY`` when there is none of this id.
    """
    found = store.document(_DEPLOY, deploy_id)
    if found is None:
        raise OrgError("INVALID_CROSS_REFERENCE_KEY", f"No deployment found with id: {deploy_id}")
    return DeployResult.load(found.body)


def quick_deploy(
    store: Store, schema: Schema, clock: Clock, user_id: str, validation_id: str
) -> Deployment:
    """Deploy what a successful validation has checked within the last ten days.

    :raises OrgError: ``INVALID_CROSS_REFERENCE_KEY`` when there is no such validation.
    """
    found = store.document(_VALIDATION, validation_id)
    oldest = stamp(clock.now() - VALIDATION_HOLDS)
    if found is None or (deploy_result(store, validation_id).completed_date or "") < oldest:
        message = f"No recent validation found with id: {validation_id}"
        raise OrgError("INVALID_CROSS_REFERENCE_KEY", message)
    options = DeployOptions(**{name: found.meta[name] for name in asdict(DeployOptions())})
    options = replace(options, check_only=False, run_tests=tuple(options.run_tests))
    return deploy(store, schema, clock, user_id, found.body, options)


class _Run:
    """The steps of one deploy."""

    def __init__(self, work: Work, options: DeployOptions) -> None:
        self.work = work
        self.options = options
        self.messages = Messages(options, work.now)
        self.test_failures: tuple[tuple[str, str], ...] = ()

    @property
    def status(self) -> str:
        """What became of it: a test that fails fails all."""
        return FAILED if self.test_failures else self.messages.status

    @property
    def undone(self) -> bool:
        """Whether nothing of it is kept."""
        return self.options.check_only or self.status == FAILED

    def everything(self, zip_bytes: bytes) -> None:
        """Read the zip, delete, add, delete again; then tell the package registry and tracking."""
        try:
            package = read_package(zip_bytes)
        except Problem as problem:
            self.messages.failed("", MANIFEST, MANIFEST, problem)
            return
        self.messages.root = package.root
        for name, manifest in package.before:
            self._delete(name, manifest)
        chosen = self._chosen(package)
        self._add(chosen)
        for name, manifest in package.after:
            self._delete(name, manifest)
        self.messages.manifest()
        self._register(package.manifest, chosen)
        record_sources(self.work)
        asked = classes_to_run(self.work.store, self.options.test_level, self.options.run_tests)
        self.test_failures = tuple((str(each.meta["id"]), each.name) for each in asked)

    # Adding ----------------------------------------------------------------------------------

    def _add(self, components: Iterable[Component]) -> None:
        """Take components in the order of dependency; those of one type may name each other."""

        def place(component: Component) -> int:
            return rank(component.type_name)

        for _, alike in groupby(sorted(components, key=place), key=place):
            self._add_alike(list(alike))

    def _add_alike(self, waiting: list[Component]) -> None:
        """Try each until none that is left can be taken; then say why."""
        if waiting[0].type_name in READS_TABLES:
            self.work.tables()
        while waiting:
            refused = [
                (component, problem)
                for component in waiting
                if (problem := self._try(component)) is not None
            ]
            if len(refused) == len(waiting):
                for component, problem in refused:
                    self.messages.refused(component, problem)
                return
            waiting = [component for component, _ in refused]

    def _try(self, component: Component) -> Problem | None:
        """Take one component, or leave everything as it was and return what is wrong with it."""
        try:
            with self.work.store.transaction():
                component_id, created, changed = apply(self.work, component)
        except Problem as problem:
            return problem
        self.messages.taken(component, component_id, created=created, changed=changed)
        return None

    def _chosen(self, package: Package) -> list[Component]:
        """Return the components that package.xml names, each once; tell which the zip lacks."""
        found = self._read(package)
        chosen: dict[tuple[str, str], Component] = {}
        for kind, members in package.manifest.types:
            if not known(kind):
                message = f"Unknown type name '{kind}' specified in package.xml"
                self.messages.failed("", MANIFEST, MANIFEST, Problem(message))
                continue
            for name, file_name in unsupported_in(package, kind, members):
                unsupported = Problem(f"{kind} is not supported by this org")
                self.messages.failed(kind, name, file_name, unsupported)
            for member in members:
                named = _named(found, kind, member)
                chosen.update({(c.type_name, c.full_name.lower()): c for c in named})
                if not named and member != "*":
                    self._missing(kind, member)
        return list(chosen.values())

    def _read(self, package: Package) -> list[Component]:
        """Return every component in the zip; a file that cannot be read is a failure."""
        found: list[Component] = []
        for file_name in package.files:
            try:
                found += components_in(file_name, package.files)
            except Problem as problem:
                self.messages.failed(*full_name_of(file_name), file_name, problem)
        return found

    def _missing(self, kind: str, member: str) -> None:
        """Say that a member named in package.xml is not in the zip, unless its file is to blame."""
        if self.options.allow_missing_files or self.messages.blames(file_of(kind, member)):
            return
        message = (
            f"An object '{member}' of type {kind} was named in package.xml, "
            "but was not found in zipped directory"
        )
        self.messages.failed(kind, member, MANIFEST, Problem(message))

    # Deleting --------------------------------------------------------------------------------

    def _delete(self, file_name: str, manifest: Manifest) -> None:
        """Delete what a destructive manifest names, users before what they use."""
        members = [(_own_type(kind, name), name) for kind, name in manifest.members()]
        for kind, name in sorted(members, key=lambda member: -rank(member[0])):
            try:
                with self.work.store.transaction():
                    component_id = remove(self.work, kind, name)
            except Problem as problem:
                self.messages.failed(kind, name, file_name, problem)
            except Absent as absent:
                self.messages.warned(kind, name, file_name, str(absent))
            else:
                leave_packages(self.work, manifest_type(kind), name)
                self.work.touched.append((kind, name, component_id, True))
                self.messages.deleted(kind, name, file_name, component_id)

    def _register(self, manifest: Manifest, chosen: list[Component]) -> None:
        """Add the members of package.xml to the package that it names, if it names one."""
        if not manifest.full_name:
            return
        taken = {(manifest_type(c.type_name), c.full_name) for c in chosen}
        named = {(kind, member) for kind, member in manifest.members() if member != "*"}
        wild = {kind for kind, member in manifest.members() if member == "*"}
        named |= {(kind, name) for kind, name in taken if kind in wild}
        register_package(self.work, manifest.full_name, sorted(named))


def _own_type(kind: str, name: str) -> str:
    """Return the type of a member: a folder is named under the type of what it holds."""
    folder_type = TYPES[kind].folder_type if kind in TYPES else None
    return folder_type if folder_type and "/" not in name else kind


def _named(found: Iterable[Component], kind: str, member: str) -> list[Component]:
    """Return the components that a line of package.xml means; an object means its children too."""
    folder_type = TYPES[kind].folder_type if kind in TYPES else None
    within = children_of(kind)
    named = []
    for component in found:
        of_kind = component.type_name in (kind, folder_type)
        child = component.type_name in within
        name = component.full_name
        if child:
            name = container_of(component.type_name, name)
        if (of_kind or child) and member in ("*", name):
            named.append(component)
    return named
