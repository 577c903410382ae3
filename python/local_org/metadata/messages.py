"""What a deploy has to say about each component, and the status that follows from it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from local_org.metadata.markup import Problem, XmlFile
from local_org.metadata.package import Component
from local_org.metadata.results import ComponentMessage, DeployOptions, stamp

MANIFEST = "package.xml"
FAILED = "Failed"


class Messages:
    """The messages of one deploy, in the order in which they arise."""

    def __init__(self, options: DeployOptions, now: datetime) -> None:
        self.all: list[ComponentMessage] = []
        self.root = ""
        """The folder in which the zip keeps its package.xml."""
        self._options = options
        self._date = stamp(now)

    @property
    def status(self) -> str:
        """``Succeeded``, ``SucceededPartial`` or ``Failed``."""
        if all(message.success for message in self.all):
            return "Succeeded"
        taken = any(message.success and message.component_type for message in self.all)
        partial = taken and not self._options.rollback_on_error
        return "SucceededPartial" if partial else FAILED

    def blames(self, file_name: str) -> bool:
        """Tell whether something has failed in this file."""
        path = self.root + file_name
        return any(not message.success and message.file_name == path for message in self.all)

    def taken(
        self, component: Component, component_id: str, *, created: bool, changed: bool
    ) -> None:
        """Say that a component was taken."""
        kind, name, file_name = component.type_name, component.full_name, component.file_name
        self._say(kind, name, file_name, created=created, changed=changed, id=component_id)

    def deleted(self, kind: str, name: str, file_name: str, component_id: str) -> None:
        """Say that a component was deleted."""
        self._say(kind, name, file_name, changed=True, deleted=True, id=component_id)

    def manifest(self) -> None:
        """Say of package.xml itself that it was obeyed, unless it was not."""
        if not self.blames(MANIFEST):
            self._say("", MANIFEST, MANIFEST, changed=True)

    def refused(self, component: Component, problem: Problem) -> None:
        """Say why a component was refused, and where in its file."""
        kind, name, file_name = component.type_name, component.full_name, component.file_name
        self.failed(kind, name, file_name, problem, component.source)

    def failed(
        self, kind: str, name: str, file_name: str, problem: Problem, source: XmlFile | None = None
    ) -> None:
        """Say what is wrong with something, be it a component or not."""
        line, column = _place(problem, source)
        self._say(
            kind,
            name,
            file_name,
            success=False,
            problem=problem.message,
            problem_type="Error",
            line=line,
            column=column,
        )

    def warned(self, kind: str, name: str, file_name: str, message: str) -> None:
        """Say a warning, which without ``ignoreWarnings`` counts as a failure."""
        ignored = self._options.ignore_warnings
        self._say(kind, name, file_name, success=ignored, problem=message, problem_type="Warning")

    def _say(self, kind: str, name: str, file_name: str, **more: Any) -> None:
        path = self.root + file_name
        self.all.append(ComponentMessage(kind, name, path, created_date=self._date, **more))


def _place(problem: Problem, source: XmlFile | None) -> tuple[int | None, int | None]:
    """Return line and column of what is to blame, if it is a place in the file."""
    if problem.position is not None:
        return problem.position
    if problem.element is None or source is None:
        return None, None
    return source.position(problem.element)
