"""Whatever is sent to any path of the org is answered: with what was asked for, or a proper error."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.local_org.surface import description, operations
from tests.local_org.web import BASE, Web

pytestmark = pytest.mark.documented("schemathesis over the org's own routes: never a server error")
SCHEMA = schemathesis.openapi.from_dict(description())
_EXAMPLES = 10


@pytest.fixture(scope="module")
def web():
    return Web()


@pytest.mark.parametrize(("path", "method"), list(operations()))
def test_no_call_is_answered_with_a_bug(web, path, method):
    operation = SCHEMA[path][method]

    @settings(
        max_examples=_EXAMPLES,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def fuzz(data):
        case = data.draw(operation.as_strategy())
        answer = send(web, case.as_transport_kwargs(base_url=BASE))
        assert answer.status_code < 500 or is_soap_fault(answer), answer.text
        assert "UNKNOWN_EXCEPTION" not in answer.text

    fuzz()


def send(web, told):
    """Send what was drawn, in the admin's session."""
    headers = {name: value for name, value in told["headers"].items() if name == "Content-Type"}
    body = {"json": told["json"]} if "json" in told else {"content": told.get("data")}
    path = told["url"].removeprefix(BASE)
    return web.call(told["method"], path, headers=headers, params=told.get("params"), **body)


def is_soap_fault(answer):
    """Faults of SOAP are 500 by its own rules."""
    return "<soapenv:Fault>" in answer.text
