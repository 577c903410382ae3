"""Runs of Apex tests: asked for, kept, and failed, because no Apex runs in this org.

An org without classes answers as any org without tests. A class that was deployed is listed in the
run and fails with the reason, never passes. Source: Tooling API, "runTestsAsynchronous"; facts/
real-clients.md 5.8, T4. How a real org words a class that cannot run is inferred.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson

from local_org.clock import millis
from local_org.errors import OrgError
from local_org.records.store import Document, Store

REASON = "Apex does not run in this org"
_RUN = "$testrun"
_IS_TEST = re.compile(rb"@istest\b|\btestmethod\b", re.IGNORECASE)
_SPECIFIED = "RunSpecifiedTests"
_LEVELS = frozenset({"RunLocalTests", "RunAllTestsInOrg", "RunRelevantTests"})
NO_TESTS = "NoTestRun"


@dataclass(frozen=True, slots=True)
class ApexRun:
    """One run: its job, its classes with their queue items, by whom and when."""

    job_id: str
    result_id: str
    items: tuple[tuple[str, str], ...]
    """Pairs of class id and queue item id."""
    user_id: str
    at: int
    """Epoch milliseconds."""


def asked_classes(store: Store, asked: Mapping[str, Any]) -> list[Document]:
    """Return the classes that a request names: by id, by name, each test, or a level.

    :raises OrgError: ``INVALID_INPUT``, a class is not there, or nothing is named.
    """
    classes = store.documents("ApexClass")
    if asked.get("testLevel") in _LEVELS:
        return classes_to_run(store, asked["testLevel"])
    wanted = [*_listed(asked, "classids"), *_listed(asked, "classNames")]
    tests = (test for test in asked.get("tests") or () if isinstance(test, Mapping))
    wanted += [str(test.get("classId") or test.get("className") or "") for test in tests]
    if not wanted:
        raise OrgError("INVALID_INPUT", "No tests to run: expected classids, classNames or tests")
    by_key = {key: each for each in classes for key in (each.meta["id"][:15], each.name)}
    missing = [each for each in wanted if _key(each) not in by_key]
    if missing:
        raise OrgError("INVALID_INPUT", f"The class {missing[0]} does not exist")
    return [by_key[_key(each)] for each in wanted]


def classes_to_run(store: Store, level: str | None, named: Sequence[str] = ()) -> list[Document]:
    """Return the classes that a deploy at this test level would run, of those that are stored."""
    classes = store.documents("ApexClass")
    if level == _SPECIFIED:
        return [each for each in classes if each.name in named]
    return [each for each in classes if level in _LEVELS and _IS_TEST.search(each.body)]


def enqueue(store: Store, classes: Sequence[Document], user_id: str, now: datetime) -> str:
    """Keep a run of these classes, and return the id of its job, in 15 characters."""
    run = ApexRun(
        job_id=store.next_id("707"),
        result_id=store.next_id("05m"),
        items=tuple((each.meta["id"], store.next_id("709")) for each in classes),
        user_id=user_id,
        at=millis(now.replace(microsecond=0)),
    )
    store.put_document(_RUN, run.job_id, orjson.dumps(asdict(run)))
    return run.job_id[:15]


def outcome(classes: Sequence[Document]) -> dict[str, Any]:
    """Return the answer of ``runTestsSynchronous``: each class fails, none has run."""
    failures = [failure(each.meta["id"], each.name) for each in classes]
    return {
        "apexLogId": None,
        "codeCoverage": [],
        "codeCoverageWarnings": [],
        "failures": failures,
        "flowCoverage": [],
        "flowCoverageWarnings": [],
        "numFailures": len(failures),
        "numTestsRun": len(failures),
        "successes": [],
        "totalTime": 0.0,
    }


def failure(class_id: str, name: str) -> dict[str, Any]:
    """Return the failure of a class as test results tell it."""
    return {
        "id": class_id,
        "message": REASON,
        "methodName": None,
        "name": name,
        "namespace": None,
        "packageName": name,
        "seeAllData": False,
        "stackTrace": None,
        "time": 0.0,
        "type": "Class",
    }


def runs(store: Store) -> Iterator[ApexRun]:
    """Yield every run that was asked for."""
    for each in store.documents(_RUN):
        told = orjson.loads(each.body)
        yield ApexRun(**{**told, "items": tuple((a, b) for a, b in told["items"])})


def _listed(asked: Mapping[str, Any], name: str) -> list[str]:
    """Return a value that lists names with commas, or as JSON does."""
    found = asked.get(name) or asked.get(name.replace("ids", "Ids")) or ()
    parts = found.split(",") if isinstance(found, str) else found
    return [str(part).strip() for part in parts]


def _key(wanted: str) -> str:
    return wanted[:15] if wanted.startswith("01p") else wanted
