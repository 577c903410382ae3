"""What a deploy or retrieve is asked for and what it answers; every wire protocol writes these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any

import orjson

_TRUE = frozenset({"true", "1"})


def truth(value: object, default: bool) -> bool:
    """Read a boolean as clients send it: JSON, or text in any case; ``default`` without one.

    cci's REST deploy sends some as text. Source: facts/real-clients.md 5.10.
    """
    if value is None or value == "":
        return default
    return str(value).strip().lower() in _TRUE


def stamp(moment: datetime) -> str:
    """Return the instant as the Metadata API writes it: ``2026-11-02T10:00:00.000Z``."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _names(given: object) -> tuple[str, ...]:
    """Read names, of which there may be one, several or none."""
    listed = given if isinstance(given, list) else [given]
    return tuple(str(name) for name in listed if name)


@dataclass(frozen=True, slots=True)
class DeployOptions:
    """The options of a deploy that this org obeys."""

    allow_missing_files: bool = False
    check_only: bool = False
    ignore_warnings: bool = False
    purge_on_delete: bool = False
    rollback_on_error: bool = True
    test_level: str | None = None
    run_tests: tuple[str, ...] = ()
    """Names of the test classes of ``RunSpecifiedTests``."""

    @classmethod
    def read(cls, given: Mapping[str, object]) -> DeployOptions:
        """Read the options under the names of the Metadata API; missing ones have its defaults."""
        level = given.get("testLevel")
        return cls(
            allow_missing_files=truth(given.get("allowMissingFiles"), False),
            check_only=truth(given.get("checkOnly"), False),
            ignore_warnings=truth(given.get("ignoreWarnings"), False),
            purge_on_delete=truth(given.get("purgeOnDelete"), False),
            rollback_on_error=truth(given.get("rollbackOnError"), True),
            test_level=str(level) if level else None,
            run_tests=_names(given.get("runTests")),
        )


@dataclass(frozen=True, slots=True)
class ComponentMessage:
    """What became of one component: a success, a failure or a warning."""

    component_type: str
    full_name: str
    file_name: str
    success: bool = True
    changed: bool = False
    created: bool = False
    deleted: bool = False
    problem: str | None = None
    problem_type: str | None = None
    line: int | None = None
    column: int | None = None
    id: str | None = None
    created_date: str = ""


@dataclass(frozen=True, slots=True)
class DeployResult:
    """The state of one deploy. Dates are texts in the form of ``stamp``."""

    id: str
    status: str
    created_date: str
    created_by: str = ""
    created_by_name: str = ""
    check_only: bool = False
    ignore_warnings: bool = False
    rollback_on_error: bool = True
    completed_date: str | None = None
    messages: tuple[ComponentMessage, ...] = ()
    tests_asked: bool = False
    test_failures: tuple[tuple[str, str], ...] = ()
    """Id and name of each test class that was to run: none can."""

    @property
    def done(self) -> bool:
        """Whether the deploy has ended, well or not."""
        return self.completed_date is not None

    @property
    def success(self) -> bool:
        """Whether nothing failed."""
        return self.status == "Succeeded"

    @property
    def successes(self) -> tuple[ComponentMessage, ...]:
        """The components that were taken, ``package.xml`` among them."""
        return tuple(message for message in self.messages if message.success)

    @property
    def failures(self) -> tuple[ComponentMessage, ...]:
        """The components that were refused."""
        return tuple(message for message in self.messages if not message.success)

    @property
    def deployed(self) -> int:
        """How many components were taken, not counting the manifests."""
        return sum(1 for message in self.successes if message.component_type)

    @property
    def total(self) -> int:
        """How many components were asked for."""
        return self.deployed + len(self.failures)

    def queued(self) -> DeployResult:
        """Return the same deploy as the answer to ``deploy`` tells it: accepted, not yet begun."""
        return replace(self, status="Pending", completed_date=None, messages=())

    def dump(self) -> bytes:
        """Write the result for the store."""
        return orjson.dumps(asdict(self))

    @classmethod
    def load(cls, body: bytes) -> DeployResult:
        """Read what ``dump`` wrote."""
        told = orjson.loads(body)
        messages = tuple(ComponentMessage(**message) for message in told.pop("messages"))
        failures = tuple((class_id, name) for class_id, name in told.pop("test_failures"))
        return cls(**told, messages=messages, test_failures=failures)


@dataclass(frozen=True, slots=True)
class RetrieveRequest:
    """What to retrieve: types with their members, or whole packages by name."""

    types: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    package_names: tuple[str, ...] = ()
    single_package: bool = False
    version: str = "66.0"


@dataclass(frozen=True, slots=True)
class FileProperties:
    """One file of a retrieved zip, or one component of a listing."""

    type: str
    full_name: str
    file_name: str
    id: str
    created_by: str
    created_by_name: str
    created_date: str
    modified_by: str
    modified_by_name: str
    modified_date: str


@dataclass(frozen=True, slots=True)
class RetrieveResult:
    """The zip of a retrieve with its contents, and a message for each thing that was not found."""

    id: str
    zip_file: bytes
    files: tuple[FileProperties, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    """Pairs of file name and problem."""

    def dump(self) -> dict[str, Any]:
        """Return the result without its zip, for the store."""
        return {"files": [asdict(each) for each in self.files], "problems": list(self.problems)}

    @classmethod
    def load(cls, retrieve_id: str, zip_file: bytes, told: Mapping[str, Any]) -> RetrieveResult:
        """Read what ``dump`` wrote."""
        names = {each.name for each in fields(FileProperties)}
        files = (
            FileProperties(**{n: v for n, v in f.items() if n in names}) for f in told["files"]
        )
        problems = tuple((name, problem) for name, problem in told["problems"])
        return cls(retrieve_id, zip_file, tuple(files), problems)
