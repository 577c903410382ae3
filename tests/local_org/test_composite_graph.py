"""Each graph of a composite graph request is done as a whole, whatever becomes of the others."""

import pytest

from tests.local_org.web import Web

pytestmark = pytest.mark.documented("the REST reference, Composite Graph")

GRAPH = "/composite/graph"
SOBJECTS = "/services/data/v66.0/sobjects"


@pytest.fixture
def web():
    return Web()


def node(reference, entity, **body):
    return {
        "method": "POST",
        "url": f"{SOBJECTS}/{entity}/",
        "referenceId": reference,
        "body": body,
    }


def family(graph_id, name):
    """An account and a contact of it; without a last name the contact is refused."""
    contact = {"AccountId": "@{account.id}"} | ({"LastName": name} if name else {})
    nodes = [node("account", "Account", Name=graph_id), node("contact", "Contact", **contact)]
    return {"graphId": graph_id, "compositeRequest": nodes}


def test_a_graph_that_fails_leaves_nothing_and_the_others_hold(web):
    body = {"graphs": [family("good", "Doe"), family("bad", ""), family("fine", "Roe")]}
    told = web.rest("POST", GRAPH, json=body).json()["graphs"]
    assert [(each["graphId"], each["isSuccessful"]) for each in told] == [
        ("good", True),
        ("bad", False),
        ("fine", True),
    ]
    names = web.query("SELECT LastName, Account.Name FROM Contact ORDER BY LastName")
    assert [(row["LastName"], row["Account"]["Name"]) for row in names] == [
        ("Doe", "good"),
        ("Roe", "fine"),
    ]
    assert len(web.query("SELECT Id FROM Account")) == 2


def test_nodes_answer_as_requests_of_a_composite_do(web):
    body = {"graphs": [family("good", "Doe"), family("bad", "")]}
    good, bad = web.rest("POST", GRAPH, json=body).json()["graphs"]
    account, contact = good["graphResponse"]["compositeResponse"]
    assert account["body"]["success"] is True
    assert account["httpHeaders"]["Location"] == f"{SOBJECTS}/Account/{account['body']['id']}"
    assert (contact["httpStatusCode"], contact["referenceId"]) == (201, "contact")
    undone, failed = bad["graphResponse"]["compositeResponse"]
    assert undone["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert failed["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({}, "MALFORMED_REQUEST", "The request needs the list 'graphs'"),
        (
            {"graphs": [family("a", "Doe"), family("a", "Doe")]},
            "INVALID_INPUT",
            "Every graph needs a graphId of its own",
        ),
        (
            {"graphs": [family(str(n), "Doe") for n in range(76)]},
            "LIMIT_EXCEEDED",
            "The maximum number of operations allowed is 75.",
        ),
        (
            {
                "graphs": [
                    {"graphId": str(n), "compositeRequest": [node("n", "Lead")] * 251}
                    for n in range(2)
                ]
            },
            "LIMIT_EXCEEDED",
            "The maximum number of nodes allowed in all graphs is 500.",
        ),
        (
            {
                "graphs": [
                    {
                        "graphId": "a",
                        "compositeRequest": [{"url": "/services/data/v66.0/query?q=x"}],
                    }
                ]
            },
            "INVALID_INPUT",
            "A graph takes requests for records only, got /services/data/v66.0/query?q=x",
        ),
    ],
)
@pytest.mark.inferred("limits are documented, wordings ours; settled by: each of these requests")
def test_graphs_that_cannot_be_done_are_refused(web, body, code, message):
    assert web.refusal("POST", f"/services/data/v66.0{GRAPH}", json=body) == (400, code, message)
    assert web.query("SELECT Id FROM Account") == []
