"""The REST API tells the same event schemas as the Pub/Sub API, in two forms."""

from __future__ import annotations

import pytest

from local_org.metadata.results import DeployOptions
from tests.local_org.bus_log import select
from tests.local_org.test_deploy_objects import HIT, MINUTES, of
from tests.local_org.web import Web
from tests.metadata.packing import zipped

pytestmark = pytest.mark.documented("REST API Developer Guide, Platform Event Schema by …")
COMPACT = {"payloadFormat": "COMPACT"}


@pytest.fixture
def web():
    web = Web()
    session = web.org.session(web.token)
    files = zipped(of("Hit__e", HIT + MINUTES))
    assert web.org.deploy(session, files, DeployOptions()).success
    select(web.org.store, "ChangeEvents", "Lead")
    web.org.bus.channels_changed()
    return web


def get(web, path, **params):
    return web.rest("GET", path, params=params)


@pytest.mark.recorded("facts/org-behaviour.md 12: a schema captured from a live org")
def test_the_compact_form_is_the_avro_schema_with_its_id(web):
    """Name, namespace, type, fields and uuid, in this order; system fields first, long and text."""
    told = get(web, "/sobjects/Hit__e/eventSchema", **COMPACT).json()
    assert list(told) == ["name", "namespace", "type", "fields", "uuid"]
    assert [(each["name"], each["type"]) for each in told["fields"][:2]] == [
        ("CreatedDate", "long"),
        ("CreatedById", "string"),
    ]
    assert told["fields"][3] | {"doc": ""} == {
        "name": "Minutes__c",
        "type": ["null", "double"],
        "doc": "",
        "default": None,
    }


@pytest.mark.parametrize("event", ["Hit__e", "LeadChangeEvent"])
def test_the_id_leads_to_the_same_schema(web, event):
    """By name and by id one schema is told, which is the one that events bear."""
    told = get(web, f"/sobjects/{event}/eventSchema", **COMPACT).json()
    assert get(web, f"/event/eventSchema/{told['uuid']}", **COMPACT).json() == told
    topic = web.org.bus.topic(("/event/" if event == "Hit__e" else "/data/") + event)
    assert told["uuid"] == web.org.bus.topic_schema_id(topic)


def test_the_expanded_form_wraps_the_fields_and_writes_times_as_texts(web):
    """Without a format, data holds schema, payload and event, and channel stands beside it."""
    told = get(web, "/sobjects/Hit__e/eventSchema").json()
    data, channel = told["fields"]
    assert (told["type"], channel) == ("expanded-record", {"name": "channel", "type": "string"})
    assert [each["name"] for each in data["type"]["fields"]] == ["schema", "payload", "event"]
    payload = data["type"]["fields"][1]["type"]["fields"]
    assert [(each["name"], each["type"]) for each in payload] == [
        ("CreatedDate", "string"),
        ("CreatedById", "string"),
        ("Note__c", "string"),
        ("Minutes__c", ["null", "double"]),
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/sobjects/Miss__e/eventSchema",
        "/sobjects/ChangeEvents/eventSchema",
        "/sobjects/Lead/eventSchema",
        "/event/eventSchema/AAAAAAAAAAAAAAAAAAAAAA",
        "/event/eventSchema/nope",
    ],
)
def test_what_is_no_event_has_no_schema(web, path):
    """An unknown event, a channel, a plain object and an unknown id are not found."""
    answer = get(web, path)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_a_user_without_the_right_to_its_events_sees_no_schema(web):
    """A sales rep does not see the events of all leads, nor their schema."""
    web.as_user("rep1@local.test")
    assert get(web, "/sobjects/LeadChangeEvent/eventSchema").status_code == 404


@pytest.mark.inferred("code and text; settled by: asking a real org for another format")
def test_another_format_is_a_bad_request(web):
    """Only EXPANDED and COMPACT exist."""
    answer = get(web, "/sobjects/Hit__e/eventSchema", payloadFormat="XML")
    assert (answer.status_code, answer.json()) == (
        400,
        [
            {
                "errorCode": "INVALID_QUERY_VALUE",
                "message": "Invalid value for payloadFormat: XML",
            }
        ],
    )
