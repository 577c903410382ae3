"""Every test here says how we know what it expects, or it is not collected.

``pytest tests/local_org --collect-only -q --coverage-page docs/coverage.md`` writes the page that
tells what the local org does, file by file, and on what authority.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROVENANCE = ("recorded", "documented", "inferred")
HEAD = """\
# What the local org does, and how we know

Made from the marks of its tests; do not edit, but make it anew with
`pytest tests/local_org --collect-only -q --coverage-page docs/coverage.md`.

Test cases: {}. The sidecar never relies on an inferred behaviour without a second way.
"""
ABSENT = """\
## What is not there

The local org answers as a real org answers for a thing it does not have (`NOT_FOUND`,
`INVALID_TYPE`), or says `… is not supported by the local org`. In SOQL: `GROUP BY ROLLUP` and
`CUBE`, `DISTANCE`, `WITH DATA CATEGORY`. In events: publishing, managed subscriptions, filter
expressions of channel members, diffs of long texts. Sharing rules, Apex, workflow and flows do not
run.
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes docs/coverage.md."""
    parser.addoption("--coverage-page", type=Path, help="write what the local org's tests prove")


def provenance(item: pytest.Item) -> pytest.Mark | None:
    """Return the test's mark nearest to it; None when it has none, or two at its own level."""
    for node in reversed(item.listchain()):
        marks = [mark for mark in node.own_markers if mark.name in PROVENANCE]
        if marks:
            return marks[0] if len(marks) == 1 and marks[0].args else None
    return None


def of_the_local_org(item: pytest.Item) -> bool:
    """Whether it is a test in this folder; examples in docstrings of its tools are none."""
    return isinstance(item, pytest.Function) and HERE in item.path.parents


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse tests without exactly one provenance mark; write the page if asked to."""
    tests = [item for item in items if of_the_local_org(item)]
    unsaid = [item.nodeid for item in tests if provenance(item) is None]
    if unsaid:
        raise pytest.UsageError(
            f"expected exactly one of the marks {', '.join(PROVENANCE)}, each with its source, on: "
            + ", ".join(unsaid)
        )
    written = config.getoption("--coverage-page", None)
    if written:
        written.write_text(page(tests), encoding="utf-8")


def page(tests: list[pytest.Item]) -> str:
    """Return docs/coverage.md for these tests: a count, then a table of claims for each file."""
    marks = {item: mark for item in tests if (mark := provenance(item)) is not None}
    counts = Counter(mark.name for mark in marks.values())
    files: dict[Path, dict[str, pytest.Mark]] = defaultdict(dict)
    for item, mark in marks.items():
        files[item.path].setdefault(getattr(item, "originalname", item.name), mark)
    parts = [
        HEAD.format(", ".join(f"{counts[name]} {name}" for name in PROVENANCE)),
        *(section(path, claims, tests) for path, claims in sorted(files.items())),
        ABSENT,
    ]
    return "\n".join(parts)


def section(path: Path, claims: dict[str, pytest.Mark], tests: list[pytest.Item]) -> str:
    """Return one file's part: its claim, then its tests as sentences with their authority."""
    module = next(item.getparent(pytest.Module) for item in tests if item.path == path)
    claim = (module.obj.__doc__ or path.stem).strip() if module else path.stem
    rows = (
        f"| {sentence(name)} | {mark.name} | {str(mark.args[0]).replace('|', '/')} |"
        for name, mark in claims.items()
    )
    return "\n".join([f"## {claim}\n", "| test | mark | source |", "|---|---|---|", *rows, ""])


def sentence(name: str) -> str:
    """Return a test's name as the sentence it is."""
    return name.removeprefix("test_").replace("_", " ").capitalize()
