"""The org's deploy and the package's validators are of one mind about every seeded fault."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speed_to_lead.errors import UsageError
from tests.metadata import gates
from tests.metadata.agreement import MUTATIONS, Mutation
from tests.metadata.deployed import cross_references
from tests.metadata.deploying import Admin
from tests.metadata.packing import DEFAULT, converted, project_copy
from tests.metadata.spare import ADDED

LINT = Path(__file__).parents[3] / "shared/examples/metadata/checks/semantic_lint.py"
HOUSE_RULES = re.compile(
    r": (?:R13|R14|R11 runningUser|R16 errorMessage must begin|R16 code|R17 a role|R17 status)"
)
"""What the lint asks of our own package and no org asks."""
BLAMED_ELSEWHERE = re.compile(
    "is missing|Error parsing|does not|Nope|required field|find folder|also be"
    "|Tabular|no Custom|up to|TEXT|Syntax"
)
"""Words about an element around the change, above it, or in a file that names the changed one."""


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """Return the project with the added components, for copies of it to be broken."""
    project = project_copy(tmp_path_factory.mktemp("agreement") / "project")
    for name, body in ADDED.items():
        path = project / DEFAULT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")
    return project


@pytest.fixture(scope="session")
def admin():
    """Return the administrator of an org that only validates."""
    return Admin()


@pytest.fixture
def broken(package, request):
    """Return the package with one mutation in it, and take it back afterwards."""
    mutation: Mutation = request.param
    path = package / DEFAULT / mutation.file
    before = path.read_bytes()
    mutation.apply(package)
    yield package, mutation
    path.write_bytes(before)


def deploy_problems(admin: Admin, project: Path, target: Path) -> list[str]:
    """Return what a validation of the project says; a project that no client packs is refused."""
    try:
        files = converted(project, target)
    except UsageError as error:
        return [f"Error parsing file: {error}"]
    result = admin.deploy(files, check_only=True)
    return [f"{each.full_name}: {each.problem}" for each in result.failures]


def validator_problems(project: Path, lint: Callable[[Path], list[str]]) -> list[str]:
    """Return what schema and lint say, but for the rules of the house."""
    said = [*map(str, gates.schema(project)), *lint(project / "force-app")]
    return [line for line in said if not HOUSE_RULES.search(line)]


@pytest.fixture(scope="session")
def lint():
    """Return the semantic lint of the metadata examples."""
    if not LINT.exists():
        pytest.skip("shared/examples is not beside the project")
    spec = importlib.util.spec_from_file_location("semantic_lint", LINT)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.lint


def test_the_table_seeds_at_least_sixty_faults():
    assert sum(bool(mutation.words) for mutation in MUTATIONS) >= 60
    assert len({(m.file, m.old, m.new) for m in MUTATIONS}) == len(MUTATIONS)


def test_every_judge_lets_the_untouched_package_pass(admin, package, lint, tmp_path):
    assert deploy_problems(admin, package, tmp_path / "src") == []
    assert validator_problems(package, lint) == []


@pytest.mark.parametrize("broken", MUTATIONS, indirect=True, ids=str)
def test_the_org_refuses_exactly_the_faults_and_names_them(admin, broken, tmp_path):
    project, mutation = broken
    said = "\n".join(deploy_problems(admin, project, tmp_path / "src"))
    assert mutation.words in said
    assert bool(said) == bool(mutation.words)


@pytest.mark.parametrize("broken", MUTATIONS, indirect=True, ids=str)
def test_the_validators_pass_the_same_verdict_as_far_as_they_can_see(broken, lint):
    project, mutation = broken
    said = validator_problems(project, lint)
    seen = bool(mutation.words) and not mutation.only_the_org
    assert bool(said) == seen, said
    for finding in gates.schema(project):
        assert finding.path == f"{DEFAULT}/{mutation.file}"
        assert mutation.words in finding.message


@pytest.mark.parametrize("broken", [m for m in MUTATIONS if m.words], indirect=True, ids=str)
def test_what_the_org_refuses_is_told_of_a_source_file_and_line(broken):
    project, mutation = broken
    changed = f"{DEFAULT}/{mutation.file}"
    said = (*gates.schema(project), *cross_references(project))
    found = {(f.path, f.line) for f in said if mutation.words in f.message}
    assert found
    if BLAMED_ELSEWHERE.search(mutation.words):
        assert all((project / path).is_file() for path, _ in found)
    else:
        before, _, _ = (project / changed).read_text(encoding="utf-8").partition(mutation.new)
        assert found == {(changed, before.count("\n") + 1)}
