"""The newest Salesforce CLI works against the local org unmodified."""

from __future__ import annotations

import filecmp
import shutil
from pathlib import Path

import pytest

from speed_to_lead.cci.source_format import convert

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(not shutil.which("sf"), reason="the Salesforce CLI is not on PATH"),
]
FIELD = "force-app/main/default/objects/Lead/fields/First_Response_At__c.field-meta.xml"


@pytest.fixture
def logged_in(shell):
    """A shell whose default org is the local one, by JWT."""
    shell.log_in("local", "--set-default")
    return shell


def test_login_deploy_assign_and_query(logged_in):
    deployed = logged_in.sf("project", "deploy", "start", "-d", "force-app")
    assert deployed["result"]["status"] == "Succeeded"
    assert deployed["result"]["numberComponentErrors"] == 0
    logged_in.sf("org", "assign", "permset", "-n", "Speed_to_Lead_Analyst")
    logged_in.sf("data", "create", "record", "-s", "Lead", "-v", "LastName=Foo Company='Acme Inc'")
    soql = "SELECT LastName, First_Response_At__c FROM Lead"
    found = logged_in.sf("data", "query", "-q", soql)
    [lead] = found["result"]["records"]
    assert (lead["LastName"], lead["First_Response_At__c"]) == ("Foo", None)


def test_a_broken_component_fails_with_its_name_line_and_message(logged_in):
    path = logged_in.project / FIELD
    content = path.read_text(encoding="utf-8")
    path.write_text(content.replace("<type>DateTime", "<type>Datetime"), encoding="utf-8")
    failed = logged_in.sf("project", "deploy", "start", "-d", "force-app", check=False)
    failures = failed["result"]["details"]["componentFailures"]
    [failure] = [f for f in failures if f["fullName"] == "Lead.First_Response_At__c"]
    assert "Datetime" in failure["problem"]
    assert int(failure["lineNumber"]) > 1


def test_both_converters_write_byte_identical_trees(shell, tmp_path):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    shell.sf("project", "convert", "source", "-d", str(theirs))
    convert(shell.project, ours)
    names = sorted(str(p.relative_to(theirs)) for p in theirs.rglob("*") if p.is_file())
    assert names == sorted(str(p.relative_to(ours)) for p in ours.rglob("*") if p.is_file())
    _same, different, failed = filecmp.cmpfiles(theirs, ours, names, shallow=False)
    assert (different, failed) == ([], [])
    assert "package.xml" in names
    assert Path(theirs / "objects" / "Lead.object").exists()
