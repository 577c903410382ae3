"""A stamp is the minimum over the evidence: whatever order it comes in, and however often."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from speed_to_lead.first_response import (
    clock_start,
    earliest,
    judge_email,
    judge_task,
    response_time,
    stamp_of,
    to_write,
)
from speed_to_lead.ids import email_message_id, task_id
from speed_to_lead.model import Evidence, Reason
from tests.speed_to_lead.touches import (
    DAY,
    INQUIRY,
    POLICY,
    U1,
    U2,
    U3,
    I,
    L,
    M,
    Q,
    call,
    lead,
    mail,
    policy,
    users,
)

INSTANTS = st.integers(-40 * 86400, 20 * 86400).map(lambda s: DAY + timedelta(seconds=s))
ANY_USER = st.sampled_from([None, U1, U2, U3, I])
TASKS = st.builds(
    lambda number, **fields: call("10:00", id=task_id(f"00T{number:012}"), **fields),
    st.integers(0, 9),
    who_id=st.sampled_from([L, L, L, M, None]),
    subtype=st.sampled_from(["Call", "Email", "LinkedIn", "Task", "ListEmail", "Cadence", None]),
    type=st.sampled_from([None, "Call", "SMS"]),
    is_closed=st.sampled_from([True, True, False]),
    completed_at=st.none() | INSTANTS,
    call_seconds=st.none() | st.integers(0, 7200),
    call_type=st.sampled_from([None, "Outbound", "Inbound", "Internal"]),
    owner_id=st.sampled_from([U1, U2, I, Q]),
    created_at=INSTANTS,
    created_by=ANY_USER,
    modified_at=INSTANTS,
    modified_by=ANY_USER,
    closer=ANY_USER,
    closed_at_commit=st.none() | INSTANTS,
    deleted=st.booleans(),
)
MAILS = st.builds(
    lambda number, **fields: mail("10:00", id=email_message_id(f"02s{number:012}"), **fields),
    st.integers(0, 9),
    incoming=st.sampled_from([False, False, True]),
    status=st.sampled_from(["3", "3", "5"]),
    message_at=st.none() | INSTANTS,
    created_at=INSTANTS,
    created_by=ANY_USER,
    from_user=ANY_USER,
    committed_at=INSTANTS,
    lead_ids=st.sampled_from([(L,), (L, M), (M,), ()]),
    captured=st.booleans(),
)
LEADS = st.builds(
    lambda inquiry, created_by: lead(
        created_by=created_by, inquiry={} if inquiry is None else {"Inquiry_At__c": inquiry}
    ),
    st.none() | INSTANTS,
    ANY_USER,
)
POLICIES = st.sampled_from([POLICY, INQUIRY, policy(backdated_may_lower=False)])
PEOPLE = st.sampled_from([users(), users(I={"trusted_logger": True})])


def judged(rules, whom, record, people):
    judge = judge_email if hasattr(record, "incoming") else judge_task
    return judge(rules, whom, record, people)


@st.composite
def accepted(draw):
    """A policy, a Lead, and the evidence out of some records, which share no id."""
    rules, whom, people = draw(POLICIES), draw(LEADS), draw(PEOPLE)
    records = draw(st.lists(TASKS | MAILS, max_size=8, unique_by=lambda record: record.id))
    judgements = [judged(rules, whom, record, people) for record in records]
    return rules, whom, [each for each in judgements if isinstance(each, Evidence)]


@given(accepted(), st.data())
def test_every_order_with_repeats_ends_in_the_same_stamp(facts, data):
    rules, whom, evidence = facts
    clock = clock_start(rules, whom)
    repeats = data.draw(st.lists(st.sampled_from(evidence))) if evidence else []
    held: list[Evidence] = []
    stamped = None
    for each in data.draw(st.permutations([*evidence, *repeats])):
        behind = next((e for e in held if stamp_of(rules, clock, e) == stamped), None)
        held.append(each)
        best = earliest(held) or each
        stamped = to_write(stamped, behind, best, stamp_of(rules, clock, best)) or stamped
    best_of_all = earliest(evidence)
    assert stamped == (None if best_of_all is None else stamp_of(rules, clock, best_of_all))


@given(accepted(), st.data())
def test_a_stamp_never_moves_later_even_when_nothing_is_known_of_it(facts, data):
    rules, whom, evidence = facts
    clock, stamped = clock_start(rules, whom), None
    for each in data.draw(st.permutations(evidence)):
        better = to_write(stamped, None, each, stamp_of(rules, clock, each))
        assert stamped is None or better is None or better.at < stamped.at
        stamped = better or stamped
    assert stamped is None or stamped.at == min(each.at for each in evidence)


@given(POLICIES, LEADS, TASKS | MAILS, PEOPLE)
def test_every_record_is_judged_and_equal_facts_are_judged_alike(rules, whom, record, people):
    judgement = judged(rules, whom, record, people)
    assert judgement == judged(rules, whom, replace(record), dict(people))
    assert judgement.record_id == record.id
    if isinstance(judgement, Evidence):
        assert judgement.at.microsecond == 0
        assert judgement.at >= clock_start(rules, whom).at - timedelta(
            days=rules.clock.lookback_days
        )
        assert response_time(clock_start(rules, whom), judgement.at) >= timedelta(0)
        assert judgement.user not in {I, Q}
    else:
        assert judgement.reason in Reason


@given(POLICIES, LEADS, TASKS | MAILS, PEOPLE, st.integers(0, 999_999))
def test_parts_of_a_second_make_no_difference(rules, whom, record, people, microseconds):
    names = (
        "completed_at",
        "closed_at_commit",
        "message_at",
        "committed_at",
        "modified_at",
        "created_at",
    )
    later = {
        name: value + timedelta(microseconds=microseconds)
        for name in names
        if (value := getattr(record, name, None)) is not None
    }
    assert judged(rules, whom, replace(record, **later), people) == judged(
        rules, whom, record, people
    )
