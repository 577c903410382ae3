"""What an org's setup does: deploys, retrieves, listings, single components, Tooling queries."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from lxml import etree

from local_org.clock import Clock
from local_org.errors import OrgError
from local_org.events.bus import Bus
from local_org.metadata import apex_runs, listing, retrieve, tooling
from local_org.metadata import deploy as deploys
from local_org.metadata.crud import Crud, Saved, Verb
from local_org.metadata.deploy import Deployment
from local_org.metadata.results import (
    DeployOptions,
    DeployResult,
    FileProperties,
    RetrieveRequest,
    RetrieveResult,
)
from local_org.metadata.types import MetadataType
from local_org.org.queries import tooling_answer
from local_org.org.sessions import Session
from local_org.records.store import Store
from local_org.schema.access import Access
from local_org.schema.model import Schema
from local_org.soql.run import Result, execute

_DEPLOYERS = frozenset({"ModifyMetadata", "CustomizeApplication", "ModifyAllData"})
_SETUP_READERS = _DEPLOYERS | {"ViewSetup"}


class Setup(ABC):
    """The part of an org that works on its metadata. ``Org`` is the whole."""

    store: Store
    schema: Schema
    clock: Clock
    bus: Bus

    @abstractmethod
    def access(self, session: Session) -> Access:
        """Return what the caller may see and do."""

    def deploy(self, session: Session, zip_bytes: bytes, options: DeployOptions) -> DeployResult:
        """Deploy a zip to its end; what it makes of the org holds at once."""
        user_id = self._deployer(session)
        with self.store.transaction():
            done = deploys.deploy(self.store, self.schema, self.clock, user_id, zip_bytes, options)
            self._take(done)
        return done.result

    def quick_deploy(self, session: Session, validation_id: str) -> DeployResult:
        """Deploy what a validation has checked."""
        user_id = self._deployer(session)
        with self.store.transaction():
            done = deploys.quick_deploy(self.store, self.schema, self.clock, user_id, validation_id)
            self._take(done)
        return done.result

    def _take(self, changed: Deployment | Crud) -> None:
        """Make the schema that something has made the org's own."""
        if changed.schema is None:
            return
        self.store.sync(changed.schema)
        self.schema = self.bus.schema = changed.schema
        self.bus.channels_changed()

    def deploy_result(self, session: Session, deploy_id: str) -> DeployResult:
        """Return what became of a deploy."""
        self._deployer(session)
        return deploys.deploy_result(self.store, deploy_id)

    def cancel_deploy(self, session: Session, deploy_id: str) -> DeployResult:
        """Cancel a deploy, if it were not over: every deploy here ends with the call that asks it.

        :raises OrgError: ``INVALID_ID_FIELD``: it is completed; or there is none of this id.
        """
        self.deploy_result(session, deploy_id)
        raise OrgError("INVALID_ID_FIELD", "Deployment already completed")

    def save_metadata(
        self, session: Session, verb: Verb, given: Sequence[tuple[str, etree._Element]]
    ) -> list[Saved]:
        """Create, change, or do whichever is needed; pairs of type and element, a result each."""
        with self.store.transaction():
            crud = self._crud(session)
            crud.save(verb, given)
            self._take(crud)
        return crud.results

    def delete_metadata(self, session: Session, kind: str, names: Sequence[str]) -> list[Saved]:
        """Delete components of one type."""
        with self.store.transaction():
            crud = self._crud(session)
            crud.delete(kind, names)
            self._take(crud)
        return crud.results

    def rename_metadata(self, session: Session, kind: str, old: str, name: str) -> Saved:
        """Give a component another name."""
        with self.store.transaction():
            crud = self._crud(session)
            crud.rename(kind, old, name)
            self._take(crud)
        return crud.results[0]

    def _crud(self, session: Session) -> Crud:
        return Crud(self.store, self.schema, self.clock.now(), self._deployer(session))

    def read_metadata(
        self, session: Session, kind: str, names: Sequence[str]
    ) -> list[etree._Element | None]:
        """Return components by name, in order; None where there is none."""
        self._deployer(session)
        now = self.clock.now()
        return [retrieve.read_component(self.store, self.schema, now, kind, name) for name in names]

    def retrieve_metadata(self, session: Session, request: RetrieveRequest) -> RetrieveResult:
        """Return components as a zip; the result can be asked for again."""
        user_id = self._deployer(session)
        return retrieve.retrieve(self.store, self.schema, self.clock, user_id, request)

    def retrieve_result(self, session: Session, retrieve_id: str) -> RetrieveResult:
        """Return a finished retrieve."""
        self._deployer(session)
        return retrieve.retrieve_result(self.store, retrieve_id)

    def list_metadata(
        self, session: Session, queries: Sequence[tuple[str, str | None]]
    ) -> list[FileProperties]:
        """Return the components of types, each with its folder where it has one."""
        self._deployer(session)
        return listing.list_metadata(self.store, queries)

    def describe_metadata(self) -> tuple[MetadataType, ...]:
        """Return the types of metadata the org knows."""
        return listing.describe_metadata()

    def describe_value_type(self, name: str) -> dict[str, Any]:
        """Return the elements that components of a type may hold."""
        return listing.describe_value_type(name)

    def tooling_query(
        self, session: Session, soql: str, *, version: str = "66.0"
    ) -> dict[str, Any]:
        """Return the answer of a query over the Tooling API's objects.

        :raises OrgError: ``INVALID_TYPE`` for an object that the Tooling API of this org lacks.
        """
        self._permitted(session, _SETUP_READERS)
        user = self.store.row("User", session.user_id) or {}

        def run(store: Store, schema: Schema, access: Access) -> Result:
            now, base = self.clock.now(), "tooling/sobjects"
            return execute(
                store, schema, access, soql, now=now, user=user, version=version, base=base
            )

        return tooling_answer(tooling.tooling_query(self.store, self.schema, soql, run))

    def run_tests(self, session: Session, asked: Mapping[str, Any]) -> str:
        """Ask for a run of Apex tests, which fails where there are any; return its job's id."""
        user_id = self._deployer(session)
        with self.store.transaction():
            classes = apex_runs.asked_classes(self.store, asked)
            return apex_runs.enqueue(self.store, classes, user_id, self.clock.now())

    def run_tests_now(self, session: Session, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a run of Apex tests comes to at once: nothing, or a failure per class."""
        self._deployer(session)
        return apex_runs.outcome(apex_runs.asked_classes(self.store, asked))

    def _deployer(self, session: Session) -> str:
        """Return the caller's id if they may work with metadata."""
        return self._permitted(session, _DEPLOYERS)

    def _permitted(self, session: Session, any_of: frozenset[str]) -> str:
        """Return the caller's id.

        :raises OrgError: ``INSUFFICIENT_ACCESS``: the caller has none of these permissions.
        """
        if not any_of & self.access(session).permissions:
            message = (
                "use of the Metadata API requires a user with the ModifyAllData or "
                "ModifyMetadata permissions"
            )
            raise OrgError("INSUFFICIENT_ACCESS", message, status=403)
        return session.user_id
