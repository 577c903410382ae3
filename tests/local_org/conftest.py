"""Every test here says how we know what it expects, or it is not collected.

``pytest tests/local_org --collect-only -q --coverage-pages docs`` writes the pages that tell what
the local org does, and on what authority: ``coverage.md``, and the tables of ``local-org.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_org.org import Org
from local_org.records.changes import Commit
from tests.local_org.apis import APIS
from tests.local_org.caller import Caller, new_org
from tests.local_org.coverage import (
    PROVENANCE,
    between,
    listing,
    provenance,
    tables,
    unplaced,
    unsettled,
)

HERE = Path(__file__).parent


@pytest.fixture
def org() -> Iterator[Org]:
    """A fresh org whose clock stands still."""
    org = new_org()
    yield org
    org.close()


@pytest.fixture
def admin(org: Org) -> Caller:
    """Its administrator."""
    return Caller(org)


@pytest.fixture
def commits(org: Org, monkeypatch: pytest.MonkeyPatch) -> list[Commit]:
    """The commits that reach the bus from now on."""
    told: list[Commit] = []
    publish = org.bus.publish

    def listen(commit: Commit) -> None:
        told.append(commit)
        publish(commit)

    monkeypatch.setattr(org.bus, "publish", listen)
    return told


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes the pages."""
    parser.addoption("--coverage-pages", type=Path, help="folder of coverage.md and local-org.md")


def of_the_local_org(item: pytest.Item) -> bool:
    """Whether it is a test in this folder; examples in docstrings of its tools are none."""
    return isinstance(item, pytest.Function) and HERE in item.path.parents


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse tests without exactly one provenance mark; write the pages if asked to."""
    tests = [item for item in items if of_the_local_org(item)]
    unsaid = [item.nodeid for item in tests if provenance(item) is None]
    if unsaid:
        raise pytest.UsageError(
            f"expected exactly one of the marks {', '.join(PROVENANCE)}, each with its source, on: "
            + ", ".join(unsaid)
        )
    if open_ends := list(unsettled(tests)):
        raise pytest.UsageError(
            "expected 'settled by: ...' in every inferred mark, missing on: " + ", ".join(open_ends)
        )
    pages = config.getoption("--coverage-pages", None)
    if pages:
        write(pages, tests)


def write(folder: Path, tests: list[pytest.Item]) -> None:
    """Write the list of all tests, and the tables of the guide where there is one."""
    (folder / "coverage.md").write_text(listing(tests), encoding="utf-8")
    guide = folder / "local-org.md"
    if guide.exists():
        if homeless := unplaced(tests, APIS):
            raise pytest.UsageError(f"expected in tests/local_org/apis.py: {sorted(homeless)}")
        page = between(guide.read_text(encoding="utf-8"), tables(tests, APIS))
        guide.write_text(page, encoding="utf-8")
