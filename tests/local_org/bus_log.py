"""A bus without a server: its store and clock, changes to publish, and a reader of what it tells."""

import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

import fastavro
import pytest

from local_org.clock import Clock
from local_org.events.bus import Bus
from local_org.records.changes import ChangeKind, Commit, RecordChange
from local_org.records.store import Store
from local_org.schema.registry import standard_schema
from tests.local_org import masks

START = datetime(2026, 2, 17, 4, 3, 15, 731000, tzinfo=UTC)
CHANNEL = "/data/SpeedToLead__chn"
NAMESPACE = 'xmlns="http://soap.sforce.com/2006/04/metadata"'


@dataclass(frozen=True)
class Rights:
    """What one user may do, as a value: everything, but for what is named here."""

    permissions: frozenset[str] = frozenset({"ViewAllData"})
    views_all: frozenset[str] = frozenset()
    blind_to: frozenset[str] = frozenset()
    user_id: str = "005000000000001AAA"
    custom_permissions: frozenset[str] = field(default_factory=frozenset)

    def view_all(self, entity):
        """View All Data, or View All on the object."""
        return "ViewAllData" in self.permissions or entity in self.views_all

    def field_readable(self, entity, name):
        """Every field but those named."""
        return f"{entity}.{name}" not in self.blind_to

    def readable(self, entity):
        """Every object."""
        return bool(entity)

    createable = editable = deletable = reads_every = edits_every = readable
    field_editable = field_readable


ALL = Rights()


def select(store, channel, *entities, enriched=(), expression=""):
    names = "".join(f"<enrichedFields><name>{name}</name></enrichedFields>" for name in enriched)
    names += f"<filterExpression>{escape(expression)}</filterExpression>" if expression else ""
    for entity in entities:
        body = (
            f"<PlatformEventChannelMember {NAMESPACE}>{names}<eventChannel>{channel}</eventChannel>"
            f"<selectedEntity>{entity}ChangeEvent</selectedEntity></PlatformEventChannelMember>"
        )
        name = f"{channel.replace('__', '_')}_{entity}ChangeEvent"
        store.put_document("PlatformEventChannelMember", name, body.encode())


def add_channel(store, name):
    body = (
        f"<PlatformEventChannel {NAMESPACE}><channelType>data</channelType>"
        f"<label>Speed to Lead</label></PlatformEventChannel>"
    )
    store.put_document("PlatformEventChannel", name, body.encode())


@pytest.fixture
def clock():
    return Clock(START, speed=0)


@pytest.fixture
def schema():
    return standard_schema()


@pytest.fixture
def store(schema):
    store = Store(None, schema)
    add_channel(store, "SpeedToLead__chn")
    select(store, "SpeedToLead__chn", "Lead", "Task")
    return store


@pytest.fixture
def bus(store, schema, clock):
    return Bus(store, schema, clock)


def created(number, entity="Lead", **values):
    prefix = {"Lead": "00Q", "Task": "00T", "Contact": "003"}[entity]
    record_id = f"{prefix}00000000000{number}AAA"
    after = {"Id": record_id, "Status": "New", **values}
    return RecordChange(entity, record_id, ChangeKind.CREATE, None, after, frozenset(after))


def updated(number, **values):
    record_id = f"00Q00000000000{number}AAA"
    return RecordChange(
        "Lead", record_id, ChangeKind.UPDATE, {"Id": record_id}, values, frozenset(values)
    )


def commit(bus, clock, *changes):
    done = Commit(
        at=clock.now(),
        user_id="005000000000001AAA",
        origin="com/salesforce/api/rest/66.0;client=test",
        transaction_key="00003adb-6942-447e-6033-9e8fe741230f",
        number=12279648331300,
        changes=changes,
    )
    bus.publish(done)


def read(bus, topic=CHANNEL, after=None, limit=100, access=ALL):
    start = bus.before_earliest() if after is None else after
    return bus.read(bus.topic(topic), start, limit, access)


def decoded(bus, delivery) -> dict[str, Any]:
    schema = json.loads(bus.schema_json(delivery.schema_id))
    parsed = fastavro.parse_schema(schema)
    event: Any = fastavro.schemaless_reader(io.BytesIO(delivery.payload), parsed, None)
    header = event.pop("ChangeEventHeader")
    header["names"] = masks.names(schema, header["changedFields"])
    return {"header": header, **{n: value for n, value in event.items() if value is not None}}


def events(bus, **how):
    return [decoded(bus, delivery) for delivery in read(bus, **how).deliveries]


def ids(bus, **how):
    return [event["header"]["recordIds"][0][:15] for event in events(bus, **how)]
