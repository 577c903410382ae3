"""Records, describes and limits come over REST in the shapes that real clients read."""

from datetime import timedelta

import pytest

from tests.local_org.caller import NOW, custom, extend
from tests.local_org.web import API, BASE, Web

pytestmark = pytest.mark.documented("facts/real-clients.md 5.2, 5.3; org-behaviour.md 1, 3")

NOT_FOUND = "The requested resource does not exist"


@pytest.fixture
def web():
    return Web()


@pytest.fixture
def keyed(web):
    """The org with an external id on Lead that need not be unique."""
    extend(web.org, fields=[custom("Key__c", length=40, external_id=True, id_lookup=True)])
    return web


def test_a_created_record_is_named_and_located(web):
    values = {"LastName": "Foo", "Company": "Acme Inc"}
    answer = web.rest("POST", "/sobjects/Lead/", json=values)
    told = answer.json()
    assert answer.status_code == 201
    assert told == {"id": told["id"], "success": True, "errors": []}
    assert answer.headers["location"] == f"{API}/sobjects/Lead/{told['id']}"
    record = web.call("GET", answer.headers["location"]).json()
    assert record["attributes"] == {"type": "Lead", "url": f"{API}/sobjects/Lead/{told['id']}"}
    assert (record["LastName"], record["Company"]) == ("Foo", "Acme Inc")


def test_a_refused_record_names_its_fields(web):
    answer = web.rest("POST", "/sobjects/Lead", json={"Company": "ACME"})
    assert answer.status_code == 400
    assert answer.json() == [
        {
            "message": "Required fields are missing: [LastName]",
            "errorCode": "REQUIRED_FIELD_MISSING",
            "fields": ["LastName"],
        }
    ]


def test_update_and_delete_answer_with_nothing(web):
    path = f"/sobjects/Lead/{web.create()}"
    changed = web.rest("PATCH", path, json={"Company": "Globex"})
    assert (changed.status_code, changed.content) == (204, b"")
    assert web.rest("GET", f"{path}?fields=Company").json()["Company"] == "Globex"
    deleted = web.rest("DELETE", path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert web.rest("GET", path).status_code == 404


def test_only_the_fields_asked_for_are_read(web):
    record = web.rest("GET", f"/sobjects/Lead/{web.create()}?fields=Company, LastName").json()
    assert set(record) == {"attributes", "Id", "Company", "LastName"} or set(record) == {
        "attributes",
        "Company",
        "LastName",
    }


def test_what_is_no_id_is_taken_for_an_external_id(web):
    told = web.refusal("GET", f"{API}/sobjects/Lead/23foo")
    text = "Provided external ID field does not exist or is not accessible: 23foo"
    assert told == (404, "NOT_FOUND", text)


@pytest.mark.parametrize("path", ["Lead/005000000000001AAA", "Lead/00Q00000000ZZZZ", "Nope__c"])
def test_a_record_that_is_not_there_is_not_found(web, path):
    assert web.refusal("GET", f"{API}/sobjects/{path}") == (404, "NOT_FOUND", NOT_FOUND)


def test_upsert_creates_then_changes(keyed):
    path = "/sobjects/Lead/Key__c/a%2Fb"
    created = keyed.rest("PATCH", path, json={"LastName": "Foo", "Company": "ACME"})
    told = created.json()
    assert created.status_code == 201
    assert told == {"id": told["id"], "success": True, "errors": [], "created": True}
    changed = keyed.rest("PATCH", path, json={"Company": "Globex"})
    assert (changed.status_code, changed.content) == (204, b"")
    record = keyed.rest("GET", path).json()
    assert (record["Id"], record["Key__c"], record["Company"]) == (told["id"], "a/b", "Globex")
    assert keyed.rest("DELETE", path).status_code == 204
    assert keyed.rest("GET", path).status_code == 404


def test_an_external_id_of_several_records_answers_with_their_urls(keyed):
    lead = {"LastName": "Foo", "Company": "ACME", "Key__c": "same"}
    urls = [f"{API}/sobjects/Lead/{keyed.create('Lead', **lead)}" for _ in range(2)]
    for method in ("GET", "DELETE"):
        answer = keyed.rest(method, "/sobjects/Lead/Key__c/same")
        assert (answer.status_code, answer.json()) == (300, urls)


def test_a_field_that_is_no_external_id_finds_nothing(web):
    text = "Provided external ID field does not exist or is not accessible: Company"
    told = web.refusal("GET", f"{API}/sobjects/Lead/Company/ACME")
    assert told == (404, "NOT_FOUND", text)


def test_a_value_from_the_path_cannot_leave_its_quotes(keyed):
    keyed.create("Lead", LastName="Foo", Company="ACME", Key__c="x")
    path = "/sobjects/Lead/Key__c/nobody' OR Key__c != '"
    assert keyed.rest("GET", path).status_code == 404


def test_the_version_root_names_the_caller_by_an_absolute_url(web):
    root = web.call("GET", "/services/data/v66.0").json()
    assert root["identity"] == f"{BASE}/id/{web.org.org_id}/{web.user_id}"
    assert root["query"] == f"{API}/query"


def test_every_listed_object_can_be_described(web):
    listed = web.rest("GET", "/sobjects").json()
    assert (listed["encoding"], listed["maxBatchSize"]) == ("UTF-8", 200)
    for entry in listed["sobjects"]:
        told = web.call("GET", entry["urls"]["describe"].replace("{version}", "66.0")).json()
        assert told["name"] == entry["name"]
        assert told["fields"]


def test_a_describe_is_not_told_again_until_the_schema_changes(web):
    first = web.rest("GET", "/sobjects/Lead/describe")
    seen = {"If-Modified-Since": first.headers["last-modified"]}
    again = web.rest("GET", "/sobjects/Lead/describe", headers=seen)
    assert (again.status_code, again.content) == (304, b"")
    web.org.clock.advance(timedelta(hours=1))
    extend(web.org, fields=[custom("New__c", length=10)])
    fresh = web.rest("GET", "/sobjects/Lead/describe", headers=seen)
    assert fresh.status_code == 200
    assert "New__c" in {field["name"] for field in fresh.json()["fields"]}


def test_basic_information_is_the_entry_of_the_global_describe(web):
    [entry] = [
        each for each in web.rest("GET", "/sobjects").json()["sobjects"] if each["name"] == "Lead"
    ]
    told = web.rest("GET", "/sobjects/lead").json()
    assert told == {"objectDescribe": entry, "recentItems": []}


def test_counts_leave_unknown_objects_out(web):
    web.create()
    told = web.rest("GET", "/limits/recordCount?sObjects=Lead,Nope__c").json()
    assert told == {"sObjects": [{"count": 1, "name": "Lead"}]}


def test_changes_of_a_period_are_told_by_id(web):
    start = (NOW - timedelta(hours=1)).isoformat()
    end = (NOW + timedelta(hours=1)).isoformat()
    period = {"start": start, "end": end}
    kept, gone = web.create(), web.create()
    web.rest("DELETE", f"/sobjects/Lead/{gone}")
    updated = web.rest("GET", "/sobjects/Lead/updated/", params=period).json()
    assert updated == {"ids": [kept], "latestDateCovered": "2026-11-02T10:00:00.000+0000"}
    deleted = web.rest("GET", "/sobjects/Lead/deleted/", params=period).json()
    assert deleted["deletedRecords"] == [
        {"id": gone, "deletedDate": "2026-11-02T10:00:00.000+0000"}
    ]


@pytest.mark.parametrize("period", [("x", "y"), ("2026-11-02T10:00:00Z", "2026-11-02T09:00:00Z")])
def test_a_period_that_is_none_is_refused(web, period):
    path = f"{API}/sobjects/Lead/updated?start={period[0]}&end={period[1]}"
    assert web.refusal("GET", path)[:2] == (400, "INVALID_REPLICATION_DATE")


def test_the_org_has_no_communities(web):
    told = web.rest("GET", "/connect/communities").json()
    assert told == {"communities": [], "total": 0}


def test_queries_answer_in_pages_of_the_size_asked_for(web):
    rows = [("Lead", {"LastName": f"N{n}", "Company": "C"}) for n in range(450)]
    web.org.insert(web.org.session(web.token), rows)
    small = {"Sforce-Query-Options": "batchSize=1"}
    soql = {"q": "SELECT Id FROM Lead"}
    page = web.rest("GET", "/query/", params=soql, headers=small).json()
    sizes = [len(page["records"])]
    while not page["done"]:
        page = web.call("GET", page["nextRecordsUrl"]).json()
        sizes.append(len(page["records"]))
    assert sizes == [200, 200, 50]
    assert "nextRecordsUrl" not in page


def test_a_query_tells_its_columns_when_asked(web):
    params = {"q": "SELECT Id, Owner.Name FROM Lead", "columns": "true"}
    columns = web.rest("GET", "/query", params=params).json()["columnMetadata"]
    assert [column["columnName"] for column in columns] == ["Id", "Owner"]
    assert [inner["columnName"] for inner in columns[1]["joinColumns"]] == ["Name"]


def test_deleted_records_are_in_query_all_only(web):
    web.rest("DELETE", f"/sobjects/Lead/{web.create()}")
    soql = {"q": "SELECT COUNT() FROM Lead"}
    assert web.rest("GET", "/query", params=soql).json()["totalSize"] == 0
    assert web.rest("GET", "/queryAll", params=soql).json()["totalSize"] == 1


def test_a_query_without_text_names_what_is_missing(web):
    status, code, message = web.refusal("GET", f"{API}/query")
    assert (status, code) == (400, "MALFORMED_REQUEST")
    assert message.endswith(": q")


@pytest.mark.documented("forcedotcom/SalesforceMobileSDK-ReactNative#183; restforce/restforce#418")
@pytest.mark.parametrize("method", ["DELETE", "GET", "PATCH", "POST", "PUT"])
def test_no_apex_class_serves_rest(web, method):
    path = "/services/apexrest/FieldCase/1"
    assert web.refusal(method, path) == (404, "NOT_FOUND", "Could not find a match for URL")
    headers = {"Authorization": ""}
    assert web.refusal(method, path, headers=headers)[1] == "INVALID_SESSION_ID"


@pytest.mark.inferred(
    "a real org has layouts for every object, this one keeps those that are deployed and lays "
    "nothing out; settled by: nothing: it is a limit of this org"
)
@pytest.mark.parametrize("kind", ["layouts", "layouts/012000000000000AAA", "compactLayouts"])
def test_layouts_of_an_object_are_not_found(web, kind):
    path = f"{API}/sobjects/Lead/describe/{kind}"
    assert web.refusal("GET", path) == (404, "NOT_FOUND", "The requested resource does not exist")
