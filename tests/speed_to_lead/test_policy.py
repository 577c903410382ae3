"""A policy file is a policy, or a list of everything that is wrong with it and where."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from speed_to_lead.errors import PolicyInvalid
from speed_to_lead.policy import OwnerRef, Policy, check, lint, load_policy, policy_schema, show
from speed_to_lead.policy.schema import SCHEMA_FILE, schema_text
from tests.speed_to_lead.policies import DEMO, ROBOT, document, policy


@pytest.fixture
def findings(tmp_path, monkeypatch):
    """Return what ``check`` finds in a document, or in a text that shall be one."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "policy.json"

    def found(content):
        text = content if isinstance(content, str) else json.dumps(content)
        file.write_text(text, encoding="utf-8")
        return check(file.relative_to(tmp_path))

    return found


@pytest.mark.parametrize("path", [DEMO, ROBOT], ids=["demo", "robot"])
def test_the_policies_that_we_ship_are_sound_and_of_version_1_0_0(path):
    assert check(path) == []
    assert load_policy(path).version == "1.0.0"


def test_the_policy_of_the_robot_suites_works_in_any_org():
    assert load_policy(ROBOT).owners() == {OwnerRef(keep=True)}


def test_the_schema_in_its_file_is_that_of_the_models():
    written = SCHEMA_FILE.read_text(encoding="utf-8")
    assert written == schema_text(), "write it anew: python -m speed_to_lead.policy"
    Draft202012Validator.check_schema(policy_schema())


def objects(schema):
    """Every schema of an object with named keys."""
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("type") == "object":
            yield schema
        for value in schema.values():
            yield from objects(value)


def test_no_part_of_a_policy_takes_keys_that_it_does_not_know_and_each_part_is_described():
    for schema in objects(policy_schema()):
        assert schema["additionalProperties"] is False
        assert schema["description"]


NEEDS_ONE_OF = "expected one of queue, user, keep"
SCHEMA_BREACHES = [
    ([("routes.routes.1.owner", {})], f"routes.routes[1].owner: {NEEDS_ONE_OF}, got none"),
    (
        [("routes.routes.1.owner", {"queue": "Desk", "user": "rep1@local.test"})],
        f"routes.routes[1].owner: {NEEDS_ONE_OF}, got queue, user",
    ),
    (
        [("routes.routes.1.owner", {"qeue": "Desk"})],
        "routes.routes[1].owner: unknown key qeue: did you mean queue?",
    ),
    ([("routes.routes.1.owner", "Desk")], 'routes.routes[1].owner: expected an object, got "Desk"'),
    ([("routes.owner.queue", "No Such")], "routes.owner.queue: expected a text that matches"),
    (
        [("routes.routes.0.when", {"in": {"field": "size", "values": ["ENT"]}})],
        'routes.routes[0].when.in.field: expected one of "segment", "region", "country", "source", ',
    ),
    (
        [("routes.routes.0.when.xyz", 1)],
        "routes.routes[0].when: expected one of in, range, all, any",
    ),
    ([("version", "1.0")], 'version: expected a text such as 1.0.0, got "1.0"'),
    ([("version", "1.0.0\n")], "version: String should match pattern"),
    ([("version", ...)], "version is missing"),
    ([("zzz", 1)], "unknown key zzz: expected one of version, clock, response, segments, "),
    ([("default_region", "\ud800")], "default_region: Input should be a valid string"),
    ([("sla.SMB.clock", "lunar")], "sla.SMB.clock: expected "),
    ([("segments.0.employees", [1])], "segments[0].employees: expected 2 or more values, got [1]"),
    (
        [("segments.0.employees", [1, "many"])],
        'segments[0].employees[1]: expected a whole number or null, got "many"',
    ),
    ([("clock.lookback_days", -1)], "clock.lookback_days: -1 is less than the minimum of 0"),
    ([("clock.start", ["Id FROM User"])], "clock.start[0]: expected a text that matches"),
]


@pytest.mark.parametrize(("changes", "finding"), SCHEMA_BREACHES, ids=lambda value: str(value)[:40])
def test_a_breach_of_the_schema_is_told_with_its_place_and_what_was_expected(
    findings, changes, finding
):
    told = findings(document(*changes))
    assert any(line.startswith(f"policy.json: {finding}") for line in told), told


def test_all_breaches_are_told_at_once(findings):
    assert len(findings(document(("version", 1), ("sla.SMB", {}), ("routes.owner", {})))) == 3


NO_DOCUMENTS = [
    ("{", "expected a JSON document: Expecting property name"),
    (
        '{"version": "1.0.0", "version": "2.0.0"}',
        'expected a JSON document: key "version" occurs twice',
    ),
    ('{"version": NaN}', "expected a JSON document: NaN is no number of JSON"),
    ("[]", "expected an object, got []"),
    ("[" * 100_000, "nested too deeply"),
]


@pytest.mark.parametrize(("text", "finding"), NO_DOCUMENTS, ids=lambda value: value[:20])
def test_a_file_that_is_no_json_object_is_told_so(findings, text, finding):
    [told] = findings(text)
    assert told.startswith(f"policy.json: {finding}")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    assert check(tmp_path / "none.json") == [
        f"{tmp_path / 'none.json'}: cannot be read: No such file or directory"
    ]


def test_an_unsound_policy_cannot_be_loaded_and_says_why(tmp_path):
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(document(("version", "1"), ("sla.SMB", {}))), encoding="utf-8")
    with pytest.raises(PolicyInvalid) as raised:
        load_policy(file)
    assert str(raised.value).splitlines() == check(file)
    assert raised.value.exit_code == 64


# -- the digest -----------------------------------------------------------------------------------


def shuffled(value, random):
    """Return the same JSON value with the keys of its objects in another order."""
    if isinstance(value, list):
        return [shuffled(each, random) for each in value]
    if not isinstance(value, dict):
        return value
    pairs = [(key, shuffled(each, random)) for key, each in value.items()]
    random.shuffle(pairs)
    return dict(pairs)


@given(st.randoms(use_true_random=False))
def test_the_order_of_keys_leaves_the_digest_alone(random):
    assert Policy.model_validate(shuffled(document(), random)).digest == policy().digest


def test_the_digest_is_that_of_a_sha256_and_no_other_for_other_words():
    assert policy().digest.startswith("sha256:")
    assert len(policy().digest) == 71
    assert policy(("version", "1.0.1")).digest != policy().digest


def test_a_default_that_is_written_out_leaves_the_digest_alone():
    assert policy(("clock.lookback_days", 30)).digest == policy().digest
    assert policy(("clock.lookback_days", 31)).digest != policy().digest


# -- what a policy answers ------------------------------------------------------------------------


@given(st.none() | st.integers())
def test_every_number_of_employees_has_a_segment_and_every_segment_a_target(employees):
    assert policy().target(policy().segment_of(employees)).target_minutes > 0


@pytest.mark.parametrize(
    ("employees", "segment"),
    [
        (None, "SMB"),
        (0, "SMB"),
        (200, "SMB"),
        (201, "MM"),
        (2000, "MM"),
        (2001, "ENT"),
        (9**9, "ENT"),
    ],
)
def test_the_bounds_of_a_segment_belong_to_it(employees, segment):
    assert policy().segment_of(employees) == segment


@pytest.mark.parametrize(
    ("country", "region"),
    [
        ("Germany", "EMEA"),
        (" germany ", "EMEA"),
        ("Elbonia", "Other"),
        ("", "Other"),
        (None, "Other"),
    ],
)
def test_countries_are_compared_without_case_and_the_unknown_ones_have_the_default(country, region):
    assert policy().region_of(country) == region


def test_owners_are_all_that_a_route_names():
    assert policy().owners() == {
        OwnerRef(queue="Enterprise_Desk"),
        OwnerRef(queue="Unsorted_Leads"),
        *(OwnerRef(user=f"rep{number}@local.test") for number in range(1, 7)),
    }
    assert str(OwnerRef(queue="Enterprise_Desk")) == "queue Enterprise_Desk"


def test_the_tree_of_routes_is_shown_with_whom_it_takes_and_who_owns_them():
    shown = show(policy()).splitlines()
    assert shown[0] == "version   1.0.0"
    assert "Unsorted: everything else → queue Unsorted_Leads" in shown
    assert "├── Enterprise: segment in ENT → queue Enterprise_Desk" in shown
    assert "│   └── North America, mid-market: segment in MM → user rep2@local.test" in shown


def test_a_sound_policy_has_no_findings():
    assert lint(policy()) == []
