"""The ownership ledger: each second of a wait belongs to somebody, and the parts are the whole."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speed_to_lead.model import Hold, Keeper
from speed_to_lead.ownership import Span, delay, spans
from speed_to_lead.pipeline.collect import Handover
from tests.speed_to_lead.building import U1, U2, I, L, Q, arrival, at, facts, lead, verdict_of

T0 = at("10:00")


TEN = at("10:10")


def held(*holds, started=T0, until=TEN):
    made = [Hold(moment, owner, keeper) for moment, owner, keeper in holds]
    total = delay(spans(made, started, until))
    return total.system_seconds, total.human_seconds


HUMAN, QUEUE, AUTOMATION = Keeper.HUMAN, Keeper.QUEUE, Keeper.AUTOMATION


@pytest.mark.parametrize(
    ("holds", "until", "expected"),
    [
        pytest.param([(T0, U1, HUMAN)], at("10:05:30"), (0, 330), id="W-01"),
        pytest.param(
            [(T0, Q, QUEUE), (at("10:04"), U1, HUMAN)], at("10:10"), (240, 360), id="W-02"
        ),
        pytest.param([(T0, Q, QUEUE)], at("10:10"), (600, 0), id="W-03"),
        pytest.param(
            [
                (T0, Q, QUEUE),
                (at("10:02"), U1, HUMAN),
                (at("10:05"), Q, QUEUE),
                (at("10:09"), U2, HUMAN),
            ],
            at("10:10"),
            (360, 240),
            id="W-04",
        ),
        pytest.param(
            [(T0, I, AUTOMATION), (at("10:03"), U1, HUMAN)], at("10:10"), (180, 420), id="W-05"
        ),
        pytest.param([(T0, U1, HUMAN), (at("10:05"), U2, HUMAN)], at("10:10"), (0, 600), id="W-06"),
    ],
)
def test_a_wait_is_split_between_the_system_and_people(holds, until, expected):
    assert held(*holds, until=until) == expected


def test_w07_before_the_lead_was_there_nobody_had_it():
    assert held((T0, U1, HUMAN), started=at("09:50"), until=at("10:07")) == (600, 420)


def test_w06_each_of_two_people_is_charged_for_their_own_time():
    holds = [Hold(T0, U1, HUMAN), Hold(at("10:05"), U2, HUMAN)]
    assert [(s.owner_id, s.seconds) for s in spans(holds, T0, at("10:10"))] == [
        (U1, 300),
        (U2, 300),
    ]


def test_a_hand_over_after_the_answer_is_nobodys_wait():
    holds = [Hold(T0, Q, QUEUE), Hold(at("10:20"), U1, HUMAN)]
    assert [s.owner_id for s in spans(holds, T0, at("10:10"))] == [Q]


def test_of_no_time_there_are_no_spans():
    assert spans([Hold(T0, U1, HUMAN)], T0, T0) == []
    assert spans([], T0, at("09:00")) == []


@given(
    st.lists(
        st.tuples(
            st.integers(-3600, 7200), st.sampled_from([(U1, HUMAN), (U2, HUMAN), (Q, QUEUE)])
        ),
        max_size=12,
    ),
    st.integers(0, 7200),
    st.randoms(use_true_random=False),
)
def test_w08_the_parts_are_the_whole_for_any_sequence_in_any_order(drawn, length, random):
    holds = [Hold(T0 + timedelta(seconds=s), *who) for s, who in drawn]
    until = T0 + timedelta(seconds=length)
    parts = spans(holds, T0, until)
    total = delay(parts)
    assert total.system_seconds + total.human_seconds == length
    edges = [edge for part in parts for edge in (part.began, part.ended)]
    assert edges == sorted(edges)
    assert not parts or (edges[0], edges[-1]) == (T0, until)
    assert all(isinstance(part, Span) and part.seconds > 0 for part in parts)
    random.shuffle(holds)
    assert delay(spans(holds, T0, until)) == total


def test_the_owner_at_creation_and_each_hand_over_are_recorded_with_their_kind():
    given = facts(
        leads=(lead(owner_id=U2),),
        arrivals={L: arrival(Q)},
        handovers={L: [Handover(I, at("10:02")), Handover(U2, at("10:04:00.779"))]},
    )
    assert verdict_of(given).holds == [
        Hold(T0, Q, QUEUE),
        Hold(at("10:02"), I, AUTOMATION),
        Hold(at("10:04"), U2, HUMAN),
    ]


def test_a_lead_that_we_have_routed_before_tells_nothing_of_its_first_owner():
    routed = lead(owner_id=U2, policy_version="1.2.3")
    assert verdict_of(facts(leads=(routed,), arrivals={L: arrival(None)})).holds == []
