"""A composite request is its parts in order, each able to use those before it, or all or none."""

import pytest

from tests.local_org.web import API, Web

pytestmark = pytest.mark.documented("facts/real-clients.md C5, rule 23; org-behaviour.md 1")

BAD_NAME = (
    "Provided referenceId ('{}') must start with a letter or a number, and it can contain only "
    "letters, numbers and underscores ('_')."
)
LEAD = {"LastName": "Doe", "Company": "ACME"}
HALTED = [
    {
        "message": "The transaction was rolled back since another operation in the same "
        "transaction failed.",
        "errorCode": "PROCESSING_HALTED",
    }
]


@pytest.fixture
def web():
    return Web()


def part(reference, method, path, body=None, **more):
    return {"referenceId": reference, "method": method, "url": API + path, **more} | (
        {"body": body} if body is not None else {}
    )


def run(web, *parts, **options):
    answer = web.rest("POST", "/composite", json={"compositeRequest": parts, **options})
    assert answer.status_code == 200
    return answer.json()["compositeResponse"]


def test_each_part_has_its_answer_under_its_name(web):
    created, missing = run(
        web, part("new", "POST", "/sobjects/Lead", LEAD), part("gone", "GET", "/nowhere")
    )
    lead = created["body"]["id"]
    assert created == {
        "body": {"id": lead, "success": True, "errors": []},
        "httpHeaders": {"Location": f"{API}/sobjects/Lead/{lead}"},
        "httpStatusCode": 201,
        "referenceId": "new",
    }
    assert missing == {
        "body": [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}],
        "httpHeaders": {},
        "httpStatusCode": 404,
        "referenceId": "gone",
    }


def test_a_describe_that_is_known_already_is_not_told(web):
    [answer] = run(
        web,
        part(
            "refLead",
            "GET",
            "/sobjects/Lead/describe",
            httpHeaders={"If-Modified-Since": "Sat, 1 Jan 2050 00:00:01 GMT"},
        ),
    )
    assert (answer["httpStatusCode"], answer["body"]) == (304, None)
    assert "Last-Modified" in answer["httpHeaders"]


def test_urls_may_hold_blanks_and_letters_as_they_are(web):
    web.create("Lead", LastName="Müller", Company="ACME")
    counted, found = run(
        web,
        part("n", "GET", "/query/?q=select count() from Lead"),
        part("m", "GET", "/query?q=SELECT Id FROM Lead WHERE LastName = 'Müller'"),
    )
    assert counted["body"] == {"totalSize": 1, "done": True, "records": []}
    assert found["body"]["totalSize"] == 1


def test_a_part_uses_the_answers_before_it(web):
    lead, task, read = run(
        web,
        part("lead", "POST", "/sobjects/Lead", LEAD),
        part("task", "POST", "/sobjects/Task", {"WhoId": "@{lead.id}", "Subject": "Call"}),
        part("read", "GET", "/sobjects/Task/@{task.id}?fields=WhoId"),
    )
    assert read["body"]["WhoId"] == lead["body"]["id"]
    assert task["httpStatusCode"] == 201


def test_a_reference_to_nothing_halts_its_part_only(web):
    broken, good = run(
        web,
        part("broken", "PATCH", "/sobjects/Lead/@{nobody.id}", {}),
        part("good", "POST", "/sobjects/Lead", LEAD),
    )
    assert broken["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert good["httpStatusCode"] == 201


def test_all_or_none_undoes_the_parts_before_the_one_that_failed(web):
    first, second, third = run(
        web,
        part("first", "POST", "/sobjects/Lead", LEAD),
        part("second", "POST", "/sobjects/Lead", {"Company": "ACME"}),
        part("third", "POST", "/sobjects/Lead", LEAD),
        allOrNone=True,
    )
    assert second["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    for undone in (first, third):
        assert (undone["httpStatusCode"], undone["body"]) == (400, HALTED)
    assert web.query("SELECT Id FROM Lead") == []


def test_without_it_the_others_stand(web):
    run(
        web,
        part("first", "POST", "/sobjects/Lead", LEAD),
        part("second", "POST", "/sobjects/Lead", {"Company": "ACME"}),
    )
    assert len(web.query("SELECT Id FROM Lead")) == 1


def test_the_whole_counts_as_one_call(web):
    def used():
        told = web.rest("GET", "/limits").headers["sforce-limit-info"]
        return int(told.removeprefix("api-usage=").partition("/")[0])

    before = used()
    run(web, *(part(f"r{n}", "GET", "/limits") for n in range(5)))
    assert used() == before + 2


def test_a_batch_has_a_result_for_each_of_its_requests(web):
    lead = web.create()
    answer = web.rest(
        "POST",
        "/composite/batch",
        json={
            "batchRequests": [
                {"method": "PATCH", "url": f"v66.0/sobjects/Lead/{lead}", "richInput": LEAD},
                {"method": "GET", "url": "v66.0/nowhere"},
            ]
        },
    ).json()
    assert answer["hasErrors"] is True
    assert [result["statusCode"] for result in answer["results"]] == [204, 404]
    assert answer["results"][0]["result"] is None


@pytest.mark.inferred(
    "the limit is documented, its wording is ours; "
    "settled by: tests/contract/test_answers.py, more than 25 parts"
)
def test_more_than_25_parts_are_refused(web):
    parts = [part(f"r{n}", "GET", "/limits") for n in range(26)]
    told = web.refusal("POST", f"{API}/composite", json={"compositeRequest": parts})
    assert told[:2] == (400, "LIMIT_EXCEEDED")


@pytest.mark.inferred(
    "the limit is documented, its wording is ours; "
    "settled by: tests/contract/test_rest_answers.py, six queries in a composite"
)
@pytest.mark.parametrize("path", ["/query?q=SELECT Id FROM Lead", "/queryAll/?q=x"])
def test_more_than_five_queries_are_refused(web, path):
    parts = [part(f"r{n}", "GET", path) for n in range(6)]
    told = web.refusal("POST", f"{API}/composite", json={"compositeRequest": parts})
    message = "The maximum number of query and collection operations allowed is 5."
    assert told == (400, "LIMIT_EXCEEDED", message)
    assert len(run(web, *parts[:5])) == 5


@pytest.mark.inferred(
    "wording of a bad name from guardian/support-service-lambdas#1512, code and status are ours; "
    "settled by: tests/contract/test_rest_answers.py, two parts of one name, a part of a bad name"
)
@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a", "a"), "Duplicate referenceId: a"),
        (("a", "b-c"), BAD_NAME.format("b-c")),
        (("a", "_b"), BAD_NAME.format("_b")),
        (("a", None), BAD_NAME.format(None)),
    ],
)
def test_parts_that_could_not_be_told_apart_are_refused(web, names, message):
    parts = [part(name, "POST", "/sobjects/Lead", LEAD) for name in names]
    told = web.refusal("POST", f"{API}/composite", json={"compositeRequest": parts})
    assert told == (400, "INVALID_INPUT", message)
    assert web.query("SELECT Id FROM Lead") == []


@pytest.mark.documented('REST reference, "Batch Request Body": haltOnError')
@pytest.mark.parametrize(("halts", "last"), [(True, 412), (False, 201)])
def test_a_batch_that_halts_says_so_for_what_was_not_done(web, halts, last):
    requests = [
        {"method": "GET", "url": "v66.0/nowhere"},
        {"method": "Post", "url": "/v66.0/sobjects/Lead", "richInput": LEAD},
    ]
    body = {"batchRequests": requests, "haltOnError": halts}
    told = web.rest("POST", "/composite/batch", json=body).json()
    assert told["hasErrors"] is True
    assert [result["statusCode"] for result in told["results"]] == [404, last]
    done = told["results"][1]["result"]
    assert (done[0]["errorCode"] == "BATCH_PROCESSING_HALTED") if halts else done["success"]
    assert len(web.query("SELECT Id FROM Lead")) == (0 if halts else 1)


@pytest.mark.documented('REST reference, "Composite Batch": each subrequest counts')
def test_each_request_of_a_batch_counts_as_a_call(web):
    before = web.org.api_usage()[0]
    requests = [{"method": "GET", "url": "v66.0/limits"}] * 3
    web.rest("POST", "/composite/batch", json={"batchRequests": requests})
    assert web.org.api_usage()[0] == before + 3


def test_headers_that_are_no_object_halt_their_part_only(web):
    broken, good = run(
        web,
        part("broken", "GET", "/limits", httpHeaders=["If-Match"]),
        part("good", "GET", "/limits"),
    )
    assert broken["httpStatusCode"] == 400
    assert broken["body"][0]["message"] == "expected an object in 'httpHeaders'"
    assert good["httpStatusCode"] == 200
