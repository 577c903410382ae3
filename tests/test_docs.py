"""What the documents tell to run exists, and what can be run offline is run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHOWN = re.compile(r"^```sh\n([^\n]*)\n```\n\n```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
OFFLINE = ("speed-to-lead policy check", "speed-to-lead policy show", "speed-to-lead policy test")
GROUPS = {"policy", "quarantine"}
"""Commands of the sidecar that hold commands."""
INTERACTIVE = {"sf org login web"}
"""What only a person at a browser can run; all else that sf is told to do stands in the guide."""
GUIDE = "local-org.md"
"""Its commands are run, one after the other, by tests/clients/test_guide.py."""
KEYS = ROOT / "tests" / "journeys" / "test_auth.py"
"""The journey that makes key and certificate as docs/install.md says."""
POLICY = ROOT / "python" / "speed_to_lead" / "demo" / "policy.json"


def commands():
    """Every command line in a shell block, with its document; those of the guide are all run."""
    for document in DOCUMENTS:
        if document.name == GUIDE:
            continue
        for block in BLOCK.findall(document.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                if line.strip() and not line.startswith("#"):
                    yield pytest.param(
                        line.strip().removesuffix(" &"), id=f"{document.name}: {line.strip()}"
                    )


def run(*command, check=True):
    binaries = Path(sys.executable).parent
    program, *arguments = command
    return subprocess.run(
        [str(binaries / program), *arguments], capture_output=True, text=True, check=check, cwd=ROOT
    )


def menu():
    """What cumulusci.yml offers."""
    return yaml.safe_load((ROOT / "cumulusci.yml").read_text(encoding="utf-8"))


def outputs():
    """Every offline command whose output is shown, with that output."""
    for document in DOCUMENTS:
        for line, shown in SHOWN.findall(document.read_text(encoding="utf-8")):
            if line.startswith(OFFLINE):
                yield pytest.param(line, shown, id=f"{document.name}: {line}")


@pytest.mark.parametrize(("line", "shown"), list(outputs()))
def test_a_shown_output_is_what_the_command_says(line, shown):
    words = shlex.split(line)
    words[3] = str(POLICY)
    assert run(*words).stdout.strip() == shown.strip()


@pytest.mark.parametrize("line", list(commands()))
def test_a_documented_command_exists(line):
    words = shlex.split(line.removeprefix('eval "$(').removesuffix(')"'))
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    elif words[0] == "sf":
        assert " ".join(words[:4]) in INTERACTIVE
    elif words[0] == "openssl":
        assert f'"openssl", "{words[1]}"' in KEYS.read_text(encoding="utf-8")
    elif words[:2] == ["cci", "org"]:
        run("cci", *words[1:3], "--help")
    elif words[0] == "cci":
        assert words[3] in {"dev_org", "qa_org"} | menu()[f"{words[1]}s"].keys()
    elif words[:2] == ["python", "-m"]:
        assert (ROOT / Path(*words[2].split("."))).with_suffix(".py").exists()
    elif line.startswith(OFFLINE):
        words[3] = str(POLICY)
        run(*words)
    elif words[0] in {"speed-to-lead", "local-org"}:
        told = run(words[0], *(words[1:3] if words[1] in GROUPS else words[1:2]), "--help").stdout
        for option in (word.split("=")[0] for word in words if word.startswith("--")):
            assert option in told
    else:
        pytest.fail(f"no way to check {words[0]!r}: teach this test")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_a_link_leads_to_a_file(document):
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def test_the_coverage_pages_are_what_the_marks_say(tmp_path):
    names = ("coverage.md", "local-org.md")
    shipped = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in names}
    (tmp_path / "local-org.md").write_text(shipped["local-org.md"], encoding="utf-8")
    run("pytest", "tests/local_org", "--collect-only", "-q", "--coverage-pages", str(tmp_path))
    for name in names:
        made = (tmp_path / name).read_text(encoding="utf-8")
        assert made == shipped[name], f"{name}: make it anew as docs/coverage.md says"
