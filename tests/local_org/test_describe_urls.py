"""The describes name the resources that the recorded ones name, and these answer honestly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.metadata.deploying import Admin, Wire

DATA = "/services/data/v66.0"
RECORDED = Path(__file__).parents[3] / "shared" / "data" / "describe"

pytestmark = pytest.mark.recorded("CumulusCI cassettes GET_sobjects_*_describe.yaml")


@pytest.fixture
def wire():
    return Wire(Admin())


@pytest.mark.parametrize(
    ("entity", "names"),
    [
        ("Account", {"defaultValues"}),
        ("Case", {"defaultValues", "caseArticleSuggestions", "caseRowArticleSuggestions"}),
        ("Event", {"eventSeriesUpdates"}),
        ("OpportunityContactRole", {"defaultValues"}),
        ("Lead", set()),
    ],
)
def test_an_object_has_the_urls_of_its_own(wire, entity, names):
    """Some objects have resources that others lack."""
    own = {
        "defaultValues",
        "caseArticleSuggestions",
        "caseRowArticleSuggestions",
        "eventSeriesUpdates",
    }
    urls = wire.call("GET", f"{DATA}/sobjects/{entity}/describe").json()["urls"]
    assert urls.keys() & own == names
    assert urls["layouts"] == f"{DATA}/sobjects/{entity}/describe/layouts"


@pytest.mark.skipif(not RECORDED.exists(), reason="shared/data is not beside the project")
@pytest.mark.parametrize("entity", ["Account", "Case", "Event", "Lead", "OpportunityContactRole"])
def test_no_recorded_url_is_missing(wire, entity):
    """Every name of the recorded describe's urls is there."""
    recorded = json.loads((RECORDED / f"{entity}.full.json").read_text(encoding="utf-8"))
    urls = wire.call("GET", f"{DATA}/sobjects/{entity}/describe").json()["urls"]
    assert recorded["urls"].keys() <= urls.keys()


def test_objects_with_layouts_come_first_in_the_global_describe(wire):
    """The global describe begins with what people work with, each group by name."""
    listed = wire.call("GET", f"{DATA}/sobjects").json()["sobjects"]
    layoutable = [each["layoutable"] for each in listed]
    assert layoutable == sorted(layoutable, reverse=True)
    assert "layouts" in listed[0]["urls"]
    assert [each["name"] for each in listed[:3]] == ["Account", "Campaign", "CampaignMember"]


@pytest.mark.inferred("this org has no layouts to tell of; settled by: nothing, a real org has")
@pytest.mark.parametrize(
    "path",
    [
        "Account/defaultValues",
        "Case/suggestedArticles",
        "Lead/describe/layouts",
        "Lead/quickActions",
    ],
)
def test_a_resource_that_is_named_and_not_served_is_not_found(wire, path):
    """What no fact defines answers as a thing that is not there."""
    response = wire.call("GET", f"{DATA}/sobjects/{path}")
    assert response.status_code == 404
    assert response.json()[0]["errorCode"] == "NOT_FOUND"


@pytest.mark.documented("Object Reference: OpportunityContactRole")
def test_a_role_of_a_contact_goes_with_its_opportunity():
    """Deleting the opportunity deletes the roles of its contacts."""
    admin = Admin()

    def create(entity, **values):
        [result] = admin.org.insert(admin.session, [(entity, values)])
        assert result.success, result.errors
        return result.id

    contact = create("Contact", LastName="Doe")
    opportunity = create("Opportunity", Name="One", StageName="Prospecting", CloseDate="2026-12-01")
    create("OpportunityContactRole", OpportunityId=opportunity, ContactId=contact, Role="Evaluator")
    soql = "SELECT Contact.LastName, IsPrimary FROM OpportunityContactRole"
    [role] = admin.rows(soql)
    assert role["Contact"]["LastName"] == "Doe"
    admin.org.delete(admin.session, [opportunity])
    assert admin.rows(soql) == []
