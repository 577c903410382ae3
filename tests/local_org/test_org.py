"""One face for every protocol: sessions, pages, describes, limits, deploys, a durable file."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest

from local_org.errors import OrgError
from local_org.metadata.results import DeployOptions
from local_org.org import Org
from tests.local_org.caller import LEAD, Caller, new_org

pytestmark = pytest.mark.documented(
    "REST API Developer Guide; facts/org-behaviour.md 1, 3; real-clients.md 5"
)

NAMESPACE = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
FIELD = f"""<CustomObject {NAMESPACE}><fields><fullName>Score__c</fullName><label>Score</label>
<precision>4</precision><required>true</required><scale>1</scale><type>Number</type></fields>
</CustomObject>"""
PACKAGE = f"""<Package {NAMESPACE}><types><members>Lead.Score__c</members><name>CustomField</name>
</types><version>66.0</version></Package>"""


def zipped(**files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/", 1).replace("_dot_", "."), text)
    return packed.getvalue()


SCORE = zipped(package_dot_xml=PACKAGE, objects__Lead_dot_object=FIELD)


def refused(call, *args, **kwargs):
    with pytest.raises(OrgError) as error:
        call(*args, **kwargs)
    return error.value.code, error.value.status


# -- sessions -------------------------------------------------------------------------------------


def test_a_token_begins_with_the_org_and_is_never_given_twice(org, admin):
    first, second = (org.login(admin.id, "x") for _ in range(2))

    assert first.startswith(f"{org.org_id[:15]}!AQ")
    assert first != second


def test_the_client_of_a_request_stands_before_the_one_that_logged_in(org, admin):
    token = org.login(admin.id, "first")

    assert org.session(token).client == "first"
    assert org.session(token, client="second").client == "second"
    assert org.session(token, api="soap/60.0").version == "60.0"


@pytest.mark.parametrize("token", ["", "nonsense", "00D000000000001!AQxyz"])
def test_an_unknown_token_is_an_invalid_session(org, token):
    assert refused(org.session, token) == ("INVALID_SESSION_ID", 401)


def test_an_expired_token_and_a_deactivated_user_are_out_at_once(org, admin):
    rep = Caller(org, "rep1@local.test")
    token = org.login(admin.id, "x")
    org.session(token)
    org.expire(token)
    admin.change("User", rep.id, IsActive=False)

    assert refused(org.session, token) == ("INVALID_SESSION_ID", 401)
    assert refused(org.session, rep.session.token) == ("INVALID_SESSION_ID", 401)


def test_a_user_without_api_enabled_is_kept_out(org, admin):
    [automated] = admin.rows("SELECT Id FROM User WHERE Alias = 'autoproc'")

    assert refused(org.session, org.login(automated["Id"], "x")) == ("API_DISABLED_FOR_ORG", 403)


def test_the_store_keeps_no_token(org, admin):
    kept = org.store.connection.execute('SELECT kind, name, body, meta FROM "$document"').fetchall()

    assert admin.session.token not in str(kept)


# -- records read ---------------------------------------------------------------------------------


def test_a_record_is_read_with_its_attributes_and_its_address_composed(org, admin):
    lead = admin.create(**LEAD, Country="US", NumberOfEmployees=5)
    record = org.get(org.session(admin.session.token, api="rest/58.0"), "Lead", lead[:15])

    assert record["attributes"] == {
        "type": "Lead",
        "url": f"/services/data/v58.0/sobjects/Lead/{lead}",
    }
    assert record["Address"]["country"] == "US"
    assert record["IsConverted"] is False
    assert record["NumberOfEmployees"] == 5


def test_records_are_retrieved_in_the_order_asked(org, admin):
    first, second = admin.create(), admin.create()
    found = org.retrieve(admin.session, "Lead", [second, "00Q00000000zzzz", first, "x"], ["Id"])

    assert [row and row["Id"] for row in found] == [second, None, first, None]


def test_what_is_not_there_is_not_found(org, admin):
    assert refused(org.get, admin.session, "Lead", "00Q00000000zzzz") == ("NOT_FOUND", 404)
    assert refused(org.get, admin.session, "Nope__c", "00Q00000000zzzz") == ("NOT_FOUND", 404)
    lead = admin.create()
    assert refused(org.get, admin.session, "Lead", lead, ["Nope"]) == ("INVALID_FIELD", 400)


# -- queries --------------------------------------------------------------------------------------


def test_an_answer_comes_in_pages_that_can_be_asked_for_again(org, admin):
    org.insert(admin.session, [("Lead", LEAD)] * 5)
    first = org.query(admin.session, "SELECT Id FROM Lead", version="60.0", batch_size=2)
    base, _, locator = first["nextRecordsUrl"].rpartition("/")
    pages = [first]
    while not pages[-1]["done"]:
        pages.append(org.query_more(admin.session, pages[-1]["nextRecordsUrl"].rpartition("/")[2]))

    assert base == "/services/data/v60.0/query"
    assert [len(page["records"]) for page in pages] == [2, 2, 1]
    assert {page["totalSize"] for page in pages} == {5}
    assert "nextRecordsUrl" not in pages[-1]
    assert org.query_more(admin.session, locator) == pages[1]


def test_a_locator_is_its_askers_own(org, admin):
    org.insert(admin.session, [("Lead", LEAD)] * 3)
    answer = org.query(admin.session, "SELECT Id FROM Lead", batch_size=2)
    locator = answer["nextRecordsUrl"].rpartition("/")[2]
    rep = Caller(org, "rep1@local.test")

    assert refused(org.query_more, rep.session, locator)[0] == "INVALID_QUERY_LOCATOR"
    assert refused(org.query_more, admin.session, "01gnonsense-2")[0] == "INVALID_QUERY_LOCATOR"


@pytest.mark.recorded("facts/org-behaviour.md 1: COUNT()")
def test_a_count_has_a_total_and_no_records(org, admin):
    admin.create()

    answer = org.query(admin.session, "select count() from Lead")
    assert answer == {"totalSize": 1, "done": True, "records": []}


def test_columns_of_a_query_are_told(org, admin):
    columns = org.query_columns(admin.session, "SELECT Id, Owner.Name FROM Lead")

    assert [column["columnName"] for column in columns] == ["Id", "Owner"]


# -- describe and limits --------------------------------------------------------------------------


def test_every_object_of_the_global_describe_can_be_described(org, admin):
    listed = org.describe_global(admin.session, "66.0")["sobjects"]

    for entry in listed:
        told = org.describe(admin.session, entry["name"], "66.0")
        assert told["fields"]
        assert {key: told[key] for key in entry if key != "urls"} == {
            key: value for key, value in entry.items() if key != "urls"
        }
    assert refused(org.describe, admin.session, "Nope", "66.0") == ("NOT_FOUND", 404)


def test_calls_count_for_a_day(org):
    for _ in range(3):
        org.count_call()
    assert org.api_usage() == (3, 15_000)
    assert org.limits()["DailyApiRequests"] == {"Max": 15_000, "Remaining": 14_997}

    org.clock.advance(timedelta(hours=25))
    assert org.api_usage() == (0, 15_000)


# -- metadata -------------------------------------------------------------------------------------


def test_a_deployed_field_can_be_written_and_read_at_once(org, admin):
    result = org.deploy(admin.session, SCORE, DeployOptions())
    assert result.success, result.failures

    lead = admin.create(**LEAD, Score__c=1.5)
    assert admin.read("Lead", lead, "Score__c") == 1.5
    assert admin.refused(**LEAD).fields == ("Score__c",)
    assert org.deploy_result(admin.session, result.id) == result
    assert org.schema is org.bus.schema is org.store.schema


def test_a_deploy_that_only_checks_changes_nothing_until_it_is_made_good(org, admin):
    checked = org.deploy(admin.session, SCORE, DeployOptions(check_only=True))
    assert checked.success
    assert admin.refused(**LEAD, Score__c=1).code == "INVALID_FIELD"

    assert org.quick_deploy(admin.session, checked.id).success
    admin.create(**LEAD, Score__c=1)


def test_metadata_is_for_those_who_may_modify_it(org):
    rep = Caller(org, "rep1@local.test")

    assert refused(org.deploy, rep.session, SCORE, DeployOptions()) == ("INSUFFICIENT_ACCESS", 403)
    assert refused(org.list_metadata, rep.session, [("CustomField", None)])[0] == (
        "INSUFFICIENT_ACCESS"
    )


def test_the_tooling_api_tells_components_as_rows(org, admin):
    org.deploy(admin.session, SCORE, DeployOptions())
    answer = org.tooling_query(admin.session, "SELECT Id, DeveloperName FROM CustomField")

    assert (answer["size"], answer["totalSize"], answer["queryLocator"]) == (1, 1, None)
    assert answer["entityTypeName"] == "CustomField"
    [row] = answer["records"]
    assert row["DeveloperName"] == "Score"
    assert "/tooling/sobjects/CustomField/" in row["attributes"]["url"]
    assert refused(org.tooling_query, admin.session, "SELECT Id FROM Lead")[0] == "INVALID_TYPE"


# -- the file -------------------------------------------------------------------------------------


def test_an_org_that_is_opened_again_has_lost_nothing(tmp_path):
    first = new_org(tmp_path)
    admin = Caller(first)
    first.deploy(admin.session, SCORE, DeployOptions())
    lead = admin.create(**LEAD, Score__c=2)
    tip, org_id, token = first.bus.tip(), first.org_id, admin.session.token
    first.close()
    again = new_org(tmp_path)
    session = again.session(token)

    assert again.org_id == org_id
    assert again.get(session, "Lead", lead)["Score__c"] == 2
    assert again.bus.tip() == tip
    assert again.insert(session, [("Lead", LEAD | {"Score__c": 1})])[0].id > lead
    assert len(again.store.select("User")) == len(PEOPLE)
    again.close()


PEOPLE = ("admin", "sidecar", "autoproc", *(f"rep{n}" for n in range(1, 7)))


def test_a_write_that_was_not_committed_is_not_in_the_file(tmp_path):
    org = new_org(tmp_path)
    admin = Caller(org)

    def fail():
        with org.unit(admin.session):
            admin.create()
            raise TimeoutError

    with pytest.raises(TimeoutError):
        fail()
    org.close()
    again = new_org(tmp_path)
    assert again.store.select("Lead") == []
    again.close()


def test_two_orgs_in_memory_share_nothing():
    one, other = Org.open(), Org.open()
    Caller(one).create()

    assert other.store.select("Lead") == []
    one.close()
    other.close()
