"""Generated queries over generated rows answer what a naive evaluation answers."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_org.records.store import Store
from local_org.soql.run import execute
from tests.local_org.generated_soql import (
    INSIDE,
    LEAD_KEYS,
    OTHERS,
    RICH,
    SCHEMA,
    START,
    USERS,
    aggregates,
    by_id,
    combined,
    compares,
    equality,
    few,
    group_queries,
    lead_queries,
    lead_where,
    leaves,
    pieces,
    signs,
    soql,
    task_where,
    texts,
    worlds,
)
from tests.local_org.naive_soql import (
    Among,
    Compare,
    Joined,
    Like,
    Opposite,
    Select,
    Sort,
    World,
    folded,
)
from tests.local_org.rows import Everything, put

pytestmark = pytest.mark.documented("SOQL and SOSL Reference")

steady = settings(
    derandomize=True,
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


# -- the comparison -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ask():
    store = Store(None, SCHEMA)
    user = {"Id": USERS[0], "TimeZoneSidKey": "UTC", "LocaleSidKey": "en_US"}

    loaded: list[World] = []

    def run(world, text):
        if loaded != [world]:
            load(world)
            loaded[:] = [world]
        return execute(store, SCHEMA, Everything(), text, now=START, user=user, version="66.0")

    def load(world):
        for entity, rows in world.tables.items():
            store.connection.execute(f'DELETE FROM "{entity}"')
            for row in rows:
                put(store, entity, **row)

    yield run
    store.close()


def shown(value):
    """Return a value as REST shows it."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    return value


def read(record, steps):
    """Return a value of a record, or of its parent."""
    for step in steps[:-1]:
        record = record[step]
        if record is None:
            return None
    return record[steps[-1]]


def answer(result, query):
    """Return the records of a result as the naive evaluation has them."""
    return [
        [read(record, steps) for steps in query.items]
        + [
            answer(record[name]["records"] if record[name] else [], child)
            for name, child in query.children.items()
        ]
        for record in result
    ]


def same_records(ask, world, query):
    """Compare the answers to a query of records."""
    text = soql(query)
    assert answer(ask(world, text).records, query) == world.records(query), text


def comparable(row):
    """Return a row as a value: of texts that are one group any may stand for it."""
    return tuple((type(value).__name__, folded(value)) for value in map(shown, row))


def rows_of(result):
    """Return the aggregate rows of a result."""
    return [comparable([v for k, v in r.items() if k != "attributes"]) for r in result.records]


@given(worlds(), lead_queries)
@steady
def test_filters_orders_and_windows_select_what_they_say(ask, world, query):
    same_records(ask, world, query)


@given(st.sampled_from(("Lead", "Task")).flatmap(lambda e: st.tuples(st.just(e), leaves(e))))
@settings(steady, max_examples=250)
def test_each_condition_alone_selects_what_it_says(ask, case):
    entity, where = case
    same_records(ask, RICH, Select(entity, (("Id",),), where, order=(Sort(("Id",)),)))
    negated = Select(entity, (("Id",),), Opposite(where), order=(Sort(("Id",)),))
    same_records(ask, RICH, negated)


@given(st.builds(Sort, st.sampled_from(LEAD_KEYS), st.booleans(), st.booleans()), few)
@steady
def test_each_order_alone_puts_blanks_where_they_are_told_to_stand(ask, sort, limit):
    same_records(ask, RICH, Select("Lead", (("Id",),), order=(sort, Sort(("Id",))), limit=limit))


@given(worlds(), st.data())
@steady
def test_semi_joins_and_anti_joins_select_what_they_say(ask, world, data):
    """Only such as an org takes: one or two, beside other conditions by AND, tasks outside."""
    entity = data.draw(st.sampled_from(tuple(INSIDE)))
    joins = st.one_of(
        [
            st.builds(
                Among,
                st.just(left),
                st.builds(Select, st.just(inner), st.just((selected,)), where=where),
                st.booleans(),
            )
            for left, inner, selected, where in INSIDE[entity]
        ]
    )
    parts = data.draw(st.lists(joins, min_size=1, max_size=2))
    others = OTHERS.get(entity)
    if others is not None:
        parts += data.draw(st.lists(others, max_size=1))
    where = Joined("AND", tuple(parts)) if len(parts) > 1 else parts[0]
    same_records(ask, world, Select(entity, (("Id",),), where, order=(Sort(("Id",)),)))


@given(worlds() | st.just(RICH), st.data())
@steady
def test_children_are_those_of_their_parent(ask, world, data):
    inner = st.builds(
        Select,
        st.just("Task"),
        st.just((("Id",), ("Subject",), ("Owner", "Name"))),
        where=task_where,
        order=by_id([("Subject",), ("Status",)]),
        limit=st.none() | st.integers(1, 3),
    )
    outer = st.builds(
        Select,
        st.just("Lead"),
        st.just((("Id",),)),
        where=lead_where,
        order=st.just((Sort(("Id",)),)),
        offset=few,
        children=st.fixed_dictionaries({"Tasks": inner}),
    )
    same_records(ask, world, data.draw(outer))


@given(worlds(), st.data())
@steady
def test_paths_through_parents_reach_what_they_name(ask, world, data):
    steps = (("Account", "Name"), ("Account", "Owner", "Name"))
    conditions = st.one_of(
        st.builds(Compare, st.sampled_from(steps), signs, st.none() | texts),
        st.builds(Like, st.sampled_from(steps), pieces.map(tuple)),
        compares(("Account", "Owner", "IsActive"), equality, st.booleans()),
    )
    where, order = data.draw(combined(conditions)), data.draw(by_id(steps))
    same_records(ask, world, Select("Contact", (("Id",), *steps), where, order=order))


@given(worlds(), lead_where, aggregates)
@steady
def test_totals_are_one_row_even_of_nothing(ask, world, where, chosen):
    query = Select("Lead", tuple(chosen), where)
    text = soql(query)
    assert rows_of(ask(world, text)) == [comparable(row) for row in world.groups(query)], text


@given(worlds(), group_queries(""))
@steady
def test_groups_are_counted_kept_and_sorted_as_they_say(ask, world, query):
    text = soql(query)
    assert rows_of(ask(world, text)) == [comparable(row) for row in world.groups(query)], text


@pytest.mark.parametrize("grouping", ["ROLLUP", "CUBE"])
@given(worlds(), st.data())
@steady
def test_subtotals_are_those_of_their_levels(ask, grouping, world, data):
    query = data.draw(group_queries(grouping))
    text = soql(query)
    wanted = sorted(map(comparable, world.groups(query)), key=repr)
    assert sorted(rows_of(ask(world, text)), key=repr) == wanted, text
