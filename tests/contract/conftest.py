"""``--org ALIAS`` asks a real org, as sf knows it, the questions that the local org is asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from simple_salesforce.api import Salesforce

from local_org.testing import RunningOrg, running_org
from tests.contract.org_under_test import OrgUnderTest, under_test


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that turns to a real org."""
    parser.addoption("--org", metavar="ALIAS", help="ask this org instead of a local one")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With ``--org``, keep the questions that a real org can be asked."""
    if config.getoption("--org", None):
        kept = [item for item in items if "asked" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


@pytest.fixture(scope="session")
def org_under_test(request: pytest.FixtureRequest) -> Iterator[OrgUnderTest]:
    """The org that is asked."""
    with under_test(request.config.getoption("--org", None)) as org:
        yield org


@pytest.fixture
def asked(org_under_test: OrgUnderTest) -> Iterator[OrgUnderTest]:
    """The org, which has forgotten everything afterwards that the question made."""
    yield org_under_test
    org_under_test.clear()


@pytest.fixture(scope="session")
def org() -> Iterator[RunningOrg]:
    """A local org for clients of their own making."""
    with running_org() as org:
        yield org


@pytest.fixture
def http(org: RunningOrg, monkeypatch: pytest.MonkeyPatch) -> Iterator[requests.Session]:
    """A connection pool that trusts the org."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", org.environment["REQUESTS_CA_BUNDLE"])
    with requests.Session() as http:
        yield http


@pytest.fixture
def salesforce(org: RunningOrg, http: requests.Session) -> Salesforce:
    """simple-salesforce, logged in as the administrator."""
    return Salesforce(
        instance_url=org.ready.instance_url,
        session_id=org.ready.access_token,
        version="66.0",
        session=http,
    )
