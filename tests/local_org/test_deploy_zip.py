"""A deploy takes the zips that real clients send, and no other."""

from __future__ import annotations

import pytest

from local_org.metadata.results import DeployOptions
from local_org.metadata.tracking import package_members, source_members
from tests.metadata.deploying import Admin, manifest, xml
from tests.metadata.packing import zipped

pytestmark = pytest.mark.documented("facts/real-clients.md 6, rules 17 to 21")

FIELD = "<fields><fullName>{}</fullName><label>S</label><type>Date</type></fields>"


def fields(*names, full_name=None):
    return {
        "package.xml": manifest(full_name, CustomField=[f"Lead.{name}" for name in names]),
        "objects/Lead.object": xml("CustomObject", "".join(FIELD.format(name) for name in names)),
    }


def destroy(*names):
    members = [f"Lead.{name}" for name in names]
    return {"package.xml": manifest(), "destructiveChanges.xml": manifest(CustomField=members)}


@pytest.fixture
def admin():
    return Admin()


def deploy(admin, body, **options):
    return admin.org.deploy(admin.session, body, DeployOptions(**options))


@pytest.mark.parametrize("root", ["", "metadata/", "zip/", "shape_1700000000/"])
def test_package_xml_may_stand_at_the_root_or_in_one_folder(admin, root):
    body = zipped({"objects/": "", **fields("A__c")}, root)
    result = deploy(admin, body)
    assert result.success, result.failures
    [message] = [m for m in result.successes if m.component_type]
    assert message.file_name == f"{root}objects/Lead.object"


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_folder_is_named_with_or_without_a_slash_and_told_as_a_folder(admin, slash):
    files = {
        "package.xml": manifest(Report=f"KPIs{slash}"),
        "reports/KPIs-meta.xml": xml("ReportFolder", "<name>KPIs</name>"),
    }
    [message] = [m for m in admin.deploy(files).successes if m.component_type]
    assert (message.component_type, message.full_name) == ("ReportFolder", "KPIs")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"no zip", "The zip file is not valid"),
        (zipped({"objects/Lead.object": ""}), "No package.xml found"),
        (zipped({"../package.xml": manifest()}), "Invalid file name in zip: ../package.xml"),
        (zipped({"package.xml": "<Package"}), "Error parsing file"),
        (
            zipped({"package.xml": "<!DOCTYPE x [<!ENTITY e 'e'>]><Package>&e;</Package>"}),
            "DOCTYPE",
        ),
    ],
    ids=["no zip", "no manifest", "traversal", "broken", "entities"],
)
def test_a_package_that_cannot_be_read_fails_as_a_whole(admin, body, problem):
    result = deploy(admin, body)
    assert result.status == "Failed"
    assert problem in result.failures[0].problem


# Packages ------------------------------------------------------------------------------------


def test_a_package_is_registered_by_its_full_name_and_its_members_accumulate(admin):
    admin.deploy(fields("A__c", full_name="Speed to Lead"))
    admin.deploy(fields("B__c", full_name="Speed to Lead"))
    members = package_members(admin.org.store, "Speed to Lead")
    assert members == {"CustomField": ["Lead.A__c", "Lead.B__c"]}


def test_a_deleted_component_leaves_its_package(admin):
    admin.deploy(fields("A__c", "B__c", full_name="Speed to Lead"))
    admin.deploy(destroy("A__c"))
    assert package_members(admin.org.store, "Speed to Lead") == {"CustomField": ["Lead.B__c"]}


def test_without_a_full_name_no_package_is_made(admin):
    admin.deploy(fields("A__c"))
    assert package_members(admin.org.store, "Speed to Lead") is None


# Source tracking -----------------------------------------------------------------------------


def tracked(admin):
    return [(m.member_name, m.revision, m.new, m.obsolete) for m in source_members(admin.org.store)]


def test_a_deployed_component_is_tracked_with_a_rising_revision(admin):
    admin.deploy(fields("A__c", "B__c"))
    assert tracked(admin) == [("Lead.A__c", 1, True, False), ("Lead.B__c", 2, True, False)]
    admin.deploy(fields("A__c"))
    assert tracked(admin) == [("Lead.B__c", 2, True, False), ("Lead.A__c", 3, False, False)]


def test_a_deleted_component_is_tracked_as_gone(admin):
    admin.deploy(fields("A__c"))
    admin.deploy(destroy("A__c"))
    assert tracked(admin) == [("Lead.A__c", 2, False, True)]


def test_a_validation_or_a_failed_deploy_is_not_tracked(admin):
    admin.deploy(fields("A__c"), check_only=True)
    admin.deploy(fields("A__c", "Bad"))
    assert tracked(admin) == []
