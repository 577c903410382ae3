"""Stock CumulusCI deploys the package to the local org, tells what is wrong, and runs the suites."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytestmark = [pytest.mark.clients]

DEFAULT = "force-app/main/default"
REPORT = f"{DEFAULT}/reports/SalesOpsKPIs/Lead_TTFR.report-meta.xml"
FIELD = f"{DEFAULT}/objects/Lead/fields/First_Response_At__c.field-meta.xml"


@pytest.fixture
def plain(shell):
    """The shell without the Salesforce CLI on PATH: our own converter is used."""
    kept = [p for p in shell.environment["PATH"].split(":") if not (Path(p) / "sf").exists()]
    shell.environment["PATH"] = ":".join(kept)
    return shell


def test_flows_deploy_and_the_robot_suites_pass_without_the_salesforce_cli(plain):
    plain.cci("flow", "run", "dev_org", "--org", "local")
    plain.cci("flow", "run", "qa_org", "--org", "local")
    plain.cci("flow", "run", "ci_feature", "--org", "local")
    plain.cci("task", "run", "assign_admin_access", "--org", "local")
    plain.cci("task", "run", "assign_sidecar_access", "--org", "local")
    done = plain.cci("task", "run", "robot_api", "--org", "local")
    assert "0 failed" in done.stdout


@pytest.mark.skipif(not shutil.which("sf"), reason="the Salesforce CLI is not on PATH")
def test_the_end_to_end_flow_passes_with_the_salesforce_cli(shell):
    shell.cci("task", "run", "connect_local_org")
    shell.cci("flow", "run", "ci_e2e", "--org", "local")


def swap(path: Path, old: str, new: str) -> None:
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (
            FIELD,
            "<required>false</required>",
            "<requierd>false</requierd>",
            "Element requierd invalid at this location in type CustomField",
        ),
        (FIELD, "<type>DateTime</type>", "<type>Datetime</type>", "Datetime"),
        (
            REPORT,
            "<field>Lead.First_Response_User__c</field>",
            "<field>Lead.First_Responder__c</field>",
            "Lead.First_Responder__c",
        ),
    ],
    ids=["unknown element", "wrong enum", "undeployed field in a report"],
)
def test_a_broken_component_fails_with_its_name_line_and_message(plain, file, old, new, words):
    swap(plain.project / file, old, new)
    plain.cci("task", "run", "dx_convert_from", "-o", "src_dir", "src")
    done = plain.cci("task", "run", "deploy", "--org", "local", "--path", "src", check=False)
    assert done.returncode != 0
    told = " ".join((done.stdout + done.stderr).split())
    component = "Lead_TTFR" if file == REPORT else "First_Response_At__c"
    assert component in told
    assert words in told
    assert "on line" in told


def test_a_missing_report_folder_fails_in_the_words_of_the_platform(plain):
    (plain.project / DEFAULT / "reports" / "SalesOpsKPIs.reportFolder-meta.xml").unlink()
    plain.cci("task", "run", "dx_convert_from", "-o", "src_dir", "src")
    done = plain.cci("task", "run", "deploy", "--org", "local", "--path", "src", check=False)
    assert done.returncode != 0
    assert "Cannot find folder:SalesOpsKPIs" in " ".join((done.stdout + done.stderr).split())
