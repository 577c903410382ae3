"""Generated reports over generated leads say what a naive recomputation says."""

from __future__ import annotations

import statistics
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_org.clock import millis
from local_org.ids import record_id
from local_org.schema.model import FieldType
from tests.local_org.caller import NOW, Caller, custom, extend, new_org
from tests.local_org.desk import described, grouped

pytestmark = pytest.mark.documented("REST Analytics API guide; Salesforce Help, Reports")

ZONE = ZoneInfo("America/New_York")
SOURCES = (None, "Web", "Other")
START = NOW.replace(microsecond=0) - timedelta(days=40)
COLUMNS = {
    "LEAD_SOURCE": "LeadSource",
    "COMPANY": "Company",
    "Lead.Score__c": "Score__c",
    "CREATED_DATE": "CreatedDate",
    "CONVERTED": "IsConverted",
}
AGGREGATES = ("s", "a", "m", "x", "u", "med")

LEADS = st.lists(
    st.fixed_dictionaries(
        {
            "LeadSource": st.sampled_from(SOURCES),
            "Company": st.sampled_from(("Acme", "acme west", "Initech", "50% Ltd")),
            "Score__c": st.none() | st.integers(-20, 80).map(lambda n: n / 4),
            "CreatedDate": st.integers(0, 41 * 24 * 60).map(lambda m: START + timedelta(minutes=m)),
            "IsConverted": st.booleans(),
        }
    ),
    max_size=14,
)
FILTERS = st.lists(
    st.sampled_from(
        (
            ("LEAD_SOURCE", "equals", "Web"),
            ("LEAD_SOURCE", "notEqual", "Web"),
            ("LEAD_SOURCE", "equals", ""),
            ("COMPANY", "contains", "acme,%"),
            ("COMPANY", "notContain", "ACME"),
            ("COMPANY", "startsWith", "Init"),
            ("Lead.Score__c", "greaterThan", "3.5"),
            ("Lead.Score__c", "lessOrEqual", "0"),
            ("Lead.Score__c", "notEqual", "5"),
            ("CONVERTED", "equals", "true"),
            ("CREATED_DATE", "greaterOrEqual", "2026-10-15"),
            ("CREATED_DATE", "lessThan", "LAST_N_DAYS:10"),
            ("CREATED_DATE", "equals", "LAST_MONTH"),
        )
    ),
    max_size=3,
)
GROUPINGS = st.lists(
    st.sampled_from(
        (
            ("LEAD_SOURCE", "None"),
            ("COMPANY", "None"),
            ("CREATED_DATE", "Day"),
            ("CREATED_DATE", "Week"),
            ("CREATED_DATE", "Month"),
            ("CONVERTED", "None"),
        )
    ),
    max_size=3,
    unique_by=lambda pair: pair[0],
)


@pytest.fixture(scope="module")
def admin():
    org = new_org()
    extend(org, fields=[custom("Score__c", FieldType.DOUBLE, precision=10, scale=2)])
    caller = Caller(org)
    org.store.update_row("User", caller.id, {"TimeZoneSidKey": ZONE.key})
    return caller


def stock(admin, leads):
    """Let these be all the leads of the org."""
    store = admin.org.store
    store.connection.execute('DELETE FROM "Lead"')
    for n, lead in enumerate(leads):
        store.insert_row(
            "Lead",
            lead
            | {
                "Id": record_id("00Q", n + 1),
                "LastName": f"L{n}",
                "OwnerId": admin.id,
                "CreatedDate": millis(lead["CreatedDate"]),
                "IsConverted": int(lead["IsConverted"]),
                "IsDeleted": 0,
            },
        )


# -- the naive recomputation ----------------------------------------------------------------------


def local_day(moment: datetime) -> date:
    return moment.astimezone(ZONE).date()


def span_of(text: str) -> tuple[date, date]:
    """First and last day of the few date values above."""
    today = local_day(NOW)
    if text == "LAST_N_DAYS:10":
        return today - timedelta(days=10), today
    if text == "LAST_MONTH":
        last = today.replace(day=1) - timedelta(days=1)
        return last.replace(day=1), last
    return date.fromisoformat(text), date.fromisoformat(text)


def meets(lead: dict[str, Any], column: str, operator: str, text: str) -> bool:
    value = lead[COLUMNS[column]]
    if operator == "notEqual":
        return not meets(lead, column, "equals", text)
    if operator == "notContain":
        return not meets(lead, column, "contains", text)
    if column == "CREATED_DATE":
        day, (first, last) = local_day(value), span_of(text)
        return {
            "equals": first <= day <= last,
            "lessThan": day < first,
            "greaterOrEqual": day >= first,
        }[operator]
    if text == "":
        return value is None
    if value is None:
        return False
    if column == "CONVERTED":
        return bool(value == (text == "true"))
    if column == "Lead.Score__c":
        number = float(text)
        known = {"equals": value == number, "greaterThan": value > number}
        return bool(known.get(operator, value <= number))
    words = [word.lower() for word in text.split(",")]
    return {
        "equals": value.lower() in words,
        "contains": any(word in value.lower() for word in words),
        "startsWith": any(value.lower().startswith(word) for word in words),
    }[operator]


def key_of(lead: dict[str, Any], name: str, granularity: str) -> Any:
    """The ``value`` of the group a lead falls into."""
    value = lead[COLUMNS[name]]
    if name != "CREATED_DATE":
        return value
    day = local_day(value)
    if granularity == "Week":
        day -= timedelta(days=day.isoweekday() % 7)
    if granularity == "Month":
        day = day.replace(day=1)
    return day.isoformat()


def expected(leads: list[dict[str, Any]]) -> list[Any]:
    """The aggregates of some leads, in the order of AGGREGATES and the count."""
    scores = [lead["Score__c"] for lead in leads if lead["Score__c"] is not None]
    if not scores:
        return [0, None, None, None, 0, None, len(leads)]
    return [
        sum(scores),
        statistics.fmean(scores),
        min(scores),
        max(scores),
        len(set(scores)),
        statistics.median(scores),
        len(leads),
    ]


def close(found: list[Any], wanted: list[Any]) -> bool:
    return len(found) == len(wanted) and all(
        a == b if a is None or b is None else a == pytest.approx(b)
        for a, b in zip(found, wanted, strict=True)
    )


def paths(groups: list[dict[str, Any]], above: tuple[Any, ...] = ()) -> dict[str, tuple[Any, ...]]:
    """Values of every group by its key, the grand total among them."""
    found: dict[str, tuple[Any, ...]] = {"T": ()} if not above else {}
    for each in groups:
        path = (*above, each["value"])
        found[each["key"]] = path
        found |= {k: v for k, v in paths(each["groupings"], path).items() if k != "T"}
    return found


def asked(form, down, *, across=(), filters=(), logic=None):
    listed = [{"column": c, "operator": o, "value": v} for c, o, v in filters]
    metadata = {
        "reportFormat": form,
        "reportFilters": listed,
        "reportBooleanFilter": logic,
        "groupingsDown": [grouped(name, unit) for name, unit in down],
        "groupingsAcross": [grouped(name, unit) for name, unit in across],
        "aggregates": [*(f"{a}!Lead.Score__c" for a in AGGREGATES), "RowCount"],
        "detailColumns": ["LAST_NAME"],
    }
    return {"reportMetadata": described("LeadList", metadata)}


EXAMPLES = settings(
    max_examples=400,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@EXAMPLES
@given(
    leads=LEADS, filters=FILTERS, groupings=GROUPINGS, across=st.booleans(), either=st.booleans()
)
def test_totals_of_every_group_equal_a_naive_recomputation(
    admin, leads, filters, groupings, *, across, either
):
    """Whatever is filtered and grouped by, each key of the fact map has the totals of its leads."""
    stock(admin, leads)
    logic = " OR ".join(str(n + 1) for n in range(len(filters))) if either and filters else None
    cut = 1 if across and len(groupings) > 1 else len(groupings)
    down, sideways = groupings[:cut], groupings[cut:]
    form = "MATRIX" if sideways else "SUMMARY" if down else "TABULAR"
    answer = admin.org.analytics.query(
        admin.session,
        asked(form, down, across=sideways, filters=filters, logic=logic),
        details=True,
    )
    combine = any if logic else all
    kept = [lead for lead in leads if combine(meets(lead, *each) for each in filters)]
    rows, columns = (
        paths(answer[side]["groupings"]) for side in ("groupingsDown", "groupingsAcross")
    )
    assert set(answer["factMap"]) == {f"{d}!{a}" for d in rows for a in columns}
    told = 0
    for key, fact in answer["factMap"].items():
        row, column = key.split("!")
        wanted = [
            lead
            for lead in kept
            if all(key_of(lead, *g) == v for g, v in zip(down, rows[row], strict=False))
            and all(key_of(lead, *g) == v for g, v in zip(sideways, columns[column], strict=False))
        ]
        found = [each["value"] for each in fact["aggregates"]]
        assert close(found, expected(wanted)), key
        innermost = len(rows[row]) == len(down) and len(columns[column]) == len(sideways)
        assert len(fact["rows"]) == (len(wanted) if innermost else 0)
        told += len(fact["rows"])
    assert told == len(kept)


@EXAMPLES
@given(leads=LEADS, groupings=GROUPINGS.filter(bool))
def test_every_group_has_rows_and_stands_in_order(admin, leads, groupings):
    """No group is empty, none is missing or doubled, and blank ones come first."""
    stock(admin, leads)
    answer = admin.org.analytics.query(admin.session, asked("SUMMARY", groupings), details=False)
    values = [each["value"] for each in answer["groupingsDown"]["groupings"]]
    wanted = {key_of(lead, *groupings[0]) for lead in leads}
    assert len(values) == len(wanted)
    assert set(values) == wanted
    if groupings[0][0] != "LEAD_SOURCE":
        assert values == sorted(wanted, key=lambda v: v.lower() if isinstance(v, str) else v)
    elif None in wanted:
        assert values[0] is None
