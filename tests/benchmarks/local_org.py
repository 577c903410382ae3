"""``python -m tests.benchmarks.local_org [leads] [tasks]``: the bars of the local org, as a table.

Over the wire: start, inserts, events and a scratch org, of a process of its own. In this process:
a large org written through the org's own write path, its memory, and what queries and a report over
it take, beside SQL written by hand for the same tables. Nothing here asserts a time.
"""

from __future__ import annotations

import asyncio
import platform
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc
import grpc.aio
import httpx

from local_org.server.ready import Ready
from local_org.testing import running_org
from pubsub_api import pubsub_api_pb2 as pb
from pubsub_api import pubsub_api_pb2_grpc
from speed_to_lead.demo.actors import API
from tests.journeys.stage import prepared_org
from tests.local_org.caller import Caller
from tests.local_org.desk import Desk, grouped
from tests.local_org.pubsub_client import give_channel

ROOT = Path(__file__).parents[2]
LEADS, TASKS = 100_000, 500_000
WIRE_ROWS = 20_000
BATCH = 200
PAGE = 100
PENDING = 2000
"""Events that the subscriber has asked for in advance: the org need never wait for it."""
SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other", None)
STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Not Converted")


@dataclass(frozen=True)
class Line:
    """A row of the table; ``peer`` and ``bar`` are empty where there is none."""

    what: str
    ours: str
    peer: str = ""
    bar: str = ""


def main() -> int:
    """Measure everything and print the table."""
    sizes = [int(word) for word in sys.argv[1:3]]
    leads, tasks = (*sizes, *(LEADS, TASKS)[len(sizes) :])
    with TemporaryDirectory() as name:
        lines = [*measure_wire(Path(name)), *measure_volume(leads, tasks)]
    print(f"Python {platform.python_version()}, {leads:,} leads, {tasks:,} tasks; one run\n")
    print("| | the local org | SQL by hand | bar |")
    print("|---|---:|---:|---:|")
    for line in lines:
        print(f"| {line.what} | {line.ours} | {line.peer} | {line.bar} |")
    return 0


# -- over the wire --------------------------------------------------------------------------------


def measure_wire(directory: Path) -> Iterator[Line]:
    """Give the figures of a process that is reached as a real org is."""
    began = time.perf_counter()
    with running_org() as org:
        ready_after = time.perf_counter() - began
        yield Line("start of a process until it is ready", seconds(ready_after), bar="1.5 s")
        with client_of(org.ready) as http:
            took = timed(lambda: insert_leads(http, WIRE_ROWS))
            yield Line("inserts through Collections", rate(WIRE_ROWS, took), bar="5,000/s")
            sign_up = {"Edition": "Developer", "OrgName": "Bench", "DurationDays": 1}
            took = timed(lambda: post(http, "/sobjects/ScratchOrgInfo", sign_up))
            yield Line("creation of a scratch org", seconds(took))
    with prepared_org(ROOT, directory) as deployed:
        ready = Ready.read(ready_file(directory))
        assert ready.instance_url == deployed.instance_url
        with client_of(ready) as http:
            insert_leads(http, WIRE_ROWS)
            took = asyncio.run(receive(ready, WIRE_ROWS))
            name = "stored change events to one subscriber, the package's fields hidden from it"
            yield Line(name, rate(WIRE_ROWS, took))
            grant(http, ready.admin_user_id)
        took = asyncio.run(receive(ready, WIRE_ROWS))
        yield Line("the same, every field readable", rate(WIRE_ROWS, took), bar="50,000/s")


def ready_file(directory: Path) -> Path:
    """Return the ready-file that the deployed org has written below its directory."""
    return next(path for path in directory.rglob("*.json") if "grpc_endpoint" in path.read_text())


def client_of(ready: Ready) -> httpx.Client:
    """Return a client of one connection that speaks as the administrator."""
    return httpx.Client(
        base_url=ready.instance_url + API,
        headers={"Authorization": f"Bearer {ready.access_token}"},
        verify=ssl.create_default_context(cafile=ready.ca_bundle),
        timeout=60,
    )


def post(http: httpx.Client, path: str, body: object) -> Any:
    """Send a request that must succeed; return the answer's JSON."""
    answer = http.post(path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


def grant(http: httpx.Client, user_id: str) -> None:
    """Let a user see every field of the package."""
    soql = "SELECT Id FROM PermissionSet WHERE Name = 'Speed_to_Lead_Admin'"
    [found] = http.get("/query", params={"q": soql}).json()["records"]
    wanted = {"AssigneeId": user_id, "PermissionSetId": found["Id"]}
    post(http, "/sobjects/PermissionSetAssignment", wanted)


def insert_leads(http: httpx.Client, count: int) -> None:
    """Create leads, as many a call as Collections take."""
    for numbers in batches(count):
        records = [{"attributes": {"type": "Lead"}, **lead(n)} for n in numbers]
        saved = post(http, "/composite/sobjects", {"allOrNone": True, "records": records})
        assert all(row["success"] for row in saved), saved


async def receive(ready: Ready, count: int) -> float:
    """Return the seconds that a subscriber takes to read all stored events from the earliest."""
    metadata = (
        ("accesstoken", ready.access_token),
        ("instanceurl", ready.instance_url),
        ("tenantid", ready.org_id),
    )
    credentials = grpc.ssl_channel_credentials(Path(ready.ca_file).read_bytes())
    async with grpc.aio.secure_channel(ready.grpc_endpoint, credentials) as channel:
        call = pubsub_api_pb2_grpc.PubSubStub(channel).Subscribe(metadata=metadata)
        topic, began, asked, seen = "/data/SpeedToLead__chn", time.perf_counter(), 0, 0
        while seen < count:
            for _ in range(asked - seen, PENDING, PAGE):
                preset = pb.EARLIEST if asked == 0 else pb.LATEST
                wanted = pb.FetchRequest(topic_name=topic, replay_preset=preset, num_requested=PAGE)
                await call.write(wanted)
                asked += PAGE
            seen += len((await call.read()).events)
        took = time.perf_counter() - began
        call.cancel()
    return took


# -- a large org ----------------------------------------------------------------------------------


def lead(number: int) -> dict[str, Any]:
    """Return the values of a lead; every third has no revenue."""
    return {
        "FirstName": f"First{number % 997}",
        "LastName": f"Last{number}",
        "Company": f"Company {number % 5003}",
        "Email": f"lead{number}@example.com",
        "LeadSource": SOURCES[number % len(SOURCES)],
        "Status": STATUSES[number % len(STATUSES)],
        "AnnualRevenue": number % 1000 if number % 3 else None,
    }


def measure_volume(leads: int, tasks: int) -> Iterator[Line]:
    """Give memory, queries and a report of an org in this process."""
    desk, before = Desk(), resident()
    give_channel(desk.org)
    caller, began = Caller(desk.org), time.perf_counter()
    ids = write_leads(caller, leads)
    write_tasks(caller, ids, tasks)
    took = time.perf_counter() - began
    yield Line("rows written in the process, each with its event", rate(leads + tasks, took))
    held = f"{resident() / 2**20:,.0f} MB"
    yield Line(f"memory of the process ({before / 2**20:,.0f} MB when empty)", held, bar="1,024 MB")
    by_hand = desk.org.store.connection.execute
    for what, soql, sql in questions(ids[len(ids) // 2], desk.user_id, leads // 2):
        theirs = best(lambda: by_hand(sql).fetchall())  # noqa: B023 - called at once
        yield Line(what, millis(best(partial(caller.rows, soql))), millis(theirs), "1 s")
    report = partial(desk.ask, reportFormat="SUMMARY", groupingsDown=[grouped("LEAD_SOURCE")])
    sql = 'SELECT "LeadSource", COUNT(*) FROM "Lead" WHERE "IsDeleted" = 0 GROUP BY "LeadSource"'
    theirs = best(lambda: by_hand(sql).fetchall())
    yield Line("report: leads by source, with totals", millis(best(report)), millis(theirs), "1 s")


def write_leads(caller: Caller, count: int) -> list[str]:
    """Create leads; return their ids."""
    rows = ([("Lead", lead(n)) for n in numbers] for numbers in batches(count))
    return [lead_id for batch in rows for lead_id in insert(caller, batch)]


def write_tasks(caller: Caller, leads: Sequence[str], count: int) -> None:
    """Create tasks, on each lead in turn."""
    for numbers in batches(count):
        rows = [
            ("Task", {"Subject": f"Call {n % 50}", "WhoId": leads[n % len(leads)]}) for n in numbers
        ]
        insert(caller, rows)


def insert(caller: Caller, rows: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """Create records that let themselves be created; return their ids."""
    results = caller.org.insert(caller.session, rows)
    assert all(result.success for result in results), results
    return [str(result.id) for result in results]


def questions(lead_id: str, owner: str, number: int) -> Iterator[tuple[str, str, str]]:
    """Give what is asked, the SOQL, and the SQL that somebody who knows the tables would write."""
    fields = 'SELECT "Id", "Name" FROM "Lead" WHERE "IsDeleted" = 0'
    yield (
        "by Id",
        f"SELECT Id, Name FROM Lead WHERE Id = '{lead_id}'",
        f"{fields} AND \"Id\" = '{lead_id}'",
    )
    email = f"lead{number}@example.com"
    yield (
        "by Email",
        f"SELECT Id, Name FROM Lead WHERE Email = '{email}'",
        f"{fields} AND \"Email\" = '{email}'",
    )
    yield (
        "by OwnerId, the newest 200",
        f"SELECT Id, Name FROM Lead WHERE OwnerId = '{owner}' ORDER BY CreatedDate DESC LIMIT 200",
        f'{fields} AND "OwnerId" = \'{owner}\' ORDER BY "CreatedDate" DESC LIMIT 200',
    )
    yield (
        "by a last name beyond ASCII, which no index helps",
        "SELECT Id, Name FROM Lead WHERE LastName = 'Żak'",
        f"{fields} AND \"LastName\" = 'Żak'",
    )
    yield (
        "count by Status",
        "SELECT Status, COUNT(Id) FROM Lead GROUP BY Status",
        'SELECT "Status", COUNT(*) FROM "Lead" WHERE "IsDeleted" = 0 GROUP BY "Status"',
    )
    yield (
        "count and average by LeadSource",
        "SELECT LeadSource, COUNT(Id), AVG(AnnualRevenue) FROM Lead GROUP BY LeadSource",
        (
            'SELECT "LeadSource", COUNT(*), AVG("AnnualRevenue") FROM "Lead" '
            'WHERE "IsDeleted" = 0 GROUP BY "LeadSource"'
        ),
    )
    yield (
        "semi-join: tasks of leads with much revenue",
        "SELECT COUNT() FROM Task WHERE WhoId IN (SELECT Id FROM Lead WHERE AnnualRevenue > 990)",
        (
            'SELECT COUNT(*) FROM "Task" WHERE "IsDeleted" = 0 AND "WhoId" IN '
            '(SELECT "Id" FROM "Lead" WHERE "IsDeleted" = 0 AND "AnnualRevenue" > 990)'
        ),
    )
    page = 'SELECT "Id" FROM "Lead" WHERE "IsDeleted" = 0 ORDER BY "CreatedDate" DESC LIMIT 200'
    yield (
        "200 leads with the tasks of each",
        "SELECT Id, (SELECT Id, Subject FROM Tasks) FROM Lead ORDER BY CreatedDate DESC LIMIT 200",
        f'SELECT "WhoId", "Id", "Subject" FROM "Task" WHERE "IsDeleted" = 0 AND "WhoId" IN ({page})',
    )
    yield (
        "the newest 200 by CreatedDate",
        "SELECT Id, Name FROM Lead ORDER BY CreatedDate DESC LIMIT 200",
        f'{fields} ORDER BY "CreatedDate" DESC LIMIT 200',
    )


def batches(count: int) -> Iterator[range]:
    """Give the numbers up to ``count``, as many at a time as one call takes."""
    for start in range(0, count, BATCH):
        yield range(start, min(start + BATCH, count))


# -- figures --------------------------------------------------------------------------------------


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def best(work: Callable[[], object], times: int = 3) -> float:
    """Return the seconds of the fastest of a few runs."""
    return min(timed(work) for _ in range(times))


def resident() -> int:
    """Return the bytes of memory that this process holds."""
    words = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return int(words[1]) * 4096


def seconds(value: float) -> str:
    """Return seconds as the table shows them."""
    return f"{value:.2f} s"


def millis(value: float) -> str:
    """Return seconds as milliseconds."""
    return f"{value * 1000:,.1f} ms"


def rate(count: int, took: float) -> str:
    """Return how many a second."""
    return f"{count / took:,.0f}/s"


if __name__ == "__main__":
    sys.exit(main())
