"""An administrator deploys, grants access and proves the journey by one flow of the stock ``cci``."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from tests.journeys.administrator import ROOT, administering

SUITES = ROOT / "robot" / "SpeedToLead" / "tests" / "api"
SESSION = re.compile(r"00D[0-9A-Za-z]{12,15}!")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What Robot has written after ``ci_e2e`` on a fresh local org."""
    with administering(tmp_path_factory.mktemp("robot")) as admin:
        admin.run("flow", "ci_e2e")
        assert admin.cci("task", "run", "robot_libdoc").returncode == 0
        yield admin.project / "results" / "robot"


def test_every_test_of_every_suite_passes(results):
    root = ET.parse(results / "output.xml").getroot()
    suites = {suite.get("name") for suite in root.iter("suite")}
    assert {path.stem.replace("_", " ").title() for path in SUITES.glob("[a-z]*.robot")} <= suites
    [total] = root.iterfind("statistics/total/stat")
    assert (int(total.get("fail", "1")), int(total.get("skip", "0"))) == (0, 0)
    assert int(total.get("pass", "0")) >= 45


def test_no_session_stands_in_what_robot_has_written(results):
    """The reports are published by the workflows."""
    for path in results.glob("*.*ml"):
        assert SESSION.search(path.read_text(encoding="utf-8")) is None, path.name


def test_the_keywords_of_the_suites_are_documented(results):
    page = (results.parents[1] / "robot" / "SpeedToLead" / "keywords.html").read_text("utf-8")
    assert all(keyword in page for keyword in ("A Completed Call On", "Merge Leads", "Hire"))
