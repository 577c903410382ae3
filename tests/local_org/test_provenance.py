"""No test of the local org goes without saying how we know what it expects."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.documented("docs: every test bears exactly one provenance mark")

CONFTEST = Path(__file__).with_name("conftest.py")
MARKS = "[pytest]\nmarkers =\n" + "".join(
    f"    {mark}(source): x\n" for mark in ("recorded", "documented", "inferred")
)
SOUND = 'import pytest\n\n@pytest.mark.recorded("a capture")\ndef test_it_answers(): pass\n'


@pytest.fixture
def collect(tmp_path):
    """Return what collects a test file beside our conftest."""
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "pytest.ini").write_text(MARKS)

    def run(text, *options):
        (tmp_path / "test_it.py").write_text(text)
        command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
        return subprocess.run(
            [*command, *options],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(CONFTEST.parents[2])},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_test_with_one_mark_is_collected(collect):
    assert collect(SOUND).returncode == 0


@pytest.mark.parametrize(
    "text",
    [
        "def test_it_answers(): pass\n",
        SOUND.replace('("a capture")', ""),
        SOUND.replace("\ndef", '\n@pytest.mark.documented("a page")\ndef'),
    ],
    ids=["no mark", "no source", "two marks"],
)
def test_a_test_without_exactly_one_sourced_mark_fails_collection(collect, text):
    done = collect(text)

    assert done.returncode == 4
    assert "expected exactly one of the marks recorded, documented, inferred" in done.stderr
    assert "test_it.py::test_it_answers" in done.stderr


def test_what_is_inferred_says_what_would_settle_it(collect):
    text = SOUND.replace('recorded("a capture")', 'inferred("our reading")')
    assert "expected 'settled by: ...' in every inferred mark" in collect(text).stderr
    assert collect(text.replace("reading", "reading; settled by: a query")).returncode == 0


def test_a_mark_of_the_test_stands_before_that_of_its_file(collect, tmp_path):
    text = 'import pytest\npytestmark = pytest.mark.documented("a page")\n' + SOUND

    collect(text, "--coverage-pages", ".")

    assert "| It answers | recorded | a capture |" in (tmp_path / "coverage.md").read_text()
