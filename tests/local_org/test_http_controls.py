"""The org's own controls move its clock and end it, and obey nobody but its admin."""

import pytest

from local_org.clock import Clock
from tests.local_org.caller import NOW
from tests.local_org.web import ADMIN_TOKEN, Web

pytestmark = pytest.mark.inferred(
    "controls of the local org; settled by: nothing, since no real org has them"
)

ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


@pytest.fixture
def web():
    return Web()


def clock(web, **change):
    method = "POST" if change else "GET"
    answer = web.call(method, "/local-org/clock", json=change or None, headers=ADMIN)
    return answer.json()


def test_anybody_may_ask_whether_the_org_is_ready(web):
    told = web.call("GET", "/local-org/ready", headers={"Authorization": ""}).json()
    assert told == {"ready": True, "org_id": web.org.org_id}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "clock"),
        ("POST", "clock"),
        ("GET", "fault"),
        ("DELETE", "fault"),
        ("GET", "limits"),
        ("POST", "limits"),
        ("POST", "stop"),
    ],
)
def test_a_session_of_the_org_opens_no_control(web, method, path):
    assert web.call(method, f"/local-org/{path}", json={}).status_code == 401
    assert web.stopped == []


def test_the_clock_is_set_moved_and_stopped(web):
    assert clock(web) == {"now": "2026-11-02T10:00:00.731Z", "speed": 0}
    assert clock(web, set="2026-03-02T09:00:00Z")["now"] == "2026-03-02T09:00:00.000Z"
    assert clock(web, advance=90)["now"] == "2026-03-02T09:01:30.000Z"
    assert clock(web, speed=3600)["speed"] == 3600


@pytest.mark.parametrize(
    ("speed", "shown"),
    [
        (1, "2026-11-02T10:00:10.731Z"),
        (0, "2026-11-02T10:00:00.731Z"),
        (360, "2026-11-02T11:00:00.731Z"),
    ],
)
def test_in_ten_seconds_the_clock_runs_as_far_as_its_speed_says(web, speed, shown):
    seconds = [0.0]
    web.org.clock = Clock(NOW, speed=0, monotonic=lambda: seconds[0])
    clock(web, speed=speed)
    seconds[0] = 10.0
    assert clock(web) == {"now": shown, "speed": speed}


@pytest.mark.parametrize(
    "change",
    [
        {"set": "noon"},
        {"set": "0001-01-01T00:00:00Z"},
        {"set": "9999-12-31T23:59:59Z"},
        {"advance": -1},
        {"advance": 1e300},
        {"set": "2899-12-31T00:00:00Z", "advance": 1e9},
        {"speed": "fast"},
        {"speed": True},
        {"speed": 1e300},
        {"x": 1},
        {},
    ],
)
def test_a_change_that_makes_no_sense_changes_nothing(web, change):
    told = web.refusal("POST", "/local-org/clock", json=change, headers=ADMIN)
    assert told[:2] == (400, "INVALID_INPUT")
    assert clock(web)["now"] == "2026-11-02T10:00:00.731Z"


def limits(web, **change):
    method = "POST" if change else "GET"
    return web.call(method, "/local-org/limits", json=change or None, headers=ADMIN)


def test_a_limit_is_what_it_is_set_to(web):
    used = web.org.api_usage()[0]
    assert limits(web, DailyApiRequests=used + 1).status_code == 200
    answer = web.rest("GET", "/limits")
    assert answer.json()["DailyApiRequests"] == {"Max": used + 1, "Remaining": 0}
    assert answer.headers["sforce-limit-info"] == f"api-usage={used + 1}/{used + 1}"
    assert web.rest("GET", "/limits").status_code == 403
    assert limits(web, DailyApiRequests=15_000).json()["DailyApiRequests"]["Max"] == 15_000
    assert web.rest("GET", "/limits").status_code == 200


@pytest.mark.parametrize("change", [{"SingleEmail": 1}, {"Nope": 1}, {"DailyApiRequests": -1}])
def test_only_limits_that_are_enforced_are_set(web, change):
    answer = limits(web, DailyBulkApiBatches=1, **change)
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == "INVALID_INPUT"
    assert next(iter(change)) in answer.json()[0]["message"]
    assert limits(web).json()["DailyBulkApiBatches"]["Max"] == 15_000


def test_stop_ends_the_process(web):
    assert web.call("POST", "/local-org/stop", headers=ADMIN).json() == {"stopping": True}
    assert web.stopped == [True]
