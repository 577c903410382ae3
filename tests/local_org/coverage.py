"""The pages that tell what the local org does, and how we know, made from the marks of its tests."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROVENANCE = ("recorded", "documented", "inferred")
SETTLED = "settled by:"
"""What every inferred mark says after its reason: what would settle it on a real org."""
BEGIN, END = "<!-- made from the marks of the tests: begin -->", "<!-- end -->"
HEAD = """\
# What the local org does, test by test

Made from the marks of its tests; do not edit, but make it anew with
`pytest tests/local_org --collect-only -q --coverage-pages docs`. The tables by API are in
[local-org.md](local-org.md).

Test cases: {}. The sidecar never relies on an inferred behaviour without a second way.
"""


@dataclass(frozen=True, slots=True)
class Api:
    """One API: the test files that tell what it does, what it does in part, and what it lacks."""

    files: tuple[str, ...]
    partly: tuple[tuple[str, str], ...] = ()
    """What is there in part, and what of it is not."""
    absent: tuple[tuple[str, str], ...] = ()
    """What is not there, and how the org answers for it."""


def provenance(item: pytest.Item) -> pytest.Mark | None:
    """Return the test's mark nearest to it; None when it has none, or two at its own level."""
    for node in reversed(item.listchain()):
        marks = [mark for mark in node.own_markers if mark.name in PROVENANCE]
        if marks:
            return marks[0] if len(marks) == 1 and marks[0].args else None
    return None


def claims(tests: Iterable[pytest.Item]) -> dict[Path, dict[str, pytest.Mark]]:
    """Return each file's tests by name, with their marks; parametrized ones count once."""
    found: dict[Path, dict[str, pytest.Mark]] = defaultdict(dict)
    for item in tests:
        if mark := provenance(item):
            found[item.path].setdefault(getattr(item, "originalname", item.name), mark)
    return found


def listing(tests: list[pytest.Item]) -> str:
    """Return the page that lists every test: a count, then a table for each file."""
    counts = Counter(mark.name for item in tests if (mark := provenance(item)))
    told = ", ".join(f"{counts[name]} {name}" for name in PROVENANCE)
    parts = [HEAD.format(told)]
    for path, of_file in sorted(claims(tests).items()):
        rows = (
            f"| {sentence(name)} | {mark.name} | {cell(str(mark.args[0]))} |"
            for name, mark in of_file.items()
        )
        title = f"## {claim(path, tests)}\n"
        parts.append("\n".join([title, "| test | mark | source |", "|---|---|---|", *rows, ""]))
    return "\n".join(parts)


def tables(tests: list[pytest.Item], apis: dict[str, Api]) -> str:
    """Return a table per API, then what is only inferred and what would settle it."""
    by_stem = {path.stem: (path, of_file) for path, of_file in claims(tests).items()}
    cases = Counter((item.path, mark.name) for item in tests if (mark := provenance(item)))
    parts = []
    for name, api in apis.items():
        lines = [f"### {name}\n", "| what | status | how we know |", "|---|---|---|"]
        for path, _ in (by_stem[stem] for stem in api.files):
            known = ", ".join(
                f"{count} {mark}" for mark in PROVENANCE if (count := cases[path, mark])
            )
            lines.append(f"| {cell(claim(path, tests))} | supported | {known} |")
        lines += (f"| {cell(what)} | partly: {cell(but)} | |" for what, but in api.partly)
        lines += (f"| {cell(what)} | not | {cell(answer)} |" for what, answer in api.absent)
        parts.append("\n".join([*lines, ""]))
    return "\n".join([*parts, inferred(tests)])


def inferred(tests: list[pytest.Item]) -> str:
    """Return the table of what is our best reading only."""
    lines = [
        "### What is inferred, and what would settle it on a real org\n",
        "| what | why it is inferred | settled by |",
        "|---|---|---|",
    ]
    for _, of_file in sorted(claims(tests).items()):
        for name, mark in of_file.items():
            if mark.name == "inferred":
                why, _, how = str(mark.args[0]).partition(SETTLED)
                why = why.strip().rstrip(";")
                lines.append(f"| {sentence(name)} | {cell(why)} | {cell(how.strip())} |")
    return "\n".join([*lines, ""])


def unplaced(tests: Iterable[pytest.Item], apis: dict[str, Api]) -> set[str]:
    """Return the test files that no API names, and the names that are no file."""
    return {path.stem for path in claims(tests)} ^ {f for api in apis.values() for f in api.files}


def unsettled(tests: Iterable[pytest.Item]) -> Iterator[str]:
    """Every inferred test that does not say what would settle it."""
    for item in tests:
        mark = provenance(item)
        if mark and mark.name == "inferred" and SETTLED not in str(mark.args[0]):
            yield item.nodeid


def between(page: str, tables_of_apis: str) -> str:
    """Return the guide with its tables made anew."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{tables_of_apis}\n{END}{after}"


def claim(path: Path, tests: list[pytest.Item]) -> str:
    """Return what a file claims: the first paragraph of its docstring, on one line."""
    module = next(item.getparent(pytest.Module) for item in tests if item.path == path)
    text = (module.obj.__doc__ if module else None) or path.stem
    return " ".join(text.strip().partition("\n\n")[0].split())


def sentence(name: str) -> str:
    """Return a test's name as the sentence it is."""
    return name.removeprefix("test_").replace("_", " ").capitalize()


def cell(text: str) -> str:
    """Return a text as it may stand in a table."""
    return " ".join(text.replace("|", "/").split())
